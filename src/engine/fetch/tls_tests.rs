//! The client against servers with TLS: whom it trusts, and who it is.

use std::sync::Arc;

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
        version::{TLS12, TLS13},
    },
};

use crate::{
    engine::stand_in::{Reply, StandIn, TEXT},
    formats::prometheus,
    text::Source,
};

use super::*;

/// A root, and what it has signed for `localhost`, `127.0.0.1` and a client; valid for a century.
const CA: &str = include_str!("../../../tests/fixtures/tls/ca.pem");
const SERVER: &str = include_str!("../../../tests/fixtures/tls/server.pem");
const SERVER_KEY: &str = include_str!("../../../tests/fixtures/tls/server-key.pem");
const CLIENT: &str = include_str!("../../../tests/fixtures/tls/client.pem");
const CLIENT_KEY: &str = include_str!("../../../tests/fixtures/tls/client-key.pem");

/// Whether a server asks its clients who they are, and what it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Only12,
    KnowsClients,
}

fn acceptor(kind: Kind) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = if kind == Kind::Only12 { &[&TLS12] } else { &[&TLS13, &TLS12] };
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = if kind == Kind::KnowsClients {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CA.as_bytes()).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_slice(SERVER.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(SERVER_KEY.as_bytes()).unwrap();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
}

/// Asks a server with this `tls_config`; files are in a folder named `DIR`.
async fn ask(kind: Kind, tls: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("ca.pem", CA), ("c.pem", CLIENT), ("k.pem", CLIENT_KEY), ("empty.pem", "")] {
        crate::files::write_secret(&folder.path().join(name), text.as_bytes()).unwrap();
    }
    let file = format!("scrape_configs: [{{job_name: j, scheme: https, tls_config: {tls}}}]");
    let file = file.replace("DIR", &folder.path().display().to_string());
    let (config, _) = prometheus::read(&Source::new("t", file.as_str())).unwrap();
    let client = Client::new(&config.scrape_configs[0].client, Hosts::default());
    let server = StandIn::start_with(Some(acceptor(kind)), |_| Reply::Page(TEXT, "a 1\n".to_owned())).await;
    let url = Url::parse(&server.url("/").replace("http:", "https:")).unwrap();
    let outgoing = Outgoing { method: Method::GET, url: &url, headers: HeaderMap::new(), body: Bytes::new() };
    let bounds = Bounds { time: Duration::from_secs(10), body: 1 << 20, expected_body: 0 };
    let answer =
        client.send(&outgoing, bounds, Bodies::OfSuccess).await.map_err(|error| error.cause.to_string())?;
    assert_eq!(answer.body, b"a 1\n");
    Ok(())
}

#[track_caller]
fn refused(got: &Result<(), String>, expect: &str) {
    let cause = got.as_ref().unwrap_err();
    assert!(cause.contains(expect), "{cause}");
}

#[tokio::test]
async fn servers_are_trusted_by_their_root() {
    assert_eq!(ask(Kind::Any, "{ca_file: DIR/ca.pem}").await, Ok(()));
    assert_eq!(ask(Kind::Only12, "{ca_file: DIR/ca.pem}").await, Ok(()));
    assert_eq!(ask(Kind::Any, "{ca_file: DIR/ca.pem, server_name: localhost}").await, Ok(()));
    assert_eq!(ask(Kind::Any, "{insecure_skip_verify: true}").await, Ok(()));
    assert_eq!(ask(Kind::Only12, "{insecure_skip_verify: true}").await, Ok(()));
    refused(
        &ask(Kind::Any, "{ca_file: DIR/ca.pem, server_name: other}").await,
        "not valid for name \"other\"",
    );
    refused(&ask(Kind::Only12, "{ca_file: DIR/ca.pem, min_version: TLS13}").await, "tls: ");
    refused(&ask(Kind::Any, "{ca_file: DIR/none.pem}").await, "cannot read");
    refused(&ask(Kind::Any, "{ca_file: DIR/empty.pem}").await, "`ca` holds no certificate");
    refused(&ask(Kind::Any, "{max_version: TLS11}").await, "TLS before 1.2 is not spoken");
    // The system does not know the root of the tests; it may know none at all.
    refused(&ask(Kind::Any, "{}").await, "tls: ");
}

#[tokio::test]
async fn clients_say_who_they_are() {
    let known = "{ca_file: DIR/ca.pem, cert_file: DIR/c.pem, key_file: DIR/k.pem}";
    assert_eq!(ask(Kind::KnowsClients, known).await, Ok(()));
    assert_eq!(ask(Kind::Any, known).await, Ok(()));
    refused(&ask(Kind::KnowsClients, "{ca_file: DIR/ca.pem}").await, "");
    let wrong = "{ca_file: DIR/ca.pem, cert_file: DIR/c.pem, key_file: DIR/empty.pem}";
    refused(&ask(Kind::KnowsClients, wrong).await, "the client's key");
}
