//! The labelled corpus: items of our own, in English and Persian, with what a careful editor would say of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use tidings::ingest::identity::keyed;
use tidings::model::feed::{Access, FeedFacts, FeedId, FeedIntent, FeedUrl, Manner};
use tidings::model::identity::IdentityPolicy;
use tidings::model::item::RawItem;
use tidings::model::poll::{ItemChange, Outcome, PollIntent, ReadDocument};
use tidings::model::story::ListedStory;
use tidings::service::stories::judge;
use tidings::store::Store;
use tidings::story::fingerprint::marks;
use tidings::text::canonical_url::Links;

/// One item of the corpus.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    pub id: String,
    /// Items with the same label tell one story.
    pub story: String,
    pub feed: String,
    pub group: String,
    pub at: String,
    pub title: String,
    pub link: String,
    pub html: String,
    /// The stories that it quotes.
    #[serde(default)]
    pub quotes: Vec<String>,
    /// How much of the one that it quotes stands in it.
    pub share: Option<f64>,
}

#[derive(Deserialize)]
struct Case {
    item: Vec<Labelled>,
}

/// The cases by name.
pub fn cases() -> BTreeMap<String, Vec<Labelled>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stories");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let case: Case =
            toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), case.item)
    };
    files.map(read).collect()
}

/// A store into which items come one by one.
pub struct Arrivals {
    pub store: Store,
    _folder: tempfile::TempDir,
    feeds: BTreeMap<String, FeedId>,
    arrived: BTreeMap<i64, String>,
}

impl Arrivals {
    /// A store with the feeds of these items.
    pub async fn of(items: &[Labelled]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tidings.db")).unwrap();
        let groups: BTreeMap<&str, &str> = items
            .iter()
            .map(|item| (item.feed.as_str(), item.group.as_str()))
            .collect();
        let feeds = groups.iter().map(|(name, group)| FeedIntent {
            name: (*name).to_owned(),
            url: FeedUrl::parse(&format!("https://{name}.example/feed")).unwrap(),
            group: (*group).to_owned(),
            manner: Manner::default(),
            access: Access::default(),
        });
        store.sync_feeds(feeds.collect()).await.unwrap();
        let rows = store.feeds_after("", 1000).await.unwrap();
        let feeds = rows.into_iter().map(|feed| (feed.name, feed.id)).collect();
        Self {
            store,
            _folder: folder,
            feeds,
            arrived: BTreeMap::new(),
        }
    }

    /// An item arrives and, where `place`, gets its story at once.
    pub async fn arrive(&mut self, item: &Labelled, place: bool) {
        let raw = RawItem {
            guid: item.id.clone(),
            link: item.link.clone(),
            title: item.title.clone(),
            content: item.html.clone(),
            published: Some(item.at.parse().unwrap()),
            ..RawItem::default()
        };
        let address = url::Url::parse("https://feeds.example/").unwrap();
        let keyed = keyed(vec![raw], IdentityPolicy::Guid);
        let mut changes =
            tidings::ingest::decide(&keyed, &Default::default(), (&address, "", &Links::default()), now());
        for change in &mut changes {
            if let ItemChange::New { item, .. } = change {
                item.marks = marks(&item.title, &item.content);
            }
        }
        let committed = self
            .store
            .commit_poll(outcome(self.feeds[&item.feed], changes))
            .await
            .unwrap();
        assert_eq!(committed.new, 1, "{}", item.id);
        let keys = keyed.iter().map(|item| item.key);
        let stored = self.store.known_items(self.feeds[&item.feed], keys).unwrap();
        let id = stored.into_values().next().unwrap().id;
        self.arrived.insert(id.0, item.id.clone());
        if place {
            self.place().await;
        }
    }

    /// Gives everything that waits its story.
    pub async fn place(&self) {
        let judge = judge(Arc::from([]));
        while self.store.place_arrivals(500, now(), &judge).await.unwrap().items > 0 {}
    }

    /// The corpus's name of an item.
    pub fn name(&self, id: i64) -> &str {
        &self.arrived[&id]
    }

    pub async fn stories(&self) -> Vec<ListedStory> {
        self.store.listed_stories(None, 10_000).await.unwrap()
    }
}

pub fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn outcome(feed: FeedId, changes: Vec<ItemChange>) -> PollIntent {
    PollIntent {
        feed,
        started_at: now(),
        finished_at: now(),
        outcome: Outcome::Fetched,
        status: Some(200),
        bytes: 1,
        error: None,
        tally: Default::default(),
        said: (None, None),
        validators: None,
        offered: None,
        document: Some(ReadDocument {
            hash: [0; 32],
            entries: 1,
            entry_marks: Default::default(),
            is_believed: true,
            facts: FeedFacts::default(),
            changes,
            losses: Vec::new(),
            learned: None,
        }),
        moving: None,
        gap: None,
        proposed: None,
        rhythm: None,
        next_poll_at: Some(now()),
        pace: 0,
        reason: String::new(),
        sharing: None,
    }
}
