//! When a digest is due: a cron expression read as civil time and mapped with its zone.
//!
//! The cron crate only walks civil time here, as if every day had 24 hours; jiff knows the zone. So a time that daylight
//! saving skips runs at the next instant that exists, and one that it repeats runs once, the first time.
//!
//! # Not supported
//! `@reboot`, `L`, `W` and `#`; impossible dates (`0 0 31 2 *`) are refused when read.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate, TimeZone as _, Timelike};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    /// Due is the first that any of them names.
    crons: Vec<cron::Schedule>,
    zone: TimeZone,
}

/// Why an expression is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields (nor six with seconds, nor one of the nicknames).
    #[error("{0:?} has {1} fields; write minute, hour, day of month, month, day of week, as in \"0 7 * * *\"")]
    Fields(String, usize),
    /// A field makes no sense.
    #[error("{0:?} is not a cron expression: {1}")]
    Syntax(String, String),
    /// No such day exists.
    #[error("{0:?} never happens")]
    Never(String),
}

impl Schedule {
    /// Reads an expression of five fields (minute, hour, day of month, month, day of week), or a nickname such as `@daily`.
    ///
    /// Days of the week count as in crontab(5): 0 and 7 are Sunday, and names work too.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str, zone: TimeZone) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let expressions = match fields.as_slice() {
            [nickname] if nickname.starts_with('@') => vec![(*nickname).to_owned()],
            // crontab(5): where both days are restricted, either will do. The cron crate wants both.
            [minute, hour, day, month, weekday] if !day.starts_with('*') && !weekday.starts_with('*') => vec![
                format!("0 {minute} {hour} {day} {month} *"),
                format!("0 {minute} {hour} * {month} {}", weekdays(weekday)),
            ],
            [minute, hour, day, month, weekday] => {
                vec![format!("0 {minute} {hour} {day} {month} {}", weekdays(weekday))]
            }
            _ => return Err(ScheduleError::Fields(text.to_owned(), fields.len())),
        };
        let parsed = expressions
            .iter()
            .map(|expression| cron::Schedule::from_str(expression));
        let crons: Result<Vec<_>, _> = parsed.collect();
        let schedule = Self {
            text: text.to_owned(),
            crons: crons.map_err(|e| ScheduleError::Syntax(text.to_owned(), e.to_string()))?,
            zone,
        };
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(text.to_owned())),
        }
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The zone whose clocks it goes by.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first instant after `now` at which it is due; None after the year 2100, where the cron crate ends.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let civil = now.to_zoned(self.zone.clone()).datetime();
        // Where clocks were set back, the civil time now may lie before one that has already run: begin an hour earlier, and
        // take the first that lies after `now` as an instant. A day is the widest shift that a zone ever made.
        let from = as_chrono(civil.saturating_sub(jiff::Span::new().days(1)))?;
        let next = |cron: &cron::Schedule| {
            cron.after(&chrono::Utc.from_utc_datetime(&from))
                .filter_map(|due| from_chrono(&due.naive_utc()))
                .filter_map(|due| self.zone.to_ambiguous_zoned(due).compatible().ok())
                .map(|due| due.timestamp())
                .find(|due| *due > now)
        };
        self.crons.iter().filter_map(next).min()
    }
}

/// crontab counts Sunday as 0 or 7, the cron crate as 1: numbers become names, ranges and steps are kept.
fn weekdays(field: &str) -> String {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let part = |text: &str| -> String {
        let (range, step) = text.split_once('/').map_or((text, None), |(r, s)| (r, Some(s)));
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n < NAMES.len());
        let days: Option<Vec<usize>> = match range.split_once('-') {
            Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| {
                let to = if to < from { to + 7 } else { to };
                (from..=to).collect()
            }),
            None => number(range).map(|day| vec![day]),
        };
        match (days, step.map(str::parse::<usize>)) {
            (Some(days), None) => join(&NAMES, days.into_iter()),
            (Some(days), Some(Ok(step))) if step > 0 && days.len() > 1 => join(&NAMES, days.into_iter().step_by(step)),
            _ => text.to_owned(),
        }
    };
    field.split(',').map(part).collect::<Vec<_>>().join(",")
}

fn join(names: &[&str; 8], days: impl Iterator<Item = usize>) -> String {
    days.filter_map(|day| names.get(day % 7).copied())
        .collect::<Vec<_>>()
        .join(",")
}

fn as_chrono(civil: DateTime) -> Option<chrono::NaiveDateTime> {
    let unsigned = |n: i8| u32::try_from(n).ok();
    NaiveDate::from_ymd_opt(
        i32::from(civil.year()),
        unsigned(civil.month())?,
        unsigned(civil.day())?,
    )?
    .and_hms_opt(
        unsigned(civil.hour())?,
        unsigned(civil.minute())?,
        unsigned(civil.second())?,
    )
}

fn from_chrono(civil: &chrono::NaiveDateTime) -> Option<DateTime> {
    let signed = |n: u32| i8::try_from(n).ok();
    DateTime::new(
        i16::try_from(civil.year()).ok()?,
        signed(civil.month())?,
        signed(civil.day())?,
        signed(civil.hour())?,
        signed(civil.minute())?,
        signed(civil.second())?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Schedule, ScheduleError};
    use jiff::{Timestamp, tz::TimeZone};

    fn next(expression: &str, zone: &str, now: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let schedule = Schedule::parse(expression, zone).unwrap();
        let now: Timestamp = now.parse().unwrap();
        schedule.next_after(now).unwrap().to_string()
    }

    #[test]
    fn seven_in_tehran_is_half_past_three_in_utc() {
        assert_eq!(
            next("0 7 * * *", "Asia/Tehran", "2026-11-22T00:00:00Z"),
            "2026-11-22T03:30:00Z"
        );
        assert_eq!(
            next("0 7 * * *", "Asia/Tehran", "2026-11-22T03:30:00Z"),
            "2026-11-23T03:30:00Z"
        );
    }

    #[test]
    fn a_skipped_time_runs_at_the_next_instant_that_exists() {
        // Berlin, 2026-03-29: 02:00 becomes 03:00.
        assert_eq!(
            next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"),
            "2026-03-29T01:30:00Z"
        );
        assert_eq!(
            next("30 2 * * *", "Europe/Berlin", "2026-03-29T01:30:00Z"),
            "2026-03-30T00:30:00Z"
        );
    }

    #[test]
    fn a_repeated_time_runs_once() {
        // Berlin, 2026-10-25: 03:00 becomes 02:00 again.
        let first = "2026-10-25T00:30:00Z";
        assert_eq!(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"), first);
        assert_eq!(next("30 2 * * *", "Europe/Berlin", first), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn days_of_the_week_count_as_in_crontab() {
        // 2026-11-22 is a Sunday.
        for (expression, due) in [
            ("0 7 * * 0", "2026-11-29T07:00:00Z"),
            ("0 7 * * 7", "2026-11-29T07:00:00Z"),
            ("0 7 * * 1-5", "2026-11-23T07:00:00Z"),
            ("0 7 * * 5-7/2", "2026-11-27T07:00:00Z"),
            ("0 7 * * sat", "2026-11-28T07:00:00Z"),
            // The first of a month, or a Tuesday.
            ("0 7 1 * 2", "2026-11-24T07:00:00Z"),
            ("0 7 23 * 2", "2026-11-23T07:00:00Z"),
        ] {
            assert_eq!(next(expression, "UTC", "2026-11-22T07:00:00Z"), due, "{expression}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_reason() {
        let parse = |text| Schedule::parse(text, TimeZone::UTC).unwrap_err();
        assert!(matches!(parse("7 * *"), ScheduleError::Fields(_, 3)));
        assert!(matches!(parse("61 7 * * *"), ScheduleError::Syntax(..)));
        assert!(matches!(parse("0 0 31 2 *"), ScheduleError::Never(_)));
    }
}
