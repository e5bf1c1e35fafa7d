//! Finds the items of entries that no key knows: because their guids are new on each poll, because the policy of their feed or the
//! rule has changed, or because others share their guids now. Pure.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::ingest::identity::likeness::{Crowd, Face, Likeness};
use crate::ingest::identity::policy::{after, is_most, learned, seen};
use crate::ingest::identity::{BASES, first_basis, key_by, key_from, keys};
use crate::model::identity::{Basis, IdentityPolicy, Learned};
use crate::model::item::{ItemId, ItemKey, KeyedItem, KnownItem, Lookalike, NewItem, RawItem, Traces};

/// A document in which keys know not all entries.
#[derive(Debug)]
pub struct Puzzle<'a> {
    /// Its entries.
    pub entries: &'a [KeyedItem],
    /// Those that are new, by place, and what a reader would see.
    pub new: Vec<(usize, &'a NewItem)>,
    /// Those whose items have changed.
    pub edited: Vec<(usize, &'a NewItem)>,
    /// The items that keys know.
    pub known: &'a HashMap<ItemKey, KnownItem>,
    /// Items that entries may be.
    pub lookalikes: &'a [Lookalike],
    /// By what the entries were told apart.
    pub policy: IdentityPolicy,
    /// What the feed's documents have taught so far; None: this one teaches nothing.
    pub learned: Option<Learned>,
}

/// What becomes of its entries.
#[derive(Debug)]
pub struct Solution {
    /// The keys of all entries from now on.
    pub keys: Vec<ItemKey>,
    /// Which items entries are, by place, that their keys do not know.
    pub items: HashMap<usize, KnownItem>,
    /// Entries that are the same as others under other guids.
    pub twins: HashSet<usize>,
    /// Entries whose keys know an item that they are not.
    pub misnamed: HashSet<usize>,
    /// What the feed's documents have taught; None: as before.
    pub learned: Option<Learned>,
}

/// An entry that no key knows.
#[derive(Debug)]
pub(super) struct Stranger<'a> {
    pub(super) at: usize,
    /// What its key was made from.
    pub(super) basis: Basis,
    pub(super) face: Face<'a>,
}

/// Where the items of these entries may be found.
#[must_use]
pub fn traces(strangers: &[(&KeyedItem, &NewItem)], newest: usize) -> Traces {
    let keys_of = |(entry, _): &(&KeyedItem, _)| BASES.map(|basis| key_by(&entry.raw, basis)).into_iter().flatten();
    let keys: HashSet<ItemKey> = strangers.iter().flat_map(keys_of).collect();
    let links = strangers.iter().map(|(_, item)| item.canonical_link.clone());
    let links: HashSet<String> = links.filter(|link| !link.is_empty()).collect();
    Traces {
        keys: keys.into_iter().collect(),
        canonical_links: links.into_iter().collect(),
        newest,
    }
}

/// Finds the items.
#[must_use]
pub fn recognise(puzzle: &Puzzle<'_>) -> Solution {
    let misnamed = misnamed(puzzle);
    let named = puzzle
        .entries
        .iter()
        .enumerate()
        .filter(|(at, _)| !misnamed.contains(at));
    let claimed: HashSet<ItemId> = named
        .filter_map(|(_, entry)| puzzle.known.get(&entry.key))
        .map(|item| item.id)
        .collect();
    let others = Crowd::of(puzzle.lookalikes, |item| !claimed.contains(&item.id));
    let edited = puzzle.edited.iter().filter(|(at, _)| misnamed.contains(at));
    let strangers: Vec<Stranger<'_>> = puzzle
        .new
        .iter()
        .chain(edited)
        .filter_map(|(at, item)| {
            Some(Stranger {
                at: *at,
                basis: puzzle.entries.get(*at)?.basis,
                face: Face::of_entry(item),
            })
        })
        .collect();

    let raws: Vec<&RawItem> = puzzle.entries.iter().map(|entry| &entry.raw).collect();
    let (shown, learned) = teaching(puzzle, &misnamed, &strangers, &others, &raws);
    let policy = learned.map_or(puzzle.policy, |learned| learned.policy);
    let keys = if policy == puzzle.policy {
        puzzle.entries.iter().map(|entry| (entry.basis, entry.key)).collect()
    } else {
        keys(&raws, policy)
    };
    let basis = |stranger: &Stranger<'_>| keys.get(stranger.at).map_or(stranger.basis, |(basis, _)| *basis);

    let believes_links = policy <= IdentityPolicy::Link;
    let items = matched(&strangers, &others, |stranger, likeness| {
        likeness.is_one_by(basis(stranger))
            || believes_links && likeness.is_twin()
            || shown.is_some_and(|shown| likeness.speaks_for(shown, stranger.basis))
    });
    let here = Crowd::of(puzzle.lookalikes, |item| claimed.contains(&item.id));
    let is_twin = |stranger: &&Stranger<'_>| {
        // Who shares a key with others is none: all of those are kept.
        let own = raws.get(stranger.at).map(|raw| key_from(raw, first_basis(policy)).0);
        believes_links
            && own == Some(basis(stranger))
            && !items.contains_key(&stranger.at)
            && here.near(&stranger.face).iter().any(|(_, likeness)| likeness.is_twin())
    };
    let twins = strangers.iter().filter(is_twin).map(|stranger| stranger.at).collect();
    Solution {
        keys: keys.iter().map(|(_, key)| *key).collect(),
        items,
        twins,
        misnamed,
        learned,
    }
}

/// Entries that have nothing in common with the items under their guids, if most are so: the guids are places in a list, or one for all.
fn misnamed(puzzle: &Puzzle<'_>) -> HashSet<usize> {
    if puzzle.learned.is_none() || puzzle.policy > IdentityPolicy::Guid {
        return HashSet::new();
    }
    let alikes: HashMap<ItemId, &Lookalike> = puzzle.lookalikes.iter().map(|alike| (alike.item.id, alike)).collect();
    let misnamed: HashSet<usize> = puzzle
        .edited
        .iter()
        .filter(|(at, item)| {
            let known = puzzle.entries.get(*at).and_then(|entry| puzzle.known.get(&entry.key));
            let alike = known.and_then(|known| alikes.get(&known.id));
            alike.is_some_and(|alike| Face::of_entry(item).is_another_than(&Face::of_item(alike)))
        })
        .map(|(at, _)| *at)
        .collect();
    if is_most(misnamed.len(), puzzle.entries.len()) {
        misnamed
    } else {
        HashSet::new()
    }
}

/// The policy that the document shows to be better, if any, and what is learned of that.
fn teaching(
    puzzle: &Puzzle<'_>,
    misnamed: &HashSet<usize>,
    strangers: &[Stranger<'_>],
    others: &Crowd<'_>,
    raws: &[&RawItem],
) -> (Option<IdentityPolicy>, Option<Learned>) {
    let entries = puzzle.entries.len();
    let Some(before) = puzzle.learned else {
        return (None, None);
    };
    if !misnamed.is_empty() {
        let policy = after(puzzle.policy, raws);
        return (Some(policy), Some(Learned { policy, doubts: 0 }));
    }
    match seen(puzzle.policy, entries, strangers, others) {
        Some(policy) => (Some(policy), Some(learned(before, policy, entries))),
        None => (None, Some(before)),
    }
}

/// The most alike first; each item is one entry.
fn matched(
    strangers: &[Stranger<'_>],
    others: &Crowd<'_>,
    is_one: impl Fn(&Stranger<'_>, Likeness) -> bool,
) -> HashMap<usize, KnownItem> {
    let mut pairs = Vec::new();
    for stranger in strangers {
        let near = others.near(&stranger.face).into_iter();
        let near = near.filter(|(_, likeness)| is_one(stranger, *likeness));
        pairs.extend(near.map(|(item, likeness)| (likeness.strength(), item, stranger.at)));
    }
    pairs.sort_unstable_by_key(|(strength, item, at)| (Reverse(*strength), Reverse(item.id), *at));
    let (mut items, mut taken) = (HashMap::new(), HashSet::new());
    for (_, item, at) in pairs {
        if !items.contains_key(&at) && taken.insert(item.id) {
            items.insert(at, item);
        }
    }
    items
}
