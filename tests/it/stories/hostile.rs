//! Items that nobody should be tied to: bounded, each by name.

use crate::stories::corpus::{Arrivals, Labelled};

/// A text of its own for each number.
fn prose(number: usize, words: usize) -> String {
    let word = |n: usize| format!("w{}x{} ", (number * 7919 + n * 104_729) % 99_991, n % 7);
    (0..words).map(word).collect()
}

fn item(id: &str, feed: &str, title: &str, html: &str) -> Labelled {
    Labelled {
        id: id.to_owned(),
        story: id.to_owned(),
        feed: feed.to_owned(),
        group: "all".to_owned(),
        at: "2026-11-20T12:00:00Z".to_owned(),
        title: title.to_owned(),
        link: format!("https://{feed}.example/{id}"),
        html: html.to_owned(),
        quotes: Vec::new(),
        share: None,
    }
}

async fn told(items: &[Labelled]) -> Arrivals {
    let mut arrivals = Arrivals::of(items).await;
    for item in items {
        arrivals.arrive(item, true).await;
    }
    arrivals
}

#[tokio::test]
async fn items_without_text_or_title_are_stories_of_their_own() {
    let items = [
        item("a", "one", "", ""),
        item("b", "two", "", ""),
        item("c", "two", "", "<img src=\"https://x.example/y.png\">"),
    ];
    assert_eq!(told(&items).await.stories().await.len(), 3);
}

#[tokio::test]
async fn one_word_repeated_ties_nobody_but_its_like() {
    let spam = |word: &str| format!("<p>{}</p>", format!("{word} ").repeat(4000));
    let items = [
        item("a", "one", "Alpha beta", &spam("buy")),
        item("b", "two", "Gamma delta", &spam("sell")),
        item(
            "c",
            "three",
            "Real news of today",
            &format!("<p>{} buy buy buy buy buy buy</p>", prose(1, 80)),
        ),
    ];
    assert_eq!(told(&items).await.stories().await.len(), 3);
}

#[tokio::test]
async fn nothing_but_links_is_no_quotation_of_what_they_lead_to() {
    let links: String = (0..300)
        .map(|n| format!("<a href=\"https://site{n}.example/{n}\">{n}</a> "))
        .collect();
    let items = [
        item("a", "one", "Links", &links),
        item("b", "two", "More links", &links.replace("site", "page")),
    ];
    let stories = told(&items).await.stories().await;
    assert!(stories.iter().all(|story| story.quotes.is_empty()), "{stories:#?}");
}

#[tokio::test]
async fn ten_megabytes_are_read_in_part_and_quote_no_more_than_others() {
    let article = format!("<p>{}</p>", prose(1, 200));
    let huge = format!(
        "<p>{}</p>{article}<p>{}</p>",
        prose(2, 300),
        "lorem ipsum dolor sit amet ".repeat(400_000)
    );
    assert!(huge.len() > 10_000_000);
    let items = [
        item("a", "one", "An article", &article),
        item("b", "two", "All of it", &huge),
    ];
    let stories = told(&items).await.stories().await;
    assert_eq!(stories.len(), 2);
    assert_eq!(
        stories.iter().filter(|story| !story.quotes.is_empty()).count(),
        1,
        "{stories:#?}"
    );
}

#[tokio::test]
async fn a_feed_that_copies_another_whole_adds_no_story() {
    let copied: Vec<Labelled> = (0..30)
        .flat_map(|n| {
            let html = format!("<p>{}</p>", prose(n, 120));
            [
                item(&format!("a{n}"), "one", &format!("Title {n}"), &html),
                item(&format!("b{n}"), "two", &format!("Copy {n}"), &html),
            ]
        })
        .collect();
    let stories = told(&copied).await.stories().await;
    assert_eq!(stories.len(), 30);
    assert!(stories.iter().all(|story| story.items.len() == 2));
}

#[tokio::test]
async fn who_quotes_everybody_is_tied_to_a_few() {
    let mut items: Vec<Labelled> = (0..40)
        .map(|n| {
            item(
                &format!("a{n}"),
                &format!("feed{n}"),
                &format!("Title {n}"),
                &format!("<p>{}</p>", prose(n, 60)),
            )
        })
        .collect();
    let all: String = items.iter().map(|item| item.html.as_str()).collect();
    items.push(item(
        "all",
        "hostile",
        "Everything",
        &format!("<p>{}</p>{all}", prose(99, 400)),
    ));
    let stories = told(&items).await.stories().await;
    assert_eq!(stories.len(), 41, "nobody is merged");
    let ties = stories.iter().map(|story| story.quotes.len()).max().unwrap();
    assert!((1..=16).contains(&ties), "{ties}");
}
