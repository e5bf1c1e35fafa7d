//! HTML before it is parsed: bounded in depth, and freed of what parsers would drop in silence.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

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
const MAX_ATTRIBUTES: usize = 256;

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
pub(super) fn prepared(html: &str, target: Target) -> Cow<'_, str> {
    let mut open: HashMap<String, Kind> = HashMap::new();
    let mut unknown: HashMap<String, usize> = HashMap::new();
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
        if target == Target::Text && is_unknown(&name, tag) {
            // An end without a beginning says nothing.
            let is_stray = tag.starts_with("</") && unknown.get(&name).is_none_or(|count| *count == 0);
            kept.push_str(html.get(copied..start).unwrap_or_default());
            if is_stray {
                at = start + tag_end(tag);
            } else {
                kept.push_str("&lt;");
                let count = unknown.entry(name).or_default();
                *count = if tag.starts_with("</") { *count - 1 } else { *count + 1 };
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
        if !name.is_empty() && has_too_many_attributes(tag) {
            kept.push_str(html.get(copied..start).unwrap_or_default());
            kept.push_str(&format!("<{name}>"));
            at = start + tag_end(tag);
            copied = at;
        }
        if name.is_empty() || SHALLOW.contains(&name.as_str()) {
            continue;
        }
        let is_end = tag.starts_with("</");
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
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    kept.push_str(html.get(copied..).unwrap_or_default());
    Cow::Owned(kept)
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

/// Whether a tag is none of HTML: `Vec<T>`, `<ann@example.org>`. Names with a hyphen or a colon are those of other vocabularies.
fn is_unknown(name: &str, tag: &str) -> bool {
    let after = tag
        .trim_start_matches(['<', '/'])
        .get(name.len()..)
        .and_then(|rest| rest.chars().next());
    !name.is_empty() && !is_known(name) && !matches!(after, Some('-' | ':' | '_'))
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
