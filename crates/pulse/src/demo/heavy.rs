//! The work that holds a worker: a password hash, and a report over a large JSON document.
//!
//! Both are written the way they are found in real handlers: called directly, no `spawn_blocking`.

use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

use argon2::Argon2;
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Orders in the document: about 3 MB.
const ORDERS: usize = 12_000;
/// The document is the same in every run.
const SEED: u64 = 0x0D0C;
/// Costs are the median of so many runs, fewer if they take long.
const TRIALS: usize = 9;
/// Enough measuring, whatever the number of runs.
const TRIAL_TIME: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
    region: String,
    lines: Vec<OrderLine>,
}

#[derive(Serialize, Deserialize)]
struct OrderLine {
    sku: String,
    quantity: u32,
    cents: u64,
}

/// The answer of `/report`.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Report {
    orders: usize,
    cents_by_region: BTreeMap<String, u64>,
    best_sku: Option<String>,
}

/// How long each takes on one core with nothing beside it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Costs {
    pub(super) login_ms: f64,
    pub(super) report_ms: f64,
}

/// The heavy half of the server.
pub(super) struct Heavy {
    document: Vec<u8>,
}

impl Heavy {
    /// Writes the document.
    pub(super) fn new() -> Result<Self, Error> {
        let document = serde_json::to_vec(&orders()).map_err(failed)?;
        Ok(Self { document })
    }

    /// Hashes a password with argon2's default cost, as a login does to compare it.
    pub(super) fn login(&self, password: &[u8]) -> Result<[u8; 32], Error> {
        let mut hash = [0; 32];
        Argon2::default()
            .hash_password_into(password, b"the same salt for all", &mut hash)
            .map_err(failed)?;
        Ok(hash)
    }

    /// Parses the document and adds up what was sold.
    pub(super) fn report(&self) -> Result<Report, Error> {
        let orders: Vec<Order> = serde_json::from_slice(&self.document).map_err(failed)?;
        let mut report = Report { orders: orders.len(), ..Report::default() };
        let mut sold: BTreeMap<&str, u64> = BTreeMap::new();
        for order in &orders {
            let region = report.cents_by_region.entry(order.region.clone()).or_default();
            for line in &order.lines {
                *region += line.cents * u64::from(line.quantity);
                *sold.entry(&line.sku).or_default() += u64::from(line.quantity);
            }
        }
        report.best_sku =
            sold.iter().max_by_key(|(_, quantity)| **quantity).map(|(sku, _)| (*sku).to_owned());
        Ok(report)
    }

    /// Measures both, on this thread.
    pub(super) fn costs(&self) -> Result<Costs, Error> {
        Ok(Costs {
            login_ms: median_ms(|| self.login(b"password").map(|hash| drop(black_box(hash))))?,
            report_ms: median_ms(|| self.report().map(|report| drop(black_box(report))))?,
        })
    }
}

fn failed(error: impl ToString) -> Error {
    Error::Workload(error.to_string())
}

fn median_ms(mut work: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    // The first run pays for page faults.
    work()?;
    let begun = Instant::now();
    let mut seen = Vec::with_capacity(TRIALS);
    while seen.is_empty() || (seen.len() < TRIALS && begun.elapsed() < TRIAL_TIME) {
        let trial = Instant::now();
        work()?;
        seen.push(trial.elapsed().as_secs_f64() * 1e3);
    }
    seen.sort_by(f64::total_cmp);
    Ok(seen[seen.len() / 2])
}

fn orders() -> Vec<Order> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let regions = ["north", "east", "south", "west", "overseas"];
    (0..ORDERS as u64)
        .map(|id| Order {
            id,
            customer: format!("customer-{:06}", rng.random_range(0..100_000)),
            region: regions[rng.random_range(0..regions.len())].to_owned(),
            lines: (0..rng.random_range(1..8))
                .map(|_| OrderLine {
                    sku: format!("sku-{:04}", rng.random_range(0..2_000)),
                    quantity: rng.random_range(1..10),
                    cents: rng.random_range(99..100_000),
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_megabytes_and_always_the_same() {
        let (first, second) = (Heavy::new().unwrap(), Heavy::new().unwrap());
        assert!(first.document.len() > 2_000_000, "{}", first.document.len());
        assert_eq!(first.document, second.document);
    }

    #[test]
    fn the_report_adds_up() {
        let report = Heavy::new().unwrap().report().unwrap();
        let expected: u64 = orders()
            .iter()
            .flat_map(|order| &order.lines)
            .map(|line| line.cents * u64::from(line.quantity))
            .sum();
        assert_eq!(report.orders, ORDERS);
        assert_eq!(report.cents_by_region.values().sum::<u64>(), expected);
        assert!(report.best_sku.is_some());
    }

    #[test]
    fn different_passwords_have_different_hashes() {
        let heavy = Heavy { document: Vec::new() };
        assert_ne!(heavy.login(b"one").unwrap(), heavy.login(b"two").unwrap());
    }
}
