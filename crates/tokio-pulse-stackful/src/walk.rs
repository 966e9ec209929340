//! Whether a whole call chain can be set aside, asked in the middle of interrupted code.
//!
//! Nothing here allocates, locks or touches per-thread state: the ranges and the unwinding tables never
//! change, and what unwinding needs room for is the thread's own and used by one at a time. How a call
//! leads to its caller is the platform's: `calls`.

use super::calls::{Calls, Walker};
use super::code::Verdict;
use super::image::Image;
use super::registers::Registers;
use crate::chain::Chain;
use crate::metrics::Refusal;

/// A chain this deep takes long to look at; a deeper one is not preempted.
const MAX_FRAMES: usize = 2048;

impl Walker {
    pub(super) fn check(
        &mut self,
        image: &Image,
        registers: &Registers,
        chain: Chain,
    ) -> Result<(), Refusal> {
        let known = image.code.has_functions();
        if !known && !chain.marked {
            return Err(Refusal::Code);
        }
        let mut own = chain.asked;
        let mut calls = Calls::new(image, registers, chain.end);
        for depth in 0..MAX_FRAMES {
            let innermost = depth == 0;
            let verdict = image.code.verdict(calls.address());
            let undescribed = chain.described && !image.code.is_described(calls.address());
            match verdict {
                Verdict::Root if !innermost => return Ok(()),
                _ if !known && calls.stack() >= chain.root => return Ok(()),
                Verdict::Preemptible if !undescribed => own = false,
                Verdict::Own if own => {}
                _ if innermost => return Err(Refusal::Code),
                _ => return Err(Refusal::Caller),
            }
            calls.step(self).ok_or(Refusal::Unwinding)?;
        }
        Err(Refusal::Deep)
    }

    /// The instructions of a chain's calls, the innermost first, up to where the task was called.
    /// Returns how many there are.
    pub(super) fn collect(
        &mut self,
        image: &Image,
        registers: &Registers,
        end: usize,
        into: &mut [u64],
    ) -> usize {
        let mut calls = Calls::of_the_program(image, registers, end);
        for (count, place) in into.iter_mut().enumerate() {
            *place = calls.address();
            if image.code.verdict(*place) == Verdict::Root || calls.step(self).is_none() {
                return count + 1;
            }
        }
        into.len()
    }
}
