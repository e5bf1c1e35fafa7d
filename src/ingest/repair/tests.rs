#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use url::Url;

use super::{RepairError, Repaired, repair};
use crate::model::feed::Select;

fn repaired(text: &str) -> Result<Repaired, RepairError> {
    let address = Url::parse("https://example.org/feed.xml").unwrap();
    repair(text, &address, None, &|text| {
        let at = text.trim().parse().ok()?;
        Some(super::SaidDate { at, is_future: false })
    })
}

fn losses(text: &str) -> Vec<(String, String)> {
    let losses = repaired(text).unwrap().losses;
    losses.list().into_iter().map(|loss| (loss.kind, loss.at)).collect()
}

#[test]
fn formats_are_told_apart() {
    for (document, format) in [
        ("<rss version=\"2.0\"><channel/></rss>", "rss2"),
        ("<RSS><CHANNEL/></RSS>", "rss2"),
        ("<rss version=\"0.91\"><channel/></rss>", "rss0"),
        (
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\"/>",
            "rss1",
        ),
        ("<rdf:RDF xmlns=\"http://my.netscape.com/rdf/simple/0.9/\"/>", "rss0"),
        ("<feed xmlns=\"http://www.w3.org/2005/Atom\"/>", "atom"),
        ("<feed version=\"0.3\" xmlns=\"http://purl.org/atom/ns#\"/>", "atom03"),
        ("<CHANNEL HREF=\"https://a.example/\"/>", "cdf"),
        ("junk <!-- x --><rss/>", "rss2"),
        ("{\"items\":[]}", "json"),
    ] {
        assert_eq!(repaired(document).unwrap().format, format, "{document}");
    }
}

#[test]
fn what_is_no_feed_is_told_by_what_it_is() {
    for (document, error) in [
        ("  \n", RepairError::Empty),
        (
            "<!DOCTYPE html><html><body><p>x</p></body></html>",
            RepairError::WebPage,
        ),
        ("words", RepairError::NoFeed),
        ("<note/>", RepairError::NoFeed),
    ] {
        assert_eq!(repaired(document).unwrap_err(), error);
    }
    assert!(matches!(repaired("{\"a\":1}").unwrap_err(), RepairError::Json(_)));
}

#[test]
fn losses_are_told_with_their_place() {
    let document = "<rss><channel><item><title>a</title><pubDate>soon</pubDate></b></item><item/><item><title>cut";
    let expected = [
        ("date", "item 1"),
        ("empty_item", "item 2"),
        ("stray_tag", "item 1"),
        ("truncated", "item 2"),
        ("truncated_item", "item 2"),
    ];
    assert_eq!(
        losses(document),
        expected.map(|(kind, at)| (kind.to_owned(), at.to_owned()))
    );
    assert!(losses("<rss><channel><title>t</title></channel></rss>").is_empty());
}

#[test]
fn repairing_what_is_repaired_changes_nothing() {
    let document = "<rss><channel><title>A &amp; <b>b</b></title><item><guid>1</guid><description>x<br>y</description>
        <enclosure url=\"a.mp3\" length=\"5\" type=\"audio/mpeg\"/></item></channel></rss>";
    let once = repaired(document).unwrap().xml;
    assert_eq!(repaired(&once).unwrap().xml, once);
}

#[test]
fn texts_of_entries_begin_and_end_with_words_wherever_they_come_from() {
    let address = Url::parse("https://example.org/feed.xml").unwrap();
    let select = Select {
        item: "li".to_owned(),
        summary: "p".to_owned(),
        ..Select::default()
    };
    let page = "<ul><li><a href=\"/n\">N</a><p>\n  Off <b>here</b>\n</p></li></ul>";
    let documents = [
        (page, Some(&select), "Off <b>here</b>"),
        (
            "<rss><channel><item><title>a</title><description> \n Off\n</description></item></channel></rss>",
            None,
            "Off",
        ),
        (
            "{\"items\":[{\"id\":\"1\",\"summary\":\"\\u0001 Off \\u0001\"}]}",
            None,
            "Off",
        ),
    ];
    for (document, select, summary) in documents {
        let repaired = repair(document, &address, select, &|_| None).unwrap();
        assert_eq!(repaired.beside.entries[0].summary, summary, "{document}");
    }
}

#[test]
fn the_base_of_a_summary_is_told_only_where_it_is_another() {
    let entry = |summary: &str| {
        let document = format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"https://b.example/\"><entry><id>1</id>{summary}
            <content type=\"html\">x</content></entry></feed>"
        );
        repaired(&document).unwrap().beside.entries.remove(0)
    };
    let same = entry("<summary type=\"html\">s</summary>");
    assert_eq!(
        (same.base.as_str(), same.summary_base.as_str()),
        ("https://b.example/", "")
    );
    let other = entry("<summary type=\"html\" xml:base=\"/s/\">s</summary>");
    assert_eq!(other.summary_base, "https://b.example/s/");
}
