//! Makes the editions of digests when they are due: each story in exactly one, and one late edition instead of many.

use std::time::Duration;

use jiff::Timestamp;
use lettre::message::Mailbox;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::{Config, DigestConfig};
use crate::model::clock::SharedClock;
use crate::model::edition::Edition;
use crate::model::story::StoryText;
use crate::model::view::View;
use crate::store::editions::NewEdition;
use crate::store::{Store, StoreError};
use crate::story::selection::stories_of_view;
use crate::text::hash::hash_of;

/// The longest sleep between two looks at the clock.
const LOOK: Duration = Duration::from_secs(20);

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

    /// Makes an edition of each digest that is due, and returns when the next one is due; None: there are no digests.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn make_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut next: Option<Timestamp> = None;
        for (digest, view) in &self.digests {
            let now = self.clock.now();
            let Some(coming) = digest.schedule.next_after(now) else {
                continue;
            };
            let mut due = self
                .store
                .digest_due(digest.name.clone(), schedule_of(digest), coming)
                .await?;
            if now >= due {
                self.make(digest, view, Some(coming)).await?;
                due = coming;
            }
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        Ok(next)
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

    /// What the next edition of a digest would hold, newest first, with its interval.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn preview(&self, name: &str) -> Result<Option<(Edition, Vec<StoryText>)>, StoreError> {
        let Some((digest, view)) = self.digests.iter().find(|(digest, _)| digest.name == name) else {
            return Ok(None);
        };
        let (after, editions) = self.store.edition_end(digest.name.clone()).await?;
        let upto = self.store.last_seq().await?;
        let stories = stories_of_view(&self.store, view, after, Some(upto), None).await?;
        let edition = Edition {
            id: crate::model::edition::EditionId(0),
            digest: digest.name.clone(),
            number: editions + 1,
            after,
            upto,
            made_at: self.clock.now(),
        };
        Ok(Some((edition, stories)))
    }

    async fn make(
        &self,
        digest: &DigestConfig,
        view: &View,
        next_due: Option<Timestamp>,
    ) -> Result<Option<Edition>, StoreError> {
        let (after, editions) = self.store.edition_end(digest.name.clone()).await?;
        let upto = self.store.last_seq().await?;
        let stories = stories_of_view(&self.store, view, after, Some(upto), None).await?;
        if stories.is_empty() && digest.skip_if_empty {
            if let Some(next) = next_due {
                self.store.postpone_digest(digest.name.clone(), next).await?;
            }
            info!("digest {:?}: nothing new", digest.name);
            return Ok(None);
        }
        let recipients = digest.to.iter().map(ToString::to_string);
        let edition = NewEdition {
            digest: digest.name.clone(),
            after,
            upto,
            stories: stories.iter().map(|story| story.id).collect(),
            deliveries: recipients
                .map(|to| (to.clone(), self.message_id(digest, editions + 1, &to)))
                .collect(),
            made_at: self.clock.now(),
        };
        let made = self.store.make_edition(edition, next_due).await?;
        if let Some(edition) = &made {
            info!(
                stories = stories.len(),
                "digest {:?}: edition {} is made", digest.name, edition.number
            );
        }
        Ok(made)
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
                Ok(Some(next)) => Duration::try_from(next - self.clock.now())
                    .unwrap_or_default()
                    .min(LOOK),
                Ok(None) => LOOK,
                Err(e) => {
                    error!("digests wait: {:#}", anyhow::Error::from(e));
                    LOOK
                }
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
