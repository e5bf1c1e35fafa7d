//! What a document says, for programs (`parse --json`) and for people.

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use crate::ingest::identity::policy::of_document;
use crate::ingest::normalise::Normaliser;
use crate::ingest::{Reading, identity};
use crate::model::identity::IdentityPolicy;
use crate::model::item::{Enclosure, ItemSource, KeyedItem};

#[derive(Serialize)]
pub(super) struct Said {
    format: &'static str,
    encoding: String,
    feed: SaidFeed,
    entries: Vec<SaidEntry>,
    losses: Vec<SaidLoss>,
}

#[derive(Serialize)]
struct SaidFeed {
    id: String,
    title: String,
    subtitle: String,
    link: String,
    language: String,
    author: String,
    updated: Option<Timestamp>,
    image: String,
    categories: Vec<String>,
    ttl_minutes: Option<u32>,
}

#[derive(Serialize)]
struct SaidEntry {
    key: String,
    id: String,
    title: String,
    link: String,
    author: String,
    authors: Vec<String>,
    published: Option<Timestamp>,
    updated: Option<Timestamp>,
    summary: String,
    content: String,
    categories: Vec<String>,
    language: String,
    comments: String,
    source: ItemSource,
    enclosures: Vec<SaidFile>,
    image: String,
}

#[derive(Serialize)]
struct SaidFile {
    url: String,
    #[serde(rename = "type")]
    media_type: String,
    length: Option<u64>,
    duration_seconds: Option<u64>,
}

#[derive(Serialize)]
struct SaidLoss {
    kind: String,
    at: String,
    detail: String,
}

/// What a document that came from `address` says, as at this instant.
pub(super) fn said(reading: Reading, address: &Url, now: Timestamp) -> Said {
    let (facts, about) = (reading.feed.facts, reading.feed.about);
    let language = facts.language.clone();
    let normaliser = Normaliser::new(address, &language);
    let policy = of_document(&reading.feed.items, IdentityPolicy::Guid);
    let mut entries: Vec<KeyedItem> = identity::keyed(reading.feed.items, policy);
    // As the document lists them.
    entries.sort_by_key(|entry| entry.position);
    let detail = |detail: String, count: usize| {
        if count > 1 {
            format!("{detail} ({count} times)")
        } else {
            detail
        }
    };
    Said {
        format: reading.format,
        encoding: reading.encoding,
        feed: SaidFeed {
            id: facts.source_id,
            title: facts.title,
            subtitle: about.subtitle,
            link: facts.site_link,
            language: facts.language,
            author: about.authors.first().cloned().unwrap_or_default(),
            updated: about.updated,
            image: about.image,
            categories: about.categories,
            ttl_minutes: Some(facts.wishes.ttl_minutes).filter(|minutes| *minutes > 0),
        },
        entries: entries
            .into_iter()
            .map(|entry| said_entry(entry, &normaliser, &language, now))
            .collect(),
        losses: reading
            .losses
            .into_iter()
            .map(|loss| SaidLoss {
                kind: loss.kind,
                at: loss.at,
                detail: detail(loss.detail, loss.count),
            })
            .collect(),
    }
}

fn said_entry(entry: KeyedItem, normaliser: &Normaliser<'_>, language: &str, now: Timestamp) -> SaidEntry {
    let raw = entry.raw;
    let item = normaliser.item(&raw, now);
    // Where the summary is all there is, it is the fullest body too.
    let only_summary = item.summary.is_empty() && !raw.summary.trim().is_empty();
    SaidEntry {
        key: format!("{:?}", entry.key),
        id: item.guid,
        title: item.title,
        link: item.link,
        author: item.details.authors.first().cloned().unwrap_or_default(),
        authors: item.details.authors,
        published: raw.published,
        updated: raw.updated,
        summary: if only_summary {
            item.content.clone()
        } else {
            item.summary
        },
        content: item.content,
        categories: item.details.categories,
        language: if raw.language.is_empty() {
            language.to_owned()
        } else {
            raw.language
        },
        comments: item.details.comments,
        source: item.details.source,
        enclosures: item.details.enclosures.into_iter().map(said_file).collect(),
        image: item.details.image,
    }
}

fn said_file(file: Enclosure) -> SaidFile {
    SaidFile {
        url: file.url,
        media_type: file.media_type,
        length: file.length,
        duration_seconds: file.duration_seconds,
    }
}

/// For people: the feed, its first `most` entries, and the losses.
pub(super) fn shown(said: &Said, most: usize) -> String {
    let mut text = format!(
        "{}\n  {}, {}, {} entries\n",
        said.feed.title,
        said.format,
        said.encoding,
        said.entries.len()
    );
    for entry in said.entries.iter().take(most) {
        let date = entry
            .published
            .or(entry.updated)
            .map(|date| date.to_string())
            .unwrap_or_default();
        text.push_str(&format!("  {date:<22}{}\n  {:<22}{}\n", entry.title, "", entry.link));
    }
    if let Some(more) = said.entries.len().checked_sub(most).filter(|more| *more > 0) {
        text.push_str(&format!("  ... and {more} more\n"));
    }
    for loss in &said.losses {
        text.push_str(&format!(
            "  lost or guessed: {}, {}: {}\n",
            loss.kind, loss.at, loss.detail
        ));
    }
    text
}
