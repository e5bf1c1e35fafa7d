//! Which language a text is in: what was declared, else what it looks like.

use whatlang::{Detector, Lang};

/// Shorter texts are not judged: a name or two looks like anything.
const MIN_CHARS: usize = 24;

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

/// Guesses between the languages that the detector tells apart well on news texts; empty when the text is too short or its
/// script belongs to none of them.
#[must_use]
pub fn detect(text: &str) -> &'static str {
    if text.chars().filter(|c| c.is_alphabetic()).take(MIN_CHARS).count() < MIN_CHARS {
        return "";
    }
    // Without a list of the likely ones, short English passes for Dutch and short Persian for Urdu.
    let likely = vec![
        Lang::Eng,
        Lang::Pes,
        Lang::Ara,
        Lang::Deu,
        Lang::Fra,
        Lang::Spa,
        Lang::Rus,
        Lang::Tur,
    ];
    match Detector::with_allowlist(likely).detect_lang(text) {
        Some(Lang::Eng) => "en",
        Some(Lang::Pes) => "fa",
        Some(Lang::Ara) => "ar",
        Some(Lang::Deu) => "de",
        Some(Lang::Fra) => "fr",
        Some(Lang::Spa) => "es",
        Some(Lang::Rus) => "ru",
        Some(Lang::Tur) => "tr",
        _ => "",
    }
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
mod tests {
    use super::{detect, direction, primary_subtag};

    #[test]
    fn the_first_letter_decides_the_direction() {
        assert_eq!(direction("۱۴۰۵: «گفت‌وگو» with X"), "rtl");
        assert_eq!(direction("2026: \"Talks\" با دیگران"), "ltr");
        assert_eq!(direction(""), "ltr");
    }

    #[test]
    fn a_tag_is_reduced_to_its_primary_subtag() {
        assert_eq!(primary_subtag("fa-IR"), "fa");
        assert_eq!(primary_subtag(" EN_us "), "en");
        assert_eq!(primary_subtag("persian language"), "");
        assert_eq!(primary_subtag(""), "");
    }

    #[test]
    fn persian_and_english_are_told_apart() {
        assert_eq!(
            detect("وزیر امور خارجه ایران در نشست خبری امروز از توسعه همکاری‌ها خبر داد"),
            "fa"
        );
        assert_eq!(
            detect("The minister said on Sunday that the talks about the corridor would go on"),
            "en"
        );
        assert_eq!(detect("OK"), "");
    }
}
