//! `pulse top --once`, `pulse config` and `pulse stacks` against a made-up service over real sockets.
#![cfg(unix)]

#[path = "console/fake.rs"]
mod fake;
#[path = "console/sample.rs"]
mod sample;

use std::net::TcpListener;
use std::process::{Command, Output};

use fake::{Fake, Manners};
use serde_json::Value;

const TOKEN: &str = "a-token-of-the-test";

fn command(connect: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pulse"));
    command.args(words).args(["--connect", connect]);
    command.env_remove("PULSE_TOKEN").env_remove("PULSE_CONNECT");
    command
}

fn pulse(connect: &str, words: &[&str]) -> Output {
    command(connect, words).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

/// It fails with this code, says this, and prints nothing that a script could take for an answer.
fn fails(output: &Output, code: i32, with: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.starts_with("error: ") && said.contains(with), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn once_tells_all_of_it_over_tcp_and_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pulse.sock");
    let (_tcp, address) = Fake::tcp(Manners::default());
    let _unix = Fake::unix(&path, Manners::default());
    for connect in [address.to_string(), format!("unix:{}", path.display())] {
        let found = json(&pulse(&connect, &["top", "--once", "--json"]));
        assert_eq!(found["format"], 1);
        assert_eq!(found["program"]["name"], "orders");
        assert_eq!(found["program"]["capabilities"][0]["name"], "stacks");
        assert_eq!(found["overview"]["stalls"], 12);
        assert_eq!(found["overview"]["reports"]["merged"], 3);
        assert_eq!(found["workers"][1]["state"], "stalled");
        assert!(found["workers"][0]["task_id"].is_null());
        let suspect = &found["suspects"]["list"][0];
        assert_eq!(suspect["spawned_at"], "src/report.rs:43:9");
        assert_eq!(suspect["action"], "slow-queue");
        assert_eq!(suspect["labels"]["tenant"], "acme");
        assert_eq!(found["stuck"][0]["stack"]["frames"][1]["origin"], "user");
        assert_eq!(found["stuck"][0]["verdict"]["kind"], "computing");
        assert_eq!(found["spawn_sites"]["list"][1]["advice"], "do-not-block");
        assert_eq!(found["lanes"]["gate"]["permits"], 2);
        assert!(found["lanes"]["isolated"].is_null());
        assert_eq!(found["alerts"][0]["value"], 14.5);
        assert_eq!(found["config"]["settings"][0]["value"], "10ms");
        assert_eq!(found["config"]["rules"][0]["site"], "src/report.rs");

        let text = stdout(&pulse(&connect, &["top", "--once"]));
        for word in
            ["orders (4242)", "STALLED", "nightly-report", "lane.", "aggregate", "many-stalls"]
        {
            assert!(text.contains(word), "{word} in\n{text}");
        }
    }
}

#[test]
fn config_get_prints_all_or_one() {
    let (_fake, address) = Fake::tcp(Manners::default());
    let address = address.to_string();
    assert_eq!(stdout(&pulse(&address, &["config", "get", "slice"])), "10ms\n");
    let all = stdout(&pulse(&address, &["config", "get"]));
    let slice = all.lines().find(|line| line.starts_with("slice = 10ms ")).unwrap();
    assert!(slice.ends_with("# default"), "{slice}");
    assert!(all.contains("read at the start only"), "{all}");
    let one = json(&pulse(&address, &["config", "get", "tier.1.action", "--json"]));
    assert_eq!((&one["value"], &one["origin"]), (&"warn".into(), &"profile balanced".into()));
    let all = json(&pulse(&address, &["config", "get", "--json"]));
    assert_eq!(all["settings"].as_array().unwrap().len(), 3);
    fails(&pulse(&address, &["config", "get", "slise"]), 2, "pulse config get");
}

#[test]
fn config_set_changes_or_checks_or_says_why_not() {
    let (fake, address) = Fake::tcp(Manners::default());
    let address = address.to_string();
    let text = stdout(&pulse(&address, &["config", "set", "slice=5ms", "--dry-run"]));
    assert_eq!(text, "slice = 5ms would be in force\n");
    assert_eq!(fake.state.lock().unwrap().slice, None, "it was a question");
    let text = stdout(&pulse(&address, &["config", "set", "slice=5ms"]));
    assert_eq!(text, "slice = 5ms is in force\n");
    assert_eq!(fake.state.lock().unwrap().slice.as_deref(), Some("5ms"));
    let changed = json(&pulse(&address, &["config", "set", "slice=6ms", "--json"]));
    assert_eq!((&changed["revision"], &changed["dry_run"]), (&5.into(), &false.into()));
    assert_eq!(changed["settings"][0]["value"], "6ms");

    let wrong = pulse(&address, &["config", "set", "slice=soon"]);
    fails(&wrong, 2, "slice is \"soon\"; give a duration");
    let late = pulse(&address, &["config", "set", "rescue.reserve_workers=9"]);
    fails(&late, 2, "when the runtime starts");
    let none = pulse(&address, &["config", "set", "slice"]);
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
    assert_eq!(fake.state.lock().unwrap().slice.as_deref(), Some("6ms"));
}

#[test]
fn stacks_of_all_of_the_stuck_and_of_one() {
    let (_fake, address) = Fake::tcp(Manners::default());
    let address = address.to_string();
    let text = stdout(&pulse(&address, &["stacks"]));
    assert!(text.contains("orders-1 (4251), worker 1, STUCK: it computes"), "{text}");
    assert!(text.contains("  > orders::report::aggregate  src/report.rs:112"), "{text}");
    assert!(text.contains("orders-3"), "{text}");
    let stuck = json(&pulse(&address, &["stacks", "--stalled", "--json"]));
    assert_eq!(stuck["stacks"].as_array().unwrap().len(), 1);
    assert_eq!(stuck["stacks"][0]["stack"]["culprit"], 1);
    let one = stdout(&pulse(&address, &["stacks", "--worker", "3"]));
    assert!(one.contains("orders-3") && !one.contains("orders-1"), "{one}");
    let one = stdout(&pulse(&address, &["stacks", "--task", "77"]));
    assert!(one.contains("task 77"), "{one}");
    fails(&pulse(&address, &["stacks", "--worker", "9"]), 2, "no such thread");
}

#[test]
fn a_token_comes_from_a_file_or_the_environment_and_has_to_be_right() {
    let (_fake, address) = Fake::tcp(Manners { token: Some(TOKEN), ..Default::default() });
    let address = address.to_string();
    let get = ["config", "get", "slice"];
    fails(&pulse(&address, &get), 3, "--token-file");
    let with = |token| command(&address, &get).env("PULSE_TOKEN", token).output().unwrap();
    fails(&with("another"), 3, "give the token");
    assert_eq!(stdout(&with(TOKEN)), "10ms\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let file = file.to_str().unwrap();
    let output = pulse(&address, &["config", "get", "slice", "--token-file", file]);
    assert_eq!(stdout(&output), "10ms\n");
}

#[test]
fn nobody_there_exits_with_3_and_says_where() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for words in [&["top", "--once"][..], &["config", "get"], &["stacks"]] {
        fails(&pulse(&free, words), 3, &free);
    }
    fails(&pulse("unix:/no/such.sock", &["stacks"]), 3, "/no/such.sock");
    // Somebody listens and says nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap().to_string();
    fails(&pulse(&address, &["stacks"]), 3, &address);
}

#[test]
fn what_makes_no_sense_exits_with_2() {
    let (_fake, address) = Fake::tcp(Manners::default());
    let address = address.to_string();
    fails(&pulse(&address, &["top"]), 2, "--once");
    fails(&pulse("nowhere", &["stacks"]), 2, "HOST:PORT");
    for words in [
        &["top", "--json"][..],
        &["top", "--interval-ms", "1"],
        &["stacks", "--stalled", "--worker", "1"],
        &["config"],
        &["config", "set"],
    ] {
        let output = pulse(&address, words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
    }
    let mut nowhere = Command::new(env!("CARGO_BIN_EXE_pulse"));
    let output = nowhere.arg("stacks").env_remove("PULSE_CONNECT").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--connect"));
}
