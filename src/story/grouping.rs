//! Which items make one story, of those that are tied, and which of them leads it. Pure, and the same in any order of arrival.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::item::ItemId;
use crate::model::story::{Decided, Member, Ties};

/// How much closer a tie must be than a quotation that stands against it.
const CLOSER: f64 = 0.05;

/// Parts items into stories: who is tied is together, the closest first and of those the first in the list, unless the operator has decided otherwise.
///
/// Nor are they together where one quotes the other's story as closely: a column stays one when a third feed reprints what it quotes.
/// `decided` holds for each pair of items what was decided last.
#[must_use]
pub fn groups(items: &[ItemId], ties: Ties<'_>, decided: &[(ItemId, ItemId, Decided)]) -> Vec<Vec<ItemId>> {
    let mut group: BTreeMap<ItemId, ItemId> = items.iter().map(|item| (*item, *item)).collect();
    let apart: HashSet<(ItemId, ItemId)> = decided
        .iter()
        .filter(|(.., decided)| *decided == Decided::Apart)
        .flat_map(|(a, b, _)| [(*a, *b), (*b, *a)])
        .collect();
    let together = decided.iter().filter(|(.., decided)| *decided == Decided::Together);
    let quoted: HashMap<(ItemId, ItemId), f64> = ties
        .quoting
        .iter()
        .flat_map(|(a, b, close)| [((*a, *b), *close), ((*b, *a), *close)])
        .collect();
    let mut pairs: Vec<(ItemId, ItemId, Option<f64>)> = together.map(|(a, b, _)| (*a, *b, None)).collect();
    let mut same = ties.same.to_vec();
    same.sort_by(|a, b| b.2.total_cmp(&a.2));
    pairs.extend(same.iter().map(|(a, b, close)| (*a, *b, Some(*close))));
    for (a, b, close) in pairs {
        let (Some(a), Some(b)) = (group.get(&a).copied(), group.get(&b).copied()) else {
            continue;
        };
        let of = |name| {
            group
                .iter()
                .filter(move |(_, group)| **group == name)
                .map(|(item, _)| *item)
        };
        let parts = |pair: (ItemId, ItemId)| {
            let is_as_close = |quoted: &f64| close.is_some_and(|close| close < quoted + CLOSER);
            apart.contains(&pair) || quoted.get(&pair).is_some_and(is_as_close)
        };
        // Who has the link of one story and the text of another must not make one of both.
        let is_bridge = close.is_some_and(|close| close < 0.0) && of(a).nth(1).is_some() && of(b).nth(1).is_some();
        let is_free = apart.is_empty() && quoted.is_empty();
        if a == b || is_bridge || !is_free && of(a).any(|one| of(b).any(|other| parts((one, other)))) {
            continue;
        }
        let (low, high) = (a.min(b), a.max(b));
        group
            .values_mut()
            .filter(|name| **name == high)
            .for_each(|name| *name = low);
    }
    let mut groups: BTreeMap<ItemId, Vec<ItemId>> = BTreeMap::new();
    for (item, name) in group {
        groups.entry(name).or_default().push(item);
    }
    groups.into_values().collect()
}

/// The item that leads a story: one that others quote or link to, then the earliest, then that of the preferred feed.
#[must_use]
pub fn leader(members: &[Member]) -> Option<ItemId> {
    let first = members.iter().min_by(|a, b| {
        let order = |m: &Member| (std::cmp::Reverse(m.is_cited), m.at, m.preference);
        order(a)
            .cmp(&order(b))
            .then_with(|| (&a.feed, &a.link, a.item).cmp(&(&b.feed, &b.link, b.item)))
    });
    first.map(|member| member.item)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{groups, leader};
    use crate::model::item::ItemId;
    use crate::model::story::{Close, Decided, Member, Ties};

    fn ids<const N: usize>(ids: [i64; N]) -> Vec<ItemId> {
        ids.into_iter().map(ItemId).collect()
    }

    fn same(same: &[Close]) -> Ties<'_> {
        Ties { same, quoting: &[] }
    }

    fn tie(a: i64, b: i64, share: f64) -> (ItemId, ItemId, f64) {
        (ItemId(a), ItemId(b), share)
    }

    #[test]
    fn who_is_tied_is_together_and_who_is_not_is_alone() {
        let parted = groups(&ids([1, 2, 3, 4]), same(&[tie(3, 1, 0.9), tie(2, 3, 0.8)]), &[]);
        assert_eq!(parted, [ids([1, 2, 3]).as_slice(), &ids([4])]);
    }

    #[test]
    fn what_was_decided_holds_against_ties() {
        let ties = [tie(1, 2, 0.9), tie(2, 3, 0.95)];
        let apart = [(ItemId(3), ItemId(1), Decided::Apart)];
        assert_eq!(
            groups(&ids([1, 2, 3]), same(&ties), &apart),
            [ids([1]).as_slice(), &ids([2, 3])]
        );
        let together = [(ItemId(1), ItemId(4), Decided::Together)];
        assert_eq!(groups(&ids([1, 4]), same(&[]), &together), [ids([1, 4])]);
    }

    #[test]
    fn who_quotes_an_item_is_not_together_with_a_copy_of_it_that_is_no_closer() {
        let (copy, column) = (tie(1, 2, 0.95), tie(2, 3, 0.55));
        let quoting = [tie(3, 1, 0.56)];
        let items = ids([1, 2, 3]);
        fn tied<'a>(same: &'a [Close], quoting: &'a [Close]) -> Ties<'a> {
            Ties { same, quoting }
        }
        assert_eq!(
            groups(&items, tied(&[copy, column], &quoting), &[]),
            [ids([1, 2]).as_slice(), &ids([3])]
        );
        assert_eq!(
            groups(&items, tied(&[copy, tie(2, 3, 0.8)], &quoting), &[]),
            std::slice::from_ref(&items)
        );
        let together = [(ItemId(1), ItemId(3), Decided::Together)];
        assert_eq!(groups(&items, tied(&[copy], &quoting), &together), [items]);
    }

    #[test]
    fn the_cited_leads_then_the_earlier_then_the_preferred() {
        let member = |item, second: i64, is_cited, preference| Member {
            item: ItemId(item),
            at: jiff::Timestamp::from_second(second).unwrap(),
            is_cited,
            preference,
            feed: format!("feed{item}"),
            link: String::new(),
        };
        assert_eq!(
            leader(&[member(1, 5, false, 0), member(2, 9, true, 9)]),
            Some(ItemId(2))
        );
        assert_eq!(
            leader(&[member(1, 9, false, 0), member(2, 5, false, 9)]),
            Some(ItemId(2))
        );
        assert_eq!(
            leader(&[member(1, 5, false, 2), member(2, 5, false, 1)]),
            Some(ItemId(2))
        );
        assert_eq!(leader(&[]), None);
    }
}
