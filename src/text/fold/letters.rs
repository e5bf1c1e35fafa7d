//! What a character becomes in a folded word.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What a character becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folded {
    /// A letter or digit of a word.
    Letter(char),
    /// Several letters.
    Letters(&'static str),
    /// A word by itself.
    Alone(char),
    /// It does not count at all.
    Nothing,
    /// It does not count, but tells that two parts of a word are joined.
    Joiner,
    /// It stands between words.
    End,
    /// What it is made of is folded instead.
    Compound,
}

/// What `c` becomes, which is not ASCII.
pub(super) fn folded(c: char) -> Folded {
    match c {
        '\u{600}'..='\u{6ff}' => arabic(c),
        '\u{200c}' => Folded::Joiner,
        // Soft hyphen, zero-width and direction marks, word joiner, byte order mark, controls but the line end.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            Folded::Nothing
        }
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' => Folded::Nothing,
        // Typographic apostrophes, and the letters that stand for them in transcriptions; Hebrew points.
        '\u{2018}' | '\u{2019}' | '\u{b4}' | '\u{2b9}'..='\u{2bf}' | '\u{ff07}' => Folded::Nothing,
        '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' => {
            Folded::Nothing
        }
        // Marks of Arabic that stand alone; by their compatibility they would part words.
        '\u{fc5e}'..='\u{fc63}' | '\u{fe70}'..='\u{fe7f}' => Folded::Nothing,
        'ß' | 'ẞ' => Folded::Letters("ss"),
        'æ' | 'Æ' => Folded::Letters("ae"),
        'œ' | 'Œ' => Folded::Letters("oe"),
        'þ' | 'Þ' => Folded::Letters("th"),
        'ø' | 'Ø' => Folded::Letter('o'),
        'ł' | 'Ł' => Folded::Letter('l'),
        'đ' | 'Đ' | 'ð' | 'Ð' => Folded::Letter('d'),
        'ħ' | 'Ħ' => Folded::Letter('h'),
        'ı' => Folded::Letter('i'),
        'ς' => Folded::Letter('σ'),
        'ё' | 'Ё' | 'ѐ' | 'Ѐ' => Folded::Letter('е'),
        'ѝ' | 'Ѝ' => Folded::Letter('и'),
        '\u{400}'..='\u{481}' | '\u{48a}'..='\u{52f}' => small(c),
        // Syllables of Korean, which parts its words.
        '\u{ac00}'..='\u{d7a3}' => Folded::Letter(c),
        c if is_unspaced(c) => Folded::Alone(c),
        c if c.is_alphanumeric() => Folded::Compound,
        c if is_combining_mark(c) => Folded::Nothing,
        _ => Folded::End,
    }
}

/// Gives what a compound is made of, folded, one after another.
pub(super) fn decomposed(c: char, mut put: impl FnMut(Folded)) {
    decompose_compatible(c, |part| {
        for small in part.to_lowercase() {
            put(match folded(small) {
                Folded::Compound => Folded::Letter(small),
                other => other,
            });
        }
    });
}

/// The block of Arabic script.
fn arabic(c: char) -> Folded {
    match c {
        'ي' | 'ى' | 'ئ' | 'ۍ' => Folded::Letter('ی'),
        'ك' | 'ڪ' => Folded::Letter('ک'),
        'ة' | 'ۀ' | 'ہ' | 'ۂ' | 'ۃ' | 'ھ' | 'ە' => Folded::Letter('ه'),
        'أ' | 'إ' | 'آ' | 'ٱ' | 'ٲ' | 'ٳ' => Folded::Letter('ا'),
        'ؤ' => Folded::Letter('و'),
        // Tatweel, a hamza alone, harakat and the other marks.
        'ـ' | 'ء' | '\u{61c}' => Folded::Nothing,
        '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{674}' => Folded::Nothing,
        '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' => Folded::Nothing,
        '\u{620}'..='\u{64a}' | '\u{66e}'..='\u{66f}' | '\u{671}'..='\u{6d3}' => compound_or_letter(c),
        '\u{6ee}'..='\u{6ef}' | '\u{6fa}'..='\u{6fc}' | 'ۿ' => Folded::Letter(c),
        '۰'..='۹' => digit(c, '۰'),
        '٠'..='٩' => digit(c, '٠'),
        _ => Folded::End,
    }
}

/// Letters with a high hamza are two characters, ۓ is ے with one.
fn compound_or_letter(c: char) -> Folded {
    match c {
        '\u{675}'..='\u{678}' | 'ۓ' => Folded::Compound,
        _ => Folded::Letter(c),
    }
}

fn digit(c: char, zero: char) -> Folded {
    match char::from_digit(u32::from(c).wrapping_sub(u32::from(zero)), 10) {
        Some(digit) => Folded::Letter(digit),
        None => Folded::End,
    }
}

/// A letter whose small one is one character too.
fn small(c: char) -> Folded {
    Folded::Letter(c.to_lowercase().next().unwrap_or(c))
}

/// Letters of scripts that write no spaces between words.
fn is_unspaced(c: char) -> bool {
    match c {
        '\u{e01}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => c.is_alphanumeric(),
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' => true,
        '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' => true,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' => true,
        '\u{20000}'..='\u{2f7ff}' | '\u{30000}'..='\u{3fffd}' => true,
        _ => false,
    }
}
