//! A publisher that speaks no good HTTP: raw bytes, broken connections, silence.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Between two bytes that drip.
const DRIP: Duration = Duration::from_millis(50);

/// What is done with a connection, once a request has come.
#[derive(Debug, Clone)]
pub enum Wire {
    /// Says this and hangs up.
    Says(Vec<u8>),
    /// Says this and breaks the connection.
    Resets(Vec<u8>),
    /// Says this, and then a blank now and then for ever.
    Drips(Vec<u8>),
    /// Says nothing for ever.
    Silent,
}

impl Wire {
    /// A whole answer.
    pub fn answers(head: &str, body: &str) -> Self {
        let length = body.len();
        Self::Says(format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into())
    }
}

#[derive(Debug)]
pub struct Raw {
    pub address: SocketAddr,
}

impl Raw {
    /// Each connection gets the next of these; the last one stays.
    pub async fn start_at(address: &str, script: impl IntoIterator<Item = Wire>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Arc<Mutex<VecDeque<Wire>>> = Arc::new(Mutex::new(script.into_iter().collect()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let next = {
                    let mut script = script.lock().unwrap();
                    if script.len() > 1 {
                        script.pop_front()
                    } else {
                        script.front().cloned()
                    }
                };
                // A client that goes away is what some tests are about.
                tokio::spawn(serve(stream, next.unwrap()));
            }
        });
        Self { address }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(mut stream: TcpStream, wire: Wire) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    match wire {
        Wire::Says(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Wire::Resets(bytes) => {
            stream.write_all(&bytes).await?;
            stream.set_zero_linger()
        }
        Wire::Drips(bytes) => {
            stream.write_all(&bytes).await?;
            let mut drip = tokio::time::interval(DRIP);
            loop {
                drip.tick().await;
                stream.write_all(b" ").await?;
            }
        }
        Wire::Silent => std::future::pending().await,
    }
}
