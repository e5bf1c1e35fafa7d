//! The merged feed as RSS 2.0 (rssboard.org/rss-specification), with the profile's advice for what it leaves open.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::model::story::StoryText;
use crate::output::relations::bodies;
use crate::output::{MergedFeed, entry_id, title};
use crate::text::xml::Xml;

/// The media type that readers know.
pub const MEDIA_TYPE: &str = "application/rss+xml; charset=utf-8";

/// Writes the feed.
#[must_use]
pub fn render(feed: &MergedFeed<'_>) -> String {
    let mut xml = Xml::new();
    let namespaces = [
        ("version", "2.0"),
        ("xmlns:atom", "http://www.w3.org/2005/Atom"),
        ("xmlns:content", "http://purl.org/rss/1.0/modules/content/"),
        ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
        ("xmlns:media", "http://search.yahoo.com/mrss/"),
    ];
    xml.open("rss", &namespaces);
    xml.open("channel", &[]);
    xml.text("title", &[], feed.title);
    xml.text("link", &[], &format!("{}/", feed.public_url));
    xml.text("description", &[], feed.title);
    xml.empty(
        "atom:link",
        &[
            ("rel", "self"),
            ("type", "application/rss+xml"),
            ("href", &feed.self_url),
        ],
    );
    xml.text("lastBuildDate", &[], &date(feed.updated));
    xml.text("generator", &[], concat!("tidings ", env!("CARGO_PKG_VERSION")));
    xml.text("docs", &[], "https://www.rssboard.org/rss-specification");
    for story in feed.stories {
        item(&mut xml, story);
    }
    xml.close("channel");
    xml.close("rss");
    xml.finish()
}

fn item(xml: &mut Xml, story: &StoryText) {
    xml.open("item", &[]);
    xml.text("title", &[], &title(story));
    xml.text_if_any("link", &[], &story.link);
    xml.text("guid", &[("isPermaLink", "false")], &entry_id(story));
    xml.text("pubDate", &[], &date(story.published));
    for author in &story.details.authors {
        xml.text("dc:creator", &[], author);
    }
    for category in &story.details.categories {
        xml.text("category", &[], category);
    }
    xml.text_if_any("comments", &[], &story.details.comments);
    if !story.details.image.is_empty() {
        xml.empty("media:thumbnail", &[("url", &story.details.image)]);
    }
    // The profile: one enclosure an item; its three attributes must be there, 0 stands for an unknown length.
    if let Some(file) = story.details.enclosures.first() {
        let length = file.length.unwrap_or_default().to_string();
        let media_type = match file.media_type.as_str() {
            "" => "application/octet-stream",
            known => known,
        };
        xml.empty(
            "enclosure",
            &[("url", &file.url), ("length", &length), ("type", media_type)],
        );
    }
    match bodies(story) {
        (summary, content) if summary.is_empty() => xml.text_if_any("description", &[], &content),
        (summary, content) => {
            xml.text("description", &[], &summary);
            xml.text_if_any("content:encoded", &[], &content);
        }
    }
    xml.text("source", &[("url", &story.feed.url)], &story.feed.title);
    xml.text_if_any("dc:language", &[], &story.language);
    xml.close("item");
}

/// RFC 822 with a year of four digits, as the specification wants it.
fn date(at: Timestamp) -> String {
    // Only years beyond 9999 cannot be written so; none is ever stored.
    rfc2822::DateTimePrinter::new()
        .timestamp_to_string(&at)
        .unwrap_or_default()
}
