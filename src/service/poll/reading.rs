//! What a document means for its feed: read, compared with what is known, and completed where something was missed.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{error, info};

use crate::ingest::cadence::rhythm::Rhythm;
use crate::ingest::fetch::{Document, Fetched};
use crate::model::feed::{FeedForPoll, FeedUrl};
use crate::model::item::ItemKey;
use crate::model::poll::{Failure, Gap, ItemChange, Outcome, ReadDocument, Tally};
use crate::service::poll::Poller;
use crate::service::poll::comparing::{Compared, Comparing};
use crate::service::poll::found::{Found, Means, Unread};
use crate::store::StoreError;

/// Older documents (RFC 5005) that are read to fill a gap.
const MAX_OLDER: u32 = 10;

impl Poller {
    /// What a document means for the feed. The old validators stay where it means nothing: it was no document of this feed.
    pub(super) async fn understood(
        &self,
        feed: &FeedForPoll,
        document: Document,
        means: Means,
        tally: &mut Tally,
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
        let is_interrupted = !compared.is_continued && compared.document.has_news();
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
        let led_to = found.moved_to.as_ref();
        let is_protected = led_to.is_some_and(|to| feed.address().is_the_same_but_for_protection(to));
        // Where redirects lead for the first time may be another feed altogether: that is no gap.
        let candidate = feed.candidate.as_ref().map(|candidate| &candidate.to);
        let is_at_home = led_to.is_none_or(|to| is_protected || candidate == Some(to) || feed.refused == to.as_str());
        if let Some(after) = feed.last_success_at
            && feed.entries > 1
            && is_interrupted
            && is_at_home
        {
            found.gap = Some(
                self.fill(feed, (after, older), &mut read, (&mut found.bytes, tally))
                    .await?,
            );
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
        found.is_other = known == 0 && !is_protected;
        found.document = Some(read);
        Ok(Ok(found))
    }

    /// Reads a document, and compares it with what is known, away from the threads that wait for the network.
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
        // The place goes with the work: a poll that is given up does not end it.
        let place = Arc::clone(&self.reading).acquire_owned().await;
        let bytes = document.bytes.len() as u64;
        let comparing = Comparing {
            store: self.store.clone(),
            links: self.links.clone(),
            feed: feed.clone(),
            means,
            now: self.clock.now(),
        };
        let compared = tokio::task::spawn_blocking(move || {
            let _place = place;
            comparing.compared(&document, hash)
        });
        compared.await.unwrap_or_else(|e| {
            error!("a document stopped its reader: {e}");
            Ok(Err(Unread {
                bytes,
                failure: Failure::Internal,
                reason: "the document could not be read: a fault of this program".to_owned(),
                offer: None,
            }))
        })
    }

    /// Nothing of the last document is left: reads older documents, each once, until one has something of it or nothing but known
    /// entries, there are no more, or enough is read.
    async fn fill(
        &self,
        feed: &FeedForPoll,
        (after, mut older): (Timestamp, Option<FeedUrl>),
        read: &mut ReadDocument,
        (bytes, tally): (&mut u64, &mut Tally),
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
            let Ok(Fetched::Document(document)) = self.fetch(feed, &address, tally).await else {
                break;
            };
            *bytes += document.bytes.len() as u64;
            let hash = *blake3::hash(&document.bytes).as_bytes();
            let Ok(page) = self.compared(feed, *document, hash, Means::Part).await? else {
                break;
            };
            gap.pages += 1;
            let is_end = page.is_continued || !page.document.has_news();
            let mut changes = page.document.changes;
            changes.retain(|change| new_key(change).is_some_and(|key| keys.insert(key)));
            gap.filled += u32::try_from(changes.len()).unwrap_or(u32::MAX);
            // Items are stored oldest first.
            changes.append(&mut read.changes);
            read.changes = changes;
            if is_end {
                break;
            }
            older = page.older;
        }
        Ok(gap)
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

fn new_key(change: &ItemChange) -> Option<ItemKey> {
    match change {
        ItemChange::New { key, .. } => Some(*key),
        _ => None,
    }
}
