//! What keys do.

use tokio_pulse_proto::v1;

use super::keys::{self, Action};
use super::prompt::{self, Prompt, Purpose, Stage, Whom};
use super::stall_log::Id;
use super::{End, Key, StackPane, State, View};
use crate::console::format;
use crate::console::message::Request;

impl State {
    /// Takes a key; returns what the connection is to do.
    pub(crate) fn press(&mut self, key: Key) -> Vec<Request> {
        self.notice = None;
        if key == Key::Interrupt {
            self.end = Some(End::Wanted);
            return Vec::new();
        }
        if self.prompt.is_some() {
            return self.type_in(key);
        }
        let Some(action) = keys::action(key, self.view) else { return Vec::new() };
        let leaves_help = std::mem::take(&mut self.help);
        if leaves_help && matches!(action, Action::Help | Action::Back) {
            return Vec::new();
        }
        self.act(action)
    }

    fn act(&mut self, action: Action) -> Vec<Request> {
        match action {
            Action::Quit => self.end = Some(End::Wanted),
            Action::Help => self.help = true,
            Action::Back => self.stack = None,
            Action::Show(view) => return self.show(view),
            Action::Turn(by) => return self.show(self.view.turned(by)),
            Action::Move(by) => self.move_by(by),
            // What follows is about the selected row, which a stack in front hides.
            _ if self.stack.is_some() => {}
            Action::Stack => return self.ask_for_stack(),
            Action::Open => return self.open(),
            Action::Order => return self.ask(Request::Watch(self.suspects.next_order())),
            Action::LeastTier => return self.ask(Request::Watch(self.suspects.next_tier())),
            Action::Filter => self.begin_filter(),
            Action::Tier => self.begin(Purpose::Tier),
            Action::Priority => self.begin(Purpose::Priority),
            Action::Reset => return self.reset(),
            Action::Refresh => return self.refresh(),
        }
        Vec::new()
    }

    fn show(&mut self, view: View) -> Vec<Request> {
        self.view = view;
        self.stack = None;
        self.due()
    }

    fn move_by(&mut self, by: isize) {
        if let Some(stack) = &mut self.stack {
            stack.scroll_by(by);
            return;
        }
        match self.view {
            View::Workers => self.workers.step(by),
            View::Suspects => self.suspects.cursor.step(by),
            View::Stalls => self.stalls.cursor.step(by),
            View::Sites => self.sites.cursor.step(by),
            View::Config => self.config.cursor.step(by),
            View::Overview | View::Lanes | View::Alerts => {}
        }
    }

    fn ask_for_stack(&mut self) -> Vec<Request> {
        use v1::get_stacks_request::Which;
        let which = match self.view {
            View::Workers => self
                .selected_worker()
                .and_then(|worker| worker.tid.map(Which::Tid).or(worker.worker.map(Which::Worker))),
            View::Suspects => self.suspects.selected().map(|task| Which::TaskId(task.task_id)),
            _ => None,
        };
        let Some(which) = which else { return Vec::new() };
        let request = v1::GetStacksRequest { which: Some(which), stalled_only: false };
        let requests = self.ask(Request::Stacks(request));
        if !requests.is_empty() {
            self.stack = Some(StackPane::Asked(request));
        }
        requests
    }

    fn open(&mut self) -> Vec<Request> {
        match self.view {
            View::Stalls => match self.stalls.cursor.selected() {
                Some(&Id::Stall(stall)) => self.stack = Some(StackPane::Stall { stall, scroll: 0 }),
                Some(&Id::Thread(tid)) => {
                    let stuck = self.stalls.stuck_before().iter();
                    let stacks = stuck.filter(|stuck| stuck.tid == tid).cloned().collect();
                    self.stack = Some(StackPane::Threads { stacks, scroll: 0 });
                }
                None => {}
            },
            View::Config => self.begin_edit(),
            _ => {}
        }
        Vec::new()
    }

    fn begin_edit(&mut self) {
        let Some(setting) = self.config.selected() else { return };
        if setting.start_only {
            let key = setting.key.clone();
            self.complain(format!("{key} is read when the runtime starts, and cannot be changed"));
            return;
        }
        let purpose = Purpose::Value { key: setting.key.clone() };
        self.prompt = Some(Prompt::new(purpose, setting.value.clone()));
    }

    fn begin_filter(&mut self) {
        let (purpose, text) = match self.view {
            View::Suspects => (Purpose::SuspectFilter, self.suspects.query.filter.clone()),
            _ => (Purpose::ConfigFilter, self.config.filter.clone()),
        };
        self.prompt = Some(Prompt::new(purpose, text));
    }

    fn begin(&mut self, purpose: fn(Whom) -> Purpose) {
        if let Some(whom) = self.whom() {
            self.prompt = Some(Prompt::new(purpose(whom), String::new()));
        }
    }

    fn whom(&self) -> Option<Whom> {
        match self.view {
            View::Suspects => self
                .suspects
                .selected()
                .map(|suspect| Whom::Task { id: suspect.task_id, name: suspect.name.clone() }),
            View::Sites => {
                let site = self.selected_site()?.site.as_ref()?;
                Some(Whom::Site(format::site(site)))
            }
            _ => None,
        }
    }

    fn reset(&mut self) -> Vec<Request> {
        let Some(whom) = self.whom() else { return Vec::new() };
        self.ask(change(whom, |task| task.reset = true, |site| site.reset = true))
    }

    fn refresh(&mut self) -> Vec<Request> {
        match self.view {
            View::Sites => {
                self.sites.asked_at_ns = Some(self.told.uptime_ns);
                self.ask(Request::Sites)
            }
            _ => {
                let all = v1::GetStacksRequest { which: None, stalled_only: true };
                self.ask(Request::Stacks(all))
            }
        }
    }

    fn type_in(&mut self, key: Key) -> Vec<Request> {
        let Some(prompt) = &mut self.prompt else { return Vec::new() };
        match key {
            Key::Char(c) => prompt.type_in(c),
            Key::Backspace => prompt.erase(),
            Key::Clear => prompt.clear(),
            Key::Escape => self.prompt = None,
            Key::Enter => return self.enter(),
            _ => {}
        }
        Vec::new()
    }

    /// The line is finished.
    fn enter(&mut self) -> Vec<Request> {
        let Some(mut prompt) = self.prompt.take() else { return Vec::new() };
        let text = prompt.text.clone();
        let request = match prompt.purpose.clone() {
            Purpose::SuspectFilter => {
                return self.ask(Request::Watch(self.suspects.filtered(text)));
            }
            Purpose::ConfigFilter => {
                self.config.filter_by(text);
                return Vec::new();
            }
            Purpose::Value { key } => return self.enter_value(prompt, key),
            Purpose::Tier(whom) => prompt::tier(&text).map(|tier| {
                change(whom, |task| task.tier = Some(tier), |site| site.tier = Some(tier))
            }),
            Purpose::Priority(whom) => prompt::priority(&text).map(|priority| {
                let number = Some(priority.into());
                change(whom, |task| task.priority = number, |site| site.priority = number)
            }),
        };
        match request {
            Ok(request) => self.ask(request),
            Err(why) => {
                prompt.error = Some(why);
                self.prompt = Some(prompt);
                Vec::new()
            }
        }
    }

    /// First a question, then the change; nothing while one of them is on its way.
    fn enter_value(&mut self, mut prompt: Prompt, key: String) -> Vec<Request> {
        let value = prompt.text.trim().to_owned();
        let (stage, dry_run, expected_revision) = match prompt.stage {
            Stage::Typing => (Stage::Checking, true, None),
            Stage::Checked { revision } => (Stage::Applying, false, Some(revision)),
            Stage::Checking | Stage::Applying => {
                self.prompt = Some(prompt);
                return Vec::new();
            }
        };
        let assignments = vec![v1::Assignment { key, value }];
        let request = v1::SetConfigRequest { assignments, dry_run, expected_revision };
        let requests = self.ask(Request::SetConfig(request));
        if !requests.is_empty() {
            prompt.stage = stage;
        }
        self.prompt = Some(prompt);
        requests
    }
}

/// The request about a task or a site; only one of the closures is used.
fn change(
    whom: Whom,
    of_task: impl FnOnce(&mut v1::SetTaskRequest),
    of_site: impl FnOnce(&mut v1::SetSpawnSiteRequest),
) -> Request {
    match whom {
        Whom::Task { id, .. } => {
            let mut request = v1::SetTaskRequest { task_id: id, ..Default::default() };
            of_task(&mut request);
            Request::SetTask(request)
        }
        Whom::Site(site) => {
            let mut request = v1::SetSpawnSiteRequest { site, ..Default::default() };
            of_site(&mut request);
            Request::SetSite(request)
        }
    }
}
