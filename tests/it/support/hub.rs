//! A hub on loopback (WebSub): takes requests, asks the subscriber back over HTTP whether it means them, signs and pushes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, RequestBuilder};
use tokio::net::TcpListener;
use url::form_urlencoded;

/// What the hub does with a request.
#[derive(Debug, Clone)]
pub enum Temper {
    /// Asks back before it answers, and gives a lease of so many seconds; empty: it does not say how many.
    Verify(&'static str),
    /// Takes it, and the test says when it asks back.
    Wait,
    /// Takes it, and refuses it with a reason.
    Deny(&'static str),
    /// Answers with this status and these headers.
    Answer(u16, Vec<(&'static str, String)>),
}

/// The form of a request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    form: HashMap<String, String>,
}

impl Asked {
    /// A field of the form, or empty.
    pub fn field(&self, name: &str) -> &str {
        self.form.get(&format!("hub.{name}")).map_or("", String::as_str)
    }

    /// The subscriber's address with these parameters.
    pub fn callback(&self, parameters: &[(&str, &str)]) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters.iter().map(|(name, value)| (format!("hub.{name}"), value)))
            .finish();
        format!("{}?{query}", self.field("callback"))
    }
}

#[derive(Debug)]
struct Inner {
    temper: Mutex<HashMap<String, Temper>>,
    asked: Mutex<Vec<Asked>>,
    answers: Mutex<Vec<(u16, String)>>,
    client: Client,
}

#[derive(Debug, Clone)]
pub struct Hub {
    inner: Arc<Inner>,
    pub address: SocketAddr,
}

impl Hub {
    pub async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let inner = Arc::new(Inner {
            temper: Mutex::default(),
            asked: Mutex::default(),
            answers: Mutex::default(),
            client: Client::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hub", self.address)
    }

    /// What it does from now on; a day's lease if nothing else is said.
    pub fn set(&self, temper: Temper) {
        self.set_at("/hub", temper);
    }

    pub fn set_at(&self, path: &str, temper: Temper) {
        self.inner.temper.lock().unwrap().insert(path.to_owned(), temper);
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    pub fn last(&self) -> Asked {
        self.asked().pop().expect("the hub was asked")
    }

    /// What the subscriber answered when it was asked back.
    pub fn answers(&self) -> Vec<(u16, String)> {
        self.inner.answers.lock().unwrap().clone()
    }

    /// Calls an address as a hub would: status and body.
    pub async fn get(&self, url: &str) -> (u16, String) {
        said(self.inner.client.get(url)).await
    }

    /// Asks back whether a request was meant.
    pub async fn verify(&self, request: &Asked, lease: &str) -> (u16, String) {
        verify(&self.inner.client, request, lease).await
    }

    /// Pushes a document, signed as agreed.
    pub async fn push(&self, request: &Asked, document: &str) -> u16 {
        let signature = sign::<Hmac<sha2::Sha256>>("sha256", document, request.field("secret"));
        self.push_with(request, document, &[("x-hub-signature", &signature)])
            .await
    }

    /// Pushes a document with these headers.
    pub async fn push_with(&self, request: &Asked, document: &str, headers: &[(&str, &str)]) -> u16 {
        let post = self
            .inner
            .client
            .post(request.field("callback"))
            .body(document.to_owned());
        let post = headers
            .iter()
            .fold(post, |post, (name, value)| post.header(*name, *value));
        said(post.header("content-type", "application/rss+xml")).await.0
    }
}

/// A signature as `X-Hub-Signature` holds it.
pub fn sign<M: Mac + KeyInit>(method: &str, document: &str, secret: &str) -> String {
    let mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    let code = mac.chain_update(document).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{method}={hex}")
}

async fn said(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn verify(client: &Client, request: &Asked, lease: &str) -> (u16, String) {
    let mut parameters = vec![
        ("mode", request.field("mode")),
        ("topic", request.field("topic")),
        ("challenge", "<b>0123456789</b>"),
    ];
    if !lease.is_empty() {
        parameters.push(("lease_seconds", lease));
    }
    said(client.get(request.callback(&parameters))).await
}

async fn take(State(inner): State<Arc<Inner>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let form = form_urlencoded::parse(&body).into_owned().collect();
    let path = uri.path().to_owned();
    let temper = inner.temper.lock().unwrap().get(&path).cloned();
    let request = Asked { path, headers, form };
    inner.asked.lock().unwrap().push(request.clone());
    let (mut status, mut added) = (202, Vec::new());
    match temper.unwrap_or(Temper::Verify("86400")) {
        Temper::Verify(lease) => {
            let answer = verify(&inner.client, &request, lease).await;
            inner.answers.lock().unwrap().push(answer);
        }
        Temper::Wait => {}
        Temper::Deny(reason) => {
            let said_topic = request.field("topic");
            let url = request.callback(&[("mode", "denied"), ("topic", said_topic), ("reason", reason)]);
            let answer = said(inner.client.get(url)).await;
            inner.answers.lock().unwrap().push(answer);
        }
        Temper::Answer(code, headers) => (status, added) = (code, headers),
    }
    let mut response = Response::builder().status(status);
    for (name, value) in added {
        response = response.header(name, value);
    }
    response.body(Body::from("<p>Said the hub</p>")).unwrap()
}
