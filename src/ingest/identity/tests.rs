#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::policy::of_document;
use super::{RULE, keyed};
use crate::model::identity::{Basis, IdentityPolicy};
use crate::model::item::{ItemKey, RawItem};

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
