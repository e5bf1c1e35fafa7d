//! An item: one entry of one feed, under one key; it has revisions.
//!
//! It passes through three stages: [`RawItem`] as the document says it, [`NewItem`] after normalising (safe to show),
//! and [`KnownItem`], the little that the store remembers for comparing.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::feed::{FeedFacts, Wishes};
use crate::model::identity::Basis;

/// The longest time for which an item can be kept from its place.
pub const MAX_HOLD: Duration = Duration::from_secs(86_400);
/// Revisions of an item that are kept. One that has had more is sent again as updated once a day at most.
pub const MAX_REVISIONS: u32 = 24;

/// The row of an item in the store; rises in order of arrival, and items get their stories in this order. An item that was held
/// arrives later, with a number of its own in the same order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ItemId(pub i64);

/// What makes two entries of one feed the same item: the version of the rule, then a hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey(pub [u8; 17]);

impl fmt::Debug for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A 128-bit content hash.
pub type Hash16 = [u8; 16];

/// What one document says, before it is believed.
#[derive(Debug, Clone, Default)]
pub struct ParsedFeed {
    /// What it says of the feed, as far as it is kept.
    pub facts: FeedFacts,
    /// What else it says of the feed.
    pub about: FeedAbout,
    /// Its entries in document order.
    pub items: Vec<RawItem>,
}

/// What of a document is not in the dialect that the parser reads.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// How often the feed wants to be asked.
    pub wishes: Wishes,
    /// Of each entry, in document order.
    pub entries: Vec<BesideEntry>,
}

/// What of an entry is not there. Absent is empty; the fields are those of [`RawItem`].
#[derive(Debug, Clone, Default)]
pub struct BesideEntry {
    /// As HTML.
    pub summary: String,
    /// As HTML.
    pub content: String,
    /// A language tag of this entry alone.
    pub language: String,
    /// Base address for the links of its texts.
    pub base: String,
    /// The same for its summary, where it is another.
    pub summary_base: String,
    /// Address of its image.
    pub image: String,
    /// Where it was taken from.
    pub source: ItemSource,
}

/// An entry with what it is compared by.
#[derive(Debug, Clone)]
pub struct KeyedItem {
    /// Under which it is known.
    pub key: ItemKey,
    /// What the key was made from.
    pub basis: Basis,
    /// Hash of the entry as it came.
    pub raw_hash: Hash16,
    /// Its place in the document, from 0.
    pub position: usize,
    /// The entry.
    pub raw: RawItem,
}

/// What a document says of its feed beside what is kept. Absent is empty.
#[derive(Debug, Clone, Default)]
pub struct FeedAbout {
    /// Atom `subtitle`, RSS `description`, as plain text.
    pub subtitle: String,
    /// Names of the authors, as plain text.
    pub authors: Vec<String>,
    /// When the publisher says that it changed.
    pub updated: Option<Timestamp>,
    /// Address of its image, http or https.
    pub image: String,
    /// Its categories, as plain text.
    pub categories: Vec<String>,
}

/// Where an item was taken from (Atom and RSS `source`). Absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSource {
    /// The feed's own identifier.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its address, or its site's.
    pub link: String,
}

/// A file attached to an item (RSS `enclosure`, Atom `link rel=enclosure`, JSON Feed `attachments`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosure {
    /// Absolute address.
    pub url: String,
    /// MIME type; empty: unknown.
    pub media_type: String,
    /// Bytes, as the publisher says.
    pub length: Option<u64>,
    /// Playing time, as the publisher says.
    pub duration_seconds: Option<u64>,
}

/// One entry as the document has it: nothing trusted, absent is empty.
#[derive(Debug, Clone, Default)]
pub struct RawItem {
    /// Atom `id`, RSS `guid`, JSON Feed `id`.
    pub guid: String,
    /// Atom `link rel=alternate`, RSS `link`, JSON Feed `url`; may be relative.
    pub link: String,
    /// Atom `link rel=canonical`: the address of the page that it is a twin of.
    pub canonical: String,
    /// May hold markup.
    pub title: String,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// RSS `description`, Atom `summary`, as HTML.
    pub summary: String,
    /// RSS `content:encoded`, Atom `content`, JSON Feed `content_html`, as HTML.
    pub content: String,
    /// Terms or labels.
    pub categories: Vec<String>,
    /// A BCP 47 tag of this entry alone.
    pub language: String,
    /// Base address for the links of this entry; empty: the document's.
    pub base: String,
    /// Base address for the links of its summary; empty: the same.
    pub summary_base: String,
    /// When the publisher says it was published.
    pub published: Option<Timestamp>,
    /// When the publisher says it was changed.
    pub updated: Option<Timestamp>,
    /// Attached files.
    pub enclosures: Vec<Enclosure>,
    /// Where readers comment on it.
    pub comments: String,
    /// Address of its image.
    pub image: String,
    /// Where it was taken from.
    pub source: ItemSource,
}

/// What of an item is kept together as one value in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemDetails {
    /// Names of the authors, as plain text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Categories, as plain text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Attached files with http or https addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enclosures: Vec<Enclosure>,
    /// Where readers comment on it: an http or https address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comments: String,
    /// Address of its image, http or https.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// Where it was taken from; plain texts.
    #[serde(default, skip_serializing_if = "is_nowhere")]
    pub source: ItemSource,
}

fn is_nowhere(source: &ItemSource) -> bool {
    *source == ItemSource::default()
}

/// A normalised item: plain titles, sanitised HTML, absolute links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewItem {
    /// The publisher's own identifier, as it was written.
    pub guid: String,
    /// Absolute http or https address; empty: none.
    pub link: String,
    /// The link's canonical form, by which feeds are compared; empty: not comparable.
    pub canonical_link: String,
    /// Plain text.
    pub title: String,
    /// Sanitised HTML; empty when the content says it all.
    pub summary: String,
    /// Sanitised HTML: the fullest body.
    pub content: String,
    /// BCP 47 primary language subtag, declared or detected; empty: unknown.
    pub language: String,
    /// Authors, categories, enclosures.
    pub details: ItemDetails,
    /// By which other items with parts of its text are found, in rising order; see `story::fingerprint`.
    pub marks: Vec<i32>,
    /// When the publisher says it was published; never after it was first seen.
    pub published: Option<Timestamp>,
    /// When the publisher says it was changed; never after it was seen.
    pub updated: Option<Timestamp>,
}

/// What the store remembers of an item for the next poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownItem {
    /// The item.
    pub id: ItemId,
    /// Hash of the entry as the document had it.
    pub raw_hash: Hash16,
    /// Hash of what a reader sees.
    pub content_hash: Hash16,
}

/// What an item says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemText {
    /// Plain text.
    pub title: String,
    /// Sanitised HTML; may be empty.
    pub summary: String,
    /// Sanitised HTML; may be empty.
    pub content: String,
}

/// An item with what an edit of it is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredItem {
    /// Whether readers may have seen it: it has its place.
    pub is_placed: bool,
    /// What it says.
    pub text: ItemText,
    /// What readers were sent last; None: what it says.
    pub sent: Option<ItemText>,
    /// How many revisions it has had.
    pub revisions: u32,
    /// Hashes of the words of the revisions that are kept.
    pub said: Vec<Hash16>,
    /// When readers were last told that it was updated; None: never.
    pub updated: Option<Timestamp>,
}

/// What an edit does, when it changes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// Hash of the words that are replaced.
    pub replaced: Hash16,
    /// Whether readers are sent the item again, as updated.
    pub is_material: bool,
}

/// Where the items may be found that entries could be which no key knows.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    /// Under these keys,
    pub keys: Vec<ItemKey>,
    /// with these links in canonical form,
    pub canonical_links: Vec<String>,
    /// and so many of the newest.
    pub newest: usize,
}

/// A stored item that may be an entry which no key knows. Absent is empty.
#[derive(Debug, Clone)]
pub struct Lookalike {
    /// The item.
    pub item: KnownItem,
    /// Under which it is known.
    pub key: ItemKey,
    /// The publisher's own identifier.
    pub guid: String,
    /// Its address.
    pub link: String,
    /// That in canonical form.
    pub canonical_link: String,
    /// Plain text.
    pub title: String,
    /// When the publisher says it was published.
    pub published: Option<Timestamp>,
    /// Hash of title and text; None: it says nothing.
    pub text: Option<Hash16>,
}
