//! Within a feed: which entries are the same item. One function makes the keys; the first byte of a key is the version of the rule.
//!
//! Version 1: the guid (its scheme and slash at the end do not count), else the link in canonical form, else link and title, else
//! title and date, else the text. A feed has a policy that says where this begins; what entries share that are not the same
//! throughout tells none of them, and the next counts for these. What changes while an item stays the same (`updated`) never counts.
//!
//! `policy` learns from documents what is worth nothing, and `recognise` finds the items of entries that no key knows: so nothing
//! comes again when the policy, the configuration or the rule has changed.

mod likeness;
pub mod policy;
pub mod recognise;

use std::collections::{HashMap, HashSet};

use crate::model::identity::{Basis, IdentityPolicy};
use crate::model::item::{Hash16, ItemKey, KeyedItem, RawItem};
use crate::text::canonical_url::canonical;
use crate::text::hash::{fast_hash_of, hash_of};

/// The version of the rule, the first byte of each key.
const RULE: u8 = 1;

/// What an entry can have its key from, the first that counts.
const BASES: [Basis; 5] = [
    Basis::Guid,
    Basis::Link,
    Basis::LinkAndTitle,
    Basis::TitleAndDate,
    Basis::Text,
];

/// The entries of a document with their keys, oldest first; of several that are the same throughout, the first in the document.
#[must_use]
pub fn keyed(items: Vec<RawItem>, policy: IdentityPolicy) -> Vec<KeyedItem> {
    let keys = keys(&items.iter().collect::<Vec<_>>(), policy);
    let mut seen = HashSet::new();
    let mut items: Vec<KeyedItem> = items
        .into_iter()
        .zip(keys)
        .enumerate()
        .filter(|(_, (_, (_, key)))| seen.insert(*key))
        .map(|(position, (raw, (basis, key)))| KeyedItem {
            key,
            basis,
            position,
            raw_hash: raw_hash(&raw),
            raw,
        })
        .collect();
    // Documents list the newest first. Where all entries say when they were published, that counts instead.
    items.reverse();
    if items.iter().all(|item| item.raw.published.is_some()) {
        items.sort_by_key(|item| item.raw.published);
    }
    items
}

/// The keys of the entries of one document, in its order, whatever that is.
fn keys(items: &[&RawItem], policy: IdentityPolicy) -> Vec<(Basis, ItemKey)> {
    let first = first_basis(policy);
    let mut keys: Vec<(Basis, ItemKey)> = items.iter().map(|item| key_from(item, first)).collect();
    loop {
        let shared = shared(items, &keys, policy);
        if shared.is_empty() {
            part_by_files(items, &mut keys);
            return keys;
        }
        for (known, item) in keys
            .iter_mut()
            .zip(items)
            .filter(|(known, _)| shared.contains(&known.1))
        {
            *known = key_from(item, next_basis(known.0));
        }
    }
}

/// Entries that are the same but for their files are told apart by these.
fn part_by_files(items: &[&RawItem], keys: &mut [(Basis, ItemKey)]) {
    let mut first: HashMap<ItemKey, Vec<&str>> = HashMap::with_capacity(keys.len());
    let others = items.iter().zip(&*keys);
    let shared: HashSet<ItemKey> = others
        .filter(|(item, (_, key))| *first.entry(*key).or_insert_with(|| files_of(item)) != files_of(item))
        .map(|(_, (_, key))| *key)
        .collect();
    for (known, item) in keys
        .iter_mut()
        .zip(items)
        .filter(|(known, _)| shared.contains(&known.1))
    {
        let parts = [&said(item)[..], &files_of(item)].concat();
        *known = (Basis::Text, hashed("text and files", &parts));
    }
}

fn files_of(item: &RawItem) -> Vec<&str> {
    item.enclosures.iter().map(|file| file.url.as_str()).collect()
}

/// Where a policy begins.
fn first_basis(policy: IdentityPolicy) -> Basis {
    match policy {
        IdentityPolicy::Guid => Basis::Guid,
        IdentityPolicy::Link => Basis::Link,
        IdentityPolicy::TitleAndDate => Basis::TitleAndDate,
        IdentityPolicy::Text => Basis::Text,
    }
}

fn next_basis(basis: Basis) -> Basis {
    BASES.into_iter().find(|next| *next > basis).unwrap_or(Basis::Text)
}

/// The keys that stand for entries which are not the same throughout, and could be told apart by more.
fn shared(items: &[&RawItem], keys: &[(Basis, ItemKey)], policy: IdentityPolicy) -> HashSet<ItemKey> {
    let mut first: HashMap<ItemKey, &RawItem> = HashMap::with_capacity(items.len());
    items
        .iter()
        .zip(keys)
        .filter(|(_, (basis, _))| *basis < Basis::Text)
        .filter(|(item, (_, key))| differ(first.entry(*key).or_insert(item), item, policy))
        .map(|(_, (_, key))| *key)
        .collect()
}

/// Whether entries differ in their titles, their texts, their dates, or in links that are worth something.
fn differ(one: &RawItem, other: &RawItem, policy: IdentityPolicy) -> bool {
    !std::ptr::eq(one, other)
        && (said(one) != said(other)
            || one.published != other.published
            || policy <= IdentityPolicy::Link && link_of(&one.link) != link_of(&other.link))
}

fn said(item: &RawItem) -> [&str; 3] {
    [item.title.trim(), item.summary.trim(), item.content.trim()]
}

/// The key from the first of these that the entry has, `basis` or one after it.
fn key_from(item: &RawItem, basis: Basis) -> (Basis, ItemKey) {
    let from = BASES.into_iter().filter(|other| *other >= basis);
    let found = from.into_iter().find_map(|basis| Some((basis, key_by(item, basis)?)));
    found.unwrap_or_else(|| (Basis::Text, text_key(item)))
}

/// The key from one of these; None: the entry has none.
fn key_by(item: &RawItem, basis: Basis) -> Option<ItemKey> {
    let title = item.title.trim();
    Some(match basis {
        Basis::Guid => match folded(&item.guid) {
            "" => return None,
            guid => hashed("guid", &[guid]),
        },
        Basis::Link => hashed("link", &[&link_of(&item.link)?]),
        Basis::LinkAndTitle => hashed("link and title", &[&link_of(&item.link)?, title]),
        Basis::TitleAndDate if title.is_empty() && item.published.is_none() => return None,
        Basis::TitleAndDate => {
            let date = item.published.map(|date| date.to_string()).unwrap_or_default();
            hashed("title and date", &[title, &date])
        }
        Basis::Text => text_key(item),
    })
}

/// Who says nothing at all is known by the files.
fn text_key(item: &RawItem) -> ItemKey {
    match said(item) {
        ["", "", ""] => hashed("files", &files_of(item)),
        said => hashed("text", &said),
    }
}

/// A link in canonical form, with the fragment: pages of changes name their entries by it.
fn link_of(link: &str) -> Option<String> {
    let canonical = canonical(link)?;
    Some(match link.trim().split_once('#') {
        Some((_, fragment)) if !fragment.is_empty() && !canonical.ends_with(fragment) => {
            format!("{canonical}#{fragment}")
        }
        _ => canonical,
    })
}

/// A guid without what publishers change by accident: the scheme and a slash at the end.
fn folded(guid: &str) -> &str {
    let guid = guid.trim();
    let guid = guid
        .strip_prefix("https://")
        .or_else(|| guid.strip_prefix("http://"))
        .unwrap_or(guid);
    guid.trim_end_matches('/')
}

fn hashed(kind: &str, parts: &[&str]) -> ItemKey {
    let mut key = [RULE; 17];
    let (_, hash) = key.split_at_mut(1);
    hash.copy_from_slice(&hash_of(std::iter::once(kind).chain(parts.iter().copied())));
    ItemKey(key)
}

/// All that could change what a reader sees; `updated` alone does not.
fn raw_hash(raw: &RawItem) -> Hash16 {
    let published = raw.published.map(|date| date.to_string()).unwrap_or_default();
    let single = [
        raw.link.as_str(),
        &raw.canonical,
        &raw.title,
        &raw.summary,
        &raw.content,
        &raw.language,
        &raw.base,
        &published,
        &raw.comments,
        &raw.image,
        &raw.source.link,
    ];
    let lists = raw.authors.iter().chain(&raw.categories).map(String::as_str);
    let sizes: Vec<String> = raw.enclosures.iter().map(|file| format!("{:?}", file.length)).collect();
    let files = raw
        .enclosures
        .iter()
        .flat_map(|file| [file.url.as_str(), &file.media_type]);
    let files = files.chain(sizes.iter().map(String::as_str));
    fast_hash_of(single.into_iter().chain(lists).chain(files))
}

#[cfg(test)]
mod tests;
