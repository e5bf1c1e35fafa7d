//! Feeds that hubs push (WebSub): who is asked for what, what is confirmed, what is believed, and when polls rest and come back.

use std::time::Duration;

use hmac::Hmac;
use jiff::{SignedDuration, Timestamp};
use tidings::model::clock::Clock as _;
use tidings::model::feed::FeedId;
use tidings::model::feed_list::FeedList;
use tidings::model::poll::Outcome;
use tidings::store::due::Wanted;
use tidings::store::feeds::FeedStatus;
use tidings::store::subscriptions::SubscriptionStatus;
use tokio::net::TcpListener;

use crate::support::app::{BASICS, TestApp, feed};
use crate::support::daemon::{Daemon, tidings};
use crate::support::eventually;
use crate::support::hub::{Asked, Hub, Temper, sign};
use crate::support::origin::{Answer, Origin, rss};

/// The feed of every test.
/// Minutes that no feed here waits longer by its rhythm; one that is pushed waits for a day.
const ORDINARY: i64 = 6 * 60;
const FEED: FeedId = FeedId(1);

type Items<'a> = &'a [(&'a str, &'a str, &'a str)];

const ONE: (&str, &str, &str) = ("1", "One", "https://a.example/1");
const TWO: (&str, &str, &str) = ("2", "Two", "https://a.example/2");
const THREE: (&str, &str, &str) = ("3", "Three", "https://a.example/3");

/// An RSS feed that names a hub and itself.
fn hubbed(hub: &str, topic: &str, items: Items<'_>) -> String {
    let links = format!("<channel><atom:link rel=\"hub\" href=\"{hub}\"/><atom:link rel=\"self\" href=\"{topic}\"/>");
    rss("A", items)
        .replace("<rss ", "<rss xmlns:atom=\"http://www.w3.org/2005/Atom\" ")
        .replace("<channel>", &links)
}

/// A publisher with a feed, the hub that it names, and an app that both can reach.
struct Stage {
    origin: Origin,
    hub: Hub,
    app: TestApp,
    topic: String,
}

impl Stage {
    async fn new() -> Self {
        Self::with("").await
    }

    /// With more keys in the section `[fetch]`.
    async fn with(keys: &str) -> Self {
        let (origin, hub) = (Origin::start().await, Hub::start().await);
        let topic = origin.url("/topic");
        origin.serve("/feed", hubbed(&hub.url(), &topic, &[ONE]));
        let app = app(keys, &feed("a", &origin.url("/feed"))).await;
        let stage = Self {
            origin,
            hub,
            app,
            topic,
        };
        stage.app.poll().await;
        stage
    }

    /// With a subscription that the hub has confirmed.
    async fn subscribed() -> (Self, Asked) {
        let stage = Self::new().await;
        stage.app.ask_hubs().await;
        let asked = stage.hub.last();
        assert_eq!(stage.state().await, "active");
        (stage, asked)
    }

    /// As above, and it has pushed an item.
    async fn pushed() -> (Self, Asked) {
        let (stage, asked) = Self::subscribed().await;
        assert_eq!(stage.push(&asked, &[TWO]).await, Outcome::Fetched);
        (stage, asked)
    }

    /// Serves another document, and polls it.
    async fn publish(&self, document: String) -> Outcome {
        self.origin.serve("/feed", document);
        self.app.poll_all().await[0].outcome
    }

    async fn push(&self, asked: &Asked, items: Items<'_>) -> Outcome {
        assert_eq!(self.hub.push(asked, &rss("Not A", items)).await, 202);
        self.app.read_pushes().await.documents[0].outcome
    }

    async fn feed(&self) -> FeedStatus {
        self.app.app.store.feed("a").await.unwrap().unwrap()
    }

    async fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        self.app.app.store.subscriptions(FEED).await.unwrap()
    }

    async fn subscription(&self) -> SubscriptionStatus {
        self.subscriptions().await.remove(0)
    }

    async fn state(&self) -> String {
        self.subscription().await.state
    }

    /// Minutes until the next poll.
    async fn wait(&self) -> i64 {
        minutes(self.app.clock.now(), self.feed().await.next_poll_at.unwrap())
    }
}

/// An app whose pages are served where its configuration says that they are.
async fn app(keys: &str, feeds: &str) -> TestApp {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = TestApp::new(&format!("{keys}[web]\npublic_url = \"http://{address}/\"\n{feeds}")).await;
    app.serve(listener);
    app
}

fn minutes(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_mins()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn a_hub_that_a_feed_names_is_asked_confirmed_and_believed() {
    let (stage, asked) = Stage::subscribed().await;
    assert_eq!(
        ["mode", "topic", "lease_seconds"].map(|name| asked.field(name)),
        ["subscribe", stage.topic.as_str(), "864000"]
    );
    let token = asked.field("callback").rsplit_once("/websub/").unwrap().1;
    assert!(token.len() == 64 && asked.field("secret").len() == 64);
    assert!(asked.headers["user-agent"].to_str().unwrap().starts_with("tidings/"));
    assert_eq!(stage.hub.answers(), [(200, "<b>0123456789</b>".to_owned())]);
    assert_eq!(stage.push(&asked, &[TWO]).await, Outcome::Fetched);
    assert_eq!(stage.app.titles().await, ["Two", "One"]);
    assert_eq!(stage.push(&asked, &[TWO]).await, Outcome::Fetched);
    assert_eq!(stage.app.titles().await.len(), 2, "what comes twice is there once");
    let subscription = stage.subscription().await;
    assert_eq!((subscription.pushes, subscription.ignored), (2, 0));
    // Nobody is asked again, and nothing is left in the inbox.
    assert_eq!(stage.app.ask_hubs().await.taken, 0);
    assert!(stage.app.read_pushes().await.documents.is_empty());
}

#[tokio::test]
async fn without_a_public_address_no_hub_is_asked() {
    let (origin, hub) = (Origin::start().await, Hub::start().await);
    origin.serve("/feed", hubbed(&hub.url(), &origin.url("/feed"), &[ONE]));
    let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
    app.poll().await;
    app.ask_hubs().await;
    assert!(hub.asked().is_empty());
}

#[tokio::test]
async fn no_hub_is_asked_to_call_where_it_cannot() {
    let (origin, hub) = (Origin::start().await, Hub::start().await);
    origin.serve("/feed", hubbed(&hub.url(), &origin.url("/feed"), &[ONE]));
    for url in [
        "http://localhost:8080",
        "http://192.168.1.2",
        "http://nas.local/tidings",
        "http://nas",
        "http://[::1]/",
    ] {
        let config = format!("[web]\npublic_url = \"{url}\"\n{}", feed("a", &origin.url("/feed")));
        let app = TestApp::new(&config).await;
        app.poll().await;
        app.ask_hubs().await;
    }
    assert!(hub.asked().is_empty());
}

#[tokio::test]
async fn link_headers_win_over_the_document() {
    let stage = Stage::new().await;
    let links = format!("<{}>; rel=\"hub\", </other>; rel=self", stage.hub.url());
    let document = hubbed("http://10.0.0.1/hub", &stage.topic, &[ONE]);
    stage
        .origin
        .set("/feed", Answer::Plain(200, vec![("link", links)], document.into()));
    stage.app.poll_all().await;
    stage.app.ask_hubs().await;
    let asked = stage.hub.asked();
    assert_eq!(
        (asked.len(), asked[0].field("topic")),
        (1, stage.origin.url("/other").as_str())
    );
}

#[tokio::test]
async fn without_a_topic_the_address_asked_is_the_topic() {
    let stage = Stage::new().await;
    let document = hubbed(&stage.hub.url(), "", &[ONE]);
    stage.publish(document).await;
    stage.app.ask_hubs().await;
    assert_eq!(stage.hub.last().field("topic"), stage.origin.url("/feed"));
}

#[tokio::test]
async fn a_hub_confirms_what_it_was_asked_for_and_nothing_else() {
    let stage = Stage::new().await;
    stage.hub.set(Temper::Wait);
    stage.app.ask_hubs().await;
    let (hub, asked) = (&stage.hub, stage.hub.last());
    let topic = asked.field("topic");
    for wrong in [
        &[
            ("mode", "subscribe"),
            ("topic", "https://other.example/"),
            ("challenge", "x"),
        ][..],
        &[("mode", "unsubscribe"), ("topic", topic), ("challenge", "x")],
        &[("mode", "publish"), ("topic", topic), ("challenge", "x")],
        &[("mode", "subscribe"), ("topic", topic)],
        &[("mode", "denied"), ("topic", "https://other.example/")],
        &[],
    ] {
        assert_eq!(hub.get(&asked.callback(wrong)).await.0, 404, "{wrong:?}");
    }
    let stranger = asked.callback(&[("mode", "subscribe"), ("topic", topic), ("challenge", "x")]);
    assert_eq!(hub.get(&stranger.replace("/websub/", "/websub/0")).await.0, 404);
    assert_eq!(stage.state().await, "wanted");
    assert_eq!(
        hub.push(&asked, &rss("A", &[TWO])).await,
        410,
        "it has not agreed to push"
    );
    assert_eq!(hub.verify(&asked, "86400").await.0, 200);
    assert_eq!(stage.state().await, "active");
    let before = stage.subscription().await.lease_ends_at;
    stage.app.advance(hours(1));
    assert_eq!(
        hub.verify(&asked, "86400").await.0,
        200,
        "the first answer may have been lost"
    );
    assert!(stage.subscription().await.lease_ends_at > before);
}

#[tokio::test]
async fn what_is_not_signed_as_agreed_is_accepted_and_ignored() {
    let (stage, asked) = Stage::subscribed().await;
    let document = rss("A", &[TWO]);
    let secret = asked.field("secret");
    let other = sign::<Hmac<sha2::Sha256>>("sha256", &document, "another secret");
    let elsewhere = sign::<Hmac<sha2::Sha256>>("sha256", "another document", secret);
    let unknown = sign::<Hmac<sha2::Sha256>>("md5", &document, secret);
    for headers in [
        &[][..],
        &[("x-hub-signature", other.as_str())],
        &[("x-hub-signature", elsewhere.as_str())],
        &[("x-hub-signature", unknown.as_str())],
        &[("x-hub-signature", "sha256")],
    ] {
        assert_eq!(stage.hub.push_with(&asked, &document, headers).await, 202);
    }
    assert!(stage.app.read_pushes().await.documents.is_empty());
    let subscription = stage.subscription().await;
    assert_eq!((subscription.pushes, subscription.ignored), (0, 5));
    assert!(subscription.error.contains("not signed"));
    assert_eq!(stage.app.titles().await, ["One"]);
}

#[tokio::test]
async fn each_method_of_signing_is_known() {
    let (stage, asked) = Stage::subscribed().await;
    let secret = asked.field("secret");
    for method in ["sha1", "sha256", "sha384", "sha512"] {
        let document = rss("A", &[(method, method, "https://a.example/x")]);
        let signature = match method {
            "sha1" => sign::<Hmac<sha1::Sha1>>(method, &document, secret),
            "sha256" => sign::<Hmac<sha2::Sha256>>(method, &document, secret),
            "sha384" => sign::<Hmac<sha2::Sha384>>(method, &document, secret),
            _ => sign::<Hmac<sha2::Sha512>>(method, &document, secret),
        };
        stage
            .hub
            .push_with(&asked, &document, &[("x-hub-signature", &signature)])
            .await;
    }
    let received = stage.app.read_pushes().await.documents;
    let new: Vec<u64> = received.iter().map(|polled| polled.committed.new).collect();
    assert_eq!(new, [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_lease_is_renewed_before_it_ends_at_the_same_address() {
    let stage = Stage::new().await;
    stage.hub.set(Temper::Verify("3600"));
    stage.app.ask_hubs().await;
    stage.app.advance(SignedDuration::from_mins(44));
    assert_eq!(stage.app.ask_hubs().await.taken, 0);
    stage.app.advance(SignedDuration::from_mins(2));
    assert_eq!(stage.app.ask_hubs().await.taken, 1);
    let asked = stage.hub.asked();
    assert_eq!(asked[0].field("callback"), asked[1].field("callback"));
    let end = stage.subscription().await.lease_ends_at.unwrap();
    assert_eq!(minutes(stage.app.clock.now(), end), 60);
}

#[tokio::test]
async fn a_lease_is_believed_between_five_minutes_and_thirty_days() {
    for (said, expected) in [
        ("0", 5),
        ("10", 5),
        ("315360000", 30 * 1440),
        ("soon", 10 * 1440),
        ("", 10 * 1440),
    ] {
        let stage = Stage::new().await;
        stage.hub.set(Temper::Verify(said));
        stage.app.ask_hubs().await;
        let end = stage.subscription().await.lease_ends_at.unwrap();
        assert_eq!(minutes(stage.app.clock.now(), end), expected, "{said:?}");
    }
}

#[tokio::test]
async fn polls_rest_while_a_hub_pushes_and_look_after_it_once_in_the_longest_interval() {
    let (stage, asked) = Stage::subscribed().await;
    assert!(stage.wait().await <= ORDINARY, "a promise puts off nothing");
    stage.push(&asked, &[TWO]).await;
    assert_eq!(stage.wait().await, 24 * 60);
    assert_eq!(stage.feed().await.next_poll_why, "the hub pushes it");
    stage.app.advance(hours(20));
    stage.app.ask_hubs().await;
    stage.push(&asked, &[THREE]).await;
    assert_eq!(stage.wait().await, 4 * 60, "pushes put off no poll for ever");
    stage.app.advance(hours(4));
    // The poll confirms what was pushed: polls go on resting.
    stage
        .origin
        .serve("/feed", hubbed(&stage.hub.url(), &stage.topic, &[ONE, TWO, THREE]));
    let polled = stage.app.poll().await;
    assert_eq!((polled.len(), polled[0].committed.new), (1, 0));
    assert_eq!(stage.wait().await, 24 * 60);
}

#[tokio::test]
async fn a_poll_that_finds_what_was_not_pushed_ends_the_rest_until_the_next_push() {
    let (stage, asked) = Stage::pushed().await;
    stage
        .publish(hubbed(&stage.hub.url(), &stage.topic, &[ONE, TWO, THREE]))
        .await;
    assert!(!stage.subscription().await.trusted);
    assert!(stage.wait().await <= ORDINARY);
    stage.push(&asked, &[("4", "Four", "https://a.example/4")]).await;
    assert_eq!(stage.wait().await, 24 * 60);
}

#[tokio::test]
async fn polls_come_back_when_a_lease_ends() {
    let (stage, asked) = Stage::pushed().await;
    stage.hub.set(Temper::Answer(500, vec![]));
    stage.app.advance(hours(23));
    stage.app.ask_hubs().await;
    assert_eq!((stage.state().await.as_str(), stage.wait().await), ("active", 60));
    stage.app.advance(SignedDuration::from_mins(61));
    // Whoever claims it meanwhile sees that the lease is over.
    stage.publish(hubbed(&stage.hub.url(), &stage.topic, &[ONE, TWO])).await;
    assert!(stage.wait().await <= ORDINARY);
    stage.app.ask_hubs().await;
    assert_eq!(stage.state().await, "wanted");
    // What comes late is not lost, and puts off nothing.
    assert_eq!(stage.push(&asked, &[THREE]).await, Outcome::Fetched);
    assert!(stage.wait().await <= ORDINARY);
    assert!(stage.app.titles().await.contains(&"Three".to_owned()));
}

#[tokio::test]
async fn an_ended_lease_makes_the_feed_due_when_it_would_have_been() {
    let (stage, _) = Stage::pushed().await;
    stage.hub.set(Temper::Answer(500, vec![]));
    stage
        .origin
        .serve("/feed", hubbed(&stage.hub.url(), &stage.topic, &[ONE, TWO]));
    stage.app.advance(hours(12));
    assert!(stage.app.poll().await.is_empty());
    stage.app.poll_all().await;
    assert_eq!(stage.wait().await, 24 * 60);
    stage.app.advance(hours(12) + SignedDuration::from_mins(1));
    stage.app.ask_hubs().await;
    assert!(stage.wait().await < 0, "an hour after its last poll");
    assert_eq!(stage.app.poll().await.len(), 1);
}

#[tokio::test]
async fn a_hub_that_refuses_is_left_alone_for_a_week_and_polls_come_back() {
    let (stage, asked) = Stage::pushed().await;
    let refusal = [
        ("mode", "denied"),
        ("topic", stage.topic.as_str()),
        ("reason", "no\u{7}\nmore room"),
    ];
    assert_eq!(stage.hub.get(&asked.callback(&refusal)).await.0, 200);
    let subscription = stage.subscription().await;
    assert_eq!((subscription.state.as_str(), subscription.trusted), ("denied", false));
    assert_eq!(subscription.error, "the hub refused: no more room");
    assert!(stage.wait().await <= ORDINARY);
    assert_eq!(stage.hub.push(&asked, &rss("A", &[THREE])).await, 410);
    stage.app.advance(hours(6 * 24));
    stage.app.ask_hubs().await;
    assert_eq!(stage.hub.asked().len(), 1);
    stage.app.advance(hours(24));
    stage.app.ask_hubs().await;
    assert_eq!((stage.hub.asked().len(), stage.state().await.as_str()), (2, "active"));
}

#[tokio::test]
async fn a_request_that_is_refused_is_denied_at_once() {
    let stage = Stage::new().await;
    stage.hub.set(Temper::Deny("not for you"));
    stage.app.ask_hubs().await;
    assert_eq!(stage.state().await, "denied");
    assert_eq!(stage.hub.answers()[0].0, 200);
}

#[tokio::test]
async fn a_hub_that_is_no_longer_named_is_left() {
    let (stage, asked) = Stage::pushed().await;
    stage.publish(rss("A", &[ONE, TWO])).await;
    stage.app.ask_hubs().await;
    let last = stage.hub.last();
    assert_eq!(
        ["mode", "topic", "callback"].map(|name| last.field(name)),
        ["unsubscribe", stage.topic.as_str(), asked.field("callback")]
    );
    assert_eq!(stage.hub.answers()[1].0, 200);
    assert!(stage.subscriptions().await.is_empty());
    assert!(stage.wait().await <= ORDINARY);
    assert_eq!(stage.hub.push(&asked, &rss("A", &[THREE])).await, 410);
    assert_eq!(stage.hub.verify(&last, "").await.0, 404, "a replay");
}

#[tokio::test]
async fn another_hub_takes_the_place_of_the_first() {
    let (stage, first) = Stage::pushed().await;
    let other = Hub::start().await;
    stage.publish(hubbed(&other.url(), &stage.topic, &[ONE, TWO])).await;
    stage.app.ask_hubs().await;
    assert_eq!(stage.hub.last().field("mode"), "unsubscribe");
    assert_ne!(other.last().field("callback"), first.field("callback"));
    let subscriptions = stage.subscriptions().await;
    assert_eq!(
        (subscriptions.len(), subscriptions[0].hub.as_str()),
        (1, other.url().as_str())
    );
    assert_eq!(subscriptions[0].state, "active");
}

#[tokio::test]
async fn what_is_pushed_for_a_feed_that_is_no_longer_configured_is_ignored() {
    let (stage, asked) = Stage::subscribed().await;
    assert_eq!(stage.hub.push(&asked, &rss("A", &[TWO])).await, 202);
    stage.app.app.store.sync_feeds(FeedList::default()).await.unwrap();
    assert!(stage.app.read_pushes().await.documents.is_empty());
    assert_eq!(stage.hub.push(&asked, &rss("A", &[THREE])).await, 410);
    stage.app.ask_hubs().await;
    assert_eq!(stage.hub.last().field("mode"), "unsubscribe");
    assert!(stage.subscriptions().await.is_empty());
    // Nor is it polled by whoever still knows its number.
    let wanted = Wanted::These(vec![FEED]);
    let claimed = stage
        .app
        .app
        .store
        .claim(wanted, stage.app.clock.now(), Duration::from_secs(1), 1)
        .await;
    assert!(claimed.unwrap().is_empty());
}

#[tokio::test]
async fn without_a_public_address_any_more_all_hubs_are_left() {
    let (stage, asked) = Stage::subscribed().await;
    let config = feed("a", &stage.origin.url("/feed"));
    let app = stage.app.restart(&config).await;
    app.ask_hubs().await;
    let last = stage.hub.last();
    assert_eq!(
        ["mode", "callback"].map(|name| last.field(name)),
        ["unsubscribe", asked.field("callback")]
    );
    // The old address may answer no more: the hub is asked for a while, and then forgotten.
    stage.hub.set(Temper::Answer(503, vec![]));
    for _ in 0..8 {
        app.advance(hours(2));
        app.ask_hubs().await;
    }
    assert!(app.app.store.subscriptions(FEED).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_push_waits_while_its_feed_is_polled() {
    let (stage, asked) = Stage::subscribed().await;
    let store = &stage.app.app.store;
    let wanted = Wanted::These(vec![FEED]);
    let lease = Duration::from_secs(600);
    let claimed = store.claim(wanted, stage.app.clock.now(), lease, 1).await.unwrap();
    assert_eq!(stage.hub.push(&asked, &rss("A", &[TWO])).await, 202);
    let received = stage.app.read_pushes().await;
    assert!(received.documents.is_empty() && received.others_wait);
    store.give_back(vec![claimed[0].id]).await.unwrap();
    assert_eq!(stage.app.read_pushes().await.documents.len(), 1);
    assert_eq!(stage.app.titles().await, ["Two", "One"]);
}

#[tokio::test]
async fn a_flood_is_bounded_the_newest_win_and_a_poll_finds_the_rest() {
    let (stage, asked) = Stage::subscribed().await;
    let due = stage.wait().await;
    stage.push(&asked, &[TWO]).await;
    assert_eq!(stage.wait().await, 24 * 60);
    let items: Vec<String> = (10..22).map(|number| number.to_string()).collect();
    for n in &items {
        let document = rss("A", &[(n, n, "https://a.example/n")]);
        assert_eq!(stage.hub.push(&asked, &document).await, 202);
    }
    assert_eq!(stage.wait().await, due, "the poll that would have come without the hub");
    let received = stage.app.read_pushes().await.documents;
    assert_eq!((received.len(), stage.subscription().await.dropped), (8, 4));
    let titles = stage.app.titles().await;
    assert!(
        titles.contains(&"21".to_owned()) && !titles.contains(&"13".to_owned()),
        "{titles:?}"
    );
    assert_eq!(stage.wait().await, due);
}

#[tokio::test]
async fn a_document_that_stops_its_readers_is_given_up() {
    let (stage, asked) = Stage::subscribed().await;
    stage.hub.push(&asked, &rss("A", &[TWO])).await;
    for _ in 0..3 {
        assert!(stage.app.app.store.next_push(FEED).await.unwrap().is_some());
    }
    assert!(stage.app.read_pushes().await.documents.is_empty());
}

#[tokio::test]
async fn a_pushed_web_page_is_no_failure_of_the_feed() {
    let (stage, asked) = Stage::pushed().await;
    let page = "<!doctype html><html><head><link rel=alternate type=application/rss+xml href=/x></head>Log in</html>";
    assert_eq!(stage.hub.push(&asked, page).await, 202);
    assert_eq!(stage.app.read_pushes().await.documents[0].outcome, Outcome::Failed);
    let (feed, subscription) = (stage.feed().await, stage.subscription().await);
    assert_eq!((feed.failures, feed.error.as_str()), (0, ""));
    assert_eq!(subscription.ignored, 1);
    assert!(subscription.error.contains("web page"), "{}", subscription.error);
    assert!(stage.origin.asked("/x").is_empty());
    // The feed is free again.
    assert_eq!(stage.push(&asked, &[THREE]).await, Outcome::Fetched);
}

#[tokio::test]
async fn a_push_brings_items_and_says_nothing_of_the_feed() {
    let (origin, hub) = (Origin::start().await, Hub::start().await);
    let many: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let many: Vec<_> = many
        .iter()
        .map(|n| (n.as_str(), n.as_str(), "https://a.example/"))
        .collect();
    origin.serve("/feed", hubbed(&hub.url(), &origin.url("/feed"), &many));
    let app = app("", &feed("a", &origin.url("/feed"))).await;
    app.poll().await;
    app.ask_hubs().await;
    let before = app.app.store.feed("a").await.unwrap().unwrap();
    // One item of twenty, another title, no hub: from a publisher, that would be a document that shrank.
    hub.push(&hub.last(), &rss("Not A", &[("x", "New", "https://a.example/x")]))
        .await;
    let received = app.read_pushes().await.documents;
    assert_eq!((received[0].outcome, received[0].committed.new), (Outcome::Fetched, 1));
    // Nor does one of a believable size speak for the feed.
    hub.push(&hub.last(), &rss("Not A", &many[..15])).await;
    app.read_pushes().await;
    let after = app.app.store.feed("a").await.unwrap().unwrap();
    assert_eq!((after.failures, after.title), (0, before.title));
    app.ask_hubs().await;
    assert_eq!(hub.asked().len(), 1);
    assert_eq!(
        app.poll_all().await[0].outcome,
        Outcome::NotModified,
        "the validators are those of the poll"
    );
}

#[tokio::test]
async fn what_a_hub_changed_is_looked_at_again_whole() {
    let (stage, asked) = Stage::pushed().await;
    let old = rss("A", &[("1", "One, as it was", "https://a.example/1")]);
    assert_eq!(stage.hub.push(&asked, &old).await, 202);
    assert_eq!(stage.app.read_pushes().await.documents[0].committed.updated, 1);
    let polled = stage.app.poll_all().await.remove(0);
    assert_eq!(
        (polled.outcome, polled.committed.updated),
        (Outcome::Fetched, 1),
        "the publisher has the last word"
    );
}

#[tokio::test]
async fn what_was_pushed_since_the_last_document_is_no_gap() {
    let (stage, asked) = Stage::pushed().await;
    let (four, five) = (
        ("4", "Four", "https://a.example/4"),
        ("5", "Five", "https://a.example/5"),
    );
    for (pushed, items, gaps) in [(TWO, [ONE, TWO], 0), (THREE, [THREE, four], 0), (THREE, [ONE, five], 1)] {
        stage.push(&asked, &[pushed]).await;
        stage.publish(hubbed(&stage.hub.url(), &stage.topic, &items)).await;
        let found = stage.app.app.store.gaps(stage.feed().await.id).await.unwrap();
        assert_eq!(found.len(), gaps, "{pushed:?}");
    }
}

#[tokio::test]
async fn a_push_is_no_poll() {
    let (stage, asked) = Stage::subscribed().await;
    let wait = vec![("retry-after", "3600".to_owned())];
    stage.origin.set("/feed", Answer::Plain(500, wait, Vec::new()));
    stage.app.poll_all().await;
    let before = stage.feed().await;
    assert_eq!((before.polls, before.failures), (2, 1));
    stage.push(&asked, &[TWO]).await;
    // What polls know of the publisher stays as it was: how it fails, what it asked for, how it was treated.
    let mut after = stage.feed().await;
    assert_eq!(after.items, 2);
    after.items = before.items;
    after.next_poll_at = before.next_poll_at;
    after.next_poll_why.clone_from(&before.next_poll_why);
    assert_eq!(serde_json::json!(after), serde_json::json!(before));
    let polls = stage.app.app.store.recent_polls(FEED).await.unwrap();
    assert_eq!(polls.len(), 2);
}

#[tokio::test]
async fn a_hub_that_fails_is_asked_again_with_growing_waits() {
    let stage = Stage::new().await;
    stage.hub.set(Temper::Answer(500, vec![]));
    for (wait, expected) in [(0, 1), (0, 1), (61, 2), (61, 2), (61, 3), (121, 3)] {
        stage.app.advance(SignedDuration::from_secs(wait));
        stage.app.ask_hubs().await;
        assert_eq!(stage.hub.asked().len(), expected);
    }
    assert_eq!(stage.subscription().await.error, "the hub answered 500: Said the hub");
    stage
        .hub
        .set(Temper::Answer(429, vec![("retry-after", "7200".to_owned())]));
    stage.app.advance(hours(1));
    stage.app.ask_hubs().await;
    let resting = stage.app.app.store.resting_hosts().await.unwrap();
    assert_eq!(resting.len(), 1, "other processes are told");
    stage.hub.set(Temper::Verify("86400"));
    stage.app.advance(SignedDuration::from_mins(119));
    assert_eq!(stage.app.ask_hubs().await.taken, 0, "it asked for two hours");
    stage.app.advance(SignedDuration::from_mins(2));
    assert_eq!(stage.app.ask_hubs().await.taken, 1);
    assert_eq!(
        (stage.state().await.as_str(), stage.subscription().await.error.as_str()),
        ("active", "")
    );
}

#[tokio::test]
async fn a_hub_that_never_asks_back_is_asked_again() {
    let stage = Stage::new().await;
    stage.hub.set(Temper::Wait);
    for (minutes, expected) in [(0, 1), (9, 1), (2, 2)] {
        stage.app.advance(SignedDuration::from_mins(minutes));
        stage.app.ask_hubs().await;
        assert_eq!(stage.hub.asked().len(), expected);
    }
    // It may take its time: the first of two requests may be the one that it comes back for.
    assert_eq!(stage.hub.verify(&stage.hub.asked()[0], "86400").await.0, 200);
}

#[tokio::test]
async fn only_redirects_that_keep_the_form_are_followed_and_none_to_private_addresses() {
    let stage = Stage::new().await;
    let to = |status, location: &str| Temper::Answer(status, vec![("location", location.to_owned())]);
    let errors = async |temper: Temper, hub: &str| {
        stage.hub.set_at("/moved", temper);
        stage
            .publish(hubbed(&stage.hub.url().replace("/hub", hub), &stage.topic, &[ONE]))
            .await;
        let failed = stage.app.ask_hubs().await.failed;
        (failed, stage.subscription().await.error)
    };
    let (failed, error) = errors(to(302, "/hub"), "/moved?a").await;
    assert!(failed == 1 && error.starts_with("the hub answered 302"), "{error}");
    let (failed, error) = errors(to(307, "http://10.0.0.1/hub"), "/moved?b").await;
    assert!(
        failed == 1 && error.contains("10.0.0.1/hub, where the secret would be read"),
        "{error}"
    );
    let (failed, error) = errors(to(308, "https://10.0.0.1/hub"), "/moved?c").await;
    assert!(
        failed == 1 && error.contains("10.0.0.1 is not a public address"),
        "{error}"
    );
    let (failed, error) = errors(to(307, "/moved"), "/moved?d").await;
    assert!(failed == 1 && error.contains("redirects"), "{error}");
    assert!(stage.hub.asked().iter().all(|asked| asked.path == "/moved"));
    let (failed, error) = errors(to(308, "/hub"), "/moved?e").await;
    assert_eq!(
        (failed, error.as_str(), stage.state().await.as_str()),
        (0, "", "active")
    );
    assert_eq!(stage.hub.last().field("topic"), stage.topic);
}

#[tokio::test]
async fn a_hub_inside_a_network_or_without_an_address_is_not_asked() {
    let stage = Stage::new().await;
    for (hub, reason) in [
        ("http://10.0.0.1/hub", "10.0.0.1 is not a public address"),
        (
            "http://169.254.169.254/latest",
            "169.254.169.254 is not a public address",
        ),
        ("http://user:password@hub.example/", "user name or password"),
    ] {
        stage.publish(hubbed(hub, &stage.topic, &[ONE])).await;
        stage.app.ask_hubs().await;
        let error = stage.subscription().await.error;
        assert!(error.contains(reason), "{hub}: {error}");
    }
}

#[tokio::test]
async fn a_hub_that_could_not_keep_a_secret_gets_none_and_only_hastens_a_poll() {
    let stage = Stage::new().await;
    // A name is not what the operator has allowed: it may lead anywhere tomorrow.
    let hub = stage.hub.url().replace("127.0.0.1", "localhost");
    stage.publish(hubbed(&hub, &stage.topic, &[ONE])).await;
    stage.app.ask_hubs().await;
    let asked = stage.hub.last();
    assert_eq!((asked.field("secret"), stage.state().await.as_str()), ("", "active"));
    stage.origin.serve("/feed", hubbed(&hub, &stage.topic, &[ONE, TWO]));
    stage.app.advance(SignedDuration::from_mins(1));
    for _ in 0..3 {
        assert_eq!(
            stage
                .hub
                .push_with(&asked, &rss("A", &[("e", "Evil", "https://e.example/")]), &[])
                .await,
            202
        );
    }
    assert!(stage.app.read_pushes().await.documents.is_empty());
    assert_eq!(stage.wait().await, 14, "the shortest interval after the last poll");
    stage.app.advance(SignedDuration::from_mins(14));
    assert_eq!(stage.app.poll().await[0].committed.new, 1);
    assert_eq!(stage.app.titles().await, ["Two", "One"]);
    assert!(stage.wait().await <= ORDINARY, "a hint is no reason for trust");
}

#[tokio::test]
async fn a_hint_at_an_hour_to_skip_waits_for_its_end() {
    let stage = Stage::new().await;
    let hub = stage.hub.url().replace("127.0.0.1", "localhost");
    let skipping = "<skipHours><hour>12</hour></skipHours><item>";
    let document = hubbed(&hub, &stage.topic, &[ONE]).replacen("<item>", skipping, 1);
    stage.publish(document).await;
    stage.app.ask_hubs().await;
    let asked = stage.hub.last();
    stage.app.advance(SignedDuration::from_mins(20));
    assert_eq!(stage.hub.push_with(&asked, "news", &[]).await, 202);
    stage.app.read_pushes().await;
    assert_eq!(stage.wait().await, 40);
}

#[tokio::test]
async fn a_push_that_is_too_large_or_coded_is_refused() {
    let stage = Stage::with("max_body_bytes = 4096\n").await;
    stage.app.ask_hubs().await;
    let asked = stage.hub.last();
    assert_eq!(stage.hub.push(&asked, &"x".repeat(4097)).await, 413);
    assert_eq!(
        stage.hub.push_with(&asked, "x", &[("content-encoding", "gzip")]).await,
        415
    );
    assert_eq!(stage.hub.push(&asked, &rss("A", &[TWO])).await, 202);
    assert_eq!(stage.app.read_pushes().await.documents.len(), 1);
}

#[tokio::test]
async fn the_daemon_subscribes_and_shows_what_is_pushed() {
    let (origin, hub, folder) = (Origin::start().await, Hub::start().await, tempfile::tempdir().unwrap());
    origin.serve("/feed", hubbed(&hub.url(), &origin.url("/feed"), &[ONE]));
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let file = folder.path().join("tidings.toml");
    let web = format!("[web]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n");
    let config = format!(
        "{BASICS}{web}{}[[view]]\nname = \"all\"\n",
        feed("a", &origin.url("/feed"))
    );
    std::fs::write(&file, config).unwrap();
    assert!(tidings(&file).arg("poll").output().await.unwrap().status.success());
    let daemon = Daemon::start(&file).await;
    let asked = eventually("a request to the hub", || async {
        hub.answers().first().and(hub.asked().into_iter().next())
    })
    .await;
    assert_eq!(hub.push(&asked, &rss("A", &[TWO])).await, 202);
    eventually("the pushed item in the merged feed", || async {
        let text = daemon.get("/feeds/all.json").await.text().await.unwrap();
        text.contains("Two").then_some(())
    })
    .await;
    assert_eq!(origin.asked("/feed").len(), 1);
    assert_eq!(daemon.stop().await, 0);
}
