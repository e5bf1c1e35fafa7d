//! Asks a hub to push a feed, or to push it no more (WebSub §5.1): a form by POST, under the same rules as every other request.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::LOCATION;
use url::{Host, Url};

use crate::ingest::fetch::error::transport;
use crate::ingest::fetch::signals::{Signals, text};
use crate::ingest::fetch::{EXCERPT_TIME, FetchError, Fetcher, first_words};
use crate::model::feed::{Access, FeedUrl, FeedUrlError};
use crate::model::poll::HostRest;

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 3;

/// Ends of names that mean something only inside a network (RFC 6761, RFC 6762, and the usual ones).
const INSIDE: [&str; 5] = [".localhost", ".local", ".internal", ".lan", ".home.arpa"];

/// Why a hub did not take a request.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No answer, or one from where none may come.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Redirects lead in a circle or too far.
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    /// A redirect leads to where a secret would be read on the way.
    #[error("a redirect leads to {0}, where the secret would be read on the way")]
    Exposed(FeedUrl),
    /// It asked everybody to wait, and is not asked for so long.
    #[error("its host asked to be left alone for {0:#}")]
    Resting(SignedDuration),
    /// It refused.
    #[error("the hub answered {status}{}", .excerpt.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of what came with it, for the operator.
        excerpt: Option<String>,
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
}

impl HubError {
    /// How long the hub asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Resting(wait) => Duration::try_from(*wait).ok(),
            _ => None,
        }
    }
}

impl Fetcher {
    /// Whether a secret stays one on the way to a hub: it is asked over https, or in a network of the operator's own.
    #[must_use]
    pub fn keeps_secrets(&self, hub: &FeedUrl) -> bool {
        let is_own = match hub.as_url().host() {
            Some(Host::Ipv4(ip)) => self.guard.is_allowed(ip.into()),
            Some(Host::Ipv6(ip)) => self.guard.is_allowed(ip.into()),
            Some(Host::Domain(_)) | None => false,
        };
        hub.as_url().scheme() == "https" || is_own
    }

    /// Whether a hub could call an address: it is public by its look, or in a network of the operator's own.
    #[must_use]
    pub fn could_be_called(&self, url: &Url) -> bool {
        let is_inside = |name: &str| !name.contains('.') || INSIDE.iter().any(|end| name.ends_with(end));
        self.guard.check_url(url).is_ok() && !url.domain().is_some_and(is_inside)
    }

    /// Sends a form to a hub. `has_secret`: it goes only where secrets are kept. `now` dates `Retry-After`; `rests` takes what hosts say
    /// to all their guests.
    ///
    /// # Errors
    /// When the hub does not take it.
    pub async fn ask_hub(
        &self,
        hub: &FeedUrl,
        form: &[(&str, &str)],
        has_secret: bool,
        (rests, now): (&mut Vec<HostRest>, Timestamp),
    ) -> Result<(), HubError> {
        let mut address = hub.clone();
        for _ in 0..=MAX_REDIRECTS {
            if has_secret && !self.keeps_secrets(&address) {
                return Err(HubError::Exposed(address));
            }
            self.guard.check_url(address.as_url()).map_err(FetchError::from)?;
            if let Some(until) = self.hosts.resting(address.host(), now) {
                return Err(HubError::Resting(until.duration_since(now)));
            }
            let _entrance = self.hosts.enter(address.host()).await;
            let hop = tokio::time::timeout(self.config.timeout, self.hub_hop(&address, form, now));
            let answer = hop.await.map_err(|_| FetchError::Timeout(self.config.timeout))?;
            if let Err(
                error @ HubError::Refused {
                    status, retry_after, ..
                },
            ) = &answer
                && (*status == 429 || *status == 503 && retry_after.is_some())
            {
                // Its other feeds wait too. Each request keeps its own time in the store.
                rests.extend(self.hosts.strike(address.host(), *retry_after, now, &error.to_string()));
            }
            match answer? {
                None => return Ok(()),
                Some(next) if address.as_url().scheme() == "https" && next.as_url().scheme() == "http" => {
                    return Err(FetchError::Downgrade(next).into());
                }
                Some(next) => address = next,
            }
        }
        Err(HubError::TooManyRedirects)
    }

    /// One request; where it is to be sent instead, if it is.
    async fn hub_hop(
        &self,
        address: &FeedUrl,
        form: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<Option<FeedUrl>, HubError> {
        let lent = self.clients.get(address, &Access::default())?;
        let request = lent.client.post(address.as_url().clone()).form(form);
        let response = request.send().await.map_err(transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(None);
        }
        // RFC 9110 §15.4: with these two a POST stays a POST, and its form goes along.
        if let (307 | 308, Some(location)) = (status.as_u16(), text(response.headers(), LOCATION)) {
            let next = address.as_url().join(&location);
            let next = next.map_err(|e| FeedUrlError::NotAbsolute(e.to_string()));
            let next = next.and_then(FeedUrl::from_url).map_err(FetchError::from)?;
            return Ok(Some(next));
        }
        let retry_after = Signals::read(response.headers(), now).retry_after;
        Err(HubError::Refused {
            status: status.as_u16(),
            excerpt: first_words(response, EXCERPT_TIME).await,
            retry_after,
        })
    }
}
