//! Reads a list of feeds from OPML 1.0 or 2.0: outlines with an `xmlUrl`; folders become groups.
//!
//! The list is read as a stream: each feed is given away as it comes. Lenient in what real exports do: attribute names in any case,
//! bare ampersands, unclosed outlines.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use crate::config::taken::Taken;
use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};

/// The deepest folder that counts; deeper ones belong to the folder at this depth.
const MAX_DEPTH: usize = 64;
/// Outlines passed over that are named; the rest is counted.
const MAX_NAMED: usize = 100;

/// Outlines that were passed over.
#[derive(Debug, Default)]
pub struct PassedOver {
    /// The first, each with the reason.
    named: Vec<String>,
    /// How many there are beside these.
    others: usize,
}

impl PassedOver {
    fn add(&mut self, outline: impl FnOnce() -> String) {
        if self.named.len() < MAX_NAMED {
            self.named.push(outline());
        } else {
            self.others += 1;
        }
    }

    /// A line for each that is named, and one for the rest.
    pub fn lines(self) -> impl Iterator<Item = String> {
        let others = (self.others > 0).then(|| format!("{} more", self.others));
        self.named.into_iter().chain(others)
    }
}

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpmlError {
    /// The file breaks off.
    #[error("cannot be read")]
    Read(#[source] std::sync::Arc<std::io::Error>),
    /// Not XML.
    #[error("not OPML: broken XML at byte {0}")]
    Xml(u64, #[source] quick_xml::Error),
    /// XML of another kind.
    #[error("not OPML: the file has no <opml> element")]
    NotOpml,
}

/// Reads a list and gives each feed whose address is not `taken` to `take`. Feeds without a title are called by their host; a name
/// that is taken gets the host, then a number.
///
/// # Errors
/// When it is not OPML at all; what was given away by then is worth nothing. A single bad outline is passed over and named instead.
pub fn read(
    source: impl BufRead,
    taken: &mut Taken,
    mut take: impl FnMut(FeedIntent),
) -> Result<PassedOver, OpmlError> {
    let mut reader = Reader::from_reader(source);
    reader.config_mut().allow_dangling_amp = true;
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    taken.start_list();
    let mut passed_over = PassedOver::default();
    let mut folders: Vec<Option<String>> = Vec::new();
    let mut is_opml = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let position = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer).map_err(|e| match e {
            quick_xml::Error::Io(e) => OpmlError::Read(e),
            e => OpmlError::Xml(position, e),
        })?;
        let (element, open) = match event {
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
            match FeedUrl::parse(&outline.address) {
                Ok(url) => {
                    if let Some(name) = taken.listed(&outline.title, &url) {
                        let group = folders.iter().take(MAX_DEPTH).rev().flatten().next().cloned();
                        take(FeedIntent {
                            name,
                            url,
                            group: group.unwrap_or_default(),
                            manner: Manner::default(),
                            access: Access::default(),
                        });
                    }
                }
                Err(e) => passed_over.add(|| format!("{:?}: {e}", outline.address)),
            }
        }
        if open {
            let is_folder = outline.address.is_empty() && !outline.title.is_empty();
            folders.push(is_folder.then_some(outline.title));
        }
    }
    if is_opml {
        Ok(passed_over)
    } else {
        Err(OpmlError::NotOpml)
    }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{MAX_NAMED, OpmlError, read};
    use crate::config::taken::Taken;
    use crate::model::feed_list::FeedList;

    fn list(text: &[u8]) -> Result<(FeedList, Vec<String>), OpmlError> {
        let mut feeds = FeedList::default();
        let passed_over = read(text, &mut Taken::default(), |feed| feeds.push(feed))?;
        Ok((feeds, passed_over.lines().collect()))
    }

    #[test]
    fn folders_become_groups_and_every_address_comes_once() {
        let (feeds, passed_over) = list(
            br#"<?xml version="1.0"?><opml version="1.1"><body>
              <outline text="Agencies"><outline text="Borna &amp; Co" xmlUrl="https://a.example/feed"/>
                <outline title="Borna &amp; Co" xmlurl="https://b.example/feed?a=1&b=2"></outline></outline>
              <outline xmlUrl="https://c.example/feed"/><outline text="again" xmlUrl="https://a.example/feed"/>
              <outline text="bad" xmlUrl="feed://d.example"/></body></opml>"#,
        )
        .unwrap();
        let seen: Vec<_> = feeds.iter().map(|f| (f.name, f.url, f.group)).collect();
        assert_eq!(
            seen,
            [
                ("Borna & Co", "https://a.example/feed", "Agencies"),
                ("Borna & Co (b.example)", "https://b.example/feed?a=1&b=2", "Agencies"),
                ("c.example", "https://c.example/feed", ""),
            ]
        );
        assert_eq!(passed_over.len(), 1);
        assert!(passed_over.concat().contains("feed://d.example"));
    }

    #[test]
    fn what_is_not_opml_is_refused() {
        for text in [
            &b"<html><body></body></html>"[..],
            b"nothing",
            b"",
            b"<opml><outline text=\"\xff\"/></opml>",
        ] {
            assert!(list(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_matter() {
        let text = "\u{feff}<opml><outline text=\"خبر\" xmlUrl=\"https://a.example/\"/></opml>";
        assert_eq!(list(text.as_bytes()).unwrap().0.get(0).unwrap().name, "خبر");
    }

    #[test]
    fn of_many_outlines_that_are_passed_over_the_first_are_named() {
        let outlines = "<outline xmlUrl=\"feed://d.example\"/>".repeat(MAX_NAMED + 7);
        let (feeds, passed_over) = list(format!("<opml>{outlines}</opml>").as_bytes()).unwrap();
        assert!(feeds.is_empty());
        assert_eq!(passed_over.len(), MAX_NAMED + 1);
        assert_eq!(passed_over.last().unwrap(), "7 more");
    }
}
