//! A multilevel queue: those who have used little CPU so far get most of it.
//!
//! After TiKV's yatp: three levels by accumulated CPU time, of which level 0 gets 80 % of the CPU.
//! Within a level, rounds.

use super::MAX_COST;
use super::account::{Account, Id};
use super::order::Order;
use super::rounds::{Chair, Rounds, Seated};
use super::time::{VirtualTime, ahead};

const LEVELS: usize = 3;
/// What a flow of normal priority may use in a level before it goes on to the next: 5 ms and 100 ms.
/// For others by weight: four times that for critical, half for low.
const THRESHOLDS: [u64; LEVELS - 1] = [5_000_000, 100_000_000];
/// What a nanosecond counts for in each level: 80, 16 and 4 % of the CPU.
const PRICES: [u64; LEVELS] = [1, 5, 20];
/// The most that a level can owe.
const DEBT: i64 = 100 * MAX_COST as i64;

#[derive(Debug, Default)]
pub(super) struct Levels {
    levels: [Level; LEVELS],
    /// The time of the level that was served last.
    now: u64,
    time: VirtualTime,
}

#[derive(Debug, Default)]
struct Level {
    flows: Rounds,
    /// What it has had, by its share.
    time: u64,
}

#[derive(Debug, Default)]
pub(super) struct Standing {
    chair: Chair,
    /// CPU time so far.
    used: u64,
    level: u8,
    /// When it was served last, in virtual time.
    served: u64,
}

impl Seated for Standing {
    fn chair(&mut self) -> &mut Chair {
        &mut self.chair
    }
}

impl Levels {
    /// Moves it to the level it belongs to by now. Returns whether that is another.
    fn place(&mut self, account: &mut Account<Standing>) -> bool {
        let used = account.seat.used;
        let weighed = used.saturating_mul(2) >> account.flow.weight_bits();
        let level = THRESHOLDS.iter().filter(|threshold| weighed >= **threshold).count() as u8;
        let moves = level != account.seat.level;
        if moves {
            account.seat.level = level;
            self.level(account).flows.open_chair(&mut account.seat.chair);
        }
        moves
    }

    fn next_level(&self) -> Option<usize> {
        let waits = |&level: &usize| !self.levels[level].flows.has_nobody();
        (0..LEVELS).filter(waits).min_by_key(|&level| ahead(self.levels[level].time, self.now))
    }

    fn level(&self, account: &Account<Standing>) -> &Level {
        &self.levels[usize::from(account.seat.level)]
    }

    fn debit(&mut self, account: &mut Account<Standing>, cost: i64) {
        let level = usize::from(account.seat.level);
        account.seat.used = account.seat.used.saturating_add_signed(cost);
        let time = &mut self.levels[level].time;
        *time = time.wrapping_add_signed(cost * PRICES[level] as i64);
        self.levels[level].flows.debit(account, cost);
    }
}

impl Order for Levels {
    type Seat = Standing;

    fn open(&mut self, standing: &mut Standing) {
        *standing = Standing { served: self.time.long_ago(), ..Standing::default() };
        self.levels[0].flows.open_chair(&mut standing.chair);
    }

    fn join(&mut self, weight: u64) {
        self.time.join(weight);
    }

    fn leave(&mut self, weight: u64) {
        self.time.leave(weight);
    }

    fn arrive(&mut self, account: &mut Account<Standing>) -> bool {
        self.place(account);
        let (in_credit, anew) = self.level(account).flows.admit(account);
        // The rounds of a level stand still while nobody waits there.
        in_credit && (anew || self.time.has_rested(account, account.seat.served))
    }

    fn enter(&mut self, accounts: &mut [Account<Standing>], id: Id) {
        let account = &mut accounts[id as usize];
        if self.place(account) {
            self.level(account).flows.admit(account);
        }
        let level = &mut self.levels[usize::from(account.seat.level)];
        if level.flows.has_nobody() {
            // An empty level saves nothing up.
            let ahead = ahead(level.time, self.now).clamp(0, DEBT);
            level.time = self.now.wrapping_add_signed(ahead);
        }
        level.flows.seat(account, id);
    }

    fn next(&mut self, accounts: &mut [Account<Standing>]) -> Option<Id> {
        let level = self.next_level()?;
        let level = &mut self.levels[level];
        self.now = level.time;
        level.flows.call(accounts)
    }

    fn expected(&self, after: usize) -> Option<Id> {
        self.next_level().and_then(|level| self.levels[level].flows.expects(after))
    }

    fn begin(&mut self, account: &mut Account<Standing>, cost: u64) {
        account.seat.served = self.time.now();
        self.debit(account, cost as i64);
    }

    fn settle(&mut self, account: &mut Account<Standing>, cost: u64, more: i64) {
        self.time.advance(cost);
        self.debit(account, more);
    }

    fn is_empty(&self) -> bool {
        self.levels.iter().all(|level| level.flows.has_nobody())
    }
}
