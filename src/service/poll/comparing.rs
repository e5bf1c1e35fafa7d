//! What a document says, compared with what is known of its feed. One piece of work from its bytes to its changes, on one thread: to
//! hand it from thread to thread would cost more than most documents do.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use tracing::error;

use crate::ingest::fetch::Document;
use crate::ingest::identity::policy::of_document;
use crate::ingest::settle::{Settled, Standing, settle, traces};
use crate::ingest::{self, decide, edit, hub, identity};
use crate::model::chain::chain;
use crate::model::entry_marks::EntryMarks;
use crate::model::feed::{FeedFacts, FeedForPoll, FeedUrl};
use crate::model::identity::{IdentityPolicy, Learned};
use crate::model::item::{ItemKey, KeyedItem, KnownItem, StoredItem};
use crate::model::poll::{Failure, ItemChange, Loss, ReadDocument};
use crate::service::poll::found::{Means, Unread};
use crate::store::{Store, StoreError};
use crate::story::fingerprint;
use crate::text::canonical_url::Links;

/// A document compared with what is known.
pub(super) struct Compared {
    pub(super) document: ReadDocument,
    /// Entries that are known.
    pub(super) known: usize,
    /// Whether something of the last document is left in it.
    pub(super) is_continued: bool,
    /// The document with the entries before these.
    pub(super) older: Option<FeedUrl>,
}

/// With what the documents of a feed are compared.
pub(super) struct Comparing {
    pub(super) store: Store,
    pub(super) links: Links,
    pub(super) feed: FeedForPoll,
    pub(super) means: Means,
    pub(super) now: Timestamp,
}

/// What a document says of its feed, its entries, by what these are told apart, and what of it was lost.
struct Parsed {
    facts: FeedFacts,
    items: Vec<KeyedItem>,
    policy: IdentityPolicy,
    losses: Vec<Loss>,
}

impl Comparing {
    /// Reads a document, and compares it with what is known. It may take long.
    pub(super) fn compared(&self, document: &Document, hash: [u8; 32]) -> Result<Result<Compared, Unread>, StoreError> {
        let feed = &self.feed;
        let Parsed {
            facts,
            items,
            policy,
            losses,
        } = match self.parsed(document) {
            Ok(parsed) => parsed,
            Err(unread) => return Ok(Err(*unread)),
        };
        // Whose first document this is has no items yet.
        let known = if feed.was_read() || feed.rhythm.is_some() {
            self.store.known_items(feed.id, items.iter().map(|item| item.key))?
        } else {
            HashMap::new()
        };
        let entries = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let is_believed = decide::is_believed(entries, feed.entries, feed.shrunk);
        let matched = known.len();
        let is_part = self.means == Means::Part;
        let teaches = feed.manner.identity.is_none() && !is_part && is_believed;
        let standing = Standing {
            policy,
            learned: teaches.then(|| standing(feed, policy, matched, items.len())),
            is_part,
        };
        let (address, language) = (document.address.as_url(), &facts.language);
        let mut changes = ingest::decide(&items, &known, (address, language, &self.links), self.now);
        mark(&mut changes);
        let settled = self.settled(&items, &known, changes, standing)?;
        let changes = self.weighed(settled.changes)?;
        let known = matched + settled.recognised;
        let is_continued = match &feed.entry_marks {
            // Where most is known, it is another copy or choice of the same feed: nothing was missed.
            Some(last) => {
                settled.recognised > 0 || last.have_any(items.iter().map(|item| item.key)) || known * 2 > items.len()
            }
            None => known > 0,
        };
        let mut entry_marks = EntryMarks::of(&settled.keys);
        // What tells nothing new may be an old copy, and what is not believed takes no place: what was there before is not forgotten.
        if let Some(last) = feed
            .entry_marks
            .as_ref()
            .filter(|_| !is_believed || known == items.len())
        {
            entry_marks.join(last);
        }
        Ok(Ok(Compared {
            known,
            is_continued,
            older: FeedUrl::parse(&facts.older).ok(),
            document: ReadDocument {
                hash,
                entries,
                entry_marks,
                is_believed,
                facts,
                changes,
                losses,
                learned: settled.learned.filter(|learned| *learned != feed.identity),
            },
        }))
    }

    /// What a document says, or why it says nothing of a feed.
    fn parsed(&self, document: &Document) -> Result<Parsed, Box<Unread>> {
        let manner = &self.feed.manner;
        let input = ingest::Input {
            bytes: &document.bytes,
            content_type: &document.content_type,
            address: document.address.as_url(),
            manner,
            offset_minutes: self.feed.offset_minutes,
            now: self.now,
        };
        let unread = match ingest::read(&input) {
            Ok(reading) => {
                let mut facts = reading.feed.facts;
                hub::name_by_headers(&mut facts, &document.links, document.address.as_url());
                let items = reading.feed.items;
                let learned = self.feed.identity.policy;
                let policy = manner.identity.unwrap_or_else(|| of_document(&items, learned));
                return Ok(Parsed {
                    facts,
                    items: identity::keyed(items, policy),
                    policy,
                    losses: reading.losses,
                });
            }
            Err(e) => e,
        };
        let offer = (self.means == Means::FeedOrPage && unread.is_web_page())
            .then(|| ingest::offers(&input, &document.links).into_iter().next())
            .flatten();
        Err(Box::new(Unread {
            bytes: document.bytes.len() as u64,
            failure: match document.bytes.len() {
                0 => Failure::Empty,
                _ if unread.is_web_page() => Failure::WebPage,
                _ => Failure::Unreadable,
            },
            reason: chain(&unread),
            offer: offer.map(|offer| offer.url),
        }))
    }

    /// Finds the items of entries that keys do not know, where there are such and the feed has items.
    fn settled(
        &self,
        items: &[KeyedItem],
        known: &HashMap<ItemKey, KnownItem>,
        changes: Vec<ItemChange>,
        standing: Standing,
    ) -> Result<Settled, StoreError> {
        let found = self.feed.was_read().then(|| traces(items, &changes, known, standing));
        let lookalikes = match found.flatten() {
            Some(traces) => self.store.lookalikes(self.feed.id, traces)?,
            None => Vec::new(),
        };
        if lookalikes.is_empty() {
            return Ok(Settled {
                changes,
                keys: items.iter().map(|item| item.key).collect(),
                recognised: 0,
                learned: standing.learned,
            });
        }
        Ok(settle(items, changes, known, &lookalikes, standing))
    }

    /// Looks at the words of known entries that show another text: those that have changed are edited. One at a time, since texts may
    /// be large.
    fn weighed(&self, changes: Vec<ItemChange>) -> Result<Vec<ItemChange>, StoreError> {
        let mut weighed = Vec::with_capacity(changes.len());
        for change in changes {
            let stored = match &change {
                ItemChange::Rewritten {
                    id,
                    content_hash: Some(_),
                    ..
                } => self.store.stored_item(*id)?,
                _ => None,
            };
            let Some(stored) = stored else {
                weighed.push(change);
                continue;
            };
            // What cannot be weighed stays as it is, and is weighed again by the next poll that finds it changed.
            let change = catch_unwind(AssertUnwindSafe(|| weigh(&stored, change, self.now)));
            weighed.extend(change.inspect_err(|_| error!("an edit stopped its reader")).ok());
        }
        Ok(weighed)
    }
}

/// What the documents of a feed have taught before this one is compared, most of whose entries may be known.
fn standing(feed: &FeedForPoll, policy: IdentityPolicy, known: usize, entries: usize) -> Learned {
    let is_doubted = policy == feed.identity.policy && known * 2 <= entries;
    Learned {
        policy,
        doubts: if is_doubted { feed.identity.doubts } else { 0 },
    }
}

fn weigh(stored: &StoredItem, change: ItemChange, now: Timestamp) -> ItemChange {
    match change {
        ItemChange::Rewritten {
            id,
            raw_hash,
            content_hash: Some(content_hash),
            item,
        } => match edit::weigh(stored, &item, now) {
            Some(edit) => ItemChange::Edited {
                id,
                raw_hash,
                content_hash,
                item,
                edit,
            },
            None => ItemChange::Rewritten {
                id,
                raw_hash,
                content_hash: Some(content_hash),
                item,
            },
        },
        other => other,
    }
}

/// Gives new texts the marks by which they are found.
fn mark(changes: &mut [ItemChange]) {
    for change in changes {
        let item = match change {
            ItemChange::New { item, .. } | ItemChange::Edited { item, .. } | ItemChange::Rewritten { item, .. } => item,
            ItemChange::Rekeyed { .. } => continue,
        };
        let html = if item.content.is_empty() {
            &item.summary
        } else {
            &item.content
        };
        item.marks = fingerprint::marks(&item.title, html);
    }
}
