//! The work that holds a worker: a password hash, and a report over a large JSON document.
//!
//! Both are written the way they are found in real handlers: called directly, no `spawn_blocking`.

use std::{
    collections::BTreeMap,
    hint::black_box,
    thread,
    time::{Duration, Instant},
};

use argon2::Argon2;
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Orders in the document: about 8 MB.
const ORDERS: usize = 30_000;
/// The document is the same in every run.
const SEED: u64 = 0x0D0C;
/// A cost is measured so many times, fewer if that takes long.
const TRIALS: usize = 12;
/// Enough measuring, whatever the number of runs.
const TRIAL_TIME: Duration = Duration::from_millis(500);

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

/// How long each takes on a core while the other cores do the same.
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

    /// Measures both, on as many threads at once as the load will use.
    ///
    /// Side by side they share caches and the memory bus, as they will during the run; alone they
    /// look a third cheaper than that.
    pub(super) fn costs(&self, threads: usize) -> Result<Costs, Error> {
        let both = || Ok((fast_ms(|| self.login(b"password"))?, fast_ms(|| self.report())?));
        let seen: Vec<Result<(f64, f64), Error>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(both)).collect();
            threads
                .into_iter()
                .map(|it| it.join().unwrap_or_else(|_| Err(failed("the calibration panicked"))))
                .collect()
        });
        let mut costs = Costs { login_ms: f64::INFINITY, report_ms: f64::INFINITY };
        for result in seen {
            let (login_ms, report_ms) = result?;
            costs.login_ms = costs.login_ms.min(login_ms);
            costs.report_ms = costs.report_ms.min(report_ms);
        }
        Ok(costs)
    }
}

fn failed(error: impl ToString) -> Error {
    Error::Workload(error.to_string())
}

/// The lower quartile of several runs: other programs only make a run slower, and the very
/// fastest one met no competition.
fn fast_ms<T>(mut work: impl FnMut() -> Result<T, Error>) -> Result<f64, Error> {
    let begun = Instant::now();
    let mut seen = Vec::with_capacity(TRIALS);
    while seen.is_empty() || (seen.len() < TRIALS && begun.elapsed() < TRIAL_TIME) {
        let trial = Instant::now();
        black_box(work()?);
        seen.push(trial.elapsed().as_secs_f64() * 1e3);
    }
    seen.sort_by(f64::total_cmp);
    Ok(seen[seen.len() / 4])
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
