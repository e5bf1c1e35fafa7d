//! In which zone the dates of one document are that state none: what its other dates state is the best guess.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::ingest::date::parse;

/// Reads the dates of one document, and counts what they state.
#[derive(Debug)]
pub struct Dates {
    zone: TimeZone,
    /// What the first date states: feeds date themselves before their entries.
    first: OnceCell<Option<Offset>>,
    unstated: Cell<usize>,
    stated: RefCell<BTreeMap<Offset, usize>>,
}

impl Dates {
    /// Dates that state no zone are read in `zone`.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            first: OnceCell::new(),
            unstated: Cell::default(),
            stated: RefCell::default(),
        }
    }

    /// Reads a date.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let date = parse(text, &self.zone)?;
        self.first.get_or_init(|| date.stated);
        match date.stated {
            Some(offset) => *self.stated.borrow_mut().entry(offset).or_default() += 1,
            None => self.unstated.set(self.unstated.get() + 1),
        }
        Some(date.at)
    }

    /// How many dates were read that state no zone.
    #[must_use]
    pub fn unstated(&self) -> usize {
        self.unstated.get()
    }

    /// The offset that half of the dates or more state, or the first date and half of those that state any; of two offsets that fit, the
    /// one that is not UTC's.
    #[must_use]
    pub fn usual(&self) -> Option<Offset> {
        let stated = self.stated.borrow();
        let (offset, count) = stated
            .iter()
            .max_by_key(|(offset, count)| (**count, !offset.is_zero()))?;
        let first = self.first.get().copied().flatten();
        let unstated = if first == Some(*offset) { 0 } else { self.unstated() };
        (count * 2 >= stated.values().sum::<usize>() + unstated).then_some(*offset)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Dates;
    use jiff::tz::TimeZone;

    fn usual(texts: &[&str]) -> Option<String> {
        let dates = Dates::new(TimeZone::UTC);
        for text in texts {
            let _ = dates.read(text);
        }
        dates.usual().map(|offset| offset.to_string())
    }

    #[test]
    fn the_zone_that_half_of_the_dates_state_or_the_first_one_is_the_usual_one() {
        let (utc, tehran, none) = (
            "Sun, 22 Nov 2026 10:00:00 GMT",
            "2026-11-22T13:30:00+03:30",
            "2026-11-22 13:30",
        );
        assert_eq!(usual(&[]), None);
        assert_eq!(usual(&[none, tehran, "soon"]).unwrap(), "+03:30");
        assert_eq!(usual(&[utc, tehran, tehran]).unwrap(), "+03:30");
        assert_eq!(usual(&[utc, tehran, none]), None);
        assert_eq!(usual(&[none, none, tehran]), None);
        assert_eq!(usual(&[tehran, none, none, none]).unwrap(), "+03:30");
    }
}
