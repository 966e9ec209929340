#![deny(warnings)]

use std::fmt::Display;

struct Name<'a>(&'a str);

impl Name<'_> {
    #[tokio_pulse::main(flavor = "current_thread")]
    async fn read(&self) -> &str {
        self.0
    }

    #[tokio_pulse::main(flavor = "current_thread")]
    async fn take(self, body: String) -> String {
        body + self.0
    }
}

#[tokio_pulse::main(flavor = "current_thread")]
async fn show<T, const N: usize>(values: [T; N]) -> impl Display
where
    T: Display,
{
    #![allow(clippy::useless_format)]
    format!("{}", values[N - 1])
}

#[allow(dead_code)]
#[tokio_pulse::main(flavor = "current_thread")]
async fn forever() -> ! {
    loop {
        tokio::task::yield_now().await;
    }
}

#[tokio_pulse::main(flavor = "current_thread")]
async fn empty() {}

#[tokio_pulse::main(flavor = "current_thread")]
async fn early(value: Option<u8>) -> Option<u8> {
    let value = value?;
    return Some(value + 1);
}

fn main() {
    empty();
    assert_eq!(Name("a").read(), "a");
    assert_eq!(Name("a").take("b".to_owned()), "ba");
    assert_eq!(show([1, 2]).to_string(), "2");
    assert_eq!(early(Some(1)), Some(2));
    assert_eq!(early(None), None);
}
