//! A lottery: a draw for each turn, with tickets by weight and against cost.
//!
//! A flow whose runs cost half as much has twice the tickets, so that it is CPU time and not turns
//! that is shared. Tickets are drawn in constant time: flows are kept by the magnitude of their
//! tickets; the draw chooses a magnitude, then one flow of it, and again if that one's tickets say
//! no, which less than half of them do.
//!
//! Chance promises nobody a turn, so who has waited for long is served without a draw.

use std::collections::VecDeque;

use super::account::{Account, Id, NONE};
use super::order::Order;
use super::random::Random;
use super::time::{VirtualTime, ahead, expected_wait};

/// A flow of weight 1 whose runs cost a nanosecond would have so many. The most expensive one has
/// some hundred.
const TICKETS_BITS: u32 = 40;
/// Magnitudes that there can be, by far.
const MAGNITUDES: usize = 48;
/// Who has waited for so many times as long as is to be expected is served without a draw.
const PATIENCE: u64 = 8;

#[derive(Debug)]
pub(super) struct Lottery {
    time: VirtualTime,
    random: Random,
    drums: [Drum; MAGNITUDES],
    /// Which of them are not empty.
    filled: u64,
    tickets: u64,
    /// Those who wait and since when, in the order of their coming, each once; some are not up to
    /// date.
    row: VecDeque<(Id, u64)>,
}

/// Flows whose tickets are of one magnitude.
#[derive(Debug, Default)]
struct Drum {
    flows: Vec<(u64, Id)>,
    tickets: u64,
}

#[derive(Debug)]
pub(super) struct Stake {
    /// Its place in the drum; `NONE` while it is in none.
    place: u32,
    drum: u8,
    /// Whether it is in the row.
    in_row: bool,
    /// When it began to wait, and when it was served last, in virtual time.
    since: u64,
    served: u64,
}

impl Default for Stake {
    fn default() -> Self {
        Self { place: NONE, drum: 0, in_row: false, since: 0, served: 0 }
    }
}

impl Lottery {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            time: VirtualTime::default(),
            random: Random::new(seed),
            drums: std::array::from_fn(|_| Drum::default()),
            filled: 0,
            tickets: 0,
            row: VecDeque::new(),
        }
    }

    /// The first in the row, if it has waited for too long.
    fn impatient(&mut self, accounts: &mut [Account<Stake>]) -> Option<Id> {
        loop {
            let (id, since) = *self.row.front()?;
            let account = &mut accounts[id as usize];
            if account.seat.place == NONE {
                account.seat.in_row = false;
                self.row.pop_front();
            } else if account.seat.since != since {
                // Served in the meantime, and come back.
                self.row.pop_front();
                self.row.push_back((id, account.seat.since));
            } else {
                let limit = expected_wait(account).saturating_mul(PATIENCE);
                let waited = ahead(self.time.now(), since);
                return (waited > limit as i64).then_some(id);
            }
        }
    }

    fn draw(&mut self) -> Option<Id> {
        let mut ticket = self.random.below(self.tickets);
        let mut filled = self.filled;
        let drum = loop {
            if filled == 0 {
                return None;
            }
            let drum = filled.ilog2() as usize;
            if ticket < self.drums[drum].tickets {
                break drum;
            }
            ticket -= self.drums[drum].tickets;
            filled &= !(1 << drum);
        };
        let flows = &self.drums[drum].flows;
        loop {
            let chosen = self.random.below(flows.len() as u64);
            let (tickets, id) = flows[chosen as usize];
            if self.random.below(2 << drum) < tickets {
                return Some(id);
            }
        }
    }

    fn remove(&mut self, accounts: &mut [Account<Stake>], id: Id) {
        let stake = &mut accounts[id as usize].seat;
        let place = std::mem::replace(&mut stake.place, NONE);
        let index = usize::from(stake.drum);
        let drum = &mut self.drums[index];
        let (tickets, _) = drum.flows.swap_remove(place as usize);
        drum.tickets -= tickets;
        self.tickets -= tickets;
        if let Some((_, moved)) = drum.flows.get(place as usize) {
            accounts[*moved as usize].seat.place = place;
        }
        if drum.flows.is_empty() {
            self.filled &= !(1 << index);
        }
    }
}

impl Order for Lottery {
    type Seat = Stake;

    fn open(&mut self, stake: &mut Stake) {
        // The row may still have the place of the flow that was here before.
        let in_row = stake.in_row;
        let served = self.time.long_ago();
        *stake = Stake { in_row, served, ..Stake::default() };
    }

    fn join(&mut self, weight: u64) {
        self.time.join(weight);
    }

    fn leave(&mut self, weight: u64) {
        self.time.leave(weight);
    }

    fn arrive(&mut self, account: &mut Account<Stake>) -> bool {
        self.time.has_rested(account, account.seat.served)
    }

    fn enter(&mut self, accounts: &mut [Account<Stake>], id: Id) {
        let account = &mut accounts[id as usize];
        let tickets = (account.flow.weight() << TICKETS_BITS) / account.mean.max(1);
        let index = tickets.max(1).ilog2() as usize;
        let drum = &mut self.drums[index];
        account.seat.place = drum.flows.len() as u32;
        account.seat.drum = index as u8;
        account.seat.since = self.time.now();
        if !std::mem::replace(&mut account.seat.in_row, true) {
            self.row.push_back((id, account.seat.since));
        }
        drum.flows.push((tickets, id));
        drum.tickets += tickets;
        self.tickets += tickets;
        self.filled |= 1 << index;
    }

    fn next(&mut self, accounts: &mut [Account<Stake>]) -> Option<Id> {
        let id = self.impatient(accounts).or_else(|| self.draw())?;
        self.remove(accounts, id);
        Some(id)
    }

    fn begin(&mut self, account: &mut Account<Stake>, _cost: u64) {
        account.seat.served = self.time.now();
    }

    fn settle(&mut self, _account: &mut Account<Stake>, cost: u64, _more: i64) {
        self.time.advance(cost);
    }

    fn is_empty(&self) -> bool {
        self.filled == 0
    }
}
