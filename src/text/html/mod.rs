//! HTML made safe, and HTML made plain. The only door to ammonia.

pub mod links;
pub mod page;
mod prepare;
pub mod sanitise;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;

use crate::text::html::prepare::{Target, is_known, prepared, tag_end};
use crate::text::{is_inline, without_control_characters};

/// The largest HTML that is sanitised, in bytes; what is longer is cut before it is read.
pub const MAX_HTML_BYTES: usize = 1024 * 1024;
/// The largest markup that becomes one line.
const MAX_LINE_BYTES: usize = 64 * 1024;

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
mod tests {
    use super::{decoded, excerpt, plain_line, to_text};

    #[test]
    fn a_line_may_speak_of_tags() {
        for (title, line) in [
            ("The <script> tag &lt;b&gt;", "The tag <b>"),
            ("<?php tags", "<?php tags"),
            ("Why <title> matters", "Why matters"),
            (
                "See <http://x.example/a> by <user_name>",
                "See <http://x.example/a> by <user_name>",
            ),
            ("a<script>b</script>c", "ac"),
        ] {
            assert_eq!(plain_line(title), line);
        }
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
}
