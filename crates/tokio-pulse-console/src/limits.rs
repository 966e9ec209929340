//! The bounds of the server. What is beyond each is in `README.md` beside this file.

use std::time::Duration;

/// More than look at one program at three in the morning, few enough to be no load.
pub(crate) const SUBSCRIBERS: usize = 32;

/// Connections at a time. A client needs one.
pub(crate) const CONNECTIONS: usize = 128;

/// People do not read faster.
pub(crate) const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// For those who do not say how often.
pub(crate) const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// Longer than that nobody waits for news, and a subscriber that has gone would be kept.
pub(crate) const MAX_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) const SUSPECTS: usize = 1000;
pub(crate) const DEFAULT_SUSPECTS: usize = 100;
pub(crate) const SITES: usize = 1000;
pub(crate) const DEFAULT_SITES: usize = 100;

/// A filter is looked for in each name and site.
pub(crate) const FILTER: usize = 256;

/// Reports are a few a minute; a burst of their ends comes with them.
pub(crate) const STALL_QUEUE: usize = 64;

/// The largest request is one with all keys of the configuration, a few KiB.
pub(crate) const REQUEST_BYTES: usize = 64 << 10;

/// The largest answer is the stacks of all threads.
pub(crate) const ANSWER_BYTES: usize = 16 << 20;

/// Threads whose stacks are in one answer.
pub(crate) const STACKS: usize = 256;

pub(crate) const HEADER_BYTES: u32 = 16 << 10;

/// Until somebody on a new connection has been let in.
pub(crate) const LET_IN_WITHIN: Duration = Duration::from_secs(10);

/// A ping on a connection that is quiet, and for how long the answer may take.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// For one call, the reading of a program's symbols included.
pub(crate) const CALL_WITHIN: Duration = Duration::from_secs(60);

/// Calls a second, with as many at once: of those that change something, of those that interrupt
/// threads, and of the others.
pub(crate) const CHANGES: u32 = 20;
pub(crate) const STACK_CALLS: u32 = 10;
pub(crate) const QUESTIONS: u32 = 100;

/// Ticks of subscribers that are closer together than that read one sample.
pub(crate) const SAMPLE_AGE: Duration = Duration::from_millis(50);

/// For subscribers to be told that this is the end.
pub(crate) const END: Duration = Duration::from_millis(500);
