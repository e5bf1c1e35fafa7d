//! Parameters that tell publishers where readers come from, and never choose what is shown.

use crate::text::canonical_url::parts::is_within;

/// By their whole name, in small letters and in order.
const NAMES: [&str; 71] = [
    ".tsrc",
    "__s",
    "__twitter_impression",
    "_branch_match_id",
    "_ga",
    "_gl",
    "_ke",
    "_openstat",
    "action_object_map",
    "action_ref_map",
    "action_type_map",
    "ck_subscriber_id",
    "cmpid",
    "dclid",
    "dm_i",
    "ef_id",
    "epik",
    "fb_ref",
    "fb_source",
    "fbclid",
    "gad_campaignid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "guccounter",
    "guce_referrer",
    "guce_referrer_sig",
    "hsctatracking",
    "hss_channel",
    "igsh",
    "igshid",
    "irclickid",
    "irgwc",
    "isfreemail",
    "li_fat_id",
    "lipi",
    "mc_cid",
    "mc_eid",
    "mibextid",
    "mkt_tok",
    "msclkid",
    "ncid",
    "ns_campaign",
    "ns_linkname",
    "ns_mchannel",
    "ns_source",
    "ocid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "rdt_cid",
    "ref_src",
    "ref_url",
    "s_cid",
    "s_kwcid",
    "smid",
    "soc_src",
    "soc_trk",
    "spm",
    "srsltid",
    "tblci",
    "triedredirect",
    "ttclid",
    "twclid",
    "vd_source",
    "wbraid",
    "wickedid",
    "xtor",
    "yclid",
    "ysclid",
];
/// By the beginning of their name.
const PREFIXES: [&str; 22] = [
    "__hs",
    "_bta_",
    "_hs",
    "at_campaign",
    "at_custom",
    "at_link",
    "at_medium",
    "elqtrack",
    "fb_action_",
    "hsa_",
    "matomo_",
    "ml_subscriber",
    "mtm_",
    "piwik_",
    "pk_campaign",
    "pk_kwd",
    "pk_source",
    "sfmc_",
    "utm_",
    "vero_",
    "wt.mc",
    "wt_mc",
];
/// Those that track only at a host, and mean something elsewhere.
const AT_HOSTS: [(&str, &[&str]); 12] = [
    ("bbc.co.uk", &["at_bbc_team", "at_format", "at_ptr_name"]),
    ("bbc.com", &["at_bbc_team", "at_format", "at_ptr_name"]),
    (
        "facebook.com",
        &["__cft__%5b0%5d", "__tn__", "__xts__%5b0%5d", "fref", "hc_ref", "refsrc"],
    ),
    ("linkedin.com", &["trackingid", "trk", "trkemail"]),
    ("medium.com", &["sk", "source"]),
    ("open.spotify.com", &["si"]),
    ("substack.com", &["r", "s"]),
    ("tiktok.com", &["_r", "_t", "is_from_webapp", "sender_device"]),
    ("twitter.com", &["s", "t"]),
    ("x.com", &["s", "t"]),
    ("youtu.be", &["feature", "si"]),
    ("youtube.com", &["ab_channel", "feature", "pp", "si"]),
];
/// Those that may say that the reader comes from a feed, and then say nothing else.
const WHENCE: [&str; 8] = ["emc", "from", "mod", "partner", "ref", "source", "src", "via"];

/// Whether a parameter only tracks readers. `host` without `www.`, `name` in small letters.
pub(super) fn is_tracker(host: &str, name: &str, value: &str) -> bool {
    NAMES.binary_search(&name).is_ok()
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || (WHENCE.contains(&name) && says_feed(value))
        || AT_HOSTS
            .iter()
            .any(|(domain, names)| names.contains(&name) && is_within(host, domain))
}

/// `rss`, `RSS-3208`, `rss----1f2e`, `rss_world`.
fn says_feed(value: &str) -> bool {
    value
        .split_at_checked(3)
        .is_some_and(|(rss, rest)| rss.eq_ignore_ascii_case("rss") && !rest.starts_with(char::is_alphanumeric))
}

/// A parameter that the operator takes for one that tracks readers: its name, or the beginning of its name and `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    /// In small letters.
    name: String,
    /// Only the beginning of it is meant.
    is_prefix: bool,
}

/// A text names no parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no parameter; write its name as in \"ref_id\", or the beginning of its name (two characters at least) and a \
     star as in \"promo_*\", with letters a-z, digits and - . _ ~ only"
)]
pub struct TrackerError(String);

impl Tracker {
    /// Reads `ref_id` or `promo_*`; capitals do not count.
    ///
    /// # Errors
    /// When it is neither: a star alone would make one article of many.
    pub fn parse(text: &str) -> Result<Self, TrackerError> {
        let (name, is_prefix) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
        let least = if is_prefix { 2 } else { 1 };
        if name.len() < least || !name.chars().all(is_name) {
            return Err(TrackerError(text.to_owned()));
        }
        let name = name.to_ascii_lowercase();
        Ok(Self { name, is_prefix })
    }

    /// Whether a parameter is meant, by its name in small letters.
    pub(super) fn is_of(&self, name: &str) -> bool {
        name == self.name || (self.is_prefix && name.starts_with(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_HOSTS, NAMES, PREFIXES, Tracker};

    #[test]
    fn names_stand_in_order_and_in_small_letters() {
        assert!(NAMES.is_sorted());
        let of_hosts = AT_HOSTS.iter().flat_map(|(_, names)| names.iter());
        for name in NAMES.iter().chain(&PREFIXES).chain(of_hosts) {
            assert_eq!(**name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn a_tracker_is_a_name_or_the_beginning_of_one() {
        let is_of = |text: &str, name: &str| Tracker::parse(text).map(|tracker| tracker.is_of(name));
        assert_eq!(is_of("Ref_ID", "ref_id"), Ok(true));
        assert_eq!(is_of("ref_id", "ref_id2"), Ok(false));
        assert_eq!(is_of("promo_*", "promo_spring"), Ok(true));
        for text in ["", "*", "a*", "a*b", "a b", "a=b", "a&b", "?a", "a%20b", "مبدأ"] {
            let error = Tracker::parse(text).map_err(|e| e.to_string());
            assert!(
                error.is_err_and(|e| e.starts_with(&format!("{text:?} names no parameter"))),
                "{text}"
            );
        }
    }
}
