//! The layers that a configuration is found from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::environment::{self, Environment};
use super::file::{self, Contents};
use super::keys::{self, Key};
use super::table::Draft;
use super::value::Value;
use super::{
    ConfigError, ConfigProfile, Origin, Resolved, Rule, RuntimeSettings, TierConfig, check,
};
use crate::stall_report::ReportLimits;
use crate::tier::{Tier, TierPolicy};

/// Finds a configuration from what several places say: the defaults, a [profile](ConfigProfile), a
/// file, the program's own calls, the environment. The last that names a key wins.
///
/// The profile may be chosen in any of them; it is laid under all the others, wherever that is.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::{ConfigProfile, config::Layers};
///
/// let found = Layers::new()
///     .profile(ConfigProfile::Permissive)
///     .slice(Duration::from_millis(20))
///     .environment([("TOKIO_PULSE_SLICE", "5ms")])
///     .resolve()?;
/// assert_eq!(found.config.slice(), Duration::from_millis(5));
/// assert_eq!(found.config.base_profile(), ConfigProfile::Permissive);
/// # Ok::<(), tokio_pulse::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Layers {
    file: Option<PathBuf>,
    calls: Vec<Call>,
    environment: Vec<(String, OsString)>,
}

/// What the program said, in its order.
#[derive(Clone, Debug)]
enum Call {
    Set(&'static str, Value),
    SetText(String, String),
    Policy(Tier, TierPolicy),
    Rule(Rule),
    // Boxed, for it is ten times the size of the others.
    Config(Box<TierConfig>),
}

/// A value for a key, not checked yet.
pub(super) struct Assignment {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Layers {
    /// The defaults alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads that file. The environment may name another.
    pub fn file(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.file = Some(path.into());
        self
    }

    /// Sets the profile.
    pub fn profile(&mut self, profile: ConfigProfile) -> &mut Self {
        self.call(Call::Set("profile", profile.into()))
    }

    /// Sets the slice.
    pub fn slice(&mut self, slice: Duration) -> &mut Self {
        self.call(Call::Set("slice", slice.into()))
    }

    /// Sets the number of workers.
    pub fn worker_threads(&mut self, workers: usize) -> &mut Self {
        self.call(Call::Set("runtime.worker_threads", workers.into()))
    }

    /// Sets the number of reserve workers.
    pub fn reserve_workers(&mut self, reserve: usize) -> &mut Self {
        self.call(Call::Set("runtime.reserve_workers", reserve.into()))
    }

    /// Sets how much is reported of stalls; `None`: nothing.
    pub fn stall_reports(&mut self, limits: Option<ReportLimits>) -> &mut Self {
        if let Some(limits) = limits {
            self.call(Call::Set("report.per_minute", limits.per_minute.into()));
            self.call(Call::Set("report.name_for", limits.name_for.into()));
        }
        let threshold = limits.map(|limits| limits.threshold);
        self.call(Call::Set("report.threshold", threshold.into()))
    }

    /// Sets the policy of a tier.
    pub fn tier_policy(&mut self, tier: Tier, policy: TierPolicy) -> &mut Self {
        self.call(Call::Policy(tier, policy))
    }

    /// Adds a rule. Those of the program are tried before those of the file.
    pub fn rule(&mut self, rule: Rule) -> &mut Self {
        self.call(Call::Rule(rule))
    }

    /// Sets everything that a configuration has, rules included. What the file says of it no
    /// longer counts; later calls and the environment do.
    pub fn config(&mut self, config: TierConfig) -> &mut Self {
        self.call(Call::Config(Box::new(config)))
    }

    /// Sets any key, by its name and value as in the environment: `suspects.limit` to `4096`.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.call(Call::SetText(key.into(), value.into()))
    }

    /// Adds the layer of the process's environment, as it is now.
    pub fn with_environment(&mut self) -> &mut Self {
        self.environment(std::env::vars_os())
    }

    /// Adds a layer of environment variables. Those that are not Pulse's are left alone.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> &mut Self {
        self.environment = environment::ours(variables);
        self
    }

    fn call(&mut self, call: Call) -> &mut Self {
        self.calls.push(call);
        self
    }

    /// Reads the file, if there is one, and lays the layers upon each other.
    ///
    /// # Errors
    ///
    /// When a layer names a key that does not exist or a value that would not do, also if a later
    /// layer has another value for it; when the values do not go together; when the file cannot be
    /// read.
    pub fn resolve(&self) -> Result<Resolved, ConfigError> {
        let environment = environment::read(&self.environment)?;
        let contents = match environment.file.as_ref().or(self.file.as_ref()) {
            Some(path) => file::parse(path, &file::read(path)?)?,
            None => Contents::default(),
        };
        self.merge(contents, environment)
    }

    /// With a file's text in the place of the file there is.
    pub(super) fn resolve_with(&self, path: &Path, text: &str) -> Result<Resolved, ConfigError> {
        let environment = environment::read(&self.environment)?;
        self.merge(file::parse(path, text)?, environment)
    }

    fn merge(&self, file: Contents, environment: Environment) -> Result<Resolved, ConfigError> {
        let (calls, rules) = self.called(file.rules)?;
        let mut assignments = file.assignments;
        assignments.extend(calls);
        assignments.extend(environment.assignments);
        lay(assignments, rules)
    }

    /// The calls, one value at a time, and the rules: the program's, then those of the file.
    fn called(&self, mut rules: Vec<Rule>) -> Result<(Vec<Assignment>, Vec<Rule>), ConfigError> {
        let mut assignments = Vec::new();
        let mut called_rules = Vec::new();
        let by_call = |error: ConfigError| error.at(Origin::Builder);
        let mut assign = |key, value| {
            assignments.push(Assignment { key, value, origin: Origin::Builder });
        };
        for call in &self.calls {
            match call {
                Call::Set(name, value) => assign(keys::find(name).map_err(by_call)?, value.clone()),
                Call::SetText(name, text) => {
                    let key = keys::find(name).map_err(by_call)?;
                    assign(key, key.parse(text).map_err(by_call)?);
                }
                Call::Policy(tier, policy) => {
                    let mut draft = draft(TierConfig::default());
                    draft.config.tiers[tier.index()] = policy.clone();
                    let section = format!("tier.{tier}");
                    for key in keys::all().iter().filter(|key| keys::section(&key.name) == section)
                    {
                        assign(key, key.get(&draft));
                    }
                }
                Call::Rule(rule) => called_rules.push(rule.clone()),
                Call::Config(config) => {
                    called_rules.clear();
                    rules = config.rules.clone();
                    let draft = draft((**config).clone());
                    for key in keys::all().iter().filter(|key| !key.is_start_only()) {
                        assign(key, key.get(&draft));
                    }
                }
            }
        }
        called_rules.append(&mut rules);
        Ok((assignments, called_rules))
    }
}

/// Lays values upon those of the profile that the last of them chose, one after the other.
pub(super) fn lay(assignments: Vec<Assignment>, rules: Vec<Rule>) -> Result<Resolved, ConfigError> {
    let (mut draft, mut origins) = base(&assignments)?;
    for Assignment { key, value, origin } in assignments {
        key.set(&mut draft, &value).map_err(|error| error.at(origin.clone()))?;
        origins[key.position] = origin;
    }
    draft.config.rules = rules;
    check::between(&draft.config).map_err(|conflict| {
        conflict.error(|name| keys::find(name).ok().map(|key| origins[key.position].clone()))
    })?;
    Ok(Resolved::new(draft, keys::all(), origins))
}

fn draft(config: TierConfig) -> Draft {
    Draft { config, runtime: RuntimeSettings::default() }
}

/// The profile that the last of them chose, and the origins of its values.
pub(super) fn base(assignments: &[Assignment]) -> Result<(Draft, Vec<Origin>), ConfigError> {
    let mut chosen = draft(TierConfig::default());
    for Assignment { key, value, origin } in assignments.iter().filter(|a| a.key.name == "profile")
    {
        key.set(&mut chosen, value).map_err(|error| error.at(origin.clone()))?;
    }
    let profile = chosen.config.base_profile();
    let (default, chosen) = (draft(TierConfig::default()), draft(TierConfig::profile(profile)));
    let origins = keys::all()
        .iter()
        .map(|key| match key.get(&default) == key.get(&chosen) {
            true => Origin::Default,
            false => Origin::Profile(profile),
        })
        .collect();
    Ok((chosen, origins))
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "layers_tests.rs"]
mod tests;
