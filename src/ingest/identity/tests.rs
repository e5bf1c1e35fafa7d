#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use super::policy::of_document;
use super::{RULE, keyed};
use crate::ingest::decide;
use crate::ingest::settle::{Standing, settle, traces};
use crate::model::identity::{Basis, IdentityPolicy, Learned};
use crate::model::item::{Hash16, ItemId, ItemKey, KnownItem, Lookalike, NewItem, RawItem};
use crate::model::poll::ItemChange;
use crate::text::canonical_url::Links;
use crate::text::hash::text_hash;

fn based(items: &[RawItem], policy: IdentityPolicy) -> Vec<(Basis, ItemKey)> {
    super::keys(&items.iter().collect::<Vec<_>>(), policy)
}

fn keys(items: &[RawItem]) -> Vec<ItemKey> {
    based(items, IdentityPolicy::Guid)
        .into_iter()
        .map(|(_, key)| key)
        .collect()
}

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
fn an_old_version_that_is_listed_beside_the_new_one_is_kept_and_the_same_entry_is_one() {
    let (old, new) = (
        item("g", "https://a.example/1", "Title"),
        item("g", "http://a.example/1/", "Title, updated"),
    );
    let both = based(&[new, old.clone()], IdentityPolicy::Guid);
    assert_ne!(both[0].1, both[1].1);
    assert_eq!(
        both[0].0,
        Basis::LinkAndTitle,
        "what tells them apart and stays longest"
    );
    let twice = [old.clone(), item("g", "http://a.example/1/", "Title")];
    assert_eq!(keys(&twice), [key(old.clone()), key(old)]);
    assert_eq!(keyed(twice.to_vec(), IdentityPolicy::Guid).len(), 1);
}

#[test]
fn each_policy_begins_where_it_says_and_goes_on_to_what_an_entry_has() {
    let mut dated = item("g", "https://a.example/1", "Title");
    dated.published = Some("2026-11-22T00:00:00Z".parse().unwrap());
    let bases = |item: RawItem| IdentityPolicy::ALL.map(|policy| based(std::slice::from_ref(&item), policy)[0].0);
    assert_eq!(
        bases(dated.clone()),
        [Basis::Guid, Basis::Link, Basis::TitleAndDate, Basis::Text]
    );
    let untitled = item("", "https://a.example/1", "");
    assert_eq!(bases(untitled), [Basis::Link, Basis::Link, Basis::Text, Basis::Text]);
    assert!(keys(&[dated])[0].0.starts_with(&[RULE]));
}

#[test]
fn entries_of_one_guid_are_two_where_only_their_dates_or_files_differ() {
    let said = item("g", "https://a.example/1", "Title");
    let with = |file: &str, date: &str| RawItem {
        enclosures: vec![crate::model::item::Enclosure {
            url: file.to_owned(),
            ..Default::default()
        }],
        published: Some(date.parse().unwrap()),
        ..said.clone()
    };
    let (first, second) = ("2026-11-22T00:00:00Z", "2026-11-22T06:00:00Z");
    for (one, other) in [
        (with("a.mp3", first), with("b.mp3", first)),
        (with("a.mp3", first), with("a.mp3", second)),
        (with("a.mp3", first), with("b.mp3", second)),
    ] {
        let both = keys(&[one.clone(), other.clone()]);
        assert_ne!(both[0], both[1]);
        assert_eq!(keys(&[other, one]), [both[1], both[0]], "in any order");
    }
}

#[test]
fn files_tell_entries_apart_that_say_nothing() {
    let file = |url: &str| RawItem {
        enclosures: vec![crate::model::item::Enclosure {
            url: url.to_owned(),
            ..Default::default()
        }],
        ..RawItem::default()
    };
    let keys = keys(&[file("a.mp3"), file("b.mp3"), file("a.mp3")]);
    assert!(keys[0] != keys[1] && keys[0] == keys[2]);
}

#[test]
fn guids_that_most_entries_share_are_worth_nothing() {
    let learned = |items: &[RawItem]| of_document(items, IdentityPolicy::Guid);
    let link = |n: u8| format!("https://a.example/{n}");
    let same = |n: u8| item("same", &link(n), &format!("Title {n}"));
    assert_eq!(learned(&[same(1), same(2)]), IdentityPolicy::Link);
    assert_eq!(
        learned(&[same(1), same(2), item("own", &link(3), "t")]),
        IdentityPolicy::Link
    );
    // No more than a half, or nothing that differs, proves nothing.
    let half = [
        same(1),
        same(2),
        item("own", &link(3), "t"),
        item("other", &link(4), "t"),
    ];
    assert_eq!(learned(&half), IdentityPolicy::Guid);
    assert_eq!(learned(&[same(1), same(1)]), IdentityPolicy::Guid);
    // Two under one link may be versions; three are not.
    let live = |n: u8| item("live", "https://a.example/live", &format!("Title {n}"));
    assert_eq!(learned(&[live(1), live(2)]), IdentityPolicy::Guid);
    assert_eq!(learned(&[live(1), live(2), live(3)]), IdentityPolicy::TitleAndDate);
    assert_eq!(
        of_document(&[same(1), same(2)], IdentityPolicy::Text),
        IdentityPolicy::Text,
        "it never goes back"
    );
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

/// A store that holds the items of one feed, and what was learned of it.
#[derive(Default)]
struct Memory {
    items: Vec<Lookalike>,
    learned: Learned,
}

impl Memory {
    /// Takes a document in; returns how many items were new, and how many edited.
    fn poll(&mut self, document: Vec<RawItem>) -> (usize, usize) {
        let policy = of_document(&document, self.learned.policy);
        let entries = keyed(document, policy);
        let known: HashMap<ItemKey, KnownItem> = entries
            .iter()
            .filter_map(|entry| self.items.iter().find(|item| item.key == entry.key))
            .map(|item| (item.key, item.item))
            .collect();
        let address = Url::parse("https://a.example/feed").unwrap();
        let changes = decide(&entries, &known, (&address, "en", &Links::default()), Timestamp::MAX);
        let standing = Standing {
            policy,
            learned: Some(Learned { policy, ..self.learned }),
            is_part: false,
        };
        let changes = match traces(&entries, &changes, &known, standing).filter(|_| !self.items.is_empty()) {
            None => changes,
            Some(traces) => {
                let from = self.items.len().saturating_sub(traces.newest);
                let is_traced = |item: &&Lookalike| {
                    traces.keys.contains(&item.key) || traces.canonical_links.contains(&item.canonical_link)
                };
                let newest = self.items[from..].iter().filter(|item| !is_traced(item));
                let found: Vec<_> = self.items.iter().filter(is_traced).chain(newest).cloned().collect();
                let settled = settle(&entries, changes, &known, &found, standing);
                self.learned = settled.learned.unwrap();
                settled.changes
            }
        };
        self.learned.policy = self.learned.policy.max(policy);
        let before = self.items.len();
        let edited = changes.into_iter().filter(|change| self.takes(change)).count();
        (self.items.len() - before, edited)
    }

    fn at(&mut self, id: ItemId) -> &mut Lookalike {
        self.items.iter_mut().find(|item| item.item.id == id).unwrap()
    }

    /// Takes a change in; says whether it is an edit.
    fn takes(&mut self, change: &ItemChange) -> bool {
        let next = i64::try_from(self.items.len()).unwrap();
        match change {
            ItemChange::New {
                key,
                raw_hash,
                content_hash,
                item,
            } => {
                let hashes = (*raw_hash, *content_hash);
                let new = stored(*key, ItemId(next), hashes, item);
                assert!(self.items.iter().all(|item| item.key != *key), "a key comes twice");
                self.items.push(new);
            }
            ItemChange::Edited {
                id,
                raw_hash,
                content_hash,
                item,
                ..
            }
            | ItemChange::Rewritten {
                id,
                raw_hash,
                content_hash: Some(content_hash),
                item,
            } => {
                let old = self.at(*id);
                *old = stored(old.key, *id, (*raw_hash, *content_hash), item);
                return true;
            }
            ItemChange::Rewritten { id, raw_hash, .. } => self.at(*id).item.raw_hash = *raw_hash,
            ItemChange::Rekeyed { id, key, guid } => {
                let item = self.at(*id);
                item.key = *key;
                item.guid.clone_from(guid);
            }
        }
        false
    }
}

fn stored(key: ItemKey, id: ItemId, hashes: (Hash16, Hash16), item: &NewItem) -> Lookalike {
    Lookalike {
        item: KnownItem {
            id,
            raw_hash: hashes.0,
            content_hash: hashes.1,
        },
        key,
        guid: item.guid.clone(),
        link: item.link.clone(),
        canonical_link: item.canonical_link.clone(),
        title: item.title.clone(),
        published: item.published,
        text: text_hash(&item.title, &item.summary, &item.content),
    }
}

/// How a publisher names its entries at a poll: the guid and the link of the entry with a number.
type Naming = fn(usize, usize) -> (String, String);

const LINKED: fn(usize) -> String = |number| format!("https://a.example/{number}");

/// Namings, and what is learned of them.
const NAMINGS: [(&str, Naming, IdentityPolicy); 8] = [
    ("good", |_, n| (format!("g{n}"), LINKED(n)), IdentityPolicy::Guid),
    ("no guids", |_, n| (String::new(), LINKED(n)), IdentityPolicy::Guid),
    ("one guid", |_, n| ("g".to_owned(), LINKED(n)), IdentityPolicy::Link),
    (
        "new guids",
        |poll, n| (format!("{poll}-{n}"), LINKED(n)),
        IdentityPolicy::Link,
    ),
    (
        "new links",
        |poll, n| (format!("g{n}"), format!("https://a.example/{poll}/{n}")),
        IdentityPolicy::Guid,
    ),
    (
        "new guids and links",
        |poll, n| (format!("{poll}-{n}"), format!("https://a.example/{poll}/{n}")),
        IdentityPolicy::TitleAndDate,
    ),
    (
        "new links without guids",
        |poll, n| (String::new(), format!("https://a.example/{poll}/{n}")),
        IdentityPolicy::TitleAndDate,
    ),
    (
        "one guid and one link",
        |_, _| ("g".to_owned(), "https://a.example/live".to_owned()),
        IdentityPolicy::TitleAndDate,
    ),
];

#[test]
fn however_a_publisher_names_its_entries_each_is_one_item_and_its_edits_are_edits() {
    for (what, naming, policy) in NAMINGS {
        for stride in [1, 2] {
            let mut memory = Memory::default();
            let entry = |poll: usize, n: usize, text: &str| {
                let (guid, link) = naming(poll, n);
                RawItem {
                    content: format!("{text} of {n}"),
                    published: Some(Timestamp::from_second(i64::try_from(n).unwrap() * 3600).unwrap()),
                    ..item(&guid, &link, &format!("Title {n}"))
                }
            };
            for poll in 0..8 {
                let first = poll * stride;
                let mut entries: Vec<_> = (first..first + 6).map(|n| entry(poll, n, "The text")).collect();
                entries.rotate_left(poll % 3);
                let (new, _) = memory.poll(entries);
                assert_eq!(
                    new,
                    if poll == 0 { 6 } else { stride },
                    "{what}, poll {poll}, stride {stride}"
                );
            }
            assert_eq!(memory.learned.policy, policy, "{what}");
            // One alone, what fell out long ago, and another text.
            let (last, old) = (8 * stride, 2);
            assert_eq!(memory.poll(vec![entry(8, last, "The text")]).0, 0, "{what}");
            let all = [old, last, last + 1, last + 2]
                .map(|n| entry(9, n, if n == last { "A longer text" } else { "The text" }));
            let (new, edited) = memory.poll(all.to_vec());
            assert_eq!(new, 0, "{what}");
            assert!(edited >= 1, "{what}");
            assert_eq!(memory.items.len(), 6 + 7 * stride, "{what}");
        }
    }
}
