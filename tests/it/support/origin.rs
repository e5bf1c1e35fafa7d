//! A publisher on loopback that can be told what to answer, and remembers what it was asked.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What the publisher does for one path.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Status, headers and body.
    Plain(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// A document with an `ETag` made from its text; 304 for who has it.
    Tagged(String),
    /// The first bytes, and then silence until the origin is told to go on.
    Stalling(Vec<u8>),
    /// A body that never ends.
    Endless,
}

#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
}

#[derive(Debug, Default)]
struct Inner {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<Asked>>,
    stalled: Notify,
    go_on: Notify,
}

#[derive(Debug, Clone)]
pub struct Origin {
    inner: Arc<Inner>,
    pub address: SocketAddr,
}

impl Origin {
    pub async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, address }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn set(&self, path: &str, answer: Answer) {
        self.inner.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub fn serve(&self, path: &str, document: impl Into<String>) {
        self.set(path, Answer::Tagged(document.into()));
    }

    pub fn redirect(&self, path: &str, status: u16, to: &str) {
        self.set(
            path,
            Answer::Plain(status, vec![("location", to.to_owned())], Vec::new()),
        );
    }

    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.inner
            .asked
            .lock()
            .unwrap()
            .iter()
            .filter(|asked| asked.path == path)
            .cloned()
            .collect()
    }

    /// Waits until a client hangs in a stalling answer.
    pub async fn stalled(&self) {
        self.inner.stalled.notified().await;
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let answer = inner.answers.lock().unwrap().get(&path).cloned();
    inner.asked.lock().unwrap().push(Asked {
        path,
        headers: headers.clone(),
    });
    match answer {
        None => status(404, Body::from("nothing here")),
        Some(Answer::Plain(code, headers, body)) => {
            let mut response = status(code, Body::from(body));
            for (name, value) in headers {
                response.headers_mut().append(name, value.parse().unwrap());
            }
            response
        }
        Some(Answer::Tagged(document)) => {
            let tag = format!("\"{}\"", blake3::hash(document.as_bytes()).to_hex());
            let known = headers
                .get("if-none-match")
                .is_some_and(|value| value.to_str().unwrap() == tag);
            let mut response = if known {
                status(304, Body::empty())
            } else {
                status(200, Body::from(document))
            };
            response.headers_mut().insert("etag", tag.parse().unwrap());
            response
        }
        Some(Answer::Stalling(first)) => {
            let rest = async move {
                inner.stalled.notify_one();
                inner.go_on.notified().await;
                Ok::<Bytes, Infallible>(Bytes::new())
            };
            let first = async move { Ok::<Bytes, Infallible>(Bytes::from(first)) };
            status(
                200,
                Body::from_stream(Chunks::new(vec![Box::pin(first), Box::pin(rest)])),
            )
        }
        Some(Answer::Endless) => {
            let chunk = || async { Ok::<Bytes, Infallible>(Bytes::from(vec![b' '; 64 * 1024])) };
            status(
                200,
                Body::from_stream(Chunks {
                    left: Vec::new(),
                    again: Some(Box::new(move || Box::pin(chunk()))),
                }),
            )
        }
    }
}

fn status(code: u16, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

type Chunk = std::pin::Pin<Box<dyn Future<Output = Result<Bytes, Infallible>> + Send>>;

/// A body in pieces, each awaited.
struct Chunks {
    left: Vec<Chunk>,
    again: Option<Box<dyn Fn() -> Chunk + Send>>,
}

impl Chunks {
    fn new(mut chunks: Vec<Chunk>) -> Self {
        chunks.reverse();
        Self {
            left: chunks,
            again: None,
        }
    }
}

impl futures_core::Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        if self.left.is_empty()
            && let Some(again) = &self.again
        {
            let chunk = again();
            self.left.push(chunk);
        }
        let Some(chunk) = self.left.last_mut() else {
            return std::task::Poll::Ready(None);
        };
        let done = std::task::ready!(chunk.as_mut().poll(context));
        self.left.pop();
        std::task::Poll::Ready(Some(done))
    }
}

/// An RSS feed with these items: guid, title, link.
pub fn rss(title: &str, items: &[(&str, &str, &str)]) -> String {
    let items: String = items
        .iter()
        .map(|(guid, title, link)| {
            format!(
                "<item><guid isPermaLink=\"false\">{guid}</guid><title>{title}</title><link>{link}</link>\
                 <pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate><description>&lt;p&gt;Text of {title}&lt;/p&gt;</description></item>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>{title}</title><link>https://site.example/</link><language>en</language>{items}</channel></rss>"
    )
}

/// An Atom feed in Persian with these entries: id, title, link.
pub fn atom(title: &str, entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(id, title, link)| {
            format!(
                "<entry><id>{id}</id><title>{title}</title><link href=\"{link}\"/><published>2026-11-21T12:00:00+03:30</published>\
                 <updated>2026-11-21T12:00:00+03:30</updated><content type=\"html\">&lt;p&gt;متن «{title}»&lt;/p&gt;</content></entry>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"fa\"><id>tag:site.example,2026:{title}</id><title>{title}</title><updated>2026-11-21T12:00:00Z</updated>{entries}</feed>"
    )
}
