use std::time::Duration;

use super::*;
use crate::tier::InterventionAction;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn origin<'a>(found: &'a Resolved, key: &str) -> &'a Origin {
    &found.settings.iter().find(|setting| setting.key == key).unwrap().origin
}

fn file(text: &str) -> impl Fn(&Layers) -> Result<Resolved, ConfigError> + use<'_> {
    move |layers| layers.resolve_with(Path::new("p.toml"), text)
}

#[test]
fn without_layers_there_are_the_defaults() {
    let found = Layers::new().resolve().unwrap();
    assert_eq!(found.config, TierConfig::default());
    assert_eq!(found.runtime, RuntimeSettings::default());
    assert_eq!(found.settings.len(), keys::all().len());
    assert!(found.settings.iter().all(|setting| setting.origin == Origin::Default));
}

#[test]
fn a_profile_shows_where_it_differs() {
    let found = Layers::new().profile(ConfigProfile::Aggressive).resolve().unwrap();
    assert_eq!(found.config, TierConfig::profile(ConfigProfile::Aggressive));
    assert_eq!(origin(&found, "profile"), &Origin::Builder);
    assert_eq!(origin(&found, "tier.3.action"), &Origin::Profile(ConfigProfile::Aggressive));
    assert_eq!(origin(&found, "tier.0.action"), &Origin::Default);
    assert_eq!(origin(&found, "slice"), &Origin::Default);
}

#[test]
fn the_environment_overrides_the_calls_and_the_last_call_counts() {
    let mut layers = Layers::new();
    layers.slice(ms(20)).slice(ms(30)).worker_threads(4).reserve_workers(0);
    assert_eq!(layers.resolve().unwrap().config.slice(), ms(30));
    layers.environment([("TOKIO_PULSE_SLICE", "5ms"), ("PATH", "/bin")]);
    let found = layers.resolve().unwrap();
    assert_eq!(found.config.slice(), ms(5));
    assert_eq!(origin(&found, "slice"), &Origin::variable("TOKIO_PULSE_SLICE"));
    assert_eq!(found.runtime.worker_threads, Some(4));
    assert_eq!(found.runtime.reserve_workers, Some(0));
    assert_eq!(origin(&found, "runtime.reserve_workers"), &Origin::Builder);
}

#[test]
fn a_value_is_checked_even_where_another_layer_has_a_good_one() {
    let mut layers = Layers::new();
    layers.slice(Duration::ZERO).environment([("TOKIO_PULSE_SLICE", "5ms")]);
    let error = layers.resolve().unwrap_err();
    assert_eq!((error.key(), error.origin()), (Some("slice"), Some(&Origin::Builder)));
    let error = Layers::new().worker_threads(0).resolve().unwrap_err();
    assert!(error.to_string().starts_with("builder: runtime.worker_threads is 0"), "{error}");
}

#[test]
fn a_conflict_is_told_at_the_value_that_somebody_set() {
    let error = Layers::new().set("tier.1.action", "isolate").resolve().unwrap_err();
    // The tier that is milder has its default: the cause is the other one.
    assert_eq!((error.key(), error.origin()), (Some("tier.2.action"), Some(&Origin::Builder)));
    let environment = [("TOKIO_PULSE_TIER_3_ACTION", "warn")];
    let error = Layers::new().environment(environment).resolve().unwrap_err();
    assert!(error.is_environment() && error.key() == Some("tier.3.action"), "{error}");
}

#[test]
fn a_policy_sets_the_keys_of_its_tier() {
    let policy = TierPolicy::builder("mine").action(InterventionAction::Yield).build().unwrap();
    let mut layers = Layers::new();
    layers.tier_policy(Tier::Two, policy.clone());
    layers.environment([("TOKIO_PULSE_TIER_2_NAME", "theirs")]);
    let found = layers.resolve().unwrap();
    assert_eq!(found.config.policy(Tier::Two).name(), "theirs");
    assert_eq!(found.config.policy(Tier::Two).promotion_cpu(), None);
    assert_eq!(origin(&found, "tier.2.promote_after_cpu"), &Origin::Builder);
    assert_eq!(origin(&found, "tier.1.promote_after_cpu"), &Origin::Default);
}

#[test]
fn a_whole_configuration_is_overridden_by_what_comes_later() {
    let rule = |name| Rule::builder().name(name).tier(Tier::One).build().unwrap();
    let config = TierConfig::profile(ConfigProfile::Permissive)
        .to_builder()
        .suspects_limit(99)
        .rule(rule("config"))
        .build()
        .unwrap();
    let mut layers = Layers::new();
    layers.slice(ms(7)).rule(rule("before")).config(config).rule(rule("after")).worker_threads(3);
    layers.environment([("TOKIO_PULSE_SUSPECTS_LIMIT", "77")]);
    let found = layers.resolve().unwrap();
    assert_eq!(found.config.base_profile(), ConfigProfile::Permissive);
    assert_eq!((found.config.slice(), found.config.suspects_limit()), (ms(10), 77));
    assert_eq!(found.config.rules(), [rule("after"), rule("config")]);
    assert_eq!(found.runtime.worker_threads, Some(3));
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let error = Layers::new().set("suspect.limit", "99").resolve().unwrap_err();
    assert!(error.to_string().contains("did you mean \"suspects.limit\"?"), "{error}");
    for (name, hint) in [
        ("TOKIO_PULSE_SLISE", "did you mean TOKIO_PULSE_SLICE?"),
        ("TOKIO_PULSE_CONFIG_FILE", "unset it"),
        ("TOKIO_PULSE_TIER_4_ACTION", "did you mean TOKIO_PULSE_TIER_"),
        ("TOKIO_PULSE_CONFIGS", "did you mean TOKIO_PULSE_CONFIG?"),
        ("TOKIO_PULSE_", "unset it"),
    ] {
        let error = Layers::new().environment([(name, "1")]).resolve().unwrap_err();
        assert!(error.is_environment() && error.to_string().contains(hint), "{error}");
    }
    let error = Layers::new().environment([("TOKIO_PULSE_CONFIG", "")]).resolve().unwrap_err();
    assert!(error.is_environment() && error.to_string().contains("unset it"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_refused() {
    use std::os::unix::ffi::OsStringExt as _;
    let bad = OsString::from_vec(vec![b'1', 0xFF]);
    let mut layers = Layers::new();
    layers.environment([(OsString::from("TOKIO_PULSE_SLICE"), bad.clone())]);
    assert!(layers.resolve().unwrap_err().to_string().contains("not Unicode"));
    // Somebody else's is none of ours.
    assert!(Layers::new().environment([(bad.clone(), bad)]).resolve().is_ok());
}

#[cfg(feature = "config-file")]
#[test]
fn the_file_is_between_the_profile_and_the_calls() {
    let read = file("profile = \"permissive\"\nslice = \"4ms\"\n[tier.3]\nminimum_time = \"9s\"");
    let found = read(&Layers::new()).unwrap();
    assert_eq!(found.config.slice(), ms(4));
    assert_eq!(origin(&found, "slice"), &Origin::file(Path::new("p.toml"), 2, 9));
    let mut layers = Layers::new();
    layers.slice(ms(6)).profile(ConfigProfile::Aggressive);
    let found = read(&layers).unwrap();
    // The profile of the call is laid under the value of the file.
    assert_eq!(found.config.policy(Tier::Three).minimum_time(), ms(9_000));
    assert_eq!(found.config.policy(Tier::Three).action(), InterventionAction::Isolate);
    assert_eq!(found.config.slice(), ms(6));
    layers.environment([("TOKIO_PULSE_PROFILE", "custom")]);
    assert_eq!(read(&layers).unwrap().config.base_profile(), ConfigProfile::Custom);
}

#[cfg(feature = "config-file")]
#[test]
fn the_rules_of_the_program_are_tried_before_those_of_the_file() {
    let mut layers = Layers::new();
    let ours = Rule::builder().name("x").tier(Tier::One).build().unwrap();
    layers.rule(ours.clone());
    let found = file("[[rule]]\nname = \"y\"\ntier = 2")(&layers).unwrap();
    assert_eq!(found.config.rules()[0], ours);
    assert_eq!(found.config.rules()[1].tier(), Some(Tier::Two));
}

#[cfg(feature = "config-file")]
#[test]
fn the_environment_names_the_file_before_the_program_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("env.toml");
    std::fs::write(&path, "slice = \"3ms\"").unwrap();
    let mut layers = Layers::new();
    layers.file(folder.path().join("missing.toml"));
    let error = layers.resolve().unwrap_err();
    assert!(error.is_file() && error.to_string().ends_with("missing.toml: cannot be read"));
    layers.environment([("TOKIO_PULSE_CONFIG", path)]);
    assert_eq!(layers.resolve().unwrap().config.slice(), ms(3));
}

#[cfg(not(feature = "config-file"))]
#[test]
fn without_the_feature_a_file_is_refused_with_its_name() {
    for error in [
        Layers::new().file("p.toml").resolve().unwrap_err(),
        Layers::new().environment([("TOKIO_PULSE_CONFIG", "p.toml")]).resolve().unwrap_err(),
        file("")(&Layers::new()).unwrap_err(),
    ] {
        assert!(error.is_missing_feature() && error.is_file(), "{error}");
        assert!(error.to_string().contains("`config-file`"), "{error}");
    }
}
