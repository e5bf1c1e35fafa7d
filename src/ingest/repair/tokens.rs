//! Cuts a document into tags and texts. Nothing is an error: what is no tag is text, and every step is linear in its length.

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
    /// The document ends within a tag, a comment or a CDATA section.
    pub(super) cut: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            no_end: false,
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
            .and_then(|rest| rest.find('<'))
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
        let Some(end) = tag_end(body) else {
            self.no_end = true;
            self.cut = true;
            return None;
        };
        let (tag, rest) = (body.get(..end)?, body.get(end + 1..)?);
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
            Token::Start {
                name,
                attributes,
                empty,
            }
        })
    }
}

/// Where the `>` of a tag stands: behind its quoted values, or the next one where a quote is never closed.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    let mut plain = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            // No value holds a `<`: this quote was never closed.
            (_, b'<') => return plain,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            (Some(_), b'>') => plain = plain.or(Some(at)),
            _ => {}
        }
    }
    plain
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
                return Some(Token::Literal(self.take_until("]]>")));
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
        let end = self.rest.find('>').unwrap_or(self.rest.len());
        match self.rest.find('[').filter(|open| *open < end) {
            Some(_) => {
                let inside = self.take_until("]");
                self.take_until(">");
                inside
            }
            None => self.take_until(">"),
        }
    }
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
                "!r [<!ENTITY a \"b\"><r|>",
            ),
            // Broken: a quote never closed, an end that never comes.
            ("<a x=\"1><b>t</b>", "<a|x=\"1><b|>'t'</b>"),
            ("<a>t<b x=", "<a|>'t''<b x='"),
            ("<![CDATA[cut", "[cut]"),
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
