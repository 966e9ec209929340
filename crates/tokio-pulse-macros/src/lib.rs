//! The attribute macros of `tokio-pulse`. Use them through that crate: `#[tokio_pulse::main]`,
//! `#[tokio_pulse::test]` and `#[tokio_pulse::preemption_budget]`.
//!
//! The first two read like Tokio's macros of the same names and take the same arguments, so that moving a program to
//! Pulse is one word: `#[tokio::main]` becomes `#[tokio_pulse::main]`.

#![forbid(unsafe_code)]
#![allow(
    clippy::needless_doctest_main,
    clippy::test_attr_in_doctest,
    reason = "the examples show what the macros write"
)]

mod args;
mod duration;
mod entry;
mod errors;
mod expand;
mod function;
mod parse;
mod preempt;

use proc_macro::TokenStream;

use crate::entry::Entry;

/// Runs an `async fn`, most often `main`, on a Tokio runtime that Pulse watches.
///
/// The macro builds the runtime when the function is called and blocks on the function's body. It covers the common
/// set-ups; for everything else, build the runtime with `tokio_pulse::Builder`.
///
/// As with Tokio, the body does not run on a worker: it runs on the calling thread. Spawn the work that should be
/// moved to another worker when it stalls.
///
/// # Arguments
///
/// | argument | value | meaning |
/// |---|---|---|
/// | `flavor` | `"multi_thread"` (the default here) or `"current_thread"` | the kind of runtime |
/// | `worker_threads` | a whole number from 1 | how many workers; `multi_thread` only. Without it: one per core |
/// | `start_paused` | `true` or `false` | Tokio's clock starts paused; `current_thread` only, and with the feature `test-util` of `tokio-pulse` |
/// | `crate` | a path in a string | where `tokio-pulse` is found if it was renamed. Without it: `"::tokio_pulse"` |
/// | `slice` | a duration in a string: a whole number and `us`, `ms` or `s`, from `"1ms"` to `"60s"` | how long one poll may run before it counts as a stall |
/// | `reserve_workers` | a whole number from 0 | how many workers stand by to take over from stalled ones; `multi_thread` only |
///
/// `slice` and `reserve_workers` are Pulse's own, the others are Tokio's. Each argument may be given once, and its value
/// is a literal.
///
/// # Errors
///
/// It is an error at compile time to give an argument that is not in the table, twice, with a value outside its range or
/// beside a flavor that it does not go with; to put the attribute on a function that is not `async`; and to give `main`
/// parameters. Tokio's `flavor = "local"`, `unhandled_panic` and `name` are refused. The function is kept beside an
/// error, so that editors still see it.
///
/// # Panics
///
/// The function panics if the runtime cannot be built, or if it is called from within a runtime.
///
/// # Examples
///
/// ```
/// #[tokio_pulse::main]
/// async fn main() {
///     println!("this runs on a runtime that cannot freeze");
/// }
/// ```
///
/// Does what this does:
///
/// ```
/// fn main() {
///     tokio_pulse::Builder::new_multi_thread()
///         .enable_all()
///         .build()
///         .expect("Failed building the Pulse runtime")
///         .block_on(async {
///             println!("this runs on a runtime that cannot freeze");
///         })
/// }
/// ```
///
/// With arguments, and with a result:
///
/// ```
/// #[tokio_pulse::main(worker_threads = 2, reserve_workers = 1, slice = "5ms")]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let answer: u32 = "42".parse()?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// If `tokio-pulse` goes by another name:
///
/// ```
/// use tokio_pulse as renamed;
///
/// #[renamed::main(flavor = "current_thread", crate = "renamed")]
/// async fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Entry::Main, args.into(), item.into()).into()
}

/// Runs an `async fn` as a test, on a Tokio runtime that Pulse watches.
///
/// Other attributes of the function, such as `#[should_panic]` and `#[ignore]`, work as usual; `#[test]` is already
/// included.
///
/// # Arguments
///
/// Those of [`macro@main`], except that the default `flavor` is `"current_thread"`, as in Tokio. A single-threaded
/// runtime has no worker to rescue a stalled one: to test code that relies on it, ask for `flavor = "multi_thread"`.
///
/// And one more:
///
/// | argument | value | meaning |
/// |---|---|---|
/// | `max_poll` | as `slice`, in whose place it is | the test fails if a poll takes longer |
///
/// # Polls that are too long
///
/// With `max_poll` the test fails at its end, in a panic with the reports of the first such polls: how long, why, and with
/// the feature `stacks` of `tokio-pulse` where. Polls of all tasks of the runtime count. The body counts too, as it is
/// run as a task; so it has to be `Send`, and what it returns as well. Polls in `LocalSet` do not count.
///
/// What counts is the time that a poll computes or is blocked; the time for which the kernel ran others is taken off
/// where the system tells it. The watchdog sees a poll up to half of `max_poll` late, so that one which is less than half
/// too long may get away. A poll that ends before the report is made is named without a stack.
///
/// # Errors
///
/// Those of [`macro@main`]; and a second test attribute on the function; and `max_poll` beside `slice`.
///
/// # Examples
///
/// ```
/// #[tokio_pulse::test]
/// async fn adds() {
///     assert_eq!(1 + 1, 2);
/// }
/// ```
///
/// Does what this does:
///
/// ```
/// #[test]
/// fn adds() {
///     tokio_pulse::Builder::new_current_thread()
///         .enable_all()
///         .build()
///         .expect("Failed building the Pulse runtime")
///         .block_on(async {
///             assert_eq!(1 + 1, 2);
///         })
/// }
/// ```
///
/// Fails if anything in it blocks for long:
///
/// ```
/// #[tokio_pulse::test(max_poll = "5ms")]
/// async fn yields_often() {
///     tokio::time::sleep(std::time::Duration::from_millis(1)).await;
/// }
/// ```
///
/// With arguments:
///
/// ```
/// #[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2, slice = "1ms")]
/// async fn is_rescued() -> Result<(), std::num::ParseIntError> {
///     let answer: u32 = "42".parse()?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn test(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Entry::Test, args.into(), item.into()).into()
}

/// Puts yield points into the loops of a function, so that a long poll makes room for others by itself.
///
/// In an `async fn` each turn of each loop begins with `tokio_pulse::check_and_yield().await`, in any other function
/// with `tokio_pulse::checkpoint()`. They cost a load until the watchdog has seen the running poll use its slice up;
/// then the task yields, or the worker is handed over for the rest of the poll. The arguments make them act sooner or
/// look more seldom.
///
/// It goes on functions, on methods, and on functions of traits and of their implementations.
///
/// # Arguments
///
/// | argument | value | meaning |
/// |---|---|---|
/// | `cpu_ms` | a whole number from 1 to 60000 | also acts at the first look so many milliseconds after the slice began, by the monotonic clock, which is then read at each look |
/// | `polls` | a whole number from 1 | also acts at the last of so many looks in one slice; `async` code only |
/// | `yield_interval` | a whole number from 1 | looks at each so manieth turn only. Without it: at each turn |
/// | `crate` | a path in a string | where `tokio-pulse` is found if it was renamed. Without it: `"::tokio_pulse"` |
///
/// All loops of the function share the budget of one call: turns are counted together. A *slice* begins with the first
/// look in each poll of the task, and after each yield; `tokio_pulse::yield_point::YieldBudget`, which does the counting,
/// has the details. With `cpu_ms` or `polls` the function also yields where nobody watches.
///
/// # Which loops
///
/// `loop`, `while`, `while let` and `for`, wherever they are in the function's own body: nested, as values, in
/// conditions, in branches. The yield point comes first in the turn, so that `continue` passes it too, to whatever label.
///
/// Left alone is all that is another body: closures, nested items, `const` blocks, and nested `async` blocks and `async`
/// closures, which are futures of their own and may be polled elsewhere. So are loops in the arguments of macros, which
/// an attribute cannot see, and loops in functions that are called.
///
/// A function that is not `async` and ends in an `async` block, or in `Box::pin` of one, is taken for an `async fn` whose
/// body is that block. That is what `async fn` without `async` looks like, and what `#[async_trait]` makes of one.
///
/// Above `#[tokio_pulse::main]` and its like, not below: what these leave is a function that blocks on an `async` block.
///
/// # What changes
///
/// Nothing in types and values. An `async fn` gets points at which it may be suspended: what lives across a loop must be
/// `Send` if the future is to be, a `std::sync::MutexGuard` say is not, and should not be held there.
///
/// # Errors
///
/// It is an error at compile time to give an argument that is not in the table, twice, or with a value outside its range;
/// `polls` on a function that is not `async`; and to put the attribute on anything but a function with a body, on a
/// `const fn`, on an `extern` function, or on one without a loop that could be given a yield point. The function is kept
/// beside an error, so that editors still see it.
///
/// # Examples
///
/// ```
/// #[tokio_pulse::preemption_budget]
/// async fn sum(rows: &[u64]) -> u64 {
///     let mut sum = 0;
///     for row in rows {
///         sum += row;
///     }
///     sum
/// }
/// # tokio_pulse::Runtime::new().unwrap().block_on(async { assert_eq!(sum(&[1, 2]).await, 3) });
/// ```
///
/// Does what this does:
///
/// ```
/// async fn sum(rows: &[u64]) -> u64 {
///     let mut sum = 0;
///     for row in rows {
///         tokio_pulse::check_and_yield().await;
///         sum += row;
///     }
///     sum
/// }
/// # tokio_pulse::Runtime::new().unwrap().block_on(async { assert_eq!(sum(&[1, 2]).await, 3) });
/// ```
///
/// With arguments, on a function that is not `async`:
///
/// ```
/// #[tokio_pulse::preemption_budget(cpu_ms = 5, yield_interval = 64)]
/// fn product(rows: &[u64]) -> u64 {
///     let mut product = 1;
///     for row in rows {
///         product *= row;
///     }
///     product
/// }
/// # assert_eq!(product(&[6, 7]), 42);
/// ```
///
/// Does what this does:
///
/// ```
/// fn product(rows: &[u64]) -> u64 {
///     let mut budget = tokio_pulse::yield_point::YieldBudget::new()
///         .cpu(std::time::Duration::from_millis(5))
///         .interval(64);
///     let mut product = 1;
///     for row in rows {
///         budget.checkpoint();
///         product *= row;
///     }
///     product
/// }
/// # assert_eq!(product(&[6, 7]), 42);
/// ```
#[proc_macro_attribute]
pub fn preemption_budget(args: TokenStream, item: TokenStream) -> TokenStream {
    preempt::expand(args.into(), item.into()).into()
}
