//! Numbers for those who watch, in OpenMetrics text. The only door to prometheus-client; no globals, and no label that grows with feeds.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::model::poll::{Committed, Failure, Outcome};

/// What [`Metrics::text`] is (OpenMetrics 1.0).
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the lateness of polls, in seconds: close together where a healthy daemon is, and up to a week's standstill.
const LATENESS: [f64; 26] = [
    0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0,
    300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 604_800.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PollLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MailLabels {
    state: &'static str,
}

/// What became of a mail at one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// A server took it.
    Sent,
    /// It is tried again later.
    Postponed,
    /// It is given up.
    Parked,
}

impl MailState {
    const ALL: [Self; 3] = [Self::Sent, Self::Postponed, Self::Parked];

    fn labels(self) -> MailLabels {
        let state = match self {
            Self::Sent => "sent",
            Self::Postponed => "postponed",
            Self::Parked => "parked",
        };
        MailLabels { state }
    }
}

/// What this process has done since it began, and what it is doing. Written by services, read by the page `/metrics`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    polls: Family<PollLabels, Counter>,
    lateness: Histogram,
    under_way: Gauge,
    waiting: Gauge,
    host_waits: Counter,
    received: Counter,
    new_items: Counter,
    changed_items: Counter,
    pushes_accepted: Counter,
    pushes_ignored: Counter,
    pushes_hints: Counter,
    stories: Counter,
    mails: Family<MailLabels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tidings"),
            polls: Family::default(),
            lateness: Histogram::new(LATENESS),
            under_way: Gauge::default(),
            waiting: Gauge::default(),
            host_waits: Counter::default(),
            received: Counter::default(),
            new_items: Counter::default(),
            changed_items: Counter::default(),
            pushes_accepted: Counter::default(),
            pushes_ignored: Counter::default(),
            pushes_hints: Counter::default(),
            stories: Counter::default(),
            mails: Family::default(),
        };
        // What has not happened yet is 0, and not absent: rates can be taken from the beginning.
        for outcome in [
            Outcome::Fetched,
            Outcome::NotModified,
            Outcome::Unchanged,
            Outcome::Postponed,
        ] {
            metrics.polls.get_or_create_owned(&PollLabels {
                outcome: outcome.as_str(),
            });
        }
        for state in MailState::ALL {
            metrics.mails.get_or_create_owned(&state.labels());
        }
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Names and describes each number. The library adds the unit, and `_total` to what only rises.
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "polls",
            "Polls that ended, by outcome: fetched, not_modified, unchanged, postponed, or the name of a failure",
            self.polls.clone(),
        );
        registry.register_with_unit(
            "poll_lateness",
            "Time from when a feed was due until its publisher was asked",
            Unit::Seconds,
            self.lateness.clone(),
        );
        registry.register(
            "polls_under_way",
            "Polls that have begun and not ended",
            self.under_way.clone(),
        );
        registry.register(
            "polls_waiting",
            "Polls under way that wait until their host may be asked",
            self.waiting.clone(),
        );
        registry.register(
            "host_waits",
            "Polls put off to another time because their host asked for rest or has enough others waiting",
            self.host_waits.clone(),
        );
        let received = "Bytes of documents received, decompressed";
        registry.register_with_unit("received", received, Unit::Bytes, self.received.clone());
        registry.register("new_items", "Items stored", self.new_items.clone());
        registry.register("changed_items", "Items that were edited", self.changed_items.clone());
        let accepted = "Documents that hubs pushed and that were taken";
        registry.register("pushes_accepted", accepted, self.pushes_accepted.clone());
        let ignored = "Documents that hubs pushed and that were not taken";
        registry.register("pushes_ignored", ignored, self.pushes_ignored.clone());
        let hints = "Pushes that were taken for a hint to poll, since nobody signed them";
        registry.register("pushes_hints", hints, self.pushes_hints.clone());
        registry.register(
            "stories_placed",
            "Stories that were given their place",
            self.stories.clone(),
        );
        registry.register(
            "mails",
            "Attempts to send a mail, by what became of it: sent, postponed, parked",
            self.mails.clone(),
        );
    }

    /// The numbers as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into memory does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A publisher was asked so long after its feed was due.
    pub fn poll_begun(&self, lateness: Duration) {
        self.lateness.observe(lateness.as_secs_f64());
    }

    /// A poll has ended and is stored.
    pub fn poll_ended(&self, outcome: Outcome, failure: Option<Failure>, bytes: u64, committed: Committed) {
        let outcome = failure.map_or(outcome.as_str(), Failure::as_str);
        self.polls.get_or_create(&PollLabels { outcome }).inc();
        self.received.inc_by(bytes);
        self.items_stored(committed);
    }

    fn items_stored(&self, committed: Committed) {
        self.new_items.inc_by(committed.new);
        self.stories.inc_by(committed.stories);
        self.changed_items.inc_by(committed.updated);
    }

    /// Polls were put off for the sake of their host.
    pub fn put_off(&self, polls: usize) {
        self.host_waits.inc_by(polls as u64);
    }

    /// So many polls are under way, and so many of them wait for their host.
    pub fn polls_now(&self, under_way: usize, waiting: usize) {
        self.under_way.set(i64::try_from(under_way).unwrap_or(i64::MAX));
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// A document that a hub pushed was taken.
    pub fn push_accepted(&self, bytes: u64, committed: Committed) {
        self.pushes_accepted.inc();
        self.received.inc_by(bytes);
        self.items_stored(committed);
    }

    /// A push said that there is something new, and no more.
    pub fn push_hinted(&self) {
        self.pushes_hints.inc();
    }

    /// A document that a hub pushed was not taken.
    pub fn push_ignored(&self) {
        self.pushes_ignored.inc();
    }

    /// Stories were given their places.
    pub fn stories_placed(&self, stories: usize) {
        self.stories.inc_by(stories as u64);
    }

    /// A mail was tried.
    pub fn mail(&self, state: MailState) {
        self.mails.get_or_create(&state.labels()).inc();
    }
}
