//! A date by its parts: numbers, names, a clock, an offset, in whatever order people write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::ingest::date::names::{Word, meaning};
use crate::ingest::date::{Clock, Dated, civil, clock, full_year, in_zone, jalali, offset};

/// What the parts of a date say.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Numbers that are no part of a clock, with the mark that stands before each.
    numbers: Vec<(i64, usize, char)>,
    month: Option<u8>,
    is_jalali: bool,
    /// No other word is the month.
    has_month: bool,
    clock: Option<Clock>,
    pm: Option<bool>,
    offset: Option<i32>,
    /// The offset is that of a name: a number behind it says more.
    is_named: bool,
    /// By its name in the database of zones: `america/new_york`.
    zone: Option<TimeZone>,
}

impl Parts {
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut parts = Self::default();
        // Korean, Chinese and Japanese write units behind the numbers.
        let text = text
            .replace(['년', '월', '年', '月'], "-")
            .replace(['일', '日', '분', '分', '초', '秒'], " ")
            .replace(['시', '時', '时', '点'], ":")
            .replace(": ", ":");
        for word in text.split_whitespace() {
            parts.word(word)?;
        }
        Some(parts)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let word = word.trim_matches(|c: char| matches!(c, '.' | '"' | '\'' | '«' | '»'));
        let first = word.chars().next()?;
        if self.clock.is_some() && (self.offset.is_none() || self.is_named) && matches!(first, '+' | '-') {
            self.offset = offset(word).or(self.offset);
            self.is_named = false;
            return Some(());
        }
        if first.is_ascii_digit() && word.contains(':') {
            return self.clock_word(word);
        }
        // 10h20, 10h
        if let Some((hour, minute)) = word.split_once('h')
            && [hour, minute]
                .iter()
                .all(|part| part.bytes().all(|b| b.is_ascii_digit()))
            && matches!((hour.len(), minute.len()), (1..=2, 0 | 2))
        {
            return self.clock_word(&format!("{hour}:{minute}"));
        }
        if word.len() > 3 && (word.starts_with("gmt") || word.starts_with("utc")) {
            self.offset = offset(word).or(self.offset);
            return Some(());
        }
        if word.contains('/')
            && word
                .bytes()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'/' | b'_'))
            && let Ok(zone) = TimeZone::get(word)
        {
            self.zone = Some(zone);
            return Some(());
        }
        self.pieces(word);
        Some(())
    }

    /// `10:20:30`, `10:20am`, `9:15-05:00`, `2026-07-13t9:15`, `13:00:00.000z`.
    fn clock_word(&mut self, word: &str) -> Option<()> {
        // 13/jul/2026:10:20:30
        let year = word.find(':').filter(|at| {
            word.get(at.saturating_sub(5)..*at)
                .is_some_and(|year| year.starts_with('/'))
        });
        if let Some(at) = year {
            self.pieces(word.get(..at)?);
            return self.clock_word(word.get(at + 1..)?);
        }
        let word = match word.find('t') {
            Some(at) if word.get(at + 1..)?.starts_with(|c: char| c.is_ascii_digit()) => {
                self.pieces(word.get(..at)?);
                word.get(at + 1..)?
            }
            _ => word,
        };
        // A date may be tied to its time by a mark: 2026-11-22-10:20.
        let colon = word.find(':')?;
        let start = word
            .get(..colon)?
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at + 1);
        if start > 0 {
            self.pieces(word.get(..start)?);
        }
        let word = word.get(start..)?;
        let end = word
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')))
            .unwrap_or(word.len());
        if self.clock.is_none() {
            self.clock = Some(clock(word.get(..end)?.trim_end_matches(['.', ':']))?);
        }
        match word.get(end..)? {
            "" => {}
            rest => match meaning(rest) {
                Word::Am => self.pm = Some(false),
                Word::Pm => self.pm = Some(true),
                _ => self.offset = offset(rest).or(self.offset),
            },
        }
        Some(())
    }

    /// Runs of digits and of letters, and the marks between them.
    fn pieces(&mut self, word: &str) {
        let mut mark = ' ';
        let mut rest = word;
        while let Some(first) = rest.chars().next() {
            let of_kind = |c: char| {
                if first.is_ascii_digit() {
                    c.is_ascii_digit()
                } else {
                    is_letter(c)
                }
            };
            // A point may end a name, or stand within one, but begins none.
            if !first.is_ascii_digit() && (!is_letter(first) || first == '.') {
                mark = first;
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
            let end = rest.find(|c: char| !of_kind(c)).unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            rest = after;
            if first.is_ascii_digit() {
                let number = piece.parse().unwrap_or(-1);
                match half_of_day(rest) {
                    // 3pm
                    Some(pm) if self.clock.is_none() && (1..=12).contains(&number) => {
                        let hour = i8::try_from(number).unwrap_or_default();
                        (self.clock, self.pm) = (
                            Some(Clock {
                                hour,
                                ..Clock::default()
                            }),
                            Some(pm),
                        );
                        return;
                    }
                    _ => self.numbers.push((number, piece.len(), mark)),
                }
            } else {
                self.name(piece);
            }
            mark = ' ';
        }
    }

    /// A month beside a number is the one; a word before any number may have been a weekday.
    fn set_month(&mut self, month: u8, is_jalali: bool) {
        self.month = Some(month);
        self.is_jalali = is_jalali;
        self.has_month = !self.numbers.is_empty();
    }

    fn name(&mut self, name: &str) {
        match meaning(name) {
            // Where a weekday looks like a month (mar., mardi), the later word is the month.
            Word::Month(_) | Word::JalaliMonth(_) if self.has_month => {}
            Word::Month(month) => self.set_month(month, false),
            Word::JalaliMonth(month) => self.set_month(month, true),
            Word::Am => self.pm = Some(false),
            Word::Pm => self.pm = Some(true),
            Word::Zone(minutes) if self.clock.is_some() && self.offset.is_none() => {
                (self.offset, self.is_named) = (Some(minutes), true);
            }
            Word::Other if name == "uhr" => self.oclock(),
            Word::Zone(_) | Word::Other => {}
        }
    }

    /// What stands before `Uhr` is a time: `10.20`, `10`.
    fn oclock(&mut self) {
        let clock = match self.numbers.as_slice() {
            [.., (hour, ..), (minute, _, '.')] if self.numbers.len() != 3 => Some((*hour, *minute, 2)),
            [.., (hour, ..)] => Some((*hour, 0, 1)),
            [] => None,
        };
        if let Some((hour, minute, used)) = clock.filter(|_| self.clock.is_none())
            && let (Ok(hour), Ok(minute)) = (i8::try_from(hour), i8::try_from(minute))
        {
            self.clock = Some(Clock {
                hour,
                minute,
                second: 0,
            });
            self.numbers.truncate(self.numbers.len() - used);
        }
    }

    pub(super) fn instant(self, zone: &TimeZone) -> Option<Dated> {
        // Where a weekday looks like a month, three numbers that belong together know better.
        let belong = self
            .numbers
            .get(1..3)
            .is_some_and(|rest| rest.iter().all(|(.., mark)| matches!(mark, '/' | '.' | '-')));
        let date = match self.month {
            Some(month) if !belong => self.named(month)?,
            _ => self.numeric()?,
        };
        let mut clock = self.clock.unwrap_or_default();
        match self.pm {
            Some(true) if clock.hour < 12 => clock.hour += 12,
            Some(false) if clock.hour == 12 => clock.hour = 0,
            _ => {}
        }
        let civil = clock.on(date)?;
        match self.zone {
            Some(zone) if self.offset.is_none() => {
                let named = in_zone(civil, None, &zone)?;
                let stated = Some(zone.to_offset(named.at));
                Some(Dated { stated, ..named })
            }
            _ => in_zone(civil, self.offset, zone),
        }
    }

    /// A month by its name: of the two numbers the one of four digits, or beyond any month, is the year; else the second.
    fn named(&self, month: u8) -> Option<Date> {
        let (a, b) = match self.numbers.as_slice() {
            [a, b, ..] => (*a, *b),
            _ => return None,
        };
        let (day, year) = if a.1 >= 3 || a.0 > 31 { (b, a) } else { (a, b) };
        let year = full_year(year.0, year.1)?;
        if self.is_jalali {
            let year = if year < 1300 {
                year + 1300
            } else if year >= 1900 {
                year - 600
            } else {
                year
            };
            return jalali(year, month, u8::try_from(day.0).ok()?);
        }
        civil(year, i8::try_from(month).ok()?, i8::try_from(day.0).ok()?)
    }

    /// Three numbers: the year is the one of four digits; a point means day, month, year; a slash month first, unless it cannot be.
    fn numeric(&self) -> Option<Date> {
        let (a, b, c) = match self.numbers.as_slice() {
            [a, b, c, ..] => (*a, *b, *c),
            _ => return None,
        };
        let small = |n: i64| i8::try_from(n).ok();
        if a.1 == 4 {
            return civil(i16::try_from(a.0).ok()?, small(b.0)?, small(c.0)?);
        }
        let year = full_year(c.0, c.1)?;
        let day_first = matches!(b.2, '.' | '-') || a.0 > 12 || (1300..=1499).contains(&year);
        let (day, month) = if day_first { (a.0, b.0) } else { (b.0, a.0) };
        civil(year, small(month)?, small(day)?)
    }
}

/// Whether what stands behind a number makes an hour of it: `am`, `p.m.`
fn half_of_day(text: &str) -> Option<bool> {
    match meaning(text.trim_end_matches('.')) {
        Word::Am => Some(false),
        Word::Pm => Some(true),
        _ => None,
    }
}

/// Letters, and the points and marks within names (`a.m.`, `août`).
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '.' || ('\u{300}'..='\u{36f}').contains(&c)
}
