//! A feed: a source that is polled, and what we know of its manners.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::entry_marks::EntryMarks;
use crate::model::identity::{IdentityPolicy, Learned};

/// The row of a feed in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FeedId(pub i64);

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An absolute http or https address with a host and without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedUrl(Url);

/// The longest address that is asked, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// Why a text is not the address of a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedUrlError {
    /// Not an absolute URL.
    #[error("not an absolute address ({0}); write it out, as in https://example.org/feed.xml")]
    NotAbsolute(String),
    /// A scheme that is not polled.
    #[error("{0}: addresses are not polled; use http or https")]
    Scheme(String),
    /// Longer than any server takes.
    #[error("is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// User and password in the address.
    #[error("has a user name or password in it; they would be shown in logs and in the merged feed")]
    Credentials,
}

/// Whether an address is one of the web: http or https.
#[must_use]
pub fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

impl FeedUrl {
    /// Reads an address; the fragment is dropped, since no server sees it.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str) -> Result<Self, FeedUrlError> {
        let url = Url::parse(text.trim()).map_err(|e| FeedUrlError::NotAbsolute(e.to_string()))?;
        Self::from_url(url)
    }

    /// The same for an address that is already taken apart, such as a redirect's target.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn from_url(mut url: Url) -> Result<Self, FeedUrlError> {
        if !is_web(&url) {
            return Err(FeedUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FeedUrlError::Credentials);
        }
        url.set_fragment(None);
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(FeedUrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// The address taken apart.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the other address is this one by https instead of http.
    #[must_use]
    pub fn is_the_same_but_for_protection(&self, other: &Self) -> bool {
        let bare = |url: &Self, scheme: &str| url.as_str().strip_prefix(scheme).map(str::to_owned);
        bare(self, "http:").is_some_and(|address| bare(other, "https:") == Some(address))
    }

    /// The host, in lower case, without the dot that ends a full name; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        // http and https addresses always have a host: `url` refuses them otherwise.
        self.0.host_str().unwrap_or_default().trim_end_matches('.')
    }
}

impl fmt::Display for FeedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// A feed as the configuration wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedIntent {
    /// Unique among all feeds; how people and commands call it.
    pub name: String,
    /// Where it is polled.
    pub url: FeedUrl,
    /// The group it belongs to; empty: none.
    pub group: String,
    /// How its documents are read.
    pub manner: Manner,
    /// How it is asked.
    pub access: Access,
}

/// How a feed is asked, where it is not asked like all others. What is secret stands in files; here are their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// User name for HTTP basic authentication (RFC 7617); empty: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The file whose first line is the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The file whose first line is a bearer token (RFC 6750).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Headers that go with each request, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// `http://`, `https://`, `socks5://` or `socks5h://`; empty: none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub proxy: String,
    /// A file of certificates (PEM) that are trusted beside the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Longest time for one request, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
}

/// How the documents of a feed and its items are taken, where the configuration knows more than they say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// IANA name of the zone of its dates that state none; empty: the zone that its other dates state, or else UTC.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_zone: String,
    /// By what its entries are told apart; None: by what its documents teach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityPolicy>,
    /// What its items are, where it is a web page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// So many seconds an item waits for its place, while corrections of it settle.
    #[serde(skip_serializing_if = "is_zero")]
    pub hold_seconds: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// CSS selectors that find the items of a web page. All but the first look within an item; an empty one looks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Select {
    /// Each item.
    pub item: String,
    /// Its title.
    pub title: String,
    /// The link to its page: the first address there.
    pub link: String,
    /// Its date: the attribute `datetime`, or the text.
    pub date: String,
    /// Its text.
    pub summary: String,
}

/// The validators of the last full answer, byte for byte, to be sent back as a pair (RFC 9110 §13.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// The value of `ETag`, quotes and weakness included.
    pub etag: Option<Vec<u8>>,
    /// The value of `Last-Modified`.
    pub last_modified: Option<Vec<u8>>,
    /// Who gave them, where redirects led away from the address that was asked; None: that address.
    pub from: Option<FeedUrl>,
}

impl Validators {
    /// Whether the server gave none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// Whether a hub pushes a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pushed {
    /// No hub has agreed to, or its lease is over.
    #[default]
    Never,
    /// A hub has agreed to. It has pushed nothing yet, or polls have found since then what it did not push.
    Promised,
    /// It does, and is trusted to go on.
    Proven,
}

/// A feed with all that a poll needs to know of it.
#[derive(Debug, Clone)]
pub struct FeedForPoll {
    /// The feed.
    pub id: FeedId,
    /// Its name, for logs.
    pub name: String,
    /// Where to ask.
    pub url: FeedUrl,
    /// Sent back as `If-None-Match` and `If-Modified-Since`.
    pub validators: Validators,
    /// Hash of the last document that was read; the same again needs no parsing.
    pub document_hash: Option<[u8; 32]>,
    /// How many polls in a row have failed.
    pub failures: u32,
    /// When the first of them did.
    pub failing_since: Option<Timestamp>,
    /// The last poll that brought or confirmed a document.
    pub last_success_at: Option<Timestamp>,
    /// When its items come, as `ingest/cadence/rhythm` writes it.
    pub rhythm: Option<Vec<u8>>,
    /// What its document said last of how often it wants to be asked.
    pub wishes: Wishes,
    /// For how long the last answer said that it stays fresh.
    pub fresh_for: Option<Duration>,
    /// When it was to be polled; None: never polled.
    pub due_at: Option<Timestamp>,
    /// The feed that the page at its address offers: this is asked instead.
    pub offered: Option<FeedUrl>,
    /// Where it has moved: this is asked instead of both.
    pub moved: Option<FeedUrl>,
    /// Where it seems to move.
    pub candidate: Option<Candidate>,
    /// Where the operator does not want it to move.
    pub refused: String,
    /// The site that it belongs to, or empty.
    pub site_link: String,
    /// When another address for it was last looked for on the site.
    pub searched_at: Option<Timestamp>,
    /// How it is asked.
    pub access: Access,
    /// How its documents are read.
    pub manner: Manner,
    /// Offset from UTC in minutes that its dates last stated; None: none did.
    pub offset_minutes: Option<i16>,
    /// Entries of its last document that was believed.
    pub entries: u32,
    /// Which they were; None: not known.
    pub entry_marks: Option<EntryMarks>,
    /// Polls in a row that brought a document which was not.
    pub shrunk: u32,
    /// By what its documents have taught to tell its entries apart.
    pub identity: Learned,
    /// Whether a hub pushes it.
    pub pushed: Pushed,
}

impl FeedForPoll {
    /// The address to ask.
    #[must_use]
    pub fn address(&self) -> &FeedUrl {
        self.moved.as_ref().or(self.offered.as_ref()).unwrap_or(&self.url)
    }

    /// By what its entries are told apart: the configuration wins.
    #[must_use]
    pub fn identity(&self) -> IdentityPolicy {
        self.manner.identity.unwrap_or(self.identity.policy)
    }

    /// Whether a poll of it has brought a document that could be read. A page in its place is an error since then, and not looked
    /// through.
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.last_success_at.is_some()
    }
}

/// An address to which permanent redirects (301, 308) lead, before they are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The address.
    pub to: FeedUrl,
    /// The first poll that led there.
    pub since: Timestamp,
    /// Polls in a row at which the same feed was found there.
    pub polls: u32,
}

/// What a document says of its feed. Absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedFacts {
    /// Atom `id`; nothing in RSS.
    pub source_id: String,
    /// The feed's title, as plain text.
    pub title: String,
    /// The site that the feed belongs to (Atom `link rel=alternate`, RSS `link`, JSON Feed `home_page_url`).
    pub site_link: String,
    /// The declared language, a BCP 47 tag in lower case, as it was written.
    pub language: String,
    /// How often it wants to be asked.
    pub wishes: Wishes,
    /// Offset from UTC in minutes that most of its dates state; None: none does.
    pub offset_minutes: Option<i16>,
    /// The hub that pushes it (WebSub: `link rel=hub`; JSON Feed: `hubs`).
    pub hub: String,
    /// The address under which the hub knows it (`link rel=self`; JSON Feed: `feed_url`).
    pub topic: String,
    /// The document with the entries before these (RFC 5005: `prev-archive`, else `next`; JSON Feed: `next_url`).
    pub older: String,
}

/// How often a feed wants to be asked, as its document says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// RSS `ttl` in minutes; 0: none.
    pub ttl_minutes: u32,
    /// RSS `skipHours`: bit 0 is the hour from 00:00 to 01:00 UTC.
    pub skip_hours: u32,
    /// RSS `skipDays`: bit 0 is Monday, in UTC.
    pub skip_days: u32,
}
