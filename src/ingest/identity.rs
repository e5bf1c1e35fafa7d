//! Within a feed: which entries are the same item. One function makes the key; its first byte is the version of the rule.
//!
//! Version 1: the guid (its scheme and slash at the end do not count), else the link in canonical form, else title and date.
//! What the configuration adds to the trackers does not count here: a key outlives configurations.
//! What changes while an item stays the same (`updated`, the text) never counts.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::model::item::{Hash16, ItemKey, KeyedItem, RawItem};
use crate::text::canonical_url::canonical;
use crate::text::hash::hash_of;

/// The version of the rule, the first byte of each key.
const RULE: u8 = 1;

/// The entries of a document with their keys, oldest first; of several with one key, the first in the document.
#[must_use]
pub fn keyed(items: Vec<RawItem>) -> Vec<KeyedItem> {
    let keys = keys(&items);
    let mut seen = HashSet::new();
    let mut items: Vec<KeyedItem> = items
        .into_iter()
        .zip(keys)
        .enumerate()
        .filter(|(_, (_, key))| seen.insert(*key))
        .map(|(position, (raw, key))| KeyedItem {
            key,
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

/// The keys of the entries of one document, in its order.
///
/// A guid that entries with different links share identifies none of them: those are known by their links instead. A link that
/// entries with different titles share does not identify them alone either. Entries that are the same throughout have one key.
fn keys(items: &[RawItem]) -> Vec<ItemKey> {
    let links: Vec<Option<String>> = items.iter().map(|item| link_of(&item.link)).collect();
    let guids = shared(items.iter().zip(&links).map(|(item, link)| {
        let what = link.as_deref().unwrap_or(item.title.trim());
        (folded(&item.guid), what)
    }));
    let shared_links = shared(
        items
            .iter()
            .zip(&links)
            .filter_map(|(item, link)| Some((link.as_deref()?, item.title.trim()))),
    );
    items
        .iter()
        .zip(&links)
        .map(|(item, link)| {
            let guid = folded(&item.guid);
            match link {
                _ if !guid.is_empty() && !guids.contains(guid) => hashed("guid", &[guid]),
                Some(link) if !shared_links.contains(link.as_str()) => hashed("link", &[link]),
                Some(link) => hashed("link and title", &[link, item.title.trim()]),
                None => {
                    let date = item
                        .published
                        .map(|date: Timestamp| date.to_string())
                        .unwrap_or_default();
                    hashed("title and date", &[item.title.trim(), &date])
                }
            }
        })
        .collect()
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

/// The names that stand for more than one thing.
fn shared<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> HashSet<&'a str> {
    let mut first: HashMap<&str, &str> = HashMap::new();
    pairs
        .filter(|(name, _)| !name.is_empty())
        .filter(|(name, what)| first.entry(name).or_insert(what) != what)
        .map(|(name, _)| name)
        .collect()
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
    hash_of(single.into_iter().chain(lists).chain(files))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::keys;
    use crate::model::item::{ItemKey, RawItem};

    fn item(guid: &str, link: &str, title: &str) -> RawItem {
        RawItem {
            guid: guid.to_owned(),
            link: link.to_owned(),
            title: title.to_owned(),
            ..RawItem::default()
        }
    }

    fn key(item: RawItem) -> ItemKey {
        keys(&[item])[0]
    }

    #[test]
    fn scheme_and_slash_of_a_guid_do_not_count() {
        let one = key(item("http://a.example/1", "x", "t"));
        assert_eq!(one, key(item("https://a.example/1/", "y", "other title")));
        assert_ne!(one, key(item("https://a.example/2", "x", "t")));
    }

    #[test]
    fn an_item_without_guid_is_known_by_its_link_and_else_by_title_and_date() {
        assert_eq!(
            key(item("", "https://a.example/1?utm_source=x", "old title")),
            key(item("", "http://a.example/1", "new title"))
        );
        let mut dated = item("", "", "t");
        dated.published = Some("2026-11-22T00:00:00Z".parse().unwrap());
        assert_eq!(key(dated.clone()), key(dated.clone()));
        assert_ne!(key(dated), key(item("", "", "t")));
    }

    #[test]
    fn a_guid_that_different_entries_share_identifies_none() {
        let items = [
            item("same", "https://a.example/1", "one"),
            item("same", "https://a.example/2", "two"),
            item("own", "https://a.example/3", "three"),
        ];
        let keys = keys(&items);
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys[2], key(items[2].clone()));
    }

    #[test]
    fn a_page_of_changes_names_its_entries_by_fragment_and_a_shared_link_by_title_too() {
        let change = |n: u8| item("", &format!("https://a.example/changes#v{n}"), &format!("Version {n}"));
        let all = keys(&[change(1), change(2)]);
        assert_ne!(all[0], all[1]);
        assert_eq!(all[0], key(change(1)), "also when it stands alone");
        let one_page = keys(&[
            item("", "https://a.example/live", "One"),
            item("", "https://a.example/live", "Two"),
        ]);
        assert_ne!(one_page[0], one_page[1]);
    }

    #[test]
    fn an_entry_that_is_listed_twice_keeps_its_guid() {
        let (old, new) = (
            item("g", "https://a.example/1", "Title"),
            item("g", "http://a.example/1/", "Title, updated"),
        );
        assert_eq!(keys(&[new, old.clone()])[1], key(old));
    }

    #[test]
    fn the_order_of_the_entries_does_not_count() {
        let items = [
            item("a", "", "1"),
            item("b", "", "2"),
            item("b", "", "3"),
            item("", "https://x.example/4", "4"),
        ];
        let mut reversed = items.to_vec();
        reversed.reverse();
        let mut back = keys(&reversed);
        back.reverse();
        assert_eq!(keys(&items), back);
    }
}
