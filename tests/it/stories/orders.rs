//! The order in which items arrive does not matter: the labelled corpus and worlds made up of shared passages, in any order.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use tidings::model::story::ListedStory;

use crate::stories::corpus::{Arrivals, Labelled, cases};

/// Who tells a story with whom, who leads, and who quotes whom, by the corpus's names.
async fn outcome(arrivals: &Arrivals) -> BTreeSet<(String, BTreeSet<String>, BTreeSet<String>)> {
    let stories = arrivals.stories().await;
    let leader = |story: &ListedStory| arrivals.name(story.items[0].id.0).to_owned();
    let by_id: BTreeMap<i64, &ListedStory> = stories.iter().map(|story| (story.id.0, story)).collect();
    let told = |story: &ListedStory| {
        let items = story.items.iter().map(|item| arrivals.name(item.id.0).to_owned());
        let quotes = story.quotes.iter().map(|quote| leader(by_id[&quote.id.0]));
        (leader(story), items.collect(), quotes.collect())
    };
    stories.iter().map(told).collect()
}

/// The items in another order, which the seed decides.
fn shuffled(items: &[Labelled], mut seed: u64) -> Vec<Labelled> {
    let mut items = items.to_vec();
    for at in (1..items.len()).rev() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        items.swap(at, usize::try_from(seed >> 33).unwrap() % (at + 1));
    }
    items
}

#[tokio::test]
async fn the_order_of_arrival_does_not_matter() {
    for (case, items) in cases() {
        let mut first = None;
        for order in 0..4_u64 {
            let mut arrivals = Arrivals::of(&items).await;
            for item in &shuffled(&items, order * 7919 + 1) {
                // One by one, and all at once.
                arrivals.arrive(item, order > 0).await;
            }
            arrivals.place().await;
            let outcome = outcome(&arrivals).await;
            let first = first.get_or_insert_with(|| outcome.clone());
            let others: Vec<_> = outcome.symmetric_difference(first).collect();
            assert!(others.is_empty(), "{case}, order {order}: {others:#?}");
        }
    }
}

/// What becomes of items that arrive one by one in the order of this seed.
fn told(items: &[Labelled], order: u64) -> BTreeSet<(String, BTreeSet<String>, BTreeSet<String>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut arrivals = Arrivals::of(items).await;
        for item in &shuffled(items, order) {
            arrivals.arrive(item, true).await;
        }
        outcome(&arrivals).await
    })
}

/// Words that no other seed has, as sentences.
fn prose(seed: u64, words: usize) -> String {
    let word = |at: usize| format!("{}{}", ["ba", "de", "ki", "mo", "su"][at % 5], seed * 1000 + at as u64);
    let sentences: Vec<String> = (0..words)
        .collect::<Vec<_>>()
        .chunks(12)
        .map(|places| places.iter().map(|at| word(*at)).collect::<Vec<_>>().join(" "))
        .collect();
    sentences.join(". ")
}

/// An item of a world: passages that others may have too, in whole or from their beginning, and words of its own.
#[derive(Debug, Clone)]
struct MadeUp {
    feed: u8,
    passages: Vec<(u8, u8)>,
    own: (usize, bool),
    title: u8,
    day: u8,
    links_to: Option<Index>,
    shares_link: Option<Index>,
}

/// Of one of so many feeds; of each passage it has so much from its beginning, in percent.
fn made_up(feeds: u8, percent: &'static [u8]) -> impl Strategy<Value = MadeUp> {
    let passages = prop::collection::vec((0..5_u8, select(percent)), 1..4);
    let own = (select(&[0, 0, 8, 25, 40, 70][..]), any::<bool>());
    let some = |weight| prop::option::weighted(weight, any::<Index>());
    (0..feeds, passages, own, 0..8_u8, 1..21_u8, some(0.3), some(0.1)).prop_map(
        |(feed, passages, own, title, day, links_to, shares_link)| MadeUp {
            feed,
            passages,
            own,
            title,
            day,
            links_to,
            shares_link,
        },
    )
}

/// Few feeds with passages in whole, of which some recur; or many with parts of passages. Both at once may differ: where what recurs
/// is cut differently each time, the words at its end are learned or not.
fn crowd() -> impl Strategy<Value = Vec<MadeUp>> {
    let of = |made_up| prop::collection::vec(made_up, 2..12);
    prop_oneof![of(made_up(4, &[100])), of(made_up(100, &[100, 100, 100, 90, 70, 50]))]
}

/// The items of a world, which has this many words in each passage.
fn world(lengths: &[usize], made_up: &[MadeUp]) -> Vec<Labelled> {
    let link = |at: usize| format!("https://feed{}.example/{at}", made_up[at].feed);
    let item = |(at, item): (usize, &MadeUp)| {
        let mut parts: Vec<String> = item
            .passages
            .iter()
            .map(|(passage, percent)| {
                let words = lengths[usize::from(*passage)] * usize::from(*percent) / 100;
                prose(u64::from(*passage) + 1, words)
            })
            .collect();
        let own = prose(100 + at as u64, item.own.0);
        parts.insert(if item.own.1 { 0 } else { parts.len() }, own);
        if let Some(other) = &item.links_to {
            parts.insert(0, format!("<a href=\"{}\">there</a>", link(other.index(made_up.len()))));
        }
        // Most have titles of their own.
        let title = if item.title < 2 {
            u64::from(item.title)
        } else {
            200 + at as u64
        };
        Labelled {
            id: format!("item{at}"),
            story: String::new(),
            feed: format!("feed{}", item.feed),
            group: String::new(),
            at: format!("2026-11-{:02}T{:02}:00:00Z", item.day, at),
            title: prose(300 + title, 5),
            link: link(item.shares_link.as_ref().map_or(at, |other| other.index(made_up.len()))),
            html: parts.iter().map(|part| format!("<p>{part}</p>")).collect(),
            quotes: Vec::new(),
            share: None,
        }
    };
    made_up.iter().enumerate().map(item).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_items_of_a_case_in_any_order_tell_the_same_stories(
        (case, count) in (any::<Index>(), any::<Index>()),
        (choice, orders) in (any::<u64>(), (any::<u64>(), any::<u64>())),
    ) {
        let cases = cases();
        let case = cases.values().nth(case.index(cases.len())).unwrap();
        let mut items = shuffled(case, choice);
        items.truncate(2 + count.index(case.len()));
        prop_assert_eq!(told(&items, orders.0), told(&items, orders.1));
    }

    #[test]
    fn items_of_a_made_up_world_in_any_order_tell_the_same_stories(
        lengths in prop::collection::vec(select(&[25, 40, 60, 90, 140][..]), 5),
        made_up in crowd(),
        orders in (any::<u64>(), any::<u64>()),
    ) {
        let items = world(&lengths, &made_up);
        prop_assert_eq!(told(&items, orders.0), told(&items, orders.1));
    }
}
