use proptest::prelude::*;

use super::*;
use crate::config::table::Draft;
use crate::config::value::{Kind, Value};
use crate::config::{Layers, Resolved, Rule, RuntimeSettings, TierConfig, document, keys};
use crate::task::TaskPriority;
use crate::tier::Tier;

fn resolve(text: &str) -> Result<Resolved, ConfigError> {
    Layers::new().resolve_with(Path::new("p.toml"), text)
}

fn refusal(text: &str) -> String {
    let error = resolve(text).expect_err(text);
    assert!(error.is_file());
    error.to_string()
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_would_do() {
    for (text, message) in [
        ("slice = 10", "p.toml:1:9: slice is 10; give a duration from 1ms to 60s with its unit"),
        ("slice = \"2min\"", "p.toml:1:9: slice is 120s; give a duration from 1ms to 60s"),
        ("slice = \"10\"", "p.toml:1:9: slice is \"10\"; give a duration"),
        ("\nslise = \"1ms\"", "p.toml:2:1: unknown key \"slise\"; did you mean \"slice\"?"),
        ("colour = 1", "p.toml:1:1: unknown key \"colour\"; remove it"),
        ("slice = \"2ms\"\nslice = \"3ms\"", "p.toml:2:1: not TOML: "),
        ("slice = ", "p.toml:1:9: not TOML: "),
        ("[suspects]\nlimit = 1", "p.toml:2:9: suspects.limit is 1; give a whole number from 16"),
        ("[suspects]\nlimit = \"99\"", "suspects.limit is \"99\"; give a whole number"),
        ("[suspects]\nlimit = 99.0", "suspects.limit is 99.0; give a whole number"),
        ("suspects.limits = 99", "did you mean \"suspects.limit\"?"),
        ("suspects = 3", "p.toml:1:12: suspects is 3; give a table"),
        ("tier = 3", "tier is 3; give a table"),
        ("[tier.4]\nname = \"x\"", "unknown key \"tier.4\""),
        ("[slice]\nmax = 1", "slice is a table; give a duration"),
        ("[tier.1]\naction = \"stop\"", "give one of monitor, warn, yield, slow-queue, isolate"),
        ("[tier.1]\npromote_after_cpu = \"none\"", "or \"never\""),
        ("[gate]\npermits = true", "gate.permits is true; give a whole number from 1 to 1024"),
        ("[priority.low]\nbudget = nan", "priority.low.budget is NaN; give a number from 0.01"),
        ("[priority.low]\nbudget = 1e400", "priority.low.budget is inf; give a number"),
        ("[tier.2]\naction = \"monitor\"", "p.toml:2:10: tier.2.action is monitor; give an action"),
        ("rule = 1", "p.toml:1:1: rule is 1; give tables, each as [[rule]]"),
        ("[rule]\nname = \"x\"", "rule is a table; give tables"),
        ("rule = [1]", "rule is 1; give tables"),
        (
            "[[rule]]\nnmae = \"x\"",
            "p.toml:2:1: unknown key \"rule.nmae\"; did you mean \"rule.name\"?",
        ),
        ("[[rule]]\ntier = 1", "p.toml:1:1: rule is without a condition"),
        ("[[rule]]\nname = \"x\"", "rule is without an effect"),
        ("[[rule]]\nname = \"x\"\nexempt = false", "rule is without an effect"),
        ("[[rule]]\nname = \"x\"\ntier = 4", "p.toml:3:8: rule.tier is 4; give 0, 1, 2 or 3"),
        ("[[rule]]\nname = \"\"\ntier = 2", "p.toml:2:8: rule.name is \"\"; give a pattern"),
        ("[[rule]]\nname = 7\ntier = 2", "rule.name is 7; give a pattern"),
        ("[[rule]]\nlabel = \"x\"\ntier = 2", "rule.label is \"x\"; give \"key=value\""),
        ("[[rule]]\nname = \"x\"\nbudget = 5", "rule.budget is 5; give a duration from 1ms to 60s"),
        (
            "[[rule]]\nname = \"x\"\nbudget = \"1us\"",
            "p.toml:3:10: rule.budget is 1us; give a duration",
        ),
        (
            "[[rule]]\nname = \"x\"\nexempt = true\ntier = 1",
            "p.toml:3:10: rule.exempt is beside a tier",
        ),
        ("[[rule]]\nname = \"x\"\npriority = \"top\"", "give one of critical, high, normal, low"),
    ] {
        let found = refusal(text);
        assert!(found.contains(message), "{text}\n  found:    {found}\n  expected: {message}");
        assert!(!found.contains('\n'), "{found:?}");
    }
}

#[test]
fn the_first_mistake_of_a_file_is_the_one_that_is_told() {
    assert!(refusal("zebra = 1\napple = 2").starts_with("p.toml:1:1"));
}

#[test]
fn columns_are_characters() {
    assert!(refusal("tier.1 = { name = \"ää\", action = 1 }").starts_with("p.toml:1:34:"));
}

#[test]
fn all_forms_of_toml_are_read() {
    let text = "\u{feff}suspects.limit = 1_0_0\r\n[gate]\r\npermits = \"auto\"\r\n[priority]\r\n\
                low = { budget = 1, patience = 2.5 }\r\n[squeeze]\r\nbudget = 0x10\r\n\
                [[rule]]\r\nlabel = [\"kind=batch\", \"q=a=b\"]\r\ntier = 1\r\n";
    let config = resolve(text).unwrap().config;
    assert_eq!((config.suspects_limit(), config.squeeze_budget()), (100, 16));
    assert_eq!(config.budget_factor(TaskPriority::Low), 1.0);
    assert_eq!(config.patience(TaskPriority::Low), 2.5);
    let rule = config.rules()[0].to_string();
    assert_eq!(rule, "label kind=batch, label q=a=b -> tier 1");
    assert_eq!(resolve("").unwrap().config, TierConfig::default());
}

#[test]
fn what_is_no_text_file_of_bearable_length_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path, why: &str| {
        let error = read(path).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.is_file() && source.contains(why), "{error}: {source}");
    };
    refused(folder.path(), "not a regular file");
    let path = folder.path().join("p.toml");
    std::fs::write(&path, vec![b'#'; 1 << 21]).unwrap();
    refused(&path, "1 MiB");
    std::fs::write(&path, [b'#', 0xFF]).unwrap();
    refused(&path, "UTF-8");
}

#[test]
fn deep_nesting_is_refused_and_overflows_no_stack() {
    // As deep as a file may be long, on a stack as small as the standard library's.
    let depth = MAX_BYTES as usize / 2 - 8;
    let deep = std::thread::spawn(move || {
        for text in [
            format!("x = {}", "[".repeat(2 * depth)),
            format!("x = {}{}", "[".repeat(depth), "]".repeat(depth)),
            format!("x = {}", "{a=".repeat(depth / 2)),
            format!("{}a = 1", "a.".repeat(depth)),
            format!("[{}a]", "a.".repeat(depth)),
            format!("[[{}a]]", "a.".repeat(depth)),
            format!("x = {{ {}a = 1 }}", "a.".repeat(depth)),
        ] {
            assert!(resolve(&text).is_err());
        }
    });
    deep.join().unwrap();
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    let nanos = |duration: std::time::Duration| duration.as_nanos() as u64;
    match kind {
        Kind::Duration(min, max) => (nanos(min)..=nanos(max))
            .prop_map(|nanos| Value::Duration(std::time::Duration::from_nanos(nanos)))
            .boxed(),
        Kind::Count(min, max) => (min..=max).prop_map(Value::Count).boxed(),
        Kind::Factor(min, max) => (min..=max).prop_map(Value::Factor).boxed(),
        Kind::Choice(words) => prop::sample::select(words).prop_map(Value::from).boxed(),
        Kind::Name => "[a-z\"\\\\# =ä]{1,16}".prop_map(Value::Word).boxed(),
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let pattern = "[a-z\"\\\\*:#'ä]{1,12}";
    let labels = prop::collection::btree_map("[a-z\"\\\\]{1,4}", "[a-z=]{1,4}", 0..3);
    let budget = 1_000_000u64..60_000_000_000;
    (pattern, prop::option::of(pattern), labels, 0usize..4, prop::option::of(budget), any::<bool>())
        .prop_map(|(site, name, labels, number, budget, exempt)| {
            let mut rule = Rule::builder().site(site).priority(TaskPriority::ALL[number]);
            rule = match exempt {
                true => rule.exempt(),
                false => rule.tier(Tier::ALL[number]),
            };
            for (key, value) in labels {
                rule = rule.label(key, value);
            }
            if let Some(name) = name {
                rule = rule.name(name);
            }
            if let Some(nanos) = budget {
                rule = rule.budget(std::time::Duration::from_nanos(nanos));
            }
            rule.build().unwrap()
        })
}

/// Any values whatever, made to go together.
fn draft() -> impl Strategy<Value = Draft> {
    let values: Vec<_> = keys::all()
        .iter()
        .map(|key| match key.field.unset {
            Some(_) => prop_oneof![value(key.field.kind), Just(Value::Unset)].boxed(),
            None => value(key.field.kind),
        })
        .collect();
    (values, prop::collection::vec(rule(), 0..4)).prop_map(|(values, rules)| {
        let runtime = RuntimeSettings::default();
        let mut draft = Draft { config: TierConfig::default(), runtime };
        for (key, value) in keys::all().iter().zip(values) {
            key.set(&mut draft, &value).unwrap();
        }
        let mut actions = draft.config.tiers.clone().map(|policy| policy.action());
        actions.sort();
        for (policy, action) in draft.config.tiers.iter_mut().zip(actions) {
            let good = policy.good_poll_cpu().min(draft.config.slice);
            *policy = policy.to_builder().action(action).good_poll_cpu(good).build().unwrap();
        }
        draft.config.rules = rules;
        draft
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_configuration_that_is_written_reads_the_same(draft in draft()) {
        let text = document::of_draft(&draft);
        let found = resolve(&text).unwrap();
        prop_assert_eq!(&found.config, &draft.config);
        prop_assert_eq!(found.runtime, draft.runtime);
        prop_assert_eq!(found.to_toml(), text);
        // Without what is read at start only.
        prop_assert_eq!(resolve(&draft.config.to_toml()).unwrap().config, draft.config);
    }

    #[test]
    fn a_damaged_file_makes_nothing_panic(
        draft in draft(), cut in any::<prop::sample::Index>(), junk in ".{0,6}",
    ) {
        let mut text = document::of_draft(&draft);
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        text.insert_str(*cut.get(&places), &junk);
        let _ = resolve(&text);
        text.truncate(*cut.get(&places));
        let _ = resolve(&text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(.|\n){0,60}") {
        let _ = resolve(&text);
    }
}
