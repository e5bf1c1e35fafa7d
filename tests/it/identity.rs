//! Which entries of a feed are the same item, whatever publishers do to guids and links: nothing is lost, and nothing comes twice.

use tidings::model::identity::IdentityPolicy;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Answer, Origin};

/// An entry; what is empty is left out.
#[derive(Clone, Copy, Default)]
struct Entry<'a> {
    guid: &'a str,
    link: &'a str,
    title: &'a str,
    /// The hour of 2026-11-21 at which it was published; 0: it does not say.
    hour: u32,
    text: &'a str,
}

fn entry<'a>(guid: &'a str, link: &'a str, title: &'a str) -> Entry<'a> {
    Entry {
        guid,
        link,
        title,
        hour: 10,
        text: title,
    }
}

fn document(entries: &[Entry<'_>]) -> String {
    let items: String = entries
        .iter()
        .map(|entry| {
            let date = match entry.hour {
                0 => String::new(),
                hour => format!("Sat, 21 Nov 2026 {hour:02}:00:00 GMT"),
            };
            let fields = [
                ("guid", entry.guid),
                ("link", entry.link),
                ("title", entry.title),
                ("pubDate", &date),
                ("description", entry.text),
            ];
            let fields: String = fields
                .iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| format!("<{name}>{text}</{name}>"))
                .collect();
            format!("<item>{fields}</item>").replace("<guid>", "<guid isPermaLink=\"false\">")
        })
        .collect();
    format!("<rss version=\"2.0\"><channel><title>A</title><link>https://a.example/</link>{items}</channel></rss>")
}

struct House {
    origin: Origin,
    app: TestApp,
}

impl House {
    async fn new() -> Self {
        let origin = Origin::start().await;
        let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
        Self { origin, app }
    }

    /// Polls a document with these entries; returns how many items were new, and how many edited.
    async fn poll(&self, entries: &[Entry<'_>]) -> (u64, u64) {
        self.origin
            .set("/feed", Answer::Plain(200, vec![], document(entries).into()));
        let polled = self.app.poll_all().await.remove(0);
        assert_eq!(polled.error, None);
        (polled.committed.new, polled.committed.updated)
    }

    async fn identity(&self) -> (IdentityPolicy, &'static str) {
        let identity = self.app.status("a").await.identity;
        (identity.policy, identity.why)
    }

    async fn items(&self) -> u64 {
        self.app.status("a").await.items
    }

    /// The same under another policy of the configuration; empty: none.
    async fn configured(self, policy: &str) -> Self {
        let line = match policy {
            "" => String::new(),
            policy => format!("identity = \"{policy}\"\n"),
        };
        let config = feed("a", &self.origin.url("/feed")) + &line;
        Self {
            app: self.app.restart(&config).await,
            origin: self.origin,
        }
    }

    /// The keys of all items.
    fn keys(&self) -> Vec<Vec<u8>> {
        let db = self.database();
        let mut statement = db.prepare("select key from item order by id").unwrap();
        let keys = statement.query_map([], |row| row.get(0)).unwrap();
        keys.map(Result::unwrap).collect()
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.app.folder.path().join("data/tidings.db")).unwrap()
    }
}

const ONE: Entry<'_> = Entry {
    guid: "1",
    link: "https://a.example/one",
    title: "One",
    hour: 9,
    text: "The text of one",
};
const TWO: Entry<'_> = Entry {
    guid: "2",
    link: "https://a.example/two",
    title: "Two",
    hour: 10,
    text: "The text of two",
};
const THREE: Entry<'_> = Entry {
    guid: "3",
    link: "https://a.example/three",
    title: "Three",
    hour: 11,
    text: "The text of three",
};

fn named<'a>(guid: &'a str, entry: Entry<'a>) -> Entry<'a> {
    Entry { guid, ..entry }
}

#[tokio::test]
async fn one_guid_for_all_entries_is_learned_at_once_and_links_tell_them_apart() {
    let house = House::new().await;
    let all = [ONE, TWO, THREE].map(|entry| named("same", entry));
    assert_eq!(house.poll(&all[..2]).await, (2, 0));
    assert_eq!(house.identity().await, (IdentityPolicy::Link, "learned"));
    // One alone is not taken for the others.
    assert_eq!(house.poll(&all[2..]).await, (1, 0));
    let edited = Entry {
        title: "One, corrected",
        ..all[0]
    };
    assert_eq!(house.poll(&[all[2], edited, all[1]]).await, (0, 1));
    assert_eq!(house.items().await, 3);
}

#[tokio::test]
async fn one_guid_for_whatever_the_only_entry_is_loses_no_item() {
    let house = House::new().await;
    for entry in [ONE, TWO, THREE] {
        assert_eq!(house.poll(&[named("latest", entry)]).await, (1, 0), "{}", entry.title);
    }
    assert_eq!(house.identity().await, (IdentityPolicy::Link, "learned"));
    assert_eq!(
        house.poll(&[ONE, TWO, THREE].map(|entry| named("latest", entry))).await,
        (0, 0)
    );
}

#[tokio::test]
async fn guids_that_are_places_in_the_list_are_not_believed() {
    let house = House::new().await;
    house.poll(&[named("1", TWO), named("2", ONE)]).await;
    assert_eq!(
        house.poll(&[named("1", THREE), named("2", TWO), named("3", ONE)]).await,
        (1, 0)
    );
    assert_eq!(house.identity().await, (IdentityPolicy::Link, "learned"));
    assert_eq!(house.items().await, 3);
}

#[tokio::test]
async fn guids_that_are_new_on_each_poll_are_learned_at_the_second_and_edits_are_edits() {
    let house = House::new().await;
    assert_eq!(house.poll(&[named("a1", ONE), named("a2", TWO)]).await, (2, 0));
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
    let edited = Entry {
        title: "Two, corrected",
        guid: "b2",
        ..TWO
    };
    assert_eq!(house.poll(&[named("b1", ONE), edited]).await, (0, 1));
    assert_eq!(house.identity().await, (IdentityPolicy::Link, "learned"));
    let again = Entry {
        text: "Another text",
        guid: "c2",
        ..edited
    };
    assert_eq!(house.poll(&[named("c3", THREE), named("c1", ONE), again]).await, (1, 1));
    assert_eq!(house.items().await, 3);
}

#[tokio::test]
async fn what_was_learned_is_not_unlearned_when_guids_stay_the_same_for_a_while() {
    let house = House::new().await;
    house.poll(&[named("a1", ONE), named("a2", TWO)]).await;
    house.poll(&[named("b1", ONE), named("b2", TWO)]).await;
    for title in ["Two", "Two again", "Two once more"] {
        house
            .poll(&[
                named("b1", ONE),
                Entry {
                    title,
                    ..named("b2", TWO)
                },
            ])
            .await;
        assert_eq!(house.identity().await, (IdentityPolicy::Link, "learned"));
    }
    assert_eq!(house.poll(&[named("c1", ONE), named("c2", TWO)]).await.0, 0);
}

#[tokio::test]
async fn links_that_are_new_on_each_poll_leave_stable_guids_in_force() {
    let house = House::new().await;
    for (poll, session) in [
        "https://a.example/?s=1",
        "https://a.example/?s=2",
        "https://a.example/?s=3",
    ]
    .into_iter()
    .enumerate()
    {
        let links = [format!("{session}&id=1"), format!("{session}&id=2")];
        let new = house
            .poll(&[Entry { link: &links[0], ..ONE }, Entry { link: &links[1], ..TWO }])
            .await
            .0;
        assert_eq!(new, if poll == 0 { 2 } else { 0 });
    }
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
}

#[tokio::test]
async fn where_guids_and_links_are_new_on_each_poll_title_and_date_tell_entries_apart() {
    let house = House::new().await;
    let fresh = |poll: u32| [1, 2, 3].map(|number| format!("https://a.example/{poll}-{number}"));
    let policies = [
        IdentityPolicy::Guid,
        IdentityPolicy::Guid,
        IdentityPolicy::TitleAndDate,
        IdentityPolicy::TitleAndDate,
    ];
    for (poll, policy) in (0..).zip(policies) {
        let names = fresh(poll);
        let under = |entry, name| Entry {
            link: name,
            ..named(name, entry)
        };
        let new = house.poll(&[under(ONE, &names[0]), under(TWO, &names[1])]).await.0;
        assert_eq!(new, if poll == 0 { 2 } else { 0 }, "poll {poll}");
        assert_eq!(house.identity().await.0, policy, "poll {poll}");
    }
    let names = fresh(9);
    let under = |entry, name| Entry {
        link: name,
        ..named(name, entry)
    };
    assert_eq!(
        house
            .poll(&[under(THREE, &names[2]), under(TWO, &names[1]), under(ONE, &names[0])])
            .await
            .0,
        1
    );
    assert_eq!(house.items().await, 3);
}

#[tokio::test]
async fn where_all_else_is_new_on_each_poll_the_text_tells_entries_apart() {
    let house = House::new().await;
    for poll in 1..5 {
        let names = [1, 2].map(|number| format!("https://a.example/{poll}-{number}"));
        let anew = |entry: Entry<'static>, name| Entry {
            guid: name,
            link: name,
            title: "",
            hour: poll,
            text: entry.text,
        };
        let entries = [anew(ONE, &names[0]), anew(TWO, &names[1])];
        assert_eq!(
            house.poll(&entries).await.0,
            if poll == 1 { 2 } else { 0 },
            "poll {poll}"
        );
    }
    assert_eq!(house.identity().await, (IdentityPolicy::Text, "learned"));
}

#[tokio::test]
async fn a_site_that_moves_brings_nothing_again_and_its_guids_are_believed_still() {
    let house = House::new().await;
    house.poll(&[ONE, TWO]).await;
    let moved = |entry: Entry<'static>, link| Entry {
        link,
        ..named(link, entry)
    };
    let there = [moved(ONE, "https://b.example/one"), moved(TWO, "https://b.example/two")];
    assert_eq!(house.poll(&there).await.0, 0);
    let edited = Entry {
        title: "Two, corrected",
        ..there[1]
    };
    assert_eq!(house.poll(&[there[0], edited]).await, (0, 1), "by its new guid");
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
    // Years later it moves again.
    let elsewhere = [
        moved(ONE, "https://c.example/one"),
        Entry {
            title: edited.title,
            ..moved(TWO, "https://c.example/two")
        },
    ];
    assert_eq!(house.poll(&elsewhere).await.0, 0);
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
}

#[tokio::test]
async fn entries_that_are_new_altogether_are_new() {
    let house = House::new().await;
    house.poll(&[ONE]).await;
    // The same title an hour later, and the same text once more.
    let later = Entry {
        hour: 12,
        text: "Of today",
        ..entry("4", "https://a.example/4", "One")
    };
    let repeated = Entry {
        hour: 13,
        text: ONE.text,
        ..entry("5", "https://a.example/5", "Five")
    };
    assert_eq!(house.poll(&[later, repeated]).await, (2, 0));
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
}

#[tokio::test]
async fn twins_by_http_and_https_are_one_item() {
    let (http, https) = (
        entry("http://a.example/1", "http://a.example/1", "1"),
        entry("https://a.example/1/", "https://a.example/1/", "1"),
    );
    for policy in ["guid", "link"] {
        let house = House::new().await.configured(policy).await;
        let other = [http, https, http];
        for (poll, twin) in other.into_iter().enumerate() {
            assert_eq!(
                house.poll(&[twin, TWO]).await.0,
                if poll == 0 { 2 } else { 0 },
                "{policy}"
            );
        }
        assert_eq!(house.items().await, 2);
    }
}

#[tokio::test]
async fn a_new_slug_for_an_old_guid_is_an_edit() {
    let house = House::new().await;
    house.poll(&[ONE, TWO]).await;
    let slug = Entry {
        link: "https://a.example/one-for-sure",
        title: "One for sure",
        ..ONE
    };
    assert_eq!(house.poll(&[slug, TWO]).await, (0, 1));
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
}

#[tokio::test]
async fn entries_with_one_key_are_all_kept_in_any_order_and_when_some_come_and_go() {
    let house = House::new().await;
    let (old, new) = (
        named("g", ONE),
        Entry {
            title: "One, again",
            ..named("g", ONE)
        },
    );
    let other = Entry {
        text: "Another text",
        ..old
    };
    assert_eq!(
        house.poll(&[old, TWO, THREE, old]).await,
        (3, 0),
        "the same throughout is one"
    );
    assert_eq!(house.poll(&[new, old, TWO, THREE]).await, (1, 0));
    assert_eq!(house.poll(&[old, new, TWO, THREE, other]).await, (1, 0));
    for entries in [[other, new, old, TWO, THREE], [THREE, old, other, new, TWO]] {
        assert_eq!(house.poll(&entries).await, (0, 0));
    }
    for alone in [old, new, other] {
        assert_eq!(
            house.poll(&[alone, TWO, THREE]).await,
            (0, 0),
            "{} {}",
            alone.title,
            alone.text
        );
    }
    assert_eq!(house.poll(&[old, other, new, TWO, THREE]).await, (0, 0));
    assert_eq!(house.items().await, 5);
}

#[tokio::test]
async fn a_policy_that_is_configured_brings_nothing_again_and_edits_are_edits() {
    let mut house = House::new().await;
    let (untitled, alone) = (
        Entry { title: "", ..THREE },
        Entry {
            link: "",
            ..entry("4", "", "Four")
        },
    );
    let mut text = String::from("An");
    house.poll(&[ONE, TWO, untitled, alone]).await;
    let all = [
        "link",
        "title_and_date",
        "text",
        "guid",
        "text",
        "title_and_date",
        "link",
        "",
    ];
    for policy in all {
        house = house.configured(policy).await;
        // Nothing has changed but the policy, and then the text of one; by its text it would be another.
        let before = Entry {
            text: if text == "An" { TWO.text } else { &text },
            ..TWO
        };
        assert_eq!(house.poll(&[ONE, before, untitled, alone]).await, (0, 0), "{policy}");
        if policy != "text" {
            let longer = format!("{text}other");
            let edited = Entry { text: &longer, ..TWO };
            assert_eq!(house.poll(&[ONE, edited, untitled, alone]).await, (0, 1), "{policy}");
            text = longer;
        }
    }
    assert_eq!(house.items().await, 4);
}

#[tokio::test]
async fn an_edit_that_comes_with_a_change_of_policy_is_an_edit() {
    let house = House::new().await;
    house.poll(&[ONE, TWO]).await;
    let by_guid = house.keys();
    let house = house.configured("link").await;
    let edited = Entry {
        title: "One, corrected",
        text: "Corrected",
        ..ONE
    };
    assert_eq!(house.poll(&[edited, TWO]).await, (0, 1));
    let house = house.configured("").await;
    assert_eq!(
        house
            .poll(&[
                Entry {
                    title: "One, again",
                    ..edited
                },
                TWO
            ])
            .await,
        (0, 1)
    );
    assert_eq!(house.keys(), by_guid, "and is found by its key from now on");
}

#[tokio::test]
async fn another_version_of_the_rule_brings_nothing_again() {
    let undated = |title| Entry {
        title,
        text: title,
        ..Entry::default()
    };
    let entries = [ONE, TWO, undated("Three"), undated("Four")];
    let house = House::new().await;
    house.poll(&entries).await;
    // As another rule would have made them.
    let forgotten = "update item set key = cast(x'00' || randomblob(16) as blob)";
    house.database().execute_batch(forgotten).unwrap();
    let edited = Entry {
        title: "One, corrected",
        ..ONE
    };
    assert_eq!(house.poll(&[edited, TWO, entries[2], entries[3]]).await, (0, 1));
    let versions = "select count(*) from item where substr(key, 1, 1) = x'01'";
    let count = |sql| house.database().query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count(versions), 4, "they are found by their keys from now on");
    assert_eq!(
        count("select identity_doubts from feed"),
        0,
        "that says nothing of the publisher"
    );
    assert_eq!(house.identity().await, (IdentityPolicy::Guid, "usual"));
    assert_eq!(house.app.titles().await.len(), 4);
}

#[tokio::test]
async fn feed_show_says_by_what_items_are_told_apart_and_why() {
    let house = House::new().await;
    let said = |text: String| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix("told apart by ").map(str::to_owned))
            .unwrap()
    };
    house.poll(&[named("a1", ONE), named("a2", TWO)]).await;
    assert_eq!(said(house.app.said(&["feed", "show", "a"]).await), "guid, as usual");
    house.poll(&[named("b1", ONE), named("b2", TWO)]).await;
    let learned = said(house.app.said(&["feed", "show", "a"]).await);
    assert_eq!(
        learned,
        "link, learned on 2026-11-22 12:00:00Z: its guids do not tell them apart"
    );
    let house = house.configured("title_and_date").await;
    assert_eq!(
        said(house.app.said(&["feed", "show", "a"]).await),
        "title and date, as the configuration says"
    );
    let json: serde_json::Value =
        serde_json::from_str(&house.app.said(&["feed", "show", "a", "--json"]).await).unwrap();
    assert_eq!(
        json["identity"],
        serde_json::json!({"policy": "title_and_date", "why": "configured", "since": null})
    );
}

#[tokio::test]
async fn hashes_that_were_made_otherwise_change_nothing() {
    let house = House::new().await;
    let entries = ["a", "b", "c", "d", "e"].map(|id| entry(id, "", id));
    assert_eq!(house.poll(&entries).await, (5, 0));
    // An earlier version hashed entries by another function.
    let changed = house
        .database()
        .execute(
            "update item set raw_hash = zeroblob(16), content_hash = zeroblob(16)",
            [],
        )
        .unwrap();
    assert_eq!(changed, 5);
    let with_one_more: Vec<Entry<'_>> = entries.into_iter().chain([entry("f", "", "f")]).collect();
    assert_eq!(house.poll(&with_one_more).await, (1, 0));
    let stale =
        "select count(*) from item where raw_hash = zeroblob(16) or content_hash = zeroblob(16) or revision > 0";
    let stale: i64 = house.database().query_row(stale, [], |row| row.get(0)).unwrap();
    assert_eq!(stale, 0);
}
