//! `pulse stacks`: what threads do, now.

use std::fmt::Write as _;

use tokio_pulse_proto::v1::{self, get_stacks_request::Which};

use super::conn::Client;
use super::format;
use super::once::json;
use super::{options::StacksOptions, target::Target};
use crate::{Error, output};

pub(super) async fn run(options: &StacksOptions) -> Result<(), Error> {
    let target = Target::new(&options.connection)?;
    let which = options.worker.map(Which::Worker).or(options.task.map(Which::TaskId));
    let request = v1::GetStacksRequest { which, stalled_only: options.stalled };
    let stacks = Client::connect(&target).await?.stacks(request).await?;
    if options.json {
        return output::say(&serde_json::json!({ "stacks": json::stacks(&stacks) }).to_string());
    }
    let none = if options.stalled { "No thread is stuck." } else { "No thread runs a task." };
    let text = if stacks.is_empty() { none.to_owned() } else { render(&stacks) };
    output::say(text.trim_end())
}

/// The innermost frame first; the one to look at has a mark.
pub(super) fn render(stacks: &[v1::ThreadStack]) -> String {
    let mut text = String::new();
    for of in stacks {
        // Writing to a String does not fail.
        let _ = thread(&mut text, of);
    }
    text
}

fn thread(text: &mut String, of: &v1::ThreadStack) -> std::fmt::Result {
    write!(text, "{} ({})", format::printable(&of.thread), of.tid)?;
    if let Some(worker) = of.worker {
        write!(text, ", worker {worker}")?;
    }
    if of.stalled {
        write!(text, ", STUCK")?;
    }
    writeln!(text, ": {}", format::verdict(of.verdict.as_ref()))?;
    if let Some(task) = of.task_id {
        writeln!(text, "  task {task}")?;
    }
    if let Some(site) = &of.spawned_at {
        writeln!(text, "  spawned at {}", format::site(site))?;
    }
    let stack = of.stack.clone().unwrap_or_default();
    for (number, frame) in (0_u32..).zip(&stack.frames) {
        let mark = if stack.culprit == Some(number) { '>' } else { ' ' };
        writeln!(text, "  {mark} {}", format::frame(frame))?;
    }
    if stack.frames.is_empty() {
        writeln!(text, "    no stack: {}", format::printable(&stack.missing))?;
    }
    if stack.truncated {
        writeln!(text, "    (the outer ones are missing)")?;
    }
    writeln!(text)
}
