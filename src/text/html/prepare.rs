//! HTML before it is parsed: bounded in depth, and freed of what parsers would drop in silence.

use std::borrow::Cow;
use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt as _, HashSet};
use memchr::memmem;

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
    /// Its tags are crossed or left open, or it has elements that parsers move about, or that sanitisers take away from around others:
    /// what is written of the tree may be read as another tree.
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
    /// To be shown as one line: programs and frames without an end are named in it, not meant.
    Line,
    /// To be looked through as a page.
    Page,
}

/// Drops the tags of elements that are nested too deep. In texts, what is no tag of HTML becomes text, comments and programs go, and
/// frames become links to what they show where nothing else stands in for them. Everything else stays as it is. Linear in time.
pub(super) fn prepared(html: &str, target: Target) -> Prepared<'_> {
    let mut tags = Tags {
        html,
        kept: String::new(),
        copied: 0,
        open: HashMap::new(),
        unknown: HashMap::new(),
        no_comment_end: false,
        no_end: false,
        stack: Vec::new(),
        is_intricate: false,
    };
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', html.as_bytes().get(at..).unwrap_or_default()) {
        let start = at + found;
        let tag = html.get(start..).unwrap_or_default();
        if let Some((length, instead)) = tags.replaced(tag, target) {
            tags.kept.push_str(html.get(tags.copied..start).unwrap_or_default());
            tags.kept.push_str(&instead);
            at = start + length;
            tags.copied = at;
        } else {
            at = start + tag_end(tag);
        }
    }
    tags.finish()
}

/// What is known of HTML up to one of its tags.
struct Tags<'a> {
    html: &'a str,
    /// What is prepared, up to `copied`.
    kept: String,
    copied: usize,
    open: HashMap<Cow<'a, str>, Kind>,
    /// Tags of no element of HTML that became text, and have no end yet.
    unknown: HashMap<String, usize>,
    /// No comment ends any more, and no `>` comes.
    no_comment_end: bool,
    no_end: bool,
    /// What is open, but for elements that are often left open.
    stack: Vec<Cow<'a, str>>,
    is_intricate: bool,
}

impl<'a> Tags<'a> {
    fn finish(mut self) -> Prepared<'a> {
        let html = if self.copied == 0 {
            Cow::Borrowed(self.html)
        } else {
            self.kept.push_str(self.html.get(self.copied..).unwrap_or_default());
            Cow::Owned(self.kept)
        };
        Prepared {
            html,
            is_intricate: self.is_intricate || !self.stack.is_empty(),
        }
    }

    /// How much of the text that begins with a `<` is to be replaced, and by what; None: nothing.
    fn replaced(&mut self, tag: &'a str, target: Target) -> Option<(usize, String)> {
        let is_end = tag.starts_with("</");
        let small_name = small(name_of(tag));
        let name = &*small_name;
        let is_plain = PLAIN_NAMES.contains(name);
        if target != Target::Page {
            if name.is_empty() {
                return Some(self.no_tag(tag));
            }
            if !is_plain && !is_known(name) && (!name.contains(['-', ':']) || name.ends_with(':')) {
                return Some(self.unknown(tag, name, is_end));
            }
            if matches!(name, "script" | "style") && !is_end {
                let end = program_end(tag, name);
                let end = end.or_else(|| (target == Target::Text).then_some(tag.len()));
                return Some((end.unwrap_or_else(|| tag_end(tag)), String::new()));
            }
            if name == "iframe" {
                let end = tag_end(tag);
                return Some((end, link_to_frame(tag, tag.get(end..).unwrap_or_default())));
            }
            // Parsers take what stands in these for anything but text with markup; readers have no programs, and see it.
            if name == "noscript" || (target == Target::Line && RAW.contains(&name)) {
                return Some((tag_end(tag), String::new()));
            }
            if let Some(late) = late_image(tag, name) {
                return Some((tag_end(tag), late));
            }
        }
        self.is_intricate |= !is_plain && is_known(name);
        if name.is_empty() {
            return Some((1, "<".to_owned()));
        }
        if !SHALLOW.contains(&name) && self.is_too_deep(small_name.clone(), is_end) {
            return Some((tag_end(tag), String::new()));
        }
        let bare = || (tag_end(tag), format!("<{small_name}>"));
        has_too_many_attributes(tag).then(bare)
    }

    /// What begins with a `<` and is no tag: a comment goes, anything else is text.
    fn no_tag(&mut self, tag: &str) -> (usize, String) {
        let text = (1, "&lt;".to_owned());
        if tag.starts_with("<!--") {
            // `<!-->` is a whole one; one without an end is none.
            let end =
                |mark: &str| memmem::find(tag.get(2..)?.as_bytes(), mark.as_bytes()).map(|at| at + 2 + mark.len());
            let end = match tag.as_bytes().get(4) {
                Some(b'>') => Some(5),
                _ if self.no_comment_end => None,
                _ => ["-->", "--!>"].into_iter().filter_map(end).min(),
            };
            self.no_comment_end |= end.is_none();
            return (end.unwrap_or(4), String::new());
        }
        match tag.as_bytes().get(1) {
            // Declarations, instructions, ends of nothing.
            Some(b'!' | b'?' | b'/') => {
                let end = if self.no_end {
                    None
                } else {
                    memchr::memchr(b'>', tag.as_bytes())
                };
                self.no_end = end.is_none();
                match end {
                    Some(end) => (end + 1, String::new()),
                    None if tag.starts_with("</") => (2, String::new()),
                    None => text,
                }
            }
            _ => text,
        }
    }

    /// A tag of no element: `Vec<T>`, `<ann@example.org>`. Names with a hyphen or a colon are those of other vocabularies, and none.
    fn unknown(&mut self, tag: &str, name: &str, is_end: bool) -> (usize, String) {
        let count = self.unknown.entry(name.to_owned()).or_default();
        // An end without a beginning says nothing.
        if is_end && *count == 0 {
            return (tag_end(tag), String::new());
        }
        *count = if is_end { *count - 1 } else { *count + 1 };
        (1, "&lt;".to_owned())
    }

    /// Counts an element, and says whether its tag must go.
    fn is_too_deep(&mut self, name: Cow<'a, str>, is_end: bool) -> bool {
        let kind = self.open.entry(name.clone()).or_default();
        let is_nested = !is_end && kind.open > 0 && FORMATTING.contains(&&*name);
        if is_nested || (is_end && kind.dropped > 0) || (!is_end && self.stack.len() >= MAX_OPEN) {
            kind.dropped = if is_end {
                kind.dropped - 1
            } else {
                kind.dropped + usize::from(is_nested)
            };
            return true;
        }
        if is_end {
            kind.open = kind.open.saturating_sub(1);
            if let Some(at) = self.stack.iter().rposition(|open| *open == name) {
                self.is_intricate |= at + 1 < self.stack.len();
                self.stack.remove(at);
            }
        } else if name != "a" || kind.open == 0 {
            kind.open += 1;
            self.stack.push(name);
        } else {
            // A link ends where the next one begins.
            self.is_intricate = true;
        }
        false
    }
}

/// The length of a program or a style sheet, from its start tag to the end of its end tag, if it has one.
fn program_end(tag: &str, name: &str) -> Option<usize> {
    let mut ends = memmem::find_iter(tag.as_bytes(), b"</");
    let end = ends.find(|at| name_of(tag.get(*at..).unwrap_or_default()).eq_ignore_ascii_case(name))?;
    Some(end + tag_end(tag.get(end..)?))
}

/// An image that a program was to load later, loaded at once: its address waits in another attribute.
fn late_image(tag: &str, name: &str) -> Option<String> {
    if name != "img" || tag.starts_with("</") {
        return None;
    }
    let tag = tag.get(..tag_end(tag))?;
    let late = ["data-src", "data-lazy-src", "data-original"]
        .into_iter()
        .find_map(|name| attribute(tag, name))?;
    let is_empty = attribute(tag, "src").is_none_or(|src| src.is_empty() || src.starts_with("data:"));
    // The first of two attributes counts.
    (is_empty && !late.contains('"')).then(|| format!("<img src=\"{late}\"{}", tag.get(4..).unwrap_or_default()))
}

/// The value of an attribute, as it is written.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag.get(name_of(tag).len() + 1..)?;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))?;
        let (found, after) = rest.split_at(end.max(1).min(rest.len()));
        let Some(value) = after.trim_ascii_start().strip_prefix('=') else {
            if after.is_empty() || after.starts_with('>') {
                return None;
            }
            rest = after;
            continue;
        };
        let value = value.trim_ascii_start();
        let (value, after) = match value.as_bytes().first()? {
            quote @ (b'"' | b'\'') => value.get(1..)?.split_once(char::from(*quote))?,
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>')?),
        };
        if found.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
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
    video wbr xml xmp \
    annotation annotation-xml maction menclose merror mlabeledtr mmultiscripts mover mpadded mphantom mprescripts mroot mspace mstyle \
    msubsup mtable mtd mtr munder munderover none semantics animatemotion animatetransform clippath fegaussianblur marker mask metadata \
    pattern radialgradient switch textpath view";

/// Elements whose inside parsers take for text, or for nothing.
const RAW: [&str; 9] = [
    "noembed",
    "noframes",
    "plaintext",
    "select",
    "style",
    "template",
    "textarea",
    "title",
    "xmp",
];

/// Whether HTML knows an element of this name, in small letters.
pub(super) fn is_known(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| KNOWN.split_whitespace().collect());
    NAMES.contains(name)
}

static PLAIN_NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| PLAIN.into_iter().collect());

/// A name in small letters.
fn small(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The name of a tag as HTML's tokenizer reads it; empty where there is no tag. Names that are too long to be known are cut.
fn name_of(tag: &str) -> &str {
    let name = tag.get(1..).unwrap_or_default();
    let name = name.strip_prefix('/').unwrap_or(name);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "";
    }
    let name = cut(name, 33);
    let end = name
        .find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'))
        .unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
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
    let source = ["src", "data-src"].into_iter().find_map(|name| attribute(tag, name));
    let address = source.filter(|_| is_empty).unwrap_or_default().trim();
    let is_of_the_web = ["https://", "http://", "//"]
        .iter()
        .any(|start| address.starts_with(start));
    if is_of_the_web && !address.contains(['<', '>', '"']) {
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

/// Where HTML's tokenizer is in a tag (HTML, "Tokenization").
#[derive(Clone, Copy)]
enum InTag {
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Unquoted,
}

/// The length of the tag that `tag` begins with, as HTML's tokenizer reads it: only the quotes around a value hide a `>`.
pub(super) fn tag_end(tag: &str) -> usize {
    // Behind the `<`, and the slash of an end tag.
    let mut at = if tag.starts_with("</") { 2 } else { 1 };
    let mut state = InTag::TagName;
    while let Some(&byte) = tag.as_bytes().get(at) {
        at += 1;
        state = match (state, byte) {
            (_, b'>') => return at,
            (InTag::BeforeValue, b'"' | b'\'') => {
                let value = tag.as_bytes().get(at..).unwrap_or_default();
                let Some(length) = memchr::memchr(byte, value) else {
                    break;
                };
                at += length + 1;
                InTag::BeforeName
            }
            (InTag::BeforeValue, _) if byte.is_ascii_whitespace() => state,
            (InTag::BeforeValue, _) => InTag::Unquoted,
            (InTag::Unquoted, _) if !byte.is_ascii_whitespace() => state,
            (InTag::Name, _) if byte.is_ascii_whitespace() => InTag::AfterName,
            (InTag::AfterName, _) if byte.is_ascii_whitespace() => state,
            (_, _) if byte.is_ascii_whitespace() || byte == b'/' => InTag::BeforeName,
            (InTag::Name | InTag::AfterName, b'=') => InTag::BeforeValue,
            (InTag::TagName, _) => state,
            _ => InTag::Name,
        };
    }
    tag.len()
}
