//! In which zone the dates of one document are that state none: what its other dates state is the best guess.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::ingest::date::parse;

/// Reads the dates of one document, and counts what they state.
#[derive(Debug)]
pub struct Dates {
    zone: TimeZone,
    unstated: Cell<usize>,
    stated: RefCell<BTreeMap<Offset, usize>>,
}

impl Dates {
    /// Dates that state no zone are read in `zone`.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            unstated: Cell::default(),
            stated: RefCell::default(),
        }
    }

    /// Reads a date.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Timestamp> {
        let date = parse(text, &self.zone)?;
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

    /// The offset that half of the dates or more state; of two, the one that is not UTC's. None where they are of all zones.
    #[must_use]
    pub fn usual(&self) -> Option<Offset> {
        let stated = self.stated.borrow();
        let all: usize = stated.values().sum();
        let (offset, count) = stated
            .iter()
            .max_by_key(|(offset, count)| (**count, !offset.is_zero()))?;
        (count * 2 >= all).then_some(*offset)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Dates;
    use jiff::tz::{TimeZone, offset};

    #[test]
    fn the_zone_that_most_dates_state_is_the_usual_one() {
        let dates = Dates::new(TimeZone::UTC);
        assert_eq!(dates.usual(), None);
        for text in [
            "Sun, 22 Nov 2026 10:00:00 GMT",
            "2026-11-22T13:30:00+03:30",
            "2026-11-22 13:30",
            "soon",
        ] {
            let _ = dates.read(text);
        }
        let _ = dates.read("2026-11-22T10:00:00+01:00");
        assert_eq!(dates.usual(), None);
        let _ = dates.read("2026-11-21T10:00:00+03:30");
        assert_eq!(dates.unstated(), 1);
        assert_eq!(
            dates.usual().unwrap(),
            offset(3).checked_add(jiff::Span::new().minutes(30)).unwrap()
        );
    }
}
