//! `docs/tracing.md`, read back: what is sent to `tracing` has to be in its table, field by field.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::collections::BTreeSet;

use tracing::Metadata;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tracing.md");

/// Target, kind, level, and the names of the fields.
pub(crate) type Promise = (String, String, String, BTreeSet<String>);

/// The rows of the table.
pub(crate) fn promised() -> Vec<Promise> {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| `tokio_pulse::"));
    let promised: Vec<_> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let fields = cells[4].split(' ').map(|field| field.trim_matches('`').to_owned());
            let target = cells[1].trim_matches('`').to_owned();
            (target, cells[2].to_owned(), cells[3].to_owned(), fields.collect())
        })
        .collect();
    assert!(promised.len() >= 10, "the table is not where it was");
    promised
}

/// What a callsite is.
pub(crate) fn sent(metadata: &Metadata<'_>) -> Promise {
    let fields = metadata.fields().iter().map(|field| field.name().to_owned());
    let kind = if metadata.is_span() { "span" } else { "event" };
    (
        metadata.target().to_owned(),
        kind.to_owned(),
        metadata.level().to_string(),
        fields.filter(|name| name != "message").collect(),
    )
}

#[track_caller]
pub(crate) fn assert_promised(sent: impl IntoIterator<Item = Promise>) {
    let promised = promised();
    for one in sent {
        assert!(promised.contains(&one), "not in docs/tracing.md: {one:?}");
    }
}
