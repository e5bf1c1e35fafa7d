//! What one dialect or another says of a feed or an entry, until all of it is read; then it is written in the clean dialect.
//!
//! The clean dialect is Atom 1.0 as feed-rs reads it without loss: absolute addresses, RFC 3339 dates, titles that are either plain
//! or escaped HTML. What Atom has no element for goes beside it, and so do the texts of entries: they are most of a document, and to
//! write and read them once more would change nothing.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::model::feed::Wishes;
use crate::model::item::{BesideEntry, ItemSource};
use crate::text::html::as_html;
use crate::text::without_control_characters;
use crate::text::xml::Xml;

/// Authors, categories, links and files of one entry that are kept, each.
const MAX_LIST: usize = 64;

/// A text, and whether it is markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) is_html: bool,
    /// Of several elements that could be meant, the one that ranks higher counts, and the first of a rank.
    pub(super) rank: u8,
}

impl Text {
    /// Takes another text, if it says more.
    pub(super) fn offer(&mut self, other: Text) {
        if !other.text.trim().is_empty() && (self.text.is_empty() || other.rank > self.rank) {
            *self = other;
        }
    }

    /// As HTML; one that is plain has paragraphs, if `has_paragraphs` or it has lines.
    fn into_html(self, has_paragraphs: bool) -> String {
        let text = match without_control_characters(&self.text) {
            Cow::Borrowed(_) => self.text,
            Cow::Owned(text) => text,
        };
        let text = trimmed(text);
        match self.is_html {
            true => text,
            false if has_paragraphs || text.contains('\n') => paragraphs(&text),
            false => as_html(&text),
        }
    }
}

/// Without white space at either end.
pub(super) fn trimmed(text: String) -> String {
    match text.trim() {
        all if all.len() == text.len() => text,
        part => part.to_owned(),
    }
}

fn paragraphs(plain: &str) -> String {
    let plain = plain.replace("\r\n", "\n");
    plain
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| format!("<p>{}</p>", as_html(paragraph.trim()).replace('\n', "<br>")))
        .collect()
}

/// A person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) uri: String,
}

/// A file beside an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) url: String,
    pub(super) media_type: String,
    pub(super) length: Option<u64>,
    pub(super) seconds: Option<u64>,
}

/// A date, and how well it fits its place.
pub(super) type Dated = Option<(u8, Timestamp)>;

/// What is said of a feed or an entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) id: String,
    /// It was said in the dialect's own element.
    pub(super) has_core_id: bool,
    pub(super) title: Text,
    pub(super) summary: Text,
    pub(super) content: Text,
    /// The rank of a short text that was taken for the content; 0: none was.
    pub(super) guessed_content: u8,
    /// The page, and how well it fits: `alternate` of HTML first.
    pub(super) link: (u8, String),
    /// The page of which that is a twin (`rel=canonical`).
    pub(super) canonical: String,
    /// The identifier says of itself that it is no page (RSS `isPermaLink`).
    pub(super) is_no_page: bool,
    pub(super) comments: String,
    pub(super) has_comments_page: bool,
    pub(super) authors: Vec<Person>,
    /// Of the feed that it was taken from: its own, where it names none (RFC 4287 §4.2.1).
    pub(super) source_authors: Vec<Person>,
    pub(super) published: Dated,
    pub(super) updated: Dated,
    pub(super) categories: Vec<String>,
    pub(super) files: Vec<File>,
    pub(super) image: (u8, String),
    /// Id, title and address of the feed that an entry was taken from.
    pub(super) source: (String, String, String),
    /// A language tag, and how well it fits.
    pub(super) language: (u8, String),
    /// Of the links in the content, and in the summary.
    pub(super) base: String,
    pub(super) summary_base: String,
    pub(super) wishes: Wishes,
    /// Relations and addresses of documents that belong to the feed: its hub, itself, what came before.
    pub(super) related: Vec<(String, String)>,
    /// Playing time of the first file, where it is said beside it.
    pub(super) seconds: Option<u64>,
}

/// Takes a value for a place where another may be: the one that ranks higher, and the last of a rank.
pub(super) fn prefer<T>(place: &mut Option<(u8, T)>, rank: u8, value: T) {
    if place.as_ref().is_none_or(|(known, _)| rank >= *known) {
        *place = Some((rank, value));
    }
}

impl Draft {
    /// Takes an address as the page of this, if it fits better than the one that is known.
    pub(super) fn page(&mut self, rank: u8, url: String) {
        if !url.is_empty() && (self.link.1.is_empty() || rank > self.link.0) {
            self.link = (rank, url);
        }
    }

    /// Takes an image, likewise.
    pub(super) fn picture(&mut self, rank: u8, url: String) {
        if !url.is_empty() && (self.image.1.is_empty() || rank > self.image.0) {
            self.image = (rank, url);
        }
    }

    /// Takes a language, likewise.
    pub(super) fn speaks(&mut self, rank: u8, language: &str) {
        if !language.is_empty() && (self.language.1.is_empty() || rank > self.language.0) {
            self.language = (rank, language.to_owned());
        }
    }

    /// Takes the identifier for the page, where no page is named and the identifier is an address.
    pub(super) fn page_from_id(&mut self) {
        if self.link.1.is_empty()
            && !self.is_no_page
            && (self.id.starts_with("http://") || self.id.starts_with("https://"))
        {
            self.link.1 = self.id.clone();
        }
    }

    pub(super) fn author(&mut self, person: Person) {
        let known = self
            .authors
            .iter()
            .any(|author| author.name == person.name && author.email == person.email);
        if !known && self.authors.len() < MAX_LIST && !(person.name.is_empty() && person.email.is_empty()) {
            self.authors.push(person);
        }
    }

    pub(super) fn category(&mut self, term: &str) {
        let term = term.trim();
        if !term.is_empty() && self.categories.len() < MAX_LIST && !self.categories.iter().any(|known| known == term) {
            self.categories.push(term.to_owned());
        }
    }

    /// A file; what is said of one that is known completes it.
    pub(super) fn file(&mut self, file: File) {
        if let Some(known) = self.files.iter_mut().find(|known| known.url == file.url) {
            known.length = known.length.or(file.length);
            known.seconds = known.seconds.or(file.seconds);
            if known.media_type.is_empty() {
                known.media_type = file.media_type;
            }
        } else if !file.url.is_empty() && self.files.len() < MAX_LIST {
            self.files.push(file);
        }
    }

    /// Takes an address of a document that belongs to the feed; the first of each kind counts.
    pub(super) fn relate(&mut self, rel: &str, href: String) {
        if !href.is_empty() && !self.related.iter().any(|(known, _)| known == rel) {
            self.related.push((rel.to_owned(), href));
        }
    }

    /// Whether nothing at all is said.
    pub(super) fn is_empty(&self) -> bool {
        let texts = [&self.title, &self.summary, &self.content].map(|text| &text.text);
        let (source_id, source_title, source_link) = &self.source;
        texts
            .into_iter()
            .chain([&self.id, &self.link.1, &self.comments, &self.image.1])
            .chain([source_id, source_title, source_link])
            .all(String::is_empty)
            && self.files.is_empty()
            && self.authors.is_empty()
            && self.categories.is_empty()
            && self.published.is_none()
            && self.updated.is_none()
    }

    /// Writes this as an `entry`.
    pub(super) fn write_entry(&self, xml: &mut Xml) {
        xml.open("entry", &[]);
        self.write(xml);
        xml.close("entry");
    }

    /// What of an entry goes beside it.
    pub(super) fn beside(self) -> BesideEntry {
        let (id, title, link) = self.source;
        let has_own_base = self.summary_base != self.base;
        BesideEntry {
            summary: self.summary.into_html(false),
            content: self.content.into_html(true),
            language: self.language.1,
            base: self.base,
            summary_base: if has_own_base { self.summary_base } else { String::new() },
            image: self.image.1,
            source: ItemSource { id, title, link },
        }
    }

    /// Writes this as what stands in a `feed` beside its entries.
    pub(super) fn write_feed(&self, xml: &mut Xml) {
        // feed-rs reads no date of publication of a feed.
        let feed = Self {
            updated: self.updated.or(self.published),
            ..self.clone()
        };
        feed.write(xml);
        write_text(xml, "subtitle", &self.summary);
        xml.text_if_any("logo", &[], &self.image.1);
        for (rel, href) in &self.related {
            xml.empty("link", &[("rel", rel), ("href", href)]);
        }
    }

    fn write(&self, xml: &mut Xml) {
        xml.text_if_any("id", &[], &self.id);
        write_text(xml, "title", &self.title);
        for (name, date) in [("published", self.published), ("updated", self.updated)] {
            if let Some((_, date)) = date {
                xml.text(name, &[], &date.to_string());
            }
        }
        for (rel, href) in [
            ("alternate", &self.link.1),
            ("canonical", &self.canonical),
            ("replies", &self.comments),
        ] {
            if !href.is_empty() {
                xml.empty("link", &[("rel", rel), ("href", href)]);
            }
        }
        for (at, file) in self.files.iter().enumerate() {
            let beside = self.seconds.filter(|_| at == 0);
            let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
            let (length, seconds) = (number(file.length), number(file.seconds.or(beside)));
            let said = [("type", &file.media_type), ("length", &length), ("hreflang", &seconds)];
            let said = said
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (*name, value.as_str()));
            let link: Vec<(&str, &str)> = [("rel", "enclosure"), ("href", &file.url)]
                .into_iter()
                .chain(said)
                .collect();
            xml.empty("link", &link);
        }
        for author in &self.authors {
            xml.open("author", &[]);
            xml.text_if_any("name", &[], &author.name);
            xml.text_if_any("email", &[], &author.email);
            xml.text_if_any("uri", &[], &author.uri);
            xml.close("author");
        }
        for term in &self.categories {
            xml.empty("category", &[("term", term)]);
        }
    }
}

fn write_text(xml: &mut Xml, name: &str, text: &Text) {
    match (text.text.as_str(), text.is_html) {
        ("", _) => {}
        (plain, false) => xml.text(name, &[("type", "text")], plain),
        (html, true) => xml.literal(name, &[("type", "html")], html),
    }
}
