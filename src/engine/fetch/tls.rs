//! TLS as a client: roots, certificates of its own, versions.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, SupportedProtocolVersion,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
        version::{TLS12, TLS13},
    },
};

use crate::{
    files,
    formats::prometheus::{Credential, Tls, TlsVersion},
};

use super::{Cause, credentials};

/// Where systems keep the roots that they trust; the first that is there holds them all.
const ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes connectors; one is kept for as long as the files that it came from stay the same.
#[derive(Debug)]
pub(super) struct Connectors {
    settings: Tls,
    kept: Mutex<Option<(Material, Arc<ClientConfig>)>>,
}

/// The texts of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Material {
    ca: String,
    certificate: String,
    key: String,
}

impl Connectors {
    pub(super) fn new(settings: &Tls) -> Self {
        Self { settings: settings.clone(), kept: Mutex::default() }
    }

    /// A connector, and the name that the server's certificate has to bear.
    pub(super) fn connector(&self, host: &str) -> Result<(TlsConnector, ServerName<'static>), Cause> {
        let name = self.settings.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Cause::Tls(format!("`{name}` is no name of a server")))?;
        let material = Material {
            ca: credentials::read(self.settings.ca.as_ref())?,
            certificate: credentials::read(self.settings.certificate.as_ref())?,
            key: credentials::read(self.settings.key.as_ref())?,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, config)) = &*kept
            && *of == material
        {
            return Ok((TlsConnector::from(Arc::clone(config)), name));
        }
        let config = Arc::new(self.config(&material)?);
        *kept = Some((material, Arc::clone(&config)));
        Ok((TlsConnector::from(config), name))
    }

    fn config(&self, material: &Material) -> Result<ClientConfig, Cause> {
        let failed = |error: Error| Cause::Tls(error.to_string());
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions(&self.settings)?)
            .map_err(failed)?;
        let builder = if self.settings.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        } else {
            builder.with_root_certificates(roots(self.settings.ca.as_ref(), &material.ca)?)
        };
        let mut config = if self.settings.certificate.is_some() {
            let chain = certificates(&material.certificate, "cert")?;
            let key = PrivateKeyDer::from_pem_slice(material.key.as_bytes())
                .map_err(|error| Cause::Tls(format!("the client's key: {error}")))?;
            builder.with_client_auth_cert(chain, key).map_err(failed)?
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// TLS before 1.2 is not spoken: a lower bound below it means 1.2.
fn versions(settings: &Tls) -> Result<Vec<&'static SupportedProtocolVersion>, Cause> {
    let min = settings.min_version.unwrap_or(TlsVersion::V12);
    let max = settings.max_version.unwrap_or(TlsVersion::V13);
    let spoken = [(TlsVersion::V12, &TLS12), (TlsVersion::V13, &TLS13)];
    let versions: Vec<_> = spoken
        .into_iter()
        .filter(|(version, _)| (min..=max).contains(version))
        .map(|(_, version)| version)
        .collect();
    if versions.is_empty() {
        return Err(Cause::Tls("TLS before 1.2 is not spoken".to_owned()));
    }
    Ok(versions)
}

fn roots(ca: Option<&Credential>, text: &str) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    if ca.is_some() {
        for certificate in certificates(text, "ca")? {
            roots
                .add(certificate)
                .map_err(|error| Cause::Tls(format!("unable to use specified CA cert: {error}")))?;
        }
        return Ok(roots);
    }
    let system = ROOTS.iter().find_map(|path| files::read_bytes(Path::new(path)).ok());
    let Some(system) = system else {
        return Err(Cause::Tls(format!(
            "no file of trusted roots is there, such as {}; name a `ca_file`",
            ROOTS[0]
        )));
    };
    // A root of the system that cannot be used leaves the others.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&system).flatten());
    Ok(roots)
}

fn certificates(text: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(Cause::Tls(format!("`{what}` holds no certificate"))),
        Err(error) => Err(Cause::Tls(format!("`{what}`: {error}"))),
    }
}

/// Takes any certificate, as `insecure_skip_verify` asks; that the server holds its key is checked still.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
