//! Which entries the last document of a feed had.

use crate::model::item::ItemKey;

/// Entries that are remembered. Of a longer document it is a sample, by the hashes of their keys.
const KEPT: usize = 64;
/// Of each the first bytes of the hash in its key.
const WIDTH: usize = 4;

/// Marks of the entries of a document: what is left of them in the next one tells whether something was missed in between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryMarks(Vec<u8>);

impl EntryMarks {
    /// The marks of the entries with these keys.
    #[must_use]
    pub fn of(keys: impl Iterator<Item = ItemKey>) -> Self {
        let mut marks: Vec<_> = keys.map(|key| mark(&key)).collect();
        marks.sort_unstable();
        marks.dedup();
        marks.truncate(KEPT);
        Self(marks.concat())
    }

    /// As they were stored.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// To be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether an entry with one of these keys was in the document.
    #[must_use]
    pub fn have_any(&self, mut keys: impl Iterator<Item = ItemKey>) -> bool {
        keys.any(|key| self.0.chunks_exact(WIDTH).any(|mark_of_one| mark_of_one == mark(&key)))
    }

    /// Adds the entries of what came by another way since; they stay longest.
    pub fn join(&mut self, newer: &Self) {
        let both = [&newer.0[..], &self.0].concat();
        self.0 = both.into_iter().take(KEPT * WIDTH).collect();
    }
}

fn mark(key: &ItemKey) -> [u8; WIDTH] {
    let [_, a, b, c, d, ..] = key.0;
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::EntryMarks;
    use crate::model::item::ItemKey;

    fn key(number: u8) -> ItemKey {
        let mut key = [7; 17];
        key[1] = number;
        ItemKey(key)
    }

    fn keys(numbers: std::ops::Range<u8>) -> impl Iterator<Item = ItemKey> {
        numbers.map(key)
    }

    #[test]
    fn what_is_left_of_a_document_is_seen_after_it_was_stored() {
        let marks = EntryMarks::from_bytes(EntryMarks::of(keys(0..10)).as_bytes().to_vec());
        assert!(marks.have_any(keys(9..20)));
        assert!(!marks.have_any(keys(10..20)));
        assert!(!marks.have_any(keys(0..0)));
        assert!(!EntryMarks::default().have_any(keys(0..10)));
    }

    #[test]
    fn marks_of_a_long_document_are_a_sample_that_does_not_depend_on_its_order() {
        let marks = EntryMarks::of(keys(0..200));
        assert_eq!(marks.as_bytes().len(), 256);
        assert_eq!(marks, EntryMarks::of((0..200).rev().map(key)));
    }

    #[test]
    fn what_came_by_another_way_is_added_and_the_sum_is_bounded() {
        let mut marks = EntryMarks::of(keys(0..10));
        marks.join(&EntryMarks::of(keys(20..22)));
        assert!(marks.have_any(keys(21..30)) && marks.have_any(keys(9..20)));
        for first in 0..20 {
            marks.join(&EntryMarks::of(keys(first * 10..first * 10 + 10)));
        }
        assert_eq!(marks.as_bytes().len(), 256);
        assert!(marks.have_any(keys(199..200)) && !marks.have_any(keys(0..10)));
    }
}
