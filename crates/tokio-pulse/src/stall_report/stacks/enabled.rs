//! With stacks: a copy from the thread, the rest of it here.

#[path = "image.rs"]
mod image;
#[path = "symbols.rs"]
mod symbols;
#[path = "unwind.rs"]
mod unwind;

use std::time::Duration;

use tokio_pulse_sys::{
    MappedCode, SampleError, StackSampler, StackSignal, StackSnapshot, Unavailable, mapped_code,
};

use crate::stall_report::Stack;
use image::Image;
use symbols::Symbols;
use unwind::Unwind;

/// A copy of a thread's stack, or why there is none.
pub(crate) type Capture = Result<StackSnapshot, Missing>;

/// Why there is no copy.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    reason: String,
    unanswered: bool,
}

/// Whether the thread may answer if it is asked again.
pub(crate) fn is_unanswered(capture: &Capture) -> bool {
    capture.as_ref().is_err_and(|missing| missing.unanswered)
}

/// Asks threads for their stacks.
pub(crate) struct Capturer {
    sampler: Result<StackSampler, Unavailable>,
}

impl Capturer {
    pub(crate) fn new(signal: StackSignal) -> Self {
        Self { sampler: StackSampler::install(signal) }
    }

    pub(crate) fn capture(&self, tid: i32, within: Duration) -> Capture {
        let sampler = self.sampler.as_ref().map_err(|unavailable| Missing {
            reason: unavailable.to_string(),
            unanswered: false,
        })?;
        let mut snapshot = StackSnapshot::default();
        sampler.sample(tid, within, &mut snapshot).map_err(|error| Missing {
            reason: error.to_string(),
            unanswered: matches!(error, SampleError::TimedOut | SampleError::Busy),
        })?;
        Ok(snapshot)
    }

    pub(crate) fn missing(&self) -> Option<String> {
        self.sampler.as_ref().err().map(ToString::to_string)
    }
}

/// Makes frames of copies. Keeps what it has read of the program's files until other code is
/// loaded.
#[derive(Default)]
pub(crate) struct Resolver {
    code: Vec<MappedCode>,
    images: Vec<Image>,
    unwind: Unwind,
    symbols: Symbols,
}

impl Resolver {
    pub(crate) fn resolve(&mut self, capture: &Capture) -> Stack {
        let snapshot = match capture {
            Ok(snapshot) => snapshot,
            Err(missing) => return Stack::missing_because(&missing.reason),
        };
        if let Err(missing) = self.look_around() {
            return Stack::missing_because(missing);
        }
        let (addresses, complete) = self.unwind.walk(snapshot);
        let frames = addresses
            .into_iter()
            .flat_map(|address| self.symbols.frames(address, &self.images).to_vec())
            .collect();
        Stack::new(frames, !complete)
    }

    /// Learns which code is loaded, if that has changed.
    fn look_around(&mut self) -> Result<(), Unavailable> {
        let code = mapped_code()?;
        if code != self.code {
            self.images = code.iter().map(Image::of).collect();
            self.unwind = Unwind::new(&self.images);
            self.symbols = Symbols::default();
            self.code = code;
        }
        Ok(())
    }
}
