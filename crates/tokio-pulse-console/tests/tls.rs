//! TLS, with a certificate of our own.

#![cfg(feature = "tls")]

mod common;

use common::{block_on, fast, until, watch, watched};
use tokio_pulse_console::ConsoleServer;
use tokio_pulse_proto::Reason;
use tokio_pulse_proto::v1::{self, console_client::ConsoleClient};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

const TOKEN: &str = "correct-horse-battery-staple";

async fn connect(
    server: &ConsoleServer,
    trusted: &str,
) -> Result<Channel, tonic::transport::Error> {
    let port = server.local_addr().unwrap().port();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(trusted))
        .domain_name("localhost");
    Endpoint::from_shared(format!("https://127.0.0.1:{port}"))
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
}

#[test]
fn a_remote_address_is_served_over_tls_with_a_token() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let runtime = watched(1);
    let builder = || ConsoleServer::builder().tls(&certificate, &key);
    let no_token = builder().bind("0.0.0.0:0", runtime.handle()).unwrap_err();
    assert!(no_token.is_unprotected() && no_token.to_string().contains("give a token"));
    let server = builder().token(TOKEN).bind("0.0.0.0:0", runtime.handle()).unwrap();
    block_on(async {
        assert!(connect(&server, &other.cert.pem()).await.is_err(), "a stranger's certificate");
        let plain = format!("http://127.0.0.1:{}", server.local_addr().unwrap().port());
        if let Ok(channel) = Endpoint::from_shared(plain).unwrap().connect().await {
            let mut client = ConsoleClient::new(channel);
            assert!(client.get_config(v1::GetConfigRequest {}).await.is_err(), "without TLS");
        }
        let channel = connect(&server, &certificate).await.unwrap();
        let mut client = ConsoleClient::new(channel);
        let status = client.get_config(v1::GetConfigRequest {}).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::Unauthenticated));
        let mut request = tonic::Request::new(fast(&[]));
        let bearer = format!("Bearer {TOKEN}").parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        let mut updates = client.watch(request).await.unwrap().into_inner();
        let mut count = 0;
        until(&mut updates, |_| {
            count += 1;
            (count == 3).then_some(())
        })
        .await;
        let refused = watch(&mut client, fast(&[])).await.unwrap_err();
        assert_eq!(Reason::of(&refused), Some(Reason::Unauthenticated));
    });
}

#[test]
fn a_certificate_that_is_none_is_refused_at_once() {
    let runtime = watched(1);
    let builder = ConsoleServer::builder().tls("no certificate", "no key");
    let error = builder.bind("127.0.0.1:0", runtime.handle()).unwrap_err();
    assert!(error.is_tls(), "{error:?}");
}
