//! `pulse top --once`: what is going on, for scripts and for a quick look.

pub(super) mod json;
mod text;

use tokio_pulse_proto::v1;

use super::conn::Client;
use super::{ConsoleError, options::TopOptions, target::Target};
use crate::{Error, output};

/// All that can be known at one time.
struct Snapshot {
    program: v1::HandshakeResponse,
    update: v1::Update,
    /// The stacks of threads that are stuck.
    stuck: Vec<v1::ThreadStack>,
    sites: v1::GetSpawnSitesResponse,
}

pub(super) async fn run(options: &TopOptions) -> Result<(), Error> {
    let snapshot = take(options).await?;
    if options.json {
        return output::say(&json::snapshot(&snapshot).to_string());
    }
    output::say(text::render(&snapshot).trim_end())
}

async fn take(options: &TopOptions) -> Result<Snapshot, ConsoleError> {
    let target = Target::new(&options.connection())?;
    let mut client = Client::connect(&target).await?;
    let program = client.handshake().await?;
    let mut updates = client.watch(options.interval(), &v1::SuspectQuery::default()).await?;
    let update = updates.first().await?;
    drop(updates);
    let stuck = v1::GetStacksRequest { which: None, stalled_only: true };
    let stuck = client.stacks(stuck).await?;
    let sites = client.sites().await?;
    Ok(Snapshot { program, update, stuck, sites })
}
