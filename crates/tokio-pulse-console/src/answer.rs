//! The answers to all calls that only ask, but the subscriptions. Nothing here waits, but
//! [`Answers::stacks`].

use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use tokio_pulse::stall_report::ThreadAtWork;
use tokio_pulse::{Capabilities, Handle};
use tokio_pulse_proto::{PROTOCOL_VERSION, Reason, v1};
use tonic::Status;

use crate::access::unknown_version;
use crate::convert::{self, count, nanos, number};
use crate::limits;
use crate::rate::Rate;
use crate::sampler::{Figures, Sampler};
use crate::seats::Seats;
use crate::stalls::StallHub;

/// Everything that calls are answered from.
pub(crate) struct Answers {
    pub(crate) handle: Handle,
    pub(crate) sampler: Sampler,
    pub(crate) stalls: Arc<StallHub>,
    pub(crate) seats: Arc<Seats>,
    read_only: bool,
    began: Instant,
    changes: Rate,
    stack_calls: Rate,
    questions: Rate,
    capabilities: OnceLock<Vec<v1::Capability>>,
}

impl Answers {
    pub(crate) fn new(handle: &Handle, subscribers: usize, keep: usize, read_only: bool) -> Self {
        Self {
            handle: handle.clone(),
            sampler: Sampler::new(handle),
            stalls: Arc::new(StallHub::new(handle, keep)),
            seats: Arc::new(Seats::new(subscribers)),
            read_only,
            began: Instant::now(),
            changes: Rate::new(limits::CHANGES),
            stack_calls: Rate::new(limits::STACK_CALLS),
            questions: Rate::new(limits::QUESTIONS),
            capabilities: OnceLock::new(),
        }
    }

    /// Before a call that only asks.
    pub(crate) fn may_ask(&self) -> Result<(), Status> {
        self.questions.take(self.began.elapsed())
    }

    /// Before a call that changes something.
    pub(crate) fn may_change(&self) -> Result<(), Status> {
        if self.read_only {
            let message = "this console takes no changes; it was started with `read_only`";
            return Err(Reason::ReadOnly.status(message));
        }
        self.must_watch()?;
        self.changes.take(self.began.elapsed())
    }

    /// Before a call that interrupts threads.
    pub(crate) fn may_interrupt(&self) -> Result<(), Status> {
        self.must_watch()?;
        self.stack_calls.take(self.began.elapsed())
    }

    fn must_watch(&self) -> Result<(), Status> {
        if self.handle.is_watching() {
            return Ok(());
        }
        Err(Reason::Stopped.status("the watch over the runtime has ended"))
    }

    /// What the program can do on its machine is tried on the first call, which takes some milliseconds.
    pub(crate) fn handshake(
        &self,
        request: &v1::HandshakeRequest,
    ) -> Result<v1::HandshakeResponse, Status> {
        let (oldest, newest) = (request.oldest_version.max(1), request.newest_version.max(1));
        if !(oldest..=newest).contains(&PROTOCOL_VERSION) {
            return Err(unknown_version());
        }
        let uptime = self.handle.preemption_metrics().uptime();
        let began = SystemTime::now().checked_sub(uptime);
        let began = began.and_then(|then| then.duration_since(SystemTime::UNIX_EPOCH).ok());
        let program = std::env::current_exe().ok();
        let program = program.as_deref().and_then(|path| path.file_name());
        let flavor = match self.handle.tokio().runtime_flavor() {
            tokio::runtime::RuntimeFlavor::CurrentThread => "current-thread",
            _ => "multi-thread",
        };
        Ok(v1::HandshakeResponse {
            version: PROTOCOL_VERSION,
            pulse_version: env!("CARGO_PKG_VERSION").to_owned(),
            program: program.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            process_id: std::process::id(),
            began_at_unix_s: began.unwrap_or_default().as_secs(),
            flavor: flavor.to_owned(),
            capabilities: self.capabilities.get_or_init(capabilities).clone(),
            read_only: self.read_only,
            limits: Some(v1::Limits {
                max_subscribers: count(self.seats.limit()),
                min_interval_ns: nanos(limits::MIN_INTERVAL),
                max_suspects: count(limits::SUSPECTS),
                stall_queue: count(limits::STALL_QUEUE),
                max_request_bytes: count(limits::REQUEST_BYTES),
            }),
        })
    }

    pub(crate) fn overview(&self, figures: &Figures) -> v1::Overview {
        v1::Overview {
            scheduling_delay_ns: nanos(self.sampler.delay()),
            escalated: self.handle.tiers().is_escalated(),
            subscribers: count(self.seats.taken()),
            ended: !self.handle.is_watching(),
            ..convert::overview(&figures.metrics, self.handle.reports())
        }
    }

    pub(crate) fn config(&self) -> v1::Config {
        (*self.sampler.config()).clone()
    }

    pub(crate) fn sites(&self, request: &v1::GetSpawnSitesRequest) -> v1::GetSpawnSitesResponse {
        let sites = self.handle.tiers().spawn_sites();
        let limit = match request.limit {
            0 => limits::DEFAULT_SITES,
            limit => (limit as usize).min(limits::SITES),
        };
        v1::GetSpawnSitesResponse {
            total: sites.len() as u64,
            sites: sites.iter().take(limit).map(convert::spawn_site).collect(),
        }
    }

    /// Waits for each thread's answer.
    pub(crate) fn stacks(
        &self,
        request: &v1::GetStacksRequest,
    ) -> Result<v1::GetStacksResponse, Status> {
        use v1::get_stacks_request::Which;
        let wanted = |thread: &ThreadAtWork| match request.which {
            Some(Which::Tid(tid)) => thread.tid == tid,
            Some(Which::Worker(worker)) => thread.worker.map(count) == Some(worker),
            Some(Which::TaskId(task)) => thread.task_id.map(number) == Some(task),
            None => thread.is_stalled || !request.stalled_only,
        };
        let mut threads = self.handle.threads_at_work();
        threads.retain(wanted);
        if threads.is_empty() && request.which.is_some() {
            return Err(Reason::NoSuchThread
                .status("no such thread runs a task now; leave it out to see all that do"));
        }
        // The stuck ones first, in case there are too many.
        threads.sort_by_key(|thread| (!thread.is_stalled, thread.worker.is_none(), thread.worker));
        threads.truncate(limits::STACKS);
        let stack =
            |thread: &ThreadAtWork| convert::thread_stack(thread, &self.handle.stack_of(thread));
        Ok(v1::GetStacksResponse { stacks: threads.iter().map(stack).collect() })
    }
}

fn capabilities() -> Vec<v1::Capability> {
    let found = Capabilities::detect();
    let capability = |found: &tokio_pulse::Capability| v1::Capability {
        name: found.name().to_owned(),
        available: found.is_active(),
        detail: found.detail().to_owned(),
    };
    found.items().iter().map(capability).collect()
}
