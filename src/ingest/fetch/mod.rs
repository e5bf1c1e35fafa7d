//! Asks a publisher for a document, as a guest: conditional, bounded, identified, and only at public addresses.
//!
//! The only door to reqwest. Redirects are followed here, hop by hop, so that each hop is judged, waits at its host's door and
//! is counted.

mod clients;
mod error;
pub mod guard;
pub mod hosts;
pub mod hub;
mod signals;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::time::Instant;

use crate::config::FetchConfig;
use crate::ingest::charset::decode;
use crate::ingest::fetch::clients::Clients;
pub use crate::ingest::fetch::error::FetchError;
use crate::ingest::fetch::error::{MAX_REDIRECTS, transport};
use crate::ingest::fetch::guard::Guard;
use crate::ingest::fetch::hosts::Hosts;
pub use crate::ingest::fetch::signals::Signals;
use crate::ingest::fetch::signals::{conditions, contradicts, text};
use crate::model::clock::later;
use crate::model::feed::{Access, FeedUrl, FeedUrlError, Validators};
use crate::model::poll::{HostRest, Tally};
use crate::text::html::{Sanitiser, excerpt, to_text};

/// How much of the words of an error page is kept for the operator.
const EXCERPT_CHARACTERS: usize = 300;
/// How much of an error page is read for that, and for how long.
const MAX_PAGE_BYTES: usize = 32 * 1024;
const EXCERPT_TIME: Duration = Duration::from_secs(2);

/// Fetches documents; one for the whole process.
#[derive(Debug)]
pub struct Fetcher {
    config: FetchConfig,
    guard: Guard,
    hosts: Hosts,
    clients: Clients,
}

/// What is asked of a publisher.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The document at this address,
    pub url: &'a FeedUrl,
    /// if it is another than the one that these stand for,
    pub validators: &'a Validators,
    /// asked in this way.
    pub access: &'a Access,
    /// The address that the operator gave credentials and headers for: they go to its host, and to no other that it leads to.
    pub home: &'a FeedUrl,
    /// The present, from which times to wait count.
    pub now: Timestamp,
}

/// What came of a question.
#[derive(Debug)]
pub struct Asked {
    /// What the publisher answered.
    pub answer: Result<Fetched, FetchError>,
    /// What it cost, and what hosts said by that to all their guests.
    pub tally: Tally,
    /// How long the question waited for its host; None: nobody was asked.
    pub waited: Option<Duration>,
}

/// What a publisher answered.
#[derive(Debug)]
pub enum Fetched {
    /// A document.
    Document(Box<Document>),
    /// The document that we have is still the one (304).
    NotModified(Box<Confirmed>),
    /// Gone for good (410), with the first words of the page.
    Gone(Option<String>),
    /// Nobody was asked: this host wants to be left alone until then.
    Later(Timestamp, String),
}

/// The bytes that one poll received, before anyone believes them.
#[derive(Debug)]
pub struct Document {
    /// Decompressed.
    pub bytes: Vec<u8>,
    /// The value of `Content-Type`, or empty.
    pub content_type: String,
    /// Where it came from in the end.
    pub address: FeedUrl,
    /// Where it came from in the end, if only permanent redirects (301, 308) led there.
    pub moved_to: Option<FeedUrl>,
    /// The values of its `Link` headers.
    pub links: Vec<String>,
    /// What came with it.
    pub signals: Signals,
}

/// A 304.
#[derive(Debug)]
pub struct Confirmed {
    /// What came with it.
    pub signals: Signals,
    /// Where it came from in the end, if only permanent redirects led there.
    pub moved_to: Option<FeedUrl>,
}

/// A question on its way along redirects.
struct Hops<'a> {
    question: Question<'a>,
    address: FeedUrl,
    validators: Validators,
    /// Whether all redirects so far were permanent.
    is_permanent: bool,
    /// How long the first request waited for its host.
    waited: Option<Duration>,
    tally: Tally,
}

impl Hops<'_> {
    /// Whether nothing has led away from the address that was asked.
    fn is_at_home(&self) -> bool {
        self.address == *self.question.url
    }

    /// Whether the validators came from the address that is asked now.
    fn has_given(&self) -> bool {
        match &self.validators.from {
            Some(from) => *from == self.address,
            None => self.is_at_home(),
        }
    }

    fn conditions(&self) -> HeaderMap {
        conditions(&self.validators, self.has_given())
    }

    fn moved_to(&self) -> Option<FeedUrl> {
        (self.is_permanent && !self.is_at_home()).then(|| self.address.clone())
    }
}

enum Hop {
    Done(Fetched),
    Redirect(FeedUrl, bool),
}

impl Fetcher {
    /// A fetcher with its own connections, that makes `concurrency` requests at once.
    #[must_use]
    pub fn new(config: &FetchConfig, concurrency: usize) -> Self {
        let guard = Guard::new(&config.allow_private_networks);
        Self {
            hosts: Hosts::new(config, concurrency),
            clients: Clients::new(config, &guard),
            guard,
            config: config.clone(),
        }
    }

    /// The doors of the hosts.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Asks for the document at `url`, which is the operator's own address, once and without conditions.
    ///
    /// # Errors
    /// When no document comes.
    pub async fn fetch(&self, url: &FeedUrl, access: &Access, now: Timestamp) -> Result<Fetched, FetchError> {
        let validators = &Validators::default();
        let question = Question {
            url,
            validators,
            access,
            home: url,
            now,
        };
        self.ask(question).await.answer
    }

    /// Asks for a document.
    pub async fn ask(&self, question: Question<'_>) -> Asked {
        let mut hops = Hops {
            question,
            address: question.url.clone(),
            validators: question.validators.clone(),
            is_permanent: true,
            tally: Tally::default(),
            waited: None,
        };
        let answer = self.follow(&mut hops).await;
        Asked {
            answer,
            tally: hops.tally,
            waited: hops.waited,
        }
    }

    async fn follow(&self, hops: &mut Hops<'_>) -> Result<Fetched, FetchError> {
        let mut seen = HashSet::new();
        for _ in 0..=MAX_REDIRECTS {
            let next = match self.hop(hops).await? {
                Hop::Done(Fetched::NotModified(confirmed))
                    if contradicts(&hops.validators, &confirmed.signals.validators) =>
                {
                    // It is not our document that is confirmed: the whole of the other one is asked for.
                    hops.validators = Validators::default();
                    continue;
                }
                Hop::Done(fetched) => return Ok(fetched),
                Hop::Redirect(next, is_permanent) => {
                    hops.is_permanent &= is_permanent;
                    next
                }
            };
            if hops.address.as_url().scheme() == "https" && next.as_url().scheme() == "http" {
                return Err(FetchError::Downgrade(next));
            }
            seen.insert(std::mem::replace(&mut hops.address, next));
            if seen.contains(&hops.address) {
                return Err(FetchError::Circle(hops.address.clone()));
            }
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn hop(&self, hops: &mut Hops<'_>) -> Result<Hop, FetchError> {
        let (host, arrived) = (hops.address.host().to_owned(), Instant::now());
        let asked_at = hops.question.now;
        self.guard.check_url(hops.address.as_url())?;
        let left_alone = || {
            let now = later(asked_at, arrived.elapsed());
            let until = self.hosts.resting(&host, now)?;
            Some(Hop::Done(Fetched::Later(until, host.clone())))
        };
        if let Some(turned_away) = left_alone() {
            return Ok(turned_away);
        }
        let _entrance = self.hosts.enter(&host).await;
        // Somebody before us may have been told so while we waited.
        if let Some(turned_away) = left_alone() {
            return Ok(turned_away);
        }
        let lent = self.clients.get(&hops.address, hops.question.access)?;
        let request = request(&lent.client, hops).await?;
        hops.waited.get_or_insert(arrived.elapsed());
        hops.tally.requests += 1;
        hops.tally.conditional += u32::from(!hops.conditions().is_empty());
        let limit = hops.question.access.timeout_seconds.map(Duration::from_secs);
        let limit = limit.unwrap_or(self.config.timeout);
        let answer = tokio::time::timeout(limit, self.answer(hops, request, limit)).await;
        let answer = answer.unwrap_or(Err(FetchError::Timeout(limit)));
        // Before the next is let in. What it asks for counts from its answer: it may have been long in coming.
        let now = later(asked_at, arrived.elapsed());
        hops.tally.rests.extend(self.told(&host, &answer, now));
        answer
    }

    /// What a host says to all its guests by this answer.
    fn told(&self, host: &str, answer: &Result<Hop, FetchError>, now: Timestamp) -> Option<HostRest> {
        match answer {
            Ok(Hop::Done(Fetched::Document(_) | Fetched::NotModified(_))) => self.hosts.ease(host),
            Err(
                error @ FetchError::Status {
                    status, retry_after, ..
                },
            ) if *status == 429 || *status == 503 && retry_after.is_some() => {
                self.hosts.strike(host, *retry_after, now, &error.to_string())
            }
            _ => None,
        }
    }

    async fn answer(&self, hops: &Hops<'_>, request: RequestBuilder, limit: Duration) -> Result<Hop, FetchError> {
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        let mut signals = Signals::read(response.headers(), hops.question.now);
        signals.validators.from = Some(&hops.address).filter(|_| !hops.is_at_home()).cloned();
        if status == StatusCode::NOT_MODIFIED && !hops.conditions().is_empty() {
            let moved_to = hops.moved_to();
            return Ok(Hop::Done(Fetched::NotModified(Box::new(Confirmed {
                signals,
                moved_to,
            }))));
        }
        if let (true, Some(location)) = (status.is_redirection(), text(response.headers(), LOCATION)) {
            let next = hops.address.as_url().join(&location);
            let next = next.map_err(|e| FeedUrlError::NotAbsolute(e.to_string()))?;
            let is_permanent = matches!(status.as_u16(), 301 | 308);
            return Ok(Hop::Redirect(FeedUrl::from_url(next)?, is_permanent));
        }
        if !status.is_success() {
            let excerpt = first_words(response, EXCERPT_TIME.min(limit / 4)).await;
            // What redirects lead to speaks only for itself.
            let is_at_home = hops.is_at_home() || hops.question.url.is_the_same_but_for_protection(&hops.address);
            if status == StatusCode::GONE && is_at_home {
                return Ok(Hop::Done(Fetched::Gone(excerpt)));
            }
            return Err(FetchError::Status {
                status: status.as_u16(),
                excerpt,
                retry_after: signals.retry_after,
            });
        }
        let content_type = text(response.headers(), CONTENT_TYPE).unwrap_or_default();
        let links = response.headers().get_all(LINK).iter();
        let links = links
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        let bytes = self.body(response, self.config.max_body_bytes).await?;
        Ok(Hop::Done(Fetched::Document(Box::new(Document {
            bytes,
            content_type,
            links,
            address: hops.address.clone(),
            moved_to: hops.moved_to(),
            signals,
        }))))
    }

    /// Reads a body; the limit counts decompressed bytes.
    async fn body(&self, mut response: Response, limit: u64) -> Result<Vec<u8>, FetchError> {
        let within = |length: u64| {
            if length > limit {
                Err(FetchError::TooLarge(limit))
            } else {
                Ok(())
            }
        };
        let announced = response.content_length().unwrap_or_default();
        within(announced)?;
        let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or_default());
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            within(bytes.len() as u64 + chunk.len() as u64)?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// The request of a hop. Credentials are read only now: who changes a password changes the file.
async fn request(client: &Client, hops: &Hops<'_>) -> Result<RequestBuilder, FetchError> {
    let (url, access) = (hops.address.as_url(), hops.question.access);
    let mut request = client.get(url.clone()).headers(hops.conditions());
    // Another host, port or scheme is somebody else.
    if url.origin() != hops.question.home.as_url().origin() {
        return Ok(request);
    }
    if let Some(file) = &access.token_file {
        request = request.bearer_auth(secret(file).await?);
    } else if let Some(file) = &access.password_file {
        request = request.basic_auth(&access.user, Some(secret(file).await?));
    }
    for (name, value) in &access.headers {
        // Checked when the configuration was read.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            request = request.header(name, value);
        }
    }
    Ok(request)
}

/// The first line of a file. It is read at each request: who changes a password changes the file.
async fn secret(file: &Path) -> Result<String, FetchError> {
    let unusable = |e: Box<dyn std::error::Error + Send + Sync>| FetchError::Credentials(file.to_owned(), e);
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|e| unusable(Box::new(e)))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        Err(unusable("its first line is empty".into()))
    } else {
        Ok(line.to_owned())
    }
}

/// The first words of an error page, without its markup, as far as they come in time: its status counts without them.
async fn first_words(mut response: Response, time: Duration) -> Option<String> {
    let content_type = text(response.headers(), CONTENT_TYPE).unwrap_or_default();
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < MAX_PAGE_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            bytes.extend_from_slice(&chunk);
        }
    };
    // What has come until then is enough.
    let _ = tokio::time::timeout(time, read).await;
    bytes.truncate(MAX_PAGE_BYTES);
    let harmless = Sanitiser::new(None).clean(&decode(&bytes, &content_type).text);
    let words = excerpt(&to_text(&harmless), EXCERPT_CHARACTERS);
    (!words.is_empty()).then_some(words)
}
