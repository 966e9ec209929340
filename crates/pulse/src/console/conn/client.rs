//! Single calls, each with a bound in time and with errors that say where they come from.

use std::future::Future;
use std::time::Duration;

use tokio_pulse_proto::v1::{self, console_client::ConsoleClient};
use tokio_pulse_proto::{PROTOCOL_METADATA, PROTOCOL_VERSION};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::{Interceptor, interceptor::InterceptedService};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Response, Status, Streaming};

use crate::console::error::chain;
use crate::console::{ConsoleError, target::Target};

/// For a connection, and for an answer, of a machine that has a lot to do.
const PATIENCE: Duration = Duration::from_secs(15);
/// For stacks: the first time the service reads the debug information of the whole program.
const PATIENCE_FOR_STACKS: Duration = Duration::from_secs(60);
/// A connection of which only one half is left is found out in the sum of the two.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(10);
/// Stacks of hundreds of threads fit in.
const LARGEST_ANSWER: usize = 32 << 20;

/// A connected service.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    wire: ConsoleClient<InterceptedService<Channel, Credentials>>,
}

impl Client {
    pub(crate) async fn connect(target: &Target) -> Result<Self, ConsoleError> {
        let address = target.address.clone();
        let unreachable = |error: tonic::transport::Error| ConsoleError::Unreachable {
            address: target.address.clone(),
            detail: chain(&error),
        };
        let credentials = Credentials::new(target)?;
        let mut endpoint = Endpoint::from_shared(target.uri.clone())
            .map_err(unreachable)?
            .connect_timeout(PATIENCE)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_ANSWER)
            .keep_alive_while_idle(true);
        if let Some(tls) = &target.tls {
            let mut config = ClientTlsConfig::new()
                .ca_certificate(Certificate::from_pem(&tls.authority))
                .timeout(PATIENCE);
            if let Some(name) = &tls.name {
                config = config.domain_name(name);
            }
            endpoint = endpoint.tls_config(config).map_err(unreachable)?;
        }
        let channel = match tokio::time::timeout(PATIENCE, endpoint.connect()).await {
            Ok(connected) => connected.map_err(unreachable)?,
            Err(_) => return Err(ConsoleError::Silent { address, waited: PATIENCE }),
        };
        let wire = ConsoleClient::with_interceptor(channel, credentials)
            .max_decoding_message_size(LARGEST_ANSWER);
        Ok(Self { address, wire })
    }

    pub(crate) async fn handshake(&mut self) -> Result<v1::HandshakeResponse, ConsoleError> {
        let request = v1::HandshakeRequest {
            oldest_version: PROTOCOL_VERSION,
            newest_version: PROTOCOL_VERSION,
            client: concat!("pulse ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        bounded(&self.address, self.wire.handshake(request)).await
    }

    pub(crate) async fn watch(
        &mut self,
        interval: Duration,
        suspects: &v1::SuspectQuery,
    ) -> Result<Updates, ConsoleError> {
        let request = v1::WatchRequest {
            sections: Vec::new(),
            interval_ns: u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX),
            suspects: Some(suspects.clone()),
        };
        let stream = bounded(&self.address, self.wire.watch(request)).await?;
        Ok(Updates { address: self.address.clone(), stream })
    }

    pub(crate) async fn config(&mut self) -> Result<v1::Config, ConsoleError> {
        let answer = self.wire.get_config(v1::GetConfigRequest {});
        Ok(bounded(&self.address, answer).await?.config.unwrap_or_default())
    }

    pub(crate) async fn set_config(
        &mut self,
        request: v1::SetConfigRequest,
    ) -> Result<v1::Config, ConsoleError> {
        let answer = bounded(&self.address, self.wire.set_config(request)).await?;
        Ok(answer.config.unwrap_or_default())
    }

    pub(crate) async fn set_task(
        &mut self,
        request: v1::SetTaskRequest,
    ) -> Result<v1::SetTaskResponse, ConsoleError> {
        bounded(&self.address, self.wire.set_task(request)).await
    }

    pub(crate) async fn set_site(
        &mut self,
        request: v1::SetSpawnSiteRequest,
    ) -> Result<v1::SetSpawnSiteResponse, ConsoleError> {
        bounded(&self.address, self.wire.set_spawn_site(request)).await
    }

    pub(crate) async fn sites(&mut self) -> Result<v1::GetSpawnSitesResponse, ConsoleError> {
        let request = v1::GetSpawnSitesRequest::default();
        bounded(&self.address, self.wire.get_spawn_sites(request)).await
    }

    pub(crate) async fn stacks(
        &mut self,
        request: v1::GetStacksRequest,
    ) -> Result<Vec<v1::ThreadStack>, ConsoleError> {
        let answer = self.wire.get_stacks(request);
        Ok(within(PATIENCE_FOR_STACKS, &self.address, answer).await?.stacks)
    }
}

/// What goes on.
pub(crate) struct Updates {
    address: String,
    stream: Streaming<v1::Update>,
}

impl Updates {
    /// The next one, whenever it comes.
    pub(crate) async fn next(&mut self) -> Result<v1::Update, ConsoleError> {
        match self.stream.message().await {
            Ok(Some(update)) => Ok(update),
            Ok(None) => Err(ConsoleError::Unreachable {
                address: self.address.clone(),
                detail: "the service has ended the watch".to_owned(),
            }),
            Err(status) => Err(ConsoleError::of(&status, &self.address)),
        }
    }

    /// The first one, which comes at once.
    pub(crate) async fn first(&mut self) -> Result<v1::Update, ConsoleError> {
        let address = self.address.clone();
        let silent = ConsoleError::Silent { address, waited: PATIENCE };
        tokio::time::timeout(PATIENCE, self.next()).await.unwrap_or(Err(silent))
    }
}

async fn bounded<T>(
    address: &str,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, ConsoleError> {
    within(PATIENCE, address, answer).await
}

async fn within<T>(
    waited: Duration,
    address: &str,
    answer: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, ConsoleError> {
    match tokio::time::timeout(waited, answer).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(ConsoleError::of(&status, address)),
        Err(_) => Err(ConsoleError::Silent { address: address.to_owned(), waited }),
    }
}

/// Puts the version and the token on each call.
#[derive(Clone)]
struct Credentials {
    token: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    fn new(target: &Target) -> Result<Self, ConsoleError> {
        let token = target.token.as_ref().map(|token| {
            let mut value: MetadataValue<Ascii> =
                format!("Bearer {token}").parse().map_err(|_| ConsoleError::Token)?;
            // Not shown when somebody prints the metadata.
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(Self { token: token.transpose()? })
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert(PROTOCOL_METADATA, PROTOCOL_VERSION.into());
        if let Some(token) = &self.token {
            metadata.insert("authorization", token.clone());
        }
        Ok(request)
    }
}
