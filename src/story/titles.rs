//! Titles: how alike they are, and what tells one of a series from the others.

use std::collections::HashSet;

use crate::story::passages::ratio;
use crate::text::fold::each_word;

/// How much of the longer of two headlines the shorter is.
const MOST_OF_HEADLINE: f64 = 0.7;
/// Words of a headline that names one story.
const HEADLINE_WORDS: usize = 4;
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

/// The folded words of a title.
#[must_use]
pub fn words(title: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(title, |word| words.push(word.to_owned()));
    words
}

/// Words of both titles, of those of the longer, from 0 to 1.
#[must_use]
pub fn likeness(one: &[String], other: &[String]) -> f64 {
    let (a, b): (HashSet<&String>, HashSet<&String>) = (one.iter().collect(), other.iter().collect());
    let both = a.intersection(&b).count();
    ratio(both, a.len().max(b.len()))
}

/// The numbers of a title, with its days and months, in one order.
#[must_use]
pub fn numbers(title: &[String]) -> Vec<&String> {
    sorted(title, |word| is_date(word) || has_digits(word))
}

/// Its days and months, likewise.
#[must_use]
pub fn dates(title: &[String]) -> Vec<&String> {
    sorted(title, is_date)
}

/// Its words without numbers, days and months.
#[must_use]
pub fn without_numbers(title: &[String]) -> Vec<String> {
    let words = title.iter().filter(|word| !is_date(word) && !has_digits(word));
    words.cloned().collect()
}

fn is_date(word: &str) -> bool {
    DATES.contains(&word)
}

fn has_digits(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
}

fn sorted(title: &[String], is_one: impl Fn(&str) -> bool) -> Vec<&String> {
    let mut words: Vec<&String> = title.iter().filter(|word| is_one(word)).collect();
    words.sort_unstable();
    words
}

/// Whether both are one headline, but for what only one has before or after it, which is no number.
#[must_use]
pub fn are_one_headline(one: &[String], other: &[String]) -> bool {
    let (a, b) = (one.concat(), other.concat());
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let Some((before, after)) = long.split_once(&short).filter(|_| !short.is_empty()) else {
        return false;
    };
    one.len().min(other.len()) >= HEADLINE_WORDS
        && ratio(short.len(), long.len()) >= MOST_OF_HEADLINE
        && !has_digits(before)
        && !has_digits(after)
}
