//! Text as people and programs read it: HTML made safe, words folded for comparing, links in canonical form, languages, headers
//! and signatures.

pub mod canonical_url;
pub mod fold;
pub mod hash;
pub mod html;
pub mod language;
pub mod link_header;
pub mod signature;
pub mod word_diff;
pub mod xml;

use std::borrow::Cow;

/// Removes what XML 1.0 §2.2 cannot hold at all: control characters but tab and line ends, and U+FFFE, U+FFFF.
#[must_use]
pub fn without_control_characters(text: &str) -> Cow<'_, str> {
    let bad = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}');
    // In UTF-8 the controls are bytes of their own, and both others begin with the same one: nearly all texts are seen clean fast.
    let suspect = |b: u8| b == 0x7f || b == 0xef || (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r'));
    if text.bytes().fold(false, |found, b| found | suspect(b)) && text.contains(bad) {
        Cow::Owned(text.replace(bad, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether tags of this element, in small letters, stand within a word without parting it.
fn is_inline(element: &[u8]) -> bool {
    matches!(
        element,
        b"a" | b"abbr"
            | b"acronym"
            | b"b"
            | b"bdi"
            | b"bdo"
            | b"cite"
            | b"code"
            | b"data"
            | b"del"
            | b"dfn"
            | b"em"
            | b"i"
            | b"ins"
            | b"kbd"
            | b"mark"
            | b"q"
            | b"s"
            | b"samp"
            | b"small"
            | b"span"
            | b"strike"
            | b"strong"
            | b"sub"
            | b"sup"
            | b"time"
            | b"tt"
            | b"u"
            | b"var"
            | b"wbr"
    )
}
