//! The views.

/// What is in front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    #[default]
    Overview,
    Workers,
    Suspects,
    Stalls,
    Sites,
    Lanes,
    Alerts,
    Config,
}

impl View {
    /// In the order of their keys, from 1.
    pub(crate) const ALL: [Self; 8] = [
        Self::Overview,
        Self::Workers,
        Self::Suspects,
        Self::Stalls,
        Self::Sites,
        Self::Lanes,
        Self::Alerts,
        Self::Config,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Workers => "Workers",
            Self::Suspects => "Suspects",
            Self::Stalls => "Stalls",
            Self::Sites => "Sites",
            Self::Lanes => "Lanes",
            Self::Alerts => "Alerts",
            Self::Config => "Config",
        }
    }

    /// The one that is so many further, round and round.
    pub(super) fn turned(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|view| *view == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()]
    }
}
