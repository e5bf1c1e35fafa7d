//! HTML made safe, and HTML made plain. The only door to ammonia.
//!
//! What passes [`Sanitiser::clean`] holds only harmless elements, and links and images with absolute http, https or mailto
//! addresses. It is applied once, when an item is stored; everything shown or mailed comes from there.

pub mod links;
pub mod page;
mod prepare;
pub mod quoted;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, Document, UrlRelative};
use memchr::memmem;
use url::Url;

use crate::model::feed::is_web;
use crate::text::html::prepare::{Prepared, Target, is_known, prepared, tag_end};
use crate::text::{is_inline, without_control_characters};

/// The largest HTML that is sanitised, in bytes; what is longer is cut before it is read.
pub const MAX_HTML_BYTES: usize = 1024 * 1024;
/// The largest markup that becomes one line.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// How often HTML is cleaned until it stays the same.
const MAX_PASSES: usize = 4;

/// Makes the HTML of one document safe.
pub struct Sanitiser {
    base: Option<Url>,
    /// Made when the first relative link is met: most documents have none.
    builder: OnceCell<Builder<'static>>,
}

impl Sanitiser {
    /// Links are made absolute with `base`; without one, or with one that no browser opens, relative links lose their address.
    #[must_use]
    pub fn new(base: Option<&Url>) -> Self {
        Self {
            base: base.filter(|base| is_web(base)).cloned(),
            builder: OnceCell::new(),
        }
    }

    /// The harmless part of `html`. Text outside any element stays text. What comes out is the same when it is cleaned again.
    #[must_use]
    pub fn clean(&self, html: &str) -> String {
        let (mut clean, is_intricate) = self.once(cut(html, self.max_bytes(html)));
        if !is_intricate {
            return clean;
        }
        for _ in 0..MAX_PASSES {
            let (again, _) = self.once(&clean);
            if again == clean {
                return clean;
            }
            clean = again;
        }
        self.once(&as_html(&to_text(&clean))).0
    }

    /// The largest part of `html` that is cleaned: less, where a base address before each of its links would make it many times longer.
    fn max_bytes(&self, html: &str) -> usize {
        let html = cut(html, MAX_HTML_BYTES);
        let bytes = html.as_bytes();
        // `href`, `src` and `poster` end so.
        let is_link = |at: &usize| {
            matches!(
                at.checked_sub(1).and_then(|at| bytes.get(at)),
                Some(b'f' | b'F' | b'c' | b'C' | b'r' | b'R')
            )
        };
        let base_bytes = self.base.as_ref().map_or(0, |base| base.as_str().len());
        let longer = base_bytes * memchr::memchr_iter(b'=', bytes).filter(is_link).count();
        let allowed = 2 * html.len() + MAX_HTML_BYTES / 16;
        if longer > allowed {
            html.len() * allowed / longer
        } else {
            html.len()
        }
    }

    /// The harmless part of HTML that was prepared.
    fn written(&self, html: &str) -> String {
        static HASTY: LazyLock<Builder<'static>> = LazyLock::new(|| builder(UrlRelative::PassThrough));
        if !has_relative_links(html) {
            let clean = serialised(&HASTY.clean(html), html.len());
            if are_links_absolute(&clean) {
                return clean;
            }
        }
        let builder = self.builder.get_or_init(|| {
            builder(match &self.base {
                Some(base) => UrlRelative::RewriteWithBase(base.clone()),
                None => UrlRelative::Deny,
            })
        });
        serialised(&builder.clean(html), html.len())
    }

    /// Cleaned once, and whether that may not be enough.
    fn once(&self, html: &str) -> (String, bool) {
        let html = without_control_characters(html);
        // A byte order mark at the beginning is dropped by each parser that reads it: by the first, here.
        let Prepared { html, is_intricate } = prepared(trimmed(&html), Target::Text);
        if html.is_empty() {
            return (String::new(), false);
        }
        let clean = self.written(&html);
        // References within may stand for control characters.
        let mut clean = match memmem::find(html.as_bytes(), b"&#") {
            Some(_) => without_control_characters(&clean),
            None => Cow::Borrowed(clean.as_str()),
        };
        // Parsers read one line end for another.
        if clean.contains('\r') {
            clean = Cow::Owned(clean.replace("\r\n", "\n").replace('\r', "\n"));
        }
        (trimmed(&with_first_lines(&clean)).to_owned(), is_intricate)
    }
}

/// Whether an attribute begins as most relative links do.
fn has_relative_links(html: &str) -> bool {
    let value = |at| html.as_bytes().get(at + 1..at + 3);
    let is_relative = |at| matches!(value(at), Some([b'"' | b'\'', b'/' | b'#']));
    memchr::memchr_iter(b'=', html.as_bytes()).any(is_relative)
}

/// Whether all links in sanitised HTML say where they lead without a base. Text that looks like another link is taken for one.
fn are_links_absolute(clean: &str) -> bool {
    memmem::find_iter(clean.as_bytes(), b"=\"").all(|at| {
        let (before, value) = clean.split_at(at);
        let is_link = ["href", "src", "poster"].iter().any(|name| before.ends_with(name));
        let starts = ["=\"https://", "=\"http://", "=\"mailto:"];
        !is_link || starts.iter().any(|start| value.starts_with(start))
    })
}

/// A document as HTML, which is about so many bytes long.
fn serialised(document: &Document, bytes: usize) -> String {
    let mut html = Vec::with_capacity(bytes + bytes / 8);
    match document.write_to(&mut html) {
        Ok(()) => String::from_utf8(html).unwrap_or_default(),
        // Memory takes all that is written to it.
        Err(_) => String::new(),
    }
}

/// What passes, and what becomes of relative links.
fn builder(relative: UrlRelative<'static>) -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(relative)
        .link_rel(Some("noopener noreferrer"))
        .add_tags(["audio", "video", "source"])
        .add_tag_attributes("audio", ["src", "controls"])
        .add_tag_attributes("video", ["src", "controls", "poster", "width", "height"])
        .add_tag_attributes("source", ["src", "type"])
        .add_generic_attributes(["dir"])
        // No browser shows where a quotation is from, and no parser checks the address.
        .rm_tag_attributes("blockquote", ["cite"])
        .rm_tag_attributes("q", ["cite"])
        .rm_tag_attributes("del", ["cite"])
        .rm_tag_attributes("ins", ["cite"])
        // A hint with tags in it is no hint, and nothing that any parser should come near.
        .attribute_filter(|_, name, value| {
            let has_tag = name == "title" && value.contains('<') && value.contains('>');
            (!has_tag).then_some(value.into())
        })
        // What stands in these is for programs that do not know them.
        .add_clean_content_tags(["iframe", "noembed", "noframes"]);
    builder
}

/// Parsers drop a line end at the beginning of `pre`: where there is one, it is written twice (HTML, "Serializing HTML fragments").
fn with_first_lines(clean: &str) -> Cow<'_, str> {
    if !clean.contains("<pre") {
        return Cow::Borrowed(clean);
    }
    let mut written = String::with_capacity(clean.len() + 8);
    let mut rest = clean;
    while let Some(at) = rest.find("<pre") {
        let tag = rest.get(at..).unwrap_or_default();
        let (before, after) = rest.split_at(at + tag_end(tag));
        written.push_str(before);
        if after.starts_with('\n') {
            written.push('\n');
        }
        rest = after;
    }
    written.push_str(rest);
    Cow::Owned(written)
}

/// Whether HTML knows an element of this name.
#[must_use]
pub fn is_element(name: &str) -> bool {
    is_known(&name.to_ascii_lowercase())
}

/// HTML that is to be looked through, not shown: only its depth is bounded.
fn for_looking(html: &str) -> Cow<'_, str> {
    prepared(html, Target::Page).html
}

/// The longest part of `text` from its beginning that has at most `max` bytes.
#[must_use]
pub fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

/// A title or name as plain text in one line: markup is dropped, character references are resolved.
#[must_use]
pub fn plain_line(html: &str) -> String {
    static STRIP: LazyLock<Builder<'static>> = LazyLock::new(|| {
        let mut builder = Builder::empty();
        // `empty` forgets that the text of these is no text for readers.
        builder.clean_content_tags(HashSet::from(["script", "style"]));
        builder
    });
    let html = without_control_characters(cut(html, MAX_LINE_BYTES));
    if !html.contains(['<', '&']) {
        return one_line(&html);
    }
    one_line(&decoded(&STRIP.clean(&prepared(&html, Target::Line).html).to_string()))
}

/// Plain text as HTML that says the same.
#[must_use]
pub fn as_html(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;")
}

/// The words of sanitised HTML: a space where a block ends, no markup, character references resolved.
#[must_use]
pub fn to_text(clean: &str) -> String {
    let mut text = String::with_capacity(clean.len());
    let mut rest = clean;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        text.push_str(before);
        let end = tag_end(tag);
        let name = tag.trim_start_matches(['<', '/']);
        let name = name.get(..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len()));
        if !is_inline(name.unwrap_or_default().as_bytes()) {
            text.push(' ');
        }
        rest = tag.get(end..).unwrap_or_default();
    }
    text.push_str(rest);
    one_line(&decoded(&text))
}

/// Resolves the character references that an HTML serialiser writes (HTML, "Escaping a string").
fn decoded(text: &str) -> Cow<'_, str> {
    static REFERENCES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        HashMap::from([
            ("amp", "&"),
            ("lt", "<"),
            ("gt", ">"),
            ("quot", "\""),
            ("nbsp", "\u{a0}"),
        ])
    });
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        decoded.push_str(before);
        let known = reference
            .get(1..)
            .and_then(|name| name.split_once(';'))
            .and_then(|(name, after)| REFERENCES.get(name).map(|value| (value, after)));
        rest = match known {
            Some((value, after)) => {
                decoded.push_str(value);
                after
            }
            None => {
                decoded.push('&');
                reference.get(1..).unwrap_or_default()
            }
        };
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// Without white space and byte order marks at either end.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Runs of white space become one space; none at either end.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.contains(char::is_control) {
        return one_line(&line.replace(char::is_control, ""));
    }
    line
}

/// The beginning of a text, at most `max` characters, cut between words, with an ellipsis where it was cut.
#[must_use]
pub fn excerpt(text: &str, max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max) else {
        return text.to_owned();
    };
    let head = text.get(..end).unwrap_or(text);
    let head = head
        .rfind(char::is_whitespace)
        .and_then(|at| head.get(..at))
        .unwrap_or(head);
    format!(
        "{}…",
        head.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '،' | ';' | ':'))
    )
}

#[cfg(test)]
mod tests;
