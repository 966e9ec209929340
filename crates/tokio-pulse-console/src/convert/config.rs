//! The configuration, out and in.

use std::time::Duration;

use tokio_pulse::config::{ConfigView, Rule, Setting};
use tokio_pulse::{InterventionAction, TierPolicy};
use tokio_pulse_proto::{Reason, v1};
use tonic::Status;

use super::nanos;
use super::suspect::{labels, priority_out};

pub(crate) fn config(view: &ConfigView) -> v1::Config {
    v1::Config {
        settings: view.settings.iter().map(setting).collect(),
        rules: view.config.rules().iter().map(rule).collect(),
        revision: view.revision,
    }
}

fn setting(setting: &Setting) -> v1::Setting {
    v1::Setting {
        key: setting.key.to_owned(),
        value: setting.value.clone(),
        origin: setting.origin.to_string(),
        expected: setting.expected.clone(),
        meaning: setting.meaning.to_owned(),
        choices: setting.choices.iter().map(|&word| word.to_owned()).collect(),
        start_only: setting.start_only,
    }
}

fn rule(rule: &Rule) -> v1::Rule {
    v1::Rule {
        site: rule.site().map(str::to_owned),
        name: rule.name().map(str::to_owned),
        labels: labels(rule.labels()),
        priority: rule.priority().map(|priority| priority_out(priority).into()),
        tier: rule.tier().map(|tier| tier as u32),
        budget_ns: rule.budget().map(nanos),
        exempt: rule.is_exempt(),
        set_by_hand: rule.is_set_by_hand(),
    }
}

/// What is set by hand for a spawn site.
pub(crate) fn rule_of_site(view: &ConfigView, pattern: &str) -> Option<v1::Rule> {
    let mut rules = view.config.rules().iter();
    rules.find(|rule| rule.is_set_by_hand() && rule.site() == Some(pattern)).map(rule)
}

/// What a request says of a policy.
pub(crate) fn policy(policy: Option<v1::TierPolicy>) -> Result<TierPolicy, Status> {
    let policy = policy.ok_or_else(|| Reason::Invalid.status("there is no policy; give one"))?;
    let action = match policy.action() {
        v1::Action::Monitor => InterventionAction::Monitor,
        v1::Action::Warn => InterventionAction::Warn,
        v1::Action::Yield => InterventionAction::Yield,
        v1::Action::SlowQueue => InterventionAction::SlowQueue,
        v1::Action::Isolate => InterventionAction::Isolate,
        v1::Action::Unspecified => {
            let message = format!("action is {}; give a number from 1 to 5", policy.action);
            return Err(Reason::Invalid.status(message));
        }
    };
    TierPolicy::builder(policy.name)
        .action(action)
        .promote_after_violations(policy.promote_after_violations)
        .promote_after_cpu(policy.promote_after_cpu_ns.map(Duration::from_nanos))
        .promote_after_slow_polls(policy.promote_after_slow_polls)
        .demote_after_good_polls(policy.demote_after_good_polls)
        .minimum_time(Duration::from_nanos(policy.minimum_time_ns))
        .good_poll_cpu(Duration::from_nanos(policy.good_poll_cpu_ns))
        .build()
        .map_err(|error| Reason::Invalid.status(error.to_string()))
}
