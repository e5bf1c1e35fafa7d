//! XML of every dialect: walks over tags and texts, keeps in mind where it is, and fills drafts.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use jiff::Timestamp;
use quick_xml::escape::escape;
use url::Url;

use crate::ingest::repair::draft::{Draft, File, Person, Text, prefer};
use crate::ingest::repair::references::References;
use crate::ingest::repair::tokens::{Token, Tokens, attributes};
use crate::ingest::repair::vocabulary::{Element, Space, element, space, usual};
use crate::ingest::repair::{Losses, MAX_ITEMS, ReadDate, RepairError, Repaired, written};
use crate::text::xml::Xml;

/// Elements within elements that are remembered; deeper ones are passed over.
const MAX_DEPTH: usize = 256;
/// Attributes of one element that are read.
const MAX_ATTRIBUTES: usize = 64;
/// The longest base address: it may stand before every link.
const MAX_BASE_BYTES: usize = 2048;

pub(super) fn repair(text: &str, address: &Url, date: ReadDate<'_>) -> Result<Repaired, RepairError> {
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
            Token::Doctype(doctype) => reader.references.define(doctype),
        }
        if reader.items >= MAX_ITEMS {
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
struct Open {
    name: String,
    element: Element,
    /// Lengths of the stacks of addresses and languages before it.
    bases: usize,
    languages: usize,
    space: Space,
}

/// A text that is being read.
struct Capture {
    name: String,
    element: Element,
    space: Space,
    kind: Kind,
    /// Elements of the same name within it.
    nested: usize,
    /// Its characters, references resolved.
    plain: String,
    /// The same with the tags between them, once there is one.
    markup: String,
    has_tags: bool,
    /// What the attributes said that counts at its end.
    attribute: String,
}

/// What kind of text is written in an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Html,
    /// Tags of XML are the markup; characters are characters.
    Inline,
    Base64,
}

struct Reader<'a> {
    date: ReadDate<'a>,
    references: References,
    losses: Losses,
    open: Vec<Open>,
    capture: Option<Capture>,
    /// The document's own address.
    address: Url,
    /// Those that `xml:base` puts in its place.
    bases: Vec<Url>,
    languages: Vec<String>,
    prefixes: HashMap<String, Space>,
    /// The namespace without prefix, by depth.
    defaults: Vec<(usize, Space)>,
    format: Option<&'static str>,
    is_page: bool,
    feed: Draft,
    entry: Option<Draft>,
    person: Person,
    entries: Xml,
    items: usize,
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
            entries: Xml::fragment(),
            items: 0,
        }
    }

    fn finish(mut self, cut: bool) -> Result<Repaired, RepairError> {
        self.end_capture();
        if cut || self.open.iter().any(|open| open.element == Element::Entry) {
            self.losses
                .add("truncated", &self.place(), "the document ends in the middle");
        }
        self.end_entry();
        let Some(format) = self.format else {
            return Err(if self.is_page {
                RepairError::WebPage
            } else {
                RepairError::NoFeed
            });
        };
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
        Ok(Repaired {
            xml: written(&self.feed, &self.entries.finish()),
            format,
            losses: self.losses,
        })
    }

    // ---- tags

    fn start(&mut self, name: &str, raw: &str) {
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
        let space = self.space(name);
        let what = element(space, &local.to_ascii_lowercase());
        if self.format.is_none() && !self.begin(local, what, &said) {
            return;
        }
        self.open.push(Open {
            name: name.to_owned(),
            element: what,
            bases,
            languages,
            space,
        });
        self.meaning(what, space, &said);
    }

    /// Whether an element cannot stand in the text that is being read, which was never closed then: an entry in any text but XHTML, and
    /// what is said of entries in what is said of them in one line.
    fn ends_text(&self, name: &str) -> bool {
        let Some(capture) = &self.capture else { return true };
        let what = element(self.space(name), &local(name).to_ascii_lowercase());
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
        capture.kind != Kind::Inline
            && (what == Element::Entry || (is_line && of_entries && !capture.name.eq_ignore_ascii_case(name)))
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
            "channel" if said.get("href").is_some() || said.get("base").is_some() => "cdf",
            "channel" | "item" => "rss2",
            "html" => {
                self.is_page = true;
                return false;
            }
            _ => return false,
        };
        if self.is_page && !matches!(what, Element::Root | Element::Channel) {
            return false;
        }
        self.format = Some(format);
        self.feed.language = self.languages.last().cloned().unwrap_or_default();
        true
    }

    fn meaning(&mut self, what: Element, space: Space, said: &Attributes) {
        if self.is_aside() {
            return;
        }
        match what {
            Element::Entry => self.begin_entry(said),
            Element::Channel => {
                let link = self.absolute(said.get("href").unwrap_or_default());
                self.feed.page(1, link);
                self.date_of(Element::Updated, space, said.get("lastmod").unwrap_or_default());
            }
            Element::Link if said.get("href").is_some() => {
                self.link(said);
                self.begin_capture(what, space, said);
            }
            Element::Category if said.get("term").or(said.get("text")).is_some() => {
                let term = said
                    .get("label")
                    .filter(|label| !label.is_empty())
                    .or(said.get("term"))
                    .or(said.get("text"));
                let term = term.unwrap_or_default().to_owned();
                self.draft().category(&term);
                self.begin_capture(what, space, said);
            }
            Element::Enclosure | Element::MediaContent => self.file(what, said),
            Element::Thumbnail | Element::Picture => {
                let url = said.get("href").or(said.get("url")).unwrap_or_default();
                let url = self.absolute(url);
                self.draft().picture(1, url);
                self.begin_capture(what, space, said);
            }
            Element::Author | Element::Contributor => {
                self.person = Person::default();
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
            if capture.name.eq_ignore_ascii_case(name) || !of_entries || capture.kind == Kind::Inline {
                capture.nested -= usize::from(capture.name.eq_ignore_ascii_case(name));
                capture.tag_end(name);
                self.capture = Some(capture);
                return;
            }
            // What holds entries ends: the text within was never closed.
            self.losses.add("unclosed", &self.place(), &capture.name);
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

    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        match open.element {
            Element::Entry => self.end_entry(),
            Element::Author | Element::Contributor if !self.is_aside() => {
                let person = std::mem::take(&mut self.person);
                if open.element == Element::Author && !self.within(Element::Source) {
                    let person = if person.email.is_empty() {
                        person_of(&person.name)
                    } else {
                        person
                    };
                    self.draft().author(person);
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

    // ---- attributes

    /// The attributes by their names without prefix, in small letters; what changes addresses, languages and names is noted.
    fn attributes(&mut self, raw: &str) -> Attributes {
        let mut said = Attributes::default();
        for (name, value) in attributes(raw).take(MAX_ATTRIBUTES) {
            let value = self.references.resolve(value).into_owned();
            let lower = name.to_ascii_lowercase();
            match lower.as_str() {
                "xmlns" => self.defaults.push((self.open.len() + 1, space(&value))),
                "xml:base" => {
                    if let Some(base) = self
                        .base()
                        .join(value.trim())
                        .ok()
                        .filter(|base| base.as_str().len() <= MAX_BASE_BYTES)
                    {
                        self.bases.push(base);
                    }
                }
                "xml:lang" | "lang" => self.languages.push(value.trim().to_owned()),
                _ => {}
            }
            if let Some(prefix) = lower.strip_prefix("xmlns:") {
                self.prefixes.insert(prefix.to_owned(), space(&value));
            }
            let key = if lower.starts_with("xml") {
                lower
            } else {
                local(&lower).to_owned()
            };
            said.0.push((key, value));
        }
        said
    }

    /// The namespace of a name. Core elements of RSS and Atom may stand under any default namespace that nobody knows.
    fn space(&self, name: &str) -> Space {
        match name.rsplit_once(':') {
            Some((prefix, _)) => {
                let prefix = prefix.to_ascii_lowercase();
                match self.prefixes.get(&prefix) {
                    Some(Space::Other) | None => usual(&prefix),
                    Some(space) => *space,
                }
            }
            None => match self.defaults.last() {
                Some((depth, Space::Other)) if *depth <= 2 => Space::Core,
                Some((_, space)) => *space,
                None => Space::Core,
            },
        }
    }

    fn base(&self) -> &Url {
        self.bases.last().unwrap_or(&self.address)
    }

    fn absolute(&self, link: &str) -> String {
        let link: String = link
            .trim()
            .chars()
            .filter(|c| !matches!(c, '\n' | '\r' | '\t'))
            .collect();
        if link.is_empty() {
            return String::new();
        }
        self.base().join(&link).map(String::from).unwrap_or_default()
    }

    // ---- where it is

    /// Whether this is within something that has titles and links of its own.
    fn is_aside(&self) -> bool {
        self.open
            .iter()
            .rev()
            .skip(1)
            .take_while(|open| open.element != Element::Entry)
            .any(|open| {
                matches!(open.element, Element::Aside | Element::Other | Element::Contributor)
                    && open.space != Space::Rdf
            })
    }

    fn within(&self, element: Element) -> bool {
        self.open
            .iter()
            .rev()
            .take_while(|open| open.element != Element::Entry)
            .any(|open| open.element == element)
    }

    fn draft(&mut self) -> &mut Draft {
        self.entry.as_mut().unwrap_or(&mut self.feed)
    }

    fn place(&self) -> String {
        if self.entry.is_some() {
            format!("item {}", self.items + 1)
        } else {
            "feed".to_owned()
        }
    }

    fn is_atom(&self) -> bool {
        matches!(self.format, Some("atom" | "atom03"))
    }

    // ---- entries

    fn begin_entry(&mut self, said: &Attributes) {
        self.end_entry();
        let mut entry = Draft::default();
        let about = said.get("about").unwrap_or_default().trim().to_owned();
        entry.page(0, self.absolute(&about));
        entry.id = about;
        entry.page(2, self.absolute(said.get("href").unwrap_or_default()));
        self.entry = Some(entry);
        self.date_of(Element::Updated, Space::Core, said.get("lastmod").unwrap_or_default());
    }

    fn end_entry(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        if entry.is_empty() {
            self.losses
                .add("empty_item", &format!("item {}", self.items + 1), "it says nothing");
            return;
        }
        if entry.language.is_empty() {
            entry.language = self.languages.last().cloned().unwrap_or_default();
        }
        if entry.base.is_empty() && !self.bases.is_empty() {
            entry.base = self.base().to_string();
        }
        entry.write_entry(&mut self.entries);
        self.items += 1;
    }

    fn link(&mut self, said: &Attributes) {
        let href = self.absolute(said.get("href").unwrap_or_default());
        let rel = said.get("rel").unwrap_or("alternate").trim().to_ascii_lowercase();
        let rel = rel.rsplit('/').next().unwrap_or_default().to_owned();
        let media_type = said.get("type").unwrap_or_default().trim().to_owned();
        if self.within(Element::Source) {
            if let Some(entry) = self
                .entry
                .as_mut()
                .filter(|entry| entry.source.2.is_empty() || rel == "alternate")
            {
                entry.source.2 = href;
            }
            return;
        }
        match rel.as_str() {
            "alternate" | "" => {
                let rank = match media_type.as_str() {
                    "" | "text/html" | "application/xhtml+xml" => 3,
                    _ => 2,
                };
                self.draft().page(rank, href);
            }
            "enclosure" => {
                let length = said.get("length").and_then(|length| length.trim().parse().ok());
                self.draft().file(File {
                    url: href,
                    media_type,
                    length,
                    seconds: None,
                });
            }
            "replies" if self.draft().comments.is_empty() => self.draft().comments = href,
            _ => {}
        }
    }

    fn file(&mut self, what: Element, said: &Attributes) {
        let url = self.absolute(said.get("url").or(said.get("href")).unwrap_or_default());
        let media_type = said.get("type").unwrap_or_default().trim().to_owned();
        if what == Element::MediaContent && (said.get("medium") == Some("image") || media_type.starts_with("image/")) {
            return self.draft().picture(0, url);
        }
        let number = |key: &str| {
            said.get(key)
                .and_then(|value| value.trim().parse::<f64>().ok())
                .and_then(whole)
        };
        let file = File {
            url,
            media_type,
            length: number("length").or(number("filesize")),
            seconds: number("duration"),
        };
        self.draft().file(file);
    }

    // ---- texts

    fn text(&mut self, text: &str, is_literal: bool) {
        let text = if is_literal {
            crate::text::without_control_characters(text)
        } else {
            self.references.resolve(text)
        };
        if let Some(capture) = &mut self.capture {
            return capture.text(&text);
        }
        let text = text.trim();
        if text.is_empty() || self.is_aside() {
            return;
        }
        match self.open.last().map(|open| open.element) {
            // People and sources are written as texts in RSS.
            Some(Element::Author) => self.person.name.push_str(text),
            Some(Element::Source) => {
                if let Some(entry) = &mut self.entry {
                    entry.source.1.push_str(text);
                }
            }
            Some(Element::Image) if self.within(Element::Image) => {}
            _ => {}
        }
    }

    fn begin_capture(&mut self, what: Element, space: Space, said: &Attributes) {
        let Some(open) = self.open.last() else { return };
        let kind = self.kind(what, space, said);
        let attribute = match what {
            Element::Guid => said.get("ispermalink").unwrap_or_default(),
            Element::Link => said.get("href").unwrap_or_default(),
            _ => "",
        };
        let attribute = attribute.to_owned();
        self.capture = Some(Capture {
            name: open.name.clone(),
            element: what,
            space,
            kind,
            nested: 0,
            plain: String::new(),
            markup: String::new(),
            has_tags: false,
            attribute,
        });
    }

    fn kind(&self, what: Element, space: Space, said: &Attributes) -> Kind {
        let is_text = matches!(
            what,
            Element::Title | Element::Subtitle | Element::Summary | Element::Content
        );
        if space == Space::Xhtml {
            return Kind::Inline;
        }
        if !is_text || (!self.is_atom() && said.get("type").is_none()) {
            return if is_text { Kind::Html } else { Kind::Plain };
        }
        let mode = said.get("mode").unwrap_or_default().trim().to_ascii_lowercase();
        let kind = said.get("type").unwrap_or_default().trim().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match (kind, mode.as_str()) {
            (_, "base64") => Kind::Base64,
            ("html" | "text/html" | "application/html" | "text/x-html", "xml") => Kind::Inline,
            ("html" | "text/html" | "application/html" | "text/x-html", _) => Kind::Html,
            ("xhtml" | "application/xhtml+xml" | "text/xhtml", _) => Kind::Inline,
            ("" | "text" | "plain" | "text/plain", _) => Kind::Plain,
            (kind, _) if kind.ends_with("xml") => Kind::Inline,
            (kind, _) if kind.starts_with("text/") || !kind.contains('/') => Kind::Plain,
            _ => Kind::Base64,
        }
    }

    fn capture_start(&mut self, name: &str, raw: &str) {
        let Some(mut capture) = self.capture.take() else { return };
        if capture.name.eq_ignore_ascii_case(name) {
            capture.nested += 1;
        }
        let mut tag = format!("<{}", local(name));
        for (key, value) in attributes(raw).take(MAX_ATTRIBUTES) {
            if key.starts_with("xmlns")
                || key.contains(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | ':')))
            {
                continue;
            }
            let value = self.references.resolve(value);
            let value = if matches!(key, "href" | "src") && !self.bases.is_empty() {
                Cow::Owned(self.absolute(&value))
            } else {
                value
            };
            tag.push_str(&format!(
                " {}=\"{}\"",
                key.strip_prefix("xml:").unwrap_or(key),
                escape(value.as_ref())
            ));
        }
        tag.push('>');
        capture.tag(&tag);
        self.capture = Some(capture);
    }

    fn end_capture(&mut self) {
        let Some(capture) = self.capture.take() else { return };
        self.captured(capture);
        // The element of the text is the innermost open one.
        self.close();
    }

    fn captured(&mut self, capture: Capture) {
        let plain = capture.plain.trim().to_owned();
        match capture.element {
            Element::Title | Element::Subtitle | Element::Summary | Element::Content => self.written_text(capture),
            Element::Link => self.page(&capture, &plain),
            Element::Id | Element::Guid => self.identity(&capture, plain),
            Element::Published | Element::Updated | Element::Created => {
                self.date_of(capture.element, capture.space, &plain)
            }
            Element::Name => self.person.name = plain,
            Element::Email => self.person.email = plain,
            Element::Uri => self.person.uri = self.absolute(&plain),
            Element::Category => {
                let is_list = capture.space == Space::Itunes || plain.len() > 100;
                let terms: Vec<&str> = if is_list {
                    plain.split(',').collect()
                } else {
                    vec![plain.as_str()]
                };
                terms.into_iter().for_each(|term| self.draft().category(term));
            }
            Element::Comments if self.entry.is_some() => {
                let url = self.absolute(&plain);
                self.draft().comments = url;
            }
            Element::Picture | Element::Thumbnail => {
                let url = self.absolute(&plain);
                self.draft().picture(2, url);
            }
            Element::Duration => {
                self.draft().seconds = seconds(&plain);
            }
            Element::Language if !plain.is_empty() => self.draft().language = plain,
            Element::Ttl => self.feed.ttl_minutes = plain.parse().unwrap_or_default(),
            _ => {}
        }
    }

    fn written_text(&mut self, capture: Capture) {
        if self.within(Element::Image) {
            return;
        }
        let (what, space) = (capture.element, capture.space);
        let mut text = capture.finish();
        if self.within(Element::Source) {
            if let (Element::Title, Some(entry)) = (what, &mut self.entry) {
                entry.source.1 = crate::text::html::plain_line(&text.text);
            }
            return;
        }
        text.rank = match space {
            Space::Core | Space::Content | Space::Xhtml => 3,
            Space::Dublin => 2,
            _ => 1,
        };
        let base = (!self.bases.is_empty()).then(|| self.base().to_string());
        let language = self.languages.last().cloned();
        let is_entry = self.entry.is_some();
        let draft = self.draft();
        match what {
            Element::Title => draft.title.offer(text),
            Element::Content if is_entry => {
                // Several bodies: the fullest is the one.
                if text.text.len() > draft.content.text.len() {
                    draft.content = text;
                }
            }
            _ => draft.summary.offer(text),
        }
        if is_entry && what != Element::Title {
            draft.base = base.unwrap_or_else(|| std::mem::take(&mut draft.base));
            draft.language = language.unwrap_or_else(|| std::mem::take(&mut draft.language));
        }
    }

    fn page(&mut self, capture: &Capture, plain: &str) {
        if !capture.attribute.is_empty() || plain.is_empty() || self.within(Element::Image) {
            return;
        }
        let url = self.absolute(plain);
        self.draft().page(4, url);
    }

    fn identity(&mut self, capture: &Capture, plain: String) {
        if plain.is_empty() {
            return;
        }
        if self.within(Element::Source) {
            if let Some(entry) = &mut self.entry {
                entry.source.0 = plain;
            }
            return;
        }
        let is_address = capture.element == Element::Guid
            && !capture.attribute.eq_ignore_ascii_case("false")
            && plain.contains("://");
        if is_address {
            let url = self.absolute(&plain);
            self.draft().page(1, url);
        }
        let is_core = capture.space == Space::Core;
        let draft = self.draft();
        if draft.id.is_empty() || is_core {
            draft.id = plain;
        }
    }

    fn date_of(&mut self, what: Element, space: Space, text: &str) {
        if text.trim().is_empty() || self.within(Element::Source) || self.within(Element::Image) {
            return;
        }
        let Some(date): Option<Timestamp> = (self.date)(text) else {
            let place = self.place();
            return self.losses.add("date", &place, text);
        };
        let rank = if space == Space::Core { 3 } else { 2 };
        let draft = self.draft();
        match what {
            Element::Updated => prefer(&mut draft.updated, rank, date),
            Element::Created => prefer(&mut draft.published, 1, date),
            _ => prefer(&mut draft.published, rank, date),
        }
    }
}

/// The attributes of an element.
#[derive(Default)]
struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Capture {
    fn text(&mut self, text: &str) {
        self.plain.push_str(text);
        if self.has_tags {
            self.push_characters(text);
        }
    }

    fn push_characters(&mut self, text: &str) {
        if self.kind == Kind::Html {
            self.markup.push_str(text);
        } else {
            self.markup.push_str(&escape(text));
        }
    }

    fn tag(&mut self, tag: &str) {
        if !self.has_tags {
            self.has_tags = true;
            let before = self.plain.clone();
            self.push_characters(&before);
        }
        self.markup.push_str(tag);
    }

    fn tag_end(&mut self, name: &str) {
        self.tag(&format!("</{}>", local(name)));
    }

    /// The text, and whether it is markup.
    fn finish(self) -> Text {
        let (text, is_html) = match self.kind {
            Kind::Inline if self.has_tags => (without_wrapper(self.markup.trim()).to_owned(), true),
            _ if self.has_tags => (self.markup, true),
            Kind::Html => (self.plain, true),
            // Inline markup without a tag is characters; what was declared plain and looks like markup is believed to be it.
            Kind::Plain | Kind::Inline => {
                let is_html = looks_like_html(&self.plain);
                (self.plain, is_html)
            }
            Kind::Base64 => match decoded(&self.plain) {
                Some(text) => (text, true),
                None => (self.plain, false),
            },
        };
        Text {
            text: text.trim().to_owned(),
            is_html,
            rank: 0,
        }
    }
}

/// XHTML in Atom stands in a `div` that is no part of it (RFC 4287 §3.1.1.3).
fn without_wrapper(markup: &str) -> &str {
    let inside = || {
        markup
            .strip_suffix("</div>")?
            .strip_prefix("<div")?
            .split_once('>')
            .map(|(_, inside)| inside)
    };
    let Some(inside) = inside() else { return markup };
    // Within, no `div` closes that was not opened there.
    let mut depth = 0_usize;
    for (at, _) in inside.match_indices("div") {
        let before = inside.get(..at).unwrap_or_default();
        if before.ends_with("</") {
            if depth == 0 {
                return markup;
            }
            depth -= 1;
        } else if before.ends_with('<') {
            depth += 1;
        }
    }
    inside
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn decoded(text: &str) -> Option<String> {
    let compact: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

/// Whether a text that was declared plain has an end tag of HTML, or a reference to a character, in it.
fn looks_like_html(text: &str) -> bool {
    const TAGS: [&str; 20] = [
        "a",
        "b",
        "blockquote",
        "code",
        "div",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "span",
        "strong",
        "table",
        "u",
        "ul",
    ];
    let ends = text.match_indices("</").any(|(at, _)| {
        let name = text
            .get(at + 2..)
            .and_then(|rest| rest.split('>').next())
            .unwrap_or_default();
        TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(name.trim()))
    });
    ends || text.contains("<br") || text.contains("<p>") || text.contains("<img ")
}

/// `ann@example.org (Ann)`, `Ann <ann@example.org>`, `Ann`.
fn person_of(text: &str) -> Person {
    let parts = text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ',' | ';' | '«' | '»' | '،')
    });
    let email = parts
        .map(|part| part.trim_start_matches("mailto:"))
        .find(|part| {
            part.split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
        })
        .unwrap_or_default();
    let name = if email.is_empty() {
        text.to_owned()
    } else {
        text.replace(email, " ").replace("mailto:", " ")
    };
    let name = name.split(|c: char| c.is_whitespace()).collect::<Vec<_>>().join(" ");
    let trim = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ',' | '،' | ';' | '-');
    let name = if email.is_empty() {
        name.trim()
    } else {
        name.trim_matches(trim)
    };
    Person {
        name: name.to_owned(),
        email: email.to_owned(),
        uri: String::new(),
    }
}

/// `90`, `1:30`, `1:01:30`.
fn seconds(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    parts.iter().try_fold(0_u64, |sum, part| {
        let part = part.split('.').next().unwrap_or_default().trim();
        sum.checked_mul(60)?.checked_add(part.parse().ok()?)
    })
}

/// A number without its fraction, where it is one.
fn whole(number: f64) -> Option<u64> {
    format!("{:.0}", number.trunc()).parse().ok()
}
