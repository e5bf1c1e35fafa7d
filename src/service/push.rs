//! Reads the inbox: hands each document that a hub has pushed to the poller, as soon as nobody polls its feed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::config::PollConfig;
use crate::ingest::cadence::first_welcome;
use crate::ingest::fetch::{Document, Signals};
use crate::model::chain::chain;
use crate::model::clock::SharedClock;
use crate::model::feed::{FeedForPoll, FeedId};
use crate::model::subscription::Push;
use crate::service::poll::{Polled, Poller};
use crate::store::due::Wanted;
use crate::store::{Store, StoreError};

/// How long a claim holds when its holder dies without a word.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// The longest sleep between two looks.
const LOOK: Duration = Duration::from_secs(15);
/// How soon a feed is looked at again that was being polled.
const BUSY: Duration = Duration::from_secs(1);

/// Reads what hubs have pushed.
#[derive(Debug)]
pub struct Pushes {
    store: Store,
    poller: Arc<Poller>,
    clock: SharedClock,
    /// The shortest wait between two polls, however often a hub says that there is something new.
    min_interval: Duration,
}

/// What one look into the inbox did.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Documents that were handed to the poller, and what became of them.
    pub documents: Vec<Polled>,
    /// Whether others wait for feeds that are being polled.
    pub others_wait: bool,
}

impl Pushes {
    /// A reader of the inbox.
    #[must_use]
    pub fn new(store: Store, poller: Arc<Poller>, clock: SharedClock, limits: &PollConfig) -> Self {
        Self {
            store,
            poller,
            clock,
            min_interval: limits.min_interval,
        }
    }

    /// Reads what waits, but for feeds that are being polled.
    ///
    /// # Errors
    /// When the database fails: what was not read waits.
    pub async fn read(&self, stop: &CancellationToken) -> Result<Received, StoreError> {
        let (feeds, others_wait) = self.store.pushed_feeds(self.clock.now()).await?;
        let mut received = Received {
            others_wait,
            ..Received::default()
        };
        for id in feeds {
            while !stop.is_cancelled()
                && let Some(feed) = self.claim(id, &mut received).await?
            {
                let Some(push) = self.store.next_push(id).await? else {
                    self.store.give_back(vec![id]).await?;
                    break;
                };
                match self.hand_over(feed, push).await {
                    Ok(polled) => received.documents.extend(polled),
                    Err(e) => {
                        self.store.give_back(vec![id]).await?;
                        return Err(e);
                    }
                }
            }
        }
        Ok(received)
    }

    /// The feed, unless somebody is polling it (by now).
    async fn claim(&self, id: FeedId, received: &mut Received) -> Result<Option<FeedForPoll>, StoreError> {
        let wanted = Wanted::These(vec![id]);
        let claimed = self.store.claim(wanted, self.clock.now(), LEASE, 1).await?.pop();
        received.others_wait |= claimed.is_none();
        Ok(claimed)
    }

    /// Has a push read, and strikes it off; it gives back the feed.
    async fn hand_over(&self, feed: FeedForPoll, push: Push) -> Result<Option<Polled>, StoreError> {
        let Some(bytes) = push.body else {
            self.store.give_back(vec![push.feed]).await?;
            let now = self.clock.now();
            self.store
                .poll_soon(push.feed, self.min_interval, now, first_welcome)
                .await?;
            self.poller.hinted();
            self.store.strike_off_push(push.id, push.feed, None, now).await?;
            return Ok(None);
        };
        let document = Document {
            bytes,
            content_type: push.content_type,
            address: feed.address().clone(),
            moved_to: None,
            links: Vec::new(),
            signals: Signals::default(),
        };
        let polled = self.poller.pushed(feed, push.id, document).await?;
        if let Some(reason) = &polled.error {
            let reason = format!("what it pushed: {reason}");
            let now = self.clock.now();
            self.store
                .strike_off_push(push.id, push.feed, Some(reason), now)
                .await?;
        }
        Ok(Some(polled))
    }

    /// Reads what comes until `stop` is given; `told` says that something has come.
    pub async fn run(&self, told: &Notify, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.read(stop).await {
                Ok(received) if received.others_wait => BUSY,
                Ok(_) => LOOK,
                Err(e) => {
                    error!("pushed documents wait: {}", chain(&e));
                    LOOK
                }
            };
            tokio::select! {
                () = told.notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
