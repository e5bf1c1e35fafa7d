//! One poll of one feed: fetch, then think, then write.

mod comparing;
mod elsewhere;
mod found;
mod pushed;
mod reading;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::config::PollConfig;
use crate::ingest::cadence::rhythm::Rhythm;
use crate::ingest::cadence::{NextPoll, PollFacts, next_poll, pace, spread};
use crate::ingest::fetch::hosts::Place;
use crate::ingest::fetch::{FetchError, Fetched, Fetcher, Question};
use crate::ingest::hub;
use crate::ingest::moves;
use crate::model::clock::{SharedClock, later};
use crate::model::feed::{FeedForPoll, FeedId, FeedUrl, Validators};
use crate::model::poll::{Committed, Failure, Outcome, PollIntent, Tally};
use crate::service::poll::found::{Found, Means};
use crate::store::{Store, StoreError};
use crate::telemetry::metrics::Metrics;
use crate::text::canonical_url::Links;

/// How often it is looked which hosts want to be left alone: who polls by hand may have been told.
const HOSTS_LOOK: Duration = Duration::from_secs(15);

/// Polls feeds.
#[derive(Debug)]
pub struct Poller {
    store: Store,
    fetcher: Arc<Fetcher>,
    limits: PollConfig,
    links: Links,
    clock: SharedClock,
    /// As many documents are read at once as there are processors ...
    reading: Arc<Semaphore>,
    /// ... and one at a time while the writer is behind.
    turn: Mutex<()>,
    /// Told when items have arrived.
    arrived: Arc<Notify>,
    /// When it was looked last which hosts want to be left alone.
    hosts_looked_at: Mutex<Option<Instant>>,
    metrics: Arc<Metrics>,
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
    /// How it failed,
    pub failure: Option<Failure>,
    /// and why.
    pub error: Option<String>,
}

impl Poller {
    /// A poller that compares links as `links` says; `arrived` is told when items are stored.
    #[must_use]
    pub fn new(
        store: Store,
        fetcher: Arc<Fetcher>,
        (limits, links): (&PollConfig, &Links),
        clock: SharedClock,
        arrived: Arc<Notify>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            store,
            fetcher,
            limits: limits.clone(),
            links: links.clone(),
            clock,
            reading: Arc::new(Semaphore::new(processors)),
            turn: Mutex::new(()),
            arrived,
            hosts_looked_at: Mutex::new(None),
            metrics,
        }
    }

    /// Room for a poll of this feed to wait for its host, or the time to come back.
    #[must_use]
    pub fn place(&self, feed: &FeedForPoll) -> Place {
        self.fetcher.hosts().place(feed.address().host(), self.clock.now())
    }

    /// Polls that wait until their host may be asked.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.fetcher.hosts().waiting()
    }

    /// Learns which hosts want to be left alone from what other processes have stored, now and then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember_hosts(&self) -> Result<(), StoreError> {
        let mut looked_at = self.hosts_looked_at.lock().await;
        if looked_at.is_none_or(|at| at.elapsed() >= HOSTS_LOOK) {
            self.fetcher.hosts().remember(self.store.resting_hosts().await?);
            *looked_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Polls a feed that was claimed and commits the outcome, which gives its lease back.
    ///
    /// # Errors
    /// When the database fails: then it is as if the poll had never been. A feed that fails is no error here.
    pub async fn poll(&self, feed: FeedForPoll) -> Result<Polled, StoreError> {
        self.remember_hosts().await?;
        let announced = self.store.announce();
        let started_at = self.clock.now();
        let asked = self.fetcher.ask(question(&feed, started_at)).await;
        let mut tally = asked.tally;
        let late = asked
            .waited
            .and_then(|waited| lateness(&feed, later(started_at, waited)));
        late.into_iter().for_each(|late| self.metrics.poll_begun(late));
        let is_gone = match &asked.answer {
            Ok(Fetched::Gone(_)) => true,
            Err(e) => matches!(e.status(), Some(404 | 410)),
            Ok(_) => false,
        };
        // What few polls need stands apart in memory: most hold a place of the network and little else.
        let mut found = match asked.answer {
            Ok(Fetched::Later(until, host)) => return self.postpone(feed, until, &host, tally).await,
            _ if is_gone && feed.offered.is_some() && feed.moved.is_none() => {
                Box::pin(self.find_again(&feed, &mut tally)).await?
            }
            Ok(Fetched::Document(document)) => {
                let means = if feed.was_read() {
                    Means::Feed
                } else {
                    Means::FeedOrPage
                };
                Box::pin(self.document(&feed, *document, means, &mut tally)).await?
            }
            Ok(Fetched::NotModified(confirmed)) => Found::not_modified(&feed, *confirmed),
            Ok(Fetched::Gone(words)) => Found::gone(words.as_deref()),
            Err(e) => Found::unanswered(&e),
        };
        if found.proposed.is_none() && self.is_to_be_searched(&feed, &found) {
            found.proposed = Box::pin(self.search_site(&feed, &mut tally)).await;
        }
        drop(announced);
        self.commit(feed, found, tally, started_at).await
    }

    /// Asks for another document that has to do with a feed, wherever it is.
    async fn fetch(&self, feed: &FeedForPoll, url: &FeedUrl, tally: &mut Tally) -> Result<Fetched, FetchError> {
        let question = Question {
            url,
            validators: &Validators::default(),
            ..question(feed, self.clock.now())
        };
        let asked = self.fetcher.ask(question).await;
        tally.add(asked.tally);
        asked.answer
    }

    /// Nobody was asked: the feed comes back when its host may be.
    async fn postpone(
        &self,
        feed: FeedForPoll,
        until: Timestamp,
        host: &str,
        tally: Tally,
    ) -> Result<Polled, StoreError> {
        // Somebody else may have sent us there.
        self.store.count(feed.id, tally, self.clock.now()).await?;
        let at = later(until, spread(feed.id, until, self.limits.min_interval));
        let why = format!("{host} asked to be left alone until {until}");
        self.store.postpone(vec![(feed.id, at, why)]).await?;
        self.metrics.put_off(1);
        self.metrics
            .poll_ended(Outcome::Postponed, None, 0, Committed::default());
        Ok(Polled {
            feed: feed.id,
            name: feed.name,
            outcome: Outcome::Postponed,
            bytes: 0,
            committed: Committed::default(),
            failure: None,
            error: None,
        })
    }

    async fn commit(
        &self,
        feed: FeedForPoll,
        found: Found,
        tally: Tally,
        started_at: Timestamp,
    ) -> Result<Polled, StoreError> {
        let finished_at = self.clock.now();
        let NextPoll { at, reason } = self.next(&feed, &found, finished_at);
        let longest = self.limits.max_interval;
        let sharing = hub::after_poll(feed.pushed, found.has_news(), at, finished_at, longest);
        let (next_poll_at, reason) = match sharing.map(|sharing| sharing.next_poll_at) {
            Some(rarely) if rarely != at => (rarely, hub::REASON.to_owned()),
            _ => (at, reason.to_string()),
        };
        let moving = moves::judge(feed.candidate.as_ref(), &feed.refused, found.trace(&feed), finished_at);
        let wait = next_poll_at
            .map(|at| at.duration_since(finished_at))
            .unwrap_or_default();
        let intent = PollIntent {
            feed: feed.id,
            started_at,
            finished_at,
            outcome: found.outcome,
            status: found.status,
            bytes: found.bytes,
            error: found.error.clone(),
            tally,
            said: (found.fresh_for, found.retry_after),
            validators: found.validators,
            offered: found.offered,
            moving,
            gap: found.gap,
            proposed: found.proposed,
            rhythm: found.rhythm,
            document: found.document,
            next_poll_at,
            pace: pace(wait),
            reason,
            sharing,
        };
        let failure = found.error.as_ref().map(|(failure, _)| *failure);
        let committed = self.stored(intent, failure).await?;
        if committed.new > 0 {
            self.arrived.notify_one();
        }
        if committed.crowd > 0 {
            let crowd = committed.crowd;
            warn!(
                feed.id = feed.id.0,
                "feed {:?} and {crowd} others lead to one address: not moved", feed.name
            );
        }
        match &found.error {
            Some((failure, reason)) => {
                let failure = failure.as_str();
                warn!(feed.id = feed.id.0, failure, "feed {:?} failed: {reason}", feed.name);
            }
            None => debug!(feed.id = feed.id.0, new = committed.new, "polled feed {:?}", feed.name),
        }
        Ok(Polled {
            feed: feed.id,
            name: feed.name,
            outcome: found.outcome,
            bytes: found.bytes,
            committed,
            failure,
            error: found.error.map(|(_, reason)| reason),
        })
    }

    /// Stores the outcome of a poll and counts it. Who gives the poll up meanwhile has both all the same, and never only one of them.
    async fn stored(&self, intent: PollIntent, failure: Option<Failure>) -> Result<Committed, StoreError> {
        let (store, metrics) = (self.store.clone(), Arc::clone(&self.metrics));
        let (outcome, bytes) = (intent.outcome, intent.bytes);
        let stored = tokio::spawn(async move {
            let committed = store.commit_poll(intent).await?;
            metrics.poll_ended(outcome, failure, bytes, committed);
            Ok(committed)
        });
        let broken = Err(StoreError::Closed("storing the outcome of a poll"));
        stored.await.unwrap_or(broken)
    }

    /// When the feed is due again.
    fn next(&self, feed: &FeedForPoll, found: &Found, now: Timestamp) -> NextPoll {
        let rhythm = found.rhythm.as_ref().or(feed.rhythm.as_ref());
        let rhythm = rhythm.and_then(|bytes| Rhythm::from_bytes(bytes));
        let has_failed = found.error.is_some();
        let read = found.document.as_ref().filter(|read| read.is_believed);
        let facts = PollFacts {
            failures: if has_failed { feed.failures.saturating_add(1) } else { 0 },
            failing_since: has_failed.then(|| feed.failing_since.unwrap_or(now)),
            rhythm: rhythm.as_ref(),
            gap: found.gap.is_some(),
            retry_after: found.retry_after,
            // Who fails says nothing of it: what was said last holds for as long as is left of it.
            fresh_for: found
                .fresh_for
                .or_else(|| left_of_freshness(feed, now).filter(|_| has_failed)),
            wishes: read.map_or(feed.wishes, |read| read.facts.wishes),
            gone: matches!(found.error, Some((Failure::Gone, _))),
        };
        next_poll(feed.id, &facts, &self.limits, now)
    }
}

/// For how long the last document stays fresh from now on.
fn left_of_freshness(feed: &FeedForPoll, now: Timestamp) -> Option<Duration> {
    let since = Duration::try_from(now.duration_since(feed.last_success_at?)).unwrap_or_default();
    Some(feed.fresh_for?.saturating_sub(since))
}

/// How late a feed is asked that was due; None: it was not due, or never polled before.
fn lateness(feed: &FeedForPoll, asked_at: Timestamp) -> Option<Duration> {
    Duration::try_from(asked_at.duration_since(feed.due_at?)).ok()
}

fn question(feed: &FeedForPoll, now: Timestamp) -> Question<'_> {
    Question {
        url: feed.address(),
        validators: &feed.validators,
        access: &feed.access,
        home: &feed.url,
        now,
    }
}
