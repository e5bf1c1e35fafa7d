//! What an operator sees, asks and decides of stories, by the commands, over real polls.

use serde_json::Value;

use crate::support::app::{TestApp, feed};
use crate::support::origin::Origin;

const ARTICLE: &str = "<p>The northern corridor will open in spring, the transport ministry said on Saturday, after nine years of work \
    on the tunnels above the river. The first trains are to carry grain and timber; passengers follow in autumn, once the stations \
    have roofs.</p><p>Engineers had to move two villages and a cemetery. The families were paid twice, the ministry said, because the \
    first payment was lost in a bankruptcy. Nobody objected to the second one.</p><p>The line is 162 kilometres long and crosses \
    forty bridges. Its cost has trebled since the first sod was cut, and the last third was paid by the port that hopes to gain \
    from it.</p>";
const OPENING: &str = "<p>My uncle laid the first sleepers of this line and did not live to see a train on it. So I keep every line that \
    is written about it in a drawer, and here is one more for the drawer, from the agency:</p>";
const CLOSING: &str = "<p>What the agency does not say is who will pay for the roofs. I asked the station master in April. He laughed, \
    and then he asked me whether I had a ladder. The port will gain, no doubt; ports do. The villages have a new cemetery on a hill \
    that the wind never leaves, and the people there say that the dead at least can see the bridges.</p>";

fn document(title: &str, entries: &[(&str, &str, &str, String)]) -> String {
    let entries = entries.iter().map(|(id, title, published, html)| {
        format!(
            "<entry><id>{id}</id><title>{title}</title><link href=\"{id}\"/><published>{published}</published>\
             <updated>{published}</updated><content type=\"html\"><![CDATA[{html}]]></content></entry>"
        )
    });
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:{title}</id><title>{title}</title><updated>2026-11-22T06:00:00Z</updated>{}</feed>",
        entries.collect::<String>()
    )
}

/// An agency, a columnist who reprints its article between words of his own, and a paper that has it under another title.
async fn told() -> TestApp {
    let origin = Origin::start().await;
    let (article, column) = ("https://agency.example/corridor", "https://column.example/drawer");
    origin.serve(
        "/agency",
        document(
            "Agency",
            &[(
                article,
                "Northern corridor to open in spring",
                "2026-11-21T06:00:00Z",
                ARTICLE.to_owned(),
            )],
        ),
    );
    let text = format!(
        "{OPENING}<p><a href=\"{article}?utm_source=blog\">Article</a>, <a href=\"https://archive.ph/AbC12\">archived copy</a></p>\
         <blockquote>{ARTICLE}</blockquote>{CLOSING}"
    );
    origin.serve(
        "/column",
        document(
            "Column",
            &[(column, "One more for the drawer", "2026-11-21T18:00:00Z", text)],
        ),
    );
    origin.serve(
        "/paper",
        document(
            "Paper",
            &[(
                "https://paper.example/7",
                "After nine years, trains",
                "2026-11-22T05:00:00Z",
                ARTICLE.replace("Saturday", "Friday"),
            )],
        ),
    );
    let feeds = ["agency", "column", "paper"].map(|name| feed(name, &origin.url(&format!("/{name}"))));
    let app = TestApp::new(&format!(
        "{}{}{}[[view]]\nname = \"all\"\n",
        feeds[0], feeds[1], feeds[2]
    ))
    .await;
    app.poll().await;
    app
}

async fn listed(app: &TestApp) -> Vec<Value> {
    let lines = app.said(&["stories", "--json"]).await;
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn feeds(story: &Value) -> Vec<&str> {
    let items = story["items"].as_array().unwrap();
    items.iter().map(|item| item["feed"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_column_that_reprints_an_article_is_its_own_story_and_quotes_it() {
    let app = told().await;
    let stories = listed(&app).await;
    assert_eq!(stories.len(), 2, "{stories:#?}");
    let find = |name: &str| stories.iter().find(|story| feeds(story).contains(&name)).unwrap();
    let (article, column) = (find("agency"), find("column"));
    assert_eq!(
        (feeds(article), feeds(column)),
        (vec!["agency", "paper"], vec!["column"])
    );
    assert_eq!(column["quotes"][0]["story"], article["id"]);
    assert_eq!(article["quoted_by"][0]["story"], column["id"]);
    let share = column["quotes"][0]["share"].as_f64().unwrap();
    assert!(share > 0.95, "{share}");
    assert_eq!(article["title"], "Northern corridor to open in spring");
    let keys: Vec<&String> = article.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["feed", "id", "items", "link", "quoted_by", "quotes", "seq", "title"]
    );
    // The merged feed carries both, and says who quotes whom and where else it ran.
    let told = app.stories().await;
    let column = told.iter().find(|story| story.feed.name == "column").unwrap();
    assert_eq!(column.quotes[0].title, "Northern corridor to open in spring");
    let article = told.iter().find(|story| story.feed.name == "agency").unwrap();
    assert_eq!(
        (article.quoted_by[0].feed.as_str(), article.also_in.as_slice()),
        ("Column", &["Paper".to_owned()][..])
    );
}

#[tokio::test]
async fn why_tells_the_keys_what_was_compared_and_what_followed() {
    let app = told().await;
    let said: Value = serde_json::from_str(&app.said(&["why", "https://paper.example/7", "--json"]).await).unwrap();
    assert_eq!(said["item"]["feed"], "paper");
    assert!(said["key"].as_str().unwrap().starts_with("01"));
    assert_eq!(said["told_apart_by"], "guid");
    let with_agency = said["compared"]
        .as_array()
        .unwrap()
        .iter()
        .find(|compared| compared["item"]["feed"] == "agency")
        .unwrap();
    assert_eq!(with_agency["decision"], "same: nearly the same text");
    assert!(with_agency["share_of_this_in_other"].as_f64().unwrap() > 0.9);
    assert_eq!(feeds(&said["story"]), ["agency", "paper"]);
    let both = app.said(&["why", "https://agency.example/corridor"]).await;
    assert!(
        both.contains("quoted by it: most of its text, with a link to it"),
        "{both}"
    );
    let text = app.said(&["why", "https://column.example/drawer"]).await;
    assert!(
        text.contains("quotes it: most of its text, with a link to it"),
        "{text}"
    );
}

#[tokio::test]
async fn a_story_is_split_and_merged_and_both_are_taken_back_and_later_polls_respect_it() {
    let app = told().await;
    let names = |stories: &[Value]| {
        let mut names: Vec<Vec<String>> = stories
            .iter()
            .map(|story| feeds(story).iter().map(|&name| name.to_owned()).collect())
            .collect();
        names.sort();
        names
    };
    let together = names(&listed(&app).await);
    assert_eq!(
        together,
        [vec!["agency".to_owned(), "paper".to_owned()], vec!["column".to_owned()]]
    );
    let before = listed(&app).await;
    app.said(&["story", "split", "https://paper.example/7"]).await;
    let apart = listed(&app).await;
    assert_eq!(apart.len(), 3, "{apart:#?}");
    // Everything is compared again, as after an edit, and stays apart.
    let db = rusqlite::Connection::open(app.folder.path().join("data/tidings.db")).unwrap();
    db.execute("insert into doubt select id from item", []).unwrap();
    app.app.stories().place_all().await.unwrap();
    assert_eq!(names(&listed(&app).await), names(&apart));
    app.said(&["story", "undo"]).await;
    assert_eq!(listed(&app).await, before, "undone is as if it had never been");
    let seq = |name: &str, stories: &[Value]| {
        stories.iter().find(|story| feeds(story).contains(&name)).unwrap()["seq"].to_string()
    };
    app.said(&["story", "merge", &seq("column", &before), &seq("agency", &before)])
        .await;
    assert_eq!(listed(&app).await.len(), 1);
    app.app.stories().place_all().await.unwrap();
    assert_eq!(app.stories().await.len(), 1);
    app.said(&["story", "undo"]).await;
    assert_eq!(listed(&app).await, before);
}

#[tokio::test]
async fn who_is_split_off_leaves_the_story_to_the_others_even_who_came_first() {
    let app = told().await;
    let seq = |stories: &[Value], name: &str| {
        let of = |story: &&Value| feeds(story).contains(&name);
        stories.iter().find(of).unwrap()["seq"].as_u64().unwrap()
    };
    let before = listed(&app).await;
    app.said(&["story", "split", "https://agency.example/corridor"]).await;
    let after = listed(&app).await;
    assert_eq!(seq(&after, "paper"), seq(&before, "paper"));
    assert!(seq(&after, "agency") > seq(&before, "column"));
}

#[tokio::test]
async fn a_split_leaves_each_story_its_own_leader_and_both_are_told() {
    let app = told().await;
    let before = listed(&app).await;
    let seq = |name: &str, stories: &[Value]| {
        let of = |story: &&Value| feeds(story).contains(&name);
        stories.iter().find(of).unwrap()["seq"].to_string()
    };
    app.said(&["story", "merge", &seq("column", &before), &seq("agency", &before)])
        .await;
    app.said(&["story", "split", "https://agency.example/corridor"]).await;
    let told = app.titles().await;
    let mut wanted = vec![
        "Northern corridor to open in spring",
        "One more for the drawer",
        "After nine years, trains",
    ];
    for story in listed(&app).await {
        wanted.retain(|title| {
            story["items"]
                .as_array()
                .unwrap()
                .iter()
                .skip(1)
                .all(|item| item["title"] != *title)
        });
        assert!(told.iter().any(|title| story["title"] == **title), "{told:?}");
    }
    let mut told: Vec<&str> = told.iter().map(String::as_str).collect();
    told.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(told, wanted, "each story is told once, by one of its own items");
}

#[tokio::test]
async fn why_of_an_item_that_is_held_changes_nothing() {
    let origin = Origin::start().await;
    let link = "https://agency.example/live";
    let entry = |id: &str| {
        format!("<item><guid isPermaLink=\"false\">{id}</guid><title>Live {id}</title><link>{link}</link></item>")
    };
    let rss = |entries: &str| {
        format!(
            "<rss version=\"2.0\"><channel><title>t</title><link>https://t.example/</link>{entries}</channel></rss>"
        )
    };
    origin.serve("/agency", rss(&entry("one")));
    origin.serve("/other", rss(&entry("other")));
    let held = feed("agency", &origin.url("/agency")) + "hold = \"10m\"\n";
    let app = TestApp::new(&format!("{held}{}", feed("other", &origin.url("/other")))).await;
    app.poll().await;
    app.advance(jiff::SignedDuration::from_mins(11));
    app.app.stories().place_all().await.unwrap();
    origin.serve("/agency", rss(&(entry("two") + &entry("one"))));
    let polled = app.poll_named(&["agency"]).await;
    assert_eq!(polled[0].committed.new, 1, "{polled:?}");
    // The first took a number when its hold was over.
    let said = app.said(&["why", "4"]).await;
    assert!(said.contains("waits for its place until"), "{said}");
    assert!(said.contains("compared with"), "{said}");
}
