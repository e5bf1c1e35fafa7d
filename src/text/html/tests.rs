#![allow(clippy::unwrap_used, reason = "tests")]

use ammonia::UrlRelative;
use proptest::prelude::*;
use url::Url;

use super::{Sanitiser, builder, decoded, excerpt, plain_line, to_text};

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
