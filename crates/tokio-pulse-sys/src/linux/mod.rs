//! Linux, any architecture that the `libc` crate knows.

pub(crate) mod activity;
pub(crate) mod code;
pub(crate) mod cpu_clock;
pub(crate) mod isolation;
pub(crate) mod processor;
pub(crate) mod run_delay;
pub(crate) mod run_state;
pub(crate) mod scheduling;
pub(crate) mod stack;
