//! The configured feeds in little memory: a million take some 100 MB. Only who reads or stores a configuration holds a list.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::feed::{Access, FeedIntent, Manner};

/// Feeds in the order in which they were pushed. Not to be cloned: there may be a million.
#[derive(Debug, Default)]
pub struct FeedList {
    /// Name and address of each, one behind the other.
    texts: String,
    places: Vec<Place>,
    /// What feeds have in common, each once.
    shared: Vec<Arc<Shared>>,
    /// Where in `shared` it stands.
    numbers: HashMap<Arc<Shared>, usize>,
}

/// Where the name and the address of a feed end; the name starts where the address before it ends.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: usize,
    url: usize,
    shared: usize,
}

/// All of a feed that it may share with others.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shared {
    group: String,
    manner: Manner,
    access: Access,
}

/// A feed of a list; see [`FeedIntent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedFeed<'a> {
    /// Unique among all feeds.
    pub name: &'a str,
    /// Where it is polled.
    pub url: &'a str,
    /// The group it belongs to; empty: none.
    pub group: &'a str,
    /// How its documents are read.
    pub manner: &'a Manner,
    /// How it is asked.
    pub access: &'a Access,
}

impl FeedList {
    /// Adds a feed behind the last.
    pub fn push(&mut self, feed: FeedIntent) {
        let FeedIntent {
            name,
            url,
            group,
            manner,
            access,
        } = feed;
        let shared = self.number_of(Shared { group, manner, access });
        self.texts.push_str(&name);
        let name = self.texts.len();
        self.texts.push_str(url.as_str());
        let url = self.texts.len();
        self.places.push(Place { name, url, shared });
    }

    fn number_of(&mut self, shared: Shared) -> usize {
        if let Some(number) = self.numbers.get(&shared) {
            return *number;
        }
        let (shared, number) = (Arc::new(shared), self.shared.len());
        self.shared.push(Arc::clone(&shared));
        self.numbers.insert(shared, number);
        number
    }

    /// The feed at a place, from 0 on.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<ListedFeed<'_>> {
        let place = self.places.get(at)?;
        let before = at.checked_sub(1).and_then(|before| self.places.get(before));
        let shared = self.shared.get(place.shared)?;
        Some(ListedFeed {
            name: self.texts.get(before.map_or(0, |before| before.url)..place.name)?,
            url: self.texts.get(place.name..place.url)?,
            group: &shared.group,
            manner: &shared.manner,
            access: &shared.access,
        })
    }

    /// All feeds, in order.
    pub fn iter(&self) -> impl Iterator<Item = ListedFeed<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl PartialEq for FeedList {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl FromIterator<FeedIntent> for FeedList {
    fn from_iter<I: IntoIterator<Item = FeedIntent>>(feeds: I) -> Self {
        let mut list = Self::default();
        feeds.into_iter().for_each(|feed| list.push(feed));
        list
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{FeedList, ListedFeed};
    use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};

    #[test]
    fn feeds_come_back_as_they_were_pushed_and_what_they_share_is_kept_once() {
        let tehran = Manner {
            time_zone: "Asia/Tehran".to_owned(),
            ..Manner::default()
        };
        let feed = |name: &str, group: &str, manner: &Manner| FeedIntent {
            name: name.to_owned(),
            url: FeedUrl::parse(&format!("https://{group}.example/")).unwrap(),
            group: group.to_owned(),
            manner: manner.clone(),
            access: Access::default(),
        };
        let plain = Manner::default();
        let list: FeedList = [("الف", "g", &plain), ("b", "h", &tehran), ("", "g", &plain)]
            .map(|(name, group, manner)| feed(name, group, manner))
            .into_iter()
            .collect();
        let access = Access::default();
        let listed = |name, url, group, manner| ListedFeed {
            name,
            url,
            group,
            manner,
            access: &access,
        };
        let seen: Vec<_> = list.iter().collect();
        assert_eq!(
            seen,
            [
                listed("الف", "https://g.example/", "g", &plain),
                listed("b", "https://h.example/", "h", &tehran),
                listed("", "https://g.example/", "g", &plain),
            ]
        );
        assert_eq!((list.len(), list.shared.len(), list.get(3)), (3, 2, None));
    }
}
