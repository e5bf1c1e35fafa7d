//! A document that a hub has pushed.

use tracing::debug;

use crate::ingest::cadence::pace;
use crate::ingest::fetch::Document;
use crate::ingest::hub;
use crate::model::feed::FeedForPoll;
use crate::model::poll::{Committed, Outcome, Tally};
use crate::model::subscription::{PushId, PushIntent};
use crate::service::poll::found::{Found, Means};
use crate::service::poll::{Polled, Poller};
use crate::store::StoreError;

impl Poller {
    /// Takes in a document that a hub has pushed, for a feed that was claimed, and gives the lease back.
    ///
    /// Hubs are believed about items, and many bring only those that are new; of the feed itself only its publisher speaks. So what
    /// polls know of the last document, its validators and failures stays as it was. A document that cannot be read is no failure of
    /// the feed; the caller strikes it off.
    ///
    /// # Errors
    /// When the database fails: then it is as if nothing had come.
    pub async fn pushed(&self, feed: FeedForPoll, push: PushId, document: Document) -> Result<Polled, StoreError> {
        let mut polled = Polled {
            feed: feed.id,
            name: feed.name.clone(),
            outcome: Outcome::Failed,
            bytes: document.bytes.len() as u64,
            committed: Committed::default(),
            failure: None,
            error: None,
        };
        let found = match self
            .understood(&feed, document, Means::Part, &mut Tally::default())
            .await?
        {
            Ok(found) => found,
            Err(unread) => {
                self.store.give_back(vec![feed.id]).await?;
                self.metrics.push_ignored();
                polled.failure = Some(unread.failure);
                polled.error = Some(unread.reason);
                return Ok(polled);
            }
        };
        polled.outcome = found.outcome;
        let intent = self.push_intent(&feed, push, found);
        polled.committed = self.store.commit_push(intent).await?;
        self.metrics.push_accepted(polled.bytes, polled.committed);
        let new = polled.committed.new;
        if new > 0 {
            self.arrived.notify_one();
        }
        debug!(feed.id = feed.id.0, new, "a hub pushed feed {:?}", feed.name);
        Ok(polled)
    }

    /// A hub said that there is something new, and no more.
    pub fn hinted(&self) {
        self.metrics.push_hinted();
    }

    fn push_intent(&self, feed: &FeedForPoll, push: PushId, found: Found) -> PushIntent {
        let now = self.clock.now();
        let sharing = hub::after_push(
            feed.pushed,
            found.has_news(),
            feed.due_at,
            now,
            self.limits.max_interval,
        );
        let wait = sharing
            .next_poll_at
            .map(|at| at.duration_since(now))
            .unwrap_or_default();
        let pushed = found.document.as_ref().map(|read| read.entry_marks.clone());
        let entry_marks = feed.entry_marks.as_ref().map(|last| {
            let mut marks = pushed.unwrap_or_default();
            marks.join(last);
            marks
        });
        PushIntent {
            push,
            feed: feed.id,
            read_at: now,
            changes: found.document.map(|read| read.changes).unwrap_or_default(),
            entry_marks,
            rhythm: found.rhythm,
            sharing,
            pace: pace(wait),
            reason: (sharing.next_poll_at != feed.due_at).then(|| hub::REASON.to_owned()),
        }
    }
}
