//! The work that holds a worker: a password hash, and a report over a large JSON document.
//!
//! Both are written the way they are found in real handlers: called directly, no `spawn_blocking`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    hint::black_box,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde::{
    Deserialize, Deserializer as _, Serialize,
    de::{SeqAccess, Visitor},
};

use crate::Error;

/// Orders in the document: about 32 MB.
const ORDERS: usize = 120_000;
/// Argon2's memory in KiB, passes and lanes: its default memory, and as many passes as make a login
/// take about a tenth of a second, a usual aim.
const ARGON2_COST: (u32, u32, u32) = (19 * 1024, 12, 1);
/// Logins that find their memory in place from the first request on: more at a time are rare.
const PREPARED: usize = 12;
/// The document is the same in every run.
const SEED: u64 = 0x0D0C;
/// A cost is measured so many times, fewer if that takes long.
const TRIALS: usize = 12;
/// Enough measuring, whatever the number of runs.
const TRIAL_TIME: Duration = Duration::from_millis(500);

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    id: u64,
    #[serde(borrow)]
    customer: Cow<'a, str>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    lines: Vec<OrderLine<'a>>,
}

#[derive(Serialize, Deserialize)]
struct OrderLine<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
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

/// Adds the orders up as they are parsed, so that the document is never in memory twice.
#[derive(Default)]
struct Sums<'a> {
    orders: usize,
    cents_by_region: BTreeMap<String, u64>,
    sold: BTreeMap<Cow<'a, str>, u64>,
}

impl<'de> Visitor<'de> for &mut Sums<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of orders")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(order) = list.next_element::<Order<'de>>()? {
            self.orders += 1;
            let region = self.cents_by_region.entry(order.region.into_owned()).or_default();
            for line in order.lines {
                *region += line.cents * u64::from(line.quantity);
                *self.sold.entry(line.sku).or_default() += u64::from(line.quantity);
            }
        }
        Ok(())
    }
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
    /// Working memory of hashes that have been computed. A hash takes 19 MiB; to take it from the
    /// system and give it back for each would measure page faults.
    memory: Mutex<Vec<Vec<Block>>>,
}

impl Heavy {
    /// Writes the document.
    pub(super) fn new() -> Result<Self, Error> {
        let document = serde_json::to_vec(&orders()).map_err(failed)?;
        let blocks = argon2()?.params().block_count();
        let memory = (0..PREPARED).map(|_| vec![Block::default(); blocks]).collect();
        Ok(Self { document, memory: Mutex::new(memory) })
    }

    /// Hashes a password with argon2, as a login does to compare it.
    pub(super) fn login(&self, password: &[u8]) -> Result<[u8; 32], Error> {
        let mut hash = [0; 32];
        let argon2 = argon2()?;
        let mut memory = self
            .idle_memory()
            .pop()
            .unwrap_or_else(|| vec![Block::default(); argon2.params().block_count()]);
        let salt = b"the same salt for all";
        let done = argon2.hash_password_into_with_memory(password, salt, &mut hash, &mut memory);
        self.idle_memory().push(memory);
        done.map_err(failed)?;
        Ok(hash)
    }

    fn idle_memory(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parses the document and adds up what was sold.
    pub(super) fn report(&self) -> Result<Report, Error> {
        let mut parser = serde_json::Deserializer::from_slice(&self.document);
        let mut sums = Sums::default();
        parser.deserialize_seq(&mut sums).map_err(failed)?;
        let best = sums.sold.iter().max_by_key(|(_, quantity)| **quantity);
        Ok(Report {
            orders: sums.orders,
            best_sku: best.map(|(sku, _)| sku.to_string()),
            cents_by_region: sums.cents_by_region,
        })
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

fn argon2() -> Result<Argon2<'static>, Error> {
    let (memory_kib, passes, lanes) = ARGON2_COST;
    let params = Params::new(memory_kib, passes, lanes, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
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

fn orders() -> Vec<Order<'static>> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let regions = ["north", "east", "south", "west", "overseas"];
    (0..ORDERS as u64)
        .map(|id| Order {
            id,
            customer: format!("customer-{:06}", rng.random_range(0..100_000)).into(),
            region: regions[rng.random_range(0..regions.len())].into(),
            lines: (0..rng.random_range(1..8))
                .map(|_| OrderLine {
                    sku: format!("sku-{:04}", rng.random_range(0..2_000)).into(),
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
        let heavy = Heavy { document: Vec::new(), memory: Mutex::default() };
        assert_ne!(heavy.login(b"one").unwrap(), heavy.login(b"two").unwrap());
    }
}
