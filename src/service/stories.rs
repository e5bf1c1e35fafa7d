//! Compares the items that wait, in order of arrival, and gives them their stories.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use crate::model::chain::chain;
use crate::model::clock::SharedClock;
use crate::store::judge::Judge;
use crate::store::places::Placed;
use crate::store::{Store, StoreError};
use crate::story::{boilerplate, fingerprint, grouping, matching};
use crate::telemetry::metrics::Metrics;

/// Items placed in one transaction.
const BATCH: usize = 500;
/// How long it waits for more after one has arrived: many items cost little more than one.
const GATHER: Duration = Duration::from_millis(50);
/// How often it looks although nobody told it to: another process may have polled.
const LOOK: Duration = Duration::from_secs(30);

/// Gives stories their places.
#[derive(Debug, Clone)]
pub struct Stories {
    store: Store,
    clock: SharedClock,
    arrived: Arc<Notify>,
    /// Told when items have got their places.
    placed: Arc<Notify>,
    metrics: Arc<Metrics>,
    judge: Judge,
}

/// What decides of stories: the rules of [`crate::story`]. Feeds that match `prefer` lead where nothing else decides.
#[must_use]
pub fn judge(prefer: Arc<[String]>) -> Judge {
    Judge {
        compare: matching::compare,
        recurring: boilerplate::recurring,
        looked_at: boilerplate::LOOKED_AT,
        mark: fingerprint::mark_of,
        groups: grouping::groups,
        leader: grouping::leader,
        prefer,
    }
}

impl Stories {
    /// `arrived` tells that there are items without a story, `placed` is told that they have one.
    #[must_use]
    pub fn new(
        store: Store,
        clock: SharedClock,
        (arrived, placed): (Arc<Notify>, Arc<Notify>),
        metrics: Arc<Metrics>,
        judge: Judge,
    ) -> Self {
        Self {
            store,
            clock,
            arrived,
            placed,
            metrics,
            judge,
        }
    }

    /// Places every item that waits. One that cannot be compared opens a story of its own: it would keep all others waiting.
    ///
    /// # Errors
    /// When the database fails; what was placed before stays placed.
    pub async fn place_all(&self) -> Result<Placed, StoreError> {
        let (mut sum, mut limit) = (Placed::default(), BATCH);
        loop {
            let now = self.clock.now();
            let placed = match self.store.place_arrivals(limit, now, &self.judge).await {
                Err(e) if e.is_fault_of_work() && limit > 1 => {
                    limit = (limit / 8).max(1);
                    continue;
                }
                Err(e) if e.is_fault_of_work() => {
                    error!("an item cannot be compared with others: {}", chain(&e));
                    self.store.place_uncompared(now, &self.judge).await?
                }
                placed => placed?,
            };
            limit = BATCH.min(limit * 2);
            self.metrics.stories_placed(placed.stories);
            sum.items += placed.items;
            sum.stories += placed.stories;
            // What was learned in one round may leave others in doubt, for the next.
            if placed.items == 0 {
                return Ok(sum);
            }
        }
    }

    /// Places items as they arrive, until `stop` is given; then those that are left.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut have_arrived = false;
        loop {
            match self.place_all().await {
                Ok(placed) => {
                    // Most have got their places when they were stored.
                    let have_come = std::mem::take(&mut have_arrived);
                    if placed.items > 0 || have_come {
                        debug!(items = placed.items, stories = placed.stories, "compared what waited");
                        self.placed.notify_one();
                    }
                }
                Err(e) => error!("stories wait for their places: {}", chain(&e)),
            }
            if stop.is_cancelled() {
                if let Err(e) = self.store.finish_marks().await {
                    error!("the next process has more to write: {}", chain(&e));
                }
                return;
            }
            have_arrived |= tokio::select! {
                () = self.arrived.notified() => {
                    // Either way it goes on: the time is over, or it is to stop.
                    let _ = tokio::time::timeout(GATHER, stop.cancelled()).await;
                    true
                }
                () = tokio::time::sleep(LOOK) => false,
                () = stop.cancelled() => false,
            }
        }
    }
}
