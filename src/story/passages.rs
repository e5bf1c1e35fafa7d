//! A text as runs of words, by which it is found in other texts whatever stands around it.
//!
//! Words are folded, so that typography does not count; a run is [`RUN`] words in a row, as a 64-bit hash that is the same in every
//! version of this program: marks of it are stored.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use crate::text::fold::each_word_of_html;

/// Words of a run: short enough to stand between two edits, long enough that two texts do not share one by chance.
pub const RUN: usize = 5;
/// Parts of Persian words that some part from them by a space, some by a joiner, and some not at all: they belong to the next word ...
const PREFIXES: [&str; 2] = ["می", "نمی"];
/// ... or to the one before.
const SUFFIXES: [&str; 9] = ["ها", "های", "هایی", "هایش", "تر", "ترین", "ای", "اند", "ام"];
/// Words that are read of one text.
const MAX_WORDS: usize = 50_000;

/// A set of runs.
pub type Runs = HashSet<u64, BuildHasherDefault<RunHasher>>;

/// Runs are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub struct RunHasher(u64);

impl Hasher for RunHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, run: u64) {
        self.0 = run;
    }
}

/// The runs of a text in its order: the one at `n` begins with word `n`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passages {
    /// The hash of each run.
    pub runs: Vec<u64>,
    /// Words of the text.
    pub words: usize,
}

impl Passages {
    /// The runs of sanitised HTML.
    #[must_use]
    pub fn of(html: &str) -> Self {
        let (mut hashes, mut word) = (Vec::with_capacity(html.len() / 8), String::new());
        each_word_of_html(html, |part| {
            let is_latin = part.as_bytes().first().is_some_and(u8::is_ascii);
            if !word.is_empty() && (is_latin || !(PREFIXES.contains(&word.as_str()) || SUFFIXES.contains(&part))) {
                hashes.push(xxh3_64(word.as_bytes()));
                word.clear();
            }
            if is_latin && word.is_empty() {
                hashes.push(xxh3_64(part.as_bytes()));
            } else {
                word.push_str(part);
            }
        });
        if !word.is_empty() {
            hashes.push(xxh3_64(word.as_bytes()));
        }
        hashes.truncate(MAX_WORDS);
        let run = |words: &[u64]| mixed(words.iter().fold(0, |sum: u64, word| sum.rotate_left(11) ^ word));
        Self {
            runs: hashes.windows(RUN).map(run).collect(),
            words: hashes.len(),
        }
    }
}

/// The finish of `MurmurHash3`: each bit of the sum counts for each bit of the hash.
fn mixed(sum: u64) -> u64 {
    let sum = (sum ^ (sum >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let sum = (sum ^ (sum >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    sum ^ (sum >> 33)
}

/// A part of all, from 0 to 1.
pub(super) fn ratio(part: usize, all: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { number(part) / number(all) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::{Passages, RUN};

    #[test]
    fn typography_and_markup_do_not_count() {
        let plain = Passages::of("The talks of Sunday's round went on, said the minister.");
        assert_eq!(
            plain,
            Passages::of("<p>The <b>talks</b> of SUNDAY\u{2019}S round</p><p>went on said the minister</p>")
        );
        assert_eq!(
            Passages::of("كتاب‌هاي تازه در نمايشگاه امسال"),
            Passages::of("کتابهای تازه در نمایشگاه امسال")
        );
    }

    #[test]
    fn a_run_is_found_wherever_it_stands_and_its_order_counts() {
        let (short, long) = (Passages::of("a b c d e"), Passages::of("x y a b c d e z"));
        assert_eq!((short.runs.len(), long.runs.len(), long.words), (1, 8 - RUN + 1, 8));
        assert!(long.runs.contains(&short.runs[0]));
        assert!(!Passages::of("b a c d e").runs.contains(&short.runs[0]));
        assert!(Passages::of("too short a text").runs.is_empty());
    }
}
