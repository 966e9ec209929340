//! What it costs to be watched: the CPU of the console's thread, with nobody and with one client at 10 Hz,
//! while 10,000 tasks are on record.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_pulse::config::Rule;
use tokio_pulse::{Tier, TierConfig};
use tokio_pulse_console::ConsoleServer;
use tokio_pulse_proto::v1;
use tokio_pulse_proto::v1::console_client::ConsoleClient;
use tonic::transport::Endpoint;

use super::Scale;
use super::proc::{Usage, usage_of_threads};
use crate::Result;
use crate::figure::{Better, Figure};

const ROUNDS: usize = 7;
const WINDOW: Duration = Duration::from_secs(5);
const SUSPECTS: usize = 10_000;
const INTERVAL: Duration = Duration::from_millis(100);
/// As many as `pulse top` asks for at once.
const ROWS: u32 = 100;
/// For 10,000 tasks to be polled, and for a client's connection.
const SETTLING: Duration = Duration::from_secs(2);
const LIMIT: f64 = 1.0;

const CONSOLE: &str = "pulse-console";

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let runtime = watched(scale)?;
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle())?;
    let address = server.local_addr().ok_or("the console has no address")?;
    thread::sleep(SETTLING);
    let on_record = runtime.handle().tiers().metrics().suspects();
    if on_record < SUSPECTS {
        return Err(format!("only {on_record} tasks are on record").into());
    }

    let mut nobody = Vec::new();
    for _ in 0..scale.rounds(ROUNDS) {
        nobody.push(percent(scale.time(WINDOW))?);
    }
    let client = Client::start(format!("http://{address}"));
    thread::sleep(SETTLING);
    let mut one = Vec::new();
    for _ in 0..scale.rounds(ROUNDS) {
        one.push(percent(scale.time(WINDOW))?);
    }
    let updates = client.end()?;
    if updates == 0 {
        return Err("the client was told nothing".into());
    }
    runtime.shutdown_background();
    let figure = |who, samples: &[f64]| {
        Figure::new(format!("console/{who}/cpu"), "% of a core", Better::Lower, samples)
    };
    Ok(vec![figure("no-client", &nobody), figure("one-client", &one).bar("O6", LIMIT)])
}

/// Each of the tasks is on record by a rule, and is polled once a second.
fn watched(scale: Scale) -> Result<tokio_pulse::Runtime> {
    let rule = Rule::builder().site("bench/console.rs").tier(Tier::One).build()?;
    // A shard of the record may get more than its share of the tasks.
    let config = TierConfig::builder().suspects_limit(SUSPECTS * 2).rule(rule).build()?;
    let mut builder = tokio_pulse::Builder::new_multi_thread();
    builder.worker_threads(scale.workers).tier_config(config).enable_all();
    let runtime = builder.build()?;
    for number in 0..SUSPECTS {
        let task = async move {
            tokio::time::sleep(Duration::from_micros(100 * number as u64)).await;
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio_pulse::task::Builder::new()
            .name(format!("task-{number}"))
            .spawn_on(task, runtime.handle());
    }
    Ok(runtime)
}

fn percent(length: Duration) -> Result<f64> {
    let (begun, before) = (Instant::now(), usage_of_threads(CONSOLE)?);
    thread::sleep(length);
    let used: Usage = usage_of_threads(CONSOLE)?.since(before);
    Ok(used.cpu.as_secs_f64() / begun.elapsed().as_secs_f64() * 100.0)
}

/// Watches everything, on a thread of its own whose CPU is not counted.
struct Client {
    end: oneshot::Sender<()>,
    thread: thread::JoinHandle<Result<u64>>,
}

impl Client {
    fn start(address: String) -> Self {
        let (end, ended) = oneshot::channel();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(read(address, ended))
        };
        Self { end, thread: thread::spawn(run) }
    }

    /// How many updates it has got.
    fn end(self) -> Result<u64> {
        // It has failed if it is not there to hear.
        let _ = self.end.send(());
        self.thread.join().map_err(|_| "the client has panicked")?
    }
}

async fn read(address: String, mut ended: oneshot::Receiver<()>) -> Result<u64> {
    let channel = Endpoint::from_shared(address)?.connect().await?;
    let request = v1::WatchRequest {
        interval_ns: INTERVAL.as_nanos() as u64,
        suspects: Some(v1::SuspectQuery { limit: ROWS, ..Default::default() }),
        ..Default::default()
    };
    let mut stream = ConsoleClient::new(channel).watch(request).await?.into_inner();
    let mut updates = 0;
    loop {
        tokio::select! {
            _ = &mut ended => return Ok(updates),
            update = stream.message() => {
                update?.ok_or("the console has ended")?;
                updates += 1;
            }
        }
    }
}
