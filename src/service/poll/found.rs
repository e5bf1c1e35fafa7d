//! What a poll found out, before it is written.

use std::time::Duration;

use crate::ingest::fetch::{Confirmed, Document, FetchError, Signals};
use crate::ingest::moves::Trace;
use crate::model::chain::chain;
use crate::model::feed::{FeedForPoll, FeedUrl, Validators};
use crate::model::poll::{Failure, Gap, Outcome, ReadDocument};

/// What a document is, before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// The feed's own, and a page in its place is an error.
    Feed,
    /// The same, or a page that offers the feed.
    FeedOrPage,
    /// What a hub has pushed, or what came before the feed's own: what is missing in it means nothing.
    Part,
}

/// What a poll found out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) bytes: u64,
    pub(super) error: Option<(Failure, String)>,
    pub(super) validators: Option<Validators>,
    /// The feed that the page at the address offers.
    pub(super) offered: Option<FeedUrl>,
    /// Where permanent redirects led, and whether the same feed was there.
    pub(super) moved_to: Option<FeedUrl>,
    pub(super) is_same: bool,
    /// Whether another feed was there.
    pub(super) is_other: bool,
    pub(super) document: Option<ReadDocument>,
    pub(super) gap: Option<Gap>,
    pub(super) rhythm: Option<Vec<u8>>,
    /// Another address that was looked for on the site; empty: none was found.
    pub(super) proposed: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) fresh_for: Option<Duration>,
}

impl Found {
    /// What is known without a document.
    pub(super) fn new(outcome: Outcome, status: Option<u16>) -> Self {
        Self {
            outcome,
            status,
            bytes: 0,
            error: None,
            validators: None,
            offered: None,
            moved_to: None,
            is_same: false,
            is_other: false,
            document: None,
            gap: None,
            rhythm: None,
            proposed: None,
            retry_after: None,
            fresh_for: None,
        }
    }

    /// A document that has come; its validators count whether or not it is new.
    pub(super) fn document(outcome: Outcome, document: &Document) -> Self {
        let Signals {
            validators,
            fresh_for,
            retry_after,
        } = document.signals.clone();
        Self {
            bytes: document.bytes.len() as u64,
            validators: Some(validators),
            moved_to: document.moved_to.clone(),
            fresh_for,
            retry_after,
            ..Self::new(outcome, Some(200))
        }
    }

    /// RFC 9111 §4.3.4: what a 304 says replaces what was said with the document, and what it does not say stays.
    pub(super) fn not_modified(feed: &FeedForPoll, confirmed: Confirmed) -> Self {
        let (old, new) = (feed.validators.clone(), confirmed.signals.validators);
        let validators = Validators {
            etag: new.etag.or(old.etag),
            // The date of another address says nothing of this one.
            last_modified: new.last_modified.or(old.last_modified.filter(|_| old.from == new.from)),
            from: new.from,
        };
        Self {
            validators: (validators != feed.validators).then_some(validators),
            moved_to: confirmed.moved_to,
            is_same: true,
            fresh_for: confirmed.signals.fresh_for.or(feed.fresh_for),
            retry_after: confirmed.signals.retry_after,
            ..Self::new(Outcome::NotModified, Some(304))
        }
    }

    /// `words` are those of the page that came with it.
    pub(super) fn gone(words: Option<&str>) -> Self {
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        let reason = format!("the publisher answered 410, gone for good{words}");
        Self::failed(Failure::Gone, reason, Some(410))
    }

    pub(super) fn unanswered(error: &FetchError) -> Self {
        Self {
            retry_after: error.retry_after(),
            ..Self::failed(error.failure(), chain(error), error.status())
        }
    }

    pub(super) fn failed(failure: Failure, reason: String, status: Option<u16>) -> Self {
        Self {
            error: Some((failure, reason)),
            ..Self::new(Outcome::Failed, status)
        }
    }

    /// Whether there are new items in it.
    pub(super) fn has_news(&self) -> bool {
        self.document.as_ref().is_some_and(ReadDocument::has_news)
    }

    /// Where the answer came from. An error page and a document without entries prove nothing of a move, and end the watch over it.
    pub(super) fn trace(&self, feed: &FeedForPoll) -> Trace<'_> {
        let says_something = self.error.is_none() && self.document.as_ref().is_none_or(|document| document.entries > 0);
        Trace {
            led_to: self.moved_to.as_ref().filter(|_| says_something),
            is_same: self.is_same,
            is_other: self.is_other,
            is_known: feed.was_read(),
        }
    }
}

/// A document that says nothing of the feed.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) bytes: u64,
    pub(super) failure: Failure,
    pub(super) reason: String,
    /// The feed that it offers, where it is a page.
    pub(super) offer: Option<FeedUrl>,
}
