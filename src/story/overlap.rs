//! How two texts overlap: what of one stands in the other, where, and what each has of its own.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use crate::model::story::Telling;
use crate::story::fingerprint::MIN_WORDS;
use crate::story::passages::{Passages, RUN, Runs, ratio};
use crate::story::titles;
use crate::text::canonical_url::cited::cited;
use crate::text::html::links::links_in;
use crate::text::html::quoted::block_quotations;

/// Words of a long piece: patterns of reports share short ones.
const LONG_PIECE: usize = 16;
/// Words of a comment within a text that is quoted.
pub(super) const COMMENT: usize = 8;

/// An item as it is compared.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) telling: &'a Telling,
    pub(super) title: Vec<String>,
    text: Passages,
    /// Its runs, without those that recur over its feed.
    runs: Runs,
    /// Those of them that stand in its block quotations.
    quoted: Runs,
    /// By word, whether it belongs to a run that recurs.
    recurring: Vec<bool>,
    /// What it links to, in canonical form; most are never asked for it.
    links: OnceCell<HashSet<String>>,
}

/// How two texts overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Overlap {
    /// How much of the first stands in the second, and the other way round, from 0 to 1.
    pub(super) shares: (f64, f64),
    /// Words of each that the other has not.
    pub(super) own: (usize, usize),
    /// Of these, words before the first that are shared.
    pub(super) lead: (usize, usize),
    /// Of these, words behind the last that is shared.
    pub(super) tail: (usize, usize),
    /// Pieces of its own that stand between shared ones.
    pub(super) between: (usize, usize),
    /// How much of the one that shares more of its words stands in the other in long pieces, from 0 to 1.
    pub(super) long: f64,
    /// How much of the first stands in block quotations of the second, and the other way round, from 0 to 1.
    pub(super) quoted: (f64, f64),
    /// How much of the shorter is other words at the same places, from 0 to 1.
    pub(super) substituted: f64,
}

impl<'a> Said<'a> {
    /// What an item says; `recurring` are runs that recur over its feed.
    pub(super) fn new(telling: &'a Telling, recurring: &HashSet<u64>) -> Self {
        let text = Passages::of(&telling.html);
        let mut is_recurring = vec![false; text.words];
        let mut runs = Runs::with_capacity_and_hasher(text.runs.len(), BuildHasherDefault::default());
        for (at, run) in text.runs.iter().enumerate() {
            if recurring.contains(run) {
                cover(&mut is_recurring, at);
            } else {
                runs.insert(*run);
            }
        }
        let quoted = Passages::of(&block_quotations(&telling.html)).runs;
        Self {
            quoted: quoted.into_iter().filter(|run| runs.contains(run)).collect(),
            title: titles::words(&telling.title),
            telling,
            text,
            runs,
            recurring: is_recurring,
            links: OnceCell::new(),
        }
    }

    /// Its runs, each once.
    pub(super) fn runs(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().copied()
    }

    /// Words that are its own feed's alone to say.
    pub(super) fn words(&self) -> usize {
        self.recurring.iter().filter(|recurs| !**recurs).count()
    }

    /// Whether it has a text, and another has the same word by word, whatever of it recurs.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        self.text.words >= MIN_WORDS && self.text == other.text
    }

    pub(super) fn is_short(&self) -> bool {
        self.words() < MIN_WORDS
    }

    /// Whether it links to another item.
    pub(super) fn cites(&self, other: &Self) -> bool {
        let link = &other.telling.canonical_link;
        !link.is_empty() && *link != self.telling.canonical_link && self.links().contains(link)
    }

    fn links(&self) -> &HashSet<String> {
        self.links.get_or_init(|| {
            let cited = cited(links_in(&self.telling.html).iter().map(String::as_str));
            cited.into_iter().map(|cited| cited.canonical).collect()
        })
    }

    /// Whether two items have one link in canonical form.
    pub(super) fn has_link_of(&self, other: &Self) -> bool {
        let link = &self.telling.canonical_link;
        !link.is_empty() && *link == other.telling.canonical_link
    }

    /// What of it stands in another.
    fn covered_by(&self, other: &Self) -> Covered {
        let mut shared = vec![false; self.text.words];
        for (at, run) in self.text.runs.iter().enumerate() {
            if other.runs.contains(run) && self.runs.contains(run) {
                cover(&mut shared, at);
            }
        }
        let (mut covered, mut own, mut lead) = (0, 0, None);
        for (recurs, shared) in self.recurring.iter().zip(&shared) {
            match (recurs, shared) {
                (_, true) => {
                    covered += 1;
                    lead = lead.or(Some(own));
                }
                (false, false) => own += 1,
                (true, false) => {}
            }
        }
        let pieces = shared
            .chunk_by(|a, b| a == b)
            .filter(|piece| piece.first() == Some(&true));
        let long: usize = pieces.map(<[bool]>::len).filter(|words| *words >= LONG_PIECE).sum();
        let mut quoted = vec![false; self.text.words];
        let is_quoted = |run: &u64| other.quoted.contains(run) && self.runs.contains(run);
        for (at, _) in self.text.runs.iter().enumerate().filter(|(_, run)| is_quoted(run)) {
            cover(&mut quoted, at);
        }
        Covered {
            quoted: ratio(quoted.iter().filter(|quoted| **quoted).count(), covered + own),
            share: ratio(covered, covered + own),
            own,
            lead: lead.unwrap_or(own),
            long: ratio(long, covered + own),
            shared,
        }
    }
}

/// What of one text stands in another.
struct Covered {
    /// How much of it, from 0 to 1.
    share: f64,
    /// How much of it stands in block quotations there.
    quoted: f64,
    /// Words that do not.
    own: usize,
    /// Those of them before the first that does.
    lead: usize,
    /// How much of it stands there in long pieces.
    long: f64,
    /// By word, whether it does.
    shared: Vec<bool>,
}

impl Covered {
    /// Words of its own behind the last that is shared.
    fn tail(&self) -> usize {
        self.shared.iter().rev().take_while(|shared| !**shared).count()
    }

    /// Pieces of its own between shared ones, of some length.
    fn between(&self) -> usize {
        let pieces: Vec<&[bool]> = self.shared.chunk_by(|a, b| a == b).collect();
        let inner = pieces.get(1..pieces.len().saturating_sub(1)).unwrap_or_default();
        let is_comment = |piece: &&&[bool]| piece.first() == Some(&false) && piece.len() >= COMMENT;
        inner.iter().filter(is_comment).count()
    }
}

fn cover(words: &mut [bool], run: usize) {
    words.iter_mut().skip(run).take(RUN).for_each(|word| *word = true);
}

/// How the texts of two items overlap.
pub(super) fn overlap(one: &Said<'_>, other: &Said<'_>) -> Overlap {
    let (a, b) = (one.covered_by(other), other.covered_by(one));
    let substituted = a.lead.min(b.lead) + substituted((one, &a), (other, &b));
    Overlap {
        shares: (a.share, b.share),
        own: (a.own, b.own),
        lead: (a.lead, b.lead),
        tail: (a.tail(), b.tail()),
        between: (a.between(), b.between()),
        quoted: (a.quoted, b.quoted),
        long: if a.share >= b.share { a.long } else { b.long },
        substituted: ratio(substituted, one.words().min(other.words())),
    }
}

/// Words that stand in the place of others: what both have of their own behind the same shared piece, the less of both.
fn substituted((one, a): (&Said<'_>, &Covered), (other, b): (&Said<'_>, &Covered)) -> usize {
    let places: HashMap<u64, usize> = other.text.runs.iter().enumerate().map(|(at, run)| (*run, at)).collect();
    let own_from = |covered: &Covered, from: usize| {
        let rest = covered.shared.get(from..).unwrap_or_default();
        let own = rest.iter().take_while(|shared| !**shared).count();
        // What ends a text stands in no other's place.
        if own == rest.len() { 0 } else { own }
    };
    let ends = a
        .shared
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| **pair == [true, false]);
    let gaps = ends.filter_map(|(at, _)| {
        let run = one.text.runs.get((at + 1).checked_sub(RUN)?)?;
        Some(own_from(a, at + 1).min(own_from(b, places.get(run)? + RUN)))
    });
    gaps.sum()
}
