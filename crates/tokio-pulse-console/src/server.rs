//! The server, and the thread that it answers from.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_pulse::Handle;
use tokio_pulse_proto::v1::console_server::ConsoleServer as Wire;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;

use crate::ConsoleServerBuilder;
use crate::access::Access;
use crate::answer::Answers;
use crate::error::{ConsoleError, Kind};
use crate::limits;
use crate::listen::{Bound, Incoming, SocketFile};
use crate::service::Service;

/// Short enough for Linux, which cuts a thread's name after 15 bytes.
const THREAD: &str = "pulse-console";

/// Calls that wait wait for one another, so that one would do; a second starts while the first ends.
const BLOCKING_THREADS: usize = 2;

/// Answers for a runtime over gRPC, until it is dropped. See the [crate](crate).
///
/// It does not keep the runtime alive, and outlives it: then it tells the last figures.
#[must_use = "the server ends when this is dropped"]
pub struct ConsoleServer {
    address: Option<SocketAddr>,
    file: Option<SocketFile>,
    ending: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is started with.
pub(crate) struct Plan {
    pub(crate) answers: Answers,
    pub(crate) access: Access,
    pub(crate) server: Server,
    pub(crate) let_in_within: Duration,
}

impl ConsoleServer {
    /// Listens on a loopback address, and starts to answer. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// As of [`ConsoleServerBuilder::bind`].
    pub fn bind(address: impl ToSocketAddrs, handle: &Handle) -> Result<Self, ConsoleError> {
        Self::builder().bind(address, handle)
    }

    /// Listens on a Unix socket, and starts to answer.
    ///
    /// # Errors
    ///
    /// As of [`ConsoleServerBuilder::bind_unix`].
    pub fn bind_unix(path: impl AsRef<Path>, handle: &Handle) -> Result<Self, ConsoleError> {
        Self::builder().bind_unix(path, handle)
    }

    /// To say more.
    ///
    /// ```
    /// use tokio_pulse_console::ConsoleServer;
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let console = ConsoleServer::builder()
    ///     .token("correct-horse-battery-staple")
    ///     .read_only(true)
    ///     .bind("127.0.0.1:0", runtime.handle())
    ///     .unwrap();
    /// println!("{}", console.local_addr().unwrap());
    ///
    /// // From other machines only with a token and TLS.
    /// let refused = ConsoleServer::bind("0.0.0.0:0", runtime.handle()).unwrap_err();
    /// assert!(refused.is_unprotected());
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn builder() -> ConsoleServerBuilder {
        ConsoleServerBuilder::default()
    }

    /// Where it listens, if that is a TCP address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Where it listens, if that is a Unix socket.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(SocketFile::path)
    }

    pub(crate) fn start(
        bound: Bound,
        file: Option<SocketFile>,
        plan: Plan,
    ) -> Result<Self, ConsoleError> {
        let address = bound.address();
        let (ending, ended) = watch::channel(false);
        let runtime = runtime().map_err(Kind::Start)?;
        let incoming = {
            let _entered = runtime.enter();
            Incoming::new(bound, limits::CONNECTIONS, plan.let_in_within).map_err(Kind::Bind)?
        };
        let run = move || serve(&runtime, plan, incoming, ended);
        let thread = thread::Builder::new().name(THREAD.into()).spawn(run).map_err(Kind::Start)?;
        Ok(Self { address, file, ending, thread: Some(thread) })
    }
}

/// Tokio's own: what is watched must not be watched by itself.
fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name(THREAD)
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
}

fn serve(runtime: &Runtime, plan: Plan, incoming: Incoming, ended: watch::Receiver<bool>) {
    let service = Service::new(Arc::new(plan.answers), ended.clone());
    let wire = Wire::new(service)
        .max_decoding_message_size(limits::REQUEST_BYTES)
        .max_encoding_message_size(limits::ANSWER_BYTES);
    let intercepted = InterceptedService::new(wire, plan.access);
    let mut server = plan.server;
    let server = server.add_service(intercepted);
    let end = |mut ended: watch::Receiver<bool>| async move {
        // An error: the handle is gone, which is an end as well.
        let _ = ended.wait_for(|ended| *ended).await;
    };
    runtime.block_on(async {
        let at_the_latest = async {
            end(ended.clone()).await;
            tokio::time::sleep(limits::END).await;
        };
        tokio::select! {
            // Waits for the connections, of which one may be held open by its client.
            _ = server.serve_with_incoming_shutdown(incoming, end(ended.clone())) => {}
            () = at_the_latest => {}
        }
    });
}

/// Ends the server: the address is free, subscribers are told. Waits for that for half a second at most,
/// and for a stack that is being taken.
impl Drop for ConsoleServer {
    fn drop(&mut self) {
        self.ending.send_replace(true);
        self.file = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told on its way.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for ConsoleServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleServer")
            .field("address", &self.address)
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
