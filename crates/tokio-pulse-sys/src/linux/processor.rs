//! Which processor a thread runs on.

use crate::Unavailable;

const PROCESSOR: &str = "number of the processor";

/// The number of the processor that the calling thread ran on a moment ago. It may have moved by the time
/// that this returns: for hints, not for decisions that have to be right.
///
/// Costs no system call where the C library has a faster way.
///
/// # Errors
///
/// When the kernel does not tell.
pub fn current_processor() -> Result<u32, Unavailable> {
    // SAFETY: no preconditions.
    let number = unsafe { libc::sched_getcpu() };
    u32::try_from(number).map_err(|_| {
        let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        Unavailable::refused(PROCESSOR, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned there, so that it cannot be another one by the time it is compared.
    #[test]
    fn it_is_the_one_that_the_thread_runs_on() {
        let there = current_processor().unwrap();
        let pinned = std::thread::spawn(move || {
            // SAFETY: all zeros is a set without a member.
            let mut only = unsafe { std::mem::zeroed::<libc::cpu_set_t>() };
            // SAFETY: the number is of a processor, so it is within the set.
            unsafe { libc::CPU_SET(there as usize, &mut only) };
            // SAFETY: `only` is a whole set, read during the call.
            let code = unsafe { libc::sched_setaffinity(0, size_of_val(&only), &raw const only) };
            assert_eq!(code, 0);
            current_processor()
        });
        assert_eq!(pinned.join().unwrap(), Ok(there));
    }
}
