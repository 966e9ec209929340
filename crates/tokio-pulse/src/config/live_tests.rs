use super::*;
use crate::config::{ConfigProfile, Layers, TaskFacts};

fn handle() -> ConfigHandle {
    let mut layers = Layers::new();
    layers.slice(Duration::from_millis(20)).environment([("TOKIO_PULSE_LANE_QUEUE", "64")]);
    ConfigHandle::of_resolved(layers.resolve().unwrap(), layers)
}

fn origin(view: &ConfigView, key: &str) -> String {
    view.settings.iter().find(|setting| setting.key == key).unwrap().origin.to_string()
}

#[test]
fn each_value_has_its_origin_through_updates() {
    let handle = handle();
    let before = handle.view();
    assert_eq!(origin(&before, "slice"), "builder");
    assert_eq!(origin(&before, "lane.queue"), "TOKIO_PULSE_LANE_QUEUE");
    assert_eq!(origin(&before, "gate.permits"), "default");

    handle.set([("gate.permits", "3"), ("tier.2.name", "slow ones")]).unwrap();
    let after = handle.view();
    assert!(after.revision > before.revision);
    assert_eq!(origin(&after, "gate.permits"), "update");
    assert_eq!(origin(&after, "tier.2.name"), "update");
    assert_eq!(origin(&after, "slice"), "builder");
    assert_eq!(after.config.gate_permits(), Some(3));
}

#[test]
fn a_change_by_value_is_an_update_of_what_differs() {
    let handle = handle();
    let config = handle.current().to_builder().suspects_limit(99).build().unwrap();
    handle.update_config(config);
    assert_eq!(origin(&handle.view(), "suspects.limit"), "update");
    assert_eq!(origin(&handle.view(), "slice"), "builder");
}

#[test]
fn what_a_program_has_made_is_told_from_its_profile() {
    let config = TierConfig::profile(ConfigProfile::Aggressive).to_builder();
    let view = ConfigHandle::new(config.suspects_limit(99).build().unwrap()).view();
    assert_eq!(origin(&view, "suspects.limit"), "builder");
    assert_eq!(origin(&view, "tier.1.action"), "profile aggressive");
    assert_eq!(origin(&view, "slice"), "default");
}

#[test]
fn another_profile_leaves_what_was_set() {
    let handle = handle();
    handle.set([("tier.1.minimum_time", "7s")]).unwrap();
    handle.set([("profile", "permissive")]).unwrap();
    let config = handle.current();
    assert_eq!(config.base_profile(), ConfigProfile::Permissive);
    assert_eq!(config.policy(Tier::One).minimum_time(), Duration::from_secs(7));
    assert_eq!(config.policy(Tier::Two).promotion_violations(), Some(10));
    assert_eq!(config.slice(), Duration::from_millis(20));
    assert_eq!(origin(&handle.view(), "tier.2.promote_after_violations"), "profile permissive");
}

#[test]
fn all_or_nothing() {
    let handle = handle();
    let before = handle.view();
    for (values, key) in [
        (vec![("slice", "5ms"), ("slise", "5ms")], "slise"),
        (vec![("slice", "5ms"), ("lane.queue", "0")], "lane.queue"),
        (vec![("slice", "5ms"), ("tier.3.action", "monitor")], "tier.3.action"),
        (vec![("slice", "5ms"), ("runtime.worker_threads", "1")], "runtime.worker_threads"),
    ] {
        let error = handle.set(values.clone()).unwrap_err();
        assert_eq!(error.key(), Some(key));
        assert_eq!(error.is_start_only(), key.starts_with("runtime."));
        assert!(handle.try_set(values).is_err());
        assert!(Arc::ptr_eq(&before.config, &handle.current()), "{key}");
        assert_eq!(handle.revision(), before.revision);
    }
    // A dry run tells what would be.
    let would_be = handle.try_set([("slice", "5ms")]).unwrap();
    assert_eq!(would_be.config.slice(), Duration::from_millis(5));
    assert_eq!(origin(&would_be, "slice"), "update");
    assert!(Arc::ptr_eq(&before.config, &handle.current()));
}

#[test]
fn a_site_is_set_in_front_of_all_rules_and_set_back() {
    let rule = |priority| Rule::builder().site("*").priority(priority).build().unwrap();
    let config = TierConfig::builder().rule(rule(TaskPriority::Low)).build().unwrap();
    let handle = ConfigHandle::new(config);
    let facts = TaskFacts { file: "src/a.rs", line: 1, column: 2, name: None, labels: &[] };
    let terms = SiteTerms { priority: Some(TaskPriority::High), ..SiteTerms::default() };
    for _ in 0..MAX_SITES * 2 {
        handle.set_site("src/a.rs:1:2", Some(terms)).unwrap();
    }
    assert_eq!(handle.current().rules().len(), 2);
    assert_eq!(handle.site_terms("src/a.rs:1:2"), Some(terms));
    assert_eq!(handle.current().rule_for(&facts).unwrap().priority(), Some(TaskPriority::High));

    // Nothing set is no rule, and so many rules are enough.
    assert!(handle.set_site("src/b.rs", Some(SiteTerms::default())).is_err());
    for line in 1..MAX_SITES {
        handle.set_site(&format!("src/b.rs:{line}"), Some(terms)).unwrap();
    }
    let error = handle.set_site("src/c.rs", Some(terms)).unwrap_err();
    assert!(error.to_string().contains("at most 64"), "{error}");
    handle.set_site("src/a.rs:1:2", None).unwrap();
    handle.set_site("src/c.rs", Some(terms)).unwrap();
    assert_eq!(handle.current().rule_for(&facts).unwrap().priority(), Some(TaskPriority::Low));
}

#[test]
fn of_several_who_have_looked_at_the_same_one_succeeds() {
    let handle = ConfigHandle::new(TierConfig::default());
    for _ in 0..100 {
        let seen = handle.revision();
        let ready = std::sync::Barrier::new(2);
        let change = |slice| {
            ready.wait();
            handle.set_since(seen, [("slice", slice)])
        };
        let results = std::thread::scope(|scope| {
            let other = scope.spawn(|| change("20ms"));
            [change("5ms"), other.join().unwrap()]
        });
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let refused = results.into_iter().find_map(Result::err).unwrap();
        assert!(refused.is_outdated() && refused.to_string().contains("look at it again"));
        assert_eq!(handle.revision(), seen + 1);
    }
    assert!(handle.try_set_since(Some(0), [("slice", "5ms")]).unwrap_err().is_outdated());
}
