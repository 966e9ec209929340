use super::*;
use crate::config::TierConfig;

const TASK: TaskFacts<'_> =
    TaskFacts { file: "src/heavy.rs", line: 10, column: 5, name: Some("import-7"), labels: &[] };

fn rule() -> RuleBuilder {
    Rule::builder().priority(TaskPriority::Low)
}

#[test]
fn all_conditions_must_hold() {
    let labels = [("kind".to_owned(), "batch".to_owned()), ("tenant".to_owned(), "7".to_owned())];
    let task = TaskFacts { labels: &labels, ..TASK };
    let matches = |rule: RuleBuilder| rule.build().unwrap().matches(&task);
    assert!(matches(rule().site("heavy.rs")));
    assert!(matches(rule().name("import-*")));
    assert!(matches(rule().label("kind", "batch")));
    assert!(matches(
        rule().site("heavy.rs:10").name("*7").label("kind", "batch").label("tenant", "7")
    ));
    assert!(!matches(rule().site("light.rs").name("import-*")));
    assert!(!matches(rule().site("heavy.rs").name("export-*")));
    assert!(!matches(rule().label("kind", "batch").label("tenant", "8")));
    assert!(!matches(rule().label("kind", "bat*")));
}

#[test]
fn a_task_without_a_name_matches_no_name() {
    let nameless = TaskFacts { name: None, ..TASK };
    assert!(!rule().name("*").build().unwrap().matches(&nameless));
    assert!(rule().site("*").build().unwrap().matches(&nameless));
}

#[test]
fn the_first_matching_rule_wins() {
    let low = rule().site("heavy.rs").build().unwrap();
    let high = Rule::builder().name("import-*").priority(TaskPriority::High).build().unwrap();
    let config = TierConfig::builder().rule(low).rule(high).build().unwrap();
    let priority = |task| config.rule_for(&task).and_then(Rule::priority);
    assert_eq!(priority(TASK), Some(TaskPriority::Low));
    assert_eq!(priority(TaskFacts { file: "other.rs", ..TASK }), Some(TaskPriority::High));
    assert_eq!(priority(TaskFacts { file: "other.rs", name: None, ..TASK }), None);
}

#[test]
fn what_makes_no_sense_is_refused_by_key() {
    let key = |rule: RuleBuilder| rule.build().unwrap_err().key().unwrap().to_owned();
    assert_eq!(key(Rule::builder()), "rule");
    assert_eq!(key(rule()), "rule");
    assert_eq!(key(Rule::builder().site("a.rs")), "rule");
    assert_eq!(key(rule().site("")), "rule.site");
    assert_eq!(key(rule().name("a\u{7}")), "rule.name");
    assert_eq!(key(rule().label("", "x")), "rule.label");
    assert_eq!(key(rule().label("x", "")), "rule.label");
    assert_eq!(key(rule().label("x=y", "z")), "rule.label");
    assert_eq!(key(rule().label("x", "y").label("x", "z")), "rule.label");
    assert_eq!(key(rule().site("a.rs").budget(Duration::ZERO)), "rule.budget");
    assert_eq!(key(rule().site("a.rs").budget(Duration::MAX)), "rule.budget");
    assert_eq!(key(Rule::builder().site("a.rs").exempt().tier(Tier::One)), "rule.exempt");
}

#[test]
fn it_reads_as_a_sentence() {
    let rule = rule().site("heavy.rs").label("kind", "batch").tier(Tier::Two);
    assert_eq!(
        rule.budget(Duration::from_millis(20)).build().unwrap().to_string(),
        "site heavy.rs, label kind=batch -> priority low, tier 2, budget 20ms"
    );
}
