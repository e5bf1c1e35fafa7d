//! When a feed is polled next, and why. Pure.
//!
//! Ours is the wait after which news is likely by the feed's [rhythm], longer for a feed that fails. The publisher's word makes it
//! longer, never shorter: `Retry-After` (RFC 9110 §10.2.3), freshness (`max-age`, `Expires`: RFC 9111 §4.2), RSS 2.0 `ttl`,
//! `skipHours` and `skipDays`, on a 304 as on a 200.
//!
//! # Not supported
//! `sy:updatePeriod` is a default of one publishing system, which nobody chose, and is not read.

pub mod rhythm;

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::PollConfig;
use crate::ingest::cadence::rhythm::Rhythm;
use crate::model::clock::{from_millis, later};
use crate::model::feed::{FeedId, Wishes};

/// Nobody is believed who asks to be left alone for longer.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Due times are spread over this part of the wait, so that feeds polled together drift apart.
const SPREAD: u32 = 10;
/// Where a feed may be asked again at the full hour, its first poll falls into this time after it.
const AFTER_THE_HOUR: Duration = Duration::from_secs(15 * 60);
/// A feed that has failed for so long, and so often, is dead.
const DEAD_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);
const DEAD_FAILURES: u32 = 10;
/// A dead feed waits for this part of the time that it has been failing for: ever longer.
const DEAD_PART: u32 = 10;
/// Moments with news in a week, from which on there are several a day.
const FREQUENT: f64 = 14.0;
const HOUR_MS: i64 = 3_600_000;

/// What is known when a poll has ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct PollFacts<'a> {
    /// Polls that failed in a row, this one included; 0: it did not fail.
    pub failures: u32,
    /// The first of them.
    pub failing_since: Option<Timestamp>,
    /// When its items come; None: nothing is known.
    pub rhythm: Option<&'a Rhythm>,
    /// Items were missed since the poll before.
    pub gap: bool,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// For how long the answer stays fresh.
    pub fresh_for: Option<Duration>,
    /// What the feed says itself.
    pub wishes: Wishes,
    /// 410: never again.
    pub gone: bool,
}

/// Why a feed is polled when it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The configured interval: nothing is known of its rhythm.
    Interval,
    /// News is likely by then; so often a week there is some.
    Rhythm(f64),
    /// News is likely sooner than we ask anybody.
    Shortest(f64),
    /// News is likely later than we leave anybody.
    Longest,
    /// Items were missed.
    Gap,
    /// It failed: the wait doubles with each failure in a row.
    Failures(u32),
    /// It has failed for so many days.
    Dead(i64),
    /// The publisher asks to wait so long.
    RetryAfter,
    /// The document is fresh for so long.
    Fresh,
    /// The feed says so itself.
    Ttl,
    /// The feed names hours and days at which it is not to be asked.
    Skip,
    /// It is gone for good.
    Gone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval => f.write_str("the usual interval, as its rhythm is not known yet"),
            Self::Rhythm(weekly) => write!(f, "news is likely by then ({})", often(*weekly)),
            Self::Shortest(weekly) if *weekly < FREQUENT => write!(f, "the shortest interval ({})", often(*weekly)),
            Self::Shortest(weekly) => write!(f, "the shortest interval, as news is frequent ({})", often(*weekly)),
            Self::Longest => f.write_str("the longest interval, as news is rare"),
            Self::Gap => f.write_str("sooner than usual, as items were missed"),
            Self::Failures(1) => f.write_str("it failed"),
            Self::Failures(times) => write!(f, "it failed {times} times in a row"),
            Self::Dead(days) => write!(f, "it has been dead for {days} days"),
            Self::RetryAfter => f.write_str("the publisher asked to wait (Retry-After)"),
            Self::Fresh => f.write_str("the publisher says it stays fresh (Cache-Control or Expires)"),
            Self::Ttl => f.write_str("the feed says how often it changes (ttl)"),
            Self::Skip => f.write_str("the feed names hours or days to skip (skipHours, skipDays)"),
            Self::Gone => f.write_str("the publisher says it is gone for good (410)"),
        }
    }
}

fn often(weekly: f64) -> String {
    if weekly >= FREQUENT {
        format!("about {:.0} times a day", weekly / 7.0)
    } else if weekly >= 1.5 {
        format!("about {weekly:.0} times a week")
    } else {
        "about once a week or less".to_owned()
    }
}

/// When a feed is due.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NextPoll {
    /// Then; None: never.
    pub at: Option<Timestamp>,
    /// Why then.
    pub reason: Reason,
}

/// Whether a feed has failed for so long that nobody should wait for it.
#[must_use]
pub fn is_dead(failures: u32, failing_since: Option<Timestamp>, now: Timestamp) -> bool {
    failures >= DEAD_FAILURES && failing_since.is_some_and(|since| now.duration_since(since) >= DEAD_AFTER)
}

/// How rarely a feed with this wait is polled: the logarithm to base 2 of the wait in minutes, 0 to 16.
#[must_use]
pub fn pace(wait: SignedDuration) -> u32 {
    let minutes = u64::try_from(wait.as_mins()).unwrap_or_default();
    minutes.max(1).ilog2().min(16)
}

/// When a feed is to be polled next, and why.
///
/// The wait is ours, or the longest that the publisher asks for, up to 30 days. A tenth of it at most is added to spread due times,
/// and what falls into an hour or a day to skip waits for the first that is not.
#[must_use]
pub fn next_poll(feed: FeedId, facts: &PollFacts<'_>, limits: &PollConfig, now: Timestamp) -> NextPoll {
    if facts.gone {
        return NextPoll {
            at: None,
            reason: Reason::Gone,
        };
    }
    let ttl = Duration::from_secs(u64::from(facts.wishes.ttl_minutes) * 60);
    let asked = [
        (facts.retry_after, Reason::RetryAfter),
        (facts.fresh_for, Reason::Fresh),
        (Some(ttl), Reason::Ttl),
    ];
    let (wait, reason) = asked
        .into_iter()
        .filter_map(|(wait, reason)| Some((wait?.min(LONGEST), reason)))
        .fold(ours(facts, limits, now), |longest, asked| {
            if asked.0 > longest.0 { asked } else { longest }
        });
    let at = later(now, wait + spread(feed, now, wait / SPREAD));
    let (at, reason) = match welcome(at, facts.wishes) {
        Some(welcome) if welcome > at => {
            let spread = spread(feed, now, AFTER_THE_HOUR);
            (later(welcome, spread), Reason::Skip)
        }
        _ => (at, reason),
    };
    NextPoll { at: Some(at), reason }
}

/// The wait that is ours to choose.
fn ours(facts: &PollFacts<'_>, limits: &PollConfig, now: Timestamp) -> (Duration, Reason) {
    if is_dead(facts.failures, facts.failing_since, now) {
        let failing = facts
            .failing_since
            .map(|since| now.duration_since(since))
            .unwrap_or_default();
        let part = Duration::try_from(failing).unwrap_or_default() / DEAD_PART;
        let wait = part.clamp(limits.max_interval.min(LONGEST), LONGEST);
        return (wait, Reason::Dead(failing.as_hours() / 24));
    }
    if facts.failures > 0 {
        let doubled = limits.interval.saturating_mul(2_u32.saturating_pow(facts.failures - 1));
        // Who fails is never asked sooner than if all were well.
        let (usual, _) = by_rhythm(facts, limits, now);
        return (
            doubled.min(limits.max_interval).max(usual),
            Reason::Failures(facts.failures),
        );
    }
    let (wait, reason) = by_rhythm(facts, limits, now);
    if facts.gap {
        ((wait / 2).max(limits.min_interval), Reason::Gap)
    } else {
        (wait, reason)
    }
}

/// The wait after which news is likely.
fn by_rhythm(facts: &PollFacts<'_>, limits: &PollConfig, now: Timestamp) -> (Duration, Reason) {
    match facts.rhythm {
        None => (limits.interval, Reason::Interval),
        Some(rhythm) => {
            let (wait, weekly) = rhythm.wait(now, limits.interval, limits.max_interval);
            if wait <= limits.min_interval {
                (limits.min_interval, Reason::Shortest(weekly))
            } else if wait >= limits.max_interval {
                (limits.max_interval, Reason::Longest)
            } else {
                (wait, Reason::Rhythm(weekly))
            }
        }
    }
}

/// The first instant from `at` on that is in no hour and on no day to skip. None: all of them are, and nobody can mean that.
fn welcome(at: Timestamp, wishes: Wishes) -> Option<Timestamp> {
    let is_welcome = |at: &Timestamp| {
        let civil = TimeZone::UTC.to_datetime(*at);
        let skipped = |bits: u32, bit: i8| bits >> bit & 1 == 1;
        !skipped(wishes.skip_hours, civil.hour()) && !skipped(wishes.skip_days, civil.weekday().to_monday_zero_offset())
    };
    let hour = at.as_millisecond().div_euclid(HOUR_MS);
    let hours = (1..=7 * 24).map(|n| from_millis((hour + n) * HOUR_MS));
    std::iter::once(at).chain(hours).find(is_welcome)
}

/// The first instant from `at` on that a feed with these wishes does not want to be skipped; `at`, where it skips all.
#[must_use]
pub fn first_welcome(at: Timestamp, wishes: Wishes) -> Timestamp {
    welcome(at, wishes).unwrap_or(at)
}

/// A part of `most` that differs from feed to feed and from poll to poll, and is the same for the same.
#[must_use]
pub fn spread(feed: FeedId, now: Timestamp, most: Duration) -> Duration {
    let seed = [feed.0.to_le_bytes(), now.as_millisecond().to_le_bytes()].concat();
    let [a, b, ..] = *blake3::hash(&seed).as_bytes();
    most.mul_f64(f64::from(u16::from_le_bytes([a, b])) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests;
