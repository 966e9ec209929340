//! What is said of a server before it begins.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use tokio_pulse::Handle;
use tonic::transport::Server;

use crate::access::{Access, Token};
use crate::answer::Answers;
use crate::error::{ConsoleError, Kind};
use crate::limits;
use crate::listen::{Bound, BoundSocket, is_local};
use crate::server::{ConsoleServer, Plan};

/// Says what a [`ConsoleServer`] does before it begins.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `bind`"]
pub struct ConsoleServerBuilder {
    token: Option<String>,
    insecure: bool,
    read_only: bool,
    max_subscribers: usize,
    kept_stalls: usize,
    keep_alive: Duration,
    let_in_within: Duration,
    #[cfg(feature = "tls")]
    tls: Option<tonic::transport::ServerTlsConfig>,
}

impl Default for ConsoleServerBuilder {
    fn default() -> Self {
        Self {
            token: None,
            insecure: false,
            read_only: false,
            max_subscribers: limits::SUBSCRIBERS,
            kept_stalls: 0,
            keep_alive: limits::KEEP_ALIVE,
            let_in_within: limits::LET_IN_WITHIN,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl ConsoleServerBuilder {
    /// Serves only who sends this token, in the metadata `authorization: Bearer TOKEN` of each call. At
    /// least 16 printable characters; it is compared in constant time.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Serves over TLS, with a certificate and its key as PEM text.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        let identity = tonic::transport::Identity::from_pem(certificate, key);
        let tls = self.tls.unwrap_or_default();
        self.tls = Some(tls.identity(identity).timeout(limits::LET_IN_WITHIN));
        self
    }

    /// Also serves an address that others can reach without a token and TLS: whoever reaches it may see
    /// everything and change everything, and so may whoever listens on the way.
    pub fn insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }

    /// Takes no changes: it only tells. Stacks are told as well, for which threads are interrupted.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Sets how many may watch at a time. Default: 32.
    pub fn max_subscribers(mut self, subscribers: usize) -> Self {
        self.max_subscribers = subscribers;
        self
    }

    /// Keeps the last so many events of stalls for those who come later. Default: 0.
    ///
    /// Then stalls are reported from the beginning, as if the runtime had a
    /// [sink](tokio_pulse::Builder::report_sink), and stuck threads are interrupted for their stacks
    /// though nobody may ever look. With 0 that is so only while somebody watches.
    pub fn keep_stalls(mut self, events: usize) -> Self {
        self.kept_stalls = events.min(limits::STALL_QUEUE);
        self
    }

    /// Sets after which silence a client is pinged, and for how long it may take to answer before its
    /// connection is closed. Default: 10 s.
    pub fn keep_alive(mut self, time: Duration) -> Self {
        self.keep_alive = time;
        self
    }

    /// Sets how long a new connection is kept on which nobody is let in. Default: 10 s.
    pub fn let_in_within(mut self, time: Duration) -> Self {
        self.let_in_within = time;
        self
    }

    /// Listens on a TCP address, and starts to answer. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// When others than those on this machine can reach the address and there is no token or no TLS,
    /// unless [`insecure`](Self::insecure) is said; when the token is too short; when the address cannot
    /// be bound, or no thread started.
    pub fn bind(
        self,
        address: impl ToSocketAddrs,
        handle: &Handle,
    ) -> Result<ConsoleServer, ConsoleError> {
        let addresses: Vec<SocketAddr> = address.to_socket_addrs().map_err(Kind::Bind)?.collect();
        if addresses.is_empty() {
            return Err(Kind::NothingToDo.into());
        }
        let (token, tls) = (self.token.is_some(), self.has_tls());
        let protected = self.insecure || (token && tls);
        if let Some(&address) = addresses.iter().find(|address| !protected && !is_local(address)) {
            return Err(Kind::Unprotected { address, token, tls }.into());
        }
        let access = self.access()?;
        let server = self.server()?;
        let bound = Bound::tcp(&addresses).map_err(Kind::Bind)?;
        ConsoleServer::start(bound, None, self.plan(handle, access, server))
    }

    /// Listens on a Unix socket that only the user of this process can connect to, and starts to answer.
    /// The file is removed with the server; one that a program has left behind is replaced.
    ///
    /// # Errors
    ///
    /// When there are no Unix sockets on this system; when the token is too short; when another program
    /// listens there, or the path is that of something else; when no thread can be started.
    pub fn bind_unix(
        self,
        path: impl AsRef<Path>,
        handle: &Handle,
    ) -> Result<ConsoleServer, ConsoleError> {
        let access = self.access()?;
        let server = self.server()?;
        let (socket, file) = BoundSocket::bind(path.as_ref()).map_err(|error| {
            match error.kind() == std::io::ErrorKind::Unsupported {
                true => Kind::NoUnixSockets,
                false => Kind::Bind(error),
            }
        })?;
        ConsoleServer::start(Bound::Unix(socket), Some(file), self.plan(handle, access, server))
    }

    fn access(&self) -> Result<Access, ConsoleError> {
        let token = match &self.token {
            Some(token) => Some(Token::new(token).ok_or(Kind::WeakToken)?),
            None => None,
        };
        Ok(Access::new(token))
    }

    fn plan(&self, handle: &Handle, access: Access, server: Server) -> Plan {
        let answers = Answers::new(handle, self.max_subscribers, self.kept_stalls, self.read_only);
        Plan { answers, access, server, let_in_within: self.let_in_within }
    }

    fn server(&self) -> Result<Server, ConsoleError> {
        // Each subscriber holds a stream, and there is to be room for calls beside.
        let streams = u32::try_from(self.max_subscribers).unwrap_or(u32::MAX).saturating_add(32);
        let server = Server::builder()
            .timeout(limits::CALL_WITHIN)
            .max_concurrent_streams(streams)
            .http2_max_header_list_size(limits::HEADER_BYTES)
            .http2_keepalive_interval(Some(self.keep_alive))
            .http2_keepalive_timeout(Some(self.keep_alive));
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return server.tls_config(tls.clone()).map_err(|error| Kind::Tls(error.into()).into());
        }
        Ok(server)
    }

    fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        let has = self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        let has = false;
        has
    }
}
