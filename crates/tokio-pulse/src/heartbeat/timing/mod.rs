//! How long each poll takes, for those who ask for it: two readings of a clock a poll.
//!
//! The beat needs no clock, and by default none is read on the poll path. Timed polls are a mode of the
//! whole runtime, chosen when it is built: other closures are installed then, so that nobody else pays.
//!
//! Rejected: one reading a poll, taking the end of one for the beginning of the next. It is half as dear,
//! and wrong on a thread that gave its worker away and was given another one later: nothing tells
//! it of that moment.

#[cfg(feature = "poll-times")]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(feature = "poll-times"))]
#[path = "disabled.rs"]
mod variant;

pub(crate) use variant::{PollClock, Timing};
