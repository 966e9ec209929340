//! Checkpoints between the items of an iterator.

use std::iter::FusedIterator;

use super::budget::YieldBudget;

/// Iterators with checkpoints.
pub trait IteratorExt: Iterator + Sized {
    /// Passes a [`checkpoint`](super::checkpoint()) before each item: for chains of adapters and
    /// `collect`, whose loop is not yours.
    ///
    /// ```
    /// use tokio_pulse::yield_point::IteratorExt as _;
    ///
    /// let squares: Vec<u64> = (0..1_000_u64).with_checkpoints().map(|n| n * n).collect();
    /// assert_eq!(squares.len(), 1_000);
    /// ```
    fn with_checkpoints(self) -> Checkpoints<Self> {
        Checkpoints { budget: YieldBudget::new(), items: self }
    }

    /// As [`with_checkpoints`](Self::with_checkpoints), before each so manieth item only. 0 counts as 1.
    ///
    /// ```
    /// use tokio_pulse::yield_point::IteratorExt as _;
    ///
    /// let sum: u64 = (0..1_000_u64).with_checkpoints_every(64).sum();
    /// assert_eq!(sum, 499_500);
    /// ```
    fn with_checkpoints_every(self, items: u32) -> Checkpoints<Self> {
        Checkpoints { budget: YieldBudget::new().interval(items), items: self }
    }
}

impl<I: Iterator> IteratorExt for I {}

/// An iterator with checkpoints. Made by [`IteratorExt`].
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Checkpoints<I> {
    budget: YieldBudget,
    items: I,
}

impl<I: Iterator> Iterator for Checkpoints<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        self.budget.checkpoint();
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Checkpoints<I> {
    #[inline]
    fn next_back(&mut self) -> Option<I::Item> {
        self.budget.checkpoint();
        self.items.next_back()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Checkpoints<I> {}
impl<I: FusedIterator> FusedIterator for Checkpoints<I> {}
