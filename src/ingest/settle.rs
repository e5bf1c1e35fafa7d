//! What becomes of the entries of a document that keys do not all know, when items are found that they may be. Pure.

use std::borrow::Borrow;
use std::collections::HashMap;

use crate::ingest::decide;
use crate::ingest::identity::recognise::{self, Puzzle, recognise};
use crate::model::identity::{IdentityPolicy, Learned};
use crate::model::item::{ItemId, ItemKey, KeyedItem, KnownItem, Lookalike, NewItem, Traces};
use crate::model::poll::ItemChange;

/// When most entries are unknown, they are compared with twice as many of the newest items, and some more.
const NEWEST: usize = 50;
const MAX_NEWEST: usize = 1000;

/// By what the entries of a document were told apart, and what that may teach.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The policy under which they got their keys.
    pub policy: IdentityPolicy,
    /// What the feed's documents have taught so far; None: this one teaches nothing.
    pub learned: Option<Learned>,
    /// Whether it is only a part of the feed's own document.
    pub is_part: bool,
}

/// What becomes of the entries of a document that keys do not all know.
#[derive(Debug)]
pub struct Settled {
    /// In the order of the entries.
    pub changes: Vec<ItemChange>,
    /// Under which keys the entries are kept from now on.
    pub keys: Vec<ItemKey>,
    /// Entries that are known all the same.
    pub recognised: usize,
    /// What the feed's documents have taught.
    pub learned: Option<Learned>,
}

/// Where the items may be found of entries that keys do not know, or know by mistake. None: there are no such entries.
#[must_use]
pub fn traces(
    items: &[KeyedItem],
    changes: &[ItemChange],
    known: &HashMap<ItemKey, KnownItem>,
    standing: Standing,
) -> Option<Traces> {
    let new = changes.iter().filter(|change| change.as_new().is_some()).count();
    let edited = changes.iter().filter(|change| change.as_edited().is_some()).count();
    // Who edits most of what is listed may have given old guids to new entries.
    let is_rewritten = edited * 2 > items.len() && standing.learned.is_some();
    if new == 0 && !is_rewritten {
        return None;
    }
    let changes = placed(items, changes.iter(), known);
    let strangers = changes.into_iter().filter_map(|(at, change)| {
        let item = change
            .as_new()
            .or_else(|| change.as_edited().filter(|_| is_rewritten))?;
        Some((items.get(at)?, item))
    });
    let is_strange = new * 2 >= items.len() || is_rewritten;
    let newest = match items.len() {
        entries if is_strange && !standing.is_part => (2 * entries + NEWEST).min(MAX_NEWEST),
        _ => 0,
    };
    Some(recognise::traces(&strangers.collect::<Vec<_>>(), newest))
}

/// Decides again, now that there are items which new entries may be: those get new keys, and nothing comes twice.
#[must_use]
pub fn settle(
    items: &[KeyedItem],
    changes: Vec<ItemChange>,
    known: &HashMap<ItemKey, KnownItem>,
    lookalikes: &[Lookalike],
    standing: Standing,
) -> Settled {
    let mut changes = placed(items, changes.into_iter(), known);
    let solution = recognise(&Puzzle {
        entries: items,
        new: of(&changes, ItemChange::as_new),
        edited: of(&changes, ItemChange::as_edited),
        known,
        lookalikes,
        policy: standing.policy,
        learned: standing.learned,
    });
    let mut settled = Vec::new();
    for (at, (entry, key)) in items.iter().zip(&solution.keys).enumerate() {
        let rekeyed = |item: &KnownItem, guid: &str| ItemChange::Rekeyed {
            id: item.id,
            key: *key,
            guid: guid.to_owned(),
        };
        let change = changes.remove(&at);
        match (solution.items.get(&at), change) {
            (Some((item, before)), Some(change)) => {
                let Some((_, now)) = change.into_item() else { continue };
                settled.extend((key != before).then(|| rekeyed(item, &now.guid)));
                settled.extend(decide::changed(item, entry.raw_hash, || now));
            }
            (None, Some(_)) if solution.twins.contains(&at) => {}
            (None, Some(change)) if change.as_new().is_some() || solution.misnamed.contains(&at) => {
                settled.extend(change.into_item().map(|(content_hash, item)| ItemChange::New {
                    key: *key,
                    raw_hash: entry.raw_hash,
                    content_hash,
                    item,
                }));
            }
            (_, change) => {
                let item = known.get(&entry.key).filter(|_| *key != entry.key);
                settled.extend(item.map(|item| rekeyed(item, "")));
                settled.extend(change);
            }
        }
    }
    Settled {
        changes: settled,
        keys: solution.keys,
        recognised: solution.items.len() + solution.twins.len(),
        learned: solution.learned,
    }
}

fn of(changes: &HashMap<usize, ItemChange>, item: fn(&ItemChange) -> Option<&NewItem>) -> Vec<(usize, &NewItem)> {
    let items = changes.iter().filter_map(|(at, change)| Some((*at, item(change)?)));
    items.collect()
}

/// The changes by the places of their entries.
fn placed<T: Borrow<ItemChange>>(
    items: &[KeyedItem],
    changes: impl Iterator<Item = T>,
    known: &HashMap<ItemKey, KnownItem>,
) -> HashMap<usize, T> {
    let by_key: HashMap<ItemKey, usize> = items.iter().enumerate().map(|(at, entry)| (entry.key, at)).collect();
    let by_id: HashMap<ItemId, ItemKey> = known.iter().map(|(key, item)| (item.id, *key)).collect();
    let place = |change: &ItemChange| match change {
        ItemChange::New { key, .. } => by_key.get(key),
        ItemChange::Edited { id, .. } | ItemChange::Rewritten { id, .. } | ItemChange::Rekeyed { id, .. } => {
            by_key.get(by_id.get(id)?)
        }
    };
    changes
        .filter_map(|change| Some((*place(change.borrow())?, change)))
        .collect()
}
