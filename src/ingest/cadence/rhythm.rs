//! When the items of a feed come: how often, at which hours, on which weekdays. Old news counts less and less.
//!
//! What is counted is not items but moments with news, a quarter of an hour each: an agency that sends twenty items at once is
//! asked no more often than one that sends one. The mean rate is that of a Poisson process with a Gamma prior: as long as little is
//! known, the configured interval counts, and it fades with what is seen. Hours and weekdays (UTC) shape the rate within the week.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::clock::from_millis;

/// After so long, news counts half.
const HALF_LIFE_HOURS: f64 = 14.0 * 24.0;
/// The configured interval counts as much as so long a time of observation.
const PRIOR_HOURS: f64 = 48.0;
/// A feed is polled when so much news is to be expected: about four polls for each moment with news.
const EXPECTED: f64 = 0.25;
/// What is counted before anything is seen, for each hour of the day and each weekday: few items shape no rhythm.
const FLAT: f64 = 1.0;
/// Moments with news are told apart by this.
const MOMENT_MS: i64 = 15 * 60_000;
/// Dates that share a time of day so often state no time at all.
const SAME_TIME: usize = 3;
const HOUR_MS: i64 = 3_600_000;
const BYTES: usize = 8 + 32 * 4;

/// When the items of a feed come.
#[derive(Debug, Clone, PartialEq)]
pub struct Rhythm {
    /// Until then it is counted.
    at: Timestamp,
    /// Hours seen, each with the weight that news in it has.
    hours: f64,
    /// Moments with news by hour of the day (UTC).
    by_hour: [f64; 24],
    /// The same by weekday, from Monday.
    by_day: [f64; 7],
}

impl Rhythm {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            at: now,
            hours: 0.0,
            by_hour: [0.0; 24],
            by_day: [0.0; 7],
        }
    }

    /// What the first document tells by the dates of its items.
    #[must_use]
    pub fn from_dates(dates: &[Timestamp], now: Timestamp) -> Self {
        let mut rhythm = Self::new(now);
        let past: Vec<Timestamp> = dates.iter().copied().filter(|date| *date <= now).collect();
        let Some(first) = past.iter().min() else { return rhythm };
        rhythm.hours = weighed(hours_between(*first, now));
        let mut times: BTreeMap<i64, usize> = BTreeMap::new();
        for moment in moments(&past) {
            *times
                .entry(moment.as_millisecond().rem_euclid(24 * HOUR_MS))
                .or_default() += 1;
        }
        // Most of them at one time of day: that is a date without a time, and says nothing of hours.
        let same = times.values().max().copied().unwrap_or_default();
        let says_hours = same < SAME_TIME || same * 2 < times.values().sum::<usize>();
        for moment in moments(&past) {
            rhythm.count(moment, weight(hours_between(moment, now)), says_hours);
        }
        rhythm
    }

    /// News that was found at `now`. An item that says when it came, after the poll before, came then; the others came now.
    #[must_use]
    pub fn with_news(&self, dates: &[Option<Timestamp>], before: Option<Timestamp>, now: Timestamp) -> Self {
        let mut rhythm = self.until(now);
        let came = |date: &Option<Timestamp>| {
            date.filter(|date| before.is_none_or(|before| *date > before) && *date <= now)
                .unwrap_or(now)
        };
        let came: Vec<Timestamp> = dates.iter().map(came).collect();
        for moment in moments(&came) {
            rhythm.count(moment, 1.0, true);
        }
        rhythm
    }

    /// How long to wait from `now` until news is likely, and how many moments with news there are in a week. `usual` is the wait of
    /// a feed of which nothing is known, `longest` the end of the search.
    #[must_use]
    pub fn wait(&self, now: Timestamp, usual: Duration, longest: Duration) -> (Duration, f64) {
        let seen = self.until(now);
        let total: f64 = seen.by_hour.iter().sum();
        let prior = EXPECTED / (usual.as_secs_f64() / 3600.0) * PRIOR_HOURS;
        let rate = (total + prior) / (seen.hours + PRIOR_HOURS);
        let shape = |counts: &[f64], at: usize, parts: f64| {
            let count = counts.get(at).copied().unwrap_or_default();
            parts * (count + FLAT) / (total + parts * FLAT)
        };
        let (mut expected, mut at) = (0.0, now);
        let end = now
            .as_millisecond()
            .saturating_add(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
        while at.as_millisecond() < end {
            let (hour, day) = place(at);
            let rate = rate * shape(&seen.by_hour, hour, 24.0) * shape(&seen.by_day, day, 7.0);
            let next = (at.as_millisecond().div_euclid(HOUR_MS) + 1) * HOUR_MS;
            let left = hours_between(at, from_millis(next));
            if expected + rate * left >= EXPECTED {
                let part = Duration::from_secs_f64((EXPECTED - expected) / rate * 3600.0);
                return (
                    hours_as_duration(hours_between(now, at)) + part,
                    rate_per_week(total, seen.hours),
                );
            }
            expected += rate * left;
            if from_millis(next) <= at {
                break;
            }
            at = from_millis(next);
        }
        (longest, rate_per_week(total, seen.hours))
    }

    /// The same, seen from later.
    fn until(&self, now: Timestamp) -> Self {
        let passed = hours_between(self.at, now);
        let fade = weight(passed);
        Self {
            at: now,
            hours: self.hours * fade + weighed(passed),
            by_hour: self.by_hour.map(|count| count * fade),
            by_day: self.by_day.map(|count| count * fade),
        }
    }

    fn count(&mut self, moment: Timestamp, weight: f64, says_hour: bool) {
        let (hour, day) = place(moment);
        if says_hour {
            self.by_hour
                .iter_mut()
                .skip(hour)
                .take(1)
                .for_each(|count| *count += weight);
        } else {
            self.by_hour.iter_mut().for_each(|count| *count += weight / 24.0);
        }
        self.by_day
            .iter_mut()
            .skip(day)
            .take(1)
            .for_each(|count| *count += weight);
    }

    /// As it is stored: milliseconds since 1970, then hours, 24 hours of the day and 7 weekdays as 32-bit floats, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let counts = [self.hours].into_iter().chain(self.by_hour).chain(self.by_day);
        let mut bytes = self.at.as_millisecond().to_le_bytes().to_vec();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "32 bits are exact enough for what is decayed anyway"
        )]
        bytes.extend(counts.flat_map(|count| (count as f32).to_le_bytes()));
        bytes
    }

    /// From what was stored; None: it is something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (at, counts) = bytes.split_first_chunk::<8>().filter(|_| bytes.len() == BYTES)?;
        let (counts, _) = counts.as_chunks::<4>();
        let mut counts = counts
            .iter()
            .map(|count| f64::from(f32::from_le_bytes(*count)).clamp(0.0, 1e9));
        let mut rhythm = Self::new(from_millis(i64::from_le_bytes(*at)));
        rhythm.hours = counts.next()?;
        for place in rhythm.by_hour.iter_mut().chain(&mut rhythm.by_day) {
            *place = counts.next()?;
        }
        Some(rhythm)
    }
}

/// The distinct moments of these times.
fn moments(times: &[Timestamp]) -> impl Iterator<Item = Timestamp> {
    let slots: BTreeSet<i64> = times
        .iter()
        .map(|time| time.as_millisecond().div_euclid(MOMENT_MS))
        .collect();
    slots.into_iter().map(|slot| from_millis(slot * MOMENT_MS))
}

/// Hour of the day and weekday from Monday, in UTC.
fn place(at: Timestamp) -> (usize, usize) {
    let civil = TimeZone::UTC.to_datetime(at);
    let number = |part: i8| usize::try_from(part).unwrap_or_default();
    (number(civil.hour()), number(civil.weekday().to_monday_zero_offset()))
}

fn hours_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0) / 3600.0
}

fn hours_as_duration(hours: f64) -> Duration {
    Duration::from_secs_f64(hours * 3600.0)
}

/// What is so many hours old counts so much.
fn weight(hours: f64) -> f64 {
    (-hours / HALF_LIFE_HOURS).exp2()
}

/// The last so many hours together, each by its weight.
fn weighed(hours: f64) -> f64 {
    HALF_LIFE_HOURS / std::f64::consts::LN_2 * (1.0 - weight(hours))
}

fn rate_per_week(total: f64, hours: f64) -> f64 {
    total / hours.max(1.0) * 168.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Rhythm;
    use jiff::{SignedDuration, Timestamp};
    use std::time::Duration;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(86_400);

    fn noon() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn hours_ago(hours: i64) -> Timestamp {
        noon() - SignedDuration::from_hours(hours)
    }

    fn wait(rhythm: &Rhythm, now: Timestamp) -> Duration {
        rhythm.wait(now, HOUR, 30 * DAY).0
    }

    #[test]
    fn of_nothing_known_the_usual_wait_follows_and_it_grows_with_silence() {
        let rhythm = Rhythm::new(noon());
        assert_eq!(wait(&rhythm, noon()).as_secs(), 3600);
        let mut last = HOUR;
        for days in [1, 2, 7, 30, 200] {
            let silent = wait(&rhythm, noon() + SignedDuration::from_hours(24 * days));
            assert!(silent > last, "{days}: {silent:?}");
            last = silent;
        }
        assert!((9 * HOUR..14 * HOUR).contains(&last), "{last:?}");
    }

    #[test]
    fn a_feed_with_much_news_is_polled_sooner_than_one_with_little() {
        let every = |hours: i64| Rhythm::from_dates(&(0..40).map(|n| hours_ago(n * hours)).collect::<Vec<_>>(), noon());
        assert!(wait(&every(1), noon()) < 40 * HOUR / 60);
        assert!(wait(&every(24), noon()) > 3 * HOUR);
        assert!(wait(&every(24), noon()) < 8 * HOUR);
    }

    #[test]
    fn many_items_at_once_are_one_moment() {
        let burst: Vec<_> = (0..40).map(|_| hours_ago(30)).chain([hours_ago(300)]).collect();
        let two = Rhythm::from_dates(&[hours_ago(30), hours_ago(300)], noon());
        assert_eq!(Rhythm::from_dates(&burst, noon()), two);
    }

    #[test]
    fn who_writes_at_nine_on_mondays_is_asked_then() {
        // 2026-11-16 was a Monday.
        let monday: Timestamp = "2026-11-16T09:20:00Z".parse().unwrap();
        let mut rhythm = Rhythm::new(monday - SignedDuration::from_hours(24 * 70));
        for week in (0..10).rev() {
            let at = monday - SignedDuration::from_hours(168 * week);
            rhythm = rhythm.with_news(&[Some(at)], None, at + SignedDuration::from_mins(20));
        }
        let polls_in = |from: &str, hours: i64| {
            let mut at: Timestamp = from.parse().unwrap();
            let end = at + SignedDuration::from_hours(hours);
            let mut polls = 0;
            while at < end {
                at += SignedDuration::try_from(rhythm.wait(at, HOUR, DAY).0).unwrap();
                polls += i32::from(at < end);
            }
            polls
        };
        assert!(polls_in("2026-11-23T08:00:00Z", 4) > 2 * polls_in("2026-11-21T08:00:00Z", 4));
    }

    #[test]
    fn dates_without_a_time_say_nothing_of_hours() {
        let midnight: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let days: Vec<_> = (0..20).map(|n| midnight - SignedDuration::from_hours(24 * n)).collect();
        let rhythm = Rhythm::from_dates(&days, noon());
        let [first, rest @ ..] = rhythm.by_hour;
        assert!(rest.iter().all(|count| (count - first).abs() < 1e-9));
    }

    #[test]
    fn an_old_date_of_a_new_item_is_not_believed() {
        let rhythm = Rhythm::new(hours_ago(24));
        let before = Some(hours_ago(2));
        let stale = rhythm.with_news(&[Some(hours_ago(500))], before, noon());
        assert_eq!(stale, rhythm.with_news(&[None], before, noon()));
        assert_ne!(stale, rhythm.with_news(&[Some(hours_ago(1))], before, noon()));
    }

    #[test]
    fn what_is_stored_comes_back() {
        let rhythm = Rhythm::from_dates(&[hours_ago(1), hours_ago(30), hours_ago(77)], noon());
        let back = Rhythm::from_bytes(&rhythm.to_bytes()).unwrap();
        assert!((wait(&back, noon()).as_secs_f64() - wait(&rhythm, noon()).as_secs_f64()).abs() < 1.0);
        assert!(Rhythm::from_bytes(b"something else").is_none());
    }
}
