//! When a feed is polled next, and why. Pure.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::PollConfig;
use crate::model::clock::later;
use crate::model::feed::FeedId;

/// Nobody is believed who asks to be left alone for longer.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
/// Due times are spread over this part of the wait, so that feeds polled together drift apart.
const SPREAD: u32 = 10;

/// What the last poll was like.
#[derive(Debug, Clone, Copy, Default)]
pub struct PollFacts {
    /// Polls that failed in a row, this one included; 0: it did not fail.
    pub failures: u32,
    /// Whether it brought new items.
    pub news: bool,
    /// `Retry-After` (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
    /// Freshness by `Cache-Control: max-age` (RFC 9111 §4.2), on a 200 as on a 304.
    pub max_age: Option<Duration>,
    /// RSS 2.0 `ttl`.
    pub ttl: Duration,
    /// 410: never again.
    pub gone: bool,
}

/// Why a feed is polled when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The configured interval.
    Interval,
    /// It brought news.
    News,
    /// It failed: the wait doubles with each failure in a row.
    Failures(u32),
    /// The publisher asks to wait so long.
    RetryAfter,
    /// The document is fresh for so long.
    MaxAge,
    /// The feed says so itself.
    Ttl,
    /// It is gone for good.
    Gone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval => f.write_str("the configured interval"),
            Self::News => f.write_str("the shortest interval, as it brought news"),
            Self::Failures(1) => f.write_str("it failed"),
            Self::Failures(times) => write!(f, "it failed {times} times in a row"),
            Self::RetryAfter => f.write_str("the publisher asked to wait (Retry-After)"),
            Self::MaxAge => f.write_str("the publisher says it stays fresh (Cache-Control)"),
            Self::Ttl => f.write_str("the feed says how often it changes (ttl)"),
            Self::Gone => f.write_str("the publisher says it is gone for good (410)"),
        }
    }
}

/// When a feed is to be polled next, and why; None: never.
///
/// The wait is ours (the interval; the shortest after news; doubled with each failure up to the longest), or longer where the
/// publisher asks for it. A tenth of it at most is added to spread due times.
#[must_use]
pub fn next_poll(feed: FeedId, facts: &PollFacts, limits: &PollConfig, now: Timestamp) -> (Option<Timestamp>, Reason) {
    if facts.gone {
        return (None, Reason::Gone);
    }
    let ours = match facts.failures {
        0 if facts.news => (limits.min_interval.max(limits.interval / 2), Reason::News),
        0 => (limits.interval, Reason::Interval),
        failures => {
            let doubled = limits.interval.saturating_mul(2_u32.saturating_pow(failures - 1));
            (doubled.min(limits.max_interval), Reason::Failures(failures))
        }
    };
    let asked = [
        (facts.retry_after, Reason::RetryAfter),
        (facts.max_age, Reason::MaxAge),
        (Some(facts.ttl), Reason::Ttl),
    ];
    let (wait, reason) = asked
        .into_iter()
        .filter_map(|(wait, reason)| Some((wait?.min(LONGEST), reason)))
        .fold(ours, |longest, asked| if asked.0 > longest.0 { asked } else { longest });
    (Some(later(now, wait + spread(feed, now, wait / SPREAD))), reason)
}

/// A part of `most` that differs from feed to feed and from poll to poll, and is the same for the same.
fn spread(feed: FeedId, now: Timestamp, most: Duration) -> Duration {
    let seed = [feed.0.to_le_bytes(), now.as_millisecond().to_le_bytes()].concat();
    let [byte, ..] = *blake3::hash(&seed).as_bytes();
    most.mul_f64(f64::from(byte) / 255.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{PollFacts, Reason, next_poll};
    use crate::config::PollConfig;
    use crate::model::feed::FeedId;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use std::time::Duration;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limits() -> PollConfig {
        PollConfig {
            interval: 60 * MINUTE,
            min_interval: 15 * MINUTE,
            max_interval: 24 * 60 * MINUTE,
            concurrency: 1,
        }
    }

    fn wait(facts: PollFacts) -> (Duration, Reason) {
        let now = Timestamp::UNIX_EPOCH;
        let (next, reason) = next_poll(FeedId(1), &facts, &limits(), now);
        (Duration::try_from(next.unwrap() - now).unwrap(), reason)
    }

    fn about(wait: Duration, minutes: u32) -> bool {
        let exact = minutes * MINUTE;
        (exact..=exact + exact / 10).contains(&wait)
    }

    #[test]
    fn the_interval_counts_unless_there_is_reason_for_another_wait() {
        let facts = PollFacts::default();
        for (facts, minutes, reason) in [
            (facts, 60, Reason::Interval),
            (PollFacts { news: true, ..facts }, 30, Reason::News),
            (PollFacts { failures: 1, ..facts }, 60, Reason::Failures(1)),
            (PollFacts { failures: 3, ..facts }, 240, Reason::Failures(3)),
            (PollFacts { failures: 40, ..facts }, 1440, Reason::Failures(40)),
            (
                PollFacts {
                    ttl: 10 * MINUTE,
                    ..facts
                },
                60,
                Reason::Interval,
            ),
            (
                PollFacts {
                    ttl: 90 * MINUTE,
                    ..facts
                },
                90,
                Reason::Ttl,
            ),
        ] {
            let (wait, why) = wait(facts);
            assert!(about(wait, minutes) && why == reason, "{facts:?}: {wait:?}, {why:?}");
        }
    }

    #[test]
    fn what_a_publisher_asks_for_is_obeyed_beyond_our_longest_wait() {
        let two_days = PollFacts {
            max_age: Some(2880 * MINUTE),
            news: true,
            ..PollFacts::default()
        };
        let (wait_age, why) = wait(two_days);
        assert!(about(wait_age, 2880) && why == Reason::MaxAge);
        let later = PollFacts {
            retry_after: Some(2880 * MINUTE),
            failures: 1,
            ..PollFacts::default()
        };
        assert!(about(wait(later).0, 2880));
    }

    #[test]
    fn a_feed_that_is_gone_is_never_polled_again() {
        let facts = PollFacts {
            gone: true,
            ..PollFacts::default()
        };
        assert_eq!(
            next_poll(FeedId(1), &facts, &limits(), Timestamp::UNIX_EPOCH),
            (None, Reason::Gone)
        );
    }

    proptest! {
        #[test]
        fn the_next_poll_is_never_sooner_than_the_shortest_interval(
            failures in 0_u32..100, news: bool, retry in 0_u64..10_000_000, age in 0_u64..10_000_000, ttl in 0_u64..10_000_000,
        ) {
            let facts = PollFacts {
                failures,
                news,
                retry_after: Some(Duration::from_secs(retry)),
                max_age: Some(Duration::from_secs(age)),
                ttl: Duration::from_secs(ttl),
                gone: false,
            };
            let (wait, _) = wait(facts);
            prop_assert!(wait >= 15 * MINUTE && wait <= Duration::from_secs(33 * 86_400));
        }
    }
}
