//! Polls what is due: claims feeds in batches, keeps a bounded number of polls under way, and sleeps until the next is due.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::ingest::fetch::hosts::Place;
use crate::model::chain::chain;
use crate::model::clock::SharedClock;
use crate::model::feed::FeedId;
use crate::model::heartbeat::Heartbeat;
use crate::service::poll::{Polled, Poller};
use crate::store::due::Wanted;
use crate::store::{Store, StoreError};
use crate::telemetry::metrics::Metrics;

/// Polls under way for each that may be on the network: the others wait for their host.
const WAITING_PER_POLL: usize = 4;
/// How long a claim holds when its holder dies without a word.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// The longest sleep: so often, at least, the scheduler shows that it lives.
const BEAT: Duration = Duration::from_secs(15);
/// The shortest time between two looks for feeds that are due.
const SHORTEST_LOOK: Duration = Duration::from_millis(100);
/// How long polls under way may take to end when the program stops.
const GRACE: Duration = Duration::from_secs(3);

/// Polls what is due.
#[derive(Debug, Clone)]
pub struct Scheduler {
    store: Store,
    poller: Arc<Poller>,
    clock: SharedClock,
    /// Polls that may be on the network.
    concurrency: usize,
    beat: Arc<Heartbeat>,
    metrics: Arc<Metrics>,
}

/// Polls under way, and whose they are.
#[derive(Debug, Default)]
struct Polls {
    tasks: JoinSet<Result<Polled, StoreError>>,
    feeds: HashMap<task::Id, FeedId>,
}

type Done = Result<(task::Id, Result<Polled, StoreError>), JoinError>;

impl Polls {
    fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The next poll that ends; None when none is under way. A fault in one of them is logged here.
    async fn next(&mut self) -> Option<Option<Polled>> {
        let done = self.tasks.join_next_with_id().await?;
        Some(self.ended(done))
    }

    /// The next that has ended already.
    fn try_next(&mut self) -> Option<Option<Polled>> {
        let done = self.tasks.try_join_next_with_id()?;
        Some(self.ended(done))
    }

    fn ended(&mut self, done: Done) -> Option<Polled> {
        match done {
            Ok((id, polled)) => {
                self.feeds.remove(&id);
                polled
                    .inspect_err(|e| error!("a poll was not stored and will be done again: {}", chain(e)))
                    .ok()
            }
            Err(e) => {
                self.feeds.remove(&e.id());
                error!("a poll broke off and will be done again: {e}");
                None
            }
        }
    }
}

impl Scheduler {
    /// A scheduler that has up to `concurrency` polls on the network.
    #[must_use]
    pub fn new(
        store: Store,
        poller: Arc<Poller>,
        clock: SharedClock,
        concurrency: usize,
        beat: Arc<Heartbeat>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            poller,
            clock,
            concurrency,
            beat,
            metrics,
        }
    }

    /// Polls these feeds, due or not (None: those that are due), and returns when all are done or `stop` is given.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn round(
        &self,
        mut feeds: Option<Vec<FeedId>>,
        stop: &CancellationToken,
        mut seen: impl FnMut(&Polled) + Send,
    ) -> Result<(), StoreError> {
        let mut polls = Polls::default();
        let mut exhausted = false;
        while !stop.is_cancelled() {
            while let Some(free) = self.room(&polls).filter(|_| !exhausted && !stop.is_cancelled()) {
                let (wanted, last) = match &mut feeds {
                    None => (Wanted::Due, false),
                    Some(ids) => {
                        let batch = ids.split_off(ids.len().saturating_sub(free));
                        (Wanted::These(batch), ids.is_empty())
                    }
                };
                let claimed = self.claim(wanted, free, false, &mut polls).await?;
                exhausted = last || (feeds.is_none() && claimed < free);
            }
            tokio::select! {
                done = polls.next() => match done {
                    Some(Some(polled)) => seen(&polled),
                    Some(None) => {}
                    None if exhausted => return Ok(()),
                    None => {}
                },
                () = stop.cancelled() => {}
            }
        }
        self.wind_down(polls, seen).await
    }

    /// Polls what is due until `stop` is given. A database that fails for a while is tried again.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut polls = Polls::default();
        let mut look = Instant::now();
        while !stop.is_cancelled() {
            self.beat.beat(self.clock.now());
            if look <= Instant::now()
                && let Some(free) = self.room(&polls)
            {
                let wait = self.top_up(free, &mut polls).await.unwrap_or_else(|e| {
                    error!("cannot look for feeds that are due: {}", chain(&e));
                    BEAT
                });
                look = Instant::now() + wait;
            }
            tokio::select! {
                Some(_) = polls.next() => {}
                () = tokio::time::sleep_until(look.max(Instant::now() + SHORTEST_LOOK)) => {}
                () = stop.cancelled() => {}
            }
            // Many may end at once: all that have ended make room before more are claimed.
            while polls.try_next().is_some() {}
            self.metrics.polls_now(polls.len(), self.poller.waiting());
        }
        if let Err(e) = self.wind_down(polls, |_| {}).await {
            error!("cannot give back feeds that were being polled: {}", chain(&e));
        }
        self.metrics.polls_now(0, 0);
    }

    /// How many more are claimed, if any: many at once, and early enough that those under way are never all waiting to be written; but
    /// not so many that the first would wait for the last to be claimed.
    fn room(&self, polls: &Polls) -> Option<usize> {
        let under_way = polls.len() + self.concurrency;
        (under_way <= self.concurrency * WAITING_PER_POLL).then_some(self.concurrency)
    }

    /// Claims up to so many of those that are due, and says how long there is nothing to claim.
    async fn top_up(&self, free: usize, polls: &mut Polls) -> Result<Duration, StoreError> {
        self.poller.remember_hosts().await?;
        let claimed = self.claim(Wanted::Due, free, true, polls).await?;
        if claimed == free {
            // There is more: as soon as there is room.
            return Ok(Duration::ZERO);
        }
        if claimed > 0 {
            // Where one was due, another is soon: to look for it costs more than to try.
            return Ok(SHORTEST_LOOK);
        }
        let wait = match self.store.next_due(self.clock.now()).await? {
            Some(due) => Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default(),
            None => BEAT,
        };
        Ok(wait.clamp(SHORTEST_LOOK, BEAT))
    }

    /// Claims feeds and begins to poll them. Where `by_host`, those whose host has enough others waiting get another time.
    async fn claim(&self, wanted: Wanted, limit: usize, by_host: bool, polls: &mut Polls) -> Result<usize, StoreError> {
        let feeds = self.store.claim(wanted, self.clock.now(), LEASE, limit).await?;
        let claimed = feeds.len();
        let under_way: HashSet<FeedId> = polls.feeds.values().copied().collect();
        let mut postponed = Vec::new();
        for feed in feeds {
            // A claim that ran out while its poll waits for the host is renewed by this one, and the poll goes on.
            if under_way.contains(&feed.id) {
                continue;
            }
            let ticket = match by_host.then(|| self.poller.place(&feed)) {
                Some(Place::Later(at, why)) => {
                    postponed.push((feed.id, at, why.to_owned()));
                    continue;
                }
                Some(Place::Here(ticket)) => Some(ticket),
                None => None,
            };
            let (id, poller) = (feed.id, Arc::clone(&self.poller));
            let task = polls.tasks.spawn(async move {
                let _ticket = ticket;
                Box::pin(poller.poll(feed)).await
            });
            polls.feeds.insert(task.id(), id);
        }
        if !postponed.is_empty() {
            self.metrics.put_off(postponed.len());
            self.store.postpone(postponed).await?;
        }
        Ok(claimed)
    }

    /// Lets polls under way end for a while. Those that do not are dropped before they write, and given back.
    async fn wind_down(&self, mut polls: Polls, mut seen: impl FnMut(&Polled) + Send) -> Result<(), StoreError> {
        let ending = async {
            while let Some(done) = polls.next().await {
                done.iter().for_each(&mut seen);
            }
        };
        // That the time ran out is no news: what is left is looked at below.
        let _ = tokio::time::timeout(GRACE, ending).await;
        polls.tasks.shutdown().await;
        let left: Vec<FeedId> = polls.feeds.into_values().collect();
        if left.is_empty() {
            Ok(())
        } else {
            self.store.give_back(left).await
        }
    }
}
