//! Why a poll does not end, from what the kernel says.

use std::fmt;
use std::time::Duration;

use tokio_pulse_sys::{Call, RunState, ThreadActivity};

use super::StallFacts;

/// Why a poll does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StallVerdict {
    /// It uses its processor.
    Computing,
    /// It sleeps in a system call. Neither is known where the kernel does not tell.
    InSystemCall {
        /// The kernel's number of the call.
        number: Option<i64>,
        /// Its name, of those that usually sleep.
        name: Option<&'static str>,
    },
    /// It waits in a `futex`: for a mutex, a condition variable, a channel, a thread's end.
    WaitingForLock,
    /// It is ready to run, and the kernel runs others.
    Descheduled,
    /// It waits for a page of memory that has to be read.
    PageFault,
    /// The evidence is missing, or says nothing.
    Unknown,
}

impl StallVerdict {
    /// A short name, the same as in JSON: `computing`, `system_call`, `lock`, `descheduled`,
    /// `page_fault`, `unknown`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Computing => "computing",
            Self::InSystemCall { .. } => "system_call",
            Self::WaitingForLock => "lock",
            Self::Descheduled => "descheduled",
            Self::PageFault => "page_fault",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn judge(facts: &StallFacts, activity: Option<&ThreadActivity>) -> Self {
        match activity {
            Some(activity) if activity.state == RunState::Blocked => asleep(activity),
            Some(activity) if activity.state == RunState::Gone => Self::Unknown,
            _ => awake(facts),
        }
    }
}

impl fmt::Display for StallVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Computing => f.write_str("it computes"),
            Self::InSystemCall { name: Some(name), .. } => {
                write!(f, "it sleeps in the system call {name}")
            }
            Self::InSystemCall { number: Some(number), .. } => {
                write!(f, "it sleeps in the system call number {number}")
            }
            Self::InSystemCall { .. } => f.write_str("it sleeps in the kernel"),
            Self::WaitingForLock => f.write_str("it waits for a lock or for another thread"),
            Self::Descheduled => f.write_str("the kernel runs others in its place"),
            Self::PageFault => f.write_str("it waits for a page of memory"),
            Self::Unknown => f.write_str("why is not known"),
        }
    }
}

fn asleep(activity: &ThreadActivity) -> StallVerdict {
    let channel = activity.wait_channel.as_deref().unwrap_or_default();
    match activity.call {
        Call::System(number) => match tokio_pulse_sys::system_call_name(number) {
            Some("futex") => StallVerdict::WaitingForLock,
            name => StallVerdict::InSystemCall { number: Some(number), name },
        },
        _ if activity.waits_for_thread() => StallVerdict::WaitingForLock,
        Call::Fault => StallVerdict::PageFault,
        _ if channel.contains("folio") || channel.contains("fault") => StallVerdict::PageFault,
        _ => StallVerdict::InSystemCall { number: None, name: None },
    }
}

/// By the larger part of the time, if it is known.
fn awake(facts: &StallFacts) -> StallVerdict {
    let most = |part: Option<Duration>| part.map(|part| part >= facts.elapsed / 2);
    match (most(facts.cpu_used), most(facts.run_delay)) {
        (Some(true), _) => StallVerdict::Computing,
        (_, Some(true)) => StallVerdict::Descheduled,
        // Ready now, and has had little: a wait counts only when it ends.
        (Some(false), _) if facts.cpu_used <= Some(facts.elapsed / 4) => StallVerdict::Descheduled,
        _ => StallVerdict::Unknown,
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    fn facts(cpu: Option<u64>, delay: Option<u64>) -> StallFacts {
        let mut facts = StallFacts::new(1, 1, Duration::from_millis(100));
        facts.cpu_used = cpu.map(Duration::from_millis);
        facts.run_delay = delay.map(Duration::from_millis);
        facts
    }

    fn asleep(call: Call, channel: Option<&str>) -> StallVerdict {
        let activity = ThreadActivity {
            state: RunState::Blocked,
            call,
            wait_channel: channel.map(str::to_owned),
        };
        StallVerdict::judge(&facts(Some(90), None), Some(&activity))
    }

    #[test]
    fn one_that_runs_is_judged_by_its_time() {
        let running =
            ThreadActivity { state: RunState::Runnable, call: Call::Running, wait_channel: None };
        for (cpu, delay, verdict) in [
            (Some(95), Some(5), StallVerdict::Computing),
            (Some(10), Some(85), StallVerdict::Descheduled),
            (Some(10), Some(0), StallVerdict::Descheduled),
            (Some(10), None, StallVerdict::Descheduled),
            (Some(40), Some(20), StallVerdict::Unknown),
            (None, None, StallVerdict::Unknown),
        ] {
            assert_eq!(StallVerdict::judge(&facts(cpu, delay), Some(&running)), verdict);
            assert_eq!(StallVerdict::judge(&facts(cpu, delay), None), verdict);
        }
    }

    #[test]
    fn one_that_sleeps_is_judged_by_where() {
        let nowhere = StallVerdict::InSystemCall { number: None, name: None };
        assert_eq!(asleep(Call::Fault, None), StallVerdict::PageFault);
        assert_eq!(asleep(Call::Unknown, Some("futex_wait_queue")), StallVerdict::WaitingForLock);
        assert_eq!(asleep(Call::Unknown, Some("WrAlertByThreadId")), StallVerdict::WaitingForLock);
        assert_eq!(asleep(Call::Unknown, Some("folio_wait_bit_common")), StallVerdict::PageFault);
        assert_eq!(asleep(Call::Unknown, Some("hrtimer_nanosleep")), nowhere);
        assert_eq!(asleep(Call::Unknown, None), nowhere);
        let strange = asleep(Call::System(1 << 40), None);
        assert_eq!(strange, StallVerdict::InSystemCall { number: Some(1 << 40), name: None });
        assert!(strange.to_string().ends_with("number 1099511627776"));
    }
}
