//! The merged feed as Atom 1.0 (RFC 4287).

use jiff::Timestamp;

use crate::model::story::StoryText;
use crate::output::relations::bodies;
use crate::output::{MergedFeed, entry_id, title};
use crate::text::xml::Xml;

/// The media type (RFC 4287 §7).
pub const MEDIA_TYPE: &str = "application/atom+xml; charset=utf-8";

/// Writes the feed.
#[must_use]
pub fn render(feed: &MergedFeed<'_>) -> String {
    let mut xml = Xml::new();
    let namespaces = [
        ("xmlns", "http://www.w3.org/2005/Atom"),
        ("xmlns:media", "http://search.yahoo.com/mrss/"),
    ];
    xml.open("feed", &namespaces);
    xml.text("id", &[], &feed.self_url);
    xml.text("title", &[("type", "text")], feed.title);
    xml.text("updated", &[], &date(feed.updated));
    xml.empty(
        "link",
        &[
            ("rel", "self"),
            ("type", "application/atom+xml"),
            ("href", &feed.self_url),
        ],
    );
    xml.empty(
        "link",
        &[
            ("rel", "alternate"),
            ("type", "text/html"),
            ("href", &format!("{}/", feed.public_url)),
        ],
    );
    xml.text("generator", &[("version", env!("CARGO_PKG_VERSION"))], "tidings");
    person(&mut xml, feed.title);
    for story in feed.stories {
        entry(&mut xml, story);
    }
    xml.close("feed");
    xml.finish()
}

fn entry(xml: &mut Xml, story: &StoryText) {
    match story.language.as_str() {
        "" => xml.open("entry", &[]),
        language => xml.open("entry", &[("xml:lang", language)]),
    }
    xml.text("id", &[], &entry_id(story));
    xml.text("title", &[("type", "text")], &title(story));
    xml.text("published", &[], &date(story.published));
    xml.text("updated", &[], &date(story.updated));
    // RFC 4287 §4.1.2: an entry without content must have an alternate link.
    if !story.link.is_empty() {
        xml.empty("link", &[("rel", "alternate"), ("href", &story.link)]);
    }
    // RFC 4287 §4.1.2: without one here the feed's author would be taken for the writer.
    match story.details.authors.as_slice() {
        [] => person(xml, &story.feed.title),
        authors => authors.iter().for_each(|author| person(xml, author)),
    }
    for category in &story.details.categories {
        xml.empty("category", &[("term", category)]);
    }
    for file in &story.details.enclosures {
        let length = file.length.map(|length| length.to_string()).unwrap_or_default();
        let mut attributes = vec![("rel", "enclosure"), ("href", file.url.as_str())];
        attributes.extend(
            [("type", file.media_type.as_str()), ("length", &length)]
                .iter()
                .filter(|(_, v)| !v.is_empty()),
        );
        xml.empty("link", &attributes);
    }
    if !story.details.comments.is_empty() {
        xml.empty("link", &[("rel", "replies"), ("href", &story.details.comments)]);
    }
    if !story.details.image.is_empty() {
        xml.empty("media:thumbnail", &[("url", &story.details.image)]);
    }
    for quoted in story.quotes.iter().filter(|quoted| !quoted.link.is_empty()) {
        // RFC 4287 §4.2.7.2: related to the entry.
        xml.empty(
            "link",
            &[("rel", "related"), ("href", &quoted.link), ("title", &quoted.title)],
        );
    }
    let (summary, content) = bodies(story);
    xml.text_if_any("summary", &[("type", "html")], &summary);
    if story.content.is_empty() && story.link.is_empty() {
        xml.text("content", &[("type", "text")], &title(story));
    } else {
        xml.text_if_any("content", &[("type", "html")], &content);
    }
    source(xml, story);
    xml.close("entry");
}

/// RFC 4287 §4.2.11: where the entry comes from.
fn source(xml: &mut Xml, story: &StoryText) {
    let feed = &story.feed;
    xml.open("source", &[]);
    // An id must be an address (RFC 4287 §4.2.6); what a feed says of itself may be anything.
    let id = if url::Url::parse(&feed.source_id).is_ok() {
        &feed.source_id
    } else {
        &feed.url
    };
    xml.text("id", &[], id);
    xml.text("title", &[("type", "text")], &feed.title);
    xml.text("updated", &[], &date(story.updated));
    xml.empty("link", &[("rel", "self"), ("href", &feed.url)]);
    if !feed.site_link.is_empty() {
        xml.empty("link", &[("rel", "alternate"), ("href", &feed.site_link)]);
    }
    xml.close("source");
}

fn person(xml: &mut Xml, name: &str) {
    xml.open("author", &[]);
    xml.text("name", &[], name);
    xml.close("author");
}

/// RFC 3339, as RFC 4287 §3.3 wants it; whole seconds are enough for readers.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
