//! What all queues have in common: items, estimates, the critical newcomer.

use std::collections::VecDeque;
use std::fmt;

use super::account::{Id, approach};
use super::flows::Flows;
use super::order::Order;
use super::{FIRST_IN_A_ROW, FairQueue, Flow, MAX_COST, MIN_COST, QUANTUM};
use crate::task::TaskPriority;

/// So many turns ahead an account is fetched, and so many its first item: memory takes as long as some
/// decisions do.
const ACCOUNT_AHEAD: usize = 4;
const ITEM_AHEAD: usize = 2;

/// A fair queue by some order.
pub(super) struct Fair<T, O: Order> {
    flows: Flows<T, O::Seat>,
    order: O,
    /// Critical flows that have just begun to wait, and were within their share.
    newcomers: VecDeque<Id>,
    /// How many of them were served one after the other.
    in_a_row: u32,
    /// What a run costs on average: the estimate for flows that are new.
    mean: u64,
}

impl<T, O: Order> Fair<T, O> {
    pub(super) fn new(order: O) -> Self {
        let (flows, newcomers) = (Flows::new(), VecDeque::new());
        Self { flows, order, newcomers, in_a_row: 0, mean: QUANTUM }
    }

    #[cfg(all(test, not(pulse_loom)))]
    pub(super) fn known(&self) -> usize {
        self.flows.known()
    }

    fn find_or_open(&mut self, flow: Flow) -> Id {
        if let Some(id) = self.flows.find(flow) {
            return id;
        }
        let id = self.flows.open(flow, self.mean);
        self.order.open(&mut self.flows.account(id).seat);
        id
    }

    /// Nobody is kept waiting for good by newcomers: after some of them in a row it is the others'
    /// turn.
    fn choose(&mut self) -> Option<Id> {
        let others_turn = self.in_a_row >= FIRST_IN_A_ROW && !self.order.is_empty();
        if !others_turn {
            if let Some(id) = self.newcomers.pop_front() {
                self.in_a_row = self.in_a_row.saturating_add(1);
                return Some(id);
            }
        }
        self.in_a_row = 0;
        self.order.next(self.flows.accounts())
    }

    /// Of many flows each is far away by the time that its turn comes again. The account is asked for first,
    /// since it says where the item is.
    fn fetch_ahead(&self) {
        if let Some(id) = self.order.expected(ACCOUNT_AHEAD) {
            self.flows.fetch_account(id);
        }
        if let Some(id) = self.order.expected(ITEM_AHEAD) {
            self.flows.fetch_item(id);
        }
    }

    fn forget(&mut self) {
        if let Some(weight) = self.flows.forget() {
            self.order.leave(weight);
        }
    }
}

impl<T: Send, O: Order> FairQueue<T> for Fair<T, O> {
    fn push(&mut self, flow: Flow, item: T) {
        let id = self.find_or_open(flow);
        let was_active = self.flows.account(id).is_active();
        if !self.flows.push(id, item) {
            return;
        }
        if !was_active {
            self.order.join(flow.weight());
        }
        let within_its_share = self.order.arrive(self.flows.account(id));
        if within_its_share && flow.priority == TaskPriority::Critical {
            self.newcomers.push_back(id);
        } else {
            self.order.enter(self.flows.accounts(), id);
        }
    }

    fn pop(&mut self) -> Option<(Flow, T)> {
        let id = self.choose()?;
        let item = self.flows.take(id)?;
        let account = self.flows.account(id);
        let (flow, waits) = (account.flow, account.waits());
        let cost = account.begin();
        self.order.begin(account, cost);
        if waits {
            self.order.enter(self.flows.accounts(), id);
        } else {
            self.forget();
        }
        self.fetch_ahead();
        Some((flow, item))
    }

    fn charge(&mut self, flow: Flow, cpu_nanos: u64) {
        let cost = cpu_nanos.clamp(MIN_COST, MAX_COST);
        self.mean = approach(self.mean, cost, 4);
        // A flow that was forgotten while it ran is known again.
        let id = self.find_or_open(flow);
        let account = self.flows.account(id);
        let was_active = account.is_active();
        let more = account.settle(cost);
        self.order.settle(account, cost, more);
        if was_active && !account.is_active() {
            self.order.leave(flow.weight());
        }
        self.flows.refresh(id);
        self.forget();
    }

    fn len(&self) -> usize {
        self.flows.len()
    }
}

impl<T, O: Order> fmt::Debug for Fair<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fair").field("mean", &self.mean).finish_non_exhaustive()
    }
}
