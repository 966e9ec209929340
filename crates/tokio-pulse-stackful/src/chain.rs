//! What is asked about a call chain, on every system.

/// How to judge a chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    /// The end of the stack.
    pub(crate) end: usize,
    /// The task was called at this depth.
    pub(crate) root: usize,
    /// Only code inside regions is preempted, so that the program's text is all that counts when
    /// its functions are not known.
    pub(crate) marked: bool,
    /// Only code whose inlined parts are known is preempted.
    pub(crate) described: bool,
    /// The innermost calls are this crate's, asking for the switch.
    pub(crate) asked: bool,
}
