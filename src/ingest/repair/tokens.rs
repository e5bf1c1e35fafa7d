//! Cuts a document into tags and texts. Nothing is an error: what is no tag is text, and every step is linear in its length.

use memchr::memmem;

/// A piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag, with its attributes as they are written.
    Start {
        name: &'a str,
        attributes: &'a str,
        empty: bool,
    },
    /// An end tag.
    End { name: &'a str },
    /// Text with references in it.
    Text(&'a str),
    /// Text as it is (CDATA).
    Literal(&'a str),
    /// What stands between `<!DOCTYPE` and its end.
    Doctype(&'a str),
}

/// The pieces of a document, one after the other. Comments and processing instructions are passed over.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// No `>` follows any more: no tag either.
    no_end: bool,
    /// How much follows behind the next `]]>`, as far as it was looked for; `usize::MAX`: it was not.
    behind_section: usize,
    /// Document types that were read.
    doctypes: usize,
    /// The name of the last start tag.
    last: &'a str,
    /// The document ends within a tag, a comment or a CDATA section.
    pub(super) cut: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            no_end: false,
            behind_section: usize::MAX,
            doctypes: 0,
            last: "",
            cut: false,
        }
    }

    /// Takes what ends before `mark`, and the mark; everything, if the mark does not come.
    fn take_until(&mut self, mark: &str) -> &'a str {
        match self.rest.split_once(mark) {
            Some((inside, rest)) => {
                self.rest = rest;
                inside
            }
            None => {
                self.cut = true;
                std::mem::take(&mut self.rest)
            }
        }
    }

    fn text(&mut self) -> Token<'a> {
        // A `<` that begins no tag is a part of the text.
        let from = usize::from(self.rest.starts_with('<'));
        let end = self
            .rest
            .get(from..)
            .and_then(|rest| memchr::memchr(b'<', rest.as_bytes()))
            .map_or(self.rest.len(), |at| at + from);
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Token::Text(text)
    }

    /// The tag that the rest begins with; None if it is none.
    fn tag(&mut self) -> Option<Token<'a>> {
        let body = self.rest.get(1..)?;
        let (is_end, body) = match body.strip_prefix('/') {
            Some(body) => (true, body),
            None => (false, body),
        };
        if self.no_end || !body.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | ':')) {
            return None;
        }
        let (end, next) = match tag_end(body) {
            TagEnd::At(end) => (end, end + 1),
            // Where it looks like a tag, it is one that was never closed.
            TagEnd::Before(next) if is_end || looks_like_tag(body.get(..next)?) => (next, next),
            TagEnd::Before(_) => return None,
            TagEnd::Never => {
                self.no_end = true;
                self.cut = true;
                return None;
            }
        };
        let (tag, rest) = (body.get(..end)?, body.get(next..)?);
        self.rest = rest;
        let (tag, empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let name_end = tag.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(name_end);
        Some(if is_end {
            Token::End { name }
        } else {
            self.last = name;
            Token::Start {
                name,
                attributes,
                empty,
            }
        })
    }

    /// Where the next `]]>` stands. It is looked for once, however many sections begin before it.
    fn section_end(&mut self) -> Option<usize> {
        if self.behind_section > self.rest.len() {
            let found = memmem::find(self.rest.as_bytes(), b"]]>");
            self.behind_section = found.map_or(0, |at| self.rest.len() - at);
        }
        // Zero stands for none: a mark has a length itself.
        (self.behind_section > 0).then(|| self.rest.len() - self.behind_section)
    }

    /// What stands in a CDATA section. One without an end, or with the next one within, ends with the element that it stands in.
    fn section(&mut self) -> &'a str {
        let end = self.section_end();
        let inside = end.and_then(|end| self.rest.get(..end));
        let nested = inside.map(|inside| memmem::find(inside.as_bytes(), b"<![CDATA["));
        if let Some(None) = nested {
            let inside = inside.unwrap_or_default();
            self.rest = self.rest.get(inside.len() + 3..).unwrap_or_default();
            return inside;
        }
        let looked_at = nested.flatten().and_then(|at| self.rest.get(..at)).unwrap_or(self.rest);
        let closing = looked_at.match_indices("</").find(|(at, _)| {
            let name = looked_at.get(at + 2..).and_then(|rest| rest.get(..self.last.len()));
            !self.last.is_empty() && name.is_some_and(|name| name.eq_ignore_ascii_case(self.last))
        });
        match closing {
            Some((at, _)) => {
                let (section, rest) = self.rest.split_at(at);
                self.rest = rest;
                section
            }
            None => self.take_until("]]>"),
        }
    }
}

/// Where a tag ends.
enum TagEnd {
    /// With the `>` that stands there.
    At(usize),
    /// Before the `<` that stands there.
    Before(usize),
    /// The document ends first.
    Never,
}

/// Document types whose ends are looked for with care; a document has one.
const MAX_DOCTYPES: usize = 3;

/// How far an attribute's value is looked through for its end once it holds a `<`.
const LOOK_AHEAD: usize = 1024;

/// Looks for the `>` of a tag: behind its quoted values, or the next one where a quote is never closed.
fn tag_end(tag: &str) -> TagEnd {
    let bytes = tag.as_bytes();
    let (mut quote, mut plain, mut at) = (None, None, 0);
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (None, b'>') => return TagEnd::At(at),
            (None, b'<') => return TagEnd::Before(at),
            // Few values hold a `<`: this quote may never have been closed.
            (Some(open), b'<') => match value_end(bytes, at, open) {
                Some(end) => at = end - 1,
                None => return plain.map_or(TagEnd::Before(at), TagEnd::At),
            },
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            (Some(_), b'>') => plain = plain.or(Some(at)),
            _ => {}
        }
        at += 1;
    }
    plain.map_or(TagEnd::Never, TagEnd::At)
}

/// Where the value that holds a `<` at `from` has its closing quote: one that the next attribute or the end of the tag follows.
fn value_end(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let ahead = bytes.get(from..(from + LOOK_AHEAD).min(bytes.len()))?;
    let end = from + ahead.iter().position(|byte| *byte == quote)?;
    let is_opening = end.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'=');
    let is_closing = bytes
        .get(end + 1)
        .is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'/' | b'>'));
    (is_closing && !is_opening).then_some(end)
}

/// Whether what has no `>` is a tag nevertheless: a name alone, or a name with attributes.
fn looks_like_tag(tag: &str) -> bool {
    let tag = tag.trim_end();
    let name = tag.split(char::is_whitespace).next().unwrap_or_default();
    let is_name = name.matches(':').count() <= 1
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'));
    is_name && (name == tag || tag.contains('='))
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if !self.rest.starts_with('<') {
                return Some(self.text());
            }
            if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                self.rest = rest;
                return Some(Token::Literal(self.section()));
            }
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = rest;
                self.take_until("-->");
            } else if let Some(rest) = self.rest.strip_prefix("<?") {
                self.rest = rest;
                self.take_until(">");
            } else if self
                .rest
                .get(..9)
                .is_some_and(|head| head.eq_ignore_ascii_case("<!doctype"))
            {
                self.rest = self.rest.get(9..).unwrap_or_default();
                return Some(Token::Doctype(self.doctype()));
            } else {
                return Some(self.tag().unwrap_or_else(|| self.text()));
            }
        }
    }
}

impl<'a> Tokens<'a> {
    /// A document type may hold declarations in brackets.
    fn doctype(&mut self) -> &'a str {
        self.doctypes += 1;
        if self.doctypes <= MAX_DOCTYPES
            && let Some(end) = doctype_end(self.rest)
        {
            let (inside, rest) = self.rest.split_at(end);
            self.rest = rest.get(1..).unwrap_or_default();
            return inside;
        }
        // A quote that is never closed.
        let end = self.rest.find('>').unwrap_or(self.rest.len());
        if !self.rest.get(..end).is_some_and(|head| head.contains('[')) {
            return self.take_until(">");
        }
        let inside = self.take_until("]");
        self.take_until(">");
        inside
    }
}

/// Where the `>` of a document type stands: behind its brackets, quoted values and comments.
fn doctype_end(text: &str) -> Option<usize> {
    let (mut quote, mut depth, mut at) = (None, 0_usize, 0);
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, b'<') if text.get(at..).is_some_and(|rest| rest.starts_with("<!--")) => {
                at += text.get(at..)?.find("-->")?;
            }
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'<' | b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'>') if depth == 0 => return Some(at),
            (None, b'>') => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The attributes of a tag: names, and values as they are written. Values may lack their quotes, or be missing.
pub(super) fn attributes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let name = rest.get(..end)?;
        let after = rest.get(end..)?.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            return Some((name, ""));
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value.get(1..)?.split_once(quote).unwrap_or((value.get(1..)?, "")),
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        rest = after;
        Some((name, value))
    })
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens, attributes};

    fn shown(text: &str) -> String {
        let show = |token| match token {
            Token::Start {
                name,
                attributes,
                empty,
            } => format!("<{name}|{}{}>", attributes.trim(), if empty { "/" } else { "" }),
            Token::End { name } => format!("</{name}>"),
            Token::Text(text) => format!("'{text}'"),
            Token::Literal(text) => format!("[{text}]"),
            Token::Doctype(text) => format!("!{}", text.trim()),
        };
        Tokens::new(text).map(show).collect()
    }

    #[test]
    fn a_document_is_cut_into_its_pieces() {
        for (text, pieces) in [
            ("<a x='1>2'>t</a >", "<a|x='1>2'>'t'</a>"),
            ("<a/><b x=\"/\"/>", "<a|/><b|x=\"/\"/>"),
            ("a < b && c<3 <d>", "'a ''< b && c''<3 '<d|>"),
            ("<![CDATA[<x>]]>y<!-- <z> -->w", "[<x>]'y''w'"),
            (
                "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"b\">]><r>",
                "!r [<!ENTITY a \"b\">]<r|>",
            ),
            // Broken: a quote never closed, an end that never comes.
            ("<a x=\"1><b>t</b>", "<a|x=\"1><b|>'t'</b>"),
            ("<a>t<b x=", "<a|>'t''<b x='"),
            ("<![CDATA[cut", "[cut]"),
            ("<a><ahttp://x</a>", "<a|>'<ahttp://x'</a>"),
            ("<a>1<a</b><c", "<a|>'1'<a|></b>'<c'"),
            ("a <b and c <d>", "'a ''<b and c '<d|>"),
            ("<i alt=\"a<b\" src='x'>y</i>", "<i|alt=\"a<b\" src='x'>'y'</i>"),
            ("<i alt=\"a<b c=\"d\">y</i>", "<i|alt=\"a><b|c=\"d\">'y'</i>"),
            ("<a><![CDATA[x</a><a><![CDATA[y]]></a>", "<a|>[x]</a><a|>[y]</a>"),
            ("<a><![CDATA[x</a><b>", "<a|>[x]</a><b|>"),
        ] {
            assert_eq!(shown(text), pieces, "{text}");
        }
    }

    #[test]
    fn attributes_are_read_however_they_are_written() {
        let read: Vec<_> = attributes(" a=\"1 2\" b = '3' c=4 d /").collect();
        assert_eq!(read, [("a", "1 2"), ("b", "3"), ("c", "4"), ("d", "")]);
        assert_eq!(attributes(" a=\"open").collect::<Vec<_>>(), [("a", "open")]);
    }
}
