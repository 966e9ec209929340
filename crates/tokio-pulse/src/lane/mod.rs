//! The slow lane: threads of its own for tasks that hold workers.
//!
//! ```text
//!   sizing.rs   how many threads, how long a queue, how many items at a time (pure)
//! ```

#[cfg_attr(not(test), expect(dead_code, reason = "the lane comes with the next commit"))]
pub(crate) mod sizing;
