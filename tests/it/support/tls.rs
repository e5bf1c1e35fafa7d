//! A certificate authority for one test, made with openssl, and certificates from it: for `localhost`, for another host, and one that is
//! expired.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Files of the authority and of the servers.
pub struct Certificates {
    /// What clients trust: `SSL_CERT_FILE`.
    pub authority: PathBuf,
    /// For `localhost` and 127.0.0.1.
    pub good: Certificate,
    /// For the same, but over since yesterday.
    pub expired: Certificate,
    /// For `elsewhere.example`.
    pub of_another_host: Certificate,
}

/// A certificate and its key, as files.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    pub fn make(folder: &Path) -> Self {
        let words = "req -new -newkey rsa:2048 -nodes -x509 -days 2 -keyout ca.key -out ca.pem -subj";
        openssl(folder, words, &["/CN=Test CA"]);
        let here = "DNS:localhost,IP:127.0.0.1";
        Self {
            authority: folder.join("ca.pem"),
            good: sign(folder, "good", here, "2"),
            expired: sign(folder, "expired", here, "-1"),
            of_another_host: sign(folder, "other", "DNS:elsewhere.example", "2"),
        }
    }
}

fn sign(folder: &Path, name: &str, hosts: &str, days: &str) -> Certificate {
    let file = |end: &str| format!("{name}.{end}");
    std::fs::write(folder.join(file("names")), format!("subjectAltName={hosts}\n")).unwrap();
    let request = format!("req -new -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.request -subj /CN={name}");
    openssl(folder, &request, &[]);
    let sign = format!(
        "x509 -req -in {name}.request -CA ca.pem -CAkey ca.key -CAcreateserial -extfile {name}.names -out {name}.pem -days"
    );
    openssl(folder, &sign, &[days]);
    Certificate {
        certificate: folder.join(file("pem")),
        key: folder.join(file("key")),
    }
}

fn openssl(folder: &Path, words: &str, last: &[&str]) {
    let output = Command::new("openssl")
        .args(words.split(' '))
        .args(last)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A listener that speaks TLS. Who does not shake hands is dropped.
pub struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Secure {
    pub fn new(listener: TcpListener, certificate: &Certificate) -> Self {
        // Installed twice, the first stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let chain = CertificateDer::pem_file_iter(&certificate.certificate).unwrap();
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(&certificate.key).unwrap();
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(chain, key).unwrap();
        Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

impl axum::serve::Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = axum::serve::Listener::accept(&mut self.listener).await;
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
