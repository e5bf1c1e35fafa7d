//! A story: the items, of any feeds, that tell the same thing; one of them leads it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::feed::FeedId;
use crate::model::item::{ItemDetails, ItemId};

/// The row of a story in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct StoryId(pub i64);

/// A story's place: 1, 2, 3 ... in order of arrival, without gaps. Who reads everything after a place misses nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

/// A story's name for the world: a UUID of version 8 that never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoryUid(pub [u8; 16]);

impl StoryUid {
    /// The UUID (RFC 9562 §5.8) with these bits; version and variant are set.
    #[must_use]
    pub fn from_hash(mut bits: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bits;
        *version = (*version & 0x0f) | 0x80;
        *variant = (*variant & 0x3f) | 0x80;
        Self(bits)
    }
}

impl fmt::Display for StoryUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// An item as it is compared with others.
#[derive(Debug, Clone)]
pub struct Telling {
    /// The item.
    pub item: ItemId,
    /// Its feed.
    pub feed: FeedId,
    /// The feed's group, or empty.
    pub group: String,
    /// When it was published; the first sight where the publisher says nothing usable.
    pub at: Timestamp,
    /// The address as it was given; empty: none.
    pub link: String,
    /// The link's canonical form; empty: not comparable.
    pub canonical_link: String,
    /// Plain text.
    pub title: String,
    /// Its fullest text, sanitised HTML.
    pub html: String,
    /// Whether another item of its feed has the same link: then the link names neither of them.
    pub shares_link: bool,
}

/// How much of an item must stand in another of its feed for what recurs over the feed to be looked for.
pub const RECURRING_SHARE: f64 = 0.1;

/// An item with so few marks may be like those that share one of them; others have to share two.
const FEW_MARKS: usize = 8;

/// Whether two items of so many marks that share this many may be alike.
#[must_use]
pub fn share_enough(shared: usize, marks: (usize, usize)) -> bool {
    shared > 1 || shared > 0 && marks.0.min(marks.1) <= FEW_MARKS
}

/// Two items, and how close they are.
pub type Close = (ItemId, ItemId, f64);

/// How items are tied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ties<'a> {
    /// Pairs of one story.
    pub same: &'a [Close],
    /// Pairs of which one quotes the other and says so.
    pub quoting: &'a [Close],
}

/// An item compared with another.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The other item.
    pub other: ItemId,
    /// How much of the item's text stands in the other, and the other way round, from 0 to 1.
    pub shares: (f64, f64),
    /// Words of each that the other has not.
    pub own: (usize, usize),
    /// Words that both titles have, of those of the longer, from 0 to 1.
    pub titles: f64,
    /// What follows; None: nothing.
    pub tie: Option<Tie>,
}

/// How two items belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Tie {
    /// The item; of a quotation the one that quotes.
    pub item: ItemId,
    /// The other; of a quotation the one that is quoted.
    pub other: ItemId,
    /// How.
    pub kind: TieKind,
    /// By which rule, in words.
    pub rule: &'static str,
    /// How much of the other's text stands in the item, from 0 to 1.
    pub share: f64,
    /// How much of the item's text stands in the other, from 0 to 1.
    pub back: f64,
    /// Whether the item links to the other.
    pub cites: bool,
}

/// How two items belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TieKind {
    /// They tell one story.
    Same,
    /// One quotes the other.
    Quotes,
}

impl TieKind {
    /// The name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Quotes => "quotes",
        }
    }
}

/// What the operator decided of two items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// They tell one story.
    Together,
    /// They tell two.
    Apart,
}

/// An item of a story, as far as it matters for who leads it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The item.
    pub item: ItemId,
    /// When it was told.
    pub at: Timestamp,
    /// Whether another item quotes it or links to it.
    pub is_cited: bool,
    /// The place of its feed among those that are preferred; less is better.
    pub preference: usize,
    /// The name of its feed.
    pub feed: String,
    /// Its link.
    pub link: String,
}

/// A story as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedStory {
    /// The story.
    pub id: StoryId,
    /// Its place.
    pub seq: Seq,
    /// Its name for the world.
    pub uid: StoryUid,
    /// Its items, the leader first, then in order of arrival.
    pub items: Vec<ListedItem>,
    /// The stories that it quotes, the most first.
    pub quotes: Vec<QuoteOf>,
    /// The stories that quote it, the most first.
    pub quoted_by: Vec<QuoteOf>,
}

/// An item as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedItem {
    /// The item.
    pub id: ItemId,
    /// The name of its feed.
    pub feed: String,
    /// Plain text.
    pub title: String,
    /// Its address; empty: none.
    pub link: String,
}

/// The other story of a quotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuoteOf {
    /// The other story.
    pub id: StoryId,
    /// Its place.
    pub seq: Seq,
    /// Its name for the world.
    pub story: StoryUid,
    /// How much of the quoted text stands in the other, from 0 to 1.
    pub share: f64,
}

/// A story with the text of its leader, as output stages read it.
#[derive(Debug, Clone)]
pub struct StoryText {
    /// The story.
    pub id: StoryId,
    /// Its place.
    pub seq: Seq,
    /// Its name for the world.
    pub uid: StoryUid,
    /// The leader's feed.
    pub feed: StoryFeed,
    /// The leader's plain title.
    pub title: String,
    /// The leader's address; empty: none.
    pub link: String,
    /// Sanitised HTML; may be empty.
    pub summary: String,
    /// Sanitised HTML; may be empty.
    pub content: String,
    /// Primary language subtag; empty: unknown.
    pub language: String,
    /// Authors, categories, enclosures of the leader.
    pub details: ItemDetails,
    /// When it was published; the first sight where the publisher says nothing usable.
    pub published: Timestamp,
    /// When it last changed; `published` where it never did.
    pub updated: Timestamp,
    /// When anything of it was last written here.
    pub changed_at: Timestamp,
    /// Titles of the other feeds that carry it.
    pub also_in: Vec<String>,
    /// The stories that it quotes, the most first.
    pub quotes: Vec<Quoted>,
    /// The stories that quote it, the most first.
    pub quoted_by: Vec<Quoted>,
}

/// The other story of a quotation, as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quoted {
    /// Its plain title.
    pub title: String,
    /// Its address; empty: none.
    pub link: String,
    /// The title of its feed.
    pub feed: String,
    /// How much of the quoted text stands in the other, from 0 to 1.
    pub share: f64,
}

/// The feed of a story's leader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoryFeed {
    /// As configured.
    pub name: String,
    /// The group, or empty.
    pub group: String,
    /// The feed's own title, or its name.
    pub title: String,
    /// The address that is polled.
    pub url: String,
    /// The feed's own identifier (Atom), or its address.
    pub source_id: String,
    /// The site it belongs to; may be empty.
    pub site_link: String,
}
