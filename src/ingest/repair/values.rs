//! What stands in attributes and short texts: people, playing times, numbers.

use crate::ingest::repair::draft::Person;

/// The attributes of an element.
#[derive(Default)]
pub(super) struct Attributes(pub(super) Vec<(String, String)>);

impl Attributes {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// `ann@example.org (Ann)`, `Ann <ann@example.org>`, `Ann`.
pub(super) fn person_of(text: &str) -> Person {
    let parts = text.split(|c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ',' | ';' | '«' | '»' | '،')
    });
    let email = parts
        .map(|part| part.trim_start_matches("mailto:"))
        .find(|part| {
            part.split_once('@')
                .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
        })
        .unwrap_or_default();
    let name = if email.is_empty() {
        text.to_owned()
    } else {
        text.replace(email, " ").replace("mailto:", " ")
    };
    let name = name.split(|c: char| c.is_whitespace()).collect::<Vec<_>>().join(" ");
    let trim = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ',' | '،' | ';' | '-');
    let name = if email.is_empty() {
        name.trim()
    } else {
        name.trim_matches(trim)
    };
    Person {
        name: name.to_owned(),
        email: email.to_owned(),
        uri: String::new(),
    }
}

/// A language tag (BCP 47), with hyphens where programs write underscores; empty where a text is none.
pub(super) fn language_tag(text: &str) -> String {
    let tag = text.trim().replace('_', "-");
    let is_tag = tag.len() <= 35 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_tag { tag } else { String::new() }
}

/// `90`, `1:30`, `1:01:30`.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    parts.iter().try_fold(0_u64, |sum, part| {
        let part = part.split('.').next().unwrap_or_default().trim();
        sum.checked_mul(60)?.checked_add(part.parse().ok()?)
    })
}

/// A number without its fraction, where it is one.
pub(super) fn whole(number: f64) -> Option<u64> {
    format!("{:.0}", number.trunc()).parse().ok()
}
