//! Which entries the last document of a feed had.

use crate::model::item::ItemKey;

/// Entries that are remembered: of a longer document the newest, which leave it last.
const KEPT: usize = 64;
/// Of each the first bytes of the hash in its key.
const WIDTH: usize = 4;

/// Marks of the entries of a document: what is left of them in the next one tells whether something was missed in between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryMarks(Vec<[u8; WIDTH]>);

impl EntryMarks {
    /// The marks of the entries with these keys, the oldest first.
    #[must_use]
    pub fn of(keys: &[ItemKey]) -> Self {
        Self(keys.iter().rev().take(KEPT).map(mark).collect())
    }

    /// As they were stored.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.as_chunks().0.to_vec())
    }

    /// To be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_flattened()
    }

    /// Whether an entry with one of these keys was in the document.
    #[must_use]
    pub fn have_any(&self, mut keys: impl Iterator<Item = ItemKey>) -> bool {
        keys.any(|key| self.0.contains(&mark(&key)))
    }

    /// Adds the entries of an older document, as far as there is room.
    pub fn join(&mut self, older: &Self) {
        let new = older.0.iter().filter(|mark| !self.0.contains(mark)).copied();
        let new: Vec<_> = new.take(KEPT.saturating_sub(self.0.len())).collect();
        self.0.extend(new);
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

    fn keys(numbers: std::ops::Range<u8>) -> Vec<ItemKey> {
        numbers.map(key).collect()
    }

    fn have(marks: &EntryMarks, numbers: std::ops::Range<u8>) -> bool {
        marks.have_any(keys(numbers).into_iter())
    }

    #[test]
    fn what_is_left_of_a_document_is_seen_after_it_was_stored() {
        let marks = EntryMarks::from_bytes(EntryMarks::of(&keys(0..10)).as_bytes());
        assert!(have(&marks, 9..20));
        assert!(!have(&marks, 10..20));
        assert!(!have(&marks, 0..0));
        assert!(!have(&EntryMarks::default(), 0..10));
    }

    #[test]
    fn of_a_long_document_the_newest_entries_are_remembered() {
        let marks = EntryMarks::of(&keys(0..200));
        assert_eq!(marks.as_bytes().len(), 256);
        assert!(have(&marks, 136..137) && have(&marks, 199..200) && !have(&marks, 0..136));
    }

    #[test]
    fn an_older_document_is_added_once_and_as_far_as_there_is_room() {
        let mut marks = EntryMarks::of(&keys(20..22));
        let older = EntryMarks::of(&keys(0..10));
        marks.join(&older);
        marks.join(&older);
        assert_eq!(marks.as_bytes().len(), 12 * 4);
        assert!(have(&marks, 21..30) && have(&marks, 9..20));
        marks.join(&EntryMarks::of(&keys(100..200)));
        assert_eq!(marks.as_bytes().len(), 256);
        assert!(have(&marks, 0..1) && have(&marks, 199..200));
    }
}
