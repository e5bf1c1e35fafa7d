//! From an address to a decision: fetch, then think. Everything after [`fetch`] is pure: bytes, stored state and `now` go in,
//! a decision comes out, and it can be run again on a stored document.

pub mod cadence;
pub mod charset;
pub mod date;
pub mod decide;
pub mod discover;
pub mod edit;
pub mod fetch;
pub mod hub;
pub mod identity;
pub mod moves;
pub mod normalise;
pub mod parse;
pub mod repair;
pub mod settle;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use url::Url;

use crate::ingest::date::zone::Dates;
use crate::ingest::discover::{Offer, discover};
use crate::ingest::normalise::Normaliser;
use crate::ingest::parse::ParseError;
use crate::ingest::repair::{Losses, RepairError, SaidDate};
use crate::model::clock::later;
use crate::model::feed::Manner;
use crate::model::item::{ItemKey, KeyedItem, KnownItem, ParsedFeed};
use crate::model::poll::{ItemChange, Loss};
use crate::text::canonical_url::Links;

/// How far ahead of ours the clocks of publishers may be.
const AHEAD: Duration = Duration::from_secs(86_400);

/// A document that was read.
#[derive(Debug)]
pub struct Reading {
    /// `rss2`, `rss1`, `rss0`, `atom`, `atom03`, `cdf`, `sitemap`, `json`, or `page` for one that is read by selectors.
    pub format: &'static str,
    /// The encoding that it was read in.
    pub encoding: String,
    /// What it says.
    pub feed: ParsedFeed,
    /// What was lost or guessed.
    pub losses: Vec<Loss>,
}

/// A document, and what is known of where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The document.
    pub bytes: &'a [u8],
    /// The HTTP `Content-Type`, or empty.
    pub content_type: &'a str,
    /// Where it came from.
    pub address: &'a Url,
    /// How the configuration wants it read.
    pub manner: &'a Manner,
    /// Offset from UTC in minutes that former documents stated.
    pub offset_minutes: Option<i16>,
    /// The present, beyond which dates are not believed.
    pub now: Timestamp,
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

impl ReadError {
    /// Whether the document is a web page, which may offer feeds.
    #[must_use]
    pub fn is_web_page(&self) -> bool {
        matches!(self, Self::Repair(RepairError::WebPage))
    }
}

/// Reads a document: bytes become text, text becomes the clean dialect, and what it says comes out.
///
/// Dates that state no zone are read in the one that the configuration names, else in that of the other dates, else in that of
/// former documents, else in UTC.
///
/// # Errors
/// When nothing at all can be read.
pub fn read(input: &Input<'_>) -> Result<Reading, ReadError> {
    let decoded = charset::decode(input.bytes, input.content_type);
    let configured = TimeZone::get(&input.manner.time_zone).ok();
    let learned = input
        .offset_minutes
        .and_then(|minutes| Offset::from_seconds(i32::from(minutes) * 60).ok());
    let zone = configured
        .clone()
        .or_else(|| learned.map(Offset::to_time_zone))
        .unwrap_or(TimeZone::UTC);
    let mut dates = Dates::new(zone.clone());
    let mut understood = understand(&decoded.text, input, &dates)?;
    let own = dates.usual();
    if configured.is_none()
        && dates.unstated() > 0
        && let Some(own) = own.map(Offset::to_time_zone).filter(|own| *own != zone)
    {
        dates = Dates::new(own);
        understood = understand(&decoded.text, input, &dates)?;
    }
    let (format, mut feed, mut losses) = understood;
    feed.facts.offset_minutes = own.and_then(|own| i16::try_from(own.seconds() / 60).ok());
    if configured.is_none() && dates.unstated() > 0 {
        let zone = own.or(learned).filter(|offset| !offset.is_zero());
        let zone = zone.map_or_else(|| "UTC".to_owned(), |offset| format!("UTC{offset}"));
        losses.add(
            "time_zone",
            "feed",
            &format!("{} dates state no zone, read in that of {zone}", dates.unstated()),
        );
    }
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
        format,
        encoding: decoded.encoding,
        feed,
        losses: losses.list(),
    })
}

/// The feeds that a web page offers, the likeliest first; `links` are the values of its `Link` headers.
#[must_use]
pub fn offers(input: &Input<'_>, links: &[String]) -> Vec<Offer> {
    discover(
        &charset::decode(input.bytes, input.content_type).text,
        links,
        input.address,
    )
}

/// What a text says, by way of the clean dialect.
fn understand(text: &str, input: &Input<'_>, dates: &Dates) -> Result<(&'static str, ParsedFeed, Losses), ReadError> {
    let repaired = repair::repair(text, input.address, input.manner.select.as_ref(), &|text| {
        let at = dates.read(text)?;
        let is_future = at > later(input.now, AHEAD);
        Some(SaidDate { at, is_future })
    })?;
    let inherit = matches!(repaired.format, "atom" | "atom03" | "json");
    let feed = parse::parse(&repaired.xml, repaired.beside, input.address, inherit)?;
    Ok((repaired.format, feed, repaired.losses))
}

/// What becomes of the entries of a document that came from `address` and declares `language` (or nothing); their links are
/// compared as `links` says.
#[must_use]
pub fn decide(
    items: &[KeyedItem],
    known: &HashMap<ItemKey, KnownItem>,
    (address, language, links): (&Url, &str, &Links),
    now: Timestamp,
) -> Vec<ItemChange> {
    let normaliser = Normaliser::new(address, language).with_links(links.clone());
    decide::decide(items, known, |raw| normaliser.item(raw, now))
}

#[cfg(test)]
mod tests;
