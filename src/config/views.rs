//! The views of a configuration, and whether there is what they name.

use std::collections::HashSet;
use std::time::Duration;

use crate::config::section::{Faults, Section, size};
use crate::model::feed_list::FeedList;
use crate::model::item::MAX_HOLD;
use crate::model::view::View;
use crate::text::fold::fold;
use crate::text::language::primary_subtag;

/// All views; one of everything where there are none.
pub(super) fn views(root: &mut Section, feeds: &FeedList, faults: &Faults) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    let mut named = Named::default();
    for mut section in root.sections("view") {
        let name = section.required_text("name");
        check_name(&section, &name, views.iter().any(|v| v.name == name));
        let title = section.text("title").unwrap_or_else(|| format!("tidings: {name}"));
        let view = View {
            title,
            feeds: section.texts("feeds"),
            groups: section.texts("groups"),
            include: words(&mut section, "include"),
            exclude: words(&mut section, "exclude"),
            languages: languages(&mut section),
            items: size(section.integer("items", 1..=10_000, 100)),
            hold: section.duration("hold", Duration::ZERO..=MAX_HOLD, Duration::ZERO),
            name,
        };
        let (key, keyed) = (section.key("feeds"), |key: &str, text: &String| {
            (key.to_owned(), text.clone())
        });
        named.feeds.extend(view.feeds.iter().map(|text| keyed(&key, text)));
        let key = section.key("groups");
        named.groups.extend(view.groups.iter().map(|text| keyed(&key, text)));
        section.finish();
        views.push(view);
    }
    named.find(feeds, faults);
    if views.is_empty() {
        views.push(View {
            name: "all".to_owned(),
            title: "tidings".to_owned(),
            items: 100,
            ..View::default()
        });
    }
    views
}

fn languages(section: &mut Section) -> Vec<String> {
    let tags = section.texts("languages");
    let primary = |tag: &String| {
        let language = primary_subtag(tag);
        if language.is_empty() {
            section.fault(
                "languages",
                format!("{tag:?} is no language; write a tag such as \"fa\""),
            );
        }
        language
    };
    tags.iter().map(primary).collect()
}

fn words(section: &mut Section, key: &'static str) -> Vec<String> {
    let words = section.texts(key);
    for word in words.iter().filter(|word| fold(word).is_empty()) {
        section.fault(key, format!("{word:?} has no letter or digit to look for"));
    }
    words
}

/// Names of views and digests stand in addresses and in Message-IDs.
pub(super) fn check_name(section: &Section, name: &str, taken: bool) {
    if taken {
        section.fault("name", format!("{name:?} is taken already; names must differ"));
    }
    if !name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    {
        section.fault(
            "name",
            format!("{name:?} may hold letters a-z, digits, - and _ only: it stands in addresses"),
        );
    }
}

/// What views name, each beside the key that names it.
#[derive(Default)]
struct Named {
    /// Names and patterns.
    feeds: Vec<(String, String)>,
    groups: Vec<(String, String)>,
}

impl Named {
    /// Looks for all of it in one pass over the feeds; what is not there is a fault.
    fn find(&self, feeds: &FeedList, faults: &Faults) {
        let mut groups: HashSet<&str> = self.groups.iter().map(|(_, group)| group.as_str()).collect();
        let names = self.feeds.iter().map(|(_, name)| name.as_str());
        let (mut patterns, mut names): (HashSet<&str>, HashSet<&str>) =
            names.filter(|name| *name != "*").partition(|name| name.contains('*'));
        for feed in feeds.iter() {
            if groups.is_empty() && names.is_empty() && patterns.is_empty() {
                break;
            }
            groups.remove(feed.group);
            names.remove(feed.name);
            patterns.retain(|pattern| !View::name_matches(pattern, feed.name));
        }
        for (key, name) in &self.feeds {
            if names.contains(name.as_str()) || patterns.contains(name.as_str()) {
                faults.add(
                    key.clone(),
                    format!("names no feed: {name:?}; `tidings feed list` shows the names"),
                );
            }
        }
        for (key, group) in self.groups.iter().filter(|(_, group)| groups.contains(group.as_str())) {
            faults.add(key.clone(), format!("no feed is in the group {group:?}"));
        }
    }
}
