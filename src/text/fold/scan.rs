//! One pass over a text or over sanitised HTML that gives its folded words, without a tree and with no copy but the word at hand.

use std::ops::Range;

use crate::text::fold::letters::{Folded, decomposed, folded};
use crate::text::fold::run::run_of;
use crate::text::is_inline;

/// What a byte is to the scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An ASCII letter or digit.
    Word,
    /// It stands between words.
    End,
    Apostrophe,
    /// Begins a tag or a reference, in HTML.
    Tag,
    Reference,
    /// Part of a longer character.
    Long,
}

static KINDS: [Kind; 256] = kinds();

const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::End; 256];
    let mut at = 0;
    let mut byte = 0_u8;
    #[expect(clippy::indexing_slicing, reason = "at compile time, below 256")]
    loop {
        kinds[at] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Kind::Word,
            b'\'' => Kind::Apostrophe,
            b'<' => Kind::Tag,
            b'&' => Kind::Reference,
            0x80.. => Kind::Long,
            _ => Kind::End,
        };
        if byte == u8::MAX {
            return kinds;
        }
        at += 1;
        byte += 1;
    }
}

fn kind(byte: u8) -> Kind {
    KINDS.get(usize::from(byte)).copied().unwrap_or(Kind::End)
}

/// Gives each folded word of a text, and where it stands: from its first letter to behind its last.
pub(super) fn scan(text: &str, is_html: bool, visit: impl FnMut(&str, Range<usize>)) {
    let mut words = Words {
        word: String::with_capacity(64),
        place: 0..0,
        joint: None,
        visit,
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match kind(*byte) {
            Kind::Word => {
                let rest = bytes.get(at..).unwrap_or_default();
                let (mut run, has_capitals) = run_of(rest);
                let letters = text.get(at..at + run).unwrap_or_default();
                // Most words are whole and small already: those are given as they stand, and what ends them is passed over with them.
                if !has_capitals && words.word.is_empty() && rest.get(run).is_some_and(|byte| kind(*byte) == Kind::End)
                {
                    words.joint = None;
                    (words.visit)(letters, at..at + run);
                    run += 1;
                } else {
                    words.ascii(letters, at);
                }
                at += run;
            }
            Kind::Long => {
                let rest = text.get(at..).unwrap_or_default();
                for c in rest.chars().take_while(|c| !c.is_ascii()) {
                    words.long(c, at);
                    at += c.len_utf8();
                }
            }
            Kind::Tag if is_html => {
                let (length, parts) = tag(bytes.get(at..).unwrap_or_default());
                if parts {
                    words.end();
                }
                at += length;
            }
            Kind::Reference if is_html => {
                words.end();
                at += reference(bytes.get(at..).unwrap_or_default());
            }
            Kind::Apostrophe => at += 1,
            Kind::End | Kind::Tag | Kind::Reference => {
                words.end();
                at += 1;
            }
        }
    }
    words.end();
}

/// The word at hand.
struct Words<V> {
    word: String,
    place: Range<usize>,
    /// How long the word was at its last joiner.
    joint: Option<usize>,
    visit: V,
}

impl<V: FnMut(&str, Range<usize>)> Words<V> {
    fn ascii(&mut self, run: &str, at: usize) {
        let before = self.word.len();
        if before == 0 {
            self.place.start = at;
        }
        self.word.push_str(run);
        if let Some(new) = self.word.get_mut(before..) {
            new.make_ascii_lowercase();
        }
        self.place.end = at + run.len();
    }

    fn long(&mut self, c: char, at: usize) {
        let place = at..at + c.len_utf8();
        match folded(c) {
            Folded::Compound => decomposed(c, |part| self.put(part, place.clone())),
            part => self.put(part, place),
        }
    }

    fn put(&mut self, part: Folded, place: Range<usize>) {
        match part {
            Folded::Letter(c) => {
                self.begin(&place);
                self.word.push(c);
            }
            Folded::Letters(letters) => {
                self.begin(&place);
                self.word.push_str(letters);
            }
            Folded::Alone(c) => {
                self.end();
                self.begin(&place);
                self.word.push(c);
                self.end();
            }
            Folded::Joiner => self.joint = Some(self.word.len()),
            Folded::Nothing => {}
            Folded::End | Folded::Compound => self.end(),
        }
    }

    fn begin(&mut self, place: &Range<usize>) {
        if self.word.is_empty() {
            self.place.start = place.start;
        }
        self.place.end = place.end;
    }

    fn end(&mut self) {
        if let Some(joint) = self.joint.take() {
            // The izafe after a silent heh: one word with or without it, and however it is written.
            if self.word.get(joint..) == Some("ی") && self.word.get(..joint).is_some_and(|stem| stem.ends_with('ه')) {
                self.word.truncate(joint);
            }
        }
        if !self.word.is_empty() {
            (self.visit)(&self.word, self.place.clone());
            self.word.clear();
        }
    }
}

/// The length of a tag as serialisers write it, and whether it parts words. Quotes hide a `>`; what has no end is all a tag.
fn tag(tag: &[u8]) -> (usize, bool) {
    let from = if tag.get(1) == Some(&b'/') { 2 } else { 1 };
    let after = tag.get(from..).unwrap_or_default();
    let length = after.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let parts = !is_inline(after.get(..length).unwrap_or_default());
    let mut at = from + length;
    loop {
        let rest = tag.get(at..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'>', b'"', rest) else {
            return (tag.len(), parts);
        };
        at += found + 1;
        if rest.get(found) == Some(&b'>') {
            return (at, parts);
        }
        let quoted = tag.get(at..).unwrap_or_default();
        match memchr::memchr(b'"', quoted) {
            Some(end) => at += end + 1,
            None => return (tag.len(), parts),
        }
    }
}

/// The length of a reference that serialisers write; all of those stand for what parts words. Anything else is only an ampersand.
fn reference(text: &[u8]) -> usize {
    let known: [&[u8]; 5] = [b"&amp;", b"&nbsp;", b"&lt;", b"&gt;", b"&quot;"];
    let found = known.into_iter().find(|name| text.starts_with(name));
    found.map_or(1, <[u8]>::len)
}
