//! What becomes of the entries of a document: new, written differently, or known. Pure.
//!
//! Whether one that is written differently is edited is told by its words, which [`weigh`](crate::ingest::edit::weigh) looks at.

use std::collections::HashMap;

use crate::model::item::{Hash16, ItemKey, KeyedItem, KnownItem, NewItem, RawItem};
use crate::model::poll::ItemChange;
use crate::text::hash::fast_hash_of;

/// Fewer entries than these come and go.
const FEW: u32 = 4;
/// Polls in a row that must bring a document which shrank before it is believed.
const SHRUNK_PATIENCE: u32 = 3;

/// Whether a document with `entries` is believed after one that had `before`.
///
/// One that shrank to a half, or to nothing, was likely cut or made by a server in trouble: it is believed only when it has come at
/// several polls in a row, `shrunk` of them before this one.
#[must_use]
pub fn is_believed(entries: u32, before: u32, shrunk: u32) -> bool {
    let shrank = before > 0 && entries == 0 || before >= FEW && u64::from(entries) * 2 <= u64::from(before);
    !shrank || shrunk + 1 >= SHRUNK_PATIENCE
}

/// Compares the entries with what is known. Only what is new or has changed is normalised.
#[must_use]
pub fn decide(
    items: &[KeyedItem],
    known: &HashMap<ItemKey, KnownItem>,
    normalise: impl Fn(&RawItem) -> NewItem,
) -> Vec<ItemChange> {
    items
        .iter()
        .filter_map(|entry| match known.get(&entry.key) {
            None => {
                let item = normalise(&entry.raw);
                Some(ItemChange::New {
                    key: entry.key,
                    raw_hash: entry.raw_hash,
                    content_hash: content_hash(&item),
                    item: Box::new(item),
                })
            }
            Some(known) => changed(known, entry.raw_hash, || Box::new(normalise(&entry.raw))),
        })
        .collect()
}

/// What has become of a known item; None: nothing. The entry is normalised only where it has changed.
pub fn changed(known: &KnownItem, raw_hash: Hash16, normalised: impl FnOnce() -> Box<NewItem>) -> Option<ItemChange> {
    if known.raw_hash == raw_hash {
        return None;
    }
    let item = normalised();
    Some(ItemChange::Rewritten {
        id: known.id,
        raw_hash,
        content_hash: Some(content_hash(&item)).filter(|hash| *hash != known.content_hash),
        item,
    })
}

/// What a reader sees: the title, the text, the address.
fn content_hash(item: &NewItem) -> Hash16 {
    fast_hash_of([item.title.as_str(), &item.content, &item.summary, &item.link].into_iter())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{decide, is_believed};
    use crate::model::identity::Basis;
    use crate::model::item::{ItemId, ItemKey, KeyedItem, KnownItem, NewItem, RawItem};
    use crate::model::poll::ItemChange;
    use std::collections::HashMap;

    fn entry(title: &str) -> KeyedItem {
        let raw = RawItem {
            title: title.to_owned(),
            ..RawItem::default()
        };
        let [first, ..] = *title.as_bytes() else {
            return KeyedItem {
                key: ItemKey([0; 17]),
                basis: Basis::Guid,
                raw_hash: [0; 16],
                position: 0,
                raw,
            };
        };
        KeyedItem {
            key: ItemKey([1; 17]),
            basis: Basis::Guid,
            raw_hash: [first; 16],
            position: 0,
            raw,
        }
    }

    /// Titles in capitals and small letters look the same to a reader here.
    fn normalise(raw: &RawItem) -> NewItem {
        NewItem {
            title: raw.title.to_lowercase(),
            ..NewItem::default()
        }
    }

    fn known_as(title: &str) -> HashMap<ItemKey, KnownItem> {
        let entry = entry(title);
        let [change] = &decide(&[entry], &HashMap::new(), normalise)[..] else {
            return HashMap::new();
        };
        let ItemChange::New {
            key,
            raw_hash,
            content_hash,
            ..
        } = change
        else {
            return HashMap::new();
        };
        let known = KnownItem {
            id: ItemId(7),
            raw_hash: *raw_hash,
            content_hash: *content_hash,
        };
        HashMap::from([(*key, known)])
    }

    #[test]
    fn an_entry_is_new_then_known_then_written_differently() {
        let decided = |title: &str, known: &HashMap<_, _>| decide(&[entry(title)], known, normalise).pop();
        assert!(matches!(decided("a", &HashMap::new()), Some(ItemChange::New { .. })));
        let known = known_as("a");
        assert!(decided("a", &known).is_none());
        let rewritten = |title| match decided(title, &known) {
            Some(ItemChange::Rewritten { id, content_hash, .. }) => Some((id, content_hash.is_some())),
            _ => None,
        };
        assert_eq!(rewritten("A"), Some((ItemId(7), false)), "a reader sees the same");
        assert_eq!(rewritten("b"), Some((ItemId(7), true)));
    }

    #[test]
    fn a_document_that_shrank_to_a_half_is_believed_at_the_third_poll() {
        assert!(is_believed(11, 20, 0));
        assert!(is_believed(0, 0, 0) && is_believed(1, 3, 0));
        for shrunk in [0, 1] {
            assert!(!is_believed(10, 20, shrunk) && !is_believed(0, 1, shrunk));
        }
        assert!(is_believed(10, 20, 2) && is_believed(0, 20, 2));
    }
}
