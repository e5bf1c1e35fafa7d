//! One poll of one feed: fetch, then think, then write.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{Notify, Semaphore};
use tracing::{debug, error, warn};

use crate::config::PollConfig;
use crate::ingest::cadence::{PollFacts, next_poll};
use crate::ingest::fetch::{Document, Fetched, Fetcher, Signals};
use crate::ingest::{self, identity};
use crate::model::chain::chain;
use crate::model::clock::SharedClock;
use crate::model::feed::{FeedForPoll, FeedId, Validators};
use crate::model::item::KeyedItem;
use crate::model::poll::{Committed, Outcome, PollIntent, ReadDocument};
use crate::store::{Store, StoreError};

/// Polls feeds.
#[derive(Debug)]
pub struct Poller {
    store: Store,
    fetcher: Fetcher,
    limits: PollConfig,
    clock: SharedClock,
    /// As many documents are read at once as there are processors.
    reading: Semaphore,
    /// Told when items have arrived.
    arrived: Arc<Notify>,
}

/// What one poll did.
#[derive(Debug, Clone)]
pub struct Polled {
    /// The feed.
    pub feed: FeedId,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes received, decompressed.
    pub bytes: u64,
    /// Items stored and changed.
    pub committed: Committed,
    /// Why it failed.
    pub error: Option<String>,
}

/// What a poll found out, before it is written.
struct Found {
    outcome: Outcome,
    status: Option<u16>,
    bytes: u64,
    error: Option<String>,
    validators: Option<Validators>,
    document: Option<ReadDocument>,
    facts: PollFacts,
}

impl Poller {
    /// A poller; `arrived` is told when items are stored.
    #[must_use]
    pub fn new(store: Store, fetcher: Fetcher, limits: &PollConfig, clock: SharedClock, arrived: Arc<Notify>) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            store,
            fetcher,
            limits: limits.clone(),
            clock,
            reading: Semaphore::new(processors),
            arrived,
        }
    }

    /// Polls a feed that was claimed and commits the outcome, which gives its lease back.
    ///
    /// # Errors
    /// When the database fails: then it is as if the poll had never been. A feed that fails is no error here.
    pub async fn poll(&self, feed: FeedForPoll) -> Result<Polled, StoreError> {
        let started_at = self.clock.now();
        let found = match self.fetcher.fetch(&feed.url, &feed.validators, started_at).await {
            Ok(Fetched::NotModified(signals)) => not_modified(&feed, signals),
            Ok(Fetched::Gone) => failed(
                &feed,
                "the publisher answered 410: gone for good".to_owned(),
                Some(410),
                None,
                true,
            ),
            Ok(Fetched::Document(document)) => self.document(&feed, *document).await?,
            Err(e) => {
                let (status, retry_after) = (e.status(), e.retry_after());
                failed(&feed, chain(&e), status, retry_after, false)
            }
        };
        let finished_at = self.clock.now();
        self.commit(feed, found, (started_at, finished_at)).await
    }

    async fn document(&self, feed: &FeedForPoll, document: Document) -> Result<Found, StoreError> {
        let signals = document.signals.clone();
        let bytes = document.bytes.len() as u64;
        let facts = PollFacts {
            max_age: signals.max_age,
            retry_after: signals.retry_after,
            ttl: minutes(feed.ttl_minutes),
            ..PollFacts::default()
        };
        let found = |outcome, read| Found {
            outcome,
            status: Some(200),
            bytes,
            error: None,
            validators: Some(signals.validators),
            document: read,
            facts,
        };
        let hash = *blake3::hash(&document.bytes).as_bytes();
        if feed.document_hash == Some(hash) {
            return Ok(found(Outcome::Unchanged, None));
        }
        let read = match self.read(feed, document, hash).await? {
            Ok(read) => read,
            // The old validators stay: what came was no document of this feed.
            Err(reason) => {
                return Ok(Found {
                    bytes,
                    ..failed(feed, reason, Some(200), None, false)
                });
            }
        };
        let news = read
            .changes
            .iter()
            .any(|change| matches!(change, crate::model::poll::ItemChange::New { .. }));
        let ttl = minutes(read.facts.ttl_minutes);
        let mut found = found(Outcome::Fetched, Some(read));
        found.facts = PollFacts { news, ttl, ..facts };
        Ok(found)
    }

    /// Reads a document away from the threads that wait for the network, and compares it with what is known.
    async fn read(
        &self,
        feed: &FeedForPoll,
        document: Document,
        hash: [u8; 32],
    ) -> Result<Result<ReadDocument, String>, StoreError> {
        let _place = self.reading.acquire().await;
        let address = document.address.clone();
        let parsed = blocking(move || {
            let (content_type, address) = (&document.content_type, document.address.as_url());
            let read = ingest::read(&document.bytes, content_type, address, &TimeZone::UTC);
            read.map(|reading| (reading.feed.facts, identity::keyed(reading.feed.items), reading.losses))
        })
        .await;
        let (facts, items, losses) = match parsed {
            Some(Ok(read)) => read,
            Some(Err(e)) => return Ok(Err(chain(&e))),
            None => return Ok(Err("the document could not be read: a fault of this program".to_owned())),
        };
        let keys = items.iter().map(|item: &KeyedItem| item.key).collect();
        let known = self.store.known_items(feed.id, keys).await?;
        let now = self.clock.now();
        let read = blocking(move || {
            let changes = ingest::decide(&items, &known, (address.as_url(), &facts.language), now);
            ReadDocument {
                hash,
                facts,
                changes,
                losses,
            }
        })
        .await;
        Ok(read.ok_or_else(|| "the items could not be read: a fault of this program".to_owned()))
    }

    async fn commit(
        &self,
        feed: FeedForPoll,
        found: Found,
        (started_at, finished_at): (Timestamp, Timestamp),
    ) -> Result<Polled, StoreError> {
        let (next_poll_at, reason) = next_poll(feed.id, &found.facts, &self.limits, finished_at);
        let intent = PollIntent {
            feed: feed.id,
            started_at,
            finished_at,
            outcome: found.outcome,
            status: found.status,
            bytes: found.bytes,
            error: found.error.clone(),
            validators: found.validators,
            document: found.document,
            next_poll_at,
            reason: reason.to_string(),
        };
        let committed = self.store.commit_poll(intent).await?;
        if committed.new > 0 {
            self.arrived.notify_one();
        }
        match &found.error {
            Some(reason) => warn!(feed.id = feed.id.0, "feed {:?} failed: {reason}", feed.name),
            None => debug!(feed.id = feed.id.0, new = committed.new, "polled feed {:?}", feed.name),
        }
        Ok(Polled {
            feed: feed.id,
            name: feed.name,
            outcome: found.outcome,
            bytes: found.bytes,
            committed,
            error: found.error,
        })
    }
}

/// Runs what computes for long on a thread of its own; None when it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work)
        .await
        .inspect_err(|e| error!("a document stopped its reader: {e}"))
        .ok()
}

fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

/// RFC 9111 §4.3.4: a 304 that carries validators replaces those it carries.
fn not_modified(feed: &FeedForPoll, signals: Signals) -> Found {
    let (old, new) = (feed.validators.clone(), signals.validators);
    let validators = Validators {
        etag: new.etag.or(old.etag),
        last_modified: new.last_modified.or(old.last_modified),
    };
    Found {
        outcome: Outcome::NotModified,
        status: Some(304),
        bytes: 0,
        error: None,
        validators: (validators != feed.validators).then_some(validators),
        document: None,
        facts: PollFacts {
            max_age: signals.max_age,
            retry_after: signals.retry_after,
            ttl: minutes(feed.ttl_minutes),
            ..PollFacts::default()
        },
    }
}

fn failed(feed: &FeedForPoll, reason: String, status: Option<u16>, retry_after: Option<Duration>, gone: bool) -> Found {
    Found {
        outcome: Outcome::Failed,
        status,
        bytes: 0,
        error: Some(reason),
        validators: None,
        document: None,
        facts: PollFacts {
            failures: feed.failures.saturating_add(1),
            retry_after,
            gone,
            ..PollFacts::default()
        },
    }
}
