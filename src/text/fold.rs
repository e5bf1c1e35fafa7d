//! Text folded for comparing and searching, never for showing: what a Persian or Latin reader takes for the same is the same.
//!
//! Arabic yeh and kaf become Persian ones, digits become ASCII, joiners and marks vanish, letters become small.

/// Folds a text; words are parted by single spaces.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut parted = true;
    for c in text.chars().flat_map(char::to_lowercase) {
        match folded_char(c) {
            Some(' ') => {
                if !parted {
                    folded.push(' ');
                }
                parted = true;
            }
            Some(c) => {
                folded.push(c);
                parted = false;
            }
            None => {}
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// None for what does not count at all.
fn folded_char(c: char) -> Option<char> {
    match c {
        // Zero-width joiners, direction marks, soft hyphen, tatweel, harakat, combining marks of Latin.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}' => None,
        '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{300}'..='\u{36f}' => None,
        'ي' | 'ى' | 'ئ' => Some('ی'),
        'ك' => Some('ک'),
        'ة' | 'ۀ' => Some('ه'),
        'أ' | 'إ' | 'آ' | 'ٱ' => Some('ا'),
        'ؤ' => Some('و'),
        '۰'..='۹' => digit(c, '۰'),
        '٠'..='٩' => digit(c, '٠'),
        c if c.is_alphanumeric() => Some(c),
        _ => Some(' '),
    }
}

fn digit(c: char, zero: char) -> Option<char> {
    char::from_digit(u32::from(c) - u32::from(zero), 10)
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
mod tests {
    use super::{fold, has_words};

    #[test]
    fn persian_variants_are_one() {
        assert_eq!(fold("كتاب‌هاي ١٢۳"), fold("کتابهای 123"));
        assert_eq!(fold("مُحَمَّد"), "محمد");
        assert_eq!(fold("«گفت‌وگو»، آری!"), "گفتوگو اری");
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        assert_eq!(fold("  Hello,  WORLD—again… "), "hello world again");
    }

    #[test]
    fn words_match_whole() {
        assert!(has_words(&fold("The Strait of Hormuz"), &fold("strait of hormuz")));
        assert!(!has_words("straits of x", "strait"));
        assert!(has_words("a strait", "strait"));
        assert!(!has_words("anything", ""));
    }
}
