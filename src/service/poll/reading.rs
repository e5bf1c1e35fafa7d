//! What a document means for its feed: read, compared with what is known, and completed where something was missed.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tracing::{error, info};

use crate::ingest::cadence::rhythm::Rhythm;
use crate::ingest::fetch::{Document, Fetched};
use crate::ingest::identity::policy::of_document;
use crate::ingest::settle::{Settled, Standing, settle, traces};
use crate::ingest::{self, decide, edit, hub, identity};
use crate::model::chain::chain;
use crate::model::feed::{FeedFacts, FeedForPoll, FeedUrl, Manner};
use crate::model::identity::{IdentityPolicy, Learned};
use crate::model::item::{ItemKey, KeyedItem, KnownItem, StoredItem};
use crate::model::poll::{Failure, Gap, ItemChange, Loss, Outcome, ReadDocument};
use crate::service::poll::Poller;
use crate::service::poll::found::{Found, Means, Unread};
use crate::store::StoreError;
use crate::story::fingerprint;

/// Older documents (RFC 5005) that are read to fill a gap.
const MAX_OLDER: u32 = 10;

/// A document compared with what is known.
struct Compared {
    document: ReadDocument,
    /// Entries that are known.
    known: usize,
    /// The document with the entries before these.
    older: Option<FeedUrl>,
}

impl Poller {
    /// What a document means for the feed. The old validators stay where it means nothing: it was no document of this feed.
    pub(super) async fn understood(
        &self,
        feed: &FeedForPoll,
        document: Document,
        means: Means,
    ) -> Result<Result<Found, Unread>, StoreError> {
        let hash = *blake3::hash(&document.bytes).as_bytes();
        if feed.document_hash == Some(hash) {
            let mut found = Found::document(Outcome::Unchanged, &document);
            found.is_same = true;
            return Ok(Ok(found));
        }
        let mut found = Found::document(Outcome::Fetched, &document);
        let compared = match self.compared(feed, document, hash, means).await? {
            Ok(compared) => compared,
            Err(unread) => return Ok(Err(unread)),
        };
        let (known, older, mut read) = (compared.known, compared.older, compared.document);
        found.rhythm = rhythm(feed, &read, self.clock.now());
        let learned = read.learned.filter(|learned| learned.policy != feed.identity.policy);
        if let Some(policy) = learned.map(|learned| learned.policy.as_str()) {
            let name = &feed.name;
            info!(
                feed.id = feed.id.0,
                policy, "learned what tells the entries of feed {name:?} apart"
            );
        }
        if means == Means::Part {
            found.document = Some(read);
            return Ok(Ok(found));
        }
        if !read.is_believed {
            let reason = format!(
                "the document shrank from {} entries to {}; what is new in it is kept",
                feed.entries, read.entries
            );
            found.outcome = Outcome::Failed;
            found.error = Some((Failure::Shrunk, reason));
            found.validators = None;
            found.document = Some(read);
            return Ok(Ok(found));
        }
        found.is_same = known > 0 && known * 2 >= usize::try_from(read.entries).unwrap_or_default();
        let led_to = found.moved_to.as_ref();
        let is_protected = led_to.is_some_and(|to| feed.address().is_the_same_but_for_protection(to));
        found.is_other = known == 0 && !is_protected;
        // Where redirects lead for the first time may be another feed altogether: that is no gap.
        let candidate = feed.candidate.as_ref().map(|candidate| &candidate.to);
        let is_at_home = led_to.is_none_or(|to| is_protected || candidate == Some(to) || feed.refused == to.as_str());
        if let (Some(after), 0) = (feed.last_success_at, known)
            && feed.entries > 1
            && read.entries > 0
            && is_at_home
        {
            found.gap = Some(self.fill(feed, after, older, &mut read).await?);
        }
        found.document = Some(read);
        Ok(Ok(found))
    }

    /// Reads a document, and compares it with what is known.
    async fn compared(
        &self,
        feed: &FeedForPoll,
        document: Document,
        hash: [u8; 32],
        means: Means,
    ) -> Result<Result<Compared, Unread>, StoreError> {
        let turn = match self.store.is_behind() {
            true => Some(self.turn.lock().await),
            false => None,
        };
        // When the turn comes, it may not be any more.
        let _turn = turn.filter(|_| self.store.is_behind());
        let _place = self.reading.acquire().await;
        let (address, bytes) = (document.address.clone(), document.bytes.len() as u64);
        let Parsed {
            facts,
            items,
            policy,
            losses,
        } = match self.read(feed, document, means).await {
            Ok(read) => read,
            Err(unread) => return Ok(Err(unread)),
        };
        // Whose first document this is has no items yet.
        let known = if feed.was_read() || feed.rhythm.is_some() {
            let keys = items.iter().map(|item: &KeyedItem| item.key).collect();
            self.store.known_items(feed.id, keys).await?
        } else {
            HashMap::new()
        };
        let (now, links) = (self.clock.now(), self.links.clone());
        let entries = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let is_believed = decide::is_believed(entries, feed.entries, feed.shrunk);
        let matched = known.len();
        let teaches = feed.manner.identity.is_none() && means != Means::Part && is_believed;
        let standing = Standing {
            policy,
            learned: teaches.then(|| standing(feed, policy, matched, items.len())),
            is_part: means == Means::Part,
        };
        let language = facts.language.clone();
        let decided = blocking(move || {
            let mut changes = ingest::decide(&items, &known, (address.as_url(), &language, &links), now);
            mark(&mut changes);
            (items, known, changes)
        });
        let settled = match decided.await {
            Some((items, known, changes)) => self.settled(feed, items, known, changes, standing).await?,
            None => None,
        };
        let Some(settled) = settled else {
            return Ok(Err(fault(bytes)));
        };
        let changes = self.weighed(settled.changes).await?;
        Ok(Ok(Compared {
            known: matched + settled.recognised,
            older: FeedUrl::parse(&facts.older).ok(),
            document: ReadDocument {
                hash,
                entries,
                is_believed,
                facts,
                changes,
                losses,
                learned: settled.learned.filter(|learned| *learned != feed.identity),
            },
        }))
    }

    /// Reads a document away from the threads that wait for the network.
    async fn read(&self, feed: &FeedForPoll, document: Document, means: Means) -> Result<Parsed, Unread> {
        let bytes = document.bytes.len() as u64;
        let reader = Reader {
            manner: feed.manner.clone(),
            offset_minutes: feed.offset_minutes,
            identity: feed.identity.policy,
            means,
            now: self.clock.now(),
        };
        let parsed = blocking(move || parsed(&document, &reader)).await;
        parsed
            .unwrap_or_else(|| Err(Box::new(fault(bytes))))
            .map_err(|unread| *unread)
    }

    /// Finds the items of entries that keys do not know, where there are such and the feed has items. None: that panicked.
    async fn settled(
        &self,
        feed: &FeedForPoll,
        items: Vec<KeyedItem>,
        known: HashMap<ItemKey, KnownItem>,
        changes: Vec<ItemChange>,
        standing: Standing,
    ) -> Result<Option<Settled>, StoreError> {
        let found = feed.was_read().then(|| traces(&items, &changes, &known, standing));
        let lookalikes = match found.flatten() {
            Some(traces) => self.store.lookalikes(feed.id, traces).await?,
            None => Vec::new(),
        };
        if lookalikes.is_empty() {
            return Ok(Some(Settled {
                changes,
                recognised: 0,
                learned: standing.learned,
            }));
        }
        Ok(blocking(move || settle(&items, changes, &known, &lookalikes, standing)).await)
    }

    /// Looks at the words of known entries that show another text: those that have changed are edited. One at a time, since texts may
    /// be large.
    async fn weighed(&self, changes: Vec<ItemChange>) -> Result<Vec<ItemChange>, StoreError> {
        let now = self.clock.now();
        let mut weighed = Vec::with_capacity(changes.len());
        for change in changes {
            let stored = match &change {
                ItemChange::Rewritten {
                    id,
                    content_hash: Some(_),
                    ..
                } => self.store.stored_item(*id).await?,
                _ => None,
            };
            let Some(stored) = stored else {
                weighed.push(change);
                continue;
            };
            // What cannot be weighed stays as it is, and is weighed again by the next poll that finds it changed.
            weighed.extend(blocking(move || weigh(&stored, change, now)).await);
        }
        Ok(weighed)
    }

    /// Nothing of the last document is left: reads older documents, each once, until one has a known entry, there are no more, or
    /// enough is read.
    async fn fill(
        &self,
        feed: &FeedForPoll,
        after: Timestamp,
        mut older: Option<FeedUrl>,
        read: &mut ReadDocument,
    ) -> Result<Gap, StoreError> {
        let mut gap = Gap {
            after,
            filled: 0,
            pages: 0,
        };
        let mut seen = HashSet::from([feed.address().clone()]);
        let mut keys: HashSet<ItemKey> = read.changes.iter().filter_map(new_key).collect();
        while let Some(address) = older.take().filter(|_| gap.pages < MAX_OLDER) {
            if !seen.insert(address.clone()) {
                break;
            }
            let Ok(Fetched::Document(document)) = self.fetch(feed, &address).await else {
                break;
            };
            let hash = *blake3::hash(&document.bytes).as_bytes();
            let Ok(page) = self.compared(feed, *document, hash, Means::Part).await? else {
                break;
            };
            gap.pages += 1;
            let mut changes = page.document.changes;
            changes.retain(|change| new_key(change).is_some_and(|key| keys.insert(key)));
            gap.filled += u32::try_from(changes.len()).unwrap_or(u32::MAX);
            // Items are stored oldest first.
            changes.append(&mut read.changes);
            read.changes = changes;
            if page.known > 0 {
                break;
            }
            older = page.older;
        }
        Ok(gap)
    }
}

fn fault(bytes: u64) -> Unread {
    Unread {
        bytes,
        failure: Failure::Internal,
        reason: "the document could not be read: a fault of this program".to_owned(),
        offer: None,
    }
}

/// What is known of a feed when its document is read.
struct Reader {
    manner: Manner,
    offset_minutes: Option<i16>,
    /// By what its documents have taught to tell entries apart.
    identity: IdentityPolicy,
    means: Means,
    now: Timestamp,
}

/// What a document says of its feed, its entries, by what these are told apart, and what of it was lost.
struct Parsed {
    facts: FeedFacts,
    items: Vec<KeyedItem>,
    policy: IdentityPolicy,
    losses: Vec<Loss>,
}

/// What a document says, or why it says nothing of a feed.
fn parsed(document: &Document, reader: &Reader) -> Result<Parsed, Box<Unread>> {
    let input = ingest::Input {
        bytes: &document.bytes,
        content_type: &document.content_type,
        address: document.address.as_url(),
        manner: &reader.manner,
        offset_minutes: reader.offset_minutes,
        now: reader.now,
    };
    let unread = match ingest::read(&input) {
        Ok(reading) => {
            let mut facts = reading.feed.facts;
            hub::name_by_headers(&mut facts, &document.links, document.address.as_url());
            let items = reading.feed.items;
            let policy = reader
                .manner
                .identity
                .unwrap_or_else(|| of_document(&items, reader.identity));
            return Ok(Parsed {
                facts,
                items: identity::keyed(items, policy),
                policy,
                losses: reading.losses,
            });
        }
        Err(e) => e,
    };
    let offer = (reader.means == Means::FeedOrPage && unread.is_web_page())
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

/// What the documents of a feed have taught before this one is compared, most of whose entries may be known.
fn standing(feed: &FeedForPoll, policy: IdentityPolicy, known: usize, entries: usize) -> Learned {
    let is_doubted = policy == feed.identity.policy && known * 2 <= entries;
    Learned {
        policy,
        doubts: if is_doubted { feed.identity.doubts } else { 0 },
    }
}

/// When the items of the feed come, after this document; None: it tells nothing new.
fn rhythm(feed: &FeedForPoll, read: &ReadDocument, now: Timestamp) -> Option<Vec<u8>> {
    let dates: Vec<Option<Timestamp>> = read
        .changes
        .iter()
        .filter_map(ItemChange::as_new)
        .map(|item| item.published)
        .collect();
    let rhythm = match feed.rhythm.as_deref().and_then(Rhythm::from_bytes) {
        None => Rhythm::from_dates(&dates.into_iter().flatten().collect::<Vec<_>>(), now),
        Some(_) if dates.is_empty() => return None,
        Some(known) => known.with_news(&dates, feed.last_success_at, now),
    };
    Some(rhythm.to_bytes())
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

fn new_key(change: &ItemChange) -> Option<ItemKey> {
    match change {
        ItemChange::New { key, .. } => Some(*key),
        _ => None,
    }
}

/// Runs what computes for long on a thread of its own; None when it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work)
        .await
        .inspect_err(|e| error!("a document stopped its reader: {e}"))
        .ok()
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
