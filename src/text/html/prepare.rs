//! HTML before it is parsed: bounded in depth, and freed of what parsers would drop in silence.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::text::html::cut;

/// Elements that may be open within each other; the tags of more are dropped. HTML parsers take quadratic time over depth.
pub(super) const MAX_OPEN: usize = 256;

/// Elements that the HTML standard opens again after each block until they are closed ("active formatting elements"). One within its
/// own kind says nothing, and would multiply.
const FORMATTING: [&str; 13] = [
    "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

/// Elements of one kind.
#[derive(Debug, Default)]
struct Kind {
    open: usize,
    /// Whose start tags were dropped: their end tags are to go too.
    dropped: usize,
}

/// Elements that are empty, or closed by their next sibling: they do not nest by being left open.
const SHALLOW: [&str; 24] = [
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "rp", "rt", "source", "td", "th", "tr", "track", "wbr",
];

/// Attributes of one tag; a tag with more keeps none.
const MAX_ATTRIBUTES: usize = 512;

/// HTML that is prepared to be parsed.
pub(super) struct Prepared<'a> {
    pub(super) html: Cow<'a, str>,
    /// It has elements that parsers move about, or that sanitisers take away from around others: what is written of the tree may be
    /// read as another tree.
    pub(super) is_intricate: bool,
}

/// Elements that stay where they are written.
const PLAIN: [&str; 71] = [
    "a",
    "abbr",
    "acronym",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "center",
    "cite",
    "code",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "li",
    "link",
    "mark",
    "meta",
    "nav",
    "noscript",
    "ol",
    "p",
    "picture",
    "pre",
    "q",
    "s",
    "samp",
    "script",
    "small",
    "source",
    "span",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "time",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

/// What HTML is prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// To be shown as a text: what is no tag of HTML is text, and frames are links.
    Text,
    /// To be looked through as a page.
    Page,
}

/// Drops the tags of elements that are nested too deep. In texts, tags that HTML does not know become text, and frames become links to
/// what they show where nothing else stands in for them. Everything else stays as it is. Linear in time.
pub(super) fn prepared(html: &str, target: Target) -> Prepared<'_> {
    let mut open: HashMap<String, Kind> = HashMap::new();
    let mut unknown: HashMap<String, usize> = HashMap::new();
    let (mut depth, mut kept, mut copied) = (0_usize, String::new(), 0);
    let (mut at, mut is_intricate) = (0, false);
    while let Some(found) = html.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + found;
        let tag = html.get(start..).unwrap_or_default();
        let is_end = tag.starts_with("</");
        let name = name_of(tag).to_ascii_lowercase();
        at = start + 1;
        if target == Target::Text && is_unknown(&name) {
            // An end without a beginning says nothing.
            let is_stray = is_end && unknown.get(&name).is_none_or(|count| *count == 0);
            kept.push_str(html.get(copied..start).unwrap_or_default());
            if is_stray {
                at = start + tag_end(tag);
            } else {
                kept.push_str("&lt;");
                let count = unknown.entry(name).or_default();
                *count = if is_end { *count - 1 } else { *count + 1 };
            }
            copied = at;
            continue;
        }
        if target == Target::Text && name == "iframe" {
            kept.push_str(html.get(copied..start).unwrap_or_default());
            at = start + tag_end(tag);
            kept.push_str(&link_to_frame(tag, html.get(at..).unwrap_or_default()));
            copied = at;
            continue;
        }
        is_intricate |= !name.is_empty() && is_known(&name) && !PLAIN.contains(&name.as_str());
        if !name.is_empty() && has_too_many_attributes(tag) {
            kept.push_str(html.get(copied..start).unwrap_or_default());
            kept.push_str(&format!("<{name}>"));
            at = start + tag_end(tag);
            copied = at;
        }
        if name.is_empty() || SHALLOW.contains(&name.as_str()) {
            continue;
        }
        let kind = open.entry(name.clone()).or_default();
        let is_nested = !is_end && kind.open > 0 && FORMATTING.contains(&name.as_str());
        let is_end_of_nested = is_end && kind.dropped > 0;
        if is_nested || is_end_of_nested || (!is_end && depth >= MAX_OPEN) {
            kept.push_str(html.get(copied..start).unwrap_or_default());
            at = start + tag_end(tag);
            copied = at;
            kind.dropped = if is_end {
                kind.dropped - 1
            } else {
                kind.dropped + usize::from(is_nested)
            };
        } else if is_end {
            depth -= usize::from(kind.open > 0);
            kind.open = kind.open.saturating_sub(1);
        } else if name != "a" || kind.open == 0 {
            // A link ends where the next one begins.
            kind.open += 1;
            depth += 1;
        }
    }
    let html = if copied == 0 {
        Cow::Borrowed(html)
    } else {
        kept.push_str(html.get(copied..).unwrap_or_default());
        Cow::Owned(kept)
    };
    Prepared { html, is_intricate }
}

/// Elements of HTML, past and present, and of what stands within it.
const KNOWN: &str = "a abbr acronym address animate applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote \
    body br button canvas caption center circle cite code col colgroup command content data datalist dd defs del desc details dfn dialog \
    dir div dl dt element ellipse em embed fencedframe fieldset figcaption figure filter font footer foreignobject form frame frameset g \
    h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label legend li line \
    lineargradient link listing main map mark marquee math menu menuitem meta meter mfrac mglyph mi mn mo mrow ms msqrt msub msup mtext \
    multicol nav nextid nobr noembed noframes noscript object ol optgroup option output p param path picture plaintext polygon polyline \
    portal pre progress q rb rect rp rt rtc ruby s samp script search section select set shadow slot small source spacer span stop strike \
    strong style sub summary sup svg symbol table tbody td template text textarea tfoot th thead time title tr track tspan tt u ul use var \
    video wbr xml xmp";

/// Whether HTML knows an element of this name, in small letters.
pub(super) fn is_known(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| KNOWN.split_whitespace().collect());
    NAMES.contains(name)
}

/// The name of a tag as HTML's tokenizer reads it; empty where there is no tag. Names that are too long to be known are cut.
fn name_of(tag: &str) -> &str {
    let name = tag.get(1..).unwrap_or_default();
    let name = name.strip_prefix('/').unwrap_or(name);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "";
    }
    let end = name
        .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))
        .unwrap_or(name.len());
    cut(name.get(..end).unwrap_or_default(), 32)
}

/// Whether a tag is none of HTML: `Vec<T>`, `<ann@example.org>`. Names with a hyphen or a colon are those of other vocabularies.
fn is_unknown(name: &str) -> bool {
    !name.is_empty() && !is_known(name) && !name.contains(['-', ':', '_'])
}

/// Whether a tag has so many attributes that parsers take long to compare their names.
fn has_too_many_attributes(tag: &str) -> bool {
    let tag = tag.get(..tag_end(tag)).unwrap_or_default();
    if tag.len() <= 2 * MAX_ATTRIBUTES {
        return false;
    }
    let (mut quote, mut spaces) = (None, 0);
    for byte in tag.bytes() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            (None, byte) if byte.is_ascii_whitespace() || byte == b'/' => spaces += 1,
            _ => {}
        }
    }
    spaces > MAX_ATTRIBUTES
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

/// The length of the tag that `tag` begins with; quotes hide a `>`.
pub(super) fn tag_end(tag: &str) -> usize {
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
