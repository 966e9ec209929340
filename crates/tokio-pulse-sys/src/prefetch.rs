//! A word to the processor, whatever the system.

/// Has the line of the cache that `place` begins in fetched, without waiting for it. Of use for what will be
/// read soon and is not needed yet; does nothing on processors of which we do not know how to ask.
#[inline]
pub fn prefetch<T>(place: &T) {
    let place: *const T = place;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint. It changes no memory and never faults; every x86-64 has SSE.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint. It changes neither memory nor flags and never faults.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{place}]",
            place = in(reg) place,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = place;
}
