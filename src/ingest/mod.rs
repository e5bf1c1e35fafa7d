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
use url::Url;

use crate::ingest::normalise::Normaliser;
use crate::ingest::parse::ParseError;
use crate::model::item::{ItemKey, KeyedItem, KnownItem, ParsedFeed};
use crate::model::poll::ItemChange;

/// Reads a document: bytes become text, text becomes well-formed, and what it says comes out.
///
/// # Errors
/// When nothing at all can be read.
pub fn read(bytes: &[u8], content_type: &str, address: &Url) -> Result<ParsedFeed, ParseError> {
    let text = charset::decode(bytes, content_type).text;
    if parse::is_json(&text) {
        return parse::parse(&text, address, utc);
    }
    parse::parse(&repair::repair(&text), address, utc)
}

/// A date without a zone is taken as UTC.
fn utc(text: &str) -> Option<Timestamp> {
    date::parse(text, &jiff::tz::TimeZone::UTC)
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
