//! What passes between the connection and the state.

use std::time::Duration;

use tokio_pulse_proto::v1;

use super::{ConsoleError, Refusal};

/// From the connection.
#[derive(Debug)]
pub(crate) enum Event {
    /// How the connection is.
    Link(Link),
    /// Who is there now. All that was told by another is of no use.
    Connected(Box<v1::HandshakeResponse>),
    /// What has changed.
    Update(Box<v1::Update>),
    /// To a request.
    Answer(Box<Answer>),
    /// There is no use in trying again.
    GaveUp(ConsoleError),
}

/// How the connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Link {
    /// It is being made.
    #[default]
    Connecting,
    /// It works.
    Up,
    /// It was lost or could not be made; the next attempt comes after a while.
    Down { why: String, next: Duration, attempt: u32 },
}

/// To the connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    /// Tell other suspects, or in another order.
    Watch(v1::SuspectQuery),
    /// The stacks of threads, now.
    Stacks(v1::GetStacksRequest),
    /// The spawn sites with advice.
    Sites,
    /// A change of the configuration, or the question whether it would do.
    SetConfig(v1::SetConfigRequest),
    /// A change of a task.
    SetTask(v1::SetTaskRequest),
    /// A change of a spawn site.
    SetSite(v1::SetSpawnSiteRequest),
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) to: Request,
    pub(crate) result: Result<Outcome, Refusal>,
}

/// Each is of the request of the same name.
#[derive(Debug)]
pub(crate) enum Outcome {
    Watch,
    Stacks(Vec<v1::ThreadStack>),
    Sites(v1::GetSpawnSitesResponse),
    Config(v1::Config),
    Task,
    Site,
}
