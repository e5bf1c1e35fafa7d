//! The part of a text in which what was looked for stands most densely, as it is written, and where in it.

use std::ops::Range;

use crate::text::fold::each_place;
use crate::text::fold::query::Query;

/// Words of an excerpt, and those of them before the first that was looked for.
const WORDS: usize = 30;
const WORDS_BEFORE: usize = 5;
/// The longest excerpt, in bytes: a word may be as long as a book.
const MAX_BYTES: usize = 1200;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// As it is written, with an ellipsis where it was cut.
    pub text: String,
    /// Where in it the words stand that were looked for.
    pub hits: Vec<Range<usize>>,
}

impl Excerpt {
    /// The text with each hit between two marks.
    #[must_use]
    pub fn marked(&self, before: &str, after: &str) -> String {
        let mut marked = String::with_capacity(self.text.len() + 16);
        let mut at = 0;
        for hit in &self.hits {
            marked.push_str(self.text.get(at..hit.start).unwrap_or_default());
            marked.push_str(before);
            marked.push_str(self.text.get(hit.clone()).unwrap_or_default());
            marked.push_str(after);
            at = hit.end;
        }
        marked.push_str(self.text.get(at..).unwrap_or_default());
        marked
    }
}

/// The words that are looked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    words: Vec<&'a str>,
    prefixes: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Of the terms that are not excluded.
    #[must_use]
    pub fn new(query: &'a Query) -> Self {
        let (mut words, mut prefixes) = (Vec::new(), Vec::new());
        for term in query.terms.iter().filter(|term| !term.is_excluded) {
            for way in &term.ways {
                let Some((last, others)) = way.split_last() else {
                    continue;
                };
                words.extend(others.iter().map(String::as_str));
                if term.is_prefix { &mut prefixes } else { &mut words }.push(last);
            }
        }
        Self { words, prefixes }
    }

    /// Which of them a folded word is.
    fn which(&self, word: &str) -> Option<usize> {
        let whole = self.words.iter().position(|wanted| *wanted == word);
        let begun = || self.prefixes.iter().position(|begin| word.starts_with(begin));
        whole.or_else(|| begun().map(|at| self.words.len() + at))
    }

    /// The whole of a text, with its hits.
    #[must_use]
    pub fn all(&self, text: &str) -> Excerpt {
        let mut hits = Vec::new();
        each_place(text, |word, place| {
            if self.which(word).is_some() {
                hits.push(place);
            }
        });
        Excerpt {
            text: text.to_owned(),
            hits,
        }
    }

    /// The part of a text that holds most of them close together; its beginning, when it holds none.
    #[must_use]
    pub fn excerpt(&self, text: &str) -> Excerpt {
        let (mut places, mut hits) = (Vec::new(), Vec::new());
        each_place(text, |word, place| {
            if let Some(which) = self.which(word) {
                hits.push((places.len(), which));
            }
            places.push(place);
        });
        let first = densest(&hits).saturating_sub(WORDS_BEFORE);
        let start = match places.get(first) {
            Some(place) if first > 0 => place.start,
            _ => 0,
        };
        let end = places.get(first + WORDS).map_or(text.len(), |next| next.start);
        let end = text.floor_char_boundary(end.min(start + MAX_BYTES));
        let part = text.get(start..end).unwrap_or_default().trim_end();
        let before = if start > 0 { "… " } else { "" };
        let after = if start + part.len() < text.trim_end().len() {
            " …"
        } else {
            ""
        };
        let inside = |place: &Range<usize>| {
            let shifted = |at: usize| at.checked_sub(start).map(|at| at + before.len());
            let hit = shifted(place.start)?..shifted(place.end)?;
            (hit.end <= before.len() + part.len()).then_some(hit)
        };
        let hits = hits.iter().filter_map(|(at, _)| places.get(*at).and_then(inside));
        Excerpt {
            hits: hits.collect(),
            text: format!("{before}{part}{after}"),
        }
    }
}

/// The place of the hit from which on most different ones, and then most of all, stand within an excerpt; the first of those.
fn densest(hits: &[(usize, usize)]) -> usize {
    let mut best = (0, 0);
    let mut place = 0;
    for (n, (from, _)) in hits.iter().enumerate() {
        let near = hits
            .iter()
            .skip(n)
            .take_while(|(at, _)| *at < from + WORDS - WORDS_BEFORE);
        let (mut seen, mut count) = (0_u64, 0);
        for (_, which) in near {
            seen |= 1 << (which % 64);
            count += 1;
        }
        if (seen.count_ones(), count) > best {
            best = (seen.count_ones(), count);
            place = *from;
        }
    }
    place
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{MAX_BYTES, Wanted};
    use crate::text::fold::query::Query;

    fn marked(query: &str, text: &str) -> String {
        let query = Query::parse(query).unwrap();
        Wanted::new(&query).excerpt(text).marked("[", "]")
    }

    #[test]
    fn the_text_is_shown_as_it_is_written() {
        assert_eq!(marked("كتابها", "او کتاب‌ها را خواند."), "او [کتاب‌ها] را خواند.");
        assert_eq!(marked("cafe dont", "Don’t, at the Café!"), "[Don’t], at the [Café]!");
        assert_eq!(marked("中国", "在中国。"), "在[中][国]。");
        assert_eq!(marked("brid* -old", "An old bridge."), "An old [bridge].");
    }

    #[test]
    fn the_part_with_most_of_the_words_is_shown() {
        let far = format!(
            "peace. {}the peace talks go on{}",
            "a b c ".repeat(20),
            " d e f".repeat(20)
        );
        let shown = marked("peace talks", &far);
        assert!(shown.starts_with("… c a b c the"), "{shown}");
        assert!(
            shown.contains("the [peace] [talks] go on d e") && shown.ends_with(" …"),
            "{shown}"
        );
        assert_eq!(shown.split_whitespace().count(), 32, "30 words and two ellipses");
    }

    #[test]
    fn without_a_hit_the_beginning_is_shown() {
        assert_eq!(marked("x", "One two, three.  "), "One two, three.");
        assert_eq!(marked("x", ""), "");
    }

    #[test]
    fn a_word_as_long_as_a_book_is_cut() {
        let shown = marked("x", &"é".repeat(100_000));
        assert!(shown.len() <= MAX_BYTES + 4, "{}", shown.len());
    }
}
