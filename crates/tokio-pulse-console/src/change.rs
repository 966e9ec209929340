//! The answers to calls that change something. None of them waits.

use std::time::Duration;

use tokio_pulse::config::SiteTerms;
use tokio_pulse::{ConfigError, TaskTerms};
use tokio_pulse_proto::{Reason, v1};
use tonic::Status;

use crate::answer::Answers;
use crate::convert;

impl Answers {
    pub(crate) fn set_config(&self, request: &v1::SetConfigRequest) -> Result<v1::Config, Status> {
        let handle = self.handle.tiers().config_handle();
        let assignments = &request.assignments;
        let values = assignments.iter().map(|one| (one.key.as_str(), one.value.as_str()));
        if request.dry_run {
            let expected = request.expected_revision;
            return handle
                .try_set_since(expected, values)
                .map(|view| convert::config(&view))
                .map_err(refused);
        }
        let tiers = self.handle.tiers();
        match request.expected_revision {
            Some(expected) => tiers.set_config_since(expected, values),
            None => tiers.set_config(values),
        }
        .map_err(refused)?;
        Ok(convert::config(&handle.view()))
    }

    pub(crate) fn set_tier_policy(
        &self,
        request: v1::SetTierPolicyRequest,
    ) -> Result<v1::Config, Status> {
        let tier = convert::tier(request.tier)?;
        let policy = convert::policy(request.policy)?;
        let tiers = self.handle.tiers();
        tiers.update_tier_policy(tier, policy).map_err(refused)?;
        Ok(convert::config(&tiers.config_handle().view()))
    }

    pub(crate) fn set_task(&self, request: &v1::SetTaskRequest) -> Result<v1::Suspect, Status> {
        let not_on_record = |_| {
            Reason::NotOnRecord.status(format!(
                "task {} is not on record; set what is to hold for its spawn site instead",
                request.task_id
            ))
        };
        let tiers = self.handle.tiers();
        let known = tiers.suspect_numbered(request.task_id).ok_or(()).map_err(not_on_record)?;
        let before = known.set_by_hand().filter(|_| !request.reset).unwrap_or_default();
        let terms = changed(before, request.tier, request.priority, request.budget_ns)?;
        if terms == TaskTerms::default() && !request.reset {
            return Err(nothing_said());
        }
        let set = tiers.set_task(known.task_id(), terms).map_err(|_| ()).map_err(not_on_record)?;
        Ok(convert::suspect(&set))
    }

    pub(crate) fn set_site(
        &self,
        request: &v1::SetSpawnSiteRequest,
    ) -> Result<Option<v1::Rule>, Status> {
        let tiers = self.handle.tiers();
        let before = tiers.config_handle().site_terms(&request.site);
        let kept = before.filter(|_| !request.reset).unwrap_or_default();
        let SiteTerms { tier, priority, budget, exempt } = kept;
        let terms = TaskTerms { tier, priority, budget };
        let TaskTerms { tier, priority, budget } =
            changed(terms, request.tier, request.priority, request.budget_ns)?;
        let exempt = request.exempt.unwrap_or(exempt);
        let terms = SiteTerms { tier, priority, budget, exempt };
        let anything = terms != SiteTerms::default();
        if !anything && before.is_none() && !request.reset {
            return Err(nothing_said());
        }
        tiers.set_site(&request.site, anything.then_some(terms)).map_err(refused)?;
        Ok(convert::rule_of_site(&tiers.config_handle().view(), &request.site))
    }
}

/// What is said takes the place of what was.
fn changed(
    before: TaskTerms,
    tier: Option<u32>,
    priority: Option<i32>,
    budget_ns: Option<u64>,
) -> Result<TaskTerms, Status> {
    Ok(TaskTerms {
        tier: tier.map(convert::tier).transpose()?.or(before.tier),
        priority: priority.map(convert::priority).transpose()?.or(before.priority),
        budget: budget_ns.map(budget_of).transpose()?.or(before.budget),
    })
}

/// As long as a slice may be.
fn budget_of(nanos: u64) -> Result<Duration, Status> {
    let budget = Duration::from_nanos(nanos);
    if (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&budget) {
        return Ok(budget);
    }
    Err(Reason::Invalid.status(format!("the budget is {budget:?}; give 1 ms to 60 s")))
}

fn nothing_said() -> Status {
    Reason::Invalid.status("nothing is to be set; give a tier, a priority or a budget, or `reset`")
}

fn refused(error: ConfigError) -> Status {
    let reason = match &error {
        error if error.is_start_only() => Reason::StartOnly,
        error if error.is_outdated() => Reason::Conflict,
        _ => Reason::Invalid,
    };
    match error.key() {
        Some(key) => reason.status_of_key(key, error.to_string()),
        None => reason.status(error.to_string()),
    }
}
