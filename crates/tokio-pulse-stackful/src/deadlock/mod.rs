//! Polls that wait for each other, reported instead of hanging in silence.
//!
//! A poll that blocks in a lock blocks its thread, and with it all polls that are set aside there. If
//! one of those holds the lock, nothing on the thread ever goes on. So do two threads whose polls
//! each hold what the other one waits for. Who holds a foreign lock cannot be known; that a poll
//! waits in the kernel for one, and for how long, can.
//!
//! ```text
//!   ticker                       signal handler of the thread            a thread for the report
//!   ------                       ----------------------------            -----------------------
//!   signals a poll that          notes the lock that the poll
//!   runs for long     ---------> waits for, since when (`Wait`)
//!   sees the same wait
//!   for `PATIENCE`: wants
//!   a snapshot        ---------> walks the poll's stack and those
//!                                set aside, into the slot's
//!   takes it         <---------- `Snapshot`
//!   two polls in it, or a
//!   second thread that waits
//!   as well           -------------------------------------------------> names the functions, calls
//!                                                                        the hook
//! ```
//!
//! The thread itself walks the stacks, since it is the one that they do not change under: it is in
//! its handler, and what is set aside only goes on there. The handler writes addresses into room that
//! is there since the thread joined; names are looked up elsewhere.
//!
//! A wait is seen in the registers: the interrupted instruction is a system call about to be made
//! again, its number that of `futex`, without a time-out. A wait that ends and begins anew between
//! two signals may count as one; so the report says what was seen, not what must be.

mod detector;
mod hook;
mod picture;
mod report;
mod snapshot;
mod wait;

pub(crate) use detector::Detector;
pub use hook::{set_deadlock_hook, suspected_deadlocks};
pub(crate) use picture::PollPicture;
pub use report::{BlockedPoll, DeadlockReport};
pub(crate) use snapshot::{Snapshot, SnapshotCell};
pub(crate) use wait::Wait;

/// A lock that is held for longer is as good as lost: 1 s.
pub(crate) const PATIENCE_NS: u64 = 1_000_000_000;
