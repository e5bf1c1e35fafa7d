//! Asks a publisher for a document, as a guest: conditional, bounded, identified, and only at public addresses.
//!
//! The only door to reqwest. Redirects are followed here, hop by hop, so that each hop is judged, waits at its host's door and
//! is counted.

pub mod guard;
pub mod hosts;
pub mod hub;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{
    ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, LINK, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode};

use crate::config::FetchConfig;
use crate::ingest::fetch::guard::{Forbidden, Guard, GuardedResolver};
use crate::ingest::fetch::hosts::Hosts;
use crate::model::feed::{FeedUrl, FeedUrlError, Validators};
use crate::text::html::{Sanitiser, excerpt, to_text};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;
/// How much of an error page is kept for the operator, in bytes.
const EXCERPT_BYTES: usize = 300;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, \
     application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5";

/// Fetches documents; one for the whole process.
#[derive(Debug)]
pub struct Fetcher {
    config: FetchConfig,
    guard: Guard,
    hosts: Hosts,
    /// Made at the first https address: reading the system's certificates takes longer than many polls.
    secure: OnceLock<Client>,
    plain: OnceLock<Client>,
}

/// What a publisher answered.
#[derive(Debug)]
pub enum Fetched {
    /// A document.
    Document(Box<Document>),
    /// The document that we have is still the one (304).
    NotModified(Signals),
    /// Gone for good (410).
    Gone,
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
    /// The values of its `Link` headers.
    pub links: Vec<String>,
    /// What came with it.
    pub signals: Signals,
}

/// What a publisher says beside the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// To be sent back next time.
    pub validators: Validators,
    /// `Cache-Control: max-age`.
    pub max_age: Option<Duration>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// Why a document could not be retrieved.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is inside somebody's network.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A redirect leads to what is no address of a feed.
    #[error("a redirect leads to an address that cannot be polled")]
    Redirect(#[from] FeedUrlError),
    /// A redirect leads from https to http.
    #[error("a redirect leads from https to the unprotected {0}")]
    Downgrade(FeedUrl),
    /// Redirects lead in a circle or too far.
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    /// An answer that is no document.
    #[error("the publisher answered {status}{}", .excerpt.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of what came with it, for the operator.
        excerpt: Option<String>,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The document passed the limit; nothing of it was kept.
    #[error("the document has more than {0} bytes (max_body_bytes)")]
    TooLarge(u64),
    /// The answer took too long.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// No usable answer arrived; worth another try at the next poll.
    #[error("no answer")]
    Transport(#[source] reqwest::Error),
}

impl FetchError {
    /// The HTTP status, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the publisher asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Fetcher {
    /// A fetcher with its own connections, that makes `concurrency` requests at once.
    #[must_use]
    pub fn new(config: &FetchConfig, concurrency: usize) -> Self {
        Self {
            guard: Guard::new(&config.allow_private_networks),
            hosts: Hosts::new(config.host_connections, config.host_spacing, concurrency),
            config: config.clone(),
            secure: OnceLock::new(),
            plain: OnceLock::new(),
        }
    }

    /// Asks for the document at `url`, if it is another than the one that `validators` stand for. `now` dates `Retry-After`.
    ///
    /// # Errors
    /// When no document comes, and none was confirmed.
    pub async fn fetch(&self, url: &FeedUrl, validators: &Validators, now: Timestamp) -> Result<Fetched, FetchError> {
        let mut address = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.guard.check_url(address.as_url())?;
            let _entrance = self.hosts.enter(address.host()).await;
            let hop = tokio::time::timeout(self.config.timeout, self.hop(&address, validators, now));
            match hop.await.map_err(|_| FetchError::Timeout(self.config.timeout))?? {
                Hop::Done(fetched) => return Ok(fetched),
                Hop::Redirect(next) => {
                    if address.as_url().scheme() == "https" && next.as_url().scheme() == "http" {
                        return Err(FetchError::Downgrade(next));
                    }
                    address = next;
                }
            }
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn hop(&self, address: &FeedUrl, validators: &Validators, now: Timestamp) -> Result<Hop, FetchError> {
        let client = self.client(address).map_err(FetchError::Transport)?;
        let request = client.get(address.as_url().clone()).headers(conditions(validators));
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        let signals = signals(response.headers(), now);
        if status == StatusCode::NOT_MODIFIED && !validators.is_empty() {
            return Ok(Hop::Done(Fetched::NotModified(signals)));
        }
        if status == StatusCode::GONE {
            return Ok(Hop::Done(Fetched::Gone));
        }
        if let (true, Some(location)) = (status.is_redirection(), text(response.headers(), LOCATION)) {
            let next = address
                .as_url()
                .join(&location)
                .map_err(|e| FeedUrlError::NotAbsolute(e.to_string()))?;
            return Ok(Hop::Redirect(FeedUrl::from_url(next)?));
        }
        if !status.is_success() {
            let body = beginning(response, EXCERPT_BYTES * 4).await;
            return Err(FetchError::Status {
                status: status.as_u16(),
                excerpt: first_words(&body),
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
            address: address.clone(),
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

    fn client(&self, address: &FeedUrl) -> Result<&Client, reqwest::Error> {
        let (cell, secure) = match address.as_url().scheme() {
            "https" => (&self.secure, true),
            _ => (&self.plain, false),
        };
        match cell.get() {
            Some(client) => Ok(client),
            None => {
                let client = self.build(secure)?;
                Ok(cell.get_or_init(|| client))
            }
        }
    }

    fn build(&self, secure: bool) -> Result<Client, reqwest::Error> {
        // reqwest asks for the process's cryptography; installed twice, the first stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let contact = match self.config.contact.as_str() {
            "" => String::new(),
            contact => format!(" (+{contact})"),
        };
        let builder = Client::builder()
            .user_agent(format!("tidings/{}{contact}", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(ACCEPTED))]))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(self.config.host_connections)
            .dns_resolver(Arc::new(GuardedResolver::new(self.guard.clone())));
        // The plain client is never asked for https: an empty list of certificates spares it the system's.
        if secure { builder } else { builder.tls_certs_only([]) }.build()
    }
}

enum Hop {
    Done(Fetched),
    Redirect(FeedUrl),
}

/// RFC 9110 §13.1.3: a server that knows the entity tag ignores the date; both go back as they came.
fn conditions(validators: &Validators) -> HeaderMap {
    let pair = [
        (IF_NONE_MATCH, &validators.etag),
        (IF_MODIFIED_SINCE, &validators.last_modified),
    ];
    pair.into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value.as_deref()?).ok()?)))
        .collect()
}

/// The first bytes of a body, as far as they come.
async fn beginning(mut response: Response, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(length);
    bytes
}

fn signals(headers: &HeaderMap, now: Timestamp) -> Signals {
    let bytes = |name: HeaderName| headers.get(name).map(|value| value.as_bytes().to_vec());
    Signals {
        validators: Validators {
            etag: bytes(ETAG),
            last_modified: bytes(LAST_MODIFIED),
        },
        max_age: fresh_for(headers),
        retry_after: text(headers, RETRY_AFTER).and_then(|value| retry_after(&value, now)),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// How long the answer stays fresh: its max-age less what it has aged in caches on its way (RFC 9111 §4.2.3).
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    let lines: Vec<_> = lines.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let age = text(headers, AGE)
        .and_then(|age| age.trim().parse().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    max_age(&lines.join(",")).map(|max_age| max_age.saturating_sub(age))
}

fn max_age(cache_control: &str) -> Option<Duration> {
    let directives = || cache_control.split(',').map(|d| d.trim().to_ascii_lowercase());
    if directives().any(|directive| matches!(directive.as_str(), "no-cache" | "no-store")) {
        return None;
    }
    directives()
        .find_map(|directive| directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}

/// Seconds, or an HTTP date (RFC 9110 §10.2.3).
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(value)
        .ok()?;
    Duration::try_from(date.duration_since(now)).ok()
}

fn transport(error: reqwest::Error) -> FetchError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if let Some(forbidden) = cause.downcast_ref::<Forbidden>() {
            return FetchError::Forbidden(forbidden.clone());
        }
        source = cause.source();
    }
    FetchError::Transport(error.without_url())
}

/// The first words of an error page, without its markup.
fn first_words(body: &[u8]) -> Option<String> {
    let harmless = Sanitiser::new(None).clean(&String::from_utf8_lossy(body));
    let words = excerpt(&to_text(&harmless), EXCERPT_BYTES);
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::{max_age, retry_after};
    use jiff::Timestamp;
    use std::time::Duration;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after("Thu, 01 Jan 1970 00:02:00 GMT", now),
            Some(Duration::from_secs(120))
        );
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn max_age_counts_unless_the_answer_must_not_be_kept() {
        assert_eq!(max_age("public, Max-Age=600"), Some(Duration::from_secs(600)));
        assert_eq!(max_age("no-cache, max-age=600"), None);
        assert_eq!(max_age("private"), None);
    }
}
