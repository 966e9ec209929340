//! Without stacks: the reason for it.

use std::time::Duration;

use tokio_pulse_sys::StackSignal;

use crate::stall_report::Stack;

const REASON: &str = "needs the feature `stacks`, and a processor that it knows";

pub(crate) struct Capture;

pub(crate) struct Capturer;

impl Capturer {
    pub(crate) fn new(_: StackSignal, _: Duration) -> Self {
        Self
    }

    pub(crate) fn capture(&self, _tid: i32) -> Capture {
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
