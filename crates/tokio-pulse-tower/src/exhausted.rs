//! What happens to a request that has used up its budget.

/// What happens to a request that has used up its budget. Looked at between polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exhausted {
    /// Each further poll is preceded by a yield: everybody who is ready goes first.
    ///
    /// Helps against requests of many short polls. A server that handles a connection in one task
    /// yields with that task, as it has to: the request is polled there.
    #[default]
    Yield,
    /// Its further polls run on Pulse's slow lane, beside the workers, each request in its fair turn.
    ///
    /// Requests with a budget are tasks of their own for that, from the beginning: a future that was
    /// polled must not be moved, and one that the server's task owns could not leave it. Dropping the
    /// response future aborts the task. On a runtime without Pulse, or with the lane switched off,
    /// they go on where they are; outside of any runtime it is as with `Yield`.
    SlowLane,
    /// It is dropped and answered at once. Tasks that it spawned through Pulse go on, on the lane,
    /// unless it aborts them when it is dropped.
    ///
    /// A request whose last poll brings the response has it delivered, whatever it cost.
    Reject,
}
