//! Every register of an interrupted loop is what it was, the widest included.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[macro_use]
#[path = "common/registers.rs"]
mod shared;

use std::arch::asm;
use std::time::Duration;

use shared::TURNS;

const DEADLINE: Duration = Duration::from_secs(120);

macro_rules! each_of_16 {
    ($before:literal, $between:literal, $after:literal) => {
        each_of_32!(@ $before, $between, $after, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
}

#[repr(align(64))]
struct Vectors([u8; 64 * 32]);

/// All 32 vectors of 512 bits, and two mask registers.
///
/// # Safety
///
/// The processor has AVX-512F.
#[target_feature(enable = "avx512f")]
unsafe fn hold_512(from: &Vectors, to: &mut Vectors) -> u64 {
    let masks: u64;
    // SAFETY: reads one array and writes the other, both large enough; all that it changes is named.
    unsafe {
        asm!(
            each_of_32!("vmovdqu64 zmm", ", [{from} + 64*", "]"),
            "mov eax, 0x5a5a",
            "kmovw k1, eax",
            "mov eax, 0x2525",
            "kmovw k7, eax",
            "2: dec rdx",
            "jnz 2b",
            each_of_32!("vmovdqu64 [{to} + 64*", "], zmm", ""),
            "kmovw eax, k1",
            "kmovw ecx, k7",
            "shl ecx, 16",
            "or eax, ecx",
            from = in(reg) from.0.as_ptr(),
            to = in(reg) to.0.as_mut_ptr(),
            inout("rdx") TURNS => _,
            out("rax") masks,
            clobber_abi("sysv64"),
            options(nostack),
        );
    }
    masks
}

/// All 16 vectors of 256 bits.
///
/// # Safety
///
/// The processor has AVX.
#[target_feature(enable = "avx")]
unsafe fn hold_256(from: &Vectors, to: &mut Vectors) {
    // SAFETY: as above.
    unsafe {
        asm!(
            each_of_16!("vmovdqu ymm", ", [{from} + 64*", "]"),
            "2: dec rdx",
            "jnz 2b",
            each_of_16!("vmovdqu [{to} + 64*", "], ymm", ""),
            from = in(reg) from.0.as_ptr(),
            to = in(reg) to.0.as_mut_ptr(),
            inout("rdx") TURNS => _,
            clobber_abi("sysv64"),
            options(nostack),
        );
    }
}

#[repr(C)]
struct Frame {
    words: [u64; 8],
    pi: f64,
    pi_after: f64,
    control: u32,
    control_before: u32,
    control_after: u32,
}

/// The general registers, the carry, the x87 stack and the floating point control word.
fn hold_general(seed: u64) -> bool {
    let words = std::array::from_fn(|n| seed ^ (n as u64 * 0x0101_0101_0101));
    let mut frame = Frame {
        words,
        pi: std::f64::consts::PI,
        pi_after: 0.0,
        // Denormals are zero, rounding down: not the default.
        control: 0x1f80 | 0x0040 | 0x2000,
        control_before: 0,
        control_after: 0,
    };
    // SAFETY: reads and writes the frame; what it changes is named or put back.
    unsafe {
        asm!(
            "stmxcsr [{frame} + 84]",
            "ldmxcsr [{frame} + 80]",
            "fld qword ptr [{frame} + 64]",
            "mov rax, [{frame}]", "mov rcx, [{frame} + 8]", "mov rdx, [{frame} + 16]",
            "mov rsi, [{frame} + 24]", "mov r8, [{frame} + 32]", "mov r9, [{frame} + 40]",
            "mov r10, [{frame} + 48]", "mov r11, [{frame} + 56]",
            "stc",
            // Leaves the carry alone.
            "2: dec {turns}",
            "jnz 2b",
            "jc 3f", "mov rax, 0", "3:",
            "mov [{frame}], rax", "mov [{frame} + 8], rcx", "mov [{frame} + 16], rdx",
            "mov [{frame} + 24], rsi", "mov [{frame} + 32], r8", "mov [{frame} + 40], r9",
            "mov [{frame} + 48], r10", "mov [{frame} + 56], r11",
            "fstp qword ptr [{frame} + 72]",
            "stmxcsr [{frame} + 88]",
            "ldmxcsr [{frame} + 84]",
            frame = in(reg) &raw mut frame,
            turns = inout(reg) TURNS => _,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _,
            out("r10") _, out("r11") _, out("st(0)") _, out("st(1)") _, out("st(2)") _,
            out("st(3)") _, out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
            options(nostack),
        );
    }
    frame.words == words
        && frame.pi.to_bits() == frame.pi_after.to_bits()
        && frame.control & !0x3f == frame.control_after & !0x3f
}

fn fill(seed: u8) -> Vectors {
    let mut vectors = Vectors([0; 64 * 32]);
    for (n, byte) in vectors.0.iter_mut().enumerate() {
        *byte = (n as u8).wrapping_mul(31).wrapping_add(seed) ^ (n >> 8) as u8;
    }
    vectors
}

fn check(seed: u8) {
    let from = fill(seed);
    let mut to = Vectors([0; 64 * 32]);
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: detected.
        let masks = unsafe { hold_512(&from, &mut to) };
        assert!(from.0 == to.0, "a vector of 512 bits has changed");
        assert_eq!(masks, 0x2525_5a5a);
    }
    if is_x86_feature_detected!("avx") {
        // SAFETY: detected.
        unsafe { hold_256(&from, &mut to) };
        let halves = |vectors: &Vectors| -> Vec<[u8; 32]> {
            vectors.0.chunks(64).take(16).map(|all| all[..32].try_into().unwrap()).collect()
        };
        assert_eq!(halves(&from), halves(&to));
    }
    assert!(hold_general(u64::from(seed)), "a general register or the carry has changed");
}

#[test]
fn registers_survive_thousands_of_preemptions() {
    // SAFETY: it computes.
    unsafe { shared::survive_preemptions(DEADLINE, check) };
}
