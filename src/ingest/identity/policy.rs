//! Learns by what the entries of a feed are told apart: evidence goes in, a policy comes out.
//!
//! Guids fail where most entries of a document share them, or where each poll brings new ones for what is known; links and dates fail
//! where each poll brings new ones. What failed is not believed again: policies only move on. A site that has moved looks like
//! one whose links are new on each poll, so that is learned only from documents in a row.

use std::collections::{HashMap, HashSet};

use crate::ingest::identity::likeness::{Crowd, Stranger};
use crate::ingest::identity::{first_basis, folded, key_by, link_of};
use crate::model::identity::{IdentityPolicy, Learned};
use crate::model::item::{ItemId, RawItem};

/// Entries that show something together, where a document has more than one.
const FEW: usize = 2;
/// Several versions of one item may be listed under its guid; so many are no versions.
const MANY: usize = 3;
/// Documents in a row that must show the same, where one may be a coincidence.
const PATIENCE: u32 = 2;

/// By what the entries of a document are told apart: by the policy of its feed, unless most share guids.
#[must_use]
pub fn of_document(items: &[RawItem], policy: IdentityPolicy) -> IdentityPolicy {
    if policy > IdentityPolicy::Guid {
        return policy;
    }
    let mut holders: HashMap<&str, Vec<&RawItem>> = HashMap::with_capacity(items.len());
    for item in items.iter().filter(|item| !folded(&item.guid).is_empty()) {
        holders.entry(folded(&item.guid)).or_default().push(item);
    }
    let misled = holders.values().filter(|entries| are_several(entries)).map(Vec::len);
    if is_most(misled.sum(), items.len()) {
        after(policy, &items.iter().collect::<Vec<_>>())
    } else {
        policy
    }
}

/// Whether the entries under one guid are different things.
fn are_several(entries: &[&RawItem]) -> bool {
    if entries.len() < FEW {
        return false;
    }
    let links: Vec<Option<String>> = entries.iter().map(|item| link_of(&item.link)).collect();
    let kinds: HashSet<_> = links
        .iter()
        .zip(entries)
        .map(|(link, item)| (link, item.title.trim()))
        .collect();
    let links: HashSet<&String> = links.iter().flatten().collect();
    links.len() >= FEW || kinds.len() >= MANY
}

/// The next policy that tells most entries apart.
pub(super) fn after(policy: IdentityPolicy, items: &[&RawItem]) -> IdentityPolicy {
    let tells_apart = |policy: &IdentityPolicy| {
        let keys: HashSet<_> = items
            .iter()
            .filter_map(|item| key_by(item, first_basis(*policy)))
            .collect();
        is_most(keys.len(), items.len())
    };
    let mut others = IdentityPolicy::ALL.into_iter().filter(|other| *other > policy);
    others.find(tells_apart).unwrap_or(IdentityPolicy::Text)
}

/// The policy by which most of the `entries` of a document are known, though no key knows them.
pub(super) fn seen(
    policy: IdentityPolicy,
    entries: usize,
    strangers: &[Stranger<'_>],
    items: &Crowd<'_>,
) -> Option<IdentityPolicy> {
    if strangers.len() * 2 < entries {
        return None;
    }
    let near: Vec<_> = strangers.iter().map(|one| (one.basis, items.near(&one.face))).collect();
    let mut others = IdentityPolicy::ALL.into_iter().filter(|other| *other > policy);
    others.find(|other| {
        let (mut known, mut as_items) = (0, HashSet::new());
        for (basis, near) in &near {
            let alike = near.iter().filter(|(_, likeness)| likeness.speaks_for(*other, *basis));
            let alike: Vec<ItemId> = alike.map(|(alike, _)| alike.item.id).collect();
            known += usize::from(!alike.is_empty());
            as_items.extend(alike);
        }
        // Entries that all look like one item show nothing.
        let known = known.min(as_items.len());
        let enough = if entries > 1 || *other == IdentityPolicy::Text {
            FEW
        } else {
            1
        };
        known >= enough && known * 2 >= entries
    })
}

/// What is learned of a document most of whose `entries` are known by another policy only.
pub(super) fn learned(before: Learned, seen: IdentityPolicy, entries: usize) -> Learned {
    let doubts = before.doubts + 1;
    // Links say the same whether or not guids are new on each poll: one document is enough.
    if doubts >= PATIENCE || seen == IdentityPolicy::Link && entries >= FEW {
        Learned {
            policy: seen,
            doubts: 0,
        }
    } else {
        Learned { doubts, ..before }
    }
}

/// Whether these are more than a half.
pub(super) fn is_most(part: usize, all: usize) -> bool {
    part * 2 > all
}
