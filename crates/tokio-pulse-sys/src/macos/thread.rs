//! A thread of this process, by the name of its port.
//!
//! The kernel tells of a thread to whoever has its port. `pthread_mach_thread_np` gives the name under
//! which this process has it, without a further right to it; so nothing has to be given back. The name
//! is this process's own: it never names a thread of another one, but after the thread's end it may
//! come to name a later thread.

use libc::{integer_t, mach_msg_type_number_t, mach_port_t, thread_basic_info};

use crate::Unavailable;

/// The name of a thread's port.
pub(super) type Port = mach_port_t;

/// Why the kernel did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// No living thread has that port.
    Gone,
    /// Something else; the kernel's code, which is none of `errno`'s.
    Kernel(i32),
}

/// No right is behind the name, or one to something that is dead.
const SEND_INVALID_DEST: i32 = 0x1000_0003;
/// What the name names is no thread, or none any more.
const INVALID_ARGUMENT: i32 = 4;
const TERMINATED: i32 = 37;

impl Silence {
    pub(super) fn of(code: i32) -> Self {
        match code {
            SEND_INVALID_DEST | INVALID_ARGUMENT | TERMINATED => Self::Gone,
            code => Self::Kernel(code),
        }
    }

    pub(super) fn unavailable(self, capability: &'static str) -> Unavailable {
        const REMEDY: &str = "Pulse does without it for this thread";
        match self {
            Self::Gone => Unavailable::lacking(capability, "the thread has ended", REMEDY, None),
            Self::Kernel(_) => Unavailable::lacking(capability, "the kernel refused", REMEDY, None),
        }
    }
}

pub(super) fn current() -> Port {
    // SAFETY: no preconditions; the calling thread is alive.
    unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) }
}

/// What the kernel counts of a thread (`THREAD_BASIC_INFO`).
pub(super) fn basic_info(port: Port) -> Result<thread_basic_info, Silence> {
    // SAFETY: the structure consists of integers, for which zero bytes are a value.
    let mut info: thread_basic_info = unsafe { std::mem::zeroed() };
    let mut count =
        (size_of::<thread_basic_info>() / size_of::<integer_t>()) as mach_msg_type_number_t;
    // SAFETY: `info` is valid for a write of `count` integers, and `count` for one of a number; the
    // kernel checks the port.
    let code = unsafe {
        let flavor = libc::THREAD_BASIC_INFO as libc::thread_flavor_t;
        libc::thread_info(port, flavor, (&raw mut info).cast(), &mut count)
    };
    if code == libc::KERN_SUCCESS { Ok(info) } else { Err(Silence::of(code)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_gone() {
        assert_eq!(basic_info(0).map(|_| ()), Err(Silence::Gone));
        assert!(basic_info(current()).is_ok());
    }
}
