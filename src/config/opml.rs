//! Reads a list of feeds from OPML 1.0 or 2.0: outlines with an `xmlUrl`; folders become groups.
//!
//! Lenient in what real exports do: attribute names in any case, bare ampersands, unclosed outlines.

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};

/// The deepest folder that counts; deeper ones belong to the folder at this depth.
const MAX_DEPTH: usize = 64;

/// What a list holds.
#[derive(Debug, Default)]
pub struct OpmlList {
    /// The feeds, in order, each address once.
    pub feeds: Vec<FeedIntent>,
    /// Outlines that were passed over, each with the reason.
    pub passed_over: Vec<String>,
}

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpmlError {
    /// Not XML.
    #[error("not OPML: broken XML at byte {0}")]
    Xml(u64, #[source] quick_xml::Error),
    /// XML of another kind.
    #[error("not OPML: the file has no <opml> element")]
    NotOpml,
}

/// Reads a list. Feeds without a title are called by their host; a name that is taken gets the host, then a number.
///
/// # Errors
/// When it is not OPML at all. A single bad outline is passed over and named instead.
pub fn read(text: &str) -> Result<OpmlList, OpmlError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut list = OpmlList::default();
    let mut names = HashSet::new();
    let mut addresses = HashSet::new();
    let mut folders: Vec<Option<String>> = Vec::new();
    let mut is_opml = false;
    loop {
        let position = reader.buffer_position();
        let (element, open) = match reader.read_event().map_err(|e| OpmlError::Xml(position, e))? {
            Event::Start(element) => (element, true),
            Event::Empty(element) => (element, false),
            Event::End(end) if end.name().as_ref().eq_ignore_ascii_case("outline") => {
                folders.pop();
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = element.name();
        is_opml |= name.as_ref().eq_ignore_ascii_case("opml");
        if !name.as_ref().eq_ignore_ascii_case("outline") {
            continue;
        }
        let outline = Outline::read(&element);
        if !outline.address.is_empty() {
            let group = folders
                .iter()
                .take(MAX_DEPTH)
                .rev()
                .flatten()
                .next()
                .cloned()
                .unwrap_or_default();
            match FeedUrl::parse(&outline.address) {
                Ok(url) if addresses.insert(url.clone()) => {
                    let name = unique_name(&outline.title, &url, &mut names);
                    list.feeds.push(FeedIntent {
                        name,
                        url,
                        group,
                        manner: Manner::default(),
                        access: Access::default(),
                    });
                }
                Ok(_) => {}
                Err(e) => list.passed_over.push(format!("{:?}: {e}", outline.address)),
            }
        }
        if open {
            let is_folder = outline.address.is_empty() && !outline.title.is_empty();
            folders.push(is_folder.then_some(outline.title));
        }
    }
    if is_opml { Ok(list) } else { Err(OpmlError::NotOpml) }
}

#[derive(Default)]
struct Outline {
    title: String,
    address: String,
}

impl Outline {
    fn read(element: &BytesStart<'_>) -> Self {
        let mut outline = Self::default();
        let mut text = String::new();
        for attribute in element.html_attributes().with_checks(false).flatten() {
            let raw = &*attribute.value;
            let value = unescape(raw).map_or_else(|_| raw.to_owned(), |v| v.into_owned());
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            let name = attribute.key.as_ref();
            if name.eq_ignore_ascii_case("xmlUrl") {
                outline.address = value;
            } else if name.eq_ignore_ascii_case("title") {
                outline.title = value;
            } else if name.eq_ignore_ascii_case("text") {
                text = value;
            }
        }
        if outline.title.is_empty() {
            outline.title = text;
        }
        outline
    }
}

/// A name for the feed with this title and address that is not `taken` yet: the title, else the host, else one of them with the host or
/// a number.
pub fn unique_name(title: &str, url: &FeedUrl, taken: &mut HashSet<String>) -> String {
    let host = url.host();
    let plain = if title.is_empty() { host } else { title };
    if taken.insert(plain.to_owned()) {
        return plain.to_owned();
    }
    let with_host = format!("{plain} ({host})");
    if taken.insert(with_host.clone()) {
        return with_host;
    }
    let mut number = 2_u64;
    loop {
        let name = format!("{plain} ({host} {number})");
        if taken.insert(name.clone()) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::read;

    #[test]
    fn folders_become_groups_and_every_address_comes_once() {
        let list = read(
            r#"<?xml version="1.0"?><opml version="1.1"><body>
              <outline text="Agencies"><outline text="Borna &amp; Co" xmlUrl="https://a.example/feed"/>
                <outline title="Borna &amp; Co" xmlurl="https://b.example/feed?a=1&b=2"></outline></outline>
              <outline xmlUrl="https://c.example/feed"/><outline text="again" xmlUrl="https://a.example/feed"/>
              <outline text="bad" xmlUrl="feed://d.example"/></body></opml>"#,
        )
        .unwrap();
        let seen: Vec<_> = list
            .feeds
            .iter()
            .map(|f| (f.name.as_str(), f.url.as_str(), f.group.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("Borna & Co", "https://a.example/feed", "Agencies"),
                ("Borna & Co (b.example)", "https://b.example/feed?a=1&b=2", "Agencies"),
                ("c.example", "https://c.example/feed", ""),
            ]
        );
        assert_eq!(list.passed_over.len(), 1);
        assert!(list.passed_over[0].contains("feed://d.example"));
    }

    #[test]
    fn what_is_not_opml_is_refused() {
        assert!(read("<html><body></body></html>").is_err());
        assert!(read("nothing").is_err());
    }
}
