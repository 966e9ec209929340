//! The loads: what the hogs do, and what the other tasks do beside them.

#[derive(Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    pub(crate) hogs: u32,
    pub(crate) hog_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// How late tasks wake.
    Lateness,
    /// The same, and how often the hogs got through.
    LatenessAndBurns,
    /// How fast messages go.
    RoundTrips,
}

pub(crate) const ALL: [Column; 6] = [
    Column::new("no hogs", Kind::Lateness, 0, 100),
    Column::new("2 x 100 ms", Kind::Lateness, 2, 100),
    Column::new("8 x 100 ms (W8)", Kind::LatenessAndBurns, 8, 100),
    Column::new("8 x 10 ms", Kind::Lateness, 8, 10),
    Column::new("64 x 20 ms", Kind::Lateness, 64, 20),
    Column::new("ping-pong", Kind::RoundTrips, 0, 100),
];

impl Column {
    const fn new(title: &'static str, kind: Kind, hogs: u32, hog_ms: u32) -> Self {
        Self { title, kind, hogs, hog_ms }
    }

    /// As the programs call it.
    pub(crate) fn mode(&self) -> &'static str {
        match self.kind {
            Kind::Lateness | Kind::LatenessAndBurns => "probe",
            Kind::RoundTrips => "pingpong",
        }
    }
}
