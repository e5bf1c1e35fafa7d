//! Finds the items of entries that no key knows: because their guids are new on each poll, because the policy of their feed or the
//! rule has changed, or because others share their guids now. Pure.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::ingest::identity::likeness::{Crowd, Face, Likeness, Stranger};
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
    /// Which items entries are, by place, that their keys do not know; and the keys of these.
    pub items: HashMap<usize, (KnownItem, ItemKey)>,
    /// Entries that are the same as others under other guids.
    pub twins: HashSet<usize>,
    /// Entries whose keys know an item that they are not.
    pub misnamed: HashSet<usize>,
    /// What the feed's documents have taught; None: as before.
    pub learned: Option<Learned>,
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
    let named = puzzle.entries.iter().enumerate();
    let named = named
        .filter(|(at, _)| !misnamed.contains(at))
        .map(|(_, entry)| entry.key);
    let claimed: HashSet<ItemId> = named
        .filter_map(|key| puzzle.known.get(&key))
        .map(|item| item.id)
        .collect();
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
    let others = Crowd::of(puzzle.lookalikes, |item| !claimed.contains(&item.id));
    let entries: Vec<&RawItem> = puzzle.entries.iter().map(|entry| &entry.raw).collect();
    let (shown, learned) = teaching(puzzle, &misnamed, &strangers, &others, &entries);
    let policy = learned.map_or(puzzle.policy, |learned| learned.policy);
    let mut scene = Scene {
        keys: if policy == puzzle.policy {
            puzzle.entries.iter().map(|entry| (entry.basis, entry.key)).collect()
        } else {
            keys(&entries, policy)
        },
        are_few: !is_most(strangers.len(), entries.len()),
        here: Crowd::of(puzzle.lookalikes, |item| claimed.contains(&item.id)),
        entries,
        others,
        policy,
        shown,
    };
    let items = matched(&strangers, &scene.others, |stranger, likeness| {
        scene.is_one(stranger, likeness)
    });
    let unmatched = strangers.iter().filter(|stranger| !items.contains_key(&stranger.at));
    let twins = unmatched
        .filter(|stranger| scene.is_twin(stranger))
        .map(|stranger| stranger.at)
        .collect();
    let staying: Vec<&Stranger<'_>> = strangers
        .iter()
        .filter(|stranger| scene.stays(stranger, &items))
        .collect();
    for stranger in staying {
        if let (Some(key), Some((_, before))) = (scene.keys.get_mut(stranger.at), items.get(&stranger.at)) {
            key.1 = *before;
        }
    }
    Solution {
        keys: scene.keys.into_iter().map(|(_, key)| key).collect(),
        items,
        twins,
        misnamed,
        learned,
    }
}

/// All that strangers are judged by.
struct Scene<'a> {
    entries: Vec<&'a RawItem>,
    /// By what they are told apart from now on.
    policy: IdentityPolicy,
    keys: Vec<(Basis, ItemKey)>,
    /// By what most of them are known, whether or not that is learned.
    shown: Option<IdentityPolicy>,
    /// Whether most are no strangers.
    are_few: bool,
    /// The items of the other entries,
    here: Crowd<'a>,
    /// and those of none.
    others: Crowd<'a>,
}

impl Scene<'_> {
    fn basis(&self, stranger: &Stranger<'_>) -> Basis {
        self.keys.get(stranger.at).map_or(stranger.basis, |(basis, _)| *basis)
    }

    fn believes_links(&self) -> bool {
        self.policy <= IdentityPolicy::Link
    }

    fn is_one(&self, stranger: &Stranger<'_>, likeness: Likeness) -> bool {
        likeness.is_one_by(self.basis(stranger))
            || self.believes_links() && likeness.is_twin()
            || self
                .shown
                .is_some_and(|shown| likeness.speaks_for(shown, stranger.basis))
    }

    /// Whether it is the same as another entry under another guid. Who shares a key is not: all of those are kept.
    fn is_twin(&self, stranger: &Stranger<'_>) -> bool {
        let entry = self.entries.get(stranger.at);
        let shares = entry.is_none_or(|entry| key_from(entry, first_basis(self.policy)).0 != self.basis(stranger));
        let mut near = self.here.near(&stranger.face).into_iter();
        !shares && self.believes_links() && near.any(|(_, likeness)| likeness.is_twin())
    }

    /// Whether its item keeps the key that tells it apart from others who share a key with it, and are not here now.
    fn stays(&self, stranger: &Stranger<'_>, items: &HashMap<usize, (KnownItem, ItemKey)>) -> bool {
        let (Some((item, key)), Some(entry)) = (items.get(&stranger.at), self.entries.get(stranger.at)) else {
            return false;
        };
        let basis = self.basis(stranger);
        let mut farther = BASES.into_iter().filter(|other| *other > basis);
        let is_farther = farther.any(|other| key_by(entry, other) == Some(*key));
        let near = [&self.others, &self.here].map(|crowd| crowd.near(&stranger.face));
        let mut sharing = near
            .into_iter()
            .flatten()
            .filter(|(_, likeness)| likeness.is_same(basis));
        is_farther && (self.are_few || sharing.any(|(alike, _)| alike.item.id != item.id))
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
) -> HashMap<usize, (KnownItem, ItemKey)> {
    let mut pairs = Vec::new();
    for stranger in strangers {
        let near = others.near(&stranger.face).into_iter();
        let near = near.filter(|(_, likeness)| is_one(stranger, *likeness));
        pairs.extend(near.map(|(alike, likeness)| (likeness.strength(), alike, stranger.at)));
    }
    pairs.sort_unstable_by_key(|(strength, alike, at)| (Reverse(*strength), Reverse(alike.item.id), *at));
    let (mut items, mut taken) = (HashMap::new(), HashSet::new());
    for (_, alike, at) in pairs {
        if !items.contains_key(&at) && taken.insert(alike.item.id) {
            items.insert(at, (alike.item, alike.key));
        }
    }
    items
}
