//! HTML made safe.
//!
//! What passes [`Sanitiser::clean`] holds only harmless elements, and links and images with absolute http, https or mailto
//! addresses. It is applied once, when an item is stored; everything shown or mailed comes from there.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, Document, UrlRelative};
use memchr::memmem;
use url::Url;

use crate::model::feed::is_web;
use crate::text::html::prepare::{Prepared, Target, prepared, tag_end};
use crate::text::html::{MAX_HTML_BYTES, as_html, cut, to_text, trimmed};
use crate::text::without_control_characters;

/// How often HTML is cleaned until it stays the same.
const MAX_PASSES: usize = 4;
/// How most relative links begin.
const RELATIVE: [&[u8]; 3] = [b"=\"/", b"='/", b"=\"#"];

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
        if RELATIVE
            .iter()
            .all(|start| memmem::find(html.as_bytes(), start).is_none())
        {
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

#[cfg(test)]
mod tests;
