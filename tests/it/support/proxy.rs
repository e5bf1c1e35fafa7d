//! Proxies: SOCKS5 (RFC 1928) and CONNECT (RFC 9110 §9.3.6), the part that matters. Whatever they are asked for, they lead to one place,
//! and remember what that was. A proxy for plain HTTP is an [`Origin`](crate::support::origin::Origin).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const NAME: u8 = 3;
const IPV4: u8 = 1;

#[derive(Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub async fn socks(leads_to: SocketAddr) -> Self {
        Self::start(leads_to, true).await
    }

    pub async fn http(leads_to: SocketAddr) -> Self {
        Self::start(leads_to, false).await
    }

    async fn start(leads_to: SocketAddr, is_socks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(lead(stream, leads_to, is_socks, Arc::clone(&shared)));
            }
        });
        Self { address, asked }
    }

    /// Names and addresses with ports, as they were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn lead(
    mut stream: TcpStream,
    to: SocketAddr,
    is_socks: bool,
    asked: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let (wanted, yes) = if is_socks {
        (socks(&mut stream).await?, &[5, 0, 0, IPV4, 0, 0, 0, 0, 0, 0][..])
    } else {
        (connect(&mut stream).await?, &b"HTTP/1.1 200 OK\r\n\r\n"[..])
    };
    asked.lock().unwrap().push(wanted);
    let mut inner = TcpStream::connect(to).await?;
    stream.write_all(yes).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut inner).await?;
    Ok(())
}

async fn socks(stream: &mut TcpStream) -> std::io::Result<String> {
    let _version = stream.read_u8().await?;
    let mut methods = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut methods).await?;
    stream.write_all(&[5, 0]).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let host = match head[3] {
        NAME => {
            let mut name = vec![0; usize::from(stream.read_u8().await?)];
            stream.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
        IPV4 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        other => panic!("an address of kind {other}"),
    };
    Ok(format!("{host}:{}", stream.read_u16().await?))
}

async fn connect(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    Ok(head.split(' ').nth(1).unwrap().to_owned())
}
