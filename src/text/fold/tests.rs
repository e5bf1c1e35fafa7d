//! The table of what is one word, and what must hold for any text.

#![allow(clippy::unwrap_used, reason = "tests")]
use proptest::prelude::*;

use super::{each_place, each_word, each_word_of_html, fold, fold_html, has_words};
use crate::text::html::{Sanitiser, as_html, to_text};

/// What is written, and what it is folded to.
const TABLE: &[(&str, &str)] = &[
    // Yeh, kaf, heh.
    ("علي", "علی"),
    ("موسى", "موسی"),
    ("رئيس", "رییس"),
    ("كتاب", "کتاب"),
    ("جامعة", "جامعه"),
    ("خانۀ", "خانه"),
    ("خانهٔ", "خانه"),
    ("خانه‌ی", "خانه"),
    ("خانه‌ي", "خانه"),
    ("خانه‌ای", "خانهای"),
    ("ماهی", "ماهی"),
    ("سیاهی‌ها", "سیاهیها"),
    ("ہھەۃ", "هههه"),
    // Hamza.
    ("أحمد إلى آب ٱلله", "احمد الی اب الله"),
    ("مسؤول مسئول", "مسوول مسیول"),
    ("علماء شیء", "علما شی"),
    ("ﺁب آب", "اب اب"),
    // Joiners, direction marks, tatweel, harakat.
    ("کتاب‌ها کتاب\u{200d}ها کتابها", "کتابها کتابها کتابها"),
    ("می‌\u{200c}روم \u{200c}سلام\u{200c}", "میروم سلام"),
    ("\u{200f}سلام\u{200e} \u{202b}دنیا\u{202c}\u{feff}", "سلام دنیا"),
    ("ســـلام", "سلام"),
    ("مُحَمَّدٌ قُرْآن رحمٰن", "محمد قران رحمن"),
    // Digits.
    ("۱۴۰۵ ١٤٠٥ 1405 １４０５", "1405 1405 1405 1405"),
    ("۱۲٬۵۰۰٫۷", "12 500 7"),
    // Presentation forms.
    ("ﮐﺘﺎﺏ ﻛﺘﺎﺏ", "کتاب کتاب"),
    ("ﺳﻼﻡ ﻻ ﻷ ﻹ ﻵ", "سلام لا لا لا لا"),
    ("ﷺ", "صلی الله علیه وسلم"),
    ("اﷲ ﻣﺤﻤﹷﺪ", "االله محمد"),
    ("ﯾﯽﭘﭼﮊﮒ", "ییپچژگ"),
    // Latin.
    ("Éléphant ÜBER naïve Ångström", "elephant uber naive angstrom"),
    ("E\u{301}le\u{301}phant", "elephant"),
    ("Straße STRASSE ẞ", "strasse strasse ss"),
    ("Łódź Ørsted Đặng æon Œuvre Þór", "lodz orsted dang aeon oeuvre thor"),
    ("İstanbul ISPARTA ışık IŞIK", "istanbul isparta isik isik"),
    ("ﬁnance oﬀice", "finance office"),
    ("ＦＵＬＬ ｗｉｄｔｈ", "full width"),
    (
        "don't don’t don‘t ‘tis rock'n'roll O'Neill's",
        "dont dont dont tis rocknroll oneills",
    ),
    (
        "well-known e\u{2011}mail co\u{ad}operate",
        "well known e mail cooperate",
    ),
    ("m² No. 5 AT&T C++ ACME™ snake_case", "m2 no 5 at t c acme snake case"),
    ("3.5% $1,000 @ann #tag", "3 5 1 000 ann tag"),
    // Other scripts.
    ("Ёлка Йод Їжак", "елка йод їжак"),
    ("Ἀθῆναι ΟΔΟΣ οδός", "αθηναι οδοσ οδοσ"),
    ("中国人 です", "中 国 人 で す"),
    ("AI技術", "ai 技 術"),
    ("한국어 뉴스", "한국어 뉴스"),
    ("ไทย", "ไ ท ย"),
    ("हिन्दी", "हिनदी"),
    ("שָׁלוֹם", "שלום"),
    ("👍🏽 ok ❤️", "ok"),
    ("", ""),
];

#[test]
fn variants_of_a_word_are_one() {
    for (written, word) in TABLE {
        assert_eq!(fold(written), *word, "{written:?}");
    }
}

#[test]
fn case_and_punctuation_do_not_count() {
    assert_eq!(fold("  Hello,  WORLD—again… "), "hello world again");
    assert_eq!(fold("«گفت‌وگو»، آری!"), "گفتوگو اری");
}

#[test]
fn blocks_part_words_and_formats_do_not() {
    assert_eq!(
        fold_html(
            "<p>o<b>n</b>e</p><p>two<br>three&nbsp;fo<wbr>ur<img alt=\"a>b\" src=\"x\">five &amp;amp; AT&amp;T</p>"
        ),
        "one two three four five amp at t"
    );
    assert_eq!(fold_html("<a href=\"https://n.example/words\">کتاب</a>‌ها"), "کتابها");
    // Cut anywhere, it is read as far as it goes.
    assert_eq!(fold_html("one <a href=\"two> three"), "one");
    assert_eq!(fold_html("one <"), "one");
}

#[test]
fn words_match_whole() {
    assert!(has_words(&fold("The Strait of Hormuz"), &fold("strait of hormuz")));
    assert!(!has_words("straits of x", "strait"));
    assert!(has_words("a strait", "strait"));
    assert!(!has_words("anything", ""));
    assert!(has_words(&fold("在中国人"), &fold("中国")));
}

#[test]
fn a_word_has_its_place_in_the_text() {
    let text = "«کتاب‌ها» — Don’t (中国)";
    let mut places = Vec::new();
    each_place(text, |word, place| {
        places.push((word.to_owned(), text[place].to_owned()))
    });
    let expected = [("کتابها", "کتاب‌ها"), ("dont", "Don’t"), ("中", "中"), ("国", "国")];
    assert_eq!(places, expected.map(|(word, part)| (word.to_owned(), part.to_owned())));
}

/// Texts of all that folding treats apart.
fn texts() -> impl Strategy<Value = String> {
    "([a-zA-Z0-9'’éÉßİıﬁ]{0,4}|[آ-ی\u{200c}\u{64b}-\u{652}ٔيكةۀ]{0,6}|[ﭐ-ﻼ]{0,3}|[ \n&<>\"-]|[中国ไทйΣς½㈱ﾞ]|\\PC){0,20}"
}

proptest! {
    #[test]
    fn html_that_says_a_text_has_its_words(text in texts()) {
        prop_assert_eq!(fold_html(&as_html(&text)), fold(&text));
    }

    #[test]
    fn sanitised_html_has_the_words_of_its_text(
        html in "([a-z éیك\u{200c}]{0,5}|</?(p|b|i|br|span|div|li|td|a|del|wbr)( title=\"[^\"]{0,5}\")?>|&[a-z]{0,5};){0,20}"
    ) {
        let clean = Sanitiser::new(None).clean(&html);
        prop_assert_eq!(fold_html(&clean), fold(&to_text(&clean)));
    }

    #[test]
    fn folding_twice_is_folding_once(text in texts()) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn words_come_one_by_one_as_together(text in texts()) {
        let (mut words, mut of_html) = (Vec::new(), Vec::new());
        each_word(&text, |word| words.push(word.to_owned()));
        each_word_of_html(&as_html(&text), |word| of_html.push(word.to_owned()));
        prop_assert_eq!(words.join(" "), fold(&text));
        prop_assert_eq!(of_html, words);
    }
}
