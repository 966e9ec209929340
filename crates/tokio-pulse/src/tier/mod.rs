//! Graduated answers to tasks that hold a worker for too long.
//!
//! A task starts at [`Tier::Zero`], where nothing is kept of it. Polls that are proven to have
//! burned CPU or blocked for longer than their slice move it up, one tier at a time; polls that
//! behave move it down again. What a tier does to its tasks, and what leads out of it, is its
//! [`TierPolicy`].

pub(crate) mod accusation;
mod action;
mod by_hand;
mod filter;
mod manager;
mod policy;
mod query;
mod record;
mod report;
pub(crate) mod sites;
mod suspect;
mod suspects;
mod terms;
pub(crate) mod treatment;
pub(crate) mod verdict;

use std::fmt;
use std::str::FromStr;

pub use action::InterventionAction;
pub use by_hand::{NotOnRecord, TaskTerms};
pub use manager::TierManager;
pub use policy::{PolicyError, TierPolicy, TierPolicyBuilder};
pub use query::{SuspectOrder, SuspectPage, SuspectQuery};
pub use report::{Advice, SiteReport, SuspectReport};
#[allow(unused_imports, reason = "for the feature `tokio-console`")]
pub(crate) use terms::InForce;

/// How far a task has been escalated.
///
/// ```
/// use tokio_pulse::Tier;
///
/// assert!(Tier::Three > Tier::Zero);
/// assert_eq!(Tier::Zero.up(), Some(Tier::One));
/// assert_eq!(Tier::Three.up(), None);
/// assert_eq!("2".parse::<Tier>().unwrap(), Tier::Two);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// Nothing is held against the task.
    #[default]
    Zero = 0,
    /// It has offended.
    One = 1,
    /// It has gone on to.
    Two = 2,
    /// It does so all the time.
    Three = 3,
}

impl Tier {
    /// All tiers, mildest first.
    pub const ALL: [Self; 4] = [Self::Zero, Self::One, Self::Two, Self::Three];

    /// The next stricter tier.
    pub fn up(self) -> Option<Self> {
        Self::ALL.get(self.index() + 1).copied()
    }

    /// The next milder tier.
    pub fn down(self) -> Option<Self> {
        self.index().checked_sub(1).map(|index| Self::ALL[index])
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&(*self as u8), f)
    }
}

impl FromStr for Tier {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        Self::ALL
            .into_iter()
            .find(|tier| tier.to_string() == text)
            .ok_or_else(|| PolicyError::unknown("tier", text, "0, 1, 2 or 3"))
    }
}

const _: () = assert!(size_of::<Tier>() == 1);
