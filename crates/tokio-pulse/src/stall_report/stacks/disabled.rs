//! Without stacks: the reason for it.

use std::time::Duration;

use tokio_pulse_sys::StackSignal;

use crate::stall_report::Stack;

const REASON: &str = "needs the feature `stacks`, and a processor that it knows";

pub(crate) struct Capture;

/// Whether the thread may answer if it is asked again.
pub(crate) fn is_unanswered(_: &Capture) -> bool {
    false
}

pub(crate) struct Capturer;

impl Capturer {
    pub(crate) fn new(_: StackSignal) -> Self {
        Self
    }

    pub(crate) fn capture(&self, _tid: i32, _within: Duration) -> Capture {
        Capture
    }

    pub(crate) fn missing(&self) -> Option<String> {
        Some(REASON.to_owned())
    }
}

#[derive(Default)]
pub(crate) struct Resolver;

impl Resolver {
    pub(crate) fn resolve(&mut self, _: &Capture) -> Stack {
        Stack::missing_because(REASON)
    }
}
