//! XML of every dialect: walks over tags and texts, keeps in mind where it is, and fills drafts.

use std::collections::HashMap;

use url::Url;

use crate::ingest::repair::capture::{Capture, Kind};
use crate::ingest::repair::draft::{Draft, Person, Text};
use crate::ingest::repair::references::References;
use crate::ingest::repair::tokens::{Token, Tokens};
use crate::ingest::repair::values::{Attributes, person_of};
use crate::ingest::repair::vocabulary::{Element, Space, element, local};
use crate::ingest::repair::{Entries, Losses, MAX_ITEMS, ReadDate, RepairError, Repaired};

/// Elements within elements that are remembered; deeper ones are passed over.
pub(super) const MAX_DEPTH: usize = 256;
/// Attributes of one element that are read.
pub(super) const MAX_ATTRIBUTES: usize = 64;
/// The longest base address: it may stand before every link.
pub(super) const MAX_BASE_BYTES: usize = 2048;

pub(super) fn repair<'a>(text: &'a str, address: &Url, date: ReadDate<'a>) -> Result<Repaired, RepairError> {
    let mut reader = Reader::new(address, date);
    let mut tokens = Tokens::new(text);
    for token in tokens.by_ref() {
        match token {
            Token::Start {
                name,
                attributes,
                empty,
            } => {
                reader.start(name, attributes);
                if empty {
                    reader.end(name);
                }
            }
            Token::End { name } => reader.end(name),
            Token::Text(text) => reader.text(text, false),
            Token::Literal(text) => reader.text(text, true),
            Token::Doctype(doctype) => {
                reader.is_page |= doctype
                    .trim_start()
                    .get(..4)
                    .is_some_and(|root| root.eq_ignore_ascii_case("html"));
                reader.references.define(doctype);
            }
        }
        if reader.entries.len() >= MAX_ITEMS {
            reader.losses.add(
                "too_many_items",
                "feed",
                &format!("only the first {MAX_ITEMS} are read"),
            );
            break;
        }
    }
    reader.finish(tokens.cut)
}

/// An element that is open.
pub(super) struct Open<'a> {
    pub(super) name: &'a str,
    pub(super) element: Element,
    /// Lengths of the stacks of addresses and languages before it.
    bases: usize,
    languages: usize,
    pub(super) space: Space,
}

pub(super) struct Reader<'a> {
    pub(super) date: ReadDate<'a>,
    pub(super) references: References,
    pub(super) losses: Losses,
    pub(super) open: Vec<Open<'a>>,
    pub(super) capture: Option<Capture<'a>>,
    /// The document's own address.
    pub(super) address: Url,
    /// Those that `xml:base` puts in its place.
    pub(super) bases: Vec<Url>,
    pub(super) languages: Vec<String>,
    pub(super) prefixes: HashMap<String, Space>,
    /// The namespace without prefix, by depth.
    pub(super) defaults: Vec<(usize, Space)>,
    pub(super) format: Option<&'static str>,
    is_page: bool,
    pub(super) feed: Draft,
    pub(super) entry: Option<Draft>,
    pub(super) person: Person,
    pub(super) entries: Entries,
    /// An entry has said its identifier.
    pub(super) has_ids: bool,
}

impl<'a> Reader<'a> {
    fn new(address: &Url, date: ReadDate<'a>) -> Self {
        Self {
            date,
            references: References::default(),
            losses: Losses::default(),
            open: Vec::new(),
            capture: None,
            address: address.clone(),
            bases: Vec::new(),
            languages: Vec::new(),
            prefixes: HashMap::new(),
            defaults: Vec::new(),
            format: None,
            is_page: false,
            feed: Draft::default(),
            entry: None,
            person: Person::default(),
            entries: Entries::new(),
            has_ids: false,
        }
    }

    fn finish(mut self, cut: bool) -> Result<Repaired, RepairError> {
        let is_cut = cut
            || self
                .open
                .iter()
                .any(|open| matches!(open.element, Element::Root | Element::Channel | Element::Entry));
        if is_cut {
            let place = self.place();
            self.losses.add("truncated", &place, "the document ends in the middle");
            self.end_cut();
        }
        self.end_entry();
        let Some(format) = self.format else {
            return Err(if self.is_page {
                RepairError::WebPage
            } else {
                RepairError::NoFeed
            });
        };
        if format == "sitemap" && self.entries.len() == 0 {
            return Err(RepairError::NoNews);
        }
        if self.references.unknown > 0 {
            self.losses.add(
                "entity",
                "feed",
                &format!(
                    "{} unknown references kept as they are written",
                    self.references.unknown
                ),
            );
        }
        Ok(self.entries.finish(&self.feed, format, self.losses))
    }

    /// Ends what a document was cut in. Half a text is a text, half an identifier, address or date is another one; and an entry without
    /// what identifies the others would come twice, when the document comes whole.
    fn end_cut(&mut self) {
        match &self.capture {
            Some(capture) if capture.is_text() => self.end_capture(),
            _ => self.capture = None,
        }
        let is_known = |entry: &Draft| !entry.id.is_empty() || (!self.has_ids && !entry.link.1.is_empty());
        if self.entry.as_ref().is_some_and(|entry| !is_known(entry)) {
            self.losses
                .add("truncated_item", &self.place(), "what would identify it is cut off");
            self.entry = None;
        }
    }

    // ---- tags

    fn start(&mut self, name: &'a str, raw: &str) {
        let local = local(name);
        if self.capture.is_some() && !self.ends_text(name) {
            return self.capture_start(name, raw);
        }
        self.end_capture();
        if self.open.len() >= MAX_DEPTH {
            return;
        }
        let (bases, languages) = (self.bases.len(), self.languages.len());
        let said = self.attributes(raw);
        self.adopt(name);
        let space = self.space(name);
        let mut what = element(space, local);
        if self.format == Some("cdf") && local.eq_ignore_ascii_case("a") {
            what = Element::Anchor;
        }
        if self.format.is_none() && !self.begin(local, what, &said) {
            return;
        }
        self.open.push(Open {
            name,
            element: what,
            bases,
            languages,
            space,
        });
        self.meaning(what, space, &said);
    }

    /// Whether an element cannot stand in the text that is being read, which was never closed then: an entry, what is said of entries in
    /// what is said of them in one line, and what HTML does not know in any text of theirs.
    fn ends_text(&self, name: &str) -> bool {
        let Some(capture) = &self.capture else { return true };
        let space = self.space(name);
        let what = element(space, local(name));
        if what == Element::Entry {
            return capture.kind != Kind::Inline || space == Space::Core;
        }
        let is_same = capture.name.eq_ignore_ascii_case(name);
        let is_line = !matches!(capture.element, Element::Summary | Element::Content | Element::Subtitle);
        let of_entries = matches!(
            what,
            Element::Link
                | Element::Guid
                | Element::Published
                | Element::Updated
                | Element::Summary
                | Element::Content
                | Element::Author
                | Element::Category
                | Element::Comments
                | Element::Enclosure
        );
        let is_foreign = match space {
            Space::Dublin | Space::Content | Space::Itunes => what != Element::Other,
            Space::Core => matches!(
                what,
                Element::Guid
                    | Element::Published
                    | Element::Author
                    | Element::Category
                    | Element::Comments
                    | Element::Enclosure
            ),
            _ => false,
        };
        match capture.kind {
            Kind::Inline => false,
            _ if is_same => what == Element::Category,
            _ => (is_line && of_entries) || (!is_line && is_foreign && self.entry.is_some()),
        }
    }

    /// Recognises the document by its first element that can hold a feed.
    fn begin(&mut self, local: &str, what: Element, said: &Attributes) -> bool {
        let namespace = said.get("xmlns").unwrap_or_default().to_ascii_lowercase();
        let format = match local.to_ascii_lowercase().as_str() {
            "rss"
                if said
                    .get("version")
                    .is_some_and(|version| version.trim().starts_with("0.")) =>
            {
                "rss0"
            }
            "rss" => "rss2",
            "rdf" if namespace.contains("netscape.com") => "rss0",
            "rdf" => "rss1",
            "feed" | "entry"
                if namespace.contains("purl.org/atom") || said.get("version").is_some_and(|v| v.starts_with("0.")) =>
            {
                "atom03"
            }
            "feed" | "entry" => "atom",
            "channel" if namespace.contains("rss1.1") => "rss1",
            "channel" if said.get("href").is_some() || said.get("base").is_some() => "cdf",
            "channel" | "item" => "rss2",
            "urlset" => {
                // A site map without its namespace is one all the same.
                self.defaults.push((1, Space::Sitemap));
                "sitemap"
            }
            "html" | "head" | "body" | "meta" => {
                self.is_page = true;
                return false;
            }
            _ => return false,
        };
        if self.is_page && !matches!(what, Element::Root | Element::Channel) {
            return false;
        }
        self.format = Some(format);
        self.feed.language = (1, self.languages.last().cloned().unwrap_or_default());
        true
    }

    /// Whether an element says something of a person, of an image, of another feed, and not of what is read.
    fn is_said_of_others(&self, what: Element, space: Space) -> bool {
        // Entries stand in nothing that is not the feed: what is open around one was never closed.
        let is_entry = what == Element::Entry;
        if self.is_aside() {
            return !(is_entry && space == Space::Core);
        }
        let of_feeds = matches!(
            what,
            Element::Category
                | Element::Enclosure
                | Element::MediaContent
                | Element::Thumbnail
                | Element::Picture
                | Element::Logo
        );
        if of_feeds && self.within(Element::Source) {
            return true;
        }
        // The address of a person is none of the entry. RSS has only their names: what stands in one there was never meant to.
        let of_people = matches!(what, Element::Name | Element::Email | Element::Uri | Element::Picture);
        let is_author = |open: &Open<'_>| (open.element, open.space) == (Element::Author, Space::Core);
        !is_entry && !of_people && self.is_atom() && self.around().any(is_author)
    }

    fn meaning(&mut self, what: Element, space: Space, said: &Attributes) {
        if self.is_said_of_others(what, space) {
            return;
        }
        match what {
            Element::Entry => self.begin_entry(said),
            Element::Channel => {
                // CDF.
                if let Some(base) = said.get("base").and_then(|base| self.base_of(base)) {
                    self.bases.push(base);
                }
                let link = self.absolute(said.get("href").unwrap_or_default());
                self.feed.page(1, link);
                self.date_of(Element::Updated, space, said.get("lastmod").unwrap_or_default());
            }
            Element::Link if said.get("href").is_some() => {
                self.link(said);
                self.begin_capture(what, space, said);
            }
            Element::Category if term_of(said).is_some() => {
                // What stands within is a category of its own.
                let term = term_of(said).unwrap_or_default().to_owned();
                self.draft().category(&term);
            }
            Element::Enclosure | Element::MediaContent => {
                // What stands within an image is said of the image.
                if self.file(what, said)
                    && let Some(open) = self.open.last_mut()
                {
                    open.element = Element::Aside;
                }
            }
            Element::Image if self.entry.is_some() => self.begin_capture(Element::Picture, space, said),
            Element::Thumbnail | Element::Picture | Element::Logo => {
                let url = said.get("href").or(said.get("url")).unwrap_or_default();
                let url = self.absolute(url);
                self.draft().picture(1, url);
                self.begin_capture(what, space, said);
            }
            Element::Author | Element::Contributor => {
                self.person = Person::default();
            }
            Element::Content if self.entry.is_some() && said.get("src").is_some() => {
                self.content_elsewhere(said);
                self.begin_capture(what, space, said);
            }
            Element::Title if said.get("value").is_some() => {
                // CDF.
                let text = said.get("value").unwrap_or_default().to_owned();
                let (is_html, rank) = (false, 3);
                self.draft().title.offer(Text { text, is_html, rank });
            }
            Element::Anchor => {
                self.link(said);
                self.begin_capture(Element::Title, space, said);
            }
            Element::Source => {
                let url = self.absolute(said.get("url").unwrap_or_default());
                if let Some(entry) = &mut self.entry {
                    entry.source.2 = url;
                }
            }
            Element::Root | Element::Group | Element::Image | Element::Aside | Element::Other => {}
            _ => self.begin_capture(what, space, said),
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(mut capture) = self.capture.take() {
            let of_entries = matches!(
                self.element_named(name),
                Some(Element::Entry | Element::Channel | Element::Root)
            );
            if capture.name.eq_ignore_ascii_case(name) && capture.nested == 0 {
                self.capture = Some(capture);
                return self.end_capture();
            }
            let is_same = capture.name.eq_ignore_ascii_case(name);
            let is_within = of_entries && capture.holders > 0;
            if is_same || !of_entries || is_within {
                capture.nested -= usize::from(is_same);
                capture.holders -= usize::from(is_within);
                if capture.inner_bases.pop_if(|at| *at >= capture.inner).is_some() {
                    self.bases.pop();
                }
                capture.inner = capture.inner.saturating_sub(1);
                capture.tag_end(name);
                self.capture = Some(capture);
                return;
            }
            // What holds entries ends: the text within was never closed.
            self.losses.add("unclosed", &self.place(), capture.name);
            self.capture = Some(capture);
            self.end_capture();
        }
        let Some(at) = self.open.iter().rposition(|open| open.name.eq_ignore_ascii_case(name)) else {
            if self.format.is_some() {
                self.losses.add("stray_tag", &self.place(), name);
            }
            return;
        };
        while self.open.len() > at {
            self.close();
        }
    }

    /// What the innermost open element of this name is; only elements that hold entries are looked for.
    fn element_named(&self, name: &str) -> Option<Element> {
        self.open
            .iter()
            .rev()
            .find(|open| open.name.eq_ignore_ascii_case(name))
            .map(|open| open.element)
    }

    pub(super) fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        match open.element {
            Element::Entry => self.end_entry(),
            Element::Author | Element::Contributor if !self.is_aside() => {
                let person = std::mem::take(&mut self.person);
                let person = if person.email.is_empty() {
                    person_of(&person.name)
                } else {
                    person
                };
                match &mut self.entry {
                    _ if open.element == Element::Contributor => {}
                    Some(entry) if self.open.iter().any(|open| open.element == Element::Source) => {
                        entry.source_authors.push(person);
                    }
                    _ => self.draft().author(person),
                }
            }
            _ => {}
        }
        self.bases.truncate(open.bases);
        self.languages.truncate(open.languages);
        while self.defaults.last().is_some_and(|(depth, _)| *depth > self.open.len()) {
            self.defaults.pop();
        }
    }
}

/// The category that the attributes name.
fn term_of(said: &Attributes) -> Option<&str> {
    let named = |key: &str| said.get(key).filter(|term| !term.trim().is_empty());
    let term = named("term").or(named("text"))?;
    Some(named("label").unwrap_or(term))
}
