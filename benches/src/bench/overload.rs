//! E5: an axum server with more requests than it can serve. How long those wait that are served, and
//! how long the others for being told so; beside `tower::load_shed`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::http::StatusCode;
use axum::routing::get;
use clap::ValueEnum;
use pulse::latencies::Latencies;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_pulse::Handle;
use tokio_pulse_tower::{BudgetLayer, Exhausted, PressureGauge, RequestBudget, ServiceUnavailable};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;

use super::Scale;
use super::server::{PATH, Server};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};

const ROUNDS: usize = 7;
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_secs(2);
/// Each asks again as soon as it is served: many times what the processors can do.
const CLIENTS: usize = 128;
/// Who was turned away comes back after this.
const BACK_OFF: Duration = Duration::from_millis(50);
/// What a request costs: pieces of so long, with a yield after each.
const PIECES: u32 = 8;
const PIECE: Duration = Duration::from_micros(500);
const REQUEST: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Who turns requests away.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shedding {
    Nobody,
    /// `tower::load_shed` above a limit of two requests a worker.
    LoadShedTight,
    /// The same above a limit of 32.
    LoadShedWide,
    /// The gauge, by the delay of tasks.
    Delay,
    /// The gauge, by the depth of the slow lane, where all requests run from the beginning.
    Lane,
}

const ALL: [Shedding; 5] = [
    Shedding::Nobody,
    Shedding::LoadShedTight,
    Shedding::LoadShedWide,
    Shedding::Delay,
    Shedding::Lane,
];

impl Shedding {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::LoadShedTight => "load-shed-tight",
            Self::LoadShedWide => "load-shed-wide",
            Self::Delay => "delay",
            Self::Lane => "lane",
        }
    }

    /// Called on the server's runtime.
    pub(crate) fn router(self, workers: usize) -> Router {
        let router = Router::new().route(PATH, get(heavy));
        let gauge = || PressureGauge::builder(&Handle::current());
        let millis = Duration::from_millis;
        let load_shed = |limit| {
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(|_| async { StatusCode::SERVICE_UNAVAILABLE }))
                .load_shed()
                // The other one would be made anew for each request: axum applies layers late.
                .layer(GlobalConcurrencyLimitLayer::new(limit))
        };
        match self {
            Self::Nobody => router,
            Self::LoadShedTight => router.layer(load_shed(2 * workers)),
            Self::LoadShedWide => router.layer(load_shed(32 * workers)),
            Self::Delay => {
                let gauge = gauge().delay(millis(5), millis(2)).interval(millis(1)).build();
                let gauge = gauge.expect("limits in order");
                let layer = BudgetLayer::new(RequestBudget::UNLIMITED).shed(gauge);
                router.layer(layer.on_reject(ServiceUnavailable))
            }
            Self::Lane => {
                let gauge = gauge().ignore_delay().lane_depth(2 * workers, workers);
                // Each request looks: a burst within an interval would be let in as a whole.
                let gauge = gauge.interval(Duration::ZERO).build().expect("limits in order");
                let layer = BudgetLayer::new(RequestBudget::of_cpu(Duration::ZERO))
                    .on_exhausted(Exhausted::SlowLane)
                    .shed(gauge);
                router.layer(layer.on_reject(ServiceUnavailable))
            }
        }
    }
}

async fn heavy() -> &'static str {
    for _ in 0..PIECES {
        let began = Instant::now();
        while began.elapsed() < PIECE {
            std::hint::spin_loop();
        }
        tokio::task::yield_now().await;
    }
    "ok"
}

#[derive(Default)]
struct Sample {
    served: Latencies,
    turned_away: Latencies,
    seconds: f64,
}

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let samples = interleave(scale.rounds(ROUNDS), &ALL, |shedding| measure(shedding, scale))?;
    let mut figures = Vec::new();
    for (shedding, samples) in ALL.iter().zip(&samples) {
        let mut add = |what, unit, better, of: fn(&Sample) -> f64| {
            let name = format!("overload/{}/{what}", shedding.word());
            figures.push(Figure::new(name, unit, better, &pick(samples, of)));
        };
        add("served", "per s", Better::Higher, |s| s.served.summary().count as f64 / s.seconds);
        add("served-p99", "ms", Better::Lower, |s| s.served.summary().p99_ms);
        if matches!(shedding, Shedding::Nobody) {
            continue;
        }
        add("turned-away", "per s", Better::Lower, |s| {
            s.turned_away.summary().count as f64 / s.seconds
        });
        add("turned-away-p50", "ms", Better::Lower, |s| s.turned_away.summary().p50_ms);
        add("turned-away-p99", "ms", Better::Lower, |s| s.turned_away.summary().p99_ms);
    }
    Ok(figures)
}

fn measure(shedding: Shedding, scale: Scale) -> Result<Sample> {
    let server = Server::start_heavy(shedding, scale.workers)?;
    let measured = scale.time(MEASURED);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let from = Instant::now() + WARM_UP;
    runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(ask(server.addr, from, from + measured));
        }
        let mut all = Sample { seconds: measured.as_secs_f64(), ..Sample::default() };
        while let Some(one) = clients.join_next().await {
            let one = one??;
            all.served.merge(&one.served);
            all.turned_away.merge(&one.turned_away);
        }
        Ok(all)
    })
}

/// One client, with one request at a time on one connection.
async fn ask(server: SocketAddr, from: Instant, to: Instant) -> Result<Sample> {
    let mut sample = Sample::default();
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    while Instant::now() < to {
        let began = Instant::now();
        stream.write_all(REQUEST).await?;
        let status = read_response(&mut stream).await?;
        let took = began.elapsed();
        let latencies = match status {
            200 => &mut sample.served,
            503 => &mut sample.turned_away,
            other => return Err(format!("status {other}").into()),
        };
        if began >= from {
            latencies.record(took);
        }
        if status == 503 {
            tokio::time::sleep(BACK_OFF).await;
        }
    }
    Ok(sample)
}

/// Reads one response to its end, and returns its status.
async fn read_response(stream: &mut TcpStream) -> Result<u16> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("the server has closed the connection".into());
        }
        let text = std::str::from_utf8(&bytes)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(Ok(0), str::parse)? {
            let status = head.split(' ').nth(1).ok_or("no status")?;
            return Ok(status.parse()?);
        }
    }
}
