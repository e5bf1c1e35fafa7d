//! Dates as feeds write them: RFC 3339 and 2822, and the near misses that are common.
//!
//! A date without a zone is taken as UTC. What is no date is None, never a wrong one.

use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

static RFC_2822: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Reads a date.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| RFC_2822.parse_zoned(text).ok().map(|date| date.timestamp()))
        .or_else(|| near_rfc_2822(text))
        .or_else(|| text.parse::<DateTime>().ok().and_then(in_utc))
        .or_else(|| {
            text.parse::<Date>()
                .ok()
                .map(|date| date.at(0, 0, 0, 0))
                .and_then(in_utc)
        })
}

fn in_utc(civil: DateTime) -> Option<Timestamp> {
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned: Zoned| zoned.timestamp())
}

/// Any weekday in any language is dropped, month names are cut to three letters, a missing zone is UTC.
fn near_rfc_2822(text: &str) -> Option<Timestamp> {
    let text = text.split_once(',').map_or(text, |(_, rest)| rest).trim();
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if let Some(month) = words.get_mut(1) {
        *month = month.chars().take(3).collect();
    }
    match words.last_mut() {
        Some(zone) if zone == "UTC" || zone == "Z" || zone == "UT" => *zone = "+0000".to_owned(),
        Some(zone) if zone.contains(':') && !zone.starts_with(['+', '-']) => words.push("+0000".to_owned()),
        Some(zone) if zone.starts_with(['+', '-']) => *zone = zone.replace(':', ""),
        _ => {}
    }
    RFC_2822.parse_timestamp(words.join(" ")).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_of_the_standards_and_near_them() {
        for (text, instant) in [
            ("2026-11-22T10:20:30Z", "2026-11-22T10:20:30Z"),
            ("2026-11-22T10:20:30+03:30", "2026-11-22T06:50:30Z"),
            ("Sun, 22 Nov 2026 10:20:30 GMT", "2026-11-22T10:20:30Z"),
            ("Sun, 22 Nov 2026 10:20:30 +0330", "2026-11-22T06:50:30Z"),
            // The weekday is wrong.
            ("Mon, 22 Nov 2026 10:20:30 EST", "2026-11-22T15:20:30Z"),
            ("Sonntag, 22 November 2026 10:20 UTC", "2026-11-22T10:20:00Z"),
            ("22 Nov 2026 10:20:30", "2026-11-22T10:20:30Z"),
            ("22 Nov 2026 10:20:30 +03:30", "2026-11-22T06:50:30Z"),
            ("2026-11-22 10:20:30", "2026-11-22T10:20:30Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
        ] {
            assert_eq!(parse(text).map(|t| t.to_string()).as_deref(), Some(instant), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "yesterday", "32 Nov 2026 10:00:00 GMT", "0000-00-00T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
