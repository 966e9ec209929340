//! A word to the processor, whatever the system.

/// What processors fetch at once: 64 bytes on all x86-64, and on most AArch64.
const LINE: usize = 64;

/// Has `place` fetched into the cache, without waiting for it. Of use for what will be read soon and is
/// not needed yet; does nothing on processors of which we do not know how to ask.
#[inline]
pub fn prefetch<T>(place: &T) {
    let place: *const T = place;
    for offset in (0..size_of::<T>()).step_by(LINE) {
        fetch_line(place.cast::<u8>().wrapping_add(offset));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn fetch_line(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint. It changes no memory and never faults, whatever the address; every x86-64 has it.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn fetch_line(address: *const u8) {
    // SAFETY: a hint. It changes neither memory nor flags and never faults, whatever the address.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{address}]",
            address = in(reg) address,
            options(nostack, preserves_flags, readonly),
        );
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
fn fetch_line(_: *const u8) {}
