//! A service that is made up: it answers with [`sample`](super::sample), over a real socket, and remembers
//! what it was asked to change.

#![allow(dead_code, reason = "each test file uses a part")]

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio_pulse_proto::v1::{self, console_server};
use tokio_pulse_proto::{PROTOCOL_METADATA, Reason};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, transport::Server};

use super::sample;

/// It ends when this is dropped.
pub(crate) struct Fake {
    pub(crate) state: Arc<Mutex<Seen>>,
    stop: Option<oneshot::Sender<()>>,
    done: Option<std::thread::JoinHandle<()>>,
}

/// What was asked for.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) slice: Option<String>,
    pub(crate) revision: u64,
    pub(crate) tasks: Vec<v1::SetTaskRequest>,
    pub(crate) sites: Vec<v1::SetSpawnSiteRequest>,
    pub(crate) watches: Vec<v1::WatchRequest>,
}

/// How it behaves.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manners {
    pub(crate) token: Option<&'static str>,
    /// Tells in each update that something was lost.
    pub(crate) loses: bool,
}

impl Fake {
    pub(crate) fn tcp(manners: Manners) -> (Self, SocketAddr) {
        Self::at("127.0.0.1:0".parse().unwrap(), manners)
    }

    /// At an address that was another's before.
    pub(crate) fn at(address: SocketAddr, manners: Manners) -> (Self, SocketAddr) {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Self::serve(manners, move || {
            TcpListenerStream::new(TcpListener::from_std(listener).unwrap())
        });
        (fake, address)
    }

    pub(crate) fn unix(path: &Path, manners: Manners) -> Self {
        let listener = std::os::unix::net::UnixListener::bind(path).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self::serve(manners, move || {
            UnixListenerStream::new(UnixListener::from_std(listener).unwrap())
        })
    }

    fn serve<S, IO>(manners: Manners, incoming: impl FnOnce() -> S + Send + 'static) -> Self
    where
        S: Stream<Item = std::io::Result<IO>> + Send + 'static,
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        IO: tonic::transport::server::Connected,
    {
        let state = Arc::new(Mutex::new(Seen { revision: 3, ..Default::default() }));
        let (stop, stopped) = oneshot::channel::<()>();
        let service = Service { state: state.clone(), manners };
        let done = std::thread::spawn(move || {
            let runtime = Runtime::new().unwrap();
            runtime.block_on(async move {
                let server =
                    Server::builder().add_service(console_server::ConsoleServer::new(service));
                tokio::select! {
                    served = server.serve_with_incoming(incoming()) => served.unwrap(),
                    _ = stopped => {}
                }
            });
            // Its connections go with it, as those of a process do.
            runtime.shutdown_timeout(Duration::from_secs(5));
        });
        Self { state, stop: Some(stop), done: Some(done) }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(done) = self.done.take() {
            let _ = done.join();
        }
    }
}

struct Service {
    state: Arc<Mutex<Seen>>,
    manners: Manners,
}

impl Service {
    fn check<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let word = |name| request.metadata().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(word(PROTOCOL_METADATA), Some("1"));
        let expected = self.manners.token.map(|token| format!("Bearer {token}"));
        if expected.is_some() && expected.as_deref() != word("authorization") {
            return Err(Reason::Unauthenticated.status("give the token"));
        }
        Ok(())
    }

    fn config(&self) -> v1::Config {
        let state = self.state.lock().unwrap();
        sample::config(state.slice.as_deref().unwrap_or("10ms"), state.revision)
    }
}

#[tonic::async_trait]
impl console_server::Console for Service {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::Update, Status>> + Send>>;

    async fn handshake(
        &self,
        request: Request<v1::HandshakeRequest>,
    ) -> Result<Response<v1::HandshakeResponse>, Status> {
        self.check(&request)?;
        Ok(Response::new(sample::program()))
    }

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.check(&request)?;
        let request = request.into_inner();
        let interval = Duration::from_nanos(request.interval_ns.max(50_000_000));
        let mut first = sample::update();
        first.suspects = request.suspects.as_ref().map(sample::suspects);
        first.config = Some(self.config());
        self.state.lock().unwrap().watches.push(request);
        let loses = self.manners.loses;
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut update = first;
            for sequence in 2.. {
                if loses {
                    update.lost = Some(v1::Lost { updates: 3, stall_events: 2 });
                }
                if sender.send(Ok(update)).await.is_err() {
                    return;
                }
                tokio::time::sleep(interval).await;
                update = sample::later(sequence);
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver).map(|update| update))))
    }

    async fn get_config(
        &self,
        request: Request<v1::GetConfigRequest>,
    ) -> Result<Response<v1::GetConfigResponse>, Status> {
        self.check(&request)?;
        Ok(Response::new(v1::GetConfigResponse { config: Some(self.config()) }))
    }

    async fn set_config(
        &self,
        request: Request<v1::SetConfigRequest>,
    ) -> Result<Response<v1::SetConfigResponse>, Status> {
        self.check(&request)?;
        let request = request.into_inner();
        let mut config = self.config();
        if request.expected_revision.is_some_and(|revision| revision != config.revision) {
            return Err(Reason::Conflict.status("the configuration has changed"));
        }
        for v1::Assignment { key, value } in &request.assignments {
            match key.as_str() {
                "slice" if value.ends_with("ms") => config = sample::config(value, config.revision),
                "slice" => {
                    let text = format!("slice is {value:?}; give a duration, such as \"10ms\"");
                    return Err(Reason::Invalid.status_of_key(key, text));
                }
                "rescue.reserve_workers" => {
                    let text = "rescue.reserve_workers is read when the runtime starts";
                    return Err(Reason::StartOnly.status_of_key(key, text));
                }
                _ => return Err(Reason::Invalid.status_of_key(key, format!("{key:?} is no key"))),
            }
        }
        if !request.dry_run {
            config.revision += 1;
            let mut state = self.state.lock().unwrap();
            state.slice = Some(config.settings[0].value.clone());
            state.revision = config.revision;
        }
        Ok(Response::new(v1::SetConfigResponse { config: Some(config) }))
    }

    async fn set_tier_policy(
        &self,
        _: Request<v1::SetTierPolicyRequest>,
    ) -> Result<Response<v1::SetTierPolicyResponse>, Status> {
        Err(Status::unimplemented("nobody asks for it"))
    }

    async fn set_task(
        &self,
        request: Request<v1::SetTaskRequest>,
    ) -> Result<Response<v1::SetTaskResponse>, Status> {
        self.check(&request)?;
        let request = request.into_inner();
        if request.task_id == 12 {
            return Err(Reason::NotOnRecord.status("task 12 is not on record"));
        }
        self.state.lock().unwrap().tasks.push(request);
        Ok(Response::new(v1::SetTaskResponse { suspect: None }))
    }

    async fn set_spawn_site(
        &self,
        request: Request<v1::SetSpawnSiteRequest>,
    ) -> Result<Response<v1::SetSpawnSiteResponse>, Status> {
        self.check(&request)?;
        self.state.lock().unwrap().sites.push(request.into_inner());
        Ok(Response::new(v1::SetSpawnSiteResponse { rule: None }))
    }

    async fn get_spawn_sites(
        &self,
        request: Request<v1::GetSpawnSitesRequest>,
    ) -> Result<Response<v1::GetSpawnSitesResponse>, Status> {
        self.check(&request)?;
        Ok(Response::new(sample::sites()))
    }

    async fn get_stacks(
        &self,
        request: Request<v1::GetStacksRequest>,
    ) -> Result<Response<v1::GetStacksResponse>, Status> {
        use v1::get_stacks_request::Which;
        self.check(&request)?;
        let request = request.into_inner();
        let mut stacks = sample::stacks(request.stalled_only);
        match request.which {
            Some(Which::Tid(tid)) => stacks.retain(|thread| thread.tid == tid),
            Some(Which::Worker(worker)) => stacks.retain(|thread| thread.worker == Some(worker)),
            Some(Which::TaskId(task)) => stacks.retain(|thread| thread.task_id == Some(task)),
            None => {}
        }
        if stacks.is_empty() && request.which.is_some() {
            return Err(Reason::NoSuchThread.status("no such thread is running a task"));
        }
        Ok(Response::new(v1::GetStacksResponse { stacks }))
    }
}
