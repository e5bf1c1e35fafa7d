#![allow(clippy::unwrap_used, reason = "tests")]

use super::rhythm::Rhythm;
use super::{PollFacts, Reason, is_dead, next_poll, pace};
use crate::config::PollConfig;
use crate::model::feed::{FeedId, Wishes};
use jiff::{SignedDuration, Timestamp};
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

/// A Sunday.
fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn wait(facts: &PollFacts<'_>) -> (Duration, Reason) {
    let next = next_poll(FeedId(1), facts, &limits(), noon());
    (Duration::try_from(next.at.unwrap() - noon()).unwrap(), next.reason)
}

fn about(wait: Duration, minutes: u32) -> bool {
    let exact = minutes * MINUTE;
    (exact..=exact + exact / 10).contains(&wait)
}

fn ttl(minutes: u32) -> Wishes {
    Wishes {
        ttl_minutes: minutes,
        ..Wishes::default()
    }
}

#[test]
fn the_interval_counts_unless_there_is_reason_for_another_wait() {
    let facts = PollFacts::default();
    for (facts, minutes, reason) in [
        (facts, 60, Reason::Interval),
        (PollFacts { gap: true, ..facts }, 30, Reason::Gap),
        (PollFacts { failures: 1, ..facts }, 60, Reason::Failures(1)),
        (PollFacts { failures: 3, ..facts }, 240, Reason::Failures(3)),
        (PollFacts { failures: 40, ..facts }, 1440, Reason::Failures(40)),
        (
            PollFacts {
                wishes: ttl(10),
                ..facts
            },
            60,
            Reason::Interval,
        ),
        (
            PollFacts {
                wishes: ttl(90),
                ..facts
            },
            90,
            Reason::Ttl,
        ),
    ] {
        let (wait, why) = wait(&facts);
        assert!(about(wait, minutes) && why == reason, "{facts:?}: {wait:?}, {why:?}");
    }
}

#[test]
fn the_rhythm_of_a_feed_stays_between_the_shortest_and_the_longest_interval() {
    let busy = Rhythm::from_dates(
        &(0..200)
            .map(|n| noon() - SignedDuration::from_mins(16 * n))
            .collect::<Vec<_>>(),
        noon(),
    );
    let quiet = Rhythm::from_dates(&[noon() - SignedDuration::from_hours(24 * 3000)], noon());
    let with = |rhythm| {
        wait(&PollFacts {
            rhythm,
            ..PollFacts::default()
        })
    };
    let (shortest, why) = with(Some(&busy));
    assert!(
        about(shortest, 15) && matches!(why, Reason::Shortest(_)),
        "{shortest:?} {why:?}"
    );
    let (long, why) = with(Some(&quiet));
    assert!(long > 8 * 60 * MINUTE && long < 27 * 60 * MINUTE, "{long:?} {why:?}");
}

#[test]
fn what_a_publisher_asks_for_is_obeyed_beyond_our_longest_wait() {
    let two_days = PollFacts {
        fresh_for: Some(2880 * MINUTE),
        ..PollFacts::default()
    };
    let (fresh, why) = wait(&two_days);
    assert!(about(fresh, 2880) && why == Reason::Fresh);
    let later = PollFacts {
        retry_after: Some(2880 * MINUTE),
        failures: 1,
        ..PollFacts::default()
    };
    assert!(about(wait(&later).0, 2880));
}

#[test]
fn hours_and_days_to_skip_are_skipped_in_utc() {
    let at = |skip_hours, skip_days| {
        let wishes = Wishes {
            skip_hours,
            skip_days,
            ..Wishes::default()
        };
        let next = next_poll(
            FeedId(1),
            &PollFacts {
                wishes,
                ..PollFacts::default()
            },
            &limits(),
            noon(),
        );
        (next.at.unwrap(), next.reason)
    };
    // It would be 13:00 to 13:06.
    let (next, why) = at(1 << 13 | 1 << 14, 0);
    assert!(
        next >= "2026-11-22T15:00:00Z".parse().unwrap() && next < "2026-11-22T15:16:00Z".parse().unwrap(),
        "{next}"
    );
    assert_eq!(why, Reason::Skip);
    let (next, _) = at(0, 1 << 6);
    assert!(
        next >= "2026-11-23T00:00:00Z".parse().unwrap() && next < "2026-11-23T00:16:00Z".parse().unwrap(),
        "{next}"
    );
    // All hours, all days: nobody can mean that.
    assert_eq!(at(0xff_ffff, 0).1, Reason::Interval);
    assert_eq!(at(0, 0x7f).1, Reason::Interval);
}

#[test]
fn a_dead_feed_is_asked_ever_more_rarely() {
    let failing = |days: i64| PollFacts {
        failures: 50,
        failing_since: Some(noon() - SignedDuration::from_hours(24 * days)),
        ..PollFacts::default()
    };
    for (days, minutes) in [(29, 1440), (40, 4 * 1440), (100, 10 * 1440), (2000, 30 * 1440)] {
        let (wait, why) = wait(&failing(days));
        assert!(about(wait, minutes), "{days} days: {wait:?}, {why:?}");
        assert_eq!(matches!(why, Reason::Dead(_)), days >= 30);
    }
    assert!(
        !is_dead(3, failing(100).failing_since, noon()),
        "three failures are no proof"
    );
}

#[test]
fn a_feed_that_is_gone_is_never_polled_again() {
    let facts = PollFacts {
        gone: true,
        ..PollFacts::default()
    };
    let next = next_poll(FeedId(1), &facts, &limits(), noon());
    assert_eq!((next.at, next.reason), (None, Reason::Gone));
}

#[test]
fn a_pace_doubles_from_class_to_class() {
    let paces = [0, 1, 2, 15, 60, 1440, 43_200, 9_000_000].map(|minutes| pace(SignedDuration::from_mins(minutes)));
    assert_eq!(paces, [0, 0, 1, 3, 5, 10, 15, 16]);
}

#[test]
fn due_times_of_feeds_polled_together_are_spread() {
    let due = |feed| {
        next_poll(FeedId(feed), &PollFacts::default(), &limits(), noon())
            .at
            .unwrap()
    };
    let mut minutes: Vec<i64> = (0..500)
        .map(|feed| due(feed).duration_since(noon()).as_mins())
        .collect();
    minutes.sort_unstable();
    minutes.dedup();
    assert_eq!(minutes, [60, 61, 62, 63, 64, 65]);
}

proptest! {
    #[test]
    fn the_next_poll_is_never_sooner_than_the_shortest_interval_nor_than_the_publisher_asks(
        failures in 0_u32..100, retry in 0_u64..10_000_000, age in 0_u64..10_000_000, ttl_minutes in 0_u32..100_000,
        skip_hours in 0_u32..0x100_0000, skip_days in 0_u32..0x80, dates in prop::collection::vec(0_i64..1_000_000, 0..40), gap: bool,
    ) {
        let dates: Vec<_> = dates.into_iter().map(|ago| noon() - SignedDuration::from_secs(ago)).collect();
        let rhythm = Rhythm::from_dates(&dates, noon());
        let facts = PollFacts {
            failures,
            failing_since: None,
            rhythm: Some(&rhythm),
            gap,
            retry_after: Some(Duration::from_secs(retry)),
            fresh_for: Some(Duration::from_secs(age)),
            wishes: Wishes { ttl_minutes, skip_hours, skip_days },
            gone: false,
        };
        let (wait, _) = wait(&facts);
        let month = Duration::from_secs(30 * 86_400);
        let asked = [retry, age, u64::from(ttl_minutes) * 60].map(|asked| Duration::from_secs(asked).min(month));
        prop_assert!(wait >= 15 * MINUTE && asked.iter().all(|asked| wait >= *asked));
        prop_assert!(wait <= Duration::from_secs(41 * 86_400));
    }
}
