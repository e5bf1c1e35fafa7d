//! From an address to a decision: fetch, then think. Everything after [`fetch`] is pure: bytes, stored state and `now` go in,
//! a decision comes out, and it can be run again on a stored document.

pub mod cadence;
pub mod charset;
pub mod date;
pub mod decide;
pub mod fetch;
pub mod identity;
pub mod normalise;
pub mod parse;
pub mod repair;

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use crate::ingest::normalise::Normaliser;
use crate::ingest::parse::{ParseError, Relations};
use crate::ingest::repair::{RepairError, draft};
use crate::model::item::{ItemKey, KeyedItem, KnownItem, ParsedFeed};
use crate::model::poll::{ItemChange, Loss};

/// A document that was read.
#[derive(Debug)]
pub struct Reading {
    /// `rss2`, `rss1`, `rss0`, `atom`, `atom03`, `cdf` or `json`.
    pub format: &'static str,
    /// The encoding that it was read in.
    pub encoding: String,
    /// What it says.
    pub feed: ParsedFeed,
    /// What was lost or guessed.
    pub losses: Vec<Loss>,
}

/// Why nothing at all can be read of a document.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no feed.
    #[error(transparent)]
    Repair(#[from] RepairError),
    /// The parser refused what was made of it.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

/// Reads a document that came from `address`: bytes become text, text becomes the clean dialect, and what it says comes out.
/// Dates without a zone are read in `zone`.
///
/// # Errors
/// When nothing at all can be read.
pub fn read(bytes: &[u8], content_type: &str, address: &Url, zone: &TimeZone) -> Result<Reading, ReadError> {
    let decoded = charset::decode(bytes, content_type);
    let repaired = repair::repair(&decoded.text, address, &|text| date::parse(text, zone))?;
    let relations = Relations {
        language: draft::LANGUAGE,
        base: draft::BASE,
        source: draft::SOURCE,
        image: draft::IMAGE,
        ttl: draft::TTL,
        nowhere: draft::NOWHERE,
    };
    let inherit = matches!(repaired.format, "atom" | "atom03" | "json");
    let feed = parse::parse(&repaired.xml, address, relations, inherit)?;
    let mut losses = repaired.losses;
    if let Some(declared) = &decoded.instead_of {
        losses.add(
            "encoding",
            "feed",
            &format!("declared {declared}, read as {}", decoded.encoding),
        );
    }
    if decoded.broken > 0 {
        losses.add("broken_bytes", "feed", &format!("{} could not be read", decoded.broken));
    }
    Ok(Reading {
        format: repaired.format,
        encoding: decoded.encoding,
        feed,
        losses: losses.list(),
    })
}

/// What becomes of the entries of a document that came from `address` and declares `language` (or nothing).
#[must_use]
pub fn decide(
    items: &[KeyedItem],
    known: &HashMap<ItemKey, KnownItem>,
    (address, language): (&Url, &str),
    now: Timestamp,
) -> Vec<ItemChange> {
    let normaliser = Normaliser::new(address, language);
    decide::decide(items, known, |raw| normaliser.item(raw, now))
}

#[cfg(test)]
mod tests;
