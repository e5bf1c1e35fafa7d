//! Makes of any document the clean dialect that the parser reads well, and what goes beside that, in one pass, and says what was lost
//! or guessed.
//!
//! XML of every dialect (RSS 0.9x, 1.0, 1.1, 2.0, Atom 0.3, 1.0, CDF, news site maps) and JSON Feed become the same (`draft`). Bare ampersands,
//! entities, stray, crossed and unclosed tags, a cut end, control characters, markup inside texts, odd namespaces and types are
//! no obstacles. Time is linear in the size of the document; depth and counts are bounded.
//!
//! # Not supported
//! External entities are never followed. Elements that no reader shows (ratings, clouds, rights) are left out.

mod capture;
pub(in crate::ingest) mod draft;
mod fields;
mod json;
mod json_mend;
mod page;
mod place;
mod reader;
mod references;
mod texts;
mod tokens;
mod values;
mod vocabulary;

use std::collections::BTreeMap;

use jiff::Timestamp;
use url::Url;

use crate::ingest::repair::draft::Draft;
use crate::ingest::repair::references::tidy;
use crate::model::feed::Select;
use crate::model::item::{Beside, BesideEntry};
use crate::model::poll::Loss;
use crate::text::xml::Xml;

/// Entries of one document that are read; the rest is left.
pub const MAX_ITEMS: usize = 10_000;
/// Kinds of loss that are told one by one; beyond this they are only counted.
const MAX_LOSSES: usize = 100;

/// Reads a date, as feeds write them.
pub type ReadDate<'a> = &'a dyn Fn(&str) -> Option<SaidDate>;

/// A date that a document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaidDate {
    /// The instant.
    pub at: Timestamp,
    /// It lies in the future: any other date is a better one.
    pub is_future: bool,
}

/// A document in the clean dialect.
#[derive(Debug)]
pub struct Repaired {
    /// Atom 1.0.
    pub xml: String,
    /// What of it is not in that.
    pub beside: Beside,
    /// What it was: `rss2`, `rss1`, `rss0`, `atom`, `atom03`, `cdf`, `sitemap`, `json` or `page`.
    pub format: &'static str,
    /// What was lost or guessed.
    pub losses: Losses,
}

/// Why a document cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepairError {
    /// Nothing came.
    #[error("the document is empty")]
    Empty,
    /// A web page, not a feed.
    #[error("the document is a web page, not a feed; look for the address of its feed")]
    WebPage,
    /// JSON, but no feed.
    #[error("the document is JSON, but no JSON Feed: {0}")]
    Json(String),
    /// A site map that says nothing of news.
    #[error("the document is a site map without news: its addresses have no titles and no dates of publication")]
    NoNews,
    /// The configuration was checked, so this is seen by nobody who uses it.
    #[error("{0}")]
    Selector(String),
    /// The page has changed, or the selector was never right.
    #[error("the selector {0:?} (feed.select.item) finds nothing on the page; it may look different now")]
    NothingSelected(String),
    /// Neither XML of a known kind nor JSON.
    #[error("the document is no feed: it has no rss, RDF, feed or channel element")]
    NoFeed,
}

/// What of a document was lost or had to be guessed, by kind and place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses(BTreeMap<(&'static str, String), (usize, String)>);

impl Losses {
    /// Notes one.
    pub fn add(&mut self, kind: &'static str, at: &str, detail: &str) {
        let at = if self.0.len() < MAX_LOSSES { at } else { "elsewhere" };
        let first = || (0, crate::text::html::excerpt(detail.trim(), 80));
        let (count, _) = self.0.entry((kind, at.to_owned())).or_insert_with(first);
        *count += 1;
    }

    /// One by one.
    #[must_use]
    pub fn list(self) -> Vec<Loss> {
        let loss = |((kind, at), (count, detail)): ((&str, String), (usize, String))| Loss {
            kind: kind.to_owned(),
            at,
            count,
            detail,
        };
        self.0.into_iter().map(loss).collect()
    }
}

/// Repairs a document that came from `address`; where there are selectors, it is a page, and they find its items.
///
/// # Errors
/// When nothing at all can be read.
pub fn repair(text: &str, address: &Url, select: Option<&Select>, date: ReadDate<'_>) -> Result<Repaired, RepairError> {
    if let Some(select) = select {
        return page::repair(text, address, select, date);
    }
    let text = &*tidy(text);
    match text.find(['<', '{']).and_then(|at| text.get(at..)) {
        None if text.trim().is_empty() => Err(RepairError::Empty),
        None => Err(RepairError::NoFeed),
        Some(json) if json.starts_with('{') => json::repair(json, address, date).or_else(|error| {
            // What a program prints before its document may look like the beginning of JSON.
            let xml = json
                .find('<')
                .and_then(|at| json.get(at..))
                .ok_or_else(|| error.clone())?;
            reader::repair(xml, address, date).map_err(|_| error)
        }),
        Some(xml) => reader::repair(xml, address, date),
    }
}

/// The entries of a document, as they are read.
struct Entries {
    xml: Xml,
    beside: Vec<BesideEntry>,
}

impl Entries {
    fn new() -> Self {
        Self {
            xml: Xml::fragment(),
            beside: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.beside.len()
    }

    fn push(&mut self, entry: Draft) {
        entry.write_entry(&mut self.xml);
        self.beside.push(entry.beside());
    }

    /// The whole document: the feed's own words stand first, though some dialects put them last.
    fn finish(self, feed: &Draft, format: &'static str, losses: Losses) -> Repaired {
        let mut xml = Xml::new();
        let language = [
            ("xmlns", "http://www.w3.org/2005/Atom"),
            ("xml:lang", feed.language.1.as_str()),
        ];
        let attributes = if feed.language.1.is_empty() {
            &language[..1]
        } else {
            &language[..]
        };
        xml.open("feed", attributes);
        feed.write_feed(&mut xml);
        let mut xml = xml.finish();
        xml.push_str(&self.xml.finish());
        xml.push_str("</feed>\n");
        Repaired {
            xml,
            beside: Beside {
                wishes: feed.wishes,
                entries: self.beside,
            },
            format,
            losses,
        }
    }
}

#[cfg(test)]
mod tests;
