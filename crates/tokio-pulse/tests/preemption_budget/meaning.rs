//! Functions under the attribute return what they would without.
#![allow(
    clippy::manual_async_fn,
    clippy::needless_arbitrary_self_type,
    clippy::while_let_on_iterator,
    reason = "every form is here on purpose"
)]

use std::fmt::Display;
use std::future::Future;
use std::num::ParseIntError;
use std::pin::Pin;

use tokio_pulse::preemption_budget;

#[preemption_budget]
async fn labels(limit: u32) -> (u32, u32) {
    let (mut outer, mut inner) = (0, 0);
    'outer: loop {
        outer += 1;
        if outer > limit {
            break 'outer;
        }
        for n in 0.. {
            inner += 1;
            if n == 3 {
                continue 'outer;
            }
            if n == 100 {
                break 'outer;
            }
        }
    }
    (outer, inner)
}

#[preemption_budget(yield_interval = 3, cpu_ms = 1, polls = 2)]
async fn question_marks(texts: &[&str]) -> Result<u64, ParseIntError> {
    // A name that the macro uses as well.
    let mut budget = 0;
    for text in texts {
        let Some(text) = text.strip_prefix('+') else { continue };
        budget += text.parse::<u64>()?;
    }
    Ok(budget)
}

#[preemption_budget]
async fn values() -> u32 {
    let mut n = 0;
    let found = loop {
        n += 1;
        if n * n > 50 {
            break n;
        }
    };
    let unit: () = while n > 0 {
        n -= 1;
    };
    let () = unit;
    let chosen = 'chosen: {
        for candidate in [3, 5, 8] {
            if candidate % 2 == 0 {
                break 'chosen candidate;
            }
        }
        0
    };
    found + chosen
}

#[preemption_budget]
async fn longest<'a, T>(texts: &'a [T], or: &'a str) -> &'a str
where
    T: AsRef<str>,
{
    let mut longest = or;
    for text in texts {
        if text.as_ref().len() > longest.len() {
            longest = text.as_ref();
        }
    }
    longest
}

#[preemption_budget]
async fn shown(items: impl IntoIterator<Item = impl Display>) -> impl Display {
    let mut shown = String::new();
    for item in items {
        shown += &item.to_string();
    }
    shown
}

#[preemption_budget]
async fn leaves(depth: u32) -> u32 {
    if depth == 0 {
        return 1;
    }
    let mut sum = 0;
    for _ in 0..2 {
        sum += Box::pin(leaves(depth - 1)).await;
    }
    sum
}

#[preemption_budget]
fn boxed(limit: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    let start = 1;
    Box::pin(async move {
        let mut sum = start;
        for n in 0..limit {
            sum += n;
        }
        sum
    })
}

#[preemption_budget]
fn returned(words: &[&str]) -> impl Future<Output = usize> {
    async move {
        let mut length = 0;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            length += word.len();
        }
        length
    }
}

trait Sum {
    async fn sum(&mut self) -> u64;

    #[preemption_budget(polls = 2)]
    async fn twice(&mut self) -> u64 {
        let mut sum = 0;
        for _ in 0..2 {
            sum += self.sum().await;
        }
        sum
    }

    #[preemption_budget]
    fn thrice(&self, n: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..3 {
            sum += n;
        }
        sum
    }
}

struct Rows<'a>(&'a [u64]);

impl Sum for Rows<'_> {
    #[preemption_budget]
    async fn sum(&mut self) -> u64 {
        let Self(rows) = self;
        let mut sum = 0;
        while let [first, rest @ ..] = rows {
            sum += first;
            *rows = rest;
        }
        sum
    }
}

impl Rows<'_> {
    #[preemption_budget(cpu_ms = 1)]
    pub(crate) fn product(self: &Self) -> u64 {
        let mut product = 1;
        for row in self.0 {
            product *= row;
        }
        product
    }
}

#[preemption_budget]
fn closures_and_blocks(rows: &[u32]) -> u32 {
    let sum = |rows: &[u32]| {
        let mut sum = 0;
        for row in rows {
            sum += row;
        }
        sum
    };
    const LENGTH: usize = {
        let mut n = 0;
        while n < 3 {
            n += 1;
        }
        n
    };
    let mut all = 0;
    for rows in rows.chunks(LENGTH) {
        all += sum(rows);
    }
    all
}

#[preemption_budget]
unsafe fn careless(limit: u32) -> u32 {
    let mut n = 0;
    while n < limit {
        n += 1;
    }
    n
}

macro_rules! with_a_limit {
    ($name:ident, $limit:literal) => {
        #[preemption_budget(polls = $limit, yield_interval = $limit)]
        async fn $name(limit: u32) -> u32 {
            let mut sum = 0;
            for n in 0..limit {
                sum += n;
            }
            sum
        }
    };
}

with_a_limit!(from_a_macro, 2);

#[preemption_budget]
#[tokio_pulse::test]
async fn over_another_attribute() {
    for _ in 0..3 {}
}

#[tokio_pulse::test]
async fn code_means_what_it_did() {
    assert_eq!(labels(5).await, (6, 20));
    assert_eq!(question_marks(&["+1", "2", "+3"]).await, Ok(4));
    assert!(question_marks(&["+1", "+x"]).await.is_err());
    assert_eq!(values().await, 16);
    assert_eq!(longest(&["a", "abc"], "ab").await, "abc");
    assert_eq!(shown([1, 2]).await.to_string(), "12");
    assert_eq!(leaves(4).await, 16);
    assert_eq!(boxed(4).await, 7);
    assert_eq!(returned(&["a", "bc"]).await, 3);
    assert_eq!(Rows(&[1, 2]).sum().await, 3);
    assert_eq!(Rows(&[1, 2]).twice().await, 3);
    assert_eq!(Rows(&[]).thrice(2), 6);
    assert_eq!(Rows(&[2, 3]).product(), 6);
    assert_eq!(closures_and_blocks(&[1, 2, 3, 4]), 10);
    assert_eq!(from_a_macro(4).await, 6);
    let pointer: unsafe fn(u32) -> u32 = careless;
    let _ = pointer;
}

/// The futures are still `Send`, and can be spawned.
#[tokio_pulse::test]
async fn futures_can_be_spawned() {
    assert_eq!(tokio::spawn(leaves(3)).await.unwrap(), 8);
    assert_eq!(tokio::spawn(question_marks(&["+1"])).await.unwrap(), Ok(1));
    assert_eq!(tokio::spawn(boxed(3)).await.unwrap(), 4);
}
