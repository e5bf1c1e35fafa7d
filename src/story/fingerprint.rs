//! The marks of an item: a few of its runs of words, chosen so that two texts which share a passage share a mark.
//!
//! Winnowing (Schleimer, Wilkerson and Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003): of every
//! window of runs the one with the least hash is a mark. A passage of [`WINDOW`] runs that stands in two texts gives
//! both a common mark; of a longer one they have several. The beginning is marked more closely, for excerpts; the title has marks too, and
//! the whole has one.

use crate::model::story::share_enough;
use crate::story::passages::Passages;
use crate::story::titles::words;

/// Runs of a window: a text has about one mark for each half of it.
pub const WINDOW: usize = 64;
/// Runs of a window at the beginning of a text ...
const FINE_WINDOW: usize = 12;
/// ... which is so many runs long.
const BEGINNING: usize = 28;
/// Marks of one text; those of a longer one are of its beginning.
const MAX_MARKS: usize = 512;
/// Words of a text that say more than its title; shorter ones are known by their titles.
pub const MIN_WORDS: usize = 20;
/// Words of a part of a title.
const TITLE_RUN: usize = 3;
/// Marks of parts of one title.
const MAX_TITLE_MARKS: usize = 8;
/// Words at either end of a title that may be no part of it.
const MAX_ENDS: usize = 2;
/// Words of a title without its ends.
const MIN_TITLE_WORDS: usize = 4;

/// The marks of an item, each once, in rising order.
#[must_use]
pub fn marks(title: &str, html: &str) -> Vec<i32> {
    let text = Passages::of(html);
    let mut marks = text_marks(&text);
    if marks.iter().any(|mark| Some(mark) != marks.first()) {
        marks.push(whole_mark(&text));
    }
    marks.extend(title_marks(title, text.words < MIN_WORDS));
    marks.sort_unstable();
    marks.dedup();
    marks
}

/// Whether two items with these marks may be alike, where few others have them.
pub(super) fn may_be_like(one: &[i32], other: &[i32]) -> bool {
    let shared = one.iter().filter(|mark| other.contains(mark)).count();
    share_enough(shared, (one.len(), other.len()))
}

/// The marks of a text, in no order.
fn text_marks(text: &Passages) -> Vec<i32> {
    let beginning = text.runs.get(..BEGINNING).unwrap_or(&text.runs);
    let mut marks = Vec::with_capacity(text.runs.len() * 2 / WINDOW + 12);
    for (runs, window) in [(beginning, FINE_WINDOW), (&text.runs[..], WINDOW)] {
        winnow(runs, window, |run| marks.push(mark_of(run)));
        marks.truncate(MAX_MARKS);
    }
    marks
}

/// The whole of a text as one mark: copies find each other though most of them recurs over a feed.
fn whole_mark(text: &Passages) -> i32 {
    let whole = |sum: u64, run: &u64| (sum.rotate_left(5) ^ run).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = text.runs.iter().fold(0, whole);
    mark_of(sum ^ (sum >> 32))
}

/// A run as a mark.
#[must_use]
pub fn mark_of(run: u64) -> i32 {
    let [a, b, c, d, ..] = run.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// Of every window of runs the least, the last of equal ones; of fewer runs than a window the least of all.
fn winnow(runs: &[u64], window: usize, mut choose: impl FnMut(u64)) {
    let mut chosen: Option<(usize, u64)> = None;
    let last = runs.len().saturating_sub(window);
    for (from, frame) in (0..=last).zip(runs.windows(window.min(runs.len().max(1)))) {
        let newest = from + frame.len() - 1;
        let next = match chosen {
            // The former choice is still in the window: only what came in can be less.
            Some((at, least)) if at >= from => match frame.last() {
                Some(run) if *run <= least => (newest, *run),
                _ => continue,
            },
            _ => {
                let least = frame.iter().enumerate().rev().min_by_key(|(_, run)| **run);
                let Some((at, run)) = least else { return };
                (from + at, *run)
            }
        };
        chosen = Some(next);
        choose(next.1);
    }
}

/// The whole title in any order of its words. Of an item that has little else its parts too, and the title without words at its ends;
/// of others without what a colon or a dash parts from it: so "Urgent: " and the name of a site do not hide it.
fn title_marks(title: &str, is_all: bool) -> Vec<i32> {
    let whole = words(title);
    let mut marks: Vec<i32> = Vec::new();
    let mut titles = vec![whole.clone()];
    if is_all {
        let parts = whole.windows(TITLE_RUN).take(MAX_TITLE_MARKS);
        marks.extend(parts.map(|part| title_mark("part of title", part)));
        for ends in 1..=MAX_ENDS {
            let kept = whole.len().saturating_sub(ends);
            titles.extend(whole.get(ends..).map(<[String]>::to_vec));
            titles.extend(whole.get(..kept).map(<[String]>::to_vec));
        }
    } else {
        let parted = [title.split_once(": ").map(|(_, rest)| rest)];
        let dashes = [" - ", " | ", " – ", " — "].map(|dash| title.rsplit_once(dash).map(|(rest, _)| rest));
        titles.extend(parted.into_iter().chain(dashes).flatten().map(words));
    }
    for (at, mut words) in titles.into_iter().enumerate() {
        if words.len() >= if at == 0 { 2 } else { MIN_TITLE_WORDS } {
            words.sort_unstable();
            marks.push(title_mark("title", &words));
        }
    }
    marks
}

fn title_mark(kind: &str, words: &[String]) -> i32 {
    let mut said = String::with_capacity(128);
    said.push_str(kind);
    said.push(':');
    for word in words {
        said.push(' ');
        said.push_str(word);
    }
    mark_of(xxhash_rust::xxh3::xxh3_64(said.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::{WINDOW, marks, text_marks, winnow};
    use crate::story::passages::{Passages, RUN};

    fn text(from: usize, to: usize) -> String {
        (from..to).map(|n| format!("word{n} ")).collect()
    }

    #[test]
    fn every_window_has_its_least_run() {
        let runs: Vec<u64> = (0..500_u64).map(|n| (n * 7919) % 1009).collect();
        let mut chosen = Vec::new();
        winnow(&runs, 16, |run| chosen.push(run));
        for window in runs.windows(16) {
            assert!(chosen.contains(window.iter().min().unwrap()));
        }
        assert!(chosen.len() < runs.len() / 4, "{}", chosen.len());
        let mut few = Vec::new();
        winnow(&[5, 3, 9], 16, |run| few.push(run));
        assert_eq!(few, [3]);
        winnow(&[], 16, |_| panic!("nothing to choose"));
    }

    #[test]
    fn texts_that_share_a_passage_share_a_mark_wherever_it_stands() {
        let length = WINDOW + RUN - 1;
        for start in 0..200 {
            let one = text(0, 400);
            let other = format!(
                "{} {} {}",
                text(1000, 1077),
                text(start, start + length),
                text(2000, 2099)
            );
            let (one, other) = (text_marks(&Passages::of(&one)), text_marks(&Passages::of(&other)));
            assert!(one.iter().any(|mark| other.contains(mark)), "from word {start}");
        }
    }

    #[test]
    fn headlines_share_marks_whatever_their_tails() {
        let (one, other) = (
            marks("Three dead in a mine in the north", ""),
            marks("Three dead in a mine in the north - photos", ""),
        );
        assert!(one.iter().any(|mark| other.contains(mark)));
        let full = marks("Glass bridge at Tolm reopens to walkers", &text(0, 100));
        for title in [
            "BREAKING: Glass bridge at Tolm reopens to walkers",
            "Glass bridge at Tolm reopens to walkers | Photos",
        ] {
            let short = marks(title, "");
            assert!(short.iter().any(|mark| full.contains(mark)), "{title}");
        }
        let named = marks("Glass bridge at Tolm reopens to walkers - North Agency", &text(0, 100));
        let short = marks("Glass bridge at Tolm reopens to walkers", "");
        assert!(short.iter().any(|mark| named.contains(mark)));
        assert!(marks("", "").is_empty() && marks("", "<img src=\"https://a.example/x.png\">").is_empty());
    }

    #[test]
    fn one_word_repeated_has_one_mark_and_a_huge_text_not_more_than_others() {
        assert_eq!(marks("", &"spam ".repeat(10_000)).len(), 1);
        assert!(marks("", &text(0, 200_000)).len() <= 600);
    }
}
