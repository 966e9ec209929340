//! What an algorithm has to answer.

use super::account::{Account, Id};

/// The order of the flows that have something waiting. Each of them is in it once, unless it waits
/// as a critical newcomer.
pub(super) trait Order: Send {
    /// What it keeps of each flow.
    type Seat: Default + Send;

    /// The flow was not known. Its seat may be that of a flow that was forgotten.
    fn open(&mut self, seat: &mut Self::Seat);

    /// The flow has begun to wait or to run.
    fn join(&mut self, _weight: u64) {}

    /// Nothing of the flow waits or runs any more.
    fn leave(&mut self, _weight: u64) {}

    /// The flow has begun to wait. What it saved up while it did not is lost here. Returns whether it
    /// is within its share, so that as a critical one it may go first.
    fn arrive(&mut self, account: &mut Account<Self::Seat>) -> bool;

    /// Takes its place in the order.
    fn enter(&mut self, accounts: &mut [Account<Self::Seat>], id: Id);

    /// Who is next; that one leaves the order.
    fn next(&mut self, accounts: &mut [Account<Self::Seat>]) -> Option<Id>;

    /// Whose turn it most likely is, so many after the next one.
    fn expected(&self, _after: usize) -> Option<Id> {
        None
    }

    /// The flow's turn has come, in the order or as a newcomer, at an estimated cost.
    fn begin(&mut self, account: &mut Account<Self::Seat>, cost: u64);

    /// A run has ended at `cost`, which is `more` than was estimated.
    fn settle(&mut self, account: &mut Account<Self::Seat>, cost: u64, more: i64);

    fn is_empty(&self) -> bool;
}
