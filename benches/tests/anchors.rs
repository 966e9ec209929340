//! The programs of the comparison with other systems, as they are started from outside.

use std::env;
use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pulse-bench");

const FIELDS: [&str; 24] = [
    "system",
    "mode",
    "W",
    "H",
    "B",
    "P",
    "S",
    "p50",
    "p90",
    "p99",
    "p999",
    "max",
    "co_p50",
    "co_p99",
    "ticks",
    "expected",
    "hog_iters",
    "hog_min",
    "hog_max",
    "burn_ms_p50",
    "burn_ms_max",
    "ns_per_iter",
    "unfinished",
    "stuck",
];

fn run(line: &str) -> Output {
    Command::new(PROGRAM).args(line.split_whitespace()).output().unwrap()
}

fn anchor(arguments: &str) -> Value {
    let output = run(&format!("anchor {arguments}"));
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let mut rest = text.as_str();
    for field in FIELDS {
        let at = rest.find(&format!("\"{field}\":")).unwrap_or_else(|| panic!("{field}: {text}"));
        rest = &rest[at..];
    }
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line.as_object().unwrap().len(), FIELDS.len(), "{text}");
    line
}

#[test]
fn probes_and_hogs_on_pulse() {
    let line = anchor("--system tokio --system pulse --workers 2 --hogs 2 --hog-ms 20 --secs 1");
    assert_eq!((&line["system"], &line["mode"]), (&"pulse".into(), &"probe".into()));
    assert_eq!((&line["W"], &line["H"], &line["P"]), (&2.into(), &2.into(), &16.into()));
    assert_eq!(line["expected"], 16_000);
    assert!(line["ticks"].as_u64() > Some(0), "{line}");
    assert!(line["hog_iters"].as_u64() > Some(0), "{line}");
    assert!(line["p50"].as_f64() > Some(0.0), "{line}");
    assert_eq!((&line["unfinished"], &line["stuck"]), (&0.into(), &false.into()), "{line}");
}

#[test]
fn pairs_on_both_runtimes() {
    for system in ["pulse", "tokio"] {
        let line = anchor(&format!(
            "--system {system} --mode pingpong --probes 2 --secs 0.3 --pace-us 100"
        ));
        assert_eq!(line["system"], system);
        assert_eq!((&line["expected"], &line["hog_iters"]), (&0.into(), &0.into()));
        assert!(line["ticks"].as_u64() > Some(0), "{line}");
        assert_eq!(line["stuck"], false);
    }
}

#[test]
fn wrong_arguments_are_told_apart_from_failures() {
    assert_eq!(run("anchor --secs 0").status.code(), Some(2));
    assert_eq!(run("anchors").status.code(), Some(2));
    let output = run("anchors --programs /nowhere/at/all");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("anchors.sh"), "{output:?}");
}

#[cfg(unix)]
#[test]
fn one_table_of_all_whoever_fails() {
    use std::fs;
    let folder = env::temp_dir().join(format!("pulse-bench-anchors-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("systems"), "Missing = not-there\nFailing = /bin/sh -c false\n").unwrap();
    let output = Command::new(PROGRAM)
        .args(["anchors", "--rounds", "1", "--secs", "0.2", "--control", "--programs"])
        .arg(&folder)
        .arg("--log")
        .arg(folder.join("log"))
        .output()
        .unwrap();
    let log = fs::read_to_string(folder.join("log")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{output:?}");

    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let names = rows.iter().map(|row| row.split('|').nth(1).unwrap().trim());
    let expected = ["system", "---", "Failing", "Tokio, in this program", "Pulse"];
    assert_eq!(names.collect::<Vec<_>>(), expected, "{text}");
    assert_eq!(rows[2].matches("failed").count(), 7, "{text}");
    assert!(rows.iter().all(|row| row.matches('|').count() == 9), "{text}");
    assert!(!rows[4].contains("failed"), "{text}");
    assert!(text.contains("Missing is left out"), "{text}");
    assert_eq!(log.lines().count(), 3 * 6);
    let entries = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(entries.filter(|entry| entry["line"].is_object()).count(), 2 * 6);
}
