//! Stories with text that is hard to write, for the tests of the formats.

#![allow(clippy::unwrap_used, reason = "tests")]

use crate::model::item::{Enclosure, ItemDetails};
use crate::model::story::{Quoted, Seq, StoryFeed, StoryId, StoryText, StoryUid};

/// A Persian story of an agency, and an English one of a columnist without title and with markup in its text.
pub(crate) fn stories() -> Vec<StoryText> {
    let persian = StoryText {
        id: StoryId(2),
        seq: Seq(6),
        uid: StoryUid::from_hash([2; 16]),
        feed: StoryFeed {
            name: "borna-fa".to_owned(),
            group: "agencies".to_owned(),
            title: "خبرگزاری برنا".to_owned(),
            url: "https://agency.example/fa/feeds?a=1&b=2".to_owned(),
            source_id: "not an address".to_owned(),
            site_link: "https://agency.example/fa".to_owned(),
        },
        title: "«گفت‌وگو» با \"AT&T\" <b> ]]>\u{1}".to_owned(),
        link: "https://agency.example/fa/news/1?x=1&y=2".to_owned(),
        summary: String::new(),
        content: "<p>متن خبر با ]]&gt; و <a href=\"https://a.example/?x=1&amp;y=2\">پیوند</a>.</p>".to_owned(),
        language: "fa".to_owned(),
        details: ItemDetails {
            authors: vec!["علی «نویسنده»".to_owned()],
            categories: vec!["سیاست & اقتصاد".to_owned()],
            enclosures: vec![Enclosure {
                url: "https://agency.example/a.mp3".to_owned(),
                media_type: "audio/mpeg".to_owned(),
                length: Some(5),
                duration_seconds: Some(61),
            }],
            comments: "https://agency.example/fa/news/1?x=1&y=2#comments".to_owned(),
            image: "https://agency.example/1.jpg".to_owned(),
            ..ItemDetails::default()
        },
        published: "2026-11-22T03:00:00Z".parse().unwrap(),
        updated: "2026-11-22T03:10:00Z".parse().unwrap(),
        changed_at: "2026-11-22T03:12:00Z".parse().unwrap(),
        also_in: vec!["Some Blog".to_owned()],
        quotes: Vec::new(),
        quoted_by: vec![Quoted {
            title: "At length & in full".to_owned(),
            link: "https://blog.example/length".to_owned(),
            feed: "A Columnist".to_owned(),
            share: 0.97,
        }],
    };
    let english = StoryText {
        id: StoryId(1),
        seq: Seq(5),
        uid: StoryUid::from_hash([1; 16]),
        feed: StoryFeed {
            name: "columnist".to_owned(),
            group: "columnists".to_owned(),
            title: "A Columnist".to_owned(),
            url: "https://blog.example/feed".to_owned(),
            source_id: "tag:blog.example,2026:feed".to_owned(),
            site_link: String::new(),
        },
        title: String::new(),
        link: String::new(),
        summary: "<p>In short: 1 &lt; 2.</p>".to_owned(),
        content: "<p>At length &amp; in full.</p>".to_owned(),
        language: String::new(),
        details: ItemDetails::default(),
        published: "2026-11-20T12:00:00Z".parse().unwrap(),
        updated: "2026-11-20T12:00:00Z".parse().unwrap(),
        changed_at: "2026-11-21T12:00:00Z".parse().unwrap(),
        also_in: Vec::new(),
        quotes: Vec::new(),
        quoted_by: Vec::new(),
    };
    vec![persian, english]
}
