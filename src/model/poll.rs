//! A poll: what happened when a feed was asked, and what is to be written because of it, in one transaction.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::entry_marks::EntryMarks;
use crate::model::feed::{Candidate, FeedFacts, FeedId, FeedUrl, Validators};
use crate::model::identity::Learned;
use crate::model::item::{Edit, Hash16, ItemId, ItemKey, NewItem};

/// How a poll ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new document was read.
    Fetched,
    /// The server said 304.
    NotModified,
    /// The server sent the same bytes again.
    Unchanged,
    /// Nothing usable came; the feed's error says why.
    Failed,
    /// Nobody was asked: the host wants to be left alone for a while.
    Postponed,
}

impl Outcome {
    /// The word in the store, in logs and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetched => "fetched",
            Self::NotModified => "not_modified",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Postponed => "postponed",
        }
    }
}

/// How a poll failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Its host has no address, or nobody there could be reached.
    Unreachable,
    /// Nobody listens there.
    Refused,
    /// The connection broke.
    Reset,
    /// The connection is not safe: a certificate that is expired, unknown or of another host, or no common protocol.
    Tls,
    /// No complete answer in time.
    Timeout,
    /// The address is inside somebody's network.
    PrivateAddress,
    /// Redirects in a circle, too many, from https to http, or to what is no address.
    Redirect,
    /// A file with credentials or certificates cannot be used.
    Credentials,
    /// 401, 403, 407.
    Unauthorised,
    /// 404.
    Missing,
    /// 410.
    Gone,
    /// 429.
    Throttled,
    /// Another 4xx.
    ClientError,
    /// 5xx.
    ServerError,
    /// A status that is no answer to what was asked.
    UnexpectedStatus,
    /// More bytes than are taken.
    TooLarge,
    /// A coding that cannot be undone, or a body that breaks off.
    BrokenBody,
    /// No bytes at all.
    Empty,
    /// A web page in the place of a feed.
    WebPage,
    /// No feed that can be read.
    Unreadable,
    /// It has far fewer entries than before.
    Shrunk,
    /// A fault of this program.
    Internal,
}

impl Failure {
    /// The word in the store, in logs, metrics and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::PrivateAddress => "private_address",
            Self::Redirect => "redirect",
            Self::Credentials => "credentials",
            Self::Unauthorised => "unauthorised",
            Self::Missing => "missing",
            Self::Gone => "gone",
            Self::Throttled => "throttled",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::UnexpectedStatus => "unexpected_status",
            Self::TooLarge => "too_large",
            Self::BrokenBody => "broken_body",
            Self::Empty => "empty",
            Self::WebPage => "web_page",
            Self::Unreadable => "unreadable",
            Self::Shrunk => "shrunk",
            Self::Internal => "internal",
        }
    }

    /// What an HTTP status other than success means.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 | 403 | 407 => Self::Unauthorised,
            404 => Self::Missing,
            410 => Self::Gone,
            429 => Self::Throttled,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::UnexpectedStatus,
        }
    }
}

/// What of a document was lost or had to be guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// What kind of loss: a word such as `date` or `stray_tag`.
    pub kind: String,
    /// Where: `feed`, or `item` and its number in the document.
    pub at: String,
    /// How often.
    pub count: usize,
    /// The first example.
    pub detail: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.kind, self.at, self.detail)?;
        if self.count > 1 {
            write!(f, " ({} times)", self.count)
        } else {
            Ok(())
        }
    }
}

/// What became of one entry of a document.
#[derive(Debug, Clone)]
pub enum ItemChange {
    /// Never seen in this feed.
    New {
        /// Under which it is known from now on.
        key: ItemKey,
        /// Hash of the entry as it came.
        raw_hash: Hash16,
        /// Hash of what a reader sees.
        content_hash: Hash16,
        /// What is stored.
        item: Box<NewItem>,
    },
    /// Known, and its words have changed: the old text becomes a revision.
    Edited {
        /// The known item.
        id: ItemId,
        /// Hash of the entry as it came.
        raw_hash: Hash16,
        /// Hash of what a reader sees.
        content_hash: Hash16,
        /// What is stored.
        item: Box<NewItem>,
        /// What that does to its revisions.
        edit: Edit,
    },
    /// Known; the entry is written differently, but says the same in the same words, or nobody has seen it yet.
    Rewritten {
        /// The known item.
        id: ItemId,
        /// Hash of the entry as it came.
        raw_hash: Hash16,
        /// Hash of what a reader sees; None: that is the same.
        content_hash: Option<Hash16>,
        /// What is stored.
        item: Box<NewItem>,
    },
    /// Known, and told apart by something else from now on.
    Rekeyed {
        /// The known item.
        id: ItemId,
        /// Under which it is known from now on.
        key: ItemKey,
        /// The publisher's own identifier, as it is written now; empty: as it was.
        guid: String,
    },
}

impl ItemChange {
    /// What is stored of an entry that nobody has seen before.
    #[must_use]
    pub fn as_new(&self) -> Option<&NewItem> {
        match self {
            Self::New { item, .. } => Some(item),
            _ => None,
        }
    }

    /// What an item that was known says now, where a reader sees another text.
    #[must_use]
    pub fn as_edited(&self) -> Option<&NewItem> {
        match self {
            Self::Edited { item, .. }
            | Self::Rewritten {
                content_hash: Some(_),
                item,
                ..
            } => Some(item),
            _ => None,
        }
    }

    /// What a reader would see that has not seen it yet, and its hash.
    #[must_use]
    pub fn into_item(self) -> Option<(Hash16, Box<NewItem>)> {
        match self {
            Self::New { item, content_hash, .. }
            | Self::Edited { item, content_hash, .. }
            | Self::Rewritten {
                item,
                content_hash: Some(content_hash),
                ..
            } => Some((content_hash, item)),
            _ => None,
        }
    }
}

/// A document that was read in a poll.
#[derive(Debug, Clone)]
pub struct ReadDocument {
    /// Hash of its bytes.
    pub hash: [u8; 32],
    /// How many entries it has.
    pub entries: u32,
    /// Which they are.
    pub entry_marks: EntryMarks,
    /// Whether it takes the place of the last one. One that shrank does not: its entries count, and what it says of the feed not yet.
    pub is_believed: bool,
    /// What it says of the feed.
    pub facts: FeedFacts,
    /// What became of its entries, oldest first.
    pub changes: Vec<ItemChange>,
    /// What was lost or guessed.
    pub losses: Vec<Loss>,
    /// By what its entries are told apart from now on; None: as before.
    pub learned: Option<Learned>,
}

impl ReadDocument {
    /// Whether there are new items in it.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.changes.iter().any(|change| change.as_new().is_some())
    }
}

/// All that one poll writes.
#[derive(Debug, Clone)]
pub struct PollIntent {
    /// The feed that was polled.
    pub feed: FeedId,
    /// When the poll began.
    pub started_at: Timestamp,
    /// When its outcome was known.
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status; None: no answer.
    pub status: Option<u16>,
    /// Bytes of the bodies, decompressed.
    pub bytes: u64,
    /// How and why it failed, for a person.
    pub error: Option<(Failure, String)>,
    /// What it cost the publisher, and what hosts said to all their guests.
    pub tally: Tally,
    /// What the answer said of when to come back: its freshness and `Retry-After`.
    pub said: (Option<Duration>, Option<Duration>),
    /// New validators; None: the old ones stay.
    pub validators: Option<Validators>,
    /// The feed that the page at its address offers, found now; None: as it was.
    pub offered: Option<FeedUrl>,
    /// What was read; None unless `outcome` is [`Outcome::Fetched`].
    pub document: Option<ReadDocument>,
    /// What became of permanent redirects; None: as before.
    pub moving: Option<Moving>,
    /// Items that were probably missed before this document.
    pub gap: Option<Gap>,
    /// Another address for the feed was looked for on its site; empty: none was found.
    pub proposed: Option<String>,
    /// When its items come, if that has changed.
    pub rhythm: Option<Vec<u8>>,
    /// When the feed is due again; None: never (410 Gone).
    pub next_poll_at: Option<Timestamp>,
    /// How rarely it is polled: the logarithm to base 2 of the wait in minutes.
    pub pace: u32,
    /// Why then, for a person.
    pub reason: String,
    /// How pushes and polls share the feed from now on; None: as before.
    pub sharing: Option<Sharing>,
}

/// What questions cost those who were asked, and what hosts said by their answers to all their guests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests, along redirects too.
    pub requests: u32,
    /// Those of them that were sent with validators.
    pub conditional: u32,
    /// Hosts that asked everybody to wait, or no longer do.
    pub rests: Vec<HostRest>,
}

impl Tally {
    /// Adds that of another question.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.conditional += other.conditional;
        self.rests.extend(other.rests);
    }
}

/// How a feed is polled that a hub has agreed to push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing {
    /// Whether the hub is trusted from now on.
    pub trusted: bool,
    /// When the feed is polled next; None: never.
    pub next_poll_at: Option<Timestamp>,
    /// When it would be polled without the hub; None: as was known.
    pub unpushed_poll_at: Option<Timestamp>,
}

/// What becomes of permanent redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moving {
    /// The address answers itself, or leads to what is not the feed.
    Forgotten,
    /// The address answers itself again, after it led to what was refused.
    Home,
    /// It leads to the same feed elsewhere, but not for long enough.
    Watched(Candidate),
    /// The feed has moved, unless others are moving there too.
    Believed(FeedUrl),
    /// It leads to another feed: never followed for good.
    Refused(FeedUrl),
}

/// Nothing of the last document was left in this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the last document was read or confirmed.
    pub after: Timestamp,
    /// Items found in older documents.
    pub filled: u32,
    /// Older documents that were read.
    pub pages: u32,
}

/// A host that asked all its guests to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRest {
    /// Its name.
    pub name: String,
    /// Until then nobody asks it.
    pub until: Timestamp,
    /// Such answers in a row; 0: it is forgotten.
    pub strikes: u32,
    /// Why, for a person.
    pub why: String,
}

/// What a committed poll has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Items stored.
    pub new: u64,
    /// Stories opened by those of them that are like no other; the others wait to be compared.
    pub stories: u64,
    /// Items changed.
    pub updated: u64,
    /// So many other feeds lead to the address that this one was about to move to: it did not.
    pub crowd: u64,
}
