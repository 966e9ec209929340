//! Places in your code where a long poll makes room for others, before anybody has to step in.
//!
//! In asynchronous code [`check_and_yield`] ends the poll and lets the task go on behind all that wait;
//! in synchronous code [`checkpoint`] gives the worker away and goes on without it. Both do so only
//! when the watchdog has seen the poll use its slice up and somebody may wait, and cost a load otherwise:
//!
//! ```
//! use tokio_pulse::{check_and_yield, checkpoint};
//!
//! async fn sum(rows: &[u64]) -> u64 {
//!     let mut sum = 0;
//!     for row in rows {
//!         check_and_yield().await;
//!         sum += row;
//!     }
//!     sum
//! }
//!
//! fn product(rows: &[u64]) -> u64 {
//!     let mut product = 1_u64;
//!     for row in rows {
//!         checkpoint();
//!         product = product.wrapping_mul(*row);
//!     }
//!     product
//! }
//! ```
//!
//! The attribute `#[tokio_pulse::preemption_budget]` (feature `macros`) writes them into the loops of a
//! function. What runs in other people's loops has adapters: [`IteratorExt`] for iterators,
//! [`Yielding`] for readers, writers and streams (feature `stream`), [`Budgeted`] for futures.
//!
//! All of it works on the multi-thread scheduler, in tasks of a runtime that Pulse watches. On a
//! current-thread runtime tasks yield, and no worker can be given away. Everywhere else, in
//! `block_on`, on a plain Tokio runtime or outside of any, the watchdog asks for nothing, and nothing
//! happens.

mod budget;
mod budgeted;
mod check;
mod checkpoint;
mod hostages;
mod iterator;
mod request;
#[cfg(feature = "stream")]
mod stream;
mod waiting;
mod yielding;

pub use budget::{BudgetCheck, YieldBudget};
pub use budgeted::Budgeted;
pub use check::{CheckAndYield, check_and_yield};
pub use checkpoint::{Checkpoint, checkpoint};
pub use iterator::{Checkpoints, IteratorExt};
#[cfg(feature = "stream")]
pub use stream::StreamExt;
pub use yielding::Yielding;

use crate::heartbeat::seat;

/// The same for the whole of a poll, and another for the next one on the same thread; 0 where no poll
/// is seen.
#[inline]
fn current_poll() -> usize {
    seat::current_line().map_or(0, |line| line.beat.snapshot().word())
}
