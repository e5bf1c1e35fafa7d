//! Which language a text is in: what is declared, unless the text itself says otherwise.
//!
//! A declaration of the entry itself holds unless its script contradicts; one of the feed, often only what its program says by
//! default, also gives way to a long text that is surely in another language. Short texts take the feed's language as long as the script agrees.
//! Where nothing is declared, short texts are not judged: a name or two looks like anything.

mod common;
mod script;

use whatlang::{Detector, Lang};

use crate::text::fold::{each_word, each_word_of_html};
use crate::text::html::{cut, to_text};
use crate::text::language::common::Counts;
use crate::text::language::script::{SCRIPTS, Script};

/// How much of a text is looked at, in bytes; where that leaves a doubt, and the statistics of letters are asked.
const GLANCE: usize = 240;
const FIRST_LOOK: usize = 600;
const SECOND_LOOK: usize = 2000;
/// Letters of a text that is judged at all, and of one that is judged against its feed.
const MIN_LETTERS: usize = 24;
const LONG: usize = 160;

/// The primary subtag of a BCP 47 tag in lower case (`fa-IR` gives `fa`); empty for what is none.
#[must_use]
pub fn primary_subtag(tag: &str) -> String {
    let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
    if (2..=3).contains(&primary.len()) && primary.chars().all(|c| c.is_ascii_alphabetic()) {
        primary.to_ascii_lowercase()
    } else {
        String::new()
    }
}

/// What is declared of an entry: primary subtags, or empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// By the entry itself.
    pub entry: &'a str,
    /// By its feed.
    pub feed: &'a str,
}

/// The language of an entry with this plain title and this sanitised text, as a primary subtag; empty: unknown.
///
/// ```
/// use tidings::text::language::{Declared, language_of};
/// let declared = Declared { entry: "", feed: "en" };
/// assert_eq!(language_of(declared, "وزیر خارجه: گفت‌وگو ادامه دارد", ""), "fa");
/// assert_eq!(language_of(declared, "Talks go on", ""), "en");
/// ```
#[must_use]
pub fn language_of(declared: Declared<'_>, title: &str, html: &str) -> String {
    // Most entries are in the language of their feed, and show it at once.
    if declared.entry.is_empty() || declared.entry == declared.feed {
        let glance = Look::at(title, cut(html, GLANCE));
        if glance.letters > 0 && !declared.feed.is_empty() && glance.may_be(declared.feed) && glance.fits(declared.feed)
        {
            return declared.feed.to_owned();
        }
    }
    let look = Look::at(title, cut(html, FIRST_LOOK));
    if look.letters == 0 {
        let any = [declared.entry, declared.feed].into_iter().find(|tag| !tag.is_empty());
        return any.unwrap_or_default().to_owned();
    }
    // An entry stands under its feed's declaration too, where a format has them inherited.
    if !declared.entry.is_empty() && declared.entry != declared.feed && look.may_be(declared.entry) {
        return declared.entry.to_owned();
    }
    let feed = declared.feed;
    if feed.is_empty() {
        return look
            .told(true)
            .unwrap_or_else(|| guessed(&look, title, html))
            .to_owned();
    }
    if !look.may_be(feed) {
        let told = look.told(false);
        return told.unwrap_or_else(|| look.script().usual_language()).to_owned();
    }
    if look.letters < LONG || look.fits(feed) {
        return feed.to_owned();
    }
    if let Some(told) = look.told(true) {
        return if are_close(told, feed) { feed } else { told }.to_owned();
    }
    let sure = surely(title, html).filter(|sure| !are_close(sure, feed));
    sure.unwrap_or(feed).to_owned()
}

/// What the words of a text show.
#[derive(Debug, Default)]
struct Look {
    /// By [`SCRIPTS`].
    scripts: [usize; SCRIPTS.len()],
    letters: usize,
    words: usize,
    common: Counts,
    /// Words with letters that Persian has and Arabic has not; words with the Arabic article.
    persian: u16,
    arabic: u16,
    has_kana: bool,
    has_ukrainian: bool,
}

impl Look {
    fn at(title: &str, html: &str) -> Self {
        let mut look = Self::default();
        each_word(title, |word| look.word(word));
        each_word_of_html(html, |word| look.word(word));
        look
    }

    fn word(&mut self, word: &str) {
        // A word is in one script: its first letter tells.
        let Some((first, script)) = word.chars().next().and_then(|c| Some((c, Script::of(c)?))) else {
            return;
        };
        // Bytes stand for letters as well as need be: two of them are one letter of Arabic or Cyrillic script.
        let letters = word.len() / first.len_utf8();
        self.letters += letters;
        self.words += 1;
        if let Some(count) = self.scripts.get_mut(script as usize) {
            *count += letters;
        }
        self.common.count(word);
        match script {
            Script::Arabic => {
                self.persian += u16::from(word.contains(['پ', 'چ', 'ژ', 'گ']));
                let has_article = ["ال", "وال", "بال", "لل"]
                    .iter()
                    .any(|article| word.starts_with(article));
                self.arabic += u16::from(has_article && letters >= 5);
            }
            Script::Cyrillic => self.has_ukrainian |= word.contains(['і', 'ї', 'є', 'ґ']),
            Script::Han => self.has_kana |= ('\u{3041}'..='\u{30ff}').contains(&first),
            _ => {}
        }
    }

    /// The script of most letters.
    fn script(&self) -> Script {
        let most = SCRIPTS.iter().zip(self.scripts).max_by_key(|(_, count)| *count);
        most.map_or(Script::Other, |(script, _)| *script)
    }

    /// Whether the script agrees with a language: a quarter of the letters is enough, where names of others stand between them.
    fn may_be(&self, language: &str) -> bool {
        let Some(script) = Script::of_language(language) else {
            return true;
        };
        let letters = self.scripts.get(script as usize).copied().unwrap_or_default();
        letters * 4 >= self.letters
    }

    /// Whether the text has the common words of a language, and of no other much more.
    fn fits(&self, language: &str) -> bool {
        let alias = if matches!(language, "nb" | "nn") {
            "no"
        } else {
            language
        };
        if self.script().tells_the_language() {
            return true;
        }
        let Some(own) = self.weight(alias) else { return false };
        let most = self.weights().map(|(_, weight)| weight).max().unwrap_or_default();
        usize::from(own) * 8 >= self.words && own * 2 > most
    }

    /// The language that words and letters tell; None: they do not. `is_strict`: with a good margin.
    fn told(&self, is_strict: bool) -> Option<&'static str> {
        let script = self.script();
        if script.tells_the_language() {
            return Some(script.usual_language());
        }
        if script == Script::Han {
            return Some(if self.has_kana { "ja" } else { "zh" });
        }
        if script == Script::Cyrillic && self.has_ukrainian {
            return Some("uk");
        }
        let of_script = || {
            self.weights()
                .filter(|(language, _)| Script::of_language(language) == Some(script))
        };
        let (best, weight) = of_script().max_by_key(|(_, weight)| *weight)?;
        let next = of_script()
            .filter(|(language, _)| *language != best)
            .map(|(_, weight)| weight)
            .max();
        let next = next.unwrap_or_default();
        let is_clear = if is_strict {
            let enough = if self.letters < LONG { 2 } else { 6 };
            weight >= enough && weight > next + next / 2 && usize::from(weight) * 10 >= self.words
        } else {
            weight > next
        };
        is_clear.then_some(best)
    }

    fn weight(&self, language: &str) -> Option<u16> {
        let common = self.common.of(language)?;
        Some(match language {
            "fa" => common + self.persian,
            "ar" => common + self.arabic,
            _ => common,
        })
    }

    fn weights(&self) -> impl Iterator<Item = (&'static str, u16)> {
        self.common
            .all()
            .map(|(language, _)| (language, self.weight(language).unwrap_or_default()))
    }
}

/// What a text that nothing is declared of looks like, by the statistics of its letters; empty when it is too short.
fn guessed(look: &Look, title: &str, html: &str) -> &'static str {
    if look.letters < MIN_LETTERS {
        return look
            .told(false)
            .filter(|_| look.script() != Script::Latin)
            .unwrap_or_default();
    }
    if let Some(sure) = surely(title, html).filter(|_| look.letters >= LONG) {
        return sure;
    }
    // Without a list of the likely ones, short English passes for Dutch and short Persian for Urdu.
    let likely = [
        Lang::Eng,
        Lang::Pes,
        Lang::Ara,
        Lang::Deu,
        Lang::Fra,
        Lang::Spa,
        Lang::Rus,
        Lang::Tur,
    ];
    let likely = Detector::with_allowlist(likely.to_vec());
    likely.detect_lang(&sample(title, html)).map_or("", tag)
}

/// The language that the statistics of letters are sure of.
fn surely(title: &str, html: &str) -> Option<&'static str> {
    let told = Detector::new()
        .detect(&sample(title, html))
        .filter(whatlang::Info::is_reliable)?;
    Some(tag(told.lang())).filter(|tag| !tag.is_empty())
}

fn sample(title: &str, html: &str) -> String {
    format!("{title} {}", to_text(cut(html, SECOND_LOOK)))
}

/// The primary subtag of a language; empty for those that news are rarely in, and for which others are taken.
fn tag(language: Lang) -> &'static str {
    match language {
        Lang::Eng => "en",
        Lang::Pes => "fa",
        Lang::Ara => "ar",
        Lang::Urd => "ur",
        Lang::Deu => "de",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "no",
        Lang::Fin => "fi",
        Lang::Pol => "pl",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Tur => "tr",
        Lang::Vie => "vi",
        Lang::Ind => "id",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Bul => "bg",
        Lang::Ell => "el",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Tha => "th",
        _ => "",
    }
}

/// Whether two languages are so near to each other that a declaration knows better than words and letters.
fn are_close(one: &str, other: &str) -> bool {
    let families: [&[&str]; 8] = [
        &["no", "nb", "nn", "da", "sv"],
        &["cs", "sk"],
        &["es", "pt", "gl", "ca"],
        &["id", "ms", "jv"],
        &["ru", "uk", "be", "bg", "mk", "sr"],
        &["fa", "prs", "pes", "fas", "tg"],
        &["nl", "af", "fy"],
        &["hi", "mr", "ne"],
    ];
    one == other
        || families
            .iter()
            .any(|family| family.contains(&one) && family.contains(&other))
}

/// The direction of a text by its first letter that has one, as a value of HTML's `dir`.
#[must_use]
pub fn direction(text: &str) -> &'static str {
    // Hebrew to Mandaic, then the presentation forms of Hebrew and Arabic.
    let rtl = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}');
    match text.chars().find(|c| c.is_alphabetic()) {
        Some(first) if rtl(first) => "rtl",
        _ => "ltr",
    }
}

#[cfg(test)]
mod tests;
