//! The port, and the threads behind it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::connection;
use super::connections::Connections;
use super::judge::Judge;
use super::report::Vitals;
use super::request::{Path, Request};
use super::response::{Response, Status};
use super::{HealthPolicy, HealthReport};
use crate::Handle;

/// Short beside the times of any policy that makes sense.
const LOOK: Duration = Duration::from_millis(100);

/// After a connection that could not be accepted: most often there is no file descriptor left, and
/// asking again at once would not bring one.
const PAUSE: Duration = Duration::from_millis(20);

/// What the end waits for at most, where it depends on others.
const END: Duration = Duration::from_secs(1);

const ACCEPT_THREAD: &str = "pulse-health";
const LOOK_THREAD: &str = "pulse-vitals";
const CONNECTION_THREAD: &str = "pulse-probe";

type Render = Box<dyn Fn() -> String + Send>;

/// Tells the health of a runtime over HTTP, until it is dropped. See the [module](super).
///
/// It does not keep the runtime alive, and outlives it: then it is not ready.
#[must_use = "the server ends when this is dropped"]
pub struct HealthServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
    looking: Option<JoinHandle<()>>,
}

struct Shared {
    handle: Handle,
    began: Instant,
    judge: Mutex<Judge>,
    /// One at a time is rendered, so that no more than one connection is in the user's code.
    metrics: Option<Mutex<Render>>,
    connections: Arc<Connections>,
    ended: AtomicBool,
}

/// Says what a [`HealthServer`] does before it begins.
#[derive(Default)]
pub struct HealthServerBuilder {
    policy: HealthPolicy,
    metrics: Option<Render>,
}

impl HealthServerBuilder {
    /// Sets when the runtime is not live, and when it is not ready.
    pub fn policy(mut self, policy: HealthPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Serves what the function returns at `/metrics`, as text in the format of Prometheus.
    ///
    /// It is called on a thread of the server, one call at a time, and must not wait for the runtime:
    /// then it would answer no more than a handler does. If it panics, the answer is 500.
    pub fn with_metrics<F>(mut self, render: F) -> Self
    where
        F: Fn() -> String + Send + 'static,
    {
        self.metrics = Some(Box::new(render));
        self
    }

    /// Binds the port and starts to answer.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, or no thread started.
    pub fn bind(self, address: impl ToSocketAddrs, handle: &Handle) -> io::Result<HealthServer> {
        let listener = TcpListener::bind(address)?;
        let shared = Arc::new(Shared {
            handle: handle.clone(),
            began: Instant::now(),
            judge: Mutex::new(Judge::new(&self.policy)),
            metrics: self.metrics.map(Mutex::new),
            connections: Arc::default(),
            ended: AtomicBool::new(false),
        });
        // From here on the guard ends what has been started.
        let address = listener.local_addr()?;
        let mut server =
            HealthServer { address, shared: shared.clone(), accepting: None, looking: None };
        let looking = shared.clone();
        server.looking = Some(start(LOOK_THREAD, move || looking.look_again_and_again())?);
        server.accepting = Some(start(ACCEPT_THREAD, move || shared.accept(&listener))?);
        Ok(server)
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(run)
}

impl HealthServer {
    /// Binds the port and starts to answer, by the default [`HealthPolicy`]. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound, or no thread started.
    pub fn bind(address: impl ToSocketAddrs, handle: &Handle) -> io::Result<Self> {
        Self::builder().bind(address, handle)
    }

    /// To say more.
    ///
    /// ```
    /// use tokio_pulse::health::{HealthPolicy, HealthServer};
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let health = HealthServer::builder()
    ///     .policy(HealthPolicy::default().stuck_for(std::time::Duration::from_secs(30)))
    ///     .with_metrics(|| "up 1\n".to_owned())
    ///     .bind("127.0.0.1:0", runtime.handle())
    ///     .unwrap();
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn builder() -> HealthServerBuilder {
        HealthServerBuilder::default()
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What it would tell now.
    pub fn report(&self) -> HealthReport {
        self.shared.look()
    }
}

impl Shared {
    fn look(&self) -> HealthReport {
        let vitals = Vitals::of(&self.handle);
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.look(vitals, self.began.elapsed())
    }

    /// Also while nobody asks: how long something has been so is part of the answer.
    fn look_again_and_again(&self) {
        while !self.ended.load(Relaxed) {
            self.look();
            thread::park_timeout(LOOK);
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.ended.load(Relaxed) {
                return;
            }
            match stream {
                Ok(stream) => self.serve(stream),
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn serve(self: &Arc<Self>, stream: TcpStream) {
        let Some(seat) = self.connections.admit(&stream) else { return };
        let shared = self.clone();
        let serve = move || {
            let _seat = seat;
            // The errors are the client's.
            let _ = connection::serve(stream, |request| shared.answer(request));
        };
        // Without a thread there is no answer, as without a file descriptor.
        let _ = start(CONNECTION_THREAD, serve);
    }

    fn answer(&self, request: Request) -> Response {
        let report = match request.path {
            Path::Live => self.look(),
            Path::Ready => self.look(),
            Path::Metrics => return self.render(),
        };
        let well = if request.path == Path::Live { report.is_live() } else { report.is_ready() };
        let status = if well { Status::Ok } else { Status::Unavailable };
        Response::json(status, report.json())
    }

    fn render(&self) -> Response {
        let Some(metrics) = &self.metrics else { return Response::plain(Status::NotFound) };
        let render = match metrics.try_lock() {
            Ok(render) => render,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Response::plain(Status::Unavailable),
        };
        match catch_unwind(AssertUnwindSafe(&*render)) {
            Ok(text) => Response::metrics(text),
            Err(_) => Response::plain(Status::Failed),
        }
    }
}

/// Ends the server: the port is free, connections are cut off. Waits for the threads, but not for more
/// than a second for a function given to `with_metrics`.
impl Drop for HealthServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Relaxed);
        if let Some(looking) = self.looking.take() {
            looking.thread().unpark();
            let _ = looking.join();
        }
        if let Some(accepting) = self.accepting.take() {
            let deadline = Instant::now() + END;
            // It sleeps until somebody comes. Whoever comes meanwhile wakes it as well.
            while !accepting.is_finished() && Instant::now() < deadline {
                let _ = TcpStream::connect_timeout(&reachable(self.address), PAUSE);
                thread::sleep(Duration::from_millis(1));
            }
            // Where a machine does not let a program connect to itself, it ends with the next client.
            if accepting.is_finished() {
                let _ = accepting.join();
            }
        }
        self.shared.connections.close(END);
    }
}

/// Where a server that listens everywhere can be reached from here.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

impl fmt::Debug for HealthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for HealthServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthServerBuilder").field("policy", &self.policy).finish_non_exhaustive()
    }
}
