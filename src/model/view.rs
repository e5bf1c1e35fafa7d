//! A view: a named choice of stories. It is published as merged feeds and mailed as a digest.

use std::time::Duration;

/// What a view chooses. Empty lists do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Unique; the name in `/feeds/NAME.atom`.
    pub name: String,
    /// Shown as the title of the merged feed.
    pub title: String,
    /// Names of feeds; `*` stands for any run of characters.
    pub feeds: Vec<String>,
    /// Names of groups; a feed that is named in `feeds` or is in one of the groups belongs to the view.
    pub groups: Vec<String>,
    /// A story must have one of these words in title or text.
    pub include: Vec<String>,
    /// A story must have none of these words in title or text.
    pub exclude: Vec<String>,
    /// Primary language subtags, such as `fa`.
    pub languages: Vec<String>,
    /// How many stories the merged feed holds.
    pub items: usize,
    /// A story is in the view from so long after the first of the view's feeds brought it; until then its corrections settle.
    pub hold: Duration,
}

impl View {
    /// Whether every feed belongs to the view.
    #[must_use]
    pub fn has_every_feed(&self) -> bool {
        (self.feeds.is_empty() && self.groups.is_empty()) || self.feeds.iter().any(|pattern| pattern == "*")
    }

    /// Whether the text of a story decides, not only its feed.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        !(self.include.is_empty() && self.exclude.is_empty())
    }

    /// Whether a name matches a pattern in which `*` stands for any run of characters.
    #[must_use]
    pub fn name_matches(pattern: &str, name: &str) -> bool {
        let mut parts = pattern.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name, matches) in [
            ("*", "anything", true),
            ("borna-*", "borna-en", true),
            ("borna-*", "irna-en", false),
            ("*-en", "borna-en", true),
            ("b*a-*n", "borna-en", true),
            ("ab*ba", "aba", false),
            ("borna", "borna", true),
            ("borna", "borna-en", false),
        ] {
            assert_eq!(View::name_matches(pattern, name), matches, "{pattern} {name}");
        }
    }
}
