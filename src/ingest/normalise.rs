//! From an entry as the document has it to an item that is safe to keep, show and mail: plain titles, sanitised HTML, absolute
//! links, dates that make sense, a language.

use jiff::Timestamp;
use url::Url;

use crate::model::feed::is_web;
use crate::model::item::{Enclosure, ItemDetails, ItemSource, NewItem, RawItem};
use crate::text::canonical_url::Links;
use crate::text::html::{Sanitiser, cut, plain_line};
use crate::text::language::{Declared, language_of, primary_subtag};

/// The longest title, name or category in bytes.
const MAX_LINE_BYTES: usize = 4096;
/// The longest base address: it stands before every relative link of a text.
const MAX_BASE_BYTES: usize = 2048;
/// Authors, categories and enclosures of one item that are kept, each.
const MAX_LIST: usize = 64;

/// Normalises the entries of one document.
pub struct Normaliser<'a> {
    address: &'a Url,
    language: &'a str,
    links: Links,
    sanitiser: Sanitiser,
}

impl<'a> Normaliser<'a> {
    /// `address` is where the document came from, `language` what it declares for all its entries (or empty).
    #[must_use]
    pub fn new(address: &'a Url, language: &'a str) -> Self {
        Self {
            address,
            language,
            links: Links::default(),
            sanitiser: Sanitiser::new(Some(address)),
        }
    }

    /// Compares links in this way.
    #[must_use]
    pub fn with_links(self, links: Links) -> Self {
        Self { links, ..self }
    }

    /// Normalises one entry, as seen at `now`.
    #[must_use]
    pub fn item(&self, raw: &RawItem, now: Timestamp) -> NewItem {
        let base = self.base(&raw.base);
        let own_sanitiser = base.as_ref().map(|base| Sanitiser::new(Some(base)));
        let sanitiser = own_sanitiser.as_ref().unwrap_or(&self.sanitiser);
        let summary_sanitiser = self.base(&raw.summary_base).map(|base| Sanitiser::new(Some(&base)));
        let summary_sanitiser = summary_sanitiser.as_ref().unwrap_or(sanitiser);
        let base = base.as_ref().unwrap_or(self.address);
        let (content, summary) = match (raw.content.trim().is_empty(), raw.summary == raw.content) {
            (true, _) => (summary_sanitiser.clean(&raw.summary), String::new()),
            (false, true) => (sanitiser.clean(&raw.content), String::new()),
            (false, false) => (sanitiser.clean(&raw.content), summary_sanitiser.clean(&raw.summary)),
        };
        let title = line(&raw.title);
        let link = web_address(base, &raw.link).unwrap_or_default();
        let past = |date: Option<Timestamp>| date.filter(|date| *date <= now);
        NewItem {
            guid: cut(&raw.guid, MAX_LINE_BYTES).to_owned(),
            canonical_link: self.canonical(base, &raw.canonical, &link),
            link,
            language: self.language_of(raw, &title, &content),
            title,
            summary,
            content,
            details: ItemDetails {
                authors: lines(&raw.authors),
                categories: lines(&raw.categories),
                enclosures: enclosures(base, &raw.enclosures),
                comments: web_address(base, &raw.comments).unwrap_or_default(),
                image: web_address(base, &raw.image).unwrap_or_default(),
                source: ItemSource {
                    id: line(&raw.source.id),
                    title: line(&raw.source.title),
                    link: web_address(base, &raw.source.link).unwrap_or_default(),
                },
            },
            marks: Vec::new(),
            published: past(raw.published),
            updated: past(raw.updated),
        }
    }

    /// The base address that an entry gives, if it is another than the document's.
    fn base(&self, given: &str) -> Option<Url> {
        let base = self.address.join(given).ok().filter(|_| !given.is_empty())?;
        let is_usable = is_web(&base) && base.as_str().len() <= MAX_BASE_BYTES;
        (is_usable && base != *self.address).then_some(base)
    }

    /// By what the document names as the page that this is a twin of, where that is an article, else by the link.
    fn canonical(&self, base: &Url, named: &str, link: &str) -> String {
        let named = web_address(base, named).and_then(|named| self.links.canonical(&named));
        named.or_else(|| self.links.canonical(link)).unwrap_or_default()
    }

    fn language_of(&self, raw: &RawItem, title: &str, text: &str) -> String {
        let (entry, feed) = (&*primary_subtag(&raw.language), &*primary_subtag(self.language));
        language_of(Declared { entry, feed }, title, text)
    }
}

fn line(html: &str) -> String {
    cut(&plain_line(html), MAX_LINE_BYTES).trim_end().to_owned()
}

fn lines(texts: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in texts.iter().take(MAX_LIST) {
        let line = line(text);
        if !line.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The absolute http or https address of a link.
fn web_address(base: &Url, link: &str) -> Option<String> {
    let link = link.trim();
    if link.is_empty() {
        return None;
    }
    base.join(link).ok().and_then(checked)
}

fn checked(url: Url) -> Option<String> {
    (is_web(&url) && url.as_str().len() <= MAX_LINE_BYTES).then(|| url.into())
}

fn enclosures(base: &Url, raw: &[Enclosure]) -> Vec<Enclosure> {
    raw.iter()
        .take(MAX_LIST)
        .filter_map(|enclosure| {
            Some(Enclosure {
                url: web_address(base, &enclosure.url)?,
                media_type: media_type(&enclosure.media_type),
                ..enclosure.clone()
            })
        })
        .collect()
}

/// Type and subtype, without parameters; empty where it is none (RFC 6838 §4.2).
fn media_type(text: &str) -> String {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_name = |name: &str| {
        let marks = |c: char| matches!(c, '!' | '#' | '$' | '&' | '-' | '^' | '_' | '.' | '+' | '*');
        !name.is_empty() && name.len() <= 127 && name.chars().all(|c| c.is_ascii_alphanumeric() || marks(c))
    };
    match essence.split_once('/') {
        Some((kind, subtype)) if is_name(kind) && is_name(subtype) => essence.to_ascii_lowercase(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Normaliser;
    use crate::model::item::{Enclosure, NewItem, RawItem};
    use jiff::Timestamp;
    use url::Url;

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn normalised(raw: &RawItem) -> NewItem {
        let address = Url::parse("https://example.org/blog/feed.xml").unwrap();
        Normaliser::new(&address, "").item(raw, now())
    }

    #[test]
    fn links_are_absolute_and_only_of_the_web() {
        let mut raw = RawItem {
            link: "2026/post".to_owned(),
            base: "/other/".to_owned(),
            content: "<a href=\"x\">x</a>".to_owned(),
            enclosures: ["a.mp3", "javascript:alert(1)"]
                .map(|url| Enclosure {
                    url: url.to_owned(),
                    ..Enclosure::default()
                })
                .to_vec(),
            ..RawItem::default()
        };
        let item = normalised(&raw);
        assert_eq!(item.link, "https://example.org/other/2026/post");
        assert!(item.content.contains("https://example.org/other/x"));
        assert_eq!(item.details.enclosures.len(), 1);
        raw.link = "javascript:alert(1)".to_owned();
        assert_eq!(normalised(&raw).link, "");
    }

    #[test]
    fn the_fullest_body_is_the_content() {
        let mut raw = RawItem {
            summary: "<b>short</b>".to_owned(),
            ..RawItem::default()
        };
        assert_eq!(
            (normalised(&raw).content, normalised(&raw).summary),
            ("<b>short</b>".to_owned(), String::new())
        );
        raw.content = "<p>long</p>".to_owned();
        let item = normalised(&raw);
        assert_eq!(
            (item.content.as_str(), item.summary.as_str()),
            ("<p>long</p>", "<b>short</b>")
        );
    }

    #[test]
    fn a_date_in_the_future_counts_as_none() {
        let raw = RawItem {
            published: Some("2027-01-01T00:00:00Z".parse().unwrap()),
            updated: Some("2026-11-22T11:00:00Z".parse().unwrap()),
            ..RawItem::default()
        };
        assert_eq!(normalised(&raw).published, None);
        assert!(normalised(&raw).updated.is_some());
    }
}
