//! A publisher on loopback that can be told what to answer, and remembers what it was asked.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::support::tls::{Certificate, Secure};

/// What the publisher does for one path.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Status, headers and body.
    Plain(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// A document with an `ETag` made from its text; 304 for who has it.
    Tagged(String),
    /// A document of this time; 304 for who has one that is not older, as Apache answers.
    Dated(String, &'static str),
    /// The first bytes, and then silence until the origin is told to go on.
    Stalling(Vec<u8>),
    /// A body that never ends.
    Endless,
    /// This, but not before the test lets it go.
    Held(Box<Answer>),
}

#[derive(Debug, Clone)]
pub struct Asked {
    /// The host that was asked, without a port.
    pub host: String,
    pub path: String,
    pub headers: HeaderMap,
    /// Who asked, where that is known: another port is another connection.
    pub peer: Option<SocketAddr>,
}

#[derive(Debug)]
struct Inner {
    /// The next answers of each path; the last one stays.
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    asked: Mutex<Vec<Asked>>,
    stalled: Notify,
    go_on: Notify,
    /// A permit for each request that is held, and for each that may go.
    held: Semaphore,
    may_go: Semaphore,
    /// Requests that are being answered, and the most there were at once: by host, and over all under the empty name.
    under_way: Mutex<HashMap<String, (usize, usize)>>,
}

#[derive(Debug, Clone)]
pub struct Origin {
    inner: Arc<Inner>,
    scheme: &'static str,
    pub address: SocketAddr,
}

impl Origin {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    /// At this address and port; port 0 takes a free one.
    pub async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (router, origin) = Self::made("http", listener.local_addr().unwrap());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        origin
    }

    /// Over TLS.
    pub async fn start_tls(certificate: &Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (router, origin) = Self::made("https", listener.local_addr().unwrap());
        let listener = Secure::new(listener, certificate);
        tokio::spawn(async move { axum::serve(listener, router).await });
        origin
    }

    fn made(scheme: &'static str, address: SocketAddr) -> (Router, Self) {
        let inner = Arc::new(Inner {
            answers: Mutex::default(),
            asked: Mutex::default(),
            stalled: Notify::new(),
            go_on: Notify::new(),
            held: Semaphore::new(0),
            may_go: Semaphore::new(0),
            under_way: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inner));
        let origin = Self { inner, scheme, address };
        (router, origin)
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The same under another name of this machine.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
    }

    pub fn set(&self, path: &str, answer: Answer) {
        self.script(path, [answer]);
    }

    /// One answer after another; the last one stays.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers = answers.into_iter().collect();
        self.inner.answers.lock().unwrap().insert(path.to_owned(), answers);
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
        let mut all = self.all_asked();
        all.retain(|asked| asked.path == path);
        all
    }

    /// Everything that was asked, in order.
    pub fn all_asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// Waits until so many more requests are held.
    pub async fn held(&self, count: u32) {
        self.inner.held.acquire_many(count).await.unwrap().forget();
    }

    /// Lets so many requests go that are held, or will be.
    pub fn let_go(&self, count: usize) {
        self.inner.may_go.add_permits(count);
    }

    /// The most requests that there were at once, to this host or (empty) to all.
    pub fn most_at_once(&self, host: &str) -> usize {
        self.inner
            .under_way
            .lock()
            .unwrap()
            .get(host)
            .map_or(0, |(_, most)| *most)
    }

    /// Waits until a client hangs in a stalling answer.
    pub async fn stalled(&self) {
        self.inner.stalled.notified().await;
    }
}

impl Inner {
    fn next_answer(&self, path: &str) -> Option<Answer> {
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(path)?;
        if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        }
    }

    fn begins(&self, host: &str) {
        let mut under_way = self.under_way.lock().unwrap();
        for name in [host, ""] {
            let (now, most) = under_way.entry(name.to_owned()).or_default();
            *now += 1;
            *most = (*now).max(*most);
        }
    }

    fn ends(&self, host: &str) {
        let mut under_way = self.under_way.lock().unwrap();
        for name in [host, ""] {
            under_way.get_mut(name).unwrap().0 -= 1;
        }
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let host = headers.get("host").map_or("", |host| host.to_str().unwrap());
    // Who asks a proxy names the host in the address.
    let host = request.uri().host().unwrap_or(host);
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
    inner.begins(&host);
    let mut answer = inner.next_answer(&path);
    inner.asked.lock().unwrap().push(Asked {
        host: host.clone(),
        path,
        headers: headers.clone(),
        peer: request.extensions().get().map(|ConnectInfo(peer)| *peer),
    });
    if let Some(Answer::Held(then)) = answer {
        inner.held.add_permits(1);
        inner.may_go.acquire().await.unwrap().forget();
        answer = Some(*then);
    }
    inner.ends(&host);
    match answer {
        None | Some(Answer::Held(_)) => status(404, Body::from("nothing here")),
        Some(Answer::Plain(code, headers, body)) => {
            let mut response = status(code, Body::from(body));
            for (name, value) in headers {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                response.headers_mut().append(name, value);
            }
            response
        }
        Some(Answer::Tagged(document)) => {
            let tag = format!("\"{}\"", blake3::hash(document.as_bytes()).to_hex());
            let known = headers.get("if-none-match");
            let is_known = known.is_some_and(|value| value.as_bytes() == tag.as_bytes());
            let mut response = document_unless(is_known, document);
            response.headers_mut().insert("etag", tag.parse().unwrap());
            response
        }
        Some(Answer::Dated(document, changed_at)) => {
            let date = |text: &str| httpdate::parse_http_date(text).unwrap();
            let known = headers.get("if-modified-since");
            let is_known = known.is_some_and(|since| date(since.to_str().unwrap()) >= date(changed_at));
            let mut response = document_unless(is_known, document);
            response
                .headers_mut()
                .insert("last-modified", changed_at.parse().unwrap());
            response
        }
        Some(Answer::Stalling(first)) => status(200, stalling(inner, first)),
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

fn document_unless(is_known: bool, document: String) -> Response<Body> {
    match is_known {
        true => status(304, Body::empty()),
        false => status(200, Body::from(document)),
    }
}

fn stalling(inner: Arc<Inner>, first: Vec<u8>) -> Body {
    let rest = async move {
        inner.stalled.notify_one();
        inner.go_on.notified().await;
        Ok::<Bytes, Infallible>(Bytes::new())
    };
    let first = async move { Ok::<Bytes, Infallible>(Bytes::from(first)) };
    Body::from_stream(Chunks::new(vec![Box::pin(first), Box::pin(rest)]))
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
