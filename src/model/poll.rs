//! A poll: what happened when a feed was asked, and what is to be written because of it, in one transaction.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::feed::{FeedFacts, FeedId, FeedUrl, Validators};
use crate::model::item::{Hash16, ItemId, ItemKey, NewItem};
use crate::model::subscription::Sharing;

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
    /// Known, and what a reader sees has changed: the old text becomes a revision.
    Edited {
        /// The known item.
        id: ItemId,
        /// Hash of the entry as it came.
        raw_hash: Hash16,
        /// Hash of what a reader sees.
        content_hash: Hash16,
        /// What is stored.
        item: Box<NewItem>,
    },
    /// Known; the entry is written differently, but a reader sees the same.
    Rewritten {
        /// The known item.
        id: ItemId,
        /// Hash of the entry as it came.
        raw_hash: Hash16,
        /// What is stored beside title, text and address: those are the same.
        item: Box<NewItem>,
    },
}

/// A document that was read in a poll.
#[derive(Debug, Clone)]
pub struct ReadDocument {
    /// Hash of its bytes.
    pub hash: [u8; 32],
    /// How many entries it has.
    pub entries: u32,
    /// Whether it takes the place of the last one. One that shrank does not: its entries count, and what it says of the feed not yet.
    pub is_believed: bool,
    /// What it says of the feed.
    pub facts: FeedFacts,
    /// What became of its entries, oldest first.
    pub changes: Vec<ItemChange>,
    /// What was lost or guessed.
    pub losses: Vec<Loss>,
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
    /// Bytes of the body, decompressed.
    pub bytes: u64,
    /// Why it failed, for a person.
    pub error: Option<String>,
    /// New validators; None: the old ones stay.
    pub validators: Option<Validators>,
    /// The feed that the page at its address offers, found now; None: as it was.
    pub offered: Option<FeedUrl>,
    /// What was read; None unless `outcome` is [`Outcome::Fetched`].
    pub document: Option<ReadDocument>,
    /// When the feed is due again; None: never (410 Gone).
    pub next_poll_at: Option<Timestamp>,
    /// Why then, for a person.
    pub reason: String,
    /// How pushes and polls share the feed from now on; None: as before.
    pub sharing: Option<Sharing>,
}

/// What a committed poll has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Items stored.
    pub new: u64,
    /// Items changed.
    pub updated: u64,
}
