//! What to do about a group of stalls.

use serde::Serialize;

use super::groups::Group;
use super::line::Verdict;

/// So many samples in one function, of stalls that compute, are a loop, not a coincidence.
const LOOP_SAMPLES: usize = 4;

/// A reason that is behind less than this part of the time gets no advice.
const PART: u64 = 5;

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Advice {
    SpawnBlocking,
    YieldPoints,
    AsyncCall,
    AsyncLock,
    MoreCpu,
    Memory,
    NeedStacks,
}

impl Advice {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::SpawnBlocking => {
                "it computes: move it to `tokio::task::spawn_blocking`, or to a thread pool"
            }
            Self::YieldPoints => {
                "it is found in the same function again and again: if that is a loop, `.await` \
                 `tokio::task::yield_now()` in it every so often"
            }
            Self::AsyncCall => {
                "it blocks in system calls: use Tokio's own `fs`, `net`, `process` and `time`, or \
                 `tokio::task::spawn_blocking`"
            }
            Self::AsyncLock => {
                "it waits for a lock or a thread: hold the lock for less, never across work that \
                 may block, or use `tokio::sync`"
            }
            Self::MoreCpu => {
                "the kernel ran others: not this code's doing. Fewer busy threads, or more \
                 processors"
            }
            Self::Memory => {
                "it waits for pages: read mapped files and swapped memory in \
                 `tokio::task::spawn_blocking`"
            }
            Self::NeedStacks => {
                "why is not known: build with the feature `stacks`, and see `pulse doctor`"
            }
        }
    }
}

pub(super) fn of(group: &Group<'_>) -> Vec<Advice> {
    let verdicts = group.verdicts();
    let total = verdicts.values().fold(0_u64, |sum, time| sum.saturating_add(*time));
    let mut reasons: Vec<_> = verdicts.iter().filter(|(_, time)| **time >= total / PART).collect();
    reasons.sort_by_key(|(_, time)| std::cmp::Reverse(**time));
    let known = reasons.iter().any(|(verdict, _)| **verdict != Verdict::Unknown);
    let mut advice = Vec::new();
    for (verdict, _) in reasons {
        match verdict {
            Verdict::Computing => {
                advice.push(Advice::SpawnBlocking);
                if group.function.is_some() && group.samples() >= LOOP_SAMPLES {
                    advice.push(Advice::YieldPoints);
                }
            }
            Verdict::SystemCall => advice.push(Advice::AsyncCall),
            Verdict::Lock => advice.push(Advice::AsyncLock),
            Verdict::Descheduled => advice.push(Advice::MoreCpu),
            Verdict::PageFault => advice.push(Advice::Memory),
            Verdict::Unknown if !known => advice.push(Advice::NeedStacks),
            Verdict::Unknown => {}
        }
    }
    advice
}
