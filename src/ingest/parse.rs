//! What a document says: RSS, Atom or JSON Feed become one shape. The only door to feed-rs.
//!
//! feed-rs gets our date parser, and an id generator that leaves what is missing empty: its own ids change between polls. It may
//! panic on odd input; that is caught and is an error of the document.

use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model::{Content, Entry, Feed, FeedType, Link, Text};
use feed_rs::parser::{Builder, ParseFeedError};
use jiff::Timestamp;
use url::Url;

use crate::model::clock::from_millis;
use crate::model::feed::FeedFacts;
use crate::model::item::{Enclosure, ParsedFeed, RawItem};
use crate::text::html::{cut, plain_line};
use crate::text::language::primary_subtag;

/// Entries of one document that are read; the rest is left.
pub const MAX_ITEMS: usize = 10_000;

/// The longest title, identifier or address of a feed, in bytes.
const MAX_FACT_BYTES: usize = 1024;
/// Files of one entry that are kept.
const MAX_FILES: usize = 64;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Nothing came.
    #[error("the document is empty")]
    Empty,
    /// A web page, not a feed.
    #[error("the document is a web page, not a feed; look for the address of its feed")]
    WebPage,
    /// It has the form of neither XML nor JSON, or is of no known kind.
    #[error("the document is no feed: {0}")]
    Malformed(String),
    /// The parser gave up in a way that it should not.
    #[error("the parser stumbled over the document")]
    Stumbled,
}

/// Reads a document of any format. `address` resolves relative links, `date` reads dates.
///
/// # Errors
/// When it is no feed.
pub fn parse(text: &str, address: &Url, date: fn(&str) -> Option<Timestamp>) -> Result<ParsedFeed, ParseError> {
    if text.trim().is_empty() {
        return Err(ParseError::Empty);
    }
    let parser = Builder::new()
        .base_uri(Some(address.as_str()))
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(move |text| {
            date(text).and_then(|t| chrono::DateTime::from_timestamp_millis(t.as_millisecond()))
        })
        .sanitize_content(false)
        .build();
    let feed = catch_unwind(AssertUnwindSafe(|| parser.parse(text.as_bytes()))).map_err(|_| ParseError::Stumbled)?;
    match feed {
        Ok(feed) => Ok(converted(feed, address)),
        Err(_) if looks_like_page(text) => Err(ParseError::WebPage),
        Err(e) => Err(malformed(&e)),
    }
}

fn malformed(error: &ParseFeedError) -> ParseError {
    ParseError::Malformed(error.to_string())
}

/// Whether a document is JSON, as the parser tells it: by which of the two marks comes first.
#[must_use]
pub fn is_json(text: &str) -> bool {
    text.find(['<', '{'])
        .and_then(|at| text.get(at..))
        .is_some_and(|text| text.starts_with('{'))
}

fn looks_like_page(text: &str) -> bool {
    let head = text
        .get(..text.floor_char_boundary(1024))
        .unwrap_or(text)
        .to_ascii_lowercase();
    head.contains("<!doctype html") || head.contains("<html")
}

fn converted(feed: Feed, address: &Url) -> ParsedFeed {
    let kind = feed.feed_type.clone();
    let title = markup(feed.title, &kind);
    let facts = FeedFacts {
        source_id: cut(&feed.id, MAX_FACT_BYTES).to_owned(),
        title: cut(&plain_line(&title), MAX_FACT_BYTES).to_owned(),
        site_link: alternate(&feed.links)
            .and_then(|link| web_address(address, &link))
            .unwrap_or_default(),
        language: primary_subtag(feed.language.as_deref().unwrap_or_default()),
        ttl_minutes: feed.ttl.unwrap_or_default(),
    };
    let feed_author = names(&feed.authors);
    let items = feed
        .entries
        .into_iter()
        .take(MAX_ITEMS)
        .map(|entry| raw_item(entry, &feed_author, &kind))
        .collect();
    ParsedFeed { facts, items }
}

/// Only what a browser opens, and no longer than a name: it is repeated in every entry of a merged feed.
fn web_address(address: &Url, link: &str) -> Option<String> {
    let url = address.join(link).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.as_str().len() <= MAX_FACT_BYTES).then(|| url.into())
}

fn raw_item(entry: Entry, feed_author: &[String], kind: &FeedType) -> RawItem {
    let authors = names(&entry.authors);
    RawItem {
        guid: entry.id.trim().to_owned(),
        link: alternate(&entry.links).unwrap_or_default(),
        authors: if authors.is_empty() {
            feed_author.to_vec()
        } else {
            authors
        },
        enclosures: enclosures(&entry),
        title: markup(entry.title, kind),
        summary: markup(entry.summary, kind),
        content: entry.content.map(body).unwrap_or_default(),
        categories: entry
            .categories
            .into_iter()
            .map(|category| category.label.unwrap_or(category.term))
            .collect(),
        language: entry.language.unwrap_or_default(),
        base: entry.base.unwrap_or_default(),
        published: entry.published.map(instant),
        updated: entry.updated.map(instant),
    }
}

fn instant(date: chrono::DateTime<chrono::Utc>) -> Timestamp {
    from_millis(date.timestamp_millis())
}

fn names(people: &[feed_rs::model::Person]) -> Vec<String> {
    people
        .iter()
        .filter_map(|person| person.name.clone().or_else(|| person.email.clone()))
        .collect()
}

/// The address that a reader would open: `alternate` before links without a relation, before any other but files.
fn alternate(links: &[Link]) -> Option<String> {
    let of = |rel: Option<&str>| {
        let mut pages = links.iter().filter(|link| link.target.is_none() && !is_file(link));
        pages.find(|link| link.rel.as_deref() == rel)
    };
    of(Some("alternate"))
        .or_else(|| of(None))
        .filter(|link| !link.href.trim().is_empty())
        .map(|link| link.href.trim().to_owned())
}

/// A text as HTML. Atom and JSON Feed say which texts are plain; in RSS, where nothing says so, markup is common.
fn markup(text: Option<Text>, kind: &FeedType) -> String {
    let Some(text) = text else {
        return String::new();
    };
    let says_so = matches!(kind, FeedType::Atom | FeedType::JSON);
    if says_so && text.content_type.essence().to_string() == "text/plain" {
        escaped(&text.content)
    } else {
        text.content
    }
}

fn escaped(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;")
}

fn body(content: Content) -> String {
    let body = content.body.unwrap_or_default();
    if content.content_type.essence().to_string() != "text/plain" {
        return body;
    }
    body.split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| format!("<p>{}</p>", escaped(paragraph.trim()).replace('\n', "<br>")))
        .collect()
}

/// JSON Feed's attachments come as links without relation; what tells them from the others is their type.
fn is_file(link: &Link) -> bool {
    link.rel.as_deref() == Some("enclosure") || (link.rel.is_none() && link.media_type.is_some())
}

fn enclosures(entry: &Entry) -> Vec<Enclosure> {
    let linked = entry.links.iter().filter(|link| is_file(link)).map(|link| Enclosure {
        url: link.href.clone(),
        media_type: link.media_type.clone().unwrap_or_default(),
        length: link.length,
        duration_seconds: None,
    });
    let media = entry.media.iter().flat_map(|object| {
        object.content.iter().filter_map(|content| {
            Some(Enclosure {
                url: content.url.as_ref()?.to_string(),
                media_type: content
                    .content_type
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                length: content.size,
                duration_seconds: content.duration.or(object.duration).map(|d| d.as_secs()),
            })
        })
    });
    let mut all: Vec<Enclosure> = Vec::new();
    for enclosure in linked.chain(media) {
        if all.len() < MAX_FILES && !all.iter().any(|known| known.url == enclosure.url) {
            all.push(enclosure);
        }
    }
    all
}
