#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::tz::TimeZone;

use super::{DigestMail, render};
use crate::model::edition::{Edition, EditionId};
use crate::model::item::ItemId;
use crate::model::story::StoryText;
use crate::output::samples;

fn edition(stories: usize) -> Edition {
    Edition {
        id: EditionId(1),
        digest: "daily".to_owned(),
        number: 3,
        after: ItemId(4),
        upto: ItemId(6),
        stories,
        made_at: "2026-11-22T03:30:00Z".parse().unwrap(),
    }
}

fn mail(stories: &[StoryText], items: usize) -> super::RenderedMail {
    let edition = edition(stories.len());
    render(&DigestMail {
        edition: &edition,
        title: "All <stories>",
        zone: &TimeZone::get("Asia/Tehran").unwrap(),
        stories,
        items,
        feed_url: "https://feeds.example/feeds/all.atom",
    })
}

#[test]
fn a_mail_tells_each_story_in_its_own_direction() {
    let rendered = mail(&samples::stories(), 10);
    assert_eq!(rendered.subject, "All <stories>: 2 stories, 22 November 2026");
    insta::assert_snapshot!("digest_html", rendered.html);
    insta::assert_snapshot!("digest_text", rendered.text);
}

#[test]
fn what_is_beyond_the_limit_is_counted() {
    let rendered = mail(&samples::stories(), 1);
    assert!(rendered.html.contains("And 1 more"));
    assert!(rendered.text.contains("And 1 more"));
    assert!(!rendered.html.contains("<h2"), "one section needs no heading");
}

#[test]
fn nothing_new_is_said_as_such() {
    assert!(mail(&[], 10).subject.contains("nothing new"));
}
