//! Whether two items tell one story, or one quotes the other. Pure: what both say goes in, how they belong together comes out, the
//! same whichever came first.
//!
//! The rule, in order:
//! 1. One link in two feeds is one story, unless both have texts or titles that have nothing in common in a feed where that link stands
//!    for several items.
//! 2. Texts: how many words of each stand in runs that the other has too, what recurs over their feeds left out. Nearly all of both:
//!    one story. Most of one: a quotation where the other has much of its own before or around it or links to the first, else an
//!    excerpt or an update: one story.
//! 3. Of two items of which one has little text: titles of the same words, with the same numbers, within hours, in feeds of one group.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use crate::model::feed::FeedId;
use crate::model::story::{Comparison, Telling, Tie, TieKind};
use crate::story::fingerprint::MIN_WORDS;
use crate::story::passages::{Passages, RUN, Runs};
use crate::text::canonical_url::cited::cited;
use crate::text::fold::fold;
use crate::text::html::links::links_in;

/// Nearly all of a text.
const NEARLY_ALL: f64 = 0.8;
/// The same within one feed.
const NEARLY_ALL_WITHIN: f64 = 0.9;
/// Most of a text.
const MOST: f64 = 0.5;
/// Much of one's own: so many words, or ...
const OWN_WORDS: usize = 60;
/// ... this share of the text, if it is ...
const OWN_SHARE: f64 = 0.25;
/// ... so many words.
const OWN_WORDS_OF_SHORT: usize = 30;
/// Words of one's own before what is shared that make it a quotation.
const LEAD: usize = 20;
/// Titles that are alike: words of both, of the words of either.
const ALIKE: f64 = 0.6;
/// Titles of a report and of its update.
pub const RELATED: f64 = 0.3;
/// How much of a text an update keeps.
const MOST_OF_UPDATE: f64 = 0.6;
/// Updates come within this time.
const UPDATE_SECONDS: i64 = 36 * 3600;
/// Words of a long piece: patterns of reports share short ones.
const LONG_PIECE: usize = 16;
/// How much of a text that is issued again stands there in long pieces.
const LONG_OF_REISSUE: f64 = 0.75;
/// How much of a text may be other words at the same places where one is an update of the other.
const SUBSTITUTED: f64 = 0.08;
/// Titles of a report and of the same under a new lead, in two feeds.
const NEW_LEAD_TITLES: f64 = 0.25;
/// Words of a comment within a text that is quoted ...
const COMMENT: usize = 8;
/// ... and how many of these make it a quotation.
const COMMENTS: usize = 3;
/// Words that tell one of a series from the others, as numbers do: days and months.
const DATES: [&str; 38] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "شنبه",
    "یکشنبه",
    "دوشنبه",
    "سهشنبه",
    "چهارشنبه",
    "پنجشنبه",
    "جمعه",
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "ابان",
    "اذر",
    "دی",
    "بهمن",
    "اسفند",
];
/// How much of the longer of two headlines the shorter is.
const MOST_OF_HEADLINE: f64 = 0.7;
/// Words of a headline that names one story.
const HEADLINE_WORDS: usize = 4;
/// Headlines of one story come within this time.
const HEADLINE_SECONDS: i64 = 12 * 3600;
/// Items further apart than this have nothing to do with each other, unless their link is the same.
const WINDOW_SECONDS: i64 = 30 * 86_400;

/// An item as it is compared.
#[derive(Debug)]
struct Said<'a> {
    telling: &'a Telling,
    title: Vec<String>,
    text: Passages,
    /// Its runs, without those that recur over its feed.
    runs: Runs,
    /// By word, whether it belongs to a run that recurs.
    recurring: Vec<bool>,
    /// What it links to, in canonical form.
    links: HashSet<String>,
}

/// How two texts overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Overlap {
    /// How much of the first stands in the second, and the other way round, from 0 to 1.
    shares: (f64, f64),
    /// Words of each that the other has not.
    own: (usize, usize),
    /// Of these, words before the first that are shared.
    lead: (usize, usize),
    /// Of these, words behind the last that is shared.
    tail: (usize, usize),
    /// Pieces of its own that stand between shared ones.
    between: (usize, usize),
    /// How much of the one that shares more of its words stands in the other in long pieces, from 0 to 1.
    long: f64,
    /// How much of the shorter is other words at the same places, from 0 to 1.
    substituted: f64,
}

impl<'a> Said<'a> {
    /// What an item says; `recurring` are runs that recur over its feed.
    fn new(telling: &'a Telling, recurring: &HashSet<u64>) -> Self {
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
        Self {
            title: words(&telling.title),
            telling,
            text,
            runs,
            recurring: is_recurring,
            links: cited(links_in(&telling.html).iter().map(String::as_str))
                .into_iter()
                .map(|cited| cited.canonical)
                .collect(),
        }
    }

    /// Words that are its own feed's alone to say.
    fn words(&self) -> usize {
        self.recurring.iter().filter(|recurs| !**recurs).count()
    }

    fn is_short(&self) -> bool {
        self.words() < MIN_WORDS
    }

    /// Whether both have one headline, but for what only one has before or after it, which is no number.
    fn has_headline_of(&self, other: &Self) -> bool {
        let (a, b) = (self.title.concat(), other.title.concat());
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        let Some((before, after)) = long.split_once(&short).filter(|_| !short.is_empty()) else {
            return false;
        };
        let has_number = |text: &str| text.chars().any(|c| c.is_ascii_digit());
        self.title.len().min(other.title.len()) >= HEADLINE_WORDS
            && ratio(short.len(), long.len()) >= MOST_OF_HEADLINE
            && !has_number(before)
            && !has_number(after)
    }

    /// Whether it links to another item.
    fn cites(&self, other: &Self) -> bool {
        let link = &other.telling.canonical_link;
        !link.is_empty() && *link != self.telling.canonical_link && self.links.contains(link)
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
        Covered {
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
fn overlap(one: &Said<'_>, other: &Said<'_>) -> Overlap {
    let (a, b) = (one.covered_by(other), other.covered_by(one));
    let substituted = a.lead.min(b.lead) + substituted((one, &a), (other, &b));
    Overlap {
        shares: (a.share, b.share),
        own: (a.own, b.own),
        lead: (a.lead, b.lead),
        tail: (a.tail(), b.tail()),
        between: (a.between(), b.between()),
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

/// An item compared with others; `recurring` are the runs that recur over feeds.
#[must_use]
pub fn compare(telling: &Telling, others: &[Telling], recurring: &HashMap<FeedId, HashSet<u64>>) -> Vec<Comparison> {
    let nothing = HashSet::new();
    let runs = |feed: &FeedId| recurring.get(feed).unwrap_or(&nothing);
    let one = Said::new(telling, runs(&telling.feed));
    let compared = |other: &Telling| comparison(&one, &Said::new(other, runs(&other.feed)));
    others.iter().map(compared).collect()
}

fn comparison(one: &Said<'_>, other: &Said<'_>) -> Comparison {
    let overlap = overlap(one, other);
    Comparison {
        other: other.telling.item,
        shares: overlap.shares,
        own: overlap.own,
        titles: likeness(&one.title, &other.title),
        tie: tie(one, other, &overlap),
    }
}

/// How two items belong together; None: not at all, or not so that anything is done about it.
fn tie(one: &Said<'_>, other: &Said<'_>, overlap: &Overlap) -> Option<Tie> {
    let cites = (one.cites(other), other.cites(one));
    let (kind, rule) = relation(one, other, overlap, cites)?;
    // The one that quotes comes first: the one of which less stands in the other. Of two that tell one story, the one that links to
    // the other; that both do says nothing.
    let is_turned = match kind {
        TieKind::Quotes => overlap.shares.0 > overlap.shares.1,
        TieKind::Same => cites.1,
    };
    let cites = if kind == TieKind::Same && cites.0 == cites.1 {
        (false, false)
    } else {
        cites
    };
    let (item, other, back, share, cites) = if is_turned {
        (other, one, overlap.shares.1, overlap.shares.0, cites.1)
    } else {
        (one, other, overlap.shares.0, overlap.shares.1, cites.0)
    };
    Some(Tie {
        item: item.telling.item,
        other: other.telling.item,
        kind,
        rule,
        share,
        back,
        cites,
    })
}

fn relation(
    one: &Said<'_>,
    other: &Said<'_>,
    overlap: &Overlap,
    cites: (bool, bool),
) -> Option<(TieKind, &'static str)> {
    let (a, b) = (one.telling, other.telling);
    let is_one_feed = a.feed == b.feed;
    let is_one_link = !a.canonical_link.is_empty() && a.canonical_link == b.canonical_link;
    let titles = likeness(&one.title, &other.title);
    let is_shared = a.shares_link || b.shares_link;
    if is_one_link && !is_one_feed && (!is_shared || titles >= MOST || overlap.shares.0.max(overlap.shares.1) >= MOST) {
        return Some((TieKind::Same, "the same link"));
    }
    let apart = (a.at.as_second() - b.at.as_second()).abs();
    if apart > WINDOW_SECONDS {
        return None;
    }
    if one.is_short() || other.is_short() {
        let is_one_group = !a.group.is_empty() && a.group == b.group;
        let is_same = is_one_group && !is_one_feed && apart <= HEADLINE_SECONDS && one.has_headline_of(other);
        return is_same.then_some((TieKind::Same, "the same headline within hours"));
    }
    let (shares, own, lead) = (overlap.shares, overlap.own, overlap.lead);
    let are_nearly_the_same = shares.0.min(shares.1) >= NEARLY_ALL;
    if is_one_feed {
        return within_a_feed(one, other, overlap, titles).map(|rule| (TieKind::Same, rule));
    }
    if are_nearly_the_same {
        return Some((TieKind::Same, "nearly the same text"));
    }
    // From here on one stands in the other, which is the longer of both.
    let is_first_in_other = shares.0 >= shares.1;
    let of_longer = |pair: (usize, usize)| if is_first_in_other { pair.1 } else { pair.0 };
    let (share, words, cited) = if is_first_in_other {
        (shares.0, other.words(), cites.1)
    } else {
        (shares.1, one.words(), cites.0)
    };
    let own = of_longer(own);
    if share < MOST {
        return None;
    }
    let has_much = own >= OWN_WORDS || own >= OWN_WORDS_OF_SHORT && ratio(own, words) >= OWN_SHARE;
    if cited && has_much {
        return Some((TieKind::Quotes, "most of its text, with a link to it"));
    }
    if titles >= ALIKE {
        return Some((TieKind::Same, "most of the text under a like title"));
    }
    if has_much && share >= NEARLY_ALL && of_longer(lead) >= COMMENT && of_longer(overlap.between) >= COMMENTS {
        return Some((TieKind::Quotes, "nearly all of its text between comments"));
    }
    if lead.0.max(lead.1) < LEAD {
        return (share >= MOST_OF_UPDATE).then_some((TieKind::Same, "most of the text from the beginning on"));
    }
    let is_led_anew = own.saturating_sub(of_longer(lead)) < LEAD && of_longer(overlap.tail) < LEAD;
    if is_led_anew && titles >= NEW_LEAD_TITLES && share >= MOST_OF_UPDATE {
        return Some((TieKind::Same, "most of the text under a new lead and a related title"));
    }
    if has_much {
        return Some((TieKind::Quotes, "most of its text after words of its own"));
    }
    (share >= NEARLY_ALL).then_some((TieKind::Same, "nearly all of the text and little else"))
}

/// Items of one feed are told apart by it already: most that are alike are of one series, letters with one signature or reports of one
/// pattern, and only updates and new issues of a report are the same.
fn within_a_feed(one: &Said<'_>, other: &Said<'_>, overlap: &Overlap, titles: f64) -> Option<&'static str> {
    let (a, b) = (one.telling, other.telling);
    let (most, least) = (
        overlap.shares.0.max(overlap.shares.1),
        overlap.shares.0.min(overlap.shares.1),
    );
    let is_one_link = !a.canonical_link.is_empty() && a.canonical_link == b.canonical_link;
    let is_near = (a.at.as_second() - b.at.as_second()).abs() <= UPDATE_SECONDS;
    let is_one_title = numbers(&one.title) == numbers(&other.title);
    if is_one_link && most >= MOST_OF_UPDATE && overlap.long >= MOST {
        return Some("an update at the same link");
    }
    if titles >= ALIKE && is_one_title && least >= NEARLY_ALL_WITHIN && overlap.substituted <= SUBSTITUTED {
        return Some("nearly the same text under a like title");
    }
    // Who is updated keeps its beginning, here or there; reports of one pattern have other words at the same places.
    if !is_near || overlap.lead.0.min(overlap.lead.1) >= LEAD || overlap.substituted > SUBSTITUTED {
        return None;
    }
    if titles >= RELATED && is_one_title && most >= MOST_OF_UPDATE && overlap.long >= MOST {
        return Some("an update of the same feed");
    }
    let is_long = one.words().min(other.words()) >= OWN_WORDS;
    let is_reissued = is_long && most >= NEARLY_ALL && least >= MOST_OF_UPDATE && overlap.long >= LONG_OF_REISSUE;
    is_reissued.then_some("issued again by the same feed")
}

/// The numbers of a title, with its days and months, in one order.
#[must_use]
pub fn numbers(title: &[String]) -> Vec<&String> {
    let is_one = |word: &&String| DATES.contains(&word.as_str()) || word.chars().any(|c| c.is_ascii_digit());
    let mut numbers: Vec<&String> = title.iter().filter(is_one).collect();
    numbers.sort_unstable();
    numbers
}

/// The folded words of a title.
#[must_use]
pub fn words(title: &str) -> Vec<String> {
    let folded = fold(title);
    let words = folded.split(' ').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Words of both titles, of those of the longer, from 0 to 1.
#[must_use]
pub fn likeness(one: &[String], other: &[String]) -> f64 {
    let (a, b): (HashSet<&String>, HashSet<&String>) = (one.iter().collect(), other.iter().collect());
    let both = a.intersection(&b).count();
    ratio(both, a.len().max(b.len()))
}

fn ratio(part: usize, all: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if all == 0 { 0.0 } else { number(part) / number(all) }
}
