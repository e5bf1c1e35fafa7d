//! The merged feed as JSON Feed 1.1 (jsonfeed.org/version/1.1).

use serde::Serialize;

use crate::model::story::{Quoted, StoryText};
use crate::output::relations::bodies;
use crate::output::{MergedFeed, entry_id, title};
use crate::text::html::to_text;

/// The media type.
pub const MEDIA_TYPE: &str = "application/feed+json; charset=utf-8";

#[derive(Serialize)]
struct Feed<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: String,
    feed_url: &'a str,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    url: &'a str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<String>,
    /// The format wants one of the two contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    summary: String,
    date_published: String,
    date_modified: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    image: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
    /// Our extension: where the item comes from.
    #[serde(rename = "_tidings")]
    source: Source<'a>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_seconds: Option<u64>,
}

#[derive(Serialize)]
struct Source<'a> {
    source_title: &'a str,
    source_feed_url: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    also_in: &'a [String],
    #[serde(skip_serializing_if = "<[Quoted]>::is_empty")]
    quotes: &'a [Quoted],
    #[serde(skip_serializing_if = "<[Quoted]>::is_empty")]
    quoted_by: &'a [Quoted],
}

/// Writes the feed.
#[must_use]
pub fn render(feed: &MergedFeed<'_>) -> String {
    let document = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: feed.title,
        home_page_url: format!("{}/", feed.public_url),
        feed_url: &feed.self_url,
        items: feed.stories.iter().map(item).collect(),
    };
    // Plain structs of texts and numbers always have a JSON form.
    serde_json::to_string(&document).unwrap_or_default()
}

fn item(story: &StoryText) -> Item<'_> {
    let (summary, content) = bodies(story);
    let html = if content.is_empty() { summary } else { content };
    Item {
        id: entry_id(story),
        url: &story.link,
        title: title(story),
        content_text: html.is_empty().then(|| title(story)),
        content_html: (!html.is_empty()).then_some(html),
        summary: to_text(&story.summary),
        date_published: story.published.to_string(),
        date_modified: story.updated.to_string(),
        authors: story.details.authors.iter().map(|name| Author { name }).collect(),
        tags: &story.details.categories,
        image: &story.details.image,
        language: &story.language,
        attachments: story.details.enclosures.iter().map(attachment).collect(),
        source: Source {
            source_title: &story.feed.title,
            source_feed_url: &story.feed.url,
            also_in: &story.also_in,
            quotes: &story.quotes,
            quoted_by: &story.quoted_by,
        },
    }
}

fn attachment(file: &crate::model::item::Enclosure) -> Attachment<'_> {
    Attachment {
        url: &file.url,
        mime_type: match file.media_type.as_str() {
            "" => "application/octet-stream",
            known => known,
        },
        size_in_bytes: file.length,
        duration_in_seconds: file.duration_seconds,
    }
}
