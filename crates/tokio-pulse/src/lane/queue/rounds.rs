//! Deficit round robin: in each round everybody may use a quantum by weight.
//!
//! Costs are known only afterwards, so a flow runs on credit: who has used more than its quantum
//! sits out the rounds that it owes. Those to come are the buckets of a wheel, so that nobody is
//! looked at in a round in which it cannot run.

use std::collections::VecDeque;

use super::QUANTUM;
use super::account::{Account, Id};
use super::order::Order;

/// Rounds ahead that the wheel knows: the bits of its mask. Who owes more is looked at again then.
const AHEAD: u64 = 64;
/// So many places an empty bucket keeps.
const KEPT: usize = 1_024;

#[derive(Debug)]
pub(super) struct Rounds {
    round: u64,
    /// Flows by the round in which they run, first come, first served. By number and side by side: a list
    /// through their accounts would fetch one from memory only to say who comes behind it.
    buckets: [VecDeque<Id>; AHEAD as usize],
    /// Which of them are not empty.
    filled: u64,
}

#[derive(Debug, Default)]
pub(super) struct Chair {
    /// What it may still use, as of `round`.
    credit: i64,
    round: u64,
}

/// Something in an account that is a chair.
pub(super) trait Seated: Default + Send {
    fn chair(&mut self) -> &mut Chair;
}

impl Seated for Chair {
    fn chair(&mut self) -> &mut Chair {
        self
    }
}

impl Default for Rounds {
    fn default() -> Self {
        // Not 0, so that a new flow has a round before this one.
        Self { round: 1, buckets: std::array::from_fn(|_| VecDeque::new()), filled: 0 }
    }
}

impl Rounds {
    /// As if it had never run: its first quantum is that of the last round.
    pub(super) fn open_chair(&self, chair: &mut Chair) {
        *chair = Chair { credit: 0, round: self.round.wrapping_sub(1) };
    }

    /// Gives it the quanta of the rounds that have passed. Returns whether any have.
    fn refill(&self, chair: &mut Chair, quantum: i64) -> bool {
        let passed = self.round.wrapping_sub(chair.round);
        let earned = i64::try_from(passed).unwrap_or(i64::MAX).saturating_mul(quantum);
        chair.credit = chair.credit.saturating_add(earned);
        chair.round = self.round;
        passed > 0
    }

    /// For who begins to wait: one quantum at most is left of what it has earned in its absence.
    /// Returns whether it has credit, and whether it comes anew, and not back in the same round.
    pub(super) fn admit<S: Seated>(&self, account: &mut Account<S>) -> (bool, bool) {
        let quantum = quantum(account);
        let chair = account.seat.chair();
        let anew = self.refill(chair, quantum);
        chair.credit = chair.credit.min(quantum);
        let in_credit = chair.credit > 0;
        if in_credit && anew {
            // Its quantum is that of the next round, or newcomers could keep this one from ending.
            chair.credit -= quantum;
        }
        (in_credit, anew)
    }

    pub(super) fn seat<S: Seated>(&mut self, account: &mut Account<S>, id: Id) {
        let bits = account.flow.weight_bits();
        let quantum = quantum(account);
        let chair = account.seat.chair();
        self.refill(chair, quantum);
        let wait = if chair.credit > 0 { 0 } else { owed(chair.credit, bits) };
        let place = (self.round.wrapping_add(wait) % AHEAD) as usize;
        self.buckets[place].push_back(id);
        self.filled |= 1 << place;
    }

    pub(super) fn call<S: Seated>(&mut self, accounts: &mut [Account<S>]) -> Option<Id> {
        loop {
            if self.filled == 0 {
                return None;
            }
            let ahead = self.filled.rotate_right((self.round % AHEAD) as u32).trailing_zeros();
            self.round = self.round.wrapping_add(ahead.into());
            let place = (self.round % AHEAD) as usize;
            let id = self.take_from(place)?;
            let account = &mut accounts[id as usize];
            let quantum = quantum(account);
            let chair = account.seat.chair();
            self.refill(chair, quantum);
            if chair.credit > 0 {
                return Some(id);
            }
            // It was charged while it waited, or owes more than the wheel knows.
            self.seat(account, id);
        }
    }

    fn take_from(&mut self, place: usize) -> Option<Id> {
        let bucket = &mut self.buckets[place];
        let id = bucket.pop_front();
        if bucket.is_empty() {
            self.filled &= !(1 << place);
            // In the course of time each of them would be as long as the longest.
            bucket.shrink_to(KEPT);
        }
        id
    }

    /// Takes `cost` off its credit, or gives it back.
    pub(super) fn debit<S: Seated>(&self, account: &mut Account<S>, cost: i64) {
        let quantum = quantum(account);
        let chair = account.seat.chair();
        self.refill(chair, quantum);
        chair.credit = chair.credit.saturating_sub(cost);
    }

    /// As far as this round goes.
    pub(super) fn expects(&self, after: usize) -> Option<Id> {
        self.buckets[(self.round % AHEAD) as usize].get(after).copied()
    }

    pub(super) fn has_nobody(&self) -> bool {
        self.filled == 0
    }
}

/// What a flow may use in a round.
fn quantum<S>(account: &Account<S>) -> i64 {
    (QUANTUM << account.flow.weight_bits()) as i64
}

/// The rounds until there is credit again.
fn owed(credit: i64, weight_bits: u32) -> u64 {
    // By a constant, then by a power of two: no division by a number that is not known here.
    let rounds = ((credit.unsigned_abs() / QUANTUM) >> weight_bits) + 1;
    rounds.min(AHEAD - 1)
}

impl Order for Rounds {
    type Seat = Chair;

    fn open(&mut self, chair: &mut Chair) {
        self.open_chair(chair);
    }

    fn arrive(&mut self, account: &mut Account<Chair>) -> bool {
        let (in_credit, anew) = self.admit(account);
        in_credit && anew
    }

    fn enter(&mut self, accounts: &mut [Account<Chair>], id: Id) {
        self.seat(&mut accounts[id as usize], id);
    }

    fn next(&mut self, accounts: &mut [Account<Chair>]) -> Option<Id> {
        self.call(accounts)
    }

    fn expected(&self, after: usize) -> Option<Id> {
        self.expects(after)
    }

    fn begin(&mut self, account: &mut Account<Chair>, cost: u64) {
        self.debit(account, cost as i64);
    }

    fn settle(&mut self, account: &mut Account<Chair>, _cost: u64, more: i64) {
        self.debit(account, more);
    }

    fn is_empty(&self) -> bool {
        self.has_nobody()
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_line_of_the_cache() {
        assert_eq!(size_of::<Account<Chair>>(), 64);
    }
}
