//! The feeds of a view, as a condition that the database looks up: of a million feeds, no names and not many ids are held.

use serde::Serialize;

use crate::model::feed::FeedId;
use crate::model::view::View;
use crate::store::rows::signed;
use crate::store::{SqlResult, Store, StoreError};

/// Up to so many feeds, their stories are looked up by feed.
const FEW: usize = 20;

/// Up to so many patterns stand in the query one by one; an expression has its limits.
const SPELT_OUT: usize = 50;

/// The feeds whose stories are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FeedChoice {
    /// All, those that are configured no longer among them.
    #[default]
    Any,
    /// These.
    Few(Vec<FeedId>),
    /// The configured ones that a view names.
    Many(Named),
}

/// What a view names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    all: bool,
    names: Vec<String>,
    patterns: Vec<String>,
    groups: Vec<String>,
}

impl Named {
    fn by(view: &View) -> Self {
        let (patterns, names): (Vec<&String>, Vec<&String>) = view.feeds.iter().partition(|name| name.contains('*'));
        // The empty group is no group.
        let groups = view.groups.iter().filter(|group| !group.is_empty());
        Self {
            all: view.has_every_feed(),
            names: names.into_iter().cloned().collect(),
            patterns: patterns.into_iter().map(|pattern| glob(pattern)).collect(),
            groups: groups.cloned().collect(),
        }
    }

    /// Whether the row `feed` is one of these, where `parameter` is [`json`](Self::json). What is not asked for is left out: names
    /// alone are found by their index.
    fn condition(&self, parameter: &str) -> String {
        let listed = |column: &str, list: &str| {
            format!("feed.{column} in (select value from json_each({parameter}, '$.{list}'))")
        };
        let matches = if self.patterns.len() > SPELT_OUT {
            format!("exists (select 1 from json_each({parameter}, '$.patterns') where feed.name glob value)")
        } else {
            // The database takes each pattern out once, and not for each feed: six times as fast.
            let pattern = |at| format!("feed.name glob json_extract({parameter}, '$.patterns[{at}]')");
            (0..self.patterns.len()).map(pattern).collect::<Vec<_>>().join(" or ")
        };
        let ways = [
            (self.all, "1".to_owned()),
            (!self.names.is_empty(), listed("name", "names")),
            (!self.groups.is_empty(), listed("feed_group", "groups")),
            (!self.patterns.is_empty(), matches),
        ];
        let ways: Vec<String> = ways
            .into_iter()
            .filter_map(|(is_asked, way)| is_asked.then_some(way))
            .collect();
        let any = if ways.is_empty() {
            "0".to_owned()
        } else {
            ways.join(" or ")
        };
        format!("feed.configured = 1 and {parameter} is not null and ({any})")
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A pattern as the database reads it: there, ? and [ have a meaning too.
fn glob(pattern: &str) -> String {
    pattern.replace('[', "[[]").replace('?', "[?]")
}

impl FeedChoice {
    /// Whether the feed of the item `item` is one of these, where `parameter` is [`value`](Self::value).
    pub(super) fn has(&self, item: &str, parameter: &str) -> String {
        match self {
            Self::Any => format!("{parameter} is null"),
            Self::Few(_) => format!("{item}.feed_id in (select value from json_each({parameter}))"),
            Self::Many(named) => {
                let is_named = named.condition(parameter);
                format!("exists (select 1 from feed where feed.id = {item}.feed_id and {is_named})")
            }
        }
    }

    pub(super) fn value(&self) -> Option<String> {
        match self {
            Self::Any => None,
            Self::Few(ids) => Some(serde_json::json!(ids).to_string()),
            Self::Many(named) => Some(named.json()),
        }
    }
}

impl Store {
    /// The feeds that belong to a view. Feeds that the configuration no longer names belong to none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feeds_of(&self, view: &View) -> Result<FeedChoice, StoreError> {
        let named = Named::by(view);
        self.read("looking for the feeds of a view", move |db| {
            if named.all {
                let former = "select exists (select 1 from feed where configured = 0)";
                let has_former: bool = db.prepare_cached(former)?.query_row([], |row| row.get(0))?;
                return Ok(if has_former {
                    FeedChoice::Many(named)
                } else {
                    FeedChoice::Any
                });
            }
            let sql = format!("select id from feed where {} limit ?2", named.condition("?1"));
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map((named.json(), signed(FEW + 1)), |row| row.get(0).map(FeedId))?;
            let few = rows.collect::<SqlResult<Vec<_>>>()?;
            Ok(if few.len() > FEW {
                FeedChoice::Many(named)
            } else {
                FeedChoice::Few(few)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{FEW, FeedChoice, Named, SPELT_OUT};
    use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};
    use crate::model::view::View;
    use crate::store::Store;

    fn view(feeds: &[&str], groups: &[&str]) -> View {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        View {
            feeds: owned(feeds),
            groups: owned(groups),
            ..View::default()
        }
    }

    #[test]
    fn the_database_matches_names_as_the_configuration_does() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let named = |view: &View, name: &str, group: &str| {
            let named = Named::by(view);
            let is_named = named.condition("?1");
            let sql = format!(
                "with feed as (select ?2 as name, ?3 as feed_group, 1 as configured) select {is_named} from feed"
            );
            db.query_row(&sql, (named.json(), name, group), |row| row.get::<_, bool>(0))
                .unwrap()
        };
        for pattern in [
            "*",
            "borna-*",
            "*-en",
            "b*a-*n",
            "ab*ba",
            "what? [a]*",
            "[*",
            "borna",
            "Borna*",
            "",
            "خبر*",
        ] {
            for name in [
                "borna",
                "borna-en",
                "aba",
                "abba",
                "what? [a] b",
                "whatx a b",
                "[x",
                "",
                "خبرگزاری",
            ] {
                let expected = View::name_matches(pattern, name);
                assert_eq!(named(&view(&[pattern], &[]), name, ""), expected, "{pattern} {name}");
            }
        }
        let many: Vec<String> = (0..2 * SPELT_OUT).map(|number| format!("{number}-*")).collect();
        let many = view(&many.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        assert!(named(&many, "99-x", "") && !named(&many, "100-x", ""));
        let both = view(&["blog"], &["agencies", ""]);
        assert!(named(&both, "blog", "") && named(&both, "x", "agencies") && !named(&both, "x", ""));
        assert!(named(&view(&[], &[]), "x", ""));
    }

    #[tokio::test]
    async fn a_choice_of_few_feeds_is_their_ids_and_one_of_many_is_what_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("t.db")).unwrap();
        let feed = |number: usize| FeedIntent {
            name: format!("f{number}"),
            url: FeedUrl::parse(&format!("https://a.example/{number}")).unwrap(),
            group: if number < FEW { "small" } else { "large" }.to_owned(),
            manner: Manner::default(),
            access: Access::default(),
        };
        store.sync_feeds((0..3 * FEW).map(feed).collect()).await.unwrap();
        let choice = async |view: View| store.feeds_of(&view).await.unwrap();
        assert_eq!(choice(view(&["*"], &[])).await, FeedChoice::Any);
        assert!(matches!(choice(view(&["f*"], &[])).await, FeedChoice::Many(_)));
        assert!(matches!(choice(view(&[], &["large"])).await, FeedChoice::Many(_)));
        let small = choice(view(&[], &["small"])).await;
        assert!(matches!(&small, FeedChoice::Few(ids) if ids.len() == FEW), "{small:?}");
        store.sync_feeds((0..FEW).map(feed).collect()).await.unwrap();
        assert!(
            matches!(choice(view(&["*"], &[])).await, FeedChoice::Many(_)),
            "without the former ones"
        );
        assert_eq!(choice(view(&["nobody", "f*"], &[])).await, small);
    }
}
