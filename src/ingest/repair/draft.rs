//! What one dialect or another says of a feed or an entry, until all of it is read; then it is written in the clean dialect.
//!
//! The clean dialect is Atom 1.0 as feed-rs reads it without loss: absolute addresses, RFC 3339 dates, texts that are either plain
//! or escaped HTML. What Atom has no element for travels as a link with a relation of our own (the constants below).

use jiff::Timestamp;

use crate::model::feed::Wishes;
use crate::text::xml::Xml;

/// Relation of a link whose `hreflang` is the language of the entry.
pub(in crate::ingest) const LANGUAGE: &str = "x-language";
/// Relation of a link whose `href` is the base address of the entry's texts.
pub(in crate::ingest) const BASE: &str = "x-base";
/// Relation of a link whose `href` is the base address of the entry's summary, where that is another.
pub(in crate::ingest) const SUMMARY_BASE: &str = "x-summary-base";
/// Relation of a link to the feed that the entry was taken from; `title` and `type` are that feed's title and id.
pub(in crate::ingest) const SOURCE: &str = "x-source";
/// Relation of a link to the image of the entry.
pub(in crate::ingest) const IMAGE: &str = "x-image";
/// Relations of links whose `length` is a wish of the feed: its ttl in minutes, the bits of hours and of days to skip.
pub(in crate::ingest) const WISHES: [&str; 3] = ["x-ttl", "x-skip-hours", "x-skip-days"];
/// Stands for an address that is not there: a link must have one.
pub(in crate::ingest) const NOWHERE: &str = "about:nowhere";

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
        self.write(xml, "summary");
        let (id, title, href) = &self.source;
        if !(id.is_empty() && title.is_empty() && href.is_empty()) {
            let href = if href.is_empty() { NOWHERE } else { href };
            xml.empty(
                "link",
                &[("rel", SOURCE), ("href", href), ("title", title), ("type", id)],
            );
        }
        if !self.language.1.is_empty() {
            xml.empty(
                "link",
                &[("rel", LANGUAGE), ("href", NOWHERE), ("hreflang", &self.language.1)],
            );
        }
        if !self.base.is_empty() {
            xml.empty("link", &[("rel", BASE), ("href", &self.base)]);
        }
        if !self.summary_base.is_empty() && self.summary_base != self.base {
            xml.empty("link", &[("rel", SUMMARY_BASE), ("href", &self.summary_base)]);
        }
        write_text(xml, "content", &self.content);
        xml.close("entry");
    }

    /// Writes this as what stands in a `feed` beside its entries.
    pub(super) fn write_feed(&self, xml: &mut Xml) {
        // feed-rs reads no date of publication of a feed.
        let feed = Self {
            updated: self.updated.or(self.published),
            ..self.clone()
        };
        feed.write(xml, "subtitle");
        let Wishes {
            ttl_minutes,
            skip_hours,
            skip_days,
        } = self.wishes;
        for (rel, wish) in WISHES.into_iter().zip([ttl_minutes, skip_hours, skip_days]) {
            if wish > 0 {
                xml.empty(
                    "link",
                    &[("rel", rel), ("href", NOWHERE), ("length", &wish.to_string())],
                );
            }
        }
        for (rel, href) in &self.related {
            xml.empty("link", &[("rel", rel), ("href", href)]);
        }
    }

    fn write(&self, xml: &mut Xml, summary: &str) {
        xml.text_if_any("id", &[], &self.id);
        write_text(xml, "title", &self.title);
        write_text(xml, summary, &self.summary);
        for (name, date) in [("published", self.published), ("updated", self.updated)] {
            if let Some((_, date)) = date {
                xml.text(name, &[], &date.to_string());
            }
        }
        for (rel, href) in [
            ("alternate", &self.link.1),
            ("canonical", &self.canonical),
            ("replies", &self.comments),
            (IMAGE, &self.image.1),
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
