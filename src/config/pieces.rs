//! Cuts a configuration into the tables of its feeds and the rest, so that a million feeds are understood one by one: a parser that has
//! them all at once takes two gigabytes.
//!
//! Whether a line starts a table is the parser's own lexer's word. Whatever is written in an unusual way is left in one piece.

use std::borrow::Cow;

use toml::Table;
use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::{Lexer, TokenKind};

/// A text, and where in it feeds stand.
#[derive(Debug)]
pub(super) struct Cut<'a> {
    text: &'a str,
    /// From the first of some tables of feeds that follow each other to the end of the last.
    runs: Vec<(usize, usize)>,
}

/// The table of one feed, with those in it.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    text: &'a str,
    /// Lines before it.
    lines: usize,
}

impl<'a> Cut<'a> {
    /// Looks for the feeds of a text.
    pub(super) fn new(text: &'a str) -> Self {
        let mut runs = Vec::new();
        let mut begun = None;
        for (start, header) in Headers::of(text) {
            match (header, begun) {
                (Header::Feed, None) => begun = Some(start),
                // It adds to a feed that stands elsewhere.
                (Header::WithinFeed, None) => return Self::none(text),
                (Header::Other, Some(from)) => {
                    runs.push((from, start));
                    begun = None;
                }
                _ => {}
            }
        }
        runs.extend(begun.map(|from| (from, text.len())));
        Self { text, runs }
    }

    /// The text in one piece.
    pub(super) fn none(text: &'a str) -> Self {
        Self { text, runs: Vec::new() }
    }

    /// Whether feeds were cut out.
    pub(super) fn has_feeds(&self) -> bool {
        !self.runs.is_empty()
    }

    /// All but the feeds.
    pub(super) fn rest(&self) -> Cow<'a, str> {
        self.without_feeds(|_| 0)
    }

    /// The same, each line where it is in the whole.
    pub(super) fn rest_in_place(&self) -> Cow<'a, str> {
        self.without_feeds(lines)
    }

    fn without_feeds(&self, lines_for: impl Fn(&str) -> usize) -> Cow<'a, str> {
        if self.runs.is_empty() {
            return Cow::Borrowed(self.text);
        }
        let (mut rest, mut done) = (String::new(), 0);
        for (from, to) in &self.runs {
            rest.push_str(self.text.get(done..*from).unwrap_or_default());
            let lines = lines_for(self.text.get(*from..*to).unwrap_or_default());
            rest.extend(std::iter::repeat_n('\n', lines));
            done = *to;
        }
        rest.push_str(self.text.get(done..).unwrap_or_default());
        Cow::Owned(rest)
    }

    /// The feeds, in order.
    pub(super) fn feeds(&self) -> impl Iterator<Item = Piece<'a>> {
        let text = self.text;
        let (mut counted, mut before) = (0, 0);
        let pieces = self.runs.iter().flat_map(move |(from, to)| {
            let run = text.get(*from..*to).unwrap_or_default();
            let feeds = Headers::of(run).filter(|(_, header)| *header == Header::Feed);
            let mut start = 0;
            feeds
                .map(|(start, _)| start)
                .skip(1)
                .chain([run.len()])
                .map(move |end| {
                    let piece = (from + start, from + end);
                    start = end;
                    piece
                })
        });
        pieces.map(move |(from, to)| {
            before += lines(text.get(counted..from).unwrap_or_default());
            counted = from;
            Piece {
                text: text.get(from..to).unwrap_or_default(),
                lines: before,
            }
        })
    }
}

impl Piece<'_> {
    /// The table that holds the feed, as the first and only one of `feed`.
    pub(super) fn table(&self) -> Result<Table, Box<toml::de::Error>> {
        // What is wrong is said of its place in the whole text.
        let in_place = |_| {
            let text = format!("{}{}", "\n".repeat(self.lines), self.text);
            text.parse::<Table>().map_err(Box::new)
        };
        self.text.parse::<Table>().or_else(in_place)
    }

    /// The line, within the whole text, of a key of the feed, which is called `feed[at]` there.
    pub(super) fn line_of(&self, at: usize, key: &str) -> Option<usize> {
        let within = key.strip_prefix(&format!("feed[{at}]"))?;
        Some(self.lines + line_of(self.text, &format!("feed[0]{within}"))?)
    }
}

fn lines(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}

/// What a line in brackets begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    /// `[[feed]]`.
    Feed,
    /// `[feed.select]`, or any other that starts with `feed`.
    WithinFeed,
    /// Anything else.
    Other,
}

/// The lines in brackets of a text, each with its first byte.
struct Headers<'a> {
    text: &'a str,
    tokens: Lexer<'a>,
    /// Brackets and braces that are open: what they hold starts no table.
    depth: usize,
    is_line_start: bool,
}

impl<'a> Headers<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            tokens: Source::new(text).lex(),
            depth: 0,
            is_line_start: true,
        }
    }

    /// What the header says whose first bracket was just read.
    fn header(&mut self) -> Header {
        let (mut brackets, mut is_feed) = (1, false);
        self.is_line_start = false;
        for token in self.tokens.by_ref() {
            match token.kind() {
                TokenKind::LeftSquareBracket => brackets += 1,
                TokenKind::Whitespace => {}
                TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => {
                    let span = token.span();
                    let key = self.text.get(span.start()..span.end()).unwrap_or_default();
                    is_feed = matches!(key, "feed" | "\"feed\"" | "'feed'");
                }
                TokenKind::RightSquareBracket if is_feed && brackets == 2 => return Header::Feed,
                kind => {
                    self.is_line_start = kind == TokenKind::Newline;
                    break;
                }
            }
        }
        if is_feed { Header::WithinFeed } else { Header::Other }
    }
}

impl Iterator for Headers<'_> {
    type Item = (usize, Header);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = self.tokens.next()?;
            match token.kind() {
                TokenKind::Whitespace => continue,
                TokenKind::LeftSquareBracket if self.is_line_start && self.depth == 0 => {
                    return Some((token.span().start(), self.header()));
                }
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => self.depth += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                    self.depth = self.depth.saturating_sub(1);
                }
                _ => {}
            }
            self.is_line_start = token.kind() == TokenKind::Newline;
        }
    }
}

/// The line of a key such as `feed[2].url`, or of the table that should hold it.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut offset = None;
    let mut table = Some(document.get_ref());
    for part in key.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((key, value)) = table.and_then(|t| t.get_key_value(name)) else {
            break;
        };
        let mut value = value;
        offset = Some(key.span().start);
        if let (Some(index), DeValue::Array(list)) = (index, value.get_ref()) {
            value = list.get(index)?;
            offset = Some(value.span().start);
        }
        table = match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        };
    }
    Some(text.get(..offset?)?.lines().count().max(1) + usize::from(text.get(..offset?)?.ends_with('\n')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Cut;

    const TEXT: &str = r#"feeds_from = [
  'x', # ]
]
[[feed]]
name = 'a'
[feed.select]
item = '''
[[feed]]
'''

 [[ "feed" ]] # two
name = 'b'
[[view]]
name = 'v'
feeds = [
['[[feed]]'],
]
[['feed']]
name = 'c'
[web]
x = 1
"#;

    #[test]
    fn feeds_and_the_rest_say_together_what_the_whole_says() {
        let cut = Cut::new(TEXT);
        let mut whole: toml::Table = TEXT.parse().unwrap();
        let feeds: Vec<toml::Value> = cut
            .feeds()
            .flat_map(|piece| match piece.table().unwrap().remove("feed") {
                Some(toml::Value::Array(feeds)) => feeds,
                _ => Vec::new(),
            })
            .collect();
        assert_eq!(feeds.len(), 3);
        assert_eq!(whole.remove("feed"), Some(toml::Value::Array(feeds)));
        assert_eq!(cut.rest().parse::<toml::Table>().unwrap(), whole);
        assert_eq!(cut.rest_in_place().lines().count(), TEXT.lines().count());
    }

    #[test]
    fn lines_are_those_of_the_whole() {
        let found: Vec<_> = Cut::new(TEXT)
            .feeds()
            .enumerate()
            .map(|(at, piece)| piece.line_of(at, &format!("feed[{at}].name")))
            .collect();
        assert_eq!(found, [Some(5), Some(12), Some(19)]);
    }

    #[test]
    fn what_adds_to_a_feed_from_elsewhere_is_left_in_one_piece() {
        for text in [
            "[[feed]]\nname = 'a'\n[web]\n[feed.select]\nitem = 'x'\n",
            "[feed]\nname = 'a'\n",
            "feed = []\n",
            "x = 1",
        ] {
            let cut = Cut::new(text);
            assert!(!cut.has_feeds() && cut.rest() == text, "{text}");
        }
    }
}
