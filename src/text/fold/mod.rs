//! Text folded for comparing and searching, never for showing: what a reader of Persian, Arabic or Latin script takes for the same
//! word becomes the same word.
//!
//! - Persian and Arabic: ي, ى and ئ are ی; ك is ک; ة, ۀ, هٔ and the ه of other keyboards are ه; أ, إ, آ and ٱ are ا; ؤ is و; ء by itself,
//!   tatweel and harakat vanish. Presentation forms are their letters, ﻻ two of them.
//! - ZWNJ, ZWJ, direction marks and soft hyphens vanish: «کتاب‌ها» is «کتابها». Where a ی for the izafe hangs on a ه by a ZWNJ,
//!   it goes with it: «خانه‌ی» is «خانه», as «خانهٔ» and «خانۀ» are; «خانه‌ای» is «خانهای».
//! - Digits of Persian and Arabic are ASCII.
//! - Latin: small letters without accents, ß is ss, ø o, ł l, đ d, æ ae; İ and ı are i. Full-width forms and ligatures are their letters.
//!   Greek loses its accents too; of Cyrillic only ё becomes е, since й and ї are letters of their own.
//! - An apostrophe parts nothing (`don't` is `dont`); a hyphen does, as all other punctuation.
//! - Of scripts that write no spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer) each character is a word: a word is found in a run
//!   as the phrase of its characters.

pub mod excerpt;
mod letters;
pub mod query;
mod run;
mod scan;

use std::ops::Range;

use crate::text::fold::scan::scan;

/// Folds a text; words are parted by single spaces.
///
/// ```
/// use tidings::text::fold::fold;
/// assert_eq!(fold("كتاب‌هاي ١٢۳, Café — don’t"), "کتابهای 123 cafe dont");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    joined(text, false)
}

/// Folds the words of sanitised HTML, as [`fold`] does those of its text, in one pass.
#[must_use]
pub fn fold_html(clean: &str) -> String {
    joined(clean, true)
}

/// Gives each folded word of a text.
pub fn each_word(text: &str, mut visit: impl FnMut(&str)) {
    scan(text, false, |word, _| visit(word));
}

/// Gives each folded word of sanitised HTML. Tags of blocks part words, those within a line do not.
pub fn each_word_of_html(clean: &str, mut visit: impl FnMut(&str)) {
    scan(clean, true, |word, _| visit(word));
}

/// Gives each folded word of a text, and where it stands in it.
fn each_place(text: &str, visit: impl FnMut(&str, Range<usize>)) {
    scan(text, false, visit);
}

fn joined(text: &str, is_html: bool) -> String {
    let mut folded = String::with_capacity(text.len());
    scan(text, is_html, |word, _| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    });
    folded
}

/// Whether `needle` stands in `haystack` as whole words; both folded.
#[must_use]
pub fn has_words(haystack: &str, needle: &str) -> bool {
    !needle.is_empty()
        && haystack.match_indices(needle).any(|(at, _)| {
            let before = haystack.get(..at).is_some_and(|s| s.is_empty() || s.ends_with(' '));
            let after = haystack
                .get(at + needle.len()..)
                .is_some_and(|s| s.is_empty() || s.starts_with(' '));
            before && after
        })
}

#[cfg(test)]
mod tests;
