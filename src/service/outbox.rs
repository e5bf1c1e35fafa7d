//! Sends what waits in the outbox: a delivery is struck off only when the server took the mail.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::{Config, DigestConfig};
use crate::model::chain::chain;
use crate::model::clock::{SharedClock, later};
use crate::model::edition::{Delivery, Edition, EditionId};
use crate::model::story::StoryText;
use crate::model::view::View;
use crate::output::RenderedMail;
use crate::output::digest::{DigestMail, render};
use crate::output::mailer::{MailError, Mailer, Retry};
use crate::store::{Store, StoreError};
use crate::telemetry::metrics::{MailState, Metrics};

/// Mails taken at once: whoever stops between two holds none that others could send.
const BATCH: usize = 1;
/// How long a claim holds when its holder dies without a word; longer than any server may take.
const LEASE: Duration = Duration::from_secs(10 * 60);
/// The first wait after a failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);
/// After so many attempts a mail is parked: about two days.
const MAX_ATTEMPTS: u32 = 16;
/// The most stories that a digest can be configured to tell.
const MOST_STORIES: usize = 1000;
/// The longest sleep between two looks.
const LOOK: Duration = Duration::from_secs(60);

/// Sends mails.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    clock: SharedClock,
    digests: Vec<DigestConfig>,
    views: Vec<View>,
    public_url: String,
    mailer: Mailer,
    metrics: Arc<Metrics>,
}

/// What one look at the outbox did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Mails that a server took.
    pub sent: usize,
    /// Mails that are tried again later.
    pub postponed: usize,
    /// Mails that are given up.
    pub parked: usize,
}

impl Outbox {
    /// An outbox by the configuration; `public_url` has no slash at its end.
    ///
    /// # Errors
    /// When the mailer cannot be set up.
    pub fn new(
        store: Store,
        clock: SharedClock,
        config: &Config,
        public_url: &str,
        metrics: Arc<Metrics>,
    ) -> Result<Self, MailError> {
        Ok(Self {
            store,
            clock,
            mailer: Mailer::new(&config.mail)?,
            digests: config.digests.clone(),
            views: config.views.clone(),
            public_url: public_url.to_owned(),
            metrics,
        })
    }

    /// Sends everything that is due.
    ///
    /// # Errors
    /// When the database fails. A server that fails is none: its mails are tried again.
    pub async fn send_due(&self, stop: &CancellationToken) -> Result<Sent, StoreError> {
        let mut sum = Sent::default();
        let mut written: Option<(EditionId, Edition, RenderedMail)> = None;
        while !stop.is_cancelled() {
            let deliveries = self.store.claim_deliveries(self.clock.now(), LEASE, BATCH).await?;
            if deliveries.is_empty() {
                break;
            }
            for delivery in deliveries {
                let current = match written.take().filter(|(id, ..)| *id == delivery.edition) {
                    Some(current) => current,
                    None => {
                        let (edition, stories) = self.store.edition(delivery.edition, MOST_STORIES).await?;
                        let rendered = self.render(&edition, &stories);
                        (delivery.edition, edition, rendered)
                    }
                };
                self.deliver(&delivery, &current.1, &current.2, &mut sum).await?;
                written = Some(current);
            }
        }
        Ok(sum)
    }

    async fn deliver(
        &self,
        delivery: &Delivery,
        edition: &Edition,
        rendered: &RenderedMail,
        sum: &mut Sent,
    ) -> Result<(), StoreError> {
        let mail = self
            .mailer
            .compose(&delivery.recipient, &delivery.message_id, edition.made_at, rendered);
        let sent = match mail {
            Ok(mail) => self.mailer.send(&mail).await,
            Err(e) => Err(e),
        };
        let Err(failure) = sent else {
            self.store.delivery_sent(delivery.id, self.clock.now()).await?;
            info!(
                delivery.id = delivery.id.0,
                "sent digest {:?}, edition {}", edition.digest, edition.number
            );
            sum.sent += 1;
            self.metrics.mail(MailState::Sent);
            return Ok(());
        };
        let next = next_attempt(delivery.attempts, failure.retry(), self.clock.now());
        let reason = chain(&failure);
        match next {
            Some(_) => {
                warn!(
                    delivery.id = delivery.id.0,
                    "digest {:?} waits: {reason}", edition.digest
                );
                sum.postponed += 1;
                self.metrics.mail(MailState::Postponed);
            }
            None => {
                error!(
                    delivery.id = delivery.id.0,
                    "digest {:?} is given up: {reason}", edition.digest
                );
                sum.parked += 1;
                self.metrics.mail(MailState::Parked);
            }
        }
        self.store.delivery_failed(delivery.id, reason, next).await
    }

    /// The mail of an edition. One whose digest is no longer configured is still owed to its readers.
    #[must_use]
    pub fn render(&self, edition: &Edition, stories: &[StoryText]) -> RenderedMail {
        let digest = self.digests.iter().find(|digest| digest.name == edition.digest);
        let view = digest.map_or(edition.digest.as_str(), |digest| digest.view.as_str());
        let title = self
            .views
            .iter()
            .find(|v| v.name == view)
            .map_or(view, |v| v.title.as_str());
        render(&DigestMail {
            edition,
            title,
            zone: digest.map_or(&TimeZone::UTC, |digest| digest.schedule.zone()),
            stories,
            items: digest.map_or(MOST_STORIES, |digest| digest.items),
            feed_url: &format!("{}/feeds/{view}.atom", self.public_url),
        })
    }

    /// The mail of an edition as it would go to its first recipient.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn compose(&self, edition: &Edition, rendered: &RenderedMail, recipient: &str) -> Result<Vec<u8>, MailError> {
        let mail = self
            .mailer
            .compose(recipient, "<preview@localhost>", edition.made_at, rendered)?;
        Ok(mail.as_bytes().to_vec())
    }

    /// Sends what is due until `stop` is given; `told` says that there may be something new.
    pub async fn run(&self, told: &Notify, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.send_due(stop).await {
                Ok(_) => self.until_next().await,
                Err(e) => {
                    error!("mails wait: {}", chain(&e));
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

    async fn until_next(&self) -> Duration {
        match self.store.next_delivery().await {
            Ok(Some(next)) => Duration::try_from(next - self.clock.now())
                .unwrap_or_default()
                .clamp(Duration::from_millis(100), LOOK),
            Ok(None) | Err(_) => LOOK,
        }
    }
}

/// When a mail is tried again after `attempts`; None: never.
fn next_attempt(attempts: u32, retry: Retry, now: Timestamp) -> Option<Timestamp> {
    if retry == Retry::Never || attempts >= MAX_ATTEMPTS {
        return None;
    }
    let doublings = attempts.saturating_sub(1).min(16);
    Some(later(now, FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)))
}

#[cfg(test)]
mod tests {
    use super::{MAX_ATTEMPTS, next_attempt};
    use crate::output::mailer::Retry;
    use jiff::Timestamp;

    #[test]
    fn waits_double_and_end() {
        let minutes =
            |attempts| next_attempt(attempts, Retry::Later, Timestamp::UNIX_EPOCH).map(|at| at.as_second() / 60);
        assert_eq!(
            [1, 2, 3, 9, 15].map(minutes),
            [Some(1), Some(2), Some(4), Some(256), Some(360)]
        );
        assert_eq!(minutes(MAX_ATTEMPTS), None);
        assert_eq!(next_attempt(1, Retry::Never, Timestamp::UNIX_EPOCH), None);
    }
}
