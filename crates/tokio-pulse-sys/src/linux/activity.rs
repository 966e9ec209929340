//! Where in the kernel a thread sleeps.
//!
//! The kernel tells the number of a system call as this machine counts. A user-mode emulator runs a
//! program of another machine, whose numbers are others. So it is asked first what a thread does that
//! just reads that answer: a kernel that does not call it `read` has other numbers.

use std::fs::File;
use std::io::Read;
use std::sync::OnceLock;

use crate::{Call, RunState, ThreadActivity, Unavailable};

const CAPABILITY: &str = "thread activity";

/// What a thread is doing now; three small files are read.
///
/// What a kernel or a sandbox does not tell is [`Call::Unknown`] or `None` in the answer.
///
/// # Errors
///
/// When not even the thread's state can be read.
pub fn thread_activity(tid: i32) -> Result<ThreadActivity, Unavailable> {
    let state = super::run_state::of_thread(tid, CAPABILITY)?;
    if state != RunState::Blocked {
        return Ok(ThreadActivity { state, call: Call::Running, wait_channel: None });
    }
    let call = read(tid, "syscall").map_or(Call::Unknown, |text| match parse_call(&text) {
        Call::System(_) if !numbers_are_ours() => Call::Unknown,
        call => call,
    });
    // "0" is a thread that runs, or a kernel that does not want to tell.
    let wait_channel = read(tid, "wchan").filter(|name| !name.is_empty() && name != "0");
    Ok(ThreadActivity { state, call, wait_channel })
}

fn read(tid: i32, file: &str) -> Option<String> {
    let mut text = String::new();
    let file = File::open(format!("/proc/self/task/{tid}/{file}")).ok()?;
    file.take(512).read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}

/// Whether the kernel counts system calls as this program does.
fn numbers_are_ours() -> bool {
    static ARE: OnceLock<bool> = OnceLock::new();
    *ARE.get_or_init(|| {
        // SAFETY: no preconditions.
        let own = unsafe { libc::gettid() };
        let text = read(own, "syscall");
        text.is_some_and(|text| parse_call(&text) == Call::System(libc::SYS_read))
    })
}

/// `running`, or a number and what comes after it; -1 is asleep outside of a system call.
fn parse_call(text: &str) -> Call {
    let first = text.split(' ').next().unwrap_or_default();
    match first.parse() {
        Ok(-1) => Call::Fault,
        Ok(number) => Call::System(number),
        Err(_) if first == "running" => Call::Running,
        Err(_) => Call::Unknown,
    }
}

/// The name of a system call that may sleep.
pub fn system_call_name(number: i64) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

macro_rules! names {
    ($($(#[$which:meta])* $constant:ident $name:literal)*) => {
        &[$($(#[$which])* (libc::$constant as i64, $name)),*]
    };
}

const NAMES: &[(i64, &str)] = names! {
    SYS_futex "futex" SYS_nanosleep "nanosleep" SYS_clock_nanosleep "clock_nanosleep"
    SYS_read "read" SYS_write "write" SYS_readv "readv" SYS_writev "writev"
    SYS_pread64 "pread64" SYS_pwrite64 "pwrite64" SYS_preadv "preadv" SYS_pwritev "pwritev"
    SYS_openat "openat" SYS_close "close" SYS_fsync "fsync" SYS_fdatasync "fdatasync"
    SYS_sync "sync" SYS_syncfs "syncfs" SYS_sync_file_range "sync_file_range"
    SYS_ftruncate "ftruncate" SYS_fallocate "fallocate" SYS_getdents64 "getdents64"
    SYS_renameat2 "renameat2" SYS_unlinkat "unlinkat" SYS_mkdirat "mkdirat" SYS_statx "statx"
    SYS_flock "flock" SYS_fcntl "fcntl" SYS_ioctl "ioctl" SYS_sendfile "sendfile"
    SYS_splice "splice" SYS_copy_file_range "copy_file_range" SYS_connect "connect"
    SYS_accept "accept" SYS_accept4 "accept4" SYS_sendto "sendto" SYS_recvfrom "recvfrom"
    SYS_sendmsg "sendmsg" SYS_recvmsg "recvmsg" SYS_sendmmsg "sendmmsg" SYS_recvmmsg "recvmmsg"
    SYS_ppoll "ppoll" SYS_pselect6 "pselect6" SYS_epoll_pwait "epoll_pwait"
    SYS_epoll_pwait2 "epoll_pwait2" SYS_io_uring_enter "io_uring_enter"
    SYS_io_getevents "io_getevents" SYS_wait4 "wait4" SYS_waitid "waitid"
    SYS_rt_sigsuspend "rt_sigsuspend" SYS_rt_sigtimedwait "rt_sigtimedwait"
    SYS_semop "semop" SYS_semtimedop "semtimedop" SYS_msgrcv "msgrcv" SYS_msgsnd "msgsnd"
    SYS_mmap "mmap" SYS_munmap "munmap" SYS_mremap "mremap" SYS_mprotect "mprotect"
    SYS_madvise "madvise" SYS_msync "msync" SYS_mlock "mlock" SYS_getrandom "getrandom"
    SYS_membarrier "membarrier" SYS_sched_yield "sched_yield" SYS_execve "execve"
    SYS_clone "clone" SYS_clone3 "clone3"
    #[cfg(target_arch = "x86_64")] SYS_poll "poll"
    #[cfg(target_arch = "x86_64")] SYS_select "select"
    #[cfg(target_arch = "x86_64")] SYS_epoll_wait "epoll_wait"
    #[cfg(target_arch = "x86_64")] SYS_open "open"
    #[cfg(target_arch = "x86_64")] SYS_stat "stat"
    #[cfg(target_arch = "x86_64")] SYS_rename "rename"
    #[cfg(target_arch = "x86_64")] SYS_unlink "unlink"
    #[cfg(target_arch = "x86_64")] SYS_pause "pause"
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    #[test]
    fn the_kernels_words_are_understood() {
        assert_eq!(parse_call("running"), Call::Running);
        assert_eq!(parse_call("202 0x7f 0x0 0x1 0x0 0x0 0x0 0x7ffc 0x7f"), Call::System(202));
        assert_eq!(parse_call("-1 0x7ffc 0x7f"), Call::Fault);
        assert_eq!(parse_call(""), Call::Unknown);
    }

    #[test]
    fn a_sleeping_thread_is_found_in_its_call() {
        let (tid_out, tid_in) = channel();
        let (done_out, done_in) = channel::<()>();
        let thread = std::thread::spawn(move || {
            tid_out.send(super::super::stack::current_thread_number().unwrap()).unwrap();
            let _ = done_in.recv();
        });
        let tid = tid_in.recv().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let activity = thread_activity(tid).unwrap();
            if let Call::System(number) = activity.call {
                assert_eq!(activity.state, RunState::Blocked);
                if system_call_name(number) == Some("futex") {
                    break;
                }
            }
            let told = activity.call != Call::Unknown || !numbers_are_ours();
            assert!(told || activity.state != RunState::Blocked || read(tid, "syscall").is_none());
            if read(tid, "syscall").is_none() || !numbers_are_ours() {
                break; // This kernel does not tell.
            }
            assert!(Instant::now() < deadline, "never seen in a futex: {activity:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(done_out);
        thread.join().unwrap();
        while thread_activity(tid).unwrap().state != RunState::Gone {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn no_number_has_two_names() {
        for (index, (number, name)) in NAMES.iter().enumerate() {
            assert_eq!(system_call_name(*number), Some(*name), "{index}");
        }
        assert_eq!(system_call_name(-5), None);
    }
}
