//! Makes the editions of digests when they are due: each story in exactly one, and one late edition instead of many.

use std::time::Duration;

use jiff::Timestamp;
use lettre::message::Mailbox;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::{Config, DigestConfig};
use crate::model::chain::chain;
use crate::model::clock::{SharedClock, later};
use crate::model::edition::{Edition, EditionId};
use crate::model::story::StoryText;
use crate::model::view::View;
use crate::store::editions::NewEdition;
use crate::store::{Store, StoreError};
use crate::story::selection::{arrived_stories, last_arrival};
use crate::text::hash::hash_of;

/// The longest sleep between two looks at the clock.
const LOOK: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(86_400);

/// Makes editions.
#[derive(Debug)]
pub struct Digests {
    store: Store,
    clock: SharedClock,
    digests: Vec<(DigestConfig, View)>,
    sender: Mailbox,
}

impl Digests {
    /// The digests of a configuration.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, config: &Config) -> Self {
        let view_of = |digest: &DigestConfig| config.views.iter().find(|view| view.name == digest.view).cloned();
        Self {
            store,
            clock,
            digests: config
                .digests
                .iter()
                .filter_map(|digest| Some((digest.clone(), view_of(digest)?)))
                .collect(),
            sender: config.mail.from.clone(),
        }
    }

    /// Makes an edition of each digest that is due, and returns when the next one is due; None: none is known to be.
    pub async fn make_due(&self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        for (digest, view) in &self.digests {
            match self.make_if_due(digest, view).await {
                Ok(due) => next = Some(next.map_or(due, |next| next.min(due))),
                // One digest that fails keeps no other waiting.
                Err(e) => error!("digest {:?} waits: {}", digest.name, chain(&e)),
            }
        }
        next
    }

    async fn make_if_due(&self, digest: &DigestConfig, view: &View) -> Result<Timestamp, StoreError> {
        let now = self.clock.now();
        // A schedule that ends is due no more: it is looked at again in a day.
        let coming = digest.schedule.next_after(now).unwrap_or_else(|| later(now, DAY));
        let due = self
            .store
            .digest_due(digest.name.clone(), schedule_of(digest), coming)
            .await?;
        if now < due {
            return Ok(due);
        }
        self.make(digest, view, Some(coming)).await?;
        Ok(coming)
    }

    /// Makes the edition of a digest now, due or not; when it is due next does not change. None: nothing is new, and the digest is
    /// not to be sent empty.
    ///
    /// # Errors
    /// When the database fails, or there is no such digest.
    pub async fn make_now(&self, name: &str) -> Result<Option<Edition>, StoreError> {
        match self.digests.iter().find(|(digest, _)| digest.name == name) {
            Some((digest, view)) => self.make(digest, view, None).await,
            None => Ok(None),
        }
    }

    /// What the next edition of a digest would tell: it and its first stories. None: there is no such digest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preview(&self, name: &str) -> Result<Option<(Edition, Vec<StoryText>)>, StoreError> {
        let Some((digest, view)) = self.digests.iter().find(|(digest, _)| digest.name == name) else {
            return Ok(None);
        };
        let new = self.next_edition(digest, view).await?;
        let edition = Edition {
            id: EditionId(0),
            digest: new.digest,
            number: new.number,
            after: new.after,
            upto: new.upto,
            stories: new.stories.len(),
            made_at: new.made_at,
        };
        let told = new.stories.into_iter().take(digest.items).collect();
        Ok(Some((edition, self.store.stories_by_id(told).await?)))
    }

    async fn make(
        &self,
        digest: &DigestConfig,
        view: &View,
        next_due: Option<Timestamp>,
    ) -> Result<Option<Edition>, StoreError> {
        let edition = self.next_edition(digest, view).await?;
        if edition.stories.is_empty() && digest.skip_if_empty {
            self.store
                .skip_edition(digest.name.clone(), edition.upto, next_due)
                .await?;
            info!("digest {:?}: nothing new", digest.name);
            return Ok(None);
        }
        let made = self.store.make_edition(edition, next_due).await?;
        if let Some(edition) = &made {
            info!(
                stories = edition.stories,
                "digest {:?}: edition {} is made", digest.name, edition.number
            );
        }
        Ok(made)
    }

    async fn next_edition(&self, digest: &DigestConfig, view: &View) -> Result<NewEdition, StoreError> {
        let (after, editions) = self.store.edition_end(digest.name.clone()).await?;
        let now = self.clock.now();
        let upto = last_arrival(&self.store, view, after, now).await?;
        let number = editions + 1;
        let recipients = digest.to.iter().map(ToString::to_string);
        Ok(NewEdition {
            digest: digest.name.clone(),
            number,
            after,
            upto,
            stories: arrived_stories(&self.store, view, (after, upto)).await?,
            deliveries: recipients
                .map(|to| (to.clone(), self.message_id(digest, number, &to)))
                .collect(),
            made_at: now,
        })
    }

    /// The same for the same digest, edition and recipient (RFC 5322 §3.6.4).
    fn message_id(&self, digest: &DigestConfig, number: i64, recipient: &str) -> String {
        let hash = hash_of([digest.name.as_str(), &number.to_string(), recipient].into_iter());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("<{}.{number}.{hash}@{}>", digest.name, self.sender.email.domain())
    }

    /// Makes editions when they are due, until `stop` is given, and tells `outbox` of each.
    pub async fn run(&self, outbox: &Notify, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.make_due().await {
                Some(next) => Duration::try_from(next.duration_since(self.clock.now()))
                    .unwrap_or_default()
                    .min(LOOK),
                None => LOOK,
            };
            outbox.notify_one();
            tokio::select! {
                () = tokio::time::sleep(wait.max(Duration::from_millis(100))) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// A digest whose schedule or zone was changed is due by the new one.
fn schedule_of(digest: &DigestConfig) -> String {
    let zone = digest.schedule.zone().iana_name().unwrap_or_default();
    format!("{} {zone}", digest.schedule.as_str())
}
