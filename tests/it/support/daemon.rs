//! The built program in a process of its own.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub fn tidings(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
    command.arg("--config").arg(config).kill_on_drop(true);
    command
}

pub struct Daemon {
    child: Child,
    /// Where it listens, as it printed.
    pub url: String,
}

impl Daemon {
    /// Starts `tidings run` and waits until it says where it listens.
    pub async fn start(config: &Path) -> Self {
        let mut child = tidings(config).arg("run").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines
            .next_line()
            .await
            .unwrap()
            .expect("the daemon ended before it listened");
        let url = line
            .split("listens on ")
            .nth(1)
            .and_then(|rest| rest.split(';').next())
            .unwrap();
        Self {
            child,
            url: url.to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        // Installed twice, the first stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap()
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id().expect("the daemon runs")).unwrap()
    }

    pub async fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status()
            .await;
        assert!(status.unwrap().success());
    }

    /// Ends it as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and gives its exit status.
    pub async fn stop(mut self) -> i32 {
        self.signal("TERM").await;
        self.child.wait().await.unwrap().code().expect("it ended by itself")
    }
}
