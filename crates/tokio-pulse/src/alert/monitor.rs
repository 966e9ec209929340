//! The thread that looks after the alerts.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;

use super::configure::Callback;
use super::probe::DelayProbe;
use super::state::{Latch, Turn};
use super::window::{Reading, Window};
use super::{AlertEvent, AlertRule, AlertSignal, AlertTurn, Settings};
use crate::pulse::Core;
use crate::trace;
use crate::watchdog::contained;

const THREAD_NAME: &str = "pulse-alerts";

struct Monitor {
    core: Arc<Core>,
    watches: Vec<Watch>,
    callbacks: Vec<Callback>,
    /// Only while a rule asks for it.
    probe: Option<DelayProbe>,
    /// Times that the reserve had run out at the last look.
    exhausted: u64,
}

/// One rule, and what is remembered for it.
struct Watch {
    rule: AlertRule,
    latch: Latch,
    window: Window,
    raised_at: Duration,
}

/// The running thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct MonitorThread {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl MonitorThread {
    /// Starts it, if there is anything to look after.
    pub(crate) fn start(
        settings: Settings,
        core: Arc<Core>,
        runtime: &Handle,
    ) -> io::Result<Option<Self>> {
        let Settings { rules, callbacks, interval } = settings;
        if rules.is_empty() {
            return Ok(None);
        }
        let asks = |rule: &AlertRule| rule.signal == AlertSignal::SchedulingDelay;
        let probe = rules.iter().any(asks).then(|| DelayProbe::of_tokio(runtime.clone()));
        let watches = rules.into_iter().map(Watch::new).collect();
        let monitor = Monitor { core, watches, callbacks, probe, exhausted: 0 };
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name(THREAD_NAME.into())
            .spawn(move || monitor.run(interval, &stopped))?;
        Ok(Some(Self { stop, thread }))
    }

    /// Ends it and waits for that, unless the caller is that thread itself: a callback may own the
    /// runtime.
    pub(crate) fn join(self) {
        let Self { stop, thread } = self;
        drop(stop);
        if thread.thread().id() != thread::current().id() {
            // It contains all panics.
            let _ = thread.join();
        }
    }
}

impl Monitor {
    fn run(mut self, interval: Duration, stopped: &Receiver<()>) {
        while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout)
            && !self.core.is_stopped()
        {
            self.look();
        }
        self.core.tiers.set_escalated(false);
        self.core.alerts.let_go();
    }

    fn look(&mut self) {
        let reading = self.read();
        let mut events = Vec::new();
        for (index, watch) in self.watches.iter_mut().enumerate() {
            let (value, event) = watch.look(reading);
            self.core.alerts.set(index, value, watch.latch.is_active());
            events.extend(event);
        }
        let escalated = |watch: &Watch| watch.rule.escalates && watch.latch.is_active();
        self.core.tiers.set_escalated(self.watches.iter().any(escalated));
        for event in &events {
            contained(|| trace::alert(event));
            for callback in &self.callbacks {
                contained(|| callback(event));
            }
        }
    }

    fn read(&mut self) -> Reading {
        let counters = self.core.counters.snapshot();
        let tiers = self.core.tiers.counters().snapshot();
        let ran_out =
            counters.exhausted > std::mem::replace(&mut self.exhausted, counters.exhausted);
        let scheduling_delay = self.probe.as_mut().map(DelayProbe::look).unwrap_or_default();
        Reading {
            at: self.core.heart.began.elapsed(),
            polls: self.core.polls(),
            slow_polls: counters.stalls.max(tiers.violations) + tiers.slow_polls,
            stalls: counters.stalls,
            violations: tiers.violations,
            reserve_in_use: in_use(counters.in_progress, self.core.config.reserve, ran_out),
            scheduling_delay,
        }
    }
}

fn in_use(stalls: usize, reserve: usize, ran_out: bool) -> f64 {
    let part = stalls as f64 / reserve.max(1) as f64;
    if ran_out { part.max(1.0) } else { part }
}

impl Watch {
    fn new(rule: AlertRule) -> Self {
        let (latch, window) = (Latch::new(rule.terms), Window::new(rule.window));
        Self { rule, latch, window, raised_at: Duration::ZERO }
    }

    fn look(&mut self, reading: Reading) -> (f64, Option<AlertEvent>) {
        let value = self.window.value(self.rule.signal, reading);
        let (turn, threshold, lasted) = match self.latch.step(value, reading.at) {
            None => return (value, None),
            Some(Turn::Raised) => {
                self.raised_at = reading.at;
                (AlertTurn::Raised, self.rule.terms.raise, Duration::ZERO)
            }
            Some(Turn::Cleared) => {
                let lasted = reading.at.saturating_sub(self.raised_at);
                (AlertTurn::Cleared, self.rule.terms.clear, lasted)
            }
        };
        let event = AlertEvent {
            name: self.rule.name.to_string(),
            signal: self.rule.signal,
            turn,
            value,
            threshold,
            escalates: self.rule.escalates,
            lasted,
        };
        (value, Some(event))
    }
}
