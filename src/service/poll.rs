//! One poll of one feed: fetch, then think, then write.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tracing::{debug, error, warn};

use crate::config::PollConfig;
use crate::ingest::cadence::{PollFacts, next_poll};
use crate::ingest::fetch::{Document, FetchError, Fetched, Fetcher, Signals};
use crate::ingest::hub::{self, Came};
use crate::ingest::{self, decide, identity};
use crate::model::chain::chain;
use crate::model::clock::SharedClock;
use crate::model::feed::{FeedForPoll, FeedId, FeedUrl, Validators};
use crate::model::item::KeyedItem;
use crate::model::poll::{Committed, Outcome, PollIntent, ReadDocument};
use crate::store::{Store, StoreError};

/// Polls feeds.
#[derive(Debug)]
pub struct Poller {
    store: Store,
    fetcher: Arc<Fetcher>,
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

/// A document that says nothing of the feed.
struct Unread {
    bytes: u64,
    reason: String,
    /// The feed that it offers, where it is a page.
    offer: Option<FeedUrl>,
}

/// What a poll found out, before it is written.
struct Found {
    outcome: Outcome,
    status: Option<u16>,
    bytes: u64,
    error: Option<String>,
    validators: Option<Validators>,
    offered: Option<FeedUrl>,
    document: Option<ReadDocument>,
    facts: PollFacts,
}

impl Found {
    /// What is known without a document.
    fn new(outcome: Outcome, status: Option<u16>, facts: PollFacts) -> Self {
        Self {
            outcome,
            status,
            bytes: 0,
            error: None,
            validators: None,
            offered: None,
            document: None,
            facts,
        }
    }
}

impl Poller {
    /// A poller; `arrived` is told when items are stored.
    #[must_use]
    pub fn new(
        store: Store,
        fetcher: Arc<Fetcher>,
        limits: &PollConfig,
        clock: SharedClock,
        arrived: Arc<Notify>,
    ) -> Self {
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
        let answer = self.fetcher.fetch(feed.address(), &feed.validators, started_at).await;
        let is_gone = match &answer {
            Ok(Fetched::Gone) => true,
            Err(e) => e.status() == Some(404),
            Ok(_) => false,
        };
        let found = match answer {
            _ if is_gone && feed.offered.is_some() => self.find_again(&feed).await?,
            Ok(Fetched::Document(document)) => self.document(&feed, *document, !feed.was_read).await?,
            Ok(Fetched::NotModified(signals)) => not_modified(&feed, signals),
            Ok(Fetched::Gone) => gone(&feed),
            Err(e) => unanswered(&feed, &e, chain(&e)),
        };
        let came = Came::Polled { news: found.facts.news };
        self.commit(feed, found, came, started_at).await
    }

    /// Takes in a document that a hub has pushed, for a feed that was claimed, and gives the lease back. Hubs are believed about
    /// items, many bring only those that are new; of the feed itself only its publisher speaks. A document that cannot be read is
    /// no failure of the feed.
    ///
    /// # Errors
    /// When the database fails: then it is as if nothing had come.
    pub async fn pushed(&self, feed: FeedForPoll, document: Document) -> Result<Polled, StoreError> {
        let started_at = self.clock.now();
        let found = match self.understood(&feed, document, false).await? {
            Ok(found) => found,
            Err(unread) => {
                self.store.give_back(vec![feed.id]).await?;
                return Ok(Polled {
                    feed: feed.id,
                    name: feed.name,
                    outcome: Outcome::Failed,
                    bytes: unread.bytes,
                    committed: Committed::default(),
                    error: Some(unread.reason),
                });
            }
        };
        let document = found.document.map(|read| ReadDocument {
            is_believed: false,
            ..read
        });
        let found = Found {
            outcome: document.as_ref().map_or(Outcome::Unchanged, |_| Outcome::Fetched),
            status: None,
            error: None,
            validators: None,
            document,
            ..found
        };
        self.commit(feed, found, Came::Pushed, started_at).await
    }

    /// The feed that a page offered is no more: the page may offer another by now.
    async fn find_again(&self, feed: &FeedForPoll) -> Result<Found, StoreError> {
        let page = self
            .fetcher
            .fetch(&feed.url, &Validators::default(), self.clock.now())
            .await;
        match page {
            Ok(Fetched::Document(document)) => self.document(feed, *document, true).await,
            Ok(Fetched::Gone | Fetched::NotModified(_)) => Ok(gone(feed)),
            Err(e) => Ok(unanswered(feed, &e, chain(&e))),
        }
    }

    /// A document of the feed, or of the page that its address leads to: then the feed that the page offers is asked, and from now on.
    async fn document(&self, feed: &FeedForPoll, document: Document, may_follow: bool) -> Result<Found, StoreError> {
        let unread = match self.understood(feed, document, may_follow).await? {
            Ok(found) => return Ok(found),
            Err(unread) => unread,
        };
        let failure = |reason| Found {
            bytes: unread.bytes,
            ..failed(feed, reason, Some(200), None, false)
        };
        let Some(offer) = unread.offer else {
            return Ok(failure(unread.reason));
        };
        if feed.offered.as_ref() == Some(&offer) {
            return Ok(failure(format!(
                "the page still offers the feed {offer}, which is gone"
            )));
        }
        let found = |reason: &str| format!("the page offers the feed {offer}, but {reason}");
        match self
            .fetcher
            .fetch(&offer, &Validators::default(), self.clock.now())
            .await
        {
            Ok(Fetched::Document(document)) => match self.understood(feed, *document, false).await? {
                Ok(found) => {
                    let offered = Some(offer);
                    Ok(Found { offered, ..found })
                }
                Err(unread) => Ok(failure(found(&unread.reason))),
            },
            Ok(Fetched::NotModified(_) | Fetched::Gone) => Ok(failure(found("it has no document"))),
            Err(e) => Ok(unanswered(feed, &e, found(&chain(&e)))),
        }
    }

    /// What a document means for the feed. The old validators stay where it means nothing: it was no document of this feed.
    async fn understood(
        &self,
        feed: &FeedForPoll,
        document: Document,
        may_follow: bool,
    ) -> Result<Result<Found, Unread>, StoreError> {
        let signals = document.signals.clone();
        let bytes = document.bytes.len() as u64;
        let facts = PollFacts {
            max_age: signals.max_age,
            retry_after: signals.retry_after,
            ttl: minutes(feed.wishes.ttl_minutes),
            ..PollFacts::default()
        };
        let found = |outcome, read| Found {
            bytes,
            validators: Some(signals.validators),
            document: read,
            ..Found::new(outcome, Some(200), facts)
        };
        let hash = *blake3::hash(&document.bytes).as_bytes();
        if feed.document_hash == Some(hash) {
            return Ok(Ok(found(Outcome::Unchanged, None)));
        }
        let read = match self.read(feed, document, hash, may_follow).await? {
            Ok(read) => read,
            Err(unread) => return Ok(Err(unread)),
        };
        if !read.is_believed {
            let reason = format!(
                "the document shrank from {} entries to {}; what is new in it is kept",
                feed.entries, read.entries
            );
            let failures = feed.failures.saturating_add(1);
            return Ok(Ok(Found {
                bytes,
                error: Some(reason),
                document: Some(read),
                ..Found::new(Outcome::Failed, Some(200), PollFacts { failures, ..facts })
            }));
        }
        let news = read
            .changes
            .iter()
            .any(|change| matches!(change, crate::model::poll::ItemChange::New { .. }));
        let ttl = minutes(read.facts.wishes.ttl_minutes);
        let mut found = found(Outcome::Fetched, Some(read));
        found.facts = PollFacts { news, ttl, ..facts };
        Ok(Ok(found))
    }

    /// Reads a document away from the threads that wait for the network, and compares it with what is known.
    async fn read(
        &self,
        feed: &FeedForPoll,
        document: Document,
        hash: [u8; 32],
        may_follow: bool,
    ) -> Result<Result<ReadDocument, Unread>, StoreError> {
        let _place = self.reading.acquire().await;
        let address = document.address.clone();
        let bytes = document.bytes.len() as u64;
        let fault = || Unread {
            bytes,
            reason: "the document could not be read: a fault of this program".to_owned(),
            offer: None,
        };
        let (manner, offset_minutes) = (feed.manner.clone(), feed.offset_minutes);
        let now = self.clock.now();
        let parsed = blocking(move || {
            let input = ingest::Input {
                bytes: &document.bytes,
                content_type: &document.content_type,
                address: document.address.as_url(),
                manner: &manner,
                offset_minutes,
                now,
            };
            match ingest::read(&input) {
                Ok(reading) => {
                    let mut facts = reading.feed.facts;
                    hub::name_by_headers(&mut facts, &document.links, document.address.as_url());
                    Ok((facts, identity::keyed(reading.feed.items), reading.losses))
                }
                Err(e) => Err(Unread {
                    bytes,
                    reason: chain(&e),
                    offer: (may_follow && e.is_web_page())
                        .then(|| ingest::offers(&input, &document.links).into_iter().next())
                        .flatten()
                        .map(|offer| offer.url),
                }),
            }
        })
        .await;
        let (facts, items, losses) = match parsed.unwrap_or_else(|| Err(fault())) {
            Ok(read) => read,
            Err(unread) => return Ok(Err(unread)),
        };
        let keys = items.iter().map(|item: &KeyedItem| item.key).collect();
        let known = self.store.known_items(feed.id, keys).await?;
        let now = self.clock.now();
        let entries = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let is_believed = decide::is_believed(entries, feed.entries, feed.shrunk);
        let read = blocking(move || {
            let changes = ingest::decide(&items, &known, (address.as_url(), &facts.language), now);
            ReadDocument {
                hash,
                entries,
                is_believed,
                facts,
                changes,
                losses,
            }
        })
        .await;
        Ok(read.ok_or_else(fault))
    }

    async fn commit(
        &self,
        feed: FeedForPoll,
        found: Found,
        came: Came,
        started_at: Timestamp,
    ) -> Result<Polled, StoreError> {
        let finished_at = self.clock.now();
        let (ordinary, reason) = next_poll(feed.id, &found.facts, &self.limits, finished_at);
        let ordinary = if came == Came::Pushed { feed.due_at } else { ordinary };
        let sharing = hub::share(feed.pushed, came, ordinary, finished_at, self.limits.max_interval);
        let reason = match sharing {
            Some(sharing) if sharing.trusted => "the hub pushes it".to_owned(),
            _ => reason.to_string(),
        };
        let intent = PollIntent {
            feed: feed.id,
            started_at,
            finished_at,
            outcome: found.outcome,
            status: found.status,
            bytes: found.bytes,
            error: found.error.clone(),
            validators: found.validators,
            offered: found.offered,
            document: found.document,
            next_poll_at: sharing.map_or(ordinary, |sharing| sharing.next_poll_at),
            reason,
            sharing,
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
    let facts = PollFacts {
        max_age: signals.max_age,
        retry_after: signals.retry_after,
        ttl: minutes(feed.wishes.ttl_minutes),
        ..PollFacts::default()
    };
    Found {
        validators: (validators != feed.validators).then_some(validators),
        ..Found::new(Outcome::NotModified, Some(304), facts)
    }
}

fn gone(feed: &FeedForPoll) -> Found {
    let reason = "the publisher answered 410: gone for good".to_owned();
    failed(feed, reason, Some(410), None, true)
}

fn unanswered(feed: &FeedForPoll, error: &FetchError, reason: String) -> Found {
    failed(feed, reason, error.status(), error.retry_after(), false)
}

fn failed(feed: &FeedForPoll, reason: String, status: Option<u16>, retry_after: Option<Duration>, gone: bool) -> Found {
    let facts = PollFacts {
        failures: feed.failures.saturating_add(1),
        retry_after,
        gone,
        ..PollFacts::default()
    };
    Found {
        error: Some(reason),
        ..Found::new(Outcome::Failed, status, facts)
    }
}
