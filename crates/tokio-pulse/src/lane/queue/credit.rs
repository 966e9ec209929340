//! Credit by virtual time: who has had the least, by weight, is next.
//!
//! A flow's *time* is what it has had, divided by its weight; its credit is how far that is behind
//! the virtual time of all.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::account::{Account, Id};
use super::order::Order;
use super::time::{VirtualTime, ahead};

#[derive(Debug, Default)]
pub(super) struct Credit {
    time: VirtualTime,
    waiting: BinaryHeap<Waiting>,
}

#[derive(Debug, Default)]
pub(super) struct Had {
    /// What the flow has had, by weight.
    time: u64,
    /// When it was served last.
    served: u64,
}

/// As it was when the flow took its place.
#[derive(Debug)]
struct Waiting {
    time: u64,
    weight_bits: u32,
    id: Id,
}

impl Credit {
    #[cfg(all(test, not(pulse_loom)))]
    pub(super) fn starting_at(now: u64) -> Self {
        Self { time: VirtualTime::starting_at(now), ..Self::default() }
    }
}

impl Order for Credit {
    type Seat = Had;

    fn open(&mut self, seat: &mut Had) {
        *seat = Had { time: self.time.now(), served: self.time.long_ago() };
    }

    fn join(&mut self, weight: u64) {
        self.time.join(weight);
    }

    fn leave(&mut self, weight: u64) {
        self.time.leave(weight);
    }

    fn arrive(&mut self, account: &mut Account<Had>) -> bool {
        // One of whom an item still runs has not slept: what is due to it stays due, however much.
        let time = match account.running {
            0 => self.time.caught_up(account.seat.time),
            _ => account.seat.time,
        };
        account.seat.time = time;
        let within_its_share = ahead(time, self.time.now()) <= 0;
        within_its_share && self.time.has_rested(account, account.seat.served)
    }

    fn enter(&mut self, accounts: &mut [Account<Had>], id: Id) {
        let account = &accounts[id as usize];
        let (time, weight_bits) = (account.seat.time, account.flow.weight_bits());
        self.waiting.push(Waiting { time, weight_bits, id });
    }

    fn next(&mut self, accounts: &mut [Account<Had>]) -> Option<Id> {
        loop {
            let mut first = self.waiting.peek_mut()?;
            let time = accounts[first.id as usize].seat.time;
            // It was charged while it waited, and goes back to where it belongs.
            if ahead(time, first.time) > 0 {
                first.time = time;
                continue;
            }
            let first = PeekMut::pop(first);
            self.time.reach(time);
            return Some(first.id);
        }
    }

    fn begin(&mut self, account: &mut Account<Had>, cost: u64) {
        account.seat.served = self.time.now();
        let had = &mut account.seat.time;
        *had = had.wrapping_add(cost >> account.flow.weight_bits());
    }

    fn settle(&mut self, account: &mut Account<Had>, cost: u64, more: i64) {
        let had = &mut account.seat.time;
        *had = had.wrapping_add_signed(more >> account.flow.weight_bits());
        self.time.advance(cost);
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// The greatest is the first: the earliest, the heaviest of these.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        ahead(other.time, self.time)
            .cmp(&0)
            .then(self.weight_bits.cmp(&other.weight_bits))
            .then(other.id.cmp(&self.id))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
