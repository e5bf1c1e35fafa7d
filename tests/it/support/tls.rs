//! A certificate authority for one test, made with openssl, and a certificate for `localhost` from it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of the authority and of the server.
pub struct Certificates {
    /// What clients trust: `SSL_CERT_FILE`.
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificates {
    pub fn make(folder: &Path) -> Self {
        let file = |name: &str| folder.join(name);
        std::fs::write(file("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        let new = ["req", "-new", "-newkey", "rsa:2048", "-nodes"];
        openssl(
            folder,
            &[
                &new[..],
                &[
                    "-x509",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=Test CA",
                    "-keyout",
                    "ca.key",
                    "-out",
                    "ca.pem",
                ],
            ]
            .concat(),
        );
        openssl(
            folder,
            &[
                &new[..],
                &["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request"],
            ]
            .concat(),
        );
        let sign = [
            "x509",
            "-req",
            "-in",
            "request",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
        ];
        openssl(folder, &[&sign[..], &["-extfile", "san", "-out", "cert.pem"]].concat());
        Self {
            authority: file("ca.pem"),
            certificate: file("cert.pem"),
            key: file("key.pem"),
        }
    }
}

fn openssl(folder: &Path, words: &[&str]) {
    let output = Command::new("openssl")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
