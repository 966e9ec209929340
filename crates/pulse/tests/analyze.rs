//! `pulse analyze`, on stored reports and on those of a run.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tokio_pulse::stall_report::{JsonLines, ReportLimits};

const STORED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/analyze/stored.jsonl");

fn analyze(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulse")).arg("analyze").args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(words: &[&str]) -> Value {
    let output = analyze(words);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn stored_reports_come_to_groups_with_advice() {
    let found = json(&[STORED, "--json"]);
    assert_eq!((&found["reports"], &found["stalls"]), (&7.into(), &4.into()));
    assert_eq!((&found["malformed"], &found["suppressed"]), (&2.into(), &3.into()));
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 3);

    // The costliest: one stall that goes on for four looks, and its end.
    let hash = &groups[0];
    assert_eq!(hash["function"], "app::login::hash");
    assert_eq!(hash["spawned_at"], "src/main.rs:10:5");
    assert_eq!(hash["task_names"][0], "login");
    assert_eq!((&hash["stalls"], &hash["samples"]), (&1.into(), &4.into()));
    assert_eq!((&hash["total_us"], &hash["merged"]), (&900_000.into(), &6.into()));
    assert_eq!(hash["advice"], serde_json::json!(["spawn_blocking", "yield_points"]));

    // The same number again, of another process: two stalls in the same place.
    let read = &groups[1];
    assert_eq!((&read["stalls"], &read["total_us"]), (&2.into(), &180_000.into()));
    assert_eq!(read["advice"], serde_json::json!(["async_call"]));
    assert_eq!(read["system_calls"][0], "read");

    assert_eq!(groups[2]["advice"], serde_json::json!(["async_lock"]));
    assert_eq!(groups[2]["spawned_at"], Value::Null);
}

/// One report, of a task from a place that is known while it is stuck.
fn report(stall: u64, verdict: &str) -> String {
    let frame = r#"{"function":"app::work","file":"src/work.rs","line":7,"module":"app","offset":1,"origin":"user","inlined":false}"#;
    format!(
        r#"{{"stall":{stall},"task_id":{stall},"task_name":null,"spawned_at":"src/main.rs:3:9","thread":"w","tid":1,"worker":0,"elapsed_us":60000,"cpu_us":0,"verdict":"{verdict}","system_call":null,"system_call_number":null,"waiting_behind":2,"fingerprint":"00000000000000aa","repeated":0,"suppressed":0,"culprit":{frame},"stack_missing":null,"stack_truncated":false,"stack":[{frame}]}}"#
    )
}

#[test]
fn each_reason_has_its_advice() {
    let folder = tempfile::tempdir().unwrap();
    for (verdict, advice) in [
        ("computing", "spawn_blocking"),
        ("system_call", "async_call"),
        ("lock", "async_lock"),
        ("descheduled", "more_cpu"),
        ("page_fault", "memory"),
        ("unknown", "need_stacks"),
    ] {
        let path = folder.path().join(verdict);
        std::fs::write(&path, report(1, verdict) + "\n").unwrap();
        let found = json(&[path.to_str().unwrap(), "--strict", "--json"]);
        assert_eq!(found["groups"][0]["advice"], serde_json::json!([advice]), "{verdict}");
    }
}

/// Files of many hours, and of several processes whose numbers of stalls are the same.
#[test]
fn many_reports_of_several_files_come_to_one_group_and_one_tree() {
    const REPORTS: u64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..2)
        .map(|file| {
            let path = folder.path().join(format!("{file}.jsonl"));
            let lines: Vec<_> = (1..=REPORTS).map(|stall| report(stall, "computing")).collect();
            std::fs::write(&path, lines.join("\n")).unwrap();
            path
        })
        .collect();
    let words: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let found = json(&[&words[..], &["--strict", "--json"]].concat());
    assert_eq!(
        (&found["reports"], &found["stalls"]),
        (&(2 * REPORTS).into(), &(2 * REPORTS).into())
    );
    let [group] = &found["groups"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!(group["spawned_at"], "src/main.rs:3:9");
    assert_eq!(group["total_us"], 2 * REPORTS * 60_000);
    assert_eq!(group["advice"], serde_json::json!(["spawn_blocking", "yield_points"]));
}

#[test]
fn people_get_a_tree_and_are_told_what_was_left_out() {
    let output = analyze(&[STORED, "--top", "1"]);
    assert!(output.status.success());
    let stdout = text(&output.stdout);
    for part in [
        "7 reports of 4 stalls in 3 groups; 2 malformed lines were left out; 3 reports",
        "1. app::login::hash",
        "spawned at src/main.rs:10:5 as login",
        "900 ms in 1 stalls",
        "spawn_blocking",
        "2 more groups; see --top",
    ] {
        assert!(stdout.contains(part), "{part} in {stdout}");
    }
    // Only own frames, the outermost first.
    let outer = stdout.find("app::login::handle").unwrap();
    assert!(stdout[outer..].contains("app::login::hash") && !stdout.contains("core::hint"));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("stored.jsonl:3: the line is no JSON"), "{stderr}");
    assert!(stderr.contains("stored.jsonl:8: the line is no report of a stall"), "{stderr}");
}

#[test]
fn strict_stops_at_the_first_malformed_line() {
    let output = analyze(&[STORED, "--strict"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("stored.jsonl:3: the line is no JSON"));
    assert!(output.stdout.is_empty());
    assert_eq!(analyze(&["/nowhere/at/all"]).status.code(), Some(3));
    assert_eq!(analyze(&[]).status.code(), Some(2));
}

#[test]
fn the_flame_graph_has_every_function() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stalls.svg");
    let output = analyze(&[STORED, "--svg", path.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.starts_with("<svg"));
    for name in ["app::login::hash", "core::hint::black_box&lt;u64&gt;", "app::files::load"] {
        assert!(svg.contains(name), "{name}");
    }
    let nowhere = folder.path().join("no/such/folder.svg");
    assert_eq!(analyze(&[STORED, "--svg", nowhere.to_str().unwrap()]).status.code(), Some(3));
}

#[inline(never)]
fn blocks_its_worker() {
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
fn what_a_run_has_written_is_understood_to_the_last_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let runtime = tokio_pulse::Builder::new_multi_thread()
        .worker_threads(1)
        .report_sink(JsonLines::append(&path).unwrap())
        .stall_reports(ReportLimits::new().threshold(Duration::from_millis(20)).per_minute(100))
        .build()
        .unwrap();
    for _ in 0..3 {
        runtime.block_on(runtime.spawn(async { blocks_its_worker() })).unwrap();
    }
    assert!(runtime.handle().flush_reports(Duration::from_secs(60)));
    let counts = runtime.handle().reports();
    drop(runtime);
    let found = json(&[path.to_str().unwrap(), "--strict", "--json"]);
    assert_eq!(found["reports"], counts.told);
    if cfg!(target_os = "linux") {
        assert!(counts.told >= 1);
        assert!(found["groups"][0]["total_us"].as_u64().unwrap() >= 20_000, "{found}");
    }
}
