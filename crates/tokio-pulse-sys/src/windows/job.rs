//! A job object: processes that share a CPU rate.
//!
//! The rate is a hard cap (`JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP`, since Windows 8), in hundredths of a
//! percent of all processors together; the system's own interval is what it counts in, so a period of
//! the caller's is only used for the share. A job lives on without its handle while there are processes
//! in it, and so does its rate. Therefore every open job is remembered, and its rate lifted when it
//! is closed and when this process exits. After a crash the children keep it until they end.

use std::os::windows::io::AsRawHandle;
use std::process::Child;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_INVALID_HANDLE, HANDLE};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_CPU_RATE_CONTROL_ENABLE,
    JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0, JobObjectCpuRateControlInformation,
    SetInformationJobObject,
};

use super::last_error;
use crate::isolation::FOR_PROCESSES;
use crate::{CpuLimit, Unavailable};

/// What the whole machine is, in the system's unit.
const WHOLE: u32 = 10_000;

/// The jobs that are open.
static OPEN: Mutex<Vec<Weak<Job>>> = Mutex::new(Vec::new());

/// An open job; `None` once it is closed.
#[derive(Debug)]
pub(super) struct Job(Mutex<Option<OpenJob>>);

#[derive(Debug)]
struct OpenJob(HANDLE);

// SAFETY: a handle is a number that is valid in the whole process.
unsafe impl Send for OpenJob {}

impl Job {
    pub(super) fn create(limit: CpuLimit) -> Result<Arc<Self>, Unavailable> {
        // SAFETY: a job without a name, and with the usual security.
        let handle = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if handle.is_null() {
            return Err(refused(last_error()));
        }
        let open = OpenJob(handle);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        open.set_rate(Some(rate(limit, processors))).map_err(refused)?;
        let job = Arc::new(Self(Mutex::new(Some(open))));
        remember(Arc::downgrade(&job));
        Ok(job)
    }

    pub(super) fn admit(&self, child: &Child) -> Result<(), Unavailable> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_ref().ok_or(refused(ERROR_INVALID_HANDLE as i32))?;
        // SAFETY: both handles are open; the child's belongs to `child`, which outlives the call.
        if unsafe { AssignProcessToJobObject(open.0, child.as_raw_handle().cast()) } != 0 {
            Ok(())
        } else {
            Err(refused(last_error()))
        }
    }

    /// Lifts the rate and closes the job; the second time nothing.
    pub(super) fn close(&self) -> Result<(), Unavailable> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        open.map_or(Ok(()), |open| open.set_rate(None).map_err(refused))
    }
}

impl OpenJob {
    fn set_rate(&self, rate: Option<u32>) -> Result<(), i32> {
        let flags = JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
        let control = JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
            ControlFlags: rate.map_or(0, |_| flags),
            Anonymous: JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0 { CpuRate: rate.unwrap_or(0) },
        };
        let size = size_of_val(&control) as u32;
        // SAFETY: the handle is open; `control` is whole, outlives the call and is only read.
        let done = unsafe {
            let class = JobObjectCpuRateControlInformation;
            SetInformationJobObject(self.0, class, (&raw const control).cast(), size)
        };
        if done != 0 { Ok(()) } else { Err(last_error()) }
    }
}

impl Drop for OpenJob {
    fn drop(&mut self) {
        // SAFETY: opened by `create`, and closed only here.
        unsafe { CloseHandle(self.0) };
    }
}

fn refused(code: i32) -> Unavailable {
    Unavailable::refused(FOR_PROCESSES, code)
}

/// The share of all processors together; the system takes no 0.
fn rate(limit: CpuLimit, processors: usize) -> u32 {
    let share = limit.quota.as_secs_f64() / limit.period.as_secs_f64() / processors as f64;
    // A period of nothing gives no number, and that becomes 0.
    ((share * f64::from(WHOLE)) as u32).clamp(1, WHOLE)
}

fn remember(job: Weak<Job>) {
    unsafe extern "C" {
        /// Of the C library, which both of Windows' toolchains link.
        fn atexit(function: extern "C" fn()) -> std::ffi::c_int;
    }
    static HOOKED: Once = Once::new();
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|job| job.strong_count() > 0);
    open.push(job);
    HOOKED.call_once(|| {
        // SAFETY: the function is there for as long as this code is, and does not unwind.
        unsafe { atexit(close_all) };
    });
}

extern "C" fn close_all() {
    // Not `lock`: a thread that the exit has ended may have it, and gives it back no more.
    let Ok(mut open) = OPEN.try_lock() else { return };
    let jobs = std::mem::take(&mut *open);
    drop(open);
    for job in jobs.iter().filter_map(Weak::upgrade) {
        if let Ok(mut open) = job.0.try_lock() {
            let _ = open.take().map(|open| open.set_rate(None));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_rate_is_a_share_of_the_machine() {
        let limit = |quota| CpuLimit {
            quota: Duration::from_millis(quota),
            period: Duration::from_millis(100),
        };
        assert_eq!(rate(limit(50), 1), 5_000);
        assert_eq!(rate(limit(50), 4), 1_250);
        assert_eq!(rate(limit(400), 2), WHOLE);
        assert_eq!(rate(limit(1), 1_000), 1);
        assert_eq!(rate(CpuLimit { period: Duration::ZERO, ..limit(0) }, 1), 1);
    }
}
