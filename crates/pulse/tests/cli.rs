//! The command as a user runs it.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use serde_json::Value;

fn pulse(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pulse")).args(words).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn doctor_lists_every_capability_in_both_forms() {
    let listed = json(&pulse(&["doctor", "--json"]));
    let capabilities = listed["capabilities"].as_array().unwrap();
    assert!(!capabilities.is_empty());
    let text = pulse(&["doctor"]);
    assert!(text.status.success());
    let text = String::from_utf8(text.stdout).unwrap();
    for capability in capabilities {
        assert!(capability["active"].is_boolean());
        assert!(!capability["detail"].as_str().unwrap().is_empty());
        assert!(text.contains(capability["name"].as_str().unwrap()), "{text}");
    }
}

fn doctor_with(file: &str, words: &[&str]) -> (std::path::PathBuf, Output) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pulse.toml");
    std::fs::write(&path, file).unwrap();
    let arguments = ["doctor", "--config", path.to_str().unwrap()];
    let output = Command::new(env!("CARGO_BIN_EXE_pulse"))
        .args(arguments.iter().chain(words))
        .env("TOKIO_PULSE_SUSPECTS_LIMIT", "77")
        .output();
    (path, output.unwrap())
}

const CONFIG: &str =
    "profile = \"permissive\"\nslice = \"5ms\"\n[[rule]]\nname = \"x\"\ntier = 1\n";

#[test]
fn doctor_shows_each_value_and_who_said_so() {
    let (path, output) = doctor_with(CONFIG, &["--json"]);
    let found = json(&output);
    let settings = found["configuration"].as_array().unwrap();
    let setting = |key| settings.iter().find(|setting| setting["key"] == key).unwrap().clone();
    assert_eq!(setting("slice")["value"], "5ms");
    assert_eq!(setting("slice")["origin"], format!("{}:2:9", path.display()));
    assert_eq!(setting("suspects.limit")["origin"], "TOKIO_PULSE_SUSPECTS_LIMIT");
    assert_eq!(setting("tier.3.action")["origin"], "profile permissive");
    assert_eq!(setting("sites.limit")["origin"], "default");
    assert_eq!(found["rules"][0], "name x -> tier 1");

    let (_, text) = doctor_with(CONFIG, &[]);
    assert!(text.status.success());
    let text = String::from_utf8(text.stdout).unwrap();
    for setting in settings {
        assert!(text.contains(setting["key"].as_str().unwrap()), "{text}");
    }
    assert!(text.contains("capabilities are active here"), "{text}");
}

#[test]
fn what_doctor_prints_as_toml_means_the_same_when_read() {
    let (_, printed) = doctor_with(CONFIG, &["--toml"]);
    assert!(printed.status.success(), "{}", stderr(&printed));
    let printed = String::from_utf8(printed.stdout).unwrap();
    let (_, again) = doctor_with(&printed, &["--toml"]);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), printed);
}

#[test]
fn doctor_refuses_a_bad_configuration_with_3_and_its_place() {
    let (path, output) = doctor_with("\nslise = \"5ms\"", &[]);
    assert_eq!(output.status.code(), Some(3));
    let said = stderr(&output);
    assert!(said.contains(&format!("{}:2:1", path.display())), "{said}");
    assert!(said.contains("did you mean \"slice\"?"), "{said}");
    // The capabilities are told all the same.
    assert!(!output.stdout.is_empty());

    let missing = pulse(&["doctor", "--json", "--config", "no/such/file.toml"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(missing.stdout.is_empty() && stderr(&missing).contains("file.toml: cannot be read: "));

    let mut variable = Command::new(env!("CARGO_BIN_EXE_pulse"));
    let output = variable.arg("doctor").env("TOKIO_PULSE_SLICE", "5").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("TOKIO_PULSE_SLICE: slice is \"5\"; give a duration"));
}

#[test]
fn wrong_arguments_exit_with_2() {
    for words in [
        &[][..],
        &["no-such-command"],
        &["demo", "--workers", "0"],
        &["demo", "--seconds", "many"],
        &["demo", "--rate-login", "NaN"],
        &["demo", "--workload", "w9"],
        &["demo", "--svg", "a.svg", "--no-svg"],
        &["doctor", "extra"],
        &["doctor", "--toml", "--json"],
        &["serve"],
    ] {
        let output = pulse(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn a_port_in_use_exits_with_3_and_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = pulse(&["demo", "--seconds", "1", "--no-svg", "--port", &port]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
}

#[test]
fn a_chart_that_cannot_be_written_exits_with_3_before_the_run() {
    let output = pulse(&["demo", "--seconds", "3600", "--svg", "no/such/folder/chart.svg"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("--svg"));
}

#[test]
fn a_short_demo_prints_json_with_both_sides_and_draws_the_chart() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("chart.svg");
    let output = pulse(&["demo", "--seconds", "1", "--json", "--svg", chart.to_str().unwrap()]);
    let figures = json(&output);
    for side in ["stock", "pulse"] {
        for endpoint in ["health", "login", "report"] {
            let endpoint = &figures[side][endpoint];
            assert!(endpoint["p99_ms"].is_number() && endpoint["errors"].is_u64(), "{figures}");
        }
        assert!(figures[side]["health"]["count"].as_u64() > Some(0), "{figures}");
    }
    assert!(figures["stock"]["metrics"].is_null());
    assert!(figures["pulse"]["metrics"]["stalls"].is_u64(), "{figures}");
    assert!(figures["times_better"]["health_p99"].is_number());
    assert!(std::fs::read_to_string(&chart).unwrap().starts_with("<svg"));
}

#[test]
fn a_short_run_with_hogs_prints_json_with_all_three_runs() {
    let words = ["demo", "--workload", "w8", "--seconds", "1", "--json", "--no-svg"];
    let figures = json(&pulse(&words));
    for run in ["no_hogs", "stock", "pulse"] {
        assert!(figures[run]["lateness"]["count"].as_u64() > Some(0), "{figures}");
    }
    assert!(figures["stock"]["burns_per_s"].as_f64() > Some(0.0));
    assert!(figures["svg"].is_null());
}
