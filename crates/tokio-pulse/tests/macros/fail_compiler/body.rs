// Errors in the body are the user's: they point into the body.

#[tokio_pulse::main]
async fn unknown_name() {
    missing();
}

#[tokio_pulse::main]
async fn wrong_type() -> Result<(), std::io::Error> {
    let _ = 1;
    "not a result"
}

#[tokio_pulse::main]
async fn no_value() -> Result<(), std::io::Error> {
    println!("forgot the result");
}

#[tokio_pulse::main]
async fn too_much() {
    1 + 1
}

#[tokio_pulse::main]
async fn wrong_question_mark() {
    "7".parse::<u8>()?;
}

#[tokio_pulse::test]
async fn wrong_type_in_test() -> Result<(), std::io::Error> {
    Ok(1)
}

#[tokio_pulse::main]
async fn not_awaited() -> u8 {
    std::future::ready(1)
}

fn main() {}
