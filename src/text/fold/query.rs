//! What somebody looks for, as it is typed: words, "phrases", -excluded ones, beginnings*. There is no wrong query: whatever is
//! none of these is taken as words.

use crate::text::fold::fold;

/// The most of a query that is read, in bytes.
const MAX_BYTES: usize = 4096;
/// The most terms of a query; those after them do not count.
const MAX_TERMS: usize = 32;
/// The shortest beginning that stands for all words that begin so, in characters; shorter ones are words.
const MIN_PREFIX: usize = 2;
/// Endings and beginnings that are written as a word of their own, or joined; the longer of two that end alike first.
const ENDINGS: [&str; 8] = ["هایش", "هایی", "های", "ها", "ترین", "تر", "اند", "ام"];
const BEGINNINGS: [&str; 2] = ["می", "نمی"];

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// All of these must be there, or none of them where they are excluded; one at least is not.
    pub terms: Vec<Term>,
}

/// A word or a phrase, in each way in which it may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Folded words that stand side by side; any of these runs will do.
    pub ways: Vec<Vec<String>>,
    /// The last word is the beginning of one.
    pub is_prefix: bool,
    /// It must not be there.
    pub is_excluded: bool,
    /// In quotes: nothing is joined with it.
    is_quoted: bool,
}

impl Query {
    /// Reads a query; None: it has no words, or only excluded ones.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or(text);
        let mut terms: Vec<Term> = Vec::new();
        while terms.len() < MAX_TERMS {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let (term, after) = next(rest);
            rest = after;
            let Some(term) = term else { continue };
            match terms.last_mut().filter(|last| may_be_joined(last, &term)) {
                Some(last) => last.join(&term),
                None => terms.push(term),
            }
        }
        join_neighbours(&mut terms);
        terms.iter_mut().for_each(part_joined);
        let any = terms.iter().any(|term| !term.is_excluded);
        any.then_some(Self { terms })
    }
}

impl Term {
    fn new(ways: Vec<Vec<String>>) -> Self {
        Self {
            ways,
            is_prefix: false,
            is_excluded: false,
            is_quoted: false,
        }
    }

    /// The one word that it is.
    fn word(&self) -> Option<&str> {
        match &self.ways[..] {
            [words] => match &words[..] {
                [word] => Some(word),
                _ => None,
            },
            _ => None,
        }
    }

    /// Two words that may be written as one.
    fn join(&mut self, next: &Self) {
        let (Some(first), Some(second)) = (self.word(), next.word()) else {
            return;
        };
        self.ways = vec![
            vec![first.to_owned(), second.to_owned()],
            vec![format!("{first}{second}")],
        ];
        self.is_prefix = next.is_prefix;
    }
}

/// Whether readers take `first second` and `firstsecond` for the same.
fn may_be_joined(first: &Term, second: &Term) -> bool {
    let is_plain = |term: &Term| !term.is_excluded && !term.is_quoted;
    let (Some(before), Some(after)) = (first.word(), second.word()) else {
        return false;
    };
    let is_part = ENDINGS.contains(&after) || BEGINNINGS.contains(&before);
    is_plain(first) && is_plain(second) && !first.is_prefix && is_part
}

/// Words of Persian that stand side by side may be parts of one, which others write with a joiner or with nothing between them: where
/// that one stands, both are found.
fn join_neighbours(terms: &mut [Term]) {
    let joined = |pair: &[Term]| {
        let [first, second] = pair else { return None };
        let is_plain = [first, second].iter().all(|term| !term.is_excluded && !term.is_quoted);
        let (before, after) = (first.word()?, second.word()?);
        let is_arabic = |word: &str| word.starts_with(|c: char| ('\u{600}'..='\u{6ff}').contains(&c));
        // Of a beginning it is not known where it ends.
        let is_whole = !first.is_prefix && !second.is_prefix;
        (is_plain && is_arabic(before) && is_arabic(after) && is_whole).then(|| vec![format!("{before}{after}")])
    };
    let joined: Vec<Option<Vec<String>>> = terms.windows(2).map(joined).collect();
    for (at, way) in joined.into_iter().enumerate() {
        for term in terms.iter_mut().skip(at).take(2) {
            term.ways.extend(way.clone());
        }
    }
}

/// What is joined with an ending or a beginning may be written apart.
fn part_joined(term: &mut Term) {
    let Some([word]) = term.ways.first().map(Vec::as_slice).filter(|_| !term.is_quoted) else {
        return;
    };
    let is_long = |rest: &str| rest.chars().count() >= MIN_PREFIX;
    let ending = ENDINGS
        .iter()
        .find_map(|ending| Some((word.strip_suffix(ending)?, *ending)));
    let beginning = BEGINNINGS
        .iter()
        .find_map(|start| Some((*start, word.strip_prefix(start)?)));
    let parted = ending
        .filter(|(stem, _)| is_long(stem))
        .or(beginning.filter(|(_, rest)| is_long(rest)));
    let parted = parted.map(|(first, second)| vec![first.to_owned(), second.to_owned()]);
    term.ways.extend(parted.filter(|way| !term.ways.contains(way)));
}

/// The term that a text begins with, if it has words, and what follows it.
fn next(text: &str) -> (Option<Term>, &str) {
    let quotes = |c: char| matches!(c, '"' | '“' | '”' | '„' | '«' | '»');
    let (is_excluded, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (term, after) = match text.strip_prefix(quotes) {
        Some(rest) => {
            let (inside, after) = rest.split_once(quotes).unwrap_or((rest, ""));
            let mut term = Term::new(vec![words(inside)]);
            term.is_quoted = true;
            (term, after)
        }
        None => {
            let end = text.find(|c: char| c.is_whitespace() || quotes(c));
            let (written, after) = text.split_at(end.unwrap_or(text.len()));
            (plain(written), after)
        }
    };
    let has_words = term.ways.iter().all(|words| !words.is_empty());
    (has_words.then_some(Term { is_excluded, ..term }), after)
}

/// A term without quotes: what a joiner parts may be written with a space too.
fn plain(written: &str) -> Term {
    let mut ways = vec![words(written)];
    let parted = words(&written.replace('\u{200c}', " "));
    if !ways.contains(&parted) {
        ways.push(parted);
    }
    let mut term = Term::new(ways);
    let is_long = |words: &Vec<String>| words.last().is_some_and(|word| word.chars().count() >= MIN_PREFIX);
    term.is_prefix = written.ends_with('*') && term.ways.iter().all(is_long);
    term
}

fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{MAX_TERMS, Query};

    /// Each term: `-` if excluded, its ways parted by `|`, `*` if it is a beginning.
    fn read(text: &str) -> Vec<String> {
        let Some(query) = Query::parse(text) else {
            return Vec::new();
        };
        let terms = query.terms.iter().map(|term| {
            let ways: Vec<String> = term.ways.iter().map(|words| words.join(" ")).collect();
            let sign = |is: bool, sign: &'static str| if is { sign } else { "" };
            format!(
                "{}{}{}",
                sign(term.is_excluded, "-"),
                ways.join("|"),
                sign(term.is_prefix, "*")
            )
        });
        terms.collect()
    }

    #[test]
    fn words_phrases_exclusions_and_beginnings_are_told_apart() {
        for (text, terms) in [
            ("Peace  TALKS", &["peace", "talks"][..]),
            ("\"Peace talks\" -war", &["peace talks", "-war"]),
            ("-\"civil war\" peace", &["-civil war", "peace"]),
            ("نگاه «صلح پایدار»", &["نگاه", "صلح پایدار"]),
            ("well-known don't", &["well known", "dont"]),
            ("tech* a* «", &["tech*", "a"]),
            ("中国*", &["中 国"]),
            ("a\"b c", &["a", "b c"]),
            ("- -- -* \"\" peace", &["peace"]),
        ] {
            assert_eq!(read(text), terms, "{text}");
        }
    }

    #[test]
    fn what_is_joined_is_found_apart_and_the_other_way_round() {
        assert_eq!(read("كتاب‌ها"), ["کتابها|کتاب ها"]);
        assert_eq!(read("کتاب ها"), ["کتاب ها|کتابها"]);
        assert_eq!(read("او می رود"), ["او", "می رود|میرود"]);
        assert_eq!(read("\"کتاب ها\""), ["کتاب ها"]);
        assert_eq!(read("کتابها"), ["کتابها|کتاب ها"]);
        assert_eq!(read("کتابهای"), ["کتابهای|کتاب های"]);
        assert_eq!(read("نمیروم"), ["نمیروم|نمی روم"]);
        assert_eq!(read("\"کتابها\" ها می تر"), ["کتابها", "ها", "می تر|میتر"]);
        assert_eq!(read("کوه نور"), ["کوه|کوهنور", "نور|کوهنور"]);
        assert_eq!(read("الماس کوه نو*"), ["الماس|الماسکوه", "کوه|الماسکوه", "نو*"]);
        assert_eq!(read("کوه -نور"), ["کوه", "-نور"]);
        assert_eq!(read("\"کوه\" نور"), ["کوه", "نور"]);
        assert_eq!(read("news paper کوه"), ["news", "paper", "کوه"]);
        assert_eq!(read("کتاب -ها"), ["کتاب", "-ها"]);
    }

    #[test]
    fn without_a_word_to_find_there_is_no_query() {
        for text in ["", "  ", "\"", "***", "-", "-war", "!?؟", "\u{200c}"] {
            assert_eq!(Query::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_has_bounds() {
        let many = "word ".repeat(10_000);
        assert_eq!(Query::parse(&many).unwrap().terms.len(), MAX_TERMS);
    }
}
