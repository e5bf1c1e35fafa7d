//! Entries out of the clean dialect. The only door to feed-rs.
//!
//! feed-rs gets our date parser, and an id generator that leaves what is missing empty: its own ids change between polls. The
//! clean dialect (see `repair`) holds nothing that it stumbles over; should it panic all the same, that is an error of the document.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model::{Category, Entry, Feed, Image, Link, Person, Text};
use feed_rs::parser::{Builder, Parser};
use jiff::Timestamp;
use url::Url;

use crate::model::clock::from_millis;
use crate::model::feed::{FeedFacts, is_web};
use crate::model::item::{Beside, BesideEntry, Enclosure, FeedAbout, ParsedFeed, RawItem};
use crate::text::html::{as_html, cut, plain_line};

/// The longest title, identifier or address of a feed, in bytes: they are repeated in every entry of a merged feed.
const MAX_FACT_BYTES: usize = 1024;
/// The longest language tag.
const MAX_TAG_BYTES: usize = 35;

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The parser refuses the clean dialect.
    #[error("the parser refuses the document: {0}")]
    Refused(String),
    /// The parser gave up in a way that it should not.
    #[error("the parser stumbled over the document")]
    Stumbled,
}

/// Reads a document in the clean dialect, and completes it by what goes beside that. `address` is where it came from; entries inherit
/// the feed's authors where `inherit`.
///
/// # Errors
/// When the parser refuses it, which would be a fault of the repair.
pub fn parse(xml: &str, beside: Beside, address: &Url, inherit: bool) -> Result<ParsedFeed, ParseError> {
    let parser = parser(address);
    let feed = catch_unwind(AssertUnwindSafe(|| parser.parse(xml.as_bytes()))).map_err(|_| ParseError::Stumbled)?;
    let feed = feed.map_err(|e| ParseError::Refused(e.to_string()))?;
    if feed.entries.len() != beside.entries.len() {
        return Err(ParseError::Stumbled);
    }
    Ok(Reader { address }.feed(feed, beside, inherit))
}

fn parser(address: &Url) -> Parser {
    let date = |text: &str| -> Option<chrono::DateTime<chrono::Utc>> {
        let date: Timestamp = text.parse().ok()?;
        chrono::DateTime::from_timestamp_millis(date.as_millisecond())
    };
    Builder::new()
        .base_uri(Some(address.as_str()))
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(date)
        .sanitize_content(false)
        .build()
}

struct Reader<'a> {
    address: &'a Url,
}

impl Reader<'_> {
    fn feed(&self, feed: Feed, beside: Beside, inherit: bool) -> ParsedFeed {
        let title = html(feed.title);
        let related = |rel| self.web_address(&href(&feed.links, rel));
        let authors = names(&feed.authors);
        let facts = FeedFacts {
            source_id: cut(&feed.id, MAX_FACT_BYTES).to_owned(),
            title: cut(&plain_line(&title), MAX_FACT_BYTES).trim_end().to_owned(),
            site_link: self.web_address(&href(&feed.links, "alternate")),
            language: cut(feed.language.as_deref().unwrap_or_default().trim(), MAX_TAG_BYTES).to_ascii_lowercase(),
            wishes: beside.wishes,
            offset_minutes: None,
            hub: related("hub"),
            topic: related("self"),
            older: Some(related("prev-archive"))
                .filter(|older| !older.is_empty())
                .unwrap_or_else(|| related("next")),
        };
        let image = feed.logo.map(|image: Image| image.uri).unwrap_or_default();
        let plain = |texts: &[String]| {
            texts
                .iter()
                .map(|text| plain_line(text))
                .filter(|text| !text.is_empty())
                .collect()
        };
        let about = FeedAbout {
            subtitle: plain_line(&html(feed.description)),
            authors: plain(&authors),
            updated: feed.updated.or(feed.published).map(instant),
            image: self.web_address(&image),
            categories: plain(&terms(feed.categories)),
        };
        let heirs = if inherit { authors } else { Vec::new() };
        let entries = feed.entries.into_iter().zip(beside.entries);
        let mut items: Vec<RawItem> = entries.map(|(entry, beside)| item(entry, beside, &heirs)).collect();
        drop_shared_canonicals(&mut items);
        ParsedFeed { facts, about, items }
    }

    /// Only what a browser opens, and no longer than a name.
    fn web_address(&self, link: &str) -> String {
        let url = self.address.join(link).ok().filter(|_| !link.is_empty());
        url.filter(|url| is_web(url) && url.as_str().len() <= MAX_FACT_BYTES)
            .map(String::from)
            .unwrap_or_default()
    }
}

fn item(entry: Entry, beside: BesideEntry, heirs: &[String]) -> RawItem {
    let authors = names(&entry.authors);
    RawItem {
        link: href(&entry.links, "alternate"),
        canonical: href(&entry.links, "canonical"),
        authors: if authors.is_empty() { heirs.to_vec() } else { authors },
        enclosures: enclosures(&entry.links),
        comments: href(&entry.links, "replies"),
        guid: entry.id.trim().to_owned(),
        title: html(entry.title),
        categories: terms(entry.categories),
        published: entry.published.map(instant),
        updated: entry.updated.map(instant),
        summary: beside.summary,
        content: beside.content,
        language: beside.language,
        base: beside.base,
        summary_base: beside.summary_base,
        image: beside.image,
        source: beside.source,
    }
}

/// One address for entries with different links is none of theirs: some publishers write that of their front page.
fn drop_shared_canonicals(items: &mut [RawItem]) {
    let mut first: HashMap<&str, &str> = HashMap::new();
    let named = items.iter().filter(|item| !item.canonical.is_empty());
    let shared: HashSet<String> = named
        .filter(|item| *first.entry(&item.canonical).or_insert(&item.link) != item.link)
        .map(|item| item.canonical.clone())
        .collect();
    items
        .iter_mut()
        .filter(|item| shared.contains(&item.canonical))
        .for_each(|item| item.canonical.clear());
}

/// The address of the first link with a relation; empty: none.
fn href(links: &[Link], rel: &str) -> String {
    let link = links.iter().find(|link| link.rel.as_deref() == Some(rel));
    link.map(|link| link.href.clone()).unwrap_or_default()
}

fn instant(date: chrono::DateTime<chrono::Utc>) -> Timestamp {
    from_millis(date.timestamp_millis())
}

fn names(people: &[Person]) -> Vec<String> {
    let name = |person: &Person| person.name.clone().or_else(|| person.email.clone());
    people.iter().filter_map(name).collect()
}

fn terms(categories: Vec<Category>) -> Vec<String> {
    categories.into_iter().map(|category| category.term).collect()
}

/// A text as HTML: what is plain gets its angle brackets and ampersands escaped.
fn html(text: Option<Text>) -> String {
    let Some(text) = text else {
        return String::new();
    };
    if text.content_type.essence().to_string() == "text/plain" {
        as_html(&text.content)
    } else {
        text.content
    }
}

fn enclosures(links: &[Link]) -> Vec<Enclosure> {
    let files = links.iter().filter(|link| link.rel.as_deref() == Some("enclosure"));
    files
        .map(|link| Enclosure {
            url: link.href.clone(),
            media_type: link.media_type.clone().unwrap_or_default(),
            length: link.length,
            duration_seconds: link.href_lang.as_ref().and_then(|seconds| seconds.parse().ok()),
        })
        .collect()
}
