module stretches

go 1.19
