//! Feeds that are not where they are said to be: on the page that offers them, or somewhere else on the site.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::ingest::fetch::{Document, Fetched};
use crate::ingest::{self};
use crate::model::chain::chain;
use crate::model::feed::{FeedForPoll, FeedUrl};
use crate::model::poll::{Failure, Tally};
use crate::service::poll::Poller;
use crate::service::poll::found::{Found, Means, Unread};
use crate::store::StoreError;

/// A feed that has been missing for so long is looked for on its site, and so often.
const SEARCH_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Poller {
    /// A document of the feed, or of the page that its address leads to: then the feed that the page offers is asked, and from now on.
    pub(super) async fn document(
        &self,
        feed: &FeedForPoll,
        document: Document,
        means: Means,
        tally: &mut Tally,
    ) -> Result<Found, StoreError> {
        let signals = document.signals.clone();
        let unread = match self.understood(feed, document, means, tally).await? {
            Ok(found) => return Ok(found),
            Err(unread) => unread,
        };
        // What the publisher asks for counts, whatever came with it.
        let failure = |failure, reason| Found {
            bytes: unread.bytes,
            retry_after: signals.retry_after,
            fresh_for: signals.fresh_for,
            ..Found::failed(failure, reason, Some(200))
        };
        let Some(offer) = unread.offer else {
            return Ok(failure(unread.failure, unread.reason));
        };
        if feed.offered.as_ref() == Some(&offer) {
            let reason = format!("the page still offers the feed {offer}, which is gone");
            return Ok(failure(Failure::Missing, reason));
        }
        let found = |reason: &str| format!("the page offers the feed {offer}, but {reason}");
        match self.fetch(feed, &offer, tally).await {
            Ok(Fetched::Document(document)) => match self.understood(feed, *document, Means::Feed, tally).await? {
                Ok(found) if feed.offered.is_some() && !found.is_same => Ok(Found {
                    proposed: Some(offer.to_string()),
                    ..failure(
                        Failure::Missing,
                        format!("the page offers the feed {offer} now, which has other entries"),
                    )
                }),
                Ok(found) => Ok(Found {
                    bytes: found.bytes + unread.bytes,
                    offered: Some(offer),
                    moved_to: None,
                    ..found
                }),
                Err(Unread {
                    failure: name, reason, ..
                }) => Ok(failure(name, found(&reason))),
            },
            Ok(Fetched::Later(until, host)) => Ok(self.turned_away(until, &host)),
            Ok(_) => Ok(failure(Failure::Missing, found("it has no document"))),
            Err(e) => Ok(Found {
                error: Some((e.failure(), found(&chain(&e)))),
                ..Found::unanswered(&e)
            }),
        }
    }

    /// The feed that a page offered is no more: the page may offer another by now.
    pub(super) async fn find_again(&self, feed: &FeedForPoll, tally: &mut Tally) -> Result<Found, StoreError> {
        match self.fetch(feed, &feed.url, tally).await {
            Ok(Fetched::Document(document)) => {
                let found = self.document(feed, *document, Means::FeedOrPage, tally).await?;
                // The page has become the feed.
                let offered = found.error.is_none().then(|| feed.url.clone());
                Ok(Found {
                    offered: found.offered.or(offered),
                    ..found
                })
            }
            Ok(Fetched::Later(until, host)) => Ok(self.turned_away(until, &host)),
            Ok(Fetched::Gone(words)) => Ok(Found::gone(words.as_deref())),
            Ok(_) => Ok(Found::failed(
                Failure::Missing,
                "its page has no document".to_owned(),
                None,
            )),
            Err(e) => Ok(Found::unanswered(&e)),
        }
    }

    /// A host that had to be asked wants to be left alone: another try when that is over.
    fn turned_away(&self, until: Timestamp, host: &str) -> Found {
        let reason = format!("{host} asked to be left alone until {until}");
        let wait = until.duration_since(self.clock.now());
        Found {
            retry_after: Duration::try_from(wait).ok(),
            ..Found::failed(Failure::Throttled, reason, None)
        }
    }

    /// Whether a feed has been missing for long, or is gone for good, and was not looked for lately.
    pub(super) fn is_to_be_searched(&self, feed: &FeedForPoll, found: &Found) -> bool {
        let now = self.clock.now();
        let is_long_ago = |since| now.duration_since(since) >= SEARCH_AFTER;
        let is_missing = match found.error {
            Some((Failure::Gone, _)) => true,
            Some((Failure::Missing | Failure::WebPage, _)) => feed.failing_since.is_some_and(is_long_ago),
            _ => false,
        };
        is_missing && feed.searched_at.is_none_or(is_long_ago)
    }

    /// Looks for a feed on the page of its site. What is found is for the operator to decide; empty: nothing is. None: there is no site.
    pub(super) async fn search_site(&self, feed: &FeedForPoll, tally: &mut Tally) -> Option<String> {
        let now = self.clock.now();
        let page = self.site_of(feed)?;
        let document = match self.fetch(feed, &page, tally).await {
            Ok(Fetched::Document(document)) => document,
            Ok(Fetched::Later(..)) => return None,
            _ => return Some(String::new()),
        };
        let input = ingest::Input {
            bytes: &document.bytes,
            content_type: &document.content_type,
            address: document.address.as_url(),
            manner: &feed.manner,
            offset_minutes: None,
            now,
        };
        let offers = ingest::offers(&input, &document.links).into_iter();
        let other = offers.map(|offer| offer.url).find(|url| url != feed.address());
        Some(other.map(|url| url.to_string()).unwrap_or_default())
    }

    /// The page of the site that a feed names, else the beginning of its host.
    fn site_of(&self, feed: &FeedForPoll) -> Option<FeedUrl> {
        let named = FeedUrl::parse(&feed.site_link).ok();
        named.or_else(|| FeedUrl::from_url(Url::join(feed.url.as_url(), "/").ok()?).ok())
    }
}
