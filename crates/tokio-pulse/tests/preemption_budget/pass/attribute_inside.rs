// Attributes at the start of a body stay those of the function, and those at the start of a loop stay there.
#![deny(warnings)]

#[tokio_pulse::preemption_budget]
async fn inner_attributes() {
    #![allow(unused_variables)]
    for n in 0..3 {
        #![allow(unused_mut)]
        let mut unused = n;
    }
}

fn main() {
    tokio_pulse::Runtime::new().unwrap().block_on(inner_attributes());
}
