//! How a thread of the slow lane is made to step back.

use std::fmt;
use std::str::FromStr;

use crate::tier::PolicyError;

/// How the kernel is asked to prefer others to a thread that runs the polls of offenders, from the action `yield` on.
///
/// ```
/// use tokio_pulse::Demotion;
///
/// assert_eq!("nice".parse::<Demotion>().unwrap(), Demotion::Nice);
/// assert_eq!(Demotion::default(), Demotion::Auto);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Demotion {
    /// By slices; by niceness as well for isolated tasks, or where there are no slices, if this
    /// process may take it back.
    #[default]
    Auto,
    /// Not at all.
    Off,
    /// Longer time slices, so that it gets its turn less often at the same share.
    Slices,
    /// A smaller share of the processor, by niceness, on top of slices.
    Nice,
    /// What nobody else wants, on top of slices.
    Idle,
}

impl Demotion {
    const ALL: [Self; 5] = [Self::Auto, Self::Off, Self::Slices, Self::Nice, Self::Idle];
    pub(super) const WORDS: &[&str] = &["auto", "off", "slices", "nice", "idle"];

    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl fmt::Display for Demotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Demotion {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let expected = "auto, off, slices, nice or idle";
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| PolicyError::unknown("demotion.mode", text, expected))
    }
}
