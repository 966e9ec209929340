//! What has been told, and what the operator is about.
//!
//! Everything here is pure: [`State::apply`] takes what the connection says, [`State::press`] takes a key,
//! and both return what the connection is to do. Time is what the service says it is.

mod answers;
mod config_pane;
mod cursor;
mod history;
pub(crate) mod keys;
mod press;
mod prompt;
mod stack_pane;
mod stall_log;
mod suspect_pane;
#[cfg(test)]
mod tests;
mod views;

pub(crate) use config_pane::ConfigPane;
pub(crate) use cursor::Cursor;
pub(crate) use history::{History, Series};
pub(crate) use keys::Key;
pub(crate) use prompt::{Prompt, Purpose, Stage};
pub(crate) use stack_pane::StackPane;
pub(crate) use stall_log::{StallLog, StallRow};
pub(crate) use suspect_pane::SuspectPane;
pub(crate) use views::View;

use std::time::Duration;

use tokio_pulse_proto::v1;

use super::ConsoleError;
use super::message::{Event, Link, Request};

/// Advice changes slowly, and is asked for anew in this time while it is looked at.
const SITES_AGE: Duration = Duration::from_secs(2);

/// The whole of it.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) link: Link,
    pub(crate) program: Option<v1::HandshakeResponse>,
    pub(crate) told: Told,
    pub(crate) lost: Lost,
    pub(crate) history: History,
    pub(crate) view: View,
    pub(crate) help: bool,
    pub(crate) workers: Cursor<WorkerKey>,
    pub(crate) suspects: SuspectPane,
    pub(crate) stalls: StallLog,
    pub(crate) sites: SitePane,
    pub(crate) config: ConfigPane,
    /// One stack, over the view.
    pub(crate) stack: Option<StackPane>,
    /// What is being typed.
    pub(crate) prompt: Option<Prompt>,
    pub(crate) notice: Option<Notice>,
    pub(crate) end: Option<End>,
}

/// The last of what the service said about each part.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) uptime_ns: u64,
    pub(crate) interval_ns: u64,
    pub(crate) overview: v1::Overview,
    pub(crate) workers: Vec<v1::Worker>,
    pub(crate) lanes: v1::Lanes,
    pub(crate) alerts: Vec<v1::Alert>,
}

/// What this client has missed because it was slow.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) updates: u64,
    pub(crate) stall_events: u64,
}

/// A thread, for as long as the service runs.
pub(crate) type WorkerKey = (String, Option<i32>);

/// The spawn sites with advice.
#[derive(Debug, Default)]
pub(crate) struct SitePane {
    pub(crate) sites: Vec<v1::SpawnSite>,
    pub(crate) total: u64,
    pub(crate) cursor: Cursor<String>,
    /// When they were asked for, in the service's time.
    asked_at_ns: Option<u64>,
}

/// One line for the operator, until the next key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) is_bad: bool,
}

/// The program ends.
#[derive(Debug)]
pub(crate) enum End {
    Wanted,
    Because(ConsoleError),
}

impl State {
    /// Takes what the connection says; returns what it is to do next.
    pub(crate) fn apply(&mut self, event: Event) -> Vec<Request> {
        match event {
            Event::Link(link) => self.link = link,
            Event::Connected(program) => self.connected(*program),
            Event::Update(update) => self.update(*update),
            Event::Answer(answer) => return self.answered(*answer),
            Event::GaveUp(error) => self.end = Some(End::Because(error)),
        }
        self.due()
    }

    fn connected(&mut self, program: v1::HandshakeResponse) {
        let same = self.program.as_ref().is_some_and(|known| {
            (known.process_id, known.began_at_unix_s)
                == (program.process_id, program.began_at_unix_s)
        });
        if !same {
            // Another process: nothing of the old one holds. What the operator is about stays.
            self.told = Told::default();
            self.history = History::default();
            self.lost = Lost::default();
            self.stalls = StallLog::default();
            self.suspects.forget();
            self.sites = SitePane::default();
            self.stack = None;
        }
        self.sites.asked_at_ns = None;
        self.program = Some(program);
        self.link = Link::Up;
    }

    fn update(&mut self, update: v1::Update) {
        self.told.uptime_ns = update.uptime_ns;
        if update.interval_ns > 0 {
            self.told.interval_ns = update.interval_ns;
        }
        if let Some(lost) = update.lost {
            self.lost.updates = self.lost.updates.saturating_add(lost.updates);
            self.lost.stall_events = self.lost.stall_events.saturating_add(lost.stall_events);
        }
        if let Some(overview) = update.overview {
            self.told.overview = overview;
        }
        self.history.note(&self.told.overview);
        for event in update.stalls {
            self.stalls.note(event, update.uptime_ns);
        }
        if let Some(workers) = update.workers {
            self.told.workers = workers.workers;
            self.workers.settle(self.told.workers.iter().map(worker_key));
        }
        if let Some(suspects) = update.suspects {
            self.suspects.told(suspects);
        }
        if let Some(lanes) = update.lanes {
            self.told.lanes = lanes;
        }
        if let Some(alerts) = update.alerts {
            self.told.alerts = alerts.alerts;
        }
        if let Some(config) = update.config {
            self.config.told(config);
        }
        let in_progress = self.told.overview.stalls_in_progress;
        self.stalls.compare_with(&self.told.workers, in_progress, update.uptime_ns);
        self.stalls.settle();
    }

    /// What the view in front needs and does not get by itself.
    fn due(&mut self) -> Vec<Request> {
        if self.view != View::Sites || self.link != Link::Up {
            return Vec::new();
        }
        let now = self.told.uptime_ns;
        let age = u64::try_from(SITES_AGE.as_nanos()).unwrap_or(u64::MAX);
        let fresh = self.sites.asked_at_ns.is_some_and(|asked| now.saturating_sub(asked) < age);
        if fresh {
            return Vec::new();
        }
        self.sites.asked_at_ns = Some(now);
        vec![Request::Sites]
    }

    /// A request, if there is anybody to ask.
    fn ask(&mut self, request: Request) -> Vec<Request> {
        if self.link == Link::Up {
            return vec![request];
        }
        self.complain("there is no connection; nothing was done");
        Vec::new()
    }

    fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), is_bad: false });
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), is_bad: true });
    }

    pub(crate) fn selected_worker(&self) -> Option<&v1::Worker> {
        self.told.workers.get(self.workers.at())
    }

    pub(crate) fn selected_site(&self) -> Option<&v1::SpawnSite> {
        self.sites.sites.get(self.sites.cursor.at())
    }
}

fn worker_key(worker: &v1::Worker) -> WorkerKey {
    (worker.thread.clone(), worker.tid)
}
