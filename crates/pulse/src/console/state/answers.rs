//! What came of requests.

use tokio_pulse_proto::{Reason, v1};

use super::{Purpose, StackPane, Stage, State};
use crate::console::Refusal;
use crate::console::format;
use crate::console::message::{Answer, Outcome, Request};

impl State {
    pub(super) fn answered(&mut self, answer: Answer) -> Vec<Request> {
        match (answer.to, answer.result) {
            (Request::SetConfig(request), result) => self.configured(&request, result),
            (Request::Stacks(request), result) => self.stacks(request, result),
            (Request::Watch(query), Ok(_)) => self.suspects.query = query,
            (Request::Sites, Ok(Outcome::Sites(sites))) => {
                self.sites.total = sites.total;
                self.sites.sites = sites.sites;
                let keys = self
                    .sites
                    .sites
                    .iter()
                    .map(|site| site.site.as_ref().map(format::site).unwrap_or_default());
                self.sites.cursor.settle(keys);
            }
            (Request::SetTask(request), Ok(_)) => {
                self.say(if request.reset {
                    "taken back"
                } else {
                    "done; it shows with the next update"
                });
            }
            (Request::SetSite(request), Ok(_)) => {
                let site = request.site;
                self.say(if request.reset {
                    format!("taken back for tasks from {site}")
                } else {
                    format!("holds for tasks from {site}, also for those to come")
                });
                return self.due();
            }
            (Request::Sites, Ok(_)) => {}
            (_, Err(refusal)) => self.complain(refusal.to_string()),
        }
        Vec::new()
    }

    fn configured(&mut self, request: &v1::SetConfigRequest, result: Result<Outcome, Refusal>) {
        let Some(assignment) = request.assignments.first() else { return };
        let key = assignment.key.clone();
        let awaited = if request.dry_run { Stage::Checking } else { Stage::Applying };
        let waits = self.prompt.as_ref().is_some_and(|prompt| {
            prompt.stage == awaited
                && prompt.purpose == Purpose::Value { key: key.clone() }
                && prompt.text.trim() == assignment.value
        });
        match result {
            Ok(Outcome::Config(config)) => {
                self.config.errors.remove(&key);
                if request.dry_run {
                    if let Some(prompt) = self.prompt.as_mut().filter(|_| waits) {
                        prompt.stage = Stage::Checked { revision: config.revision };
                    }
                } else {
                    self.config.told(config);
                    let value = self.config.setting(&key).map_or("", |setting| &setting.value);
                    let said = format!("{key} = {value} is in force");
                    self.say(said);
                    if waits {
                        self.prompt = None;
                    }
                }
            }
            Ok(_) => {}
            Err(refusal) => {
                let conflict = refusal.reason == Some(Reason::Conflict);
                let text = refusal.to_string();
                if !conflict {
                    self.config.errors.insert(refusal.key.unwrap_or(key), text.clone());
                }
                match self.prompt.as_mut().filter(|_| waits) {
                    Some(prompt) => {
                        // It has to be checked again, whatever it was.
                        prompt.stage = Stage::Typing;
                        prompt.error = Some(text);
                    }
                    None => self.complain(text),
                }
            }
        }
    }

    fn stacks(&mut self, request: v1::GetStacksRequest, result: Result<Outcome, Refusal>) {
        let waits = matches!(&self.stack, Some(StackPane::Asked(asked)) if *asked == request);
        match result {
            // Nobody has opened anything: it is for the list.
            Ok(Outcome::Stacks(stacks)) if request.which.is_none() => self.stalls.stuck(stacks),
            Ok(Outcome::Stacks(stacks)) if waits => {
                self.stack = Some(StackPane::Threads { stacks, scroll: 0 });
            }
            Ok(_) => {}
            Err(refusal) => {
                if waits {
                    self.stack = None;
                }
                self.complain(refusal.to_string());
            }
        }
    }
}
