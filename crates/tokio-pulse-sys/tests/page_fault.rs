//! A thread that waits for a page of memory: the kernel tells it apart from one in a system call, and
//! it answers with its stack all the same.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::ptr::{null_mut, with_exposed_provenance};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tokio_pulse_sys::{
    Call, RunState, StackSampler, StackSignal, StackSnapshot, current_thread_number,
    thread_activity,
};

const LONG: Duration = Duration::from_secs(60);
const PAGE: usize = 4096;

/// From the kernel's `linux/userfaultfd.h`.
const UFFD_USER_MODE_ONLY: libc::c_long = 1;
const UFFD_API: u64 = 0xaa;
const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const UFFDIO_ZEROPAGE: u64 = 0xc020_aa04;
const MODE_MISSING: u64 = 1;

/// A page that nobody can touch before somebody has put it there.
struct Missing {
    file: libc::c_int,
    address: usize,
}

impl Missing {
    /// `None` where the kernel has no such pages.
    fn new() -> Option<Self> {
        // SAFETY: no memory is passed.
        let file = unsafe {
            libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | UFFD_USER_MODE_ONLY as i32)
        };
        let file = libc::c_int::try_from(file).ok().filter(|file| *file >= 0)?;
        // SAFETY: a mapping at an address of the kernel's choice.
        let address = unsafe {
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(null_mut(), PAGE, rights, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
        };
        assert_ne!(address, libc::MAP_FAILED);
        let missing = Self { file, address: address.expose_provenance() };
        let mut api = [UFFD_API, 0, 0];
        let mut register = [missing.address as u64, PAGE as u64, MODE_MISSING, 0];
        let agreed = missing.control(UFFDIO_API, &mut api);
        (agreed && missing.control(UFFDIO_REGISTER, &mut register)).then_some(missing)
    }

    fn control(&self, request: u64, argument: &mut [u64]) -> bool {
        // SAFETY: each of the requests above takes a structure of as many 64-bit numbers as are passed.
        unsafe { libc::ioctl(self.file, request as _, argument.as_mut_ptr()) == 0 }
    }

    fn put_there(&self) {
        assert!(self.control(UFFDIO_ZEROPAGE, &mut [self.address as u64, PAGE as u64, 0, 0]));
    }
}

impl Drop for Missing {
    fn drop(&mut self) {
        // SAFETY: both are this test's own, and nobody uses them any more.
        unsafe {
            libc::munmap(self.address as *mut _, PAGE);
            libc::close(self.file);
        }
    }
}

#[test]
fn a_thread_that_waits_for_a_page_is_told_apart_and_answers() {
    let Some(missing) = Missing::new() else {
        println!("SKIPPED: no userfaultfd here");
        return;
    };
    let sampler = StackSampler::install(StackSignal::default()).unwrap();
    let (address, (tid_out, tid_in)) = (missing.address, channel());
    let thread = std::thread::spawn(move || {
        tid_out.send(current_thread_number().unwrap()).unwrap();
        // SAFETY: the page is mapped, and is there before the read comes to its end.
        unsafe { with_exposed_provenance::<u8>(address).read_volatile() }
    });
    let tid = tid_in.recv().unwrap();
    let deadline = Instant::now() + LONG;
    loop {
        let activity = thread_activity(tid).unwrap();
        // A kernel that does not tell in which call a thread sleeps does not tell this either.
        if activity.state == RunState::Blocked
            && matches!(activity.call, Call::Fault | Call::Unknown)
        {
            break;
        }
        assert!(Instant::now() < deadline, "{activity:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut snapshot = StackSnapshot::default();
    for _ in 0..10 {
        sampler.sample(tid, LONG, &mut snapshot).unwrap();
        assert!(snapshot.bytes().len() > 256);
    }
    missing.put_there();
    assert_eq!(thread.join().unwrap(), 0);
}
