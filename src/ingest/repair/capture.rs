//! A text while it is being read: its characters, and its markup once there is some.

use std::borrow::Cow;

use base64::Engine as _;
use quick_xml::escape::escape;

use crate::ingest::repair::draft::{Text, trimmed};
use crate::ingest::repair::references::References;
use crate::ingest::repair::vocabulary::{Element, Space, local};
use crate::text::html::{MAX_HTML_BYTES, is_element};

/// A text that is being read.
pub(super) struct Capture<'a> {
    pub(super) name: &'a str,
    pub(super) element: Element,
    pub(super) space: Space,
    pub(super) kind: Kind,
    /// Elements of the same name within it.
    pub(super) nested: usize,
    /// Elements that are open within it, and those of them that give another base address.
    pub(super) inner: usize,
    pub(super) inner_bases: Vec<usize>,
    /// Elements within it that are called as those that hold entries are.
    pub(super) holders: usize,
    /// Its characters, references resolved.
    pub(super) plain: String,
    /// The same with the tags between them, once there is one.
    markup: String,
    has_tags: bool,
    /// What the attributes said that counts at its end.
    pub(super) attribute: String,
}

/// What kind of text is written in an element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Html,
    /// Tags of XML are the markup; characters are characters.
    Inline,
    /// Of HTML, or of plain text.
    Base64 {
        is_html: bool,
    },
}

impl<'a> Capture<'a> {
    /// The text of an element that has just begun.
    pub(super) fn new(name: &'a str, (element, space): (Element, Space), kind: Kind, attribute: String) -> Self {
        Self {
            name,
            element,
            space,
            kind,
            nested: 0,
            inner: 0,
            inner_bases: Vec::new(),
            holders: 0,
            plain: String::new(),
            markup: String::new(),
            has_tags: false,
            attribute,
        }
    }

    pub(super) fn text(&mut self, text: Cow<'_, str>) {
        if self.has_tags {
            self.push_characters(&text);
        }
        // Most texts come in one piece.
        if self.plain.is_empty() {
            self.plain = text.into_owned();
        } else {
            self.plain.push_str(&text);
        }
    }

    fn push_characters(&mut self, text: &str) {
        if self.kind == Kind::Html {
            self.markup.push_str(text);
        } else {
            self.markup.push_str(&escape(text));
        }
    }

    /// A tag; those of elements that HTML does not know say nothing to readers.
    pub(super) fn tag(&mut self, name: &str, tag: &str) {
        if !self.has_tags {
            self.has_tags = true;
            let before = self.plain.clone();
            self.push_characters(&before);
        }
        if is_element(local(name)) {
            self.markup.push_str(tag);
        }
    }

    pub(super) fn tag_end(&mut self, name: &str) {
        // HTML takes `</br>` for one more break.
        let name = local(name);
        if !VOID.iter().any(|void| void.eq_ignore_ascii_case(name)) {
            self.tag(name, &format!("</{name}>"));
        }
    }

    /// Whether it holds more markup than is ever kept.
    pub(super) fn is_full(&self) -> bool {
        self.markup.len() > MAX_HTML_BYTES
    }

    /// Whether this is a text for readers, and not a value for programs.
    pub(super) fn is_text(&self) -> bool {
        matches!(
            self.element,
            Element::Title | Element::Summary | Element::Content | Element::Subtitle
        )
    }

    /// The text, and whether it is markup.
    pub(super) fn finish(self) -> Text {
        let (text, is_html) = match self.kind {
            Kind::Inline if self.has_tags => (without_wrapper(self.markup.trim()).to_owned(), true),
            _ if self.has_tags => (self.markup, true),
            Kind::Html => (self.plain, true),
            // Inline markup without a tag is characters; what was declared plain and looks like markup is believed to be it.
            Kind::Plain | Kind::Inline => {
                let is_html = looks_like_html(&self.plain);
                (self.plain, is_html)
            }
            Kind::Base64 { is_html } => match decoded(&self.plain) {
                Some(text) => {
                    let is_html = is_html || looks_like_html(&text);
                    (text, is_html)
                }
                None => (self.plain, false),
            },
        };
        Text {
            text: trimmed(text),
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

fn decoded(text: &str) -> Option<String> {
    let compact: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

/// Elements of HTML that have no end.
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
];
/// Elements of HTML by which a text that was declared plain gives itself away.
const TAGS: [&str; 66] = [
    "a",
    "abbr",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "figure",
    "font",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "li",
    "link",
    "math",
    "meta",
    "object",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "table",
    "td",
    "textarea",
    "title",
    "tr",
    "u",
    "ul",
];
/// Of these, those that stand alone.
const ALONE: [&str; 3] = ["br", "hr", "p"];

/// Whether a text that was declared plain is markup all the same: it has an end tag of HTML, a start tag with attributes, a break, or a
/// reference to a character.
fn looks_like_html(text: &str) -> bool {
    let mut references = References::default();
    references.resolve(text) != text || has_tags(text)
}

fn has_tags(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let tag = text.get(at + 1..).unwrap_or_default();
        let (tag, is_end) = match tag.strip_prefix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let name_end = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(tag.len())
            .min(16);
        let (name, rest) = tag.split_at(tag.floor_char_boundary(name_end));
        let is_known = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        let inside = rest.split(['<', '>']).next().unwrap_or_default();
        let has_attribute = inside.starts_with(|c: char| c.is_whitespace() || c == '/') && inside.contains('=');
        let is_closed = rest.trim_start().starts_with(['>', '/']);
        (is_known(&TAGS) && ((is_end && is_closed) || (!is_end && has_attribute))) || (is_known(&ALONE) && is_closed)
    })
}
