//! The server of the HTTP benchmark, in a process of its own.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::{env, process, thread};

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use pulse::side::{RuntimeOptions, Side, SideRuntime};
use tokio::net::TcpListener;

use super::overload::Shedding;
use crate::Result;

pub(crate) const PATH: &str = "/health";

/// The child's half: says where it listens, and serves until its standard input is closed.
pub(crate) fn serve(side: Side, workers: usize) -> Result<()> {
    serve_with(side, workers, || Router::new().route(PATH, get(|| async { "ok" })))
}

/// The same with heavy requests, on Pulse.
pub(crate) fn serve_heavy(shedding: Shedding, workers: usize) -> Result<()> {
    serve_with(Side::Pulse, workers, move || shedding.router(workers))
}

fn serve_with(
    side: Side,
    workers: usize,
    router: impl FnOnce() -> Router + Send + 'static,
) -> Result<()> {
    let runtime = SideRuntime::build(side, &RuntimeOptions::workers(workers))?;
    // On a worker and not in `block_on`, which is no task: accepting is work like any other.
    let listening = runtime.spawn(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?)?;
        // Nagle's algorithm would add the client's delayed acknowledgements to the latencies.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router()).await
    });
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        process::exit(0);
    });
    Ok(runtime.block_on(listening)??)
}

/// The parent's half; the process ends with it.
pub(crate) struct Server {
    process: Child,
    pub(crate) addr: SocketAddr,
}

impl Server {
    pub(crate) fn start(side: Side, workers: usize) -> Result<Self> {
        Self::start_with(side, workers, &[])
    }

    pub(crate) fn start_heavy(shedding: Shedding, workers: usize) -> Result<Self> {
        Self::start_with(Side::Pulse, workers, &["--overload", shedding.word()])
    }

    fn start_with(side: Side, workers: usize, more: &[&str]) -> Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args(["serve", "--runtime", side.word(), "--workers", &workers.to_string()])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let addr = line.trim().parse().map_err(|_| "the server did not start")?;
        Ok(Self { process, addr })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
