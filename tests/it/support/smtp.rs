//! A mail server on loopback: accepts, refuses or hangs as it is told, and keeps what it took (RFC 5321, the part that matters).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the server does with the next mail, after it has read all of it.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Takes it.
    Take,
    /// Says this instead of 250.
    Refuse(&'static str),
    /// Keeps it, and never says so: the connection hangs.
    Hang,
}

#[derive(Debug, Clone)]
pub struct Mail {
    pub to: String,
    pub data: String,
    /// Whether the client was told that it was taken.
    pub taken: bool,
}

impl Mail {
    pub fn header(&self, name: &str) -> String {
        let prefix = format!("{name}: ");
        let mut lines = self.data.lines().take_while(|line| !line.is_empty());
        lines
            .find_map(|line| line.strip_prefix(&prefix))
            .unwrap_or_default()
            .to_owned()
    }
}

#[derive(Debug, Default)]
struct Inner {
    replies: Mutex<VecDeque<Reply>>,
    mails: Mutex<Vec<Mail>>,
    hanging: Notify,
}

#[derive(Debug, Clone)]
pub struct SmtpSink {
    inner: Arc<Inner>,
    pub address: SocketAddr,
}

impl SmtpSink {
    pub async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away in the middle is what some tests are about.
                tokio::spawn(talk(stream, Arc::clone(&shared)));
            }
        });
        Self { inner, address }
    }

    /// What is done with the next mails; those after them are taken.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.replies.lock().unwrap().extend(replies);
    }

    /// Everything that came whole, taken or not.
    pub fn mails(&self) -> Vec<Mail> {
        self.inner.mails.lock().unwrap().clone()
    }

    pub fn taken(&self) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.taken).collect()
    }

    /// Waits until a mail has come whole and its client waits for an answer that does not come.
    pub async fn hanging(&self) {
        self.inner.hanging.notified().await;
    }
}

async fn talk(mut stream: TcpStream, inner: Arc<Inner>) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink.example ESMTP\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-sink.example\r\n250 8BITMIME\r\n",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 OK\r\n"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut data = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    data.push('\n');
                }
                let reply = inner.replies.lock().unwrap().pop_front().unwrap_or(Reply::Take);
                let taken = matches!(reply, Reply::Take);
                inner.mails.lock().unwrap().push(Mail {
                    to: to.clone(),
                    data,
                    taken,
                });
                match reply {
                    Reply::Take => "250 taken\r\n",
                    Reply::Refuse(answer) => answer,
                    Reply::Hang => {
                        inner.hanging.notify_one();
                        std::future::pending().await
                    }
                }
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 OK\r\n",
        };
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
