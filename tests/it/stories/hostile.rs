//! Items that nobody should be tied to: bounded, each by name.

use std::sync::Arc;

use tidings::model::clock::ManualClock;
use tidings::service::stories::{Stories, judge};
use tidings::store::judge::Judge;
use tidings::story::matching::compare;
use tidings::telemetry::metrics::Metrics;
use tokio::sync::Notify;

use crate::stories::corpus::{Arrivals, Labelled, now};

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
    for is_first in [false, true] {
        if is_first {
            items.rotate_right(1);
        }
        let stories = told(&items).await.stories().await;
        assert_eq!(stories.len(), 41, "nobody is merged");
        let ties = stories.iter().map(|story| story.quotes.len()).max().unwrap();
        assert!((1..=16).contains(&ties), "{ties}");
    }
}

#[tokio::test]
async fn a_feed_with_the_links_of_articles_and_the_texts_of_others_makes_no_one_story_of_all() {
    let article = |n: usize| {
        let html = format!("<p>{}</p>", prose(n, 120));
        item(
            &format!("a{n}"),
            &format!("feed{n}"),
            &format!("Alpha{n} beta{n} gamma{n}"),
            &html,
        )
    };
    let mut items: Vec<Labelled> = (0..20).map(article).collect();
    for n in 0..19 {
        let (linked, copied) = (items[n].link.clone(), items[n + 1].clone());
        let id = format!("h{n}");
        items.push(Labelled {
            link: linked,
            ..item(&id, "hostile", &copied.title, &copied.html)
        });
    }
    for is_last in [true, false] {
        if !is_last {
            items.rotate_right(19);
        }
        let stories = told(&items).await.stories().await;
        let most = stories.iter().map(|story| story.items.len()).max().unwrap();
        assert!(
            stories.len() >= 15 && most <= 5,
            "{} stories, {most} items",
            stories.len()
        );
    }
}

#[tokio::test]
async fn a_link_alone_ties_the_same_items_in_any_order() {
    let (one, other) = (format!("<p>{}</p>", prose(1, 120)), format!("<p>{}</p>", prose(2, 120)));
    let (x, y) = (
        item("x", "f1", "Alpha beta", &one),
        item("y", "f2", "Alpha beta gamma", &one),
    );
    let linked = Labelled {
        link: x.link.clone(),
        ..item("i", "f3", "Delta epsilon", &other)
    };
    let copy = item("j", "f4", "Delta epsilon zeta", &other);
    for items in [
        [&x, &y, &linked, &copy],
        [&x, &y, &copy, &linked],
        [&linked, &copy, &x, &y],
        [&copy, &x, &linked, &y],
    ] {
        let items: Vec<Labelled> = items.into_iter().cloned().collect();
        assert_eq!(told(&items).await.stories().await.len(), 2, "{items:#?}");
    }
}

#[tokio::test]
async fn letters_of_one_feed_under_one_signature_are_stories_of_their_own() {
    let signature = format!("<p>{}</p>", prose(1000, 100));
    let letter = |n: usize| {
        let html = format!("<p>{}</p>{signature}", prose(n, 25));
        item(
            &format!("l{n}"),
            "letter",
            &format!("The Lantern Letter, no. {n}"),
            &html,
        )
    };
    let items: Vec<Labelled> = (40..46).map(letter).collect();
    assert_eq!(told(&items).await.stories().await.len(), 6);
    // All at once.
    let mut arrivals = Arrivals::of(&items).await;
    for item in &items {
        arrivals.arrive(item, false).await;
    }
    arrivals.place().await;
    assert_eq!(arrivals.stories().await.len(), 6);
}

#[tokio::test]
async fn episodes_of_one_feed_with_one_description_are_stories_of_their_own() {
    let html = format!("<p>{}</p>", prose(7, 32));
    let names = ["Storks", "Ropes and knots", "A mill", "Old maps", "Salt", "Glass"];
    let items: Vec<Labelled> = names.iter().map(|name| item(name, "podcast", name, &html)).collect();
    assert_eq!(told(&items).await.stories().await.len(), 6);
}

#[tokio::test]
async fn reports_of_one_pattern_are_stories_of_their_own() {
    let quake = |id: &str, place: &str, size: &str, depth: &str, hour: &str| {
        let html = format!(
            "<p>An earthquake of magnitude {size} was recorded near {place} at {hour} on Saturday, the seismological institute said. \
             The epicentre lay {depth} kilometres below the surface, east of {place}. No damage was reported at first. Residents of \
             {place} felt it for some seconds. The institute asks everybody who felt the earthquake near {place} to fill in the form \
             on its pages, so that its maps of the region around {place} become better.</p>"
        );
        item(
            id,
            "quakes",
            &format!("Earthquake of magnitude {size} near {place}"),
            &html,
        )
    };
    let items = [
        quake("a", "Brackwell", "4.1", "12", "six"),
        quake("b", "Dunmarsh", "3.2", "9", "eight"),
        quake("c", "Hask", "5.0", "31", "noon"),
    ];
    assert_eq!(told(&items).await.stories().await.len(), 3);
}

#[tokio::test]
async fn a_report_that_is_issued_again_under_another_title_is_one_story() {
    let first = format!("<p>{}</p>", prose(5, 150));
    let again = format!("{first}<p>Correction: an earlier version had another number in it, the agency said.</p>");
    let items = [
        item("a", "agency", "Parliament passes winter budget by 6 votes", &first),
        item("b", "agency", "CORRECTED: Winter money approved", &again),
    ];
    assert_eq!(told(&items).await.stories().await.len(), 1);
}

#[tokio::test]
async fn hundreds_of_copies_that_come_at_once_are_one_story() {
    let html = format!("<p>{}</p>", prose(3, 60));
    let items: Vec<Labelled> = (0..700)
        .map(|n| item(&format!("c{n}"), &format!("feed{n}"), "One report for all", &html))
        .collect();
    let mut arrivals = Arrivals::of(&items).await;
    for item in &items {
        arrivals.arrive(item, false).await;
    }
    arrivals.place().await;
    assert_eq!(arrivals.stories().await.len(), 1);
}

#[tokio::test]
async fn a_column_is_tied_to_a_short_article_that_ten_feeds_carry() {
    let article = format!("<p>{}</p>", prose(1, 60));
    let mut items: Vec<Labelled> = (0..10)
        .map(|n| item(&n.to_string(), &format!("feed{n}"), "Alpha beta gamma delta", &article))
        .collect();
    let column = format!("<p>{}</p>{article}<p>{}</p>", prose(2, 90), prose(3, 90));
    items.push(item("column", "blog", "Epsilon zeta eta theta", &column));
    let told = told(&items).await.stories().await;
    assert_eq!(told.len(), 2);
    assert_eq!(told.iter().map(|story| story.quotes.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn who_quotes_what_another_quotes_does_not_quote_that_one() {
    let article = format!("<p>{}</p>", prose(1, 200));
    let column = |n: usize| format!("<p>{}</p>{article}<p>{}</p>", prose(n, 80), prose(n + 50, 80));
    let a = item("a", "agency", "An article on bridges", &article);
    let (b, c) = (
        item("b", "column", "My bridges", &column(10)),
        item("c", "roundup", "This week", &column(20)),
    );
    for order in [[&a, &b, &c], [&b, &c, &a], [&c, &a, &b]] {
        let arrivals = told(&order.map(Clone::clone)).await;
        let stories = arrivals.stories().await;
        let quotes: Vec<usize> = stories.iter().map(|story| story.quotes.len()).collect();
        assert_eq!(quotes.iter().sum::<usize>(), 2, "{stories:#?}");
    }
}

#[tokio::test]
async fn market_reports_of_two_days_are_two_stories() {
    let report = |id: &str, day: &str, index: &str, by: &str, what: &str| {
        let html = format!(
            "<p>The index of the exchange closed at {index} on {day}, {by} more than the day before. Shares of banks and of cement \
             makers were asked for most, while those of refineries stood still, traders said. {what} The number of trades was as \
             usual. The market for small firms, which is open an hour longer, followed the large one. Brokers expect no great change \
             until the central bank has told its rate at the end of the month, when the budget is also due in parliament.</p>"
        );
        item(id, "market", &format!("Exchange closes higher on {day}"), &html)
    };
    let items = [
        report(
            "a",
            "Wednesday",
            "2,104,311 points",
            "eleven thousand points",
            "A sugar mill rose by five per cent after it had paid its debts.",
        ),
        report(
            "b",
            "Thursday",
            "2,120,874 points",
            "sixteen thousand points",
            "Two insurers fell because a ferry had sunk in the gulf at dawn.",
        ),
    ];
    assert_eq!(told(&items).await.stories().await.len(), 2);
}

#[tokio::test]
async fn an_article_with_comments_between_its_paragraphs_is_quoted() {
    let parts: Vec<String> = (1..6).map(|n| prose(n, 40)).collect();
    let article: String = parts.iter().map(|part| format!("<p>{part}</p>")).collect();
    let fisked: String = parts
        .iter()
        .enumerate()
        .map(|(n, part)| format!("<p>{part}</p><p>{}</p>", prose(100 + n, 22)))
        .collect();
    let items = [
        item("a", "agency", "An article", &article),
        item(
            "b",
            "column",
            "Line by line",
            &format!("<p>{}</p>{fisked}", prose(200, 15)),
        ),
    ];
    let stories = told(&items).await.stories().await;
    assert_eq!(
        stories.iter().map(|story| story.quotes.len()).sum::<usize>(),
        1,
        "{stories:#?}"
    );
}

#[tokio::test]
async fn an_item_that_cannot_be_compared_is_a_story_of_its_own_and_keeps_nobody_waiting() {
    let text = format!("<p>{}</p>", prose(1, 200));
    let items = [
        item("a", "one", "Alpha", &text),
        item("fault", "two", "Fault", &text),
        item("b", "three", "Alpha again", &text),
    ];
    let mut arrivals = Arrivals::of(&items).await;
    for item in &items {
        arrivals.arrive(item, false).await;
    }
    let judge = Judge {
        compare: |one, others, recurring| {
            assert_ne!(one.title, "Fault", "as a fault of ours would");
            compare(one, others, recurring)
        },
        ..judge(Arc::from([]))
    };
    let (store, clock) = (arrivals.store.clone(), Arc::new(ManualClock::new(now())));
    let told = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let stories = Stories::new(store, clock, told, Arc::new(Metrics::default()), judge);
    assert_eq!(stories.place_all().await.unwrap().items, 2);
    let told = arrivals.stories().await;
    let mut items: Vec<Vec<&str>> = told
        .iter()
        .map(|story| story.items.iter().map(|item| arrivals.name(item.id.0)).collect())
        .collect();
    items.iter_mut().for_each(|items| items.sort_unstable());
    items.sort_unstable();
    assert_eq!(items, [vec!["a", "b"], vec!["fault"]]);
    assert_eq!(stories.place_all().await.unwrap().items, 0);
}
