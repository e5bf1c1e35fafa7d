//! Whether two items tell one story, or one quotes the other. Pure: what both say goes in, how they belong together comes out, the
//! same whichever came first.
//!
//! The rule, in order:
//! 1. One link in two feeds is one story, unless both have texts or titles that have nothing in common, and the link stands for several
//!    items of a feed or what looked like a session in it differs. Where texts have nothing in common, it ties the less.
//! 2. Reports of one pattern are none, whatever they share.
//! 3. Texts: how many words of each stand in runs that the other has too, what recurs over their feeds left out. Nearly all of both:
//!    one story. Most of one: a quotation where the other has much of its own before or around it or links to the first, else an
//!    excerpt or an update: one story.
//! 4. Of two items of which one has little text: copies word by word; titles of the same words, with the same numbers, within hours, in feeds of one group.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::model::feed::FeedId;
use crate::model::story::{Comparison, Telling, Tie, TieKind};
use crate::story::overlap::{COMMENT, Overlap, Said, overlap};
use crate::story::passages::ratio;
use crate::story::titles::{are_one_headline, dates, likeness, numbers, without_numbers};
use crate::text::canonical_url::may_be_two_pages;

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
const RELATED: f64 = 0.3;
/// How much of a text an update keeps.
const MOST_OF_UPDATE: f64 = 0.6;
/// Updates come within this time.
const UPDATE_SECONDS: i64 = 36 * 3600;
/// How much of a text that is issued again stands there in long pieces.
const LONG_OF_REISSUE: f64 = 0.75;
/// How much of a text may be other words at the same places where one is an update of the other.
const SUBSTITUTED: f64 = 0.08;
/// The same in two feeds under titles with other numbers or days.
const SUBSTITUTED_WITH_NUMBERS: f64 = 0.04;
/// How much of the titles of a pattern is the same, but for their numbers ...
const PATTERN_TITLES: f64 = 0.75;
/// ... and how far apart they are where all of it is.
const PATTERN_SECONDS: i64 = 18 * 3600;
/// Most of a text that is quoted without a link: two reports may have the same half as their background.
const MOST_OF_QUOTED: f64 = 0.55;
/// Some of a text.
const SOME: f64 = 0.1;
/// One link, and texts and titles that have nothing to do with each other: this ties no two stories that are more than one item each.
const ONLY_LINK: &str = "the same link alone";
/// Words of a copy that recur over no feed.
const OWN_WORDS_OF_COPY: usize = 4;
/// How much of a column is its own, where it begins with what it reprints.
const MOSTLY_OWN: f64 = 0.5;
/// Titles of a report and of the same under a new lead, in two feeds.
const NEW_LEAD_TITLES: f64 = 0.25;
/// Comments within a text that make it a quotation of what stands between them.
const COMMENTS: usize = 3;
/// Headlines of one story come within this time.
const HEADLINE_SECONDS: i64 = 12 * 3600;
/// Items further apart than this have nothing to do with each other, unless their link is the same.
const WINDOW_SECONDS: i64 = 30 * 86_400;

/// An item compared with others; `recurring` are the runs that recur over feeds.
#[must_use]
pub fn compare(telling: &Telling, others: &[Telling], recurring: &HashMap<FeedId, HashSet<u64>>) -> Vec<Comparison> {
    let nothing = HashSet::new();
    let runs = |feed: &FeedId| recurring.get(feed).unwrap_or(&nothing);
    let one = Said::new(telling, runs(&telling.feed));
    let compared = |other: &Telling| comparison(&one, &Said::new(other, runs(&other.feed)));
    others.iter().map(compared).collect()
}

/// Two items compared, as it is for the first.
pub(super) fn comparison(one: &Said<'_>, other: &Said<'_>) -> Comparison {
    let turned = |pair: (usize, usize)| (pair.1, pair.0);
    let is_turned = is_before(other.telling, one.telling);
    let (first, second) = if is_turned { (other, one) } else { (one, other) };
    let overlap = overlap(first, second);
    let (shares, own) = (overlap.shares, overlap.own);
    Comparison {
        other: other.telling.item,
        shares: if is_turned { (shares.1, shares.0) } else { shares },
        own: if is_turned { turned(own) } else { own },
        titles: likeness(&one.title, &other.title),
        tie: tie(first, second, &overlap),
    }
}

/// Whether an item comes before another, whichever arrived first: it was told earlier, or differs in what it says.
fn is_before(one: &Telling, other: &Telling) -> bool {
    fn place(told: &Telling) -> (Timestamp, FeedId, &str, &str, &str) {
        (told.at, told.feed, &told.link, &told.title, &told.html)
    }
    place(one) < place(other)
}

/// How two items belong together, of which `one` came first; None: not at all, or not so that anything is done about it.
fn tie(one: &Said<'_>, other: &Said<'_>, overlap: &Overlap) -> Option<Tie> {
    let has_most = overlap.shares.0.max(overlap.shares.1) >= MOST;
    if !has_most && !one.has_link_of(other) && !one.is_short() && !other.is_short() {
        return None;
    }
    let cites = (one.cites(other), other.cites(one));
    let (kind, rule) = relation(one, other, overlap, cites)?;
    // The one that quotes comes first: the one of which less stands in the other, else the later. Of two that tell one story, the one that links to
    // the other; that both do says nothing.
    let is_turned = match kind {
        TieKind::Quotes => overlap.shares.0 >= overlap.shares.1,
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

/// By what two items belong together: their link, their headlines, their texts, in this order.
fn relation(
    one: &Said<'_>,
    other: &Said<'_>,
    overlap: &Overlap,
    cites: (bool, bool),
) -> Option<(TieKind, &'static str)> {
    let (a, b) = (one.telling, other.telling);
    let same = |rule| (TieKind::Same, rule);
    let is_one_feed = a.feed == b.feed;
    let titles = likeness(&one.title, &other.title);
    if let Some(rule) = by_link(one, other, overlap, titles).filter(|_| !is_one_feed) {
        return Some(same(rule));
    }
    let apart = (a.at.as_second() - b.at.as_second()).abs();
    if apart > WINDOW_SECONDS {
        return None;
    }
    if one.is_short() || other.is_short() {
        return by_headline(one, other, apart).filter(|_| !is_one_feed).map(same);
    }
    if is_one_feed {
        return within_a_feed(one, other, overlap, titles).map(same);
    }
    if are_of_one_pattern(one, other, overlap, apart) && cites == (false, false) {
        return None;
    }
    if overlap.shares.0.min(overlap.shares.1) >= NEARLY_ALL {
        return Some(same("nearly the same text"));
    }
    one_in_the_other(one, other, overlap, titles, cites)
}

/// One link in two feeds.
fn by_link(one: &Said<'_>, other: &Said<'_>, overlap: &Overlap, titles: f64) -> Option<&'static str> {
    let (a, b) = (one.telling, other.telling);
    if !one.has_link_of(other) {
        return None;
    }
    let most = overlap.shares.0.max(overlap.shares.1);
    let are_other_texts = titles < RELATED && !one.is_short() && !other.is_short();
    // What canonical links leave out may have told two articles apart: then their texts do.
    let is_contradicted = are_other_texts && may_be_two_pages(&a.link, &b.link);
    let is_doubted = a.shares_link || b.shares_link || is_contradicted;
    if is_doubted && titles < MOST && most < MOST {
        None
    } else if are_other_texts && most < SOME {
        Some(ONLY_LINK)
    } else {
        Some("the same link")
    }
}

/// Two of which one has little text of its own.
fn by_headline(one: &Said<'_>, other: &Said<'_>, apart: i64) -> Option<&'static str> {
    if one.is_copy_of(other) && one.words().min(other.words()) >= OWN_WORDS_OF_COPY {
        return Some("the same text, most of which recurs");
    }
    let (a, b) = (one.telling, other.telling);
    let is_one_group = !a.group.is_empty() && a.group == b.group;
    let is_same = is_one_group && apart <= HEADLINE_SECONDS && are_one_headline(&one.title, &other.title);
    is_same.then_some("the same headline within hours")
}

/// Two texts of two feeds that are not the same, one of which may stand in the other, which is the longer of both.
fn one_in_the_other(
    one: &Said<'_>,
    other: &Said<'_>,
    overlap: &Overlap,
    titles: f64,
    cites: (bool, bool),
) -> Option<(TieKind, &'static str)> {
    let is_first_in_other = overlap.shares.0 >= overlap.shares.1;
    let of_longer = |pair: (usize, usize)| if is_first_in_other { pair.1 } else { pair.0 };
    let (share, words, cited, quoted) = if is_first_in_other {
        (overlap.shares.0, other.words(), cites.1, overlap.quoted.0)
    } else {
        (overlap.shares.1, one.words(), cites.0, overlap.quoted.1)
    };
    if share < MOST {
        return None;
    }
    let (own, lead) = (of_longer(overlap.own), overlap.lead);
    let is_led_anew = own.saturating_sub(of_longer(lead)) < LEAD && of_longer(overlap.tail) < LEAD;
    let has_much = own >= OWN_WORDS || own >= OWN_WORDS_OF_SHORT && ratio(own, words) >= OWN_SHARE;
    let has_comments = of_longer(lead) >= COMMENT && of_longer(overlap.between) >= COMMENTS;
    let is_mostly_own = titles < RELATED && ratio(own, words) >= MOSTLY_OWN;
    let nearly_all = share >= NEARLY_ALL;
    let quotes = |rule| Some((TieKind::Quotes, rule));
    let same = |rule| Some((TieKind::Same, rule));
    if has_much && cited {
        quotes("most of its text, with a link to it")
    } else if has_much && quoted >= MOST {
        quotes("most of its text in block quotations")
    } else if titles >= ALIKE {
        same("most of the text under a like title")
    } else if has_much && nearly_all && has_comments {
        quotes("nearly all of its text between comments")
    } else if has_much && nearly_all && is_mostly_own {
        quotes("nearly all of its text, and more of its own words")
    } else if lead.0.max(lead.1) < LEAD {
        same("most of the text from the beginning on").filter(|_| share >= MOST_OF_UPDATE)
    } else if is_led_anew && titles >= NEW_LEAD_TITLES && share >= MOST_OF_UPDATE {
        same("most of the text under a new lead and a related title")
    } else if has_much && share >= MOST_OF_QUOTED {
        quotes("most of its text after words of its own")
    } else {
        same("nearly all of the text and little else").filter(|_| nearly_all)
    }
}

/// Reports of one pattern tell of two days or places: they have other words at the same places, and titles with other days; or with
/// other numbers, and else the same but for a name, or on two days. The titles of a report and of its update differ by more.
fn are_of_one_pattern(one: &Said<'_>, other: &Said<'_>, overlap: &Overlap, apart: i64) -> bool {
    if overlap.substituted <= SUBSTITUTED_WITH_NUMBERS {
        return false;
    }
    let differ = |a: &[&String], b: &[&String]| !a.is_empty() && !b.is_empty() && a != b;
    if differ(&dates(&one.title), &dates(&other.title)) {
        return true;
    }
    let rest = likeness(&without_numbers(&one.title), &without_numbers(&other.title));
    let is_same_title = rest >= 1.0;
    differ(&numbers(&one.title), &numbers(&other.title))
        && if is_same_title {
            apart >= PATTERN_SECONDS
        } else {
            rest >= PATTERN_TITLES
        }
}

/// Items of one feed are told apart by it already: most that are alike are of one series, letters with one signature or reports of one
/// pattern, and only updates and new issues of a report are the same.
fn within_a_feed(one: &Said<'_>, other: &Said<'_>, overlap: &Overlap, titles: f64) -> Option<&'static str> {
    let (a, b) = (one.telling, other.telling);
    let (most, least) = (
        overlap.shares.0.max(overlap.shares.1),
        overlap.shares.0.min(overlap.shares.1),
    );
    let is_one_link = one.has_link_of(other);
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
