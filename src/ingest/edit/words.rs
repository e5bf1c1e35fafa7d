//! The words of an item, and whether an edit of them matters to readers. `docs/edits.md` tells the measure with examples.

use std::collections::HashMap;

use crate::text::fold::fold;
use crate::text::hash::hash_of;
use crate::text::html::to_text;

/// So many words at the beginning of a text stand in for a title where there is none.
const HEADLINE_WORDS: usize = 12;
/// A text is another one when so many words of it are,
const OTHER_WORDS: usize = 10;
/// and so many in a hundred.
const OTHER_PERCENT: usize = 5;
/// In a word of so many letters, one letter more, less or another behind the first is a typo; in a shorter one it is another word.
const TYPO_LETTERS: usize = 5;
/// In a word of so many letters, two neighbours that changed places are a typo.
const SWAP_LETTERS: usize = 3;

/// What a title and a text say, whatever their typography: folded words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    title: String,
    text: String,
}

impl Words {
    /// The words of a plain title and of sanitised HTML.
    #[must_use]
    pub fn of(title: &str, content: &str, summary: &str) -> Self {
        Self {
            title: fold(title),
            text: fold(&format!("{} {}", to_text(content), to_text(summary))),
        }
    }

    /// By which they are recognised again.
    #[must_use]
    pub fn hash(&self) -> [u8; 16] {
        hash_of([self.title.as_str(), self.text.as_str()].into_iter())
    }

    /// Whether who has read these words should see the item again when it has the `new` ones.
    #[must_use]
    pub fn differ_materially(&self, new: &Self) -> bool {
        is_other_headline(&self.headline(), &new.headline()) || is_other_text(&self.text, &new.text)
    }

    fn headline(&self) -> Vec<&str> {
        if self.title.is_empty() {
            self.text.split(' ').take(HEADLINE_WORDS).collect()
        } else {
            self.title.split(' ').collect()
        }
    }
}

/// Whether a headline says something else: more than typos, and more than where words are parted.
fn is_other_headline(old: &[&str], new: &[&str]) -> bool {
    let (old, new) = without_common_ends(old, new);
    if old.concat() == new.concat() {
        // "5.5" and "55" would be the same too.
        return old.iter().any(|word| has_digit(word));
    }
    old.len() != new.len() || old.iter().zip(new).any(|(old, new)| old != new && !is_typo(old, new))
}

/// Whether two different words are one with a typo. Numbers never are.
fn is_typo(a: &str, b: &str) -> bool {
    if has_digit(a) || has_digit(b) {
        return false;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let letters = a.len().max(b.len());
    match without_common_ends(&a, &b) {
        ([x, y], [v, w]) => x == w && y == v && letters >= SWAP_LETTERS,
        // A first letter may turn a word into its contrary: «یافت» and «نیافت».
        ([_] | [], [_] | []) => letters >= TYPO_LETTERS && a.first() == b.first(),
        _ => false,
    }
}

fn has_digit(word: &str) -> bool {
    word.contains(char::is_numeric)
}

/// What is left of both without what they begin and end with in common.
fn without_common_ends<'a, T: PartialEq>(a: &'a [T], b: &'a [T]) -> (&'a [T], &'a [T]) {
    let first = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(first..).unwrap_or_default(), b.get(first..).unwrap_or_default());
    let last = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let but_last = |list: &'a [T]| list.get(..list.len() - last).unwrap_or_default();
    (but_last(a), but_last(b))
}

/// Whether enough words of a text are others. Where they stand does not count: a paragraph that moves is no news.
fn is_other_text(old: &str, new: &str) -> bool {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let (mut words_before, mut words_now) = (0, 0);
    for word in old.split_whitespace() {
        *counts.entry(word).or_default() -= 1;
        words_before += 1;
    }
    for word in new.split_whitespace() {
        *counts.entry(word).or_default() += 1;
        words_now += 1;
    }
    let sum = |sign: i64| counts.values().map(|count| (count * sign).max(0)).sum::<i64>();
    let others = usize::try_from(sum(1).max(sum(-1))).unwrap_or(usize::MAX);
    let all: usize = words_before.max(words_now);
    others > 0 && others * 100 >= all * OTHER_PERCENT && (others >= OTHER_WORDS || others * 2 >= all)
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn title(title: &str) -> Words {
        Words::of(title, "<p>The text.</p>", "")
    }

    fn text(text: &str) -> Words {
        Words::of("A title", text, "")
    }

    /// The table of `docs/edits.md`: old title, new title, whether readers are sent the item again.
    #[test]
    fn titles_matter_as_the_documentation_says() {
        let document = include_str!("../../../docs/edits.md");
        let mut examples = 0;
        for row in document.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let &[_, old, new, sent, ..] = cells.as_slice() else {
                continue;
            };
            let is_material = title(old).differ_materially(&title(new));
            assert_eq!(is_material, sent == "yes", "{old} -> {new}");
            examples += 1;
        }
        assert!(examples >= 24, "{examples} examples");
    }

    #[test]
    fn a_text_matters_from_ten_words_and_a_twentieth_on_or_when_half_of_it_is_another() {
        let words = |from: usize, to: usize| (from..to).map(|n| format!("word{n} ")).collect::<String>();
        let sent = |old: &str, new: &str| text(old).differ_materially(&text(new));
        assert!(!sent(&words(0, 100), &words(0, 109)), "nine more");
        assert!(sent(&words(0, 100), &words(0, 110)), "ten more");
        assert!(sent(&words(0, 110), &words(0, 100)), "ten less");
        assert!(sent(&words(0, 100), &words(10, 110)), "ten others");
        assert!(!sent(&words(0, 1000), &words(0, 1040)), "less than a twentieth");
        assert!(sent(&words(0, 1000), &words(0, 1060)));
        assert!(!sent(&words(0, 7), &words(0, 6)), "one of seven");
        assert!(sent("one two three four", "one two five six"), "a half");
        assert!(sent("", "one"));
        let moved = format!("{}{}", words(50, 100), words(0, 50));
        assert!(!sent(&words(0, 100), &moved), "moved");
    }

    #[test]
    fn an_item_without_a_title_is_judged_by_how_it_begins() {
        let flash = |text: &str| Words::of("", text, "");
        let long = "and a long text follows that says much more of what is known so far of all this";
        assert!(
            flash(&format!("12 dead in quake {long}")).differ_materially(&flash(&format!("15 dead in quake {long}")))
        );
        assert!(!flash(&format!("Quake {long} now")).differ_materially(&flash(&format!("Quake {long} then"))));
    }

    #[test]
    fn typography_is_no_other_word_and_a_digit_is() {
        let words = Words::of("«کتاب‌های» من", "<p>Hello, world</p>", "");
        assert_eq!(
            words.hash(),
            Words::of("\"كتابهاي\" من", "<div><b>Hello</b>  World!</div>", "").hash()
        );
        assert_ne!(
            words.hash(),
            Words::of("کتابهای من", "<p>Hello, world 2</p>", "").hash()
        );
        assert_ne!(Words::of("a", "b", "").hash(), Words::of("a b", "", "").hash());
    }
}
