//! How well stories are told apart, by the labelled corpus.

use std::collections::{BTreeMap, BTreeSet};

use tidings::model::story::ListedStory;

use crate::stories::corpus::{Arrivals, Labelled, cases};

type Pairs = BTreeSet<(String, String)>;

fn pair(a: &str, b: &str) -> (String, String) {
    (a.min(b).to_owned(), a.max(b).to_owned())
}

/// Pairs of items of one story.
fn merged<'a>(stories: impl Iterator<Item = Vec<&'a str>>) -> Pairs {
    let mut pairs = Pairs::new();
    for items in stories {
        for (at, one) in items.iter().enumerate() {
            pairs.extend(items.iter().skip(at + 1).map(|other| pair(one, other)));
        }
    }
    pairs
}

fn wanted(items: &[Labelled]) -> Pairs {
    let mut stories: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for item in items {
        stories.entry(&item.story).or_default().push(&item.id);
    }
    merged(stories.into_values())
}

struct Found {
    merged: Pairs,
    /// (story that quotes, story that is quoted), by a label that stands for each.
    quotes: Pairs,
}

async fn found(items: &[Labelled], arrivals: &Arrivals) -> Found {
    let stories = arrivals.stories().await;
    let label: BTreeMap<&str, &str> = items
        .iter()
        .map(|item| (item.id.as_str(), item.story.as_str()))
        .collect();
    let of: BTreeMap<i64, &str> = stories
        .iter()
        .map(|story| (story.id.0, label[arrivals.name(story.items[0].id.0)]))
        .collect();
    let named = |story: &ListedStory| {
        story
            .items
            .iter()
            .map(|item| arrivals.name(item.id.0).to_owned())
            .collect::<Vec<_>>()
    };
    let names: Vec<Vec<String>> = stories.iter().map(named).collect();
    let quotes = stories.iter().flat_map(|story| {
        story
            .quotes
            .iter()
            .map(|quote| (of[&story.id.0].to_owned(), of[&quote.id.0].to_owned()))
    });
    Found {
        merged: merged(names.iter().map(|items| items.iter().map(String::as_str).collect())),
        quotes: quotes.collect(),
    }
}

fn measures(found: &Pairs, wanted: &Pairs) -> (f64, f64) {
    let right = found.intersection(wanted).count() as f64;
    let share = |of: usize| if of == 0 { 1.0 } else { right / of as f64 };
    (share(found.len()), share(wanted.len()))
}

#[tokio::test]
async fn the_corpus_is_told_apart() {
    let cases = cases();
    let all: Vec<Labelled> = cases.values().flatten().cloned().collect();
    let mut arrivals = Arrivals::of(&all).await;
    let mut in_time = all.clone();
    in_time.sort_by(|a, b| (&a.at, &a.id).cmp(&(&b.at, &b.id)));
    for item in &in_time {
        arrivals.arrive(item, true).await;
    }
    let found = found(&all, &arrivals).await;
    let wanted_quotes: Pairs = all
        .iter()
        .flat_map(|item| item.quotes.iter().map(|quoted| (item.story.clone(), quoted.clone())))
        .collect();
    let wanted = wanted(&all);
    println!(
        "| case | items | pairs | precision | recall | quotes | precision | recall |\n|---|---|---|---|---|---|---|---|"
    );
    let case_of = |pairs: &Pairs, items: &[Labelled], by_story: bool| -> Pairs {
        let ids: BTreeSet<&String> = items
            .iter()
            .map(|item| if by_story { &item.story } else { &item.id })
            .collect();
        pairs
            .iter()
            .filter(|(a, b)| ids.contains(a) || ids.contains(b))
            .cloned()
            .collect()
    };
    let row = |name: &str, items: &[Labelled]| {
        let (want, have) = (case_of(&wanted, items, false), case_of(&found.merged, items, false));
        let (want_quotes, have_quotes) = (
            case_of(&wanted_quotes, items, true),
            case_of(&found.quotes, items, true),
        );
        let (merging, quoting) = (measures(&have, &want), measures(&have_quotes, &want_quotes));
        println!(
            "| {name} | {} | {} | {:.3} | {:.3} | {} | {:.3} | {:.3} |",
            items.len(),
            want.len(),
            merging.0,
            merging.1,
            want_quotes.len(),
            quoting.0,
            quoting.1
        );
        (merging, quoting)
    };
    for (name, items) in &cases {
        row(name, items);
    }
    let (merging, quoting) = row("all", &all);
    for (what, pairs) in [
        ("wrongly merged", found.merged.difference(&wanted)),
        ("not merged", wanted.difference(&found.merged)),
        ("wrongly quoting", found.quotes.difference(&wanted_quotes)),
        ("quotation not found", wanted_quotes.difference(&found.quotes)),
    ] {
        pairs.for_each(|(a, b)| println!("{what}: {a} {b}"));
    }
    for item in all.iter().filter(|item| item.share.is_some()) {
        assert_share(item, &label_of(&all), &arrivals).await;
    }
    assert!(merging.0 >= 0.995 && merging.1 >= 0.95, "merging {merging:?}");
    assert!(quoting.0 >= 0.9 && quoting.1 >= 0.9, "quoting {quoting:?}");
}

fn label_of(items: &[Labelled]) -> BTreeMap<String, String> {
    items.iter().map(|item| (item.id.clone(), item.story.clone())).collect()
}

/// How much of the one that it quotes stands in a story is about what its label says.
async fn assert_share(item: &Labelled, label: &BTreeMap<String, String>, arrivals: &Arrivals) {
    let stories = arrivals.stories().await;
    let of = |label_of: &str| {
        let has = |story: &&ListedStory| label[arrivals.name(story.items[0].id.0)] == label_of;
        stories
            .iter()
            .find(has)
            .unwrap_or_else(|| panic!("no story of {label_of}"))
    };
    let (quoting, quoted) = (of(&item.story), of(&item.quotes[0]));
    let share = quoting
        .quotes
        .iter()
        .find(|quote| quote.id == quoted.id)
        .map(|quote| quote.share);
    let (share, wanted) = (share.unwrap_or_default(), item.share.unwrap());
    assert!(
        (share - wanted).abs() < 0.15,
        "{}: {share} instead of {wanted}",
        item.id
    );
}
