//! A service with hogs, and a client that comes by any way.

#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio_pulse::stall_report::ReportLimits;
use tokio_pulse_console::ConsoleServer;
use tokio_pulse_proto::v1::{self, console_client::ConsoleClient};
use tonic::transport::{Channel, Endpoint};

#[cfg(unix)]
mod unix;
mod wedge;
#[cfg(unix)]
pub(crate) use unix::{over_unix, unix_channel};

pub(crate) use wedge::{Wedge, stuck_for_ever};

/// For what happens sooner or later on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Client = ConsoleClient<Channel>;

/// The client's own runtime, beside the one that is watched.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 3, future).await.expect("the test has come to an end")
    })
}

pub(crate) fn watched(workers: usize) -> tokio_pulse::Runtime {
    tokio_pulse::Builder::new_multi_thread()
        .worker_threads(workers)
        .reserve_workers(2)
        .stall_reports(ReportLimits::new().per_minute(1000))
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) async fn over_tcp(server: &ConsoleServer) -> Client {
    let address = format!("http://{}", server.local_addr().unwrap());
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    ConsoleClient::new(channel)
}

/// Tasks that burn CPU for longer than their slice again and again, until this is dropped.
pub(crate) struct Hogs(Arc<AtomicBool>);

impl Hogs {
    pub(crate) fn spawn(runtime: &tokio_pulse::Runtime, tasks: usize, poll: Duration) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        for number in 0..tasks {
            let over = over.clone();
            tokio_pulse::task::Builder::new().name(format!("hog-{number}")).spawn_on(
                async move {
                    while !over.load(Relaxed) {
                        burn(poll);
                        tokio::task::yield_now().await;
                    }
                },
                runtime.handle(),
            );
        }
        Self(over)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// CPU time: on a loaded machine the wall clock would end it before anything was burned.
pub(crate) fn burn(time: Duration) {
    let timer = tokio_pulse::CpuTimer::start();
    while timer.elapsed() < time {
        std::hint::spin_loop();
    }
}

pub(crate) async fn watch(
    client: &mut Client,
    request: v1::WatchRequest,
) -> Result<tonic::Streaming<v1::Update>, tonic::Status> {
    client.watch(request).await.map(tonic::Response::into_inner)
}

/// Every 100 ms.
pub(crate) fn fast(sections: &[v1::Section]) -> v1::WatchRequest {
    v1::WatchRequest {
        sections: sections.iter().map(|&section| section.into()).collect(),
        interval_ns: 1,
        suspects: None,
    }
}

/// The first update of which `found` makes something.
pub(crate) async fn until<T>(
    updates: &mut tonic::Streaming<v1::Update>,
    mut found: impl FnMut(v1::Update) -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        let update = updates.message().await.unwrap().expect("the stream goes on");
        if let Some(found) = found(update) {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it has not come");
    }
}

/// Asks again and again.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "it has not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
