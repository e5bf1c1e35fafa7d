//! The difference of two texts, word by word, for people who compare.

use std::time::Duration;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use crate::model::clock::deadline;

/// How long two texts are compared. What has not been compared by then counts as replaced.
const MAX_WORK: Duration = Duration::from_millis(500);
/// So many words are shown around what has changed.
const CONTEXT: usize = 8;

/// A run of words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// In both texts.
    Same(String),
    /// In the old text only.
    Removed(String),
    /// In the new text only.
    Added(String),
}

/// What stands before and after removed and added words.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    removed: (&'static str, &'static str),
    added: (&'static str, &'static str),
}

/// As wdiff marks them.
pub const PLAIN: Marks = Marks {
    removed: ("[-", "-]"),
    added: ("{+", "+}"),
};

/// Red and struck out, green and underlined, on a terminal.
pub const COLOURED: Marks = Marks {
    removed: ("\u{1b}[31;9m", "\u{1b}[0m"),
    added: ("\u{1b}[32;4m", "\u{1b}[0m"),
};

/// Compares two texts, word by word.
#[must_use]
pub fn word_diff(old: &str, new: &str) -> Vec<Piece> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_whitespace().collect(), new.split_whitespace().collect());
    let run = |words: &[&str], from: usize, count: usize| words.get(from..from + count).unwrap_or_default().join(" ");
    let mut pieces = Vec::new();
    for op in capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(deadline(MAX_WORK))) {
        let (was, is) = (op.old_range(), op.new_range());
        if let DiffOp::Equal { .. } = op {
            pieces.push(Piece::Same(run(&old, was.start, was.len())));
            continue;
        }
        if !was.is_empty() {
            pieces.push(Piece::Removed(run(&old, was.start, was.len())));
        }
        if !is.is_empty() {
            pieces.push(Piece::Added(run(&new, is.start, is.len())));
        }
    }
    pieces
}

/// Whether nothing was removed or added.
#[must_use]
pub fn is_same(pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| matches!(piece, Piece::Same(_)))
}

/// Writes a difference in one line; of long runs that are the same, what stands beside a change is left.
#[must_use]
pub fn marked(pieces: &[Piece], marks: Marks) -> String {
    let last = pieces.len().saturating_sub(1);
    let between = |(before, after): (&str, &str), words: &str| format!("{before}{words}{after}");
    let written = pieces.iter().enumerate().map(|(at, piece)| match piece {
        Piece::Same(words) => near(words, at > 0, at < last),
        Piece::Removed(words) => between(marks.removed, words),
        Piece::Added(words) => between(marks.added, words),
    });
    written.collect::<Vec<_>>().join(" ")
}

/// The words of a run that stand near a change before or behind it.
fn near(words: &str, is_behind: bool, is_before: bool) -> String {
    let list: Vec<&str> = words.split(' ').collect();
    let (head, tail) = (if is_behind { CONTEXT } else { 0 }, if is_before { CONTEXT } else { 0 });
    if list.len() <= head + tail + 1 {
        return words.to_owned();
    }
    let head = list.get(..head).unwrap_or_default();
    let tail = list.get(list.len() - tail..).unwrap_or_default();
    [head, &["…"], tail].concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{COLOURED, PLAIN, Piece, is_same, marked, word_diff};

    #[test]
    fn words_are_marked_as_wdiff_does() {
        let diff = word_diff("12 dead in the quake", "15 dead in quake, officials say");
        assert_eq!(
            marked(&diff, PLAIN),
            "[-12-] {+15+} dead in [-the quake-] {+quake, officials say+}"
        );
        let coloured = marked(&word_diff("a b", "a c"), COLOURED);
        assert_eq!(coloured, "a \u{1b}[31;9mb\u{1b}[0m \u{1b}[32;4mc\u{1b}[0m");
        assert_eq!(
            marked(&word_diff("۱۲ کشته در زلزله", "۱۵ کشته در زلزله"), PLAIN),
            "[-۱۲-] {+۱۵+} کشته در زلزله"
        );
    }

    #[test]
    fn a_difference_gives_both_texts_back() {
        let (old, new) = ("a b c d e f", "b x d e y z");
        let diff = word_diff(old, new);
        let side = |drop: fn(&Piece) -> bool| {
            let words = diff.iter().filter(|piece| !drop(piece)).map(|piece| match piece {
                Piece::Same(words) | Piece::Removed(words) | Piece::Added(words) => words.as_str(),
            });
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(side(|piece| matches!(piece, Piece::Added(_))), old);
        assert_eq!(side(|piece| matches!(piece, Piece::Removed(_))), new);
        assert!(!is_same(&diff) && is_same(&word_diff(old, old)) && is_same(&word_diff("", " ")));
    }

    #[test]
    fn of_what_is_the_same_only_the_neighbourhood_is_shown() {
        let words = |from: usize, to: usize| (from..to).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
        let (old, new) = (
            format!("{} old {}", words(0, 40), words(40, 80)),
            format!("{} new {} more", words(0, 40), words(40, 80)),
        );
        assert_eq!(
            marked(&word_diff(&old, &new), PLAIN),
            format!(
                "… {} [-old-] {{+new+}} {} … {} {{+more+}}",
                words(32, 40),
                words(40, 48),
                words(72, 80)
            )
        );
    }

    #[test]
    fn texts_of_megabytes_with_nothing_in_common_are_compared_in_bounded_time() {
        let text = |mark: &str| {
            (0..400_000_u64)
                .map(|n| format!("{mark}{} ", n * 7919 % 100_003))
                .collect::<String>()
        };
        let (old, new) = (text("a"), text("b"));
        let removed = |diff: &[Piece]| diff.iter().filter(|piece| matches!(piece, Piece::Removed(_))).count();
        assert!(removed(&word_diff(&old, &new)) > 0);
    }
}
