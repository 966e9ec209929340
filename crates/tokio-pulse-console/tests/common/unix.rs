//! Clients that come by a Unix socket.

use std::path::PathBuf;

use hyper_util::rt::TokioIo;
use tokio_pulse_proto::v1::console_client::ConsoleClient;
use tonic::transport::{Channel, Endpoint, Uri};

use super::Client;

pub(crate) async fn over_unix(path: PathBuf) -> Client {
    ConsoleClient::new(unix_channel(Endpoint::from_static("http://console"), path).await.unwrap())
}

pub(crate) async fn unix_channel(
    endpoint: Endpoint,
    path: PathBuf,
) -> Result<Channel, tonic::transport::Error> {
    endpoint
        .connect_with_connector(tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { tokio::net::UnixStream::connect(path).await.map(TokioIo::new) }
        }))
        .await
}
