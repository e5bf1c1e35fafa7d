//! HTML made safe, and HTML made plain. The only door to ammonia.
//!
//! What passes [`Sanitiser::clean`] holds only harmless elements, and links and images with absolute http, https or mailto
//! addresses. It is applied once, when an item is stored; everything shown or mailed comes from there.

pub mod links;
pub mod page;
mod prepare;

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
            let clean = written(&HASTY.clean(html), html.len());
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
        written(&builder.clean(html), html.len())
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
fn written(document: &Document, bytes: usize) -> String {
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

/// Whether HTML knows an element of this name.
#[must_use]
pub fn is_element(name: &str) -> bool {
    is_known(&name.to_ascii_lowercase())
}

/// HTML that is to be looked through, not shown: only its depth is bounded.
fn for_looking(html: &str) -> Cow<'_, str> {
    prepared(html, Target::Page).html
}

/// How often HTML is cleaned until it stays the same.
const MAX_PASSES: usize = 4;
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
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Sanitiser, builder, decoded, excerpt, plain_line, to_text};
    use ammonia::UrlRelative;
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
    fn a_line_end_at_the_beginning_of_pre_stays() {
        let once = clean("<pre>\n\n\none</pre>");
        assert_eq!(once, "<pre>\n\n\none</pre>");
        assert_eq!(clean(&once), once);
        assert_eq!(clean("a&#13;&#10;b&#13;c"), "a\nb\nc");
    }

    #[test]
    fn what_is_no_tag_of_html_is_text() {
        assert_eq!(
            plain_line("Vec&lt;T> of <T> & <ann@n.example>"),
            "Vec<T> of <T> & <ann@n.example>"
        );
        assert_eq!(
            clean("a <thing>b</thing> c</other> <o:p>d</o:p><x-y>e</x-y>"),
            "a &lt;thing&gt;b&lt;/thing&gt; c de"
        );
    }

    #[test]
    fn comments_and_programs_go_and_what_stands_in_them_counts_for_nothing() {
        assert_eq!(
            clean("a<!-- <b> --><b>c</b><!--><b>d</b><![if x]>e<?x y?>f</>g < h"),
            "a<b>c</b><b>d</b>efg &lt; h"
        );
        assert_eq!(clean("<script>if (a<b) x();</SCRIPT ><b>c</b><style>d"), "<b>c</b>");
        assert_eq!(clean("a <!-- never closed"), "a  never closed");
        assert_eq!(clean("a <<b><b>b</b></b>"), "a &lt;<b>b</b>");
        assert_eq!(clean("<p don't title='<script>'>a <b>b</b>"), "<p>a <b>b</b></p>");
    }

    #[test]
    fn images_that_wait_for_a_program_are_shown_and_what_stands_in_for_programs_too() {
        let src = "<img src=\"https://n.example/1.jpg\"";
        assert_eq!(
            clean("<img class=lazy src='data:x' data-src=\"https://n.example/1.jpg\" alt=a>"),
            format!("{src} alt=\"a\">")
        );
        assert_eq!(
            clean("<noscript><img src=https://n.example/1.jpg></noscript>t"),
            format!("{src}>t")
        );
    }

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
    fn links_without_an_end_and_nested_formats_lose_no_link() {
        let links = "<a href='https://n.example/'>x ".repeat(9);
        assert_eq!(clean(&links).matches("https://n.example/").count(), 9);
        assert_eq!(clean("<b>1<p><b>2</b>3</b>4"), "<b>1</b><p><b>23</b>4</p>");
    }

    #[test]
    fn a_long_base_address_does_not_multiply() {
        let base = Url::parse(&format!("https://n.example/{}", "b/".repeat(900))).unwrap();
        let links = "<a href=x>".repeat(50_000);
        let cleaned = Sanitiser::new(Some(&base)).clean(&links);
        assert!(
            cleaned.contains("https://n.example/b/") && cleaned.len() < 4 * links.len(),
            "{}",
            cleaned.len()
        );
    }

    #[test]
    fn a_tag_with_endless_attributes_keeps_none() {
        let attributes: String = (0..5000).map(|n| format!(" a{n}=x")).collect();
        assert_eq!(clean(&format!("<p title=x{attributes}>text")), "<p>text</p>");
    }

    #[test]
    fn nesting_is_bounded_and_what_it_holds_is_kept() {
        let deep = format!("{}text{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        let cleaned = clean(&deep);
        assert!(cleaned.contains("text") && cleaned.matches("<div>").count() == super::prepare::MAX_OPEN);
        let distinct: String = (0..5000).map(|n| format!("<b title={n}>")).collect();
        let paragraphs = clean(&format!("{distinct}{}", "<p>x".repeat(5000)));
        assert!(paragraphs.len() < 1_000_000, "{}", paragraphs.len());
        let common = "<p>one<p>two<br><ul><li>a<li>b</ul>".repeat(300);
        assert_eq!(super::prepared(&common, super::Target::Text).html, common);
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

    #[test]
    fn what_fuzzing_found_is_cleaned_once() {
        for html in [
            "<table><tr><td><a><table><a>",
            " <b>b<//>b <b>b</=\0Wp>b <b><p>b <b>=\0Wp>b <b><p>b <b>b<//b<//>b <b>b</=Wp>b <b>",
            "bal<te>\r\r\r<pre\rle>\r\r\r<pre\r\r\r",
            "<<i<p>b <>bb</=W></>b >b <b>b</=W></>b <b>b</=W><b!b</=W></b>b>",
            "<ul><li>a<li>b<l(<tT/ul>&lti>a<li>b<l(<tT/ul>&lt;&am><li>a<li>b<li>&<form>ulal><tl><t><;&am><li>",
            "\u{1}<p>a<p>a <b >b</bbdo><<b>b</bbd/o></G\u{c}itG>>e",
            "<!--<img src=src=\")-><img sr=x -c=x --<img =>a <b>b<\")-><img sr=x -c=x --<img =>a <b>b</b></p>//\">",
            "<h4><a><>a>v<dAort<t<h4><a><>a>v<dAort>a b>a<t<>v<dl>a e'ner nor<u><li>aefer><",
            "<t;&ampl.i>a<li>b</ul>&9lt;ul>&9lmpl.i>a<li>b</t-",
            "5<f<li>b<sai&44nel4&&&&#13\n",
        ] {
            let once = clean(html);
            assert_eq!(clean(&once), once, "{html:?}");
        }
    }

    #[test]
    fn haste_makes_no_difference() {
        let base = Url::parse("https://example.org/news/today.html").unwrap();
        let careful = builder(UrlRelative::RewriteWithBase(base.clone()));
        for html in [
            "<a href=\"https://a.example/\">x</a>",
            "<a href>x</a><img src>",
            "<a href=''>x</a>",
            "<a href = y>x</a>",
            "<a HREF=y.html>x</a>",
            "<a href=\"&#47;y\">x</a>",
            "<a href=\"HTTPS://a.example\">x</a>",
            "<a href=\" https://a.example\">x</a>",
            "<a href=\"//a.example/\">x</a>",
            "<img src=?a><video poster=\"p.jpg\" src=\"mailto:a\">x</video>",
            "&lt;a href=\"y\"> is text",
        ] {
            let sanitiser = Sanitiser::new(Some(&base));
            assert_eq!(sanitiser.written(html), careful.clean(html).to_string(), "{html}");
            let without = builder(UrlRelative::Deny).clean(html).to_string();
            assert_eq!(Sanitiser::new(None).written(html), without, "{html}");
        }
    }

    proptest! {
        #[test]
        fn haste_never_makes_a_difference(html in "(<(a|img|video|p)( (href|src|poster|title)=?\"?(https://|/|#|mailto:|y|&#47;)?[^\"]{0,4}\"?)?>|[a-z&;<\"=]{0,5}|</(a|video|p)>){0,20}") {
            let base = Url::parse("https://example.org/news/today.html").unwrap();
            let careful = builder(UrlRelative::RewriteWithBase(base.clone())).clean(&html).to_string();
            prop_assert_eq!(Sanitiser::new(Some(&base)).written(&html), careful);
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(html in ".{0,200}|(<[a-z]{1,6}( [a-z]{1,5}=\"?[^\"]{0,9}\"?)?>|[a-z&;<]{0,5}|</[a-z]{1,6}>){0,30}") {
            let once = clean(&html);
            prop_assert_eq!(clean(&once), once);
        }
    }
}
