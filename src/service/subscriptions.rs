//! Asks hubs to push the feeds that name them, renews what they agreed to well before it ends, and leaves those that are no longer
//! wanted (WebSub §5). What hubs answer comes through `web/push`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::ingest::fetch::Fetcher;
use crate::ingest::fetch::hub::HubError;
use crate::model::chain::chain;
use crate::model::clock::{SharedClock, later};
use crate::model::feed::{FeedUrl, FeedUrlError};
use crate::model::subscription::{HubRequest, NewSubscription, SubscriptionId, Unsubscribed, Wish};
use crate::store::{Store, StoreError};
use crate::text::signature::to_hex;

/// Hubs asked at once.
const BATCH: usize = 8;
/// How long a claim holds when its holder dies without a word.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// The lease that hubs are asked for, in seconds: ten days.
const LEASE_SECONDS: &str = "864000";
/// The first wait after a failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// The first wait for a hub that has taken a request, and may take its time to come back; it doubles likewise.
const FIRST_PATIENCE: Duration = Duration::from_secs(600);
/// The longest wait between two requests, and the longest that a hub may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// The longest sleep between two looks: new feeds with hubs are found so soon.
const LOOK: Duration = Duration::from_secs(15);

/// Asks hubs.
#[derive(Debug, Clone)]
pub struct Subscriptions {
    store: Store,
    fetcher: Arc<Fetcher>,
    clock: SharedClock,
    base: Option<String>,
}

/// Why a request to a hub failed.
#[derive(Debug, thiserror::Error)]
enum AskError {
    /// The feed names what is no address.
    #[error("the address of the hub")]
    Address(#[from] FeedUrlError),
    /// The hub did not take it.
    #[error(transparent)]
    Hub(#[from] HubError),
}

/// What one look did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Requests that hubs took.
    pub taken: usize,
    /// Requests that are made again later.
    pub failed: usize,
}

impl Subscriptions {
    /// Subscriptions whose hubs call addresses under `base` (without a slash at its end); None: no hub could, so all are left.
    #[must_use]
    pub fn new(store: Store, fetcher: Arc<Fetcher>, clock: SharedClock, base: Option<String>) -> Self {
        Self {
            store,
            fetcher,
            clock,
            base,
        }
    }

    /// Finds what is missing and what is no longer wanted, and asks the hubs that are due.
    ///
    /// # Errors
    /// When the database fails. A hub that fails is none: it is asked again.
    pub async fn look(&self, stop: &CancellationToken) -> Result<Asked, StoreError> {
        let mut sum = Asked::default();
        while !stop.is_cancelled() {
            // Each time anew: leases end while slow hubs are waited for.
            self.compare().await?;
            let requests = self.store.claim_hub_requests(self.clock.now(), LEASE, BATCH).await?;
            if requests.is_empty() {
                break;
            }
            self.ask_all(requests, stop, &mut sum).await?;
        }
        Ok(sum)
    }

    async fn compare(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let missing = self.store.compare_subscriptions(self.base.clone(), now).await?;
        let new: Vec<NewSubscription> = missing.into_iter().filter_map(|of| self.subscription(of)).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.store.add_subscriptions(new, now).await
    }

    /// A subscription with an address and a secret that nobody can guess.
    fn subscription(&self, of: Unsubscribed) -> Option<NewSubscription> {
        let (token, secret) = (unguessable()?, unguessable()?);
        let keeps_secrets = FeedUrl::parse(&of.hub).is_ok_and(|hub| self.fetcher.keeps_secrets(&hub));
        Some(NewSubscription {
            callback: format!("{}/websub/{token}", self.base.as_deref()?),
            secret: if keeps_secrets { secret } else { String::new() },
            token,
            of,
        })
    }

    /// Asks several hubs at once. Those that have not answered when `stop` is given are asked again by the next start.
    async fn ask_all(
        &self,
        requests: Vec<HubRequest>,
        stop: &CancellationToken,
        sum: &mut Asked,
    ) -> Result<(), StoreError> {
        let mut left: Vec<SubscriptionId> = requests.iter().map(|request| request.id).collect();
        let mut asking = JoinSet::new();
        for request in requests {
            let service = self.clone();
            asking.spawn(async move {
                let asked = service.ask(&request).await;
                (request, asked)
            });
        }
        loop {
            let asked = tokio::select! {
                asked = asking.join_next() => asked,
                () = stop.cancelled() => None,
            };
            match asked {
                Some(Ok((request, asked))) => {
                    left.retain(|id| *id != request.id);
                    self.store_answer(&request, asked, sum).await?;
                }
                Some(Err(e)) => error!("a request to a hub broke off and will be made again: {e}"),
                None => break,
            }
        }
        asking.shutdown().await;
        // One that broke off is not given back: it might break off again, at once.
        if stop.is_cancelled() && !left.is_empty() {
            self.store.give_back_hub_requests(left).await?;
        }
        Ok(())
    }

    async fn ask(&self, request: &HubRequest) -> Result<(), AskError> {
        let hub = FeedUrl::parse(&request.hub)?;
        let mut form = vec![
            ("hub.mode", request.wish.as_str()),
            ("hub.topic", &request.topic),
            ("hub.callback", &request.callback),
        ];
        let has_secret = request.wish == Wish::Subscribe && !request.secret.is_empty();
        if request.wish == Wish::Subscribe {
            form.push(("hub.lease_seconds", LEASE_SECONDS));
        }
        if has_secret {
            form.push(("hub.secret", &request.secret));
        }
        let (mut rests, now) = (Vec::new(), self.clock.now());
        let answer = self.fetcher.ask_hub(&hub, &form, has_secret, (&mut rests, now)).await;
        if let Err(e) = self.store.keep_rests(rests, now).await {
            error!("a host is left alone by this process only: {}", chain(&e));
        }
        Ok(answer?)
    }

    async fn store_answer(
        &self,
        request: &HubRequest,
        answer: Result<(), AskError>,
        sum: &mut Asked,
    ) -> Result<(), StoreError> {
        let (wish, hub) = (request.wish.as_str(), &request.hub);
        let retry_after = match &answer {
            Err(AskError::Hub(e)) => e.retry_after(),
            _ => None,
        };
        let next = next_request(request.attempts, answer.is_ok(), retry_after, self.clock.now());
        let reason = match answer {
            Ok(()) => {
                debug!("the hub {hub} took the request to {wish}");
                sum.taken += 1;
                String::new()
            }
            Err(e) => {
                // Hubs like to repeat what they were sent.
                let reason = secrets_of(request).fold(chain(&e), |reason, secret| reason.replace(secret, "..."));
                warn!("the hub {hub} did not take the request to {wish}: {reason}");
                sum.failed += 1;
                reason
            }
        };
        self.store.hub_asked(request.id, reason, next).await
    }

    /// Asks hubs until `stop` is given.
    pub async fn run(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.look(stop).await {
                Ok(_) => self.until_next().await,
                Err(e) => {
                    error!("hubs are not asked: {}", chain(&e));
                    Some(LOOK)
                }
            };
            let Some(wait) = wait else {
                return stop.cancelled().await;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// How long there is nothing to do; None: forever, since no hub can call and all are left.
    async fn until_next(&self) -> Option<Duration> {
        match self.store.next_hub_request().await {
            Ok(Some(next)) => {
                let wait = Duration::try_from(next - self.clock.now()).unwrap_or_default();
                Some(wait.clamp(Duration::from_millis(100), LOOK))
            }
            Ok(None) if self.base.is_none() => None,
            Ok(None) | Err(_) => Some(LOOK),
        }
    }
}

/// What only the hub and this program may know.
fn secrets_of(request: &HubRequest) -> impl Iterator<Item = &str> {
    let token = request.callback.rsplit('/').next().unwrap_or_default();
    [token, request.secret.as_str()]
        .into_iter()
        .filter(|secret| !secret.is_empty())
}

/// 32 random bytes in hexadecimal digits; None, and nobody is subscribed to now, where the system has none.
fn unguessable() -> Option<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .inspect_err(|e| error!("no random numbers, so no hub is asked: {e}"))
        .ok()?;
    Some(to_hex(&bytes))
}

/// When a hub is asked again that does not confirm meanwhile.
fn next_request(attempts: u32, was_taken: bool, retry_after: Option<Duration>, now: Timestamp) -> Timestamp {
    let first = if was_taken { FIRST_PATIENCE } else { FIRST_WAIT };
    let wait = first.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    later(now, wait.max(retry_after.unwrap_or_default()).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{next_request, unguessable};
    use jiff::Timestamp;
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_a_day_and_obey_the_hub_up_to_a_day() {
        let minutes = |attempts, was_taken, hours: u64| {
            let retry_after = (hours > 0).then(|| Duration::from_secs(hours * 3600));
            next_request(attempts, was_taken, retry_after, Timestamp::UNIX_EPOCH).as_second() / 60
        };
        assert_eq!([1, 2, 3, 12].map(|n| minutes(n, false, 0)), [1, 2, 4, 1440]);
        assert_eq!([1, 2, u32::MAX].map(|n| minutes(n, true, 0)), [10, 20, 1440]);
        assert_eq!([2, 100].map(|hours| minutes(1, false, hours)), [120, 1440]);
    }

    #[test]
    fn what_cannot_be_guessed_is_long_and_never_the_same() {
        let (one, other) = (unguessable().unwrap(), unguessable().unwrap());
        assert!(one.len() == 64 && one != other);
    }
}
