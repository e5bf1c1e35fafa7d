//! The commonest words of languages that are often met, folded, and which of them a text has: a handful of them tells a language
//! sooner and surer than the statistics of its letters.

use std::sync::LazyLock;

use foldhash::{HashMap, HashMapExt as _};

/// Language and words. A word may stand for several, but those that most of the neighbours share are left out.
const COMMON: [(&str, &str); 20] = [
    (
        "en",
        "the of and to in is for on that with as at by from was are it his has have be this will after not over says how why what who its new you your",
    ),
    (
        "fa",
        "از به در که این را است با برای می شد خود کرد تا یک هم بر بود شده دارد کند ها های نیز باید وی اند چرا چه شود",
    ),
    (
        "ar",
        "من فی التی الذی عن مع قال هذا هذه کان بعد الی ان ما بین لا قد اول او ذلک حول خلال کما قبل عند ولا هو هی منذ ضد لم",
    ),
    ("ur", "کی کے ہے میں سے اور نے کو پر کا نہیں تھا ہیں گے"),
    (
        "de",
        "der die das und ist nicht ein eine einen dem den mit auf fur von zu im des sich auch bei nach wird wie uber sind aus zum zur hat als wegen gegen vor",
    ),
    (
        "fr",
        "le les des et est une un dans pour qui sur pas au aux du par avec son sa ses ce cette plus sont la en ne il elle nous vous a",
    ),
    (
        "es",
        "el los las una un por con para del se su sus mas y es como al lo este esta ha no pero sin sobre la en que",
    ),
    (
        "it",
        "il di che e un una per non del della dei con sono gli nel alla piu anche le la come si al da dal delle ha",
    ),
    (
        "pt",
        "o os um uma nao para com do da dos das ao mais no na em que se por foi como seu sua e sao",
    ),
    (
        "nl",
        "de het een van en in dat niet zijn op voor met ook aan er wordt bij naar om uit maar deze heeft te is",
    ),
    (
        "sv",
        "och att det som en ar pa av for med inte den till ett har om de fran kan efter vid",
    ),
    (
        "da",
        "og at det som en er pa af for med ikke den til et har om de fra kan efter ved der",
    ),
    (
        "no",
        "og at det som en er pa av for med ikke den til et har om de fra kan etter ved vi",
    ),
    (
        "pl",
        "i w na z sie nie do jest to ze o po jak przez od za dla oraz ma byl co tym",
    ),
    (
        "cs",
        "a v na se je to ze s z do pro ktery ktere od po jako byl jeho za ve jsou podle i o",
    ),
    (
        "tr",
        "ve bir bu icin ile da de cok olarak daha sonra gibi kadar ne oldu olan en var yeni turkiye dedi etti",
    ),
    (
        "ro",
        "si in de la cu pe din care pentru este un o nu ca mai sa au fost sunt dupa",
    ),
    (
        "hu",
        "a az es hogy nem is egy meg ez van volt csak mar de ki szerint mint lesz",
    ),
    (
        "ru",
        "и в не на что с по как это из за о его от для к до после у но был все она они при об или году также",
    ),
    (
        "uk",
        "і в не на що з та як це із за у до від для його після але був про які або року також є та",
    ),
];

static KNOWN: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (at, (_, words)) in COMMON.iter().enumerate() {
        for word in words.split(' ') {
            *known.entry(word).or_default() |= 1 << at;
        }
    }
    known
});

/// How many common words of each language were seen.
#[derive(Debug, Default)]
pub(super) struct Counts([u16; COMMON.len()]);

impl Counts {
    /// Counts a folded word.
    pub(super) fn count(&mut self, word: &str) {
        // No common word is longer.
        if word.len() > 16 {
            return;
        }
        let mut mask = KNOWN.get(word).copied().unwrap_or_default();
        while mask != 0 {
            if let Some(count) = self.0.get_mut(mask.trailing_zeros() as usize) {
                *count = count.saturating_add(1);
            }
            mask &= mask - 1;
        }
    }

    /// Those of one language; None where its words are not known.
    pub(super) fn of(&self, language: &str) -> Option<u16> {
        let at = COMMON.iter().position(|(known, _)| *known == language)?;
        self.0.get(at).copied()
    }

    /// The languages and their counts.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, u16)> {
        COMMON
            .iter()
            .zip(self.0)
            .map(|((language, _), count)| (*language, count))
    }
}
