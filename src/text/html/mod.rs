//! HTML made safe, and HTML made plain. The only door to ammonia.
//!
//! What passes [`Sanitiser::clean`] holds only harmless elements, and links and images with absolute http, https or mailto
//! addresses. It is applied once, when an item is stored; everything shown or mailed comes from there.

pub mod page;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use url::Url;

use crate::text::without_control_characters;

/// The largest HTML that is sanitised, in bytes; what is longer is cut before it is read.
pub const MAX_HTML_BYTES: usize = 1024 * 1024;
/// The largest markup that becomes one line.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// Elements that may be open within each other; the tags of more are dropped. HTML parsers take quadratic time over depth.
const MAX_OPEN: usize = 256;
/// Elements of one formatting kind that may be open: each is opened again in every paragraph that follows.
const MAX_FORMATTING: usize = 4;

/// Makes the HTML of one document safe.
pub struct Sanitiser {
    builder: Builder<'static>,
}

impl Sanitiser {
    /// Links are made absolute with `base`; without one, or with one that no browser opens, relative links lose their address.
    #[must_use]
    pub fn new(base: Option<&Url>) -> Self {
        let mut builder = Builder::default();
        builder
            .url_schemes(HashSet::from(["http", "https", "mailto"]))
            .url_relative(match base.filter(|base| matches!(base.scheme(), "http" | "https")) {
                Some(base) => UrlRelative::RewriteWithBase(base.clone()),
                None => UrlRelative::Deny,
            })
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
            // What stands in these is for programs that do not know them.
            .add_clean_content_tags(["iframe", "noembed", "noframes"]);
        Self { builder }
    }

    /// The harmless part of `html`. Text outside any element stays text.
    #[must_use]
    pub fn clean(&self, html: &str) -> String {
        let html = cut(html, MAX_HTML_BYTES);
        let html = without_control_characters(html);
        // A byte order mark at the beginning is dropped by each parser that reads it: by the first, here.
        let html = bounded(trimmed(&html));
        if html.is_empty() {
            return String::new();
        }
        trimmed(&self.builder.clean(&html).to_string()).to_owned()
    }
}

/// Elements that the HTML standard opens again after each block until they are closed ("active formatting elements").
const FORMATTING: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];
/// Elements that are empty, or closed by their next sibling: they do not nest by being left open.
const SHALLOW: [&str; 24] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "rp", "rt", "source", "td", "th", "tr", "track", "wbr",
];

/// Drops the tags of elements that are nested too deep, and those of frames, whose addresses become links where nothing else stands in
/// for them. Everything else stays as it is. Linear in time.
fn bounded(html: &str) -> Cow<'_, str> {
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut depth, mut kept, mut copied) = (0_usize, String::new(), 0);
    let mut at = 0;
    while let Some(found) = html.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + found;
        let tag = html.get(start..).unwrap_or_default();
        let name = tag.trim_start_matches(['<', '/']);
        let name_end = name
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len())
            .min(32);
        let name = name.get(..name_end).unwrap_or_default().to_ascii_lowercase();
        at = start + 1;
        if name == "iframe" {
            kept.push_str(html.get(copied..start).unwrap_or_default());
            at = start + tag_end(tag);
            kept.push_str(&link_to_frame(tag, html.get(at..).unwrap_or_default()));
            copied = at;
            continue;
        }
        if name.is_empty() || SHALLOW.contains(&name.as_str()) {
            continue;
        }
        let of_kind = open.entry(name.clone()).or_default();
        if tag.starts_with("</") {
            depth -= usize::from(*of_kind > 0);
            *of_kind = of_kind.saturating_sub(1);
        } else if depth >= MAX_OPEN || (*of_kind >= MAX_FORMATTING && FORMATTING.contains(&name.as_str())) {
            kept.push_str(html.get(copied..start).unwrap_or_default());
            at = start + tag_end(tag);
            copied = at;
        } else {
            *of_kind += 1;
            depth += 1;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    kept.push_str(html.get(copied..).unwrap_or_default());
    Cow::Owned(kept)
}

/// A link to what an empty frame shows: a film, most often.
fn link_to_frame(tag: &str, after: &str) -> String {
    let is_empty = after
        .trim_start()
        .get(..8)
        .is_some_and(|next| next.eq_ignore_ascii_case("</iframe"));
    let tag = tag.get(..tag_end(tag)).unwrap_or_default();
    let src = is_empty.then(|| tag.to_ascii_lowercase().find(" src=")).flatten();
    let value = src.and_then(|at| tag.get(at + 5..)).unwrap_or_default().trim_start();
    let address = match value.strip_prefix(['"', '\'']) {
        Some(quoted) => quoted.split(['"', '\'']).next(),
        None => value.split([' ', '>']).next(),
    };
    let address = address.unwrap_or_default().trim();
    let is_of_the_web = ["https://", "http://", "//"]
        .iter()
        .any(|start| address.starts_with(start));
    if is_of_the_web && !address.contains(['<', '>']) {
        format!(
            "<a href=\"{address}\">{}</a>",
            address
                .trim_start_matches("https:")
                .trim_start_matches("http:")
                .trim_start_matches('/')
        )
    } else {
        String::new()
    }
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
    one_line(&decoded(&STRIP.clean(&bounded(&html)).to_string()))
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
        if !INLINE.contains(&name.unwrap_or_default()) {
            text.push(' ');
        }
        rest = tag.get(end..).unwrap_or_default();
    }
    text.push_str(rest);
    one_line(&decoded(&text))
}

/// Elements that do not part words.
const INLINE: [&str; 24] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "cite", "code", "data", "dfn", "em", "i", "kbd", "mark", "q", "s",
    "samp", "small", "span", "strong", "sub", "sup", "time", "u",
];

/// The length of the tag that `tag` begins with; quotes hide a `>`.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    tag.len()
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
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Sanitiser, decoded, excerpt, plain_line, to_text};
    use proptest::prelude::*;
    use url::Url;

    fn clean(html: &str) -> String {
        let base = Url::parse("https://example.org/news/today.html").unwrap();
        Sanitiser::new(Some(&base)).clean(html)
    }

    #[test]
    fn nothing_active_survives() {
        for html in [
            "<script>alert(1)</script>x",
            "<p onclick=\"alert(1)\">x</p>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href=\" java\nscript:alert(1)\">x</a>",
            "<img src=\"data:text/html,<script>alert(1)</script>\" onerror=alert(1)>",
            "<svg><script>alert(1)</script></svg>",
            "<iframe src=\"https://evil.example/\"></iframe>",
            "<style>@import 'https://evil.example/x.css'</style>x",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
            "<form action=\"https://evil.example/\"><input name=a></form>",
        ] {
            let clean = clean(html).to_lowercase();
            for active in [
                "<script",
                "alert(1)\"",
                "onclick",
                "onerror=",
                "javascript:",
                "data:",
                "<iframe",
                "<style",
                "<form",
            ] {
                assert!(!clean.contains(active), "{html} became {clean}");
            }
        }
    }

    #[test]
    fn nesting_is_bounded_and_what_it_holds_is_kept() {
        let deep = format!("{}text{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        let cleaned = clean(&deep);
        assert!(cleaned.contains("text") && cleaned.matches("<div>").count() == super::MAX_OPEN);
        let distinct: String = (0..5000).map(|n| format!("<b title={n}>")).collect();
        let paragraphs = clean(&format!("{distinct}{}", "<p>x".repeat(5000)));
        assert!(paragraphs.len() < 1_000_000, "{}", paragraphs.len());
        let common = "<p>one<p>two<br><ul><li>a<li>b</ul>".repeat(300);
        assert_eq!(super::bounded(&common), common);
    }

    #[test]
    fn links_become_absolute_and_foreign_schemes_lose_their_address() {
        assert_eq!(
            clean("<a href=\"../x?a=1&amp;b=2\">l</a>"),
            "<a href=\"https://example.org/x?a=1&amp;b=2\" rel=\"noopener noreferrer\">l</a>"
        );
        assert_eq!(
            clean("<img src=\"//cdn.example/a.jpg\">"),
            "<img src=\"https://cdn.example/a.jpg\">"
        );
        assert_eq!(
            clean("<a href=\"tel:123\">l</a>"),
            "<a rel=\"noopener noreferrer\">l</a>"
        );
        let without_base = Sanitiser::new(None).clean("<img src=\"/a.jpg\" alt=\"x\">");
        assert_eq!(without_base, "<img alt=\"x\">");
    }

    #[test]
    fn direction_and_language_of_a_block_are_kept() {
        let html = "<p dir=\"rtl\" lang=\"fa\">سلام</p>";
        assert_eq!(clean(html), html);
    }

    #[test]
    fn a_title_is_plain_text_in_one_line() {
        assert_eq!(plain_line("AT&amp;T <b>buys</b>\n x&nbsp;&lt;y&gt;"), "AT&T buys x <y>");
        assert_eq!(plain_line("a < b & c"), "a < b & c");
        assert_eq!(
            plain_line("گفت\u{200c}وگو \u{0}با&zwnj;او"),
            "گفت\u{200c}وگو با\u{200c}او"
        );
        assert_eq!(plain_line("<script>alert(1)</script>x"), "x");
    }

    #[test]
    fn an_empty_frame_becomes_a_link_and_what_stands_in_for_one_stays() {
        assert_eq!(
            clean("a <IFRAME width=1 src='//v.example/embed/1?a=b&amp;c'></iframe> b"),
            "a <a href=\"https://v.example/embed/1?a=b&amp;c\" rel=\"noopener noreferrer\">v.example/embed/1?a=b&amp;c</a> b"
        );
        assert_eq!(
            clean("a <iframe src=\"javascript:x\"></iframe><iframe src=http://v.example> <b>c</b>"),
            "a  <b>c</b>"
        );
    }

    #[test]
    fn text_parts_words_at_blocks_only() {
        assert_eq!(
            to_text("<p>one <b>t</b>wo</p><p>three<br>four &amp; <img alt=\"a>b\">five</p>"),
            "one two three four & five"
        );
    }

    #[test]
    fn references_that_are_none_stay_as_they_are() {
        assert_eq!(decoded("a &amp;lt; b &unknown; & c&"), "a &lt; b &unknown; & c&");
    }

    #[test]
    fn an_excerpt_ends_between_words() {
        assert_eq!(excerpt("one two three", 13), "one two three");
        assert_eq!(excerpt("one two, three", 10), "one two…");
        assert_eq!(excerpt("سلام دنیای بزرگ", 8), "سلام…");
    }

    proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(html in ".{0,200}|(<[a-z]{1,6}( [a-z]{1,5}=\"?[^\"]{0,9}\"?)?>|[a-z&;<]{0,5}|</[a-z]{1,6}>){0,30}") {
            let once = clean(&html);
            prop_assert_eq!(clean(&once), once);
        }
    }
}
