//! The flows that are known, their items, and which of them is forgotten.

use rustc_hash::FxHashMap;
use tokio_pulse_sys::prefetch;

use super::account::{Account, Id, Line, NONE};
use super::{Flow, REMEMBERED};

/// Far more than threads run flows at a time.
const RECENT: usize = 64;

/// Accounts and items live in two tables and are named by their places there, so that nothing is
/// allocated for a flow or an item once the tables have grown.
#[derive(Debug)]
pub(super) struct Flows<T, S> {
    places: FxHashMap<Flow, Id>,
    /// Those that were popped last, by their number: they are charged soon, and most come back. Some are out of date.
    recent: [Id; RECENT],
    accounts: Vec<Account<S>>,
    vacant: Vec<Id>,
    items: Vec<Item<T>>,
    /// The first of the unused items.
    unused: u32,
    len: usize,
    /// Flows with nothing waiting, those that have been so for longest first.
    oldest: Id,
    newest: Id,
    idle: usize,
}

#[derive(Debug)]
struct Item<T> {
    value: Option<T>,
    next: u32,
}

impl<T, S: Default> Flows<T, S> {
    pub(super) fn new() -> Self {
        Self {
            places: FxHashMap::default(),
            recent: [NONE; RECENT],
            accounts: Vec::new(),
            vacant: Vec::new(),
            items: Vec::new(),
            unused: NONE,
            len: 0,
            oldest: NONE,
            newest: NONE,
            idle: 0,
        }
    }

    /// Items that wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn accounts(&mut self) -> &mut [Account<S>] {
        &mut self.accounts
    }

    pub(super) fn account(&mut self, id: Id) -> &mut Account<S> {
        &mut self.accounts[id as usize]
    }

    pub(super) fn find(&self, flow: Flow) -> Option<Id> {
        let recent = self.recent[recent_place(flow)];
        match self.accounts.get(recent as usize) {
            Some(account) if account.flow == flow => Some(recent),
            _ => self.places.get(&flow).copied(),
        }
    }

    /// Will be needed soon.
    pub(super) fn fetch_account(&self, id: Id) {
        prefetch(&self.accounts[id as usize]);
    }

    /// Its first item will be needed soon.
    pub(super) fn fetch_item(&self, id: Id) {
        if let Line::Waits { first, .. } = self.accounts[id as usize].line {
            prefetch(&self.items[first as usize]);
        }
    }

    /// A flow that is not known yet, with nothing waiting. The seat is that of its last owner.
    pub(super) fn open(&mut self, flow: Flow, mean: u64) -> Id {
        let id = if let Some(id) = self.vacant.pop() {
            let account = self.account(id);
            let seat = std::mem::take(&mut account.seat);
            *account = Account::new(flow, mean, seat);
            id
        } else {
            self.accounts.push(Account::new(flow, mean, S::default()));
            place(self.accounts.len() - 1)
        };
        self.places.insert(flow, id);
        self.make_idle(id);
        id
    }

    /// Queues an item. Returns whether the flow had nothing waiting.
    pub(super) fn push(&mut self, id: Id, value: T) -> bool {
        let item = self.store(value);
        self.len += 1;
        if let Line::Waits { last, .. } = &mut self.account(id).line {
            let last = std::mem::replace(last, item);
            self.items[last as usize].next = item;
            return false;
        }
        self.end_idle(id);
        self.account(id).line = Line::Waits { first: item, last: item };
        true
    }

    /// The flow's first item.
    pub(super) fn take(&mut self, id: Id) -> Option<T> {
        let unused = self.unused;
        let account = self.account(id);
        let Line::Waits { first, last } = account.line else { return None };
        let place = recent_place(account.flow);
        self.recent[place] = id;
        let item = self.items.get_mut(first as usize)?;
        let value = item.value.take();
        let next = std::mem::replace(&mut item.next, unused);
        self.unused = first;
        self.len -= 1;
        if next == NONE {
            self.make_idle(id);
        } else {
            self.account(id).line = Line::Waits { first: next, last };
        }
        value
    }

    fn store(&mut self, value: T) -> u32 {
        let fresh = Item { value: Some(value), next: NONE };
        if let Some(item) = self.items.get_mut(self.unused as usize) {
            let place = std::mem::replace(&mut self.unused, item.next);
            *item = fresh;
            return place;
        }
        self.items.push(fresh);
        place(self.items.len() - 1)
    }

    /// Counts as heard of just now, when it comes to who is forgotten.
    pub(super) fn refresh(&mut self, id: Id) {
        if !self.account(id).waits() && self.newest != id {
            self.end_idle(id);
            self.make_idle(id);
        }
    }

    fn make_idle(&mut self, id: Id) {
        let older = std::mem::replace(&mut self.newest, id);
        self.account(id).line = Line::Idle { older, newer: NONE };
        *self.newer_of(older) = id;
        self.idle += 1;
    }

    fn end_idle(&mut self, id: Id) {
        let Line::Idle { older, newer } = self.account(id).line else { return };
        *self.newer_of(older) = newer;
        *self.older_of(newer) = older;
        self.idle -= 1;
    }

    /// Who comes after that idle flow; after none, the one that has been so for longest.
    fn newer_of(&mut self, id: Id) -> &mut Id {
        match self.accounts.get_mut(id as usize).map(|account| &mut account.line) {
            Some(Line::Idle { newer, .. }) => newer,
            _ => &mut self.oldest,
        }
    }

    /// Who comes before that idle flow; before none, the one that has become so last.
    fn older_of(&mut self, id: Id) -> &mut Id {
        match self.accounts.get_mut(id as usize).map(|account| &mut account.line) {
            Some(Line::Idle { older, .. }) => older,
            _ => &mut self.newest,
        }
    }

    /// Forgets the flow that has had nothing waiting for longest, if there are too many. Returns its
    /// weight, if a run of it was never charged.
    pub(super) fn forget(&mut self) -> Option<u64> {
        if self.idle <= REMEMBERED {
            return None;
        }
        let id = self.oldest;
        self.end_idle(id);
        self.vacant.push(id);
        let account = &self.accounts[id as usize];
        let (flow, active) = (account.flow, account.is_active());
        self.places.remove(&flow);
        // The account still has its name.
        let recent = &mut self.recent[recent_place(flow)];
        if *recent == id {
            *recent = NONE;
        }
        active.then(|| flow.weight())
    }

    #[cfg(all(test, not(pulse_loom)))]
    pub(super) fn known(&self) -> usize {
        self.places.len()
    }
}

fn recent_place(flow: Flow) -> usize {
    flow.id as usize % RECENT
}

fn place(index: usize) -> u32 {
    // Memory is full long before; a place of its own keeps `NONE` from meaning an item.
    u32::try_from(index).ok().filter(|place| *place != NONE).expect("more than 2^32 - 1 entries")
}
