//! Scripts, and which languages are written in them.

/// A script, or several that one language is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Arabic,
    Cyrillic,
    /// Chinese characters and kana.
    Han,
    Hangul,
    Greek,
    Hebrew,
    Devanagari,
    Thai,
    Armenian,
    Georgian,
    Other,
}

/// How many there are.
pub(super) const SCRIPTS: [Script; 12] = [
    Script::Latin,
    Script::Arabic,
    Script::Cyrillic,
    Script::Han,
    Script::Hangul,
    Script::Greek,
    Script::Hebrew,
    Script::Devanagari,
    Script::Thai,
    Script::Armenian,
    Script::Georgian,
    Script::Other,
];

impl Script {
    /// That of a letter in a folded word; None: a digit.
    pub(super) fn of(c: char) -> Option<Self> {
        Some(match c {
            '0'..='9' => return None,
            '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Latin,
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' => Self::Arabic,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{3005}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3fffd}' => Self::Han,
            '\u{ac00}'..='\u{d7a3}' => Self::Hangul,
            '\u{370}'..='\u{3ff}' => Self::Greek,
            '\u{590}'..='\u{5ff}' => Self::Hebrew,
            '\u{900}'..='\u{97f}' => Self::Devanagari,
            '\u{e00}'..='\u{e7f}' => Self::Thai,
            '\u{530}'..='\u{58f}' => Self::Armenian,
            '\u{10a0}'..='\u{10ff}' => Self::Georgian,
            _ => Self::Other,
        })
    }

    /// That in which a language is written; None: unknown, or more than one.
    pub(super) fn of_language(language: &str) -> Option<Self> {
        Some(match language {
            "fa" | "ar" | "ur" | "ps" | "ckb" | "ug" | "sd" | "arz" | "prs" | "pes" | "fas" | "ara" => Self::Arabic,
            "ru" | "uk" | "be" | "bg" | "mk" | "tg" | "ky" => Self::Cyrillic,
            "zh" | "ja" | "yue" => Self::Han,
            "ko" => Self::Hangul,
            "el" => Self::Greek,
            "he" | "iw" | "yi" => Self::Hebrew,
            "hi" | "mr" | "ne" => Self::Devanagari,
            "th" => Self::Thai,
            "hy" => Self::Armenian,
            "ka" => Self::Georgian,
            "en" | "de" | "fr" | "es" | "it" | "pt" | "nl" | "sv" | "da" | "no" | "nb" | "nn" | "fi" | "is" | "pl"
            | "cs" | "sk" | "hu" | "ro" | "tr" | "vi" | "id" | "ms" | "tl" | "ca" | "gl" | "eu" | "hr" | "bs"
            | "sl" | "lt" | "lv" | "et" | "sq" | "ga" | "cy" | "mt" | "lb" | "af" | "sw" | "eo" | "la" | "eng" => {
                Self::Latin
            }
            _ => return None,
        })
    }

    /// The language that a text in it most likely is in, where nothing else tells.
    pub(super) fn usual_language(self) -> &'static str {
        match self {
            Self::Latin => "en",
            Self::Arabic => "fa",
            Self::Cyrillic => "ru",
            Self::Han => "zh",
            Self::Hangul => "ko",
            Self::Greek => "el",
            Self::Hebrew => "he",
            Self::Devanagari => "hi",
            Self::Thai => "th",
            Self::Armenian => "hy",
            Self::Georgian => "ka",
            Self::Other => "",
        }
    }

    /// Whether only one language that is often met is written in it.
    pub(super) fn tells_the_language(self) -> bool {
        matches!(
            self,
            Self::Hangul | Self::Greek | Self::Hebrew | Self::Thai | Self::Armenian | Self::Georgian
        )
    }
}
