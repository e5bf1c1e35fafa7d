//! What must hold for any input: the fixtures whole and maimed, and inputs made up. `tests/fuzz` looks longer.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use tidings::text::canonical_url::canonical;

use crate::fixtures::documents;
use crate::support::checks::{check_date, check_document, check_html, check_link};

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

/// Hosts and beginnings of paths that are read in a way of their own.
const PLACES: [&str; 14] = [
    "a.example",
    "www.www.a.example.",
    "u:p@a.example:80",
    "google.com/url?q=",
    "google.com/amp/s/",
    "href.li/?",
    "disq.us/url?url=",
    "news.google.com/rss/articles/",
    "rss.feedsportal.com/c/1/l/0L0S",
    "web.archive.org/web/2026/",
    "archive.ph/o/AbC/",
    "archive.ph/",
    "arquivo.pt/wayback/",
    "webcache.googleusercontent.com/search?q=cache:",
];
/// Parameters that mean something, of which a made-up address has some.
const NAMES: [&str; 8] = ["id", "p", "page", "lang", "v", "cat", "a-b", "سال"];
const TRACKERS: [&str; 6] = [
    "utm_source=rss",
    "fbclid=x",
    "UTM_id=1",
    "xtor=RSS-1",
    "ref=rss",
    "PHPSESSID=1a",
];

prop_compose! {
    /// The path and the parameters of an article.
    fn article()(
        path in "(/[a-zA-Z0-9آ-ی_.~-]{0,3}[a-z0-9]){1,4}",
        names in prop::sample::subsequence(&NAMES[..], 0..4),
        values in prop::collection::vec("[a-zA-Z0-9]{1,4}", 4),
    ) -> (String, Vec<String>) {
        let pairs = names.iter().zip(values).map(|(name, value)| format!("{name}={value}"));
        (path, pairs.collect())
    }
}

fn address(scheme: &str, host: &str, (path, pairs): &(String, Vec<String>)) -> String {
    format!("{scheme}://{host}{path}?{}", pairs.join("&"))
}

proptest! {
    #[test]
    fn any_text_has_one_canonical_form_as_a_link(
        text in "\\PC{0,60}",
        link in "https?://(www\\.)?[a-zA-Z0-9.آ-ی]{1,9}(:[0-9]{1,3})?([/?&#=;.%+!]|%[0-9a-fA-F]{2}|[a-zA-Z0-9آ-ی~|'()]|http://b\\.example/){0,20}",
    ) {
        check_link(&text);
        check_link(&link);
    }

    #[test]
    fn what_leads_elsewhere_has_one_canonical_form_too(
        places in prop::collection::vec(select(&PLACES[..]), 1..6),
        end in "([/?&#=;.%+!]|%[0-9a-fA-F]{2}|[a-zA-Z0-9|'():]|https?://){0,12}",
    ) {
        check_link(&format!("https://{}{end}", places.join("https://")));
        check_link(&format!("https://{}{end}", places.join("")));
    }

    #[test]
    fn an_article_has_one_canonical_form_however_it_is_linked(
        article in article(),
        trackers in prop::collection::vec((any::<Index>(), select(&TRACKERS[..])), 0..4),
        turn in any::<Index>(),
    ) {
        let (path, mut pairs) = article.clone();
        let turned = turn.index(pairs.len() + 1);
        pairs.rotate_left(turned);
        for (at, tracker) in trackers {
            pairs.insert(at.index(pairs.len() + 1), tracker.to_owned());
        }
        let linked = address("http", "www.A.example:80", &(path + "/", pairs)) + "#top";
        prop_assert_eq!(canonical(&linked), canonical(&address("https", "a.example", &article)));
    }

    #[test]
    fn articles_that_differ_in_their_path_or_a_parameter_stay_two(one in article(), other in article()) {
        let [a, b] = [&one, &other].map(|article| canonical(&address("https", "a.example", article)));
        prop_assert!(a.is_some());
        prop_assert_eq!(one == other, a == b);
        let (path, mut pairs) = one;
        pairs.push("more=1".to_owned());
        prop_assert_ne!(a, canonical(&address("https", "a.example", &(path, pairs))));
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
