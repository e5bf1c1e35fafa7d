//! Dates as feeds write them, from RFC 3339 to «۲۲ آذر ۱۴۰۵».
//!
//! First the two standards, fast; then everything else by its parts: numbers, names, marks. A date without a zone is read in the
//! zone that the caller gives. What is no date is None: never a wrong one, as far as the text can tell.

mod names;
mod parts;
pub mod zone;

use icu_calendar::Date as IcuDate;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use crate::ingest::date::names::{Word, meaning};
use crate::ingest::date::parts::Parts;

static RFC_2822: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Longer texts are no dates.
const MAX_BYTES: usize = 200;
/// Years that a feed may speak of.
const YEARS: std::ops::RangeInclusive<i16> = 1500..=2999;

/// A date that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// The instant.
    pub at: Timestamp,
    /// The offset from UTC that the text states; None: it states none, and was read in the zone that was given.
    pub stated: Option<Offset>,
}

/// Reads a date; one without a zone is read in `zone`.
#[must_use]
pub fn parse(text: &str, zone: &TimeZone) -> Option<Dated> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_BYTES {
        return None;
    }
    // RFC 2822 §4.3 takes every zone that it does not name for UTC; the names below know better.
    let has_offset = text.ends_with("GMT") || text.ends_with(|c: char| c.is_ascii_digit());
    rfc_3339(text)
        .or_else(|| {
            has_offset
                .then(|| RFC_2822.parse_zoned(text).ok())?
                .map(|date| (date.datetime(), date.offset()))
        })
        // What looks like the Middle Ages is of the Persian calendar.
        .filter(|(date, _)| YEARS.contains(&date.year()))
        .and_then(|(date, offset)| at_offset(date, offset))
        .or_else(|| by_parts(&plain(without_remark(text)), zone))
}

/// The text up to what stands in parentheses behind the clock: a zone's name at length.
fn without_remark(text: &str) -> &str {
    match text.split_once('(') {
        Some((before, _)) if before.contains(':') => before,
        _ => text,
    }
}

fn rfc_3339(text: &str) -> Option<(DateTime, Offset)> {
    let pieces = Pieces::parse(text).ok()?;
    Some((pieces.date().to_datetime(pieces.time()?), pieces.to_numeric_offset()?))
}

/// ASCII digits, Persian letters, no joiners, one space for each run of what parts words.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            '۰'..='۹' => plain.push(digit(c, '۰')),
            '٠'..='٩' => plain.push(digit(c, '٠')),
            'ي' | 'ى' => plain.push('ی'),
            'ك' => plain.push('ک'),
            'أ' | 'إ' => plain.push('ا'),
            '\u{64b}'..='\u{655}' => {}
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{640}' | '\u{307}' => {}
            '٫' => plain.push('.'),
            '−' | '–' | '‐' | '‑' => plain.push('-'),
            '：' => plain.push(':'),
            c if c.is_whitespace() || matches!(c, ',' | '،' | '؛' | ';' | '(' | ')' | '[' | ']' | '|' | '\u{a0}') => {
                plain.push(' ')
            }
            c => plain.push(c),
        }
    }
    // Names of two words.
    for (words, word) in [
        ("تشرین ال", "تشرینال"),
        ("کانون ال", "کانونال"),
        ("بعد از ظهر", "بعدازظهر"),
        ("قبل از ظهر", "قبلازظهر"),
        ("a. m", "a.m"),
        ("p. m", "p.m"),
    ] {
        if plain.contains(words) {
            plain = plain.replace(words, word);
        }
    }
    plain
}

fn digit(c: char, zero: char) -> char {
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or('0')
}

fn by_parts(text: &str, zone: &TimeZone) -> Option<Dated> {
    let compact = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(date) = all_digits(&compact) {
        return in_zone(date, None, zone);
    }
    if compact.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && let Some(at) = epoch(&compact)
    {
        return checked(at, Some(Offset::UTC));
    }
    if let Some(date) = iso(&compact, zone) {
        return Some(date);
    }
    Parts::of(&compact)?.instant(zone)
}

/// `20261122102030`, `202611221020`, `2026112210`.
fn all_digits(text: &str) -> Option<DateTime> {
    let is_meant =
        matches!(text.len(), 10 | 12 | 14) && text.bytes().all(|b| b.is_ascii_digit()) && text.starts_with("20");
    let number = |from: usize| text.get(from..from + 2).map_or(Some(0), |part| part.parse::<i8>().ok());
    let date = is_meant.then(|| ymd(text.get(..4)?, text.get(4..6)?, text.get(6..8)?))??;
    let time = Time::new(number(8)?, number(10)?, number(12)?, 0).ok()?;
    Some(date.to_datetime(time))
}

/// Seconds or milliseconds since 1970; seconds may have a fraction.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        9 | 10 => Timestamp::from_second(number).ok(),
        12 | 13 => Timestamp::from_millisecond(number).ok(),
        _ => None,
    }
}

/// ISO 8601 with its holes: year first, parts in order, `T` or a space before the time (RFC 3339 is read before).
fn iso(text: &str, zone: &TimeZone) -> Option<Dated> {
    let (date, time) = match text.find(['t', ' ']) {
        Some(at) if text.get(..at)?.ends_with(|c: char| c.is_ascii_digit()) => {
            (text.get(..at)?, text.get(at + 1..)?.trim())
        }
        _ => (text, ""),
    };
    let date = iso_date(date)?;
    if time.is_empty() {
        return in_zone(date.at(0, 0, 0, 0), None, zone);
    }
    let (clock, offset) = clock_and_offset(time)?;
    in_zone(clock.on(date)?, offset, zone)
}

fn iso_date(text: &str) -> Option<Date> {
    if !text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'w' | b'/' | b'.'))
    {
        return None;
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    match parts.as_slice() {
        // 20261122, 2026326, 2026; and of old, without the century: 261122, 2611.
        [all] if !all.contains('w') => match all.len() {
            8 => ymd(all.get(..4)?, all.get(4..6)?, all.get(6..)?),
            7 => ordinal(all.get(..4)?, all.get(4..)?),
            6 => ymd(all.get(..2)?, all.get(2..4)?, all.get(4..)?),
            4 => ymd(all, "1", "1").or_else(|| ymd(all.get(..2)?, all.get(2..)?, "1")),
            _ => None,
        },
        [all] => week(all.get(..4)?, all.get(5..7)?, all.get(7..).unwrap_or_default()),
        [year, rest] if rest.starts_with('w') => week(year, rest.get(1..3)?, rest.get(3..)?),
        [year, rest, day] if rest.starts_with('w') => week(year, rest.get(1..)?, day),
        [year, day] if year.len() == 4 && day.len() == 3 => ordinal(year, day),
        [year, month] if year.len() == 4 && month.len() <= 2 => ymd(year, month, "1"),
        [year, month, day]
            if year.len() == 4 || (text.contains('-') && [year, month, day].iter().all(|p| p.len() == 2)) =>
        {
            ymd(year, month, day)
        }
        _ => None,
    }
}

fn ymd(year: &str, month: &str, day: &str) -> Option<Date> {
    civil(
        full_year(year.parse().ok()?, year.len())?,
        month.parse().ok()?,
        day.parse().ok()?,
    )
}

fn ordinal(year: &str, day: &str) -> Option<Date> {
    let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
    let date = first.checked_add((day.parse::<i32>().ok()? - 1).days()).ok()?;
    (date.year() == first.year()).then_some(date)
}

fn week(year: &str, week: &str, day: &str) -> Option<Date> {
    let day: i8 = if day.is_empty() { 1 } else { day.parse().ok()? };
    let weekday = jiff::civil::Weekday::from_monday_one_offset(day).ok()?;
    let date = jiff::civil::ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, weekday).ok()?;
    Some(date.date())
}

/// A date of the calendar that the year belongs to: 1300 to 1499 are years of the Persian one.
fn civil(year: i16, month: i8, day: i8) -> Option<Date> {
    if (1300..=1499).contains(&year) {
        return jalali(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    }
    YEARS.contains(&year).then(|| Date::new(year, month, day).ok())?
}

fn jalali(year: i16, month: u8, day: u8) -> Option<Date> {
    let date = IcuDate::try_new_persian(i32::from(year), month, day).ok()?;
    let date = date.to_calendar(icu_calendar::cal::Gregorian);
    Date::new(
        i16::try_from(date.year().extended_year()).ok()?,
        i8::try_from(date.month().ordinal).ok()?,
        i8::try_from(date.day_of_month().0).ok()?,
    )
    .ok()
}

/// A time of day; hour 24 is the next day's first.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    hour: i8,
    minute: i8,
    second: i8,
}

impl Clock {
    fn on(self, date: Date) -> Option<DateTime> {
        // A leap second is the last that a minute has here.
        let time = Time::new(self.hour % 24, self.minute, self.second.min(59), 0).ok()?;
        let date = if self.hour == 24 { date.tomorrow().ok()? } else { date };
        (self.hour <= 24).then(|| date.to_datetime(time))
    }
}

/// `10:20:30.5+03:30`, `102030z`, `10.20`, `9:15-05:00`; what follows the clock is an offset.
fn clock_and_offset(text: &str) -> Option<(Clock, Option<i32>)> {
    let end = text.find(['+', '-', 'z', ' ']).unwrap_or(text.len());
    let clock = clock(text.get(..end)?)?;
    let rest = text.get(end..)?.trim();
    if rest.is_empty() {
        return Some((clock, None));
    }
    // Words behind the clock are for the reader of parts.
    offset(rest).map(|offset| (clock, Some(offset)))
}

fn clock(text: &str) -> Option<Clock> {
    let (whole, _fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut parts: Vec<&str> = whole.split(':').collect();
    if let [all] = parts.as_slice()
        && matches!(all.len(), 4 | 6)
    {
        parts = vec![all.get(..2)?, all.get(2..4)?, all.get(4..)?];
    }
    let number = |at: usize| match parts.get(at) {
        None | Some(&"") => Some(0),
        Some(part) => part.parse::<i8>().ok().filter(|n| (0..=60).contains(n)),
    };
    (parts.len() <= 3 && !whole.is_empty()).then_some(())?;
    Some(Clock {
        hour: number(0)?,
        minute: number(1)?,
        second: number(2)?,
    })
}

/// Minutes east of UTC: `+0330`, `+03:30`, `-5`, `z`, `gmt+3`.
fn offset(text: &str) -> Option<i32> {
    let text = text.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => {
            let at = text.find(['+', '-']);
            return match at {
                Some(at) if matches!(text.get(..at)?, "gmt" | "utc" | "ut") => offset(text.get(at..)?),
                Some(_) => None,
                None => match meaning(text) {
                    Word::Zone(minutes) => Some(minutes),
                    _ => None,
                },
            };
        }
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None if digits.len() == 3 => digits.split_at_checked(1)?,
        None => (digits, "0"),
    };
    let number = |text: &str| -> Option<i32> { text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())? };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 15 && minutes < 60).then(|| sign * (hours * 60 + minutes))
}

/// An instant by the offset in minutes that a text states, or else by its zone.
fn in_zone(civil: DateTime, stated: Option<i32>, zone: &TimeZone) -> Option<Dated> {
    if let Some(minutes) = stated {
        return at_offset(civil, Offset::from_seconds(minutes * 60).ok()?);
    }
    let at = zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp();
    checked(at, None)
}

fn at_offset(civil: DateTime, offset: Offset) -> Option<Dated> {
    checked(offset.to_timestamp(civil).ok()?, Some(offset))
}

fn checked(at: Timestamp, stated: Option<Offset>) -> Option<Dated> {
    YEARS
        .contains(&Offset::UTC.to_datetime(at).year())
        .then_some(Dated { at, stated })
}

/// RFC 2822 §4.3: two digits are of this century up to 49.
fn full_year(year: i64, digits: usize) -> Option<i16> {
    let year = match (digits, year) {
        (1 | 2, 0..=49) => year + 2000,
        (1 | 2, _) => year + 1900,
        (3, _) => year + 1900,
        _ => year,
    };
    i16::try_from(year).ok()
}

#[cfg(test)]
mod tests;
