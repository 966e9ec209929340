//! Every register of an interrupted loop is what it was, as `registers.rs` has it for x86-64: all 32 vectors
//! (NEON), general registers, the flags.
#![cfg(all(target_os = "linux", target_arch = "aarch64"))]

#[macro_use]
#[path = "common/registers.rs"]
mod shared;

use std::arch::asm;
use std::time::Duration;

use shared::TURNS;

const DEADLINE: Duration = Duration::from_secs(240);
/// Negative and carry, as the flags' register has them.
const FLAGS: u64 = 0xa000_0000;

#[repr(align(16))]
#[derive(PartialEq, Eq)]
struct Vectors([u8; 16 * 32]);

/// Loads everything, computes nothing for a while, stores everything. Gives the general registers, which
/// began as `seed` plus their place, and the flags.
fn hold(from: &Vectors, to: &mut Vectors, seed: u64) -> ([u64; 7], u64) {
    let mut words = [0; 7];
    let flags: u64;
    // SAFETY: reads one array and writes two others, all large enough; all that it changes is named.
    unsafe {
        asm!(
            each_of_32!("ldr q", ", [x0, #16*", "]"),
            "add x9, x3, #0", "add x10, x3, #1", "add x11, x3, #2", "add x12, x3, #3",
            "add x13, x3, #4", "add x14, x3, #5", "add x15, x3, #6",
            "msr nzcv, x5",
            // Leaves the flags alone.
            "2: sub x2, x2, #1",
            "cbnz x2, 2b",
            "mrs x5, nzcv",
            each_of_32!("str q", ", [x1, #16*", "]"),
            "stp x9, x10, [x4]", "stp x11, x12, [x4, #16]", "stp x13, x14, [x4, #32]",
            "str x15, [x4, #48]",
            in("x0") from.0.as_ptr(),
            in("x1") to.0.as_mut_ptr(),
            inout("x2") TURNS => _,
            in("x3") seed,
            in("x4") words.as_mut_ptr(),
            inout("x5") FLAGS => flags,
            out("x9") _, out("x10") _, out("x11") _, out("x12") _, out("x13") _, out("x14") _,
            out("x15") _,
            clobber_abi("C"),
            options(nostack),
        );
    }
    (words, flags)
}

fn check(seed: u8) {
    let mut from = Vectors([0; 16 * 32]);
    for (n, byte) in from.0.iter_mut().enumerate() {
        *byte = (n as u8).wrapping_mul(31).wrapping_add(seed) ^ (n >> 8) as u8;
    }
    let mut to = Vectors([0; 16 * 32]);
    let general = u64::from(seed) * 0x0101_0101_0101_0101;
    let (words, flags) = hold(&from, &mut to, general);
    assert!(from == to, "a vector has changed");
    assert_eq!(words, std::array::from_fn(|n| general + n as u64));
    assert_eq!(flags, FLAGS);
}

#[test]
fn registers_survive_thousands_of_preemptions() {
    // SAFETY: it computes.
    unsafe { shared::survive_preemptions(DEADLINE, check) };
}
