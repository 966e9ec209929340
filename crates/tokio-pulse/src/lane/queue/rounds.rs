//! Deficit round robin: in each round everybody may use a quantum by weight.
//!
//! Costs are known only afterwards, so a flow runs on credit: who has used more than its quantum
//! sits out the rounds that it owes. Those to come are the buckets of a wheel, so that nobody is
//! looked at in a round in which it cannot run.

use super::QUANTUM;
use super::account::{Account, Id, NONE};
use super::order::Order;

/// Rounds ahead that the wheel knows: the bits of its mask. Who owes more is looked at again then.
const AHEAD: u64 = 64;

#[derive(Debug)]
pub(super) struct Rounds {
    round: u64,
    /// Flows by the round in which they run, first come, first served.
    buckets: [Bucket; AHEAD as usize],
    /// Which of them are not empty.
    filled: u64,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    first: Id,
    last: Id,
}

#[derive(Debug, Default)]
pub(super) struct Chair {
    /// What it may still use, as of `round`.
    credit: i64,
    round: u64,
    /// Who is behind it in its bucket.
    behind: Id,
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
        let empty = Bucket { first: NONE, last: NONE };
        // Not 0, so that a new flow has a round before this one.
        Self { round: 1, buckets: [empty; AHEAD as usize], filled: 0 }
    }
}

impl Rounds {
    /// As if it had never run: what it may use is made up in `refill`.
    pub(super) fn open_chair(&self, chair: &mut Chair) {
        *chair = Chair { credit: 0, round: self.round.wrapping_sub(1), behind: NONE };
    }

    /// Gives it the quanta of the rounds that have passed, but never more than one. Returns whether
    /// any have passed.
    fn refill(&self, chair: &mut Chair, weight_bits: u32) -> bool {
        let passed = self.round.wrapping_sub(chair.round);
        let quantum = (QUANTUM << weight_bits) as i64;
        let earned = i64::try_from(passed).unwrap_or(i64::MAX).saturating_mul(quantum);
        chair.credit = chair.credit.saturating_add(earned).min(quantum);
        chair.round = self.round;
        passed > 0
    }

    /// Whether it has credit in this round. What is not used in a round is lost.
    pub(super) fn is_in_credit<S: Seated>(&self, account: &mut Account<S>) -> bool {
        let weight_bits = account.flow.weight_bits();
        let chair = account.seat.chair();
        // Looks, and leaves it to `seat` to find that it is late.
        let quantum = (QUANTUM << weight_bits) as i64;
        let passed = self.round.wrapping_sub(chair.round).min(1 << 40) as i64;
        chair.credit.saturating_add(passed.saturating_mul(quantum)) > 0
    }

    pub(super) fn seat<S: Seated>(&mut self, accounts: &mut [Account<S>], id: Id) {
        let account = &mut accounts[id as usize];
        let weight_bits = account.flow.weight_bits();
        let chair = account.seat.chair();
        let late = self.refill(chair, weight_bits);
        // Who comes anew waits for the next round, or newcomers could keep this one from ending.
        let wait = if chair.credit <= 0 { owed(chair.credit, weight_bits) } else { late.into() };
        chair.behind = NONE;
        let place = (self.round.wrapping_add(wait) % AHEAD) as usize;
        let last = std::mem::replace(&mut self.buckets[place].last, id);
        match accounts.get_mut(last as usize) {
            Some(account) => account.seat.chair().behind = id,
            None => {
                self.buckets[place].first = id;
                self.filled |= 1 << place;
            }
        }
    }

    pub(super) fn call<S: Seated>(&mut self, accounts: &mut [Account<S>]) -> Option<Id> {
        loop {
            if self.filled == 0 {
                return None;
            }
            let ahead = self.filled.rotate_right((self.round % AHEAD) as u32).trailing_zeros();
            self.round = self.round.wrapping_add(ahead.into());
            let place = (self.round % AHEAD) as usize;
            let id = self.buckets[place].first;
            let account = &mut accounts[id as usize];
            let weight_bits = account.flow.weight_bits();
            let chair = account.seat.chair();
            self.buckets[place].first = chair.behind;
            if chair.behind == NONE {
                self.buckets[place].last = NONE;
                self.filled &= !(1 << place);
            }
            self.refill(chair, weight_bits);
            if chair.credit > 0 {
                return Some(id);
            }
            // It was charged while it waited, or owes more than the wheel knows.
            self.seat(accounts, id);
        }
    }

    /// Takes `cost` off its credit, or gives it back.
    pub(super) fn debit<S: Seated>(&self, account: &mut Account<S>, cost: i64) {
        let weight_bits = account.flow.weight_bits();
        let chair = account.seat.chair();
        self.refill(chair, weight_bits);
        chair.credit = chair.credit.saturating_sub(cost);
    }

    pub(super) fn has_nobody(&self) -> bool {
        self.filled == 0
    }
}

/// The rounds until there is credit again.
fn owed(credit: i64, weight_bits: u32) -> u64 {
    let rounds = credit.unsigned_abs() / (QUANTUM << weight_bits) + 1;
    rounds.min(AHEAD - 1)
}

impl Order for Rounds {
    type Seat = Chair;

    fn open(&mut self, chair: &mut Chair) {
        self.open_chair(chair);
    }

    fn arrive(&mut self, account: &mut Account<Chair>) -> bool {
        self.is_in_credit(account)
    }

    fn enter(&mut self, accounts: &mut [Account<Chair>], id: Id) {
        self.seat(accounts, id);
    }

    fn next(&mut self, accounts: &mut [Account<Chair>]) -> Option<Id> {
        self.call(accounts)
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
