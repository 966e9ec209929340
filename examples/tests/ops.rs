//! What is in `ops/` goes with what is exported.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tokio_pulse::PreemptionMetrics;

fn ops(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(ops(path)).unwrap()
}

/// The metrics that a text names, wherever in it.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words.filter(|word| word.starts_with("tokio_pulse_")).collect()
}

/// A histogram is asked for by the names of its parts.
fn exported(metric: &str) -> bool {
    let histograms: BTreeSet<_> = PreemptionMetrics::histogram_names().collect();
    let part = ["_bucket", "_sum", "_count"].into_iter().find_map(|part| metric.strip_suffix(part));
    match part {
        Some(histogram) if histograms.contains(histogram) => true,
        _ => PreemptionMetrics::names().any(|name| name == metric) && !histograms.contains(metric),
    }
}

#[test]
fn every_metric_on_the_dashboard_and_in_the_rules_is_exported() {
    for file in ["grafana/tokio-pulse.json", "prometheus/rules.yml", "prometheus/rules_test.yml"] {
        let text = read(file);
        let named = named(&text);
        assert!(named.len() >= 5, "{file} names {named:?}");
        let unknown: Vec<_> = named.into_iter().filter(|metric| !exported(metric)).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}, which are not exported");
    }
}

#[test]
fn the_dashboard_is_json_and_each_panel_asks_for_the_chosen_runtimes() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("grafana/tokio-pulse.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let chosen = query.matches("{runtime=~\"$runtime\"").count();
            assert_eq!(chosen, query.matches("tokio_pulse_").count(), "{query}");
        }
    }
}

/// With `promtool`, where there is one.
#[cfg(unix)]
#[test]
fn promtool_accepts_the_rules() {
    let output = std::process::Command::new(ops("check")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{errors}");
}
