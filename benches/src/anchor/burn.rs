//! The hogs' work, the same as in the other programs.

use std::env::{self, VarError};
use std::hint::black_box;
use std::time::Instant;

use super::Error;

/// Replaces the calibration, so that all programs burn the same on a noisy machine.
const GIVEN: &str = "ANCHOR_NS_PER_ITER";
const RUNS: usize = 12;
const RUN_ITERATIONS: u64 = 3_000_000;

pub(crate) type Buffer = [u64; 64];

pub(crate) fn buffer(seed: usize) -> Box<Buffer> {
    let seed = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Box::new(std::array::from_fn(|index| seed ^ index as u64))
}

/// So many iterations as take a given time on a core of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Burn {
    iterations: u64,
    ns_per_iter: f64,
}

impl Burn {
    pub(crate) fn calibrated(ms: f64) -> Result<Self, Error> {
        let ns_per_iter = match env::var(GIVEN) {
            Ok(text) => given(text)?,
            Err(VarError::NotPresent) => calibrate(),
            Err(VarError::NotUnicode(text)) => {
                return Err(Error::Calibration(text.to_string_lossy().into_owned()));
            }
        };
        Ok(Self { iterations: (ms * 1e6 / ns_per_iter) as u64, ns_per_iter })
    }

    pub(crate) fn run(self, buffer: &mut Buffer) {
        burn(self.iterations, buffer);
    }

    pub(crate) fn ns_per_iter(self) -> f64 {
        self.ns_per_iter
    }
}

fn given(text: String) -> Result<f64, Error> {
    let number = text.parse().ok().filter(|&number: &f64| number.is_normal() && number > 0.0);
    number.ok_or(Error::Calibration(text))
}

/// The best of several short runs: another process that takes the core during one of them does
/// not shorten the burns.
fn calibrate() -> f64 {
    let mut buffer = buffer(7);
    let mut best = f64::MAX;
    for _ in 0..RUNS {
        let begun = Instant::now();
        burn(RUN_ITERATIONS, &mut buffer);
        best = best.min(begun.elapsed().as_nanos() as f64 / RUN_ITERATIONS as f64);
    }
    best
}

/// Xorshift mixed into a buffer: no call, no allocation, no atomic and no system call inside the
/// loop, nothing that a runtime could hook into.
#[inline(never)]
fn burn(iterations: u64, buffer: &mut Buffer) -> u64 {
    let mut x = buffer[0] | 1;
    for i in 0..iterations {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let k = (i & 63) as usize;
        buffer[k] = buffer[k].rotate_left(5) ^ x;
    }
    black_box(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by the other programs' own code.
    #[test]
    fn it_computes_what_the_other_programs_compute() {
        let mut buffer = buffer(7);
        assert_eq!(burn(1_000, &mut buffer), 0xb7c1_ed92_7b0f_7eca);
        assert_eq!(buffer.iter().fold(0, |all, x| all ^ x), 0xc40a_d187_9ffc_4123);
    }

    #[test]
    fn a_given_speed_has_to_be_one() {
        assert_eq!(given("1.5".into()).unwrap(), 1.5);
        for text in ["", "0", "-1", "inf", "NaN", "fast"] {
            assert!(given(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_calibration_finds_a_speed() {
        let ns_per_iter = calibrate();
        assert!(ns_per_iter > 0.0 && ns_per_iter < 1e6, "{ns_per_iter}");
    }
}
