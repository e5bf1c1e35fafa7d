//! What must hold for any input: the fixtures whole and maimed, and inputs made up. `tests/fuzz` looks longer.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::fixtures::documents;
use crate::support::checks::{check_date, check_document, check_html};

fn fixtures() -> Vec<Vec<u8>> {
    documents().iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// Something done to the bytes of a document.
#[derive(Debug, Clone)]
enum Wound {
    Cut(Index),
    Drop(Index, usize),
    Double(Index, usize),
    Put(Index, &'static str),
}

const SHRAPNEL: [&str; 16] = [
    "<",
    ">",
    "&",
    "\"",
    "'",
    "</",
    "<![CDATA[",
    "]]>",
    "<!--",
    "<item>",
    "</item>",
    "<title>",
    "&#0;",
    "\u{0}",
    "javascript:",
    " xml:base=\"//x\"",
];

impl Wound {
    fn any() -> impl Strategy<Value = Self> {
        let place = any::<Index>;
        prop_oneof![
            place().prop_map(Self::Cut),
            (place(), 1_usize..40).prop_map(|(at, length)| Self::Drop(at, length)),
            (place(), 1_usize..200).prop_map(|(at, length)| Self::Double(at, length)),
            (place(), select(&SHRAPNEL[..])).prop_map(|(at, text)| Self::Put(at, text)),
        ]
    }

    fn inflict(&self, bytes: &mut Vec<u8>) {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Drop(at, length) => {
                let from = place(at);
                bytes.drain(from..(from + length).min(bytes.len()));
            }
            Self::Double(at, length) => {
                let from = place(at);
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                bytes.splice(from..from, piece);
            }
            Self::Put(at, text) => {
                let from = place(at);
                bytes.splice(from..from, text.bytes());
            }
        }
    }
}

#[test]
fn every_fixture_is_harmless_complete_and_the_same_when_it_is_repaired_again() {
    for path in documents() {
        println!("{}", path.display());
        check_document(&std::fs::read(path).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn maimed_fixtures_are_harmless_complete_and_the_same_when_they_are_repaired_again(
        document in select(fixtures()),
        wounds in prop::collection::vec(Wound::any(), 1..6),
    ) {
        let mut document = document;
        wounds.iter().for_each(|wound| wound.inflict(&mut document));
        check_document(&document);
    }

    #[test]
    fn random_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check_document(&bytes);
    }

    #[test]
    fn made_up_html_is_made_harmless_once(
        html in "(<[a-z]{1,8}( [a-z]{1,6}=(\"[^\"]{0,12}\"|[a-z:(]{0,12}))?/?>|</[a-z]{1,8}>|[ -~é]{0,8}|<!--|-->|<svg>|<math>|<style>|<title>|&#?[a-z0-9]{0,6};?){0,25}"
    ) {
        check_html(&html);
    }

    #[test]
    fn a_made_up_date_is_the_same_when_it_is_written_again(
        text in "([0-9۰-۹]{1,4}|[a-zA-Z]{1,4}|[-/.:, ]|آذر|GMT|[+-][0-9]{2}:?[0-9]{2}){1,10}"
    ) {
        check_date(&text);
    }
}
