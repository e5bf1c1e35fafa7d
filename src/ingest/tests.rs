#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use super::parse::parse;
use super::repair::RepairError;
use super::{Input, ReadError, Reading, decide, identity};
use crate::model::feed::{Manner, Select};
use crate::model::identity::IdentityPolicy;
use crate::model::item::{Beside, BesideEntry, NewItem, ParsedFeed};
use crate::model::poll::ItemChange;
use crate::text::canonical_url::Links;

fn address() -> Url {
    Url::parse("https://example.org/feed.xml").unwrap()
}

fn read(bytes: &[u8], content_type: &str, address: &Url) -> Result<Reading, ReadError> {
    super::read(&Input {
        bytes,
        content_type,
        address,
        manner: &Manner::default(),
        offset_minutes: None,
        now: "2026-11-22T12:00:00Z".parse().unwrap(),
    })
}

fn parsed(document: &str) -> ParsedFeed {
    read(document.as_bytes(), "", &address()).unwrap().feed
}

fn items(document: &str) -> Vec<NewItem> {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let parsed = parsed(document);
    let language = parsed.facts.language.clone();
    let changes = decide(
        &identity::keyed(parsed.items, IdentityPolicy::Guid),
        &HashMap::new(),
        (&address(), &language, &Links::default()),
        now,
    );
    let item = |change| match change {
        ItemChange::New { item, .. } => *item,
        other => panic!("{other:?}"),
    };
    changes.into_iter().map(item).collect()
}

fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"windows-1256\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\">
         <channel><title>Agency</title><link>https://example.org/</link><language>fa-IR</language><ttl>45</ttl>{items}</channel></rss>"
    )
}

#[test]
fn rss_becomes_items_oldest_first() {
    let document = rss("<item><title>دوم &amp; آخر</title><link>/2</link><guid isPermaLink=\"false\">2</guid>
            <pubDate>Sun, 22 Nov 2026 10:00:00 +0330</pubDate><description>&lt;p&gt;کوتاه&lt;/p&gt;</description>
            <content:encoded><![CDATA[<p>بلند<script>x</script></p>]]></content:encoded><author>a@b.example (علی)</author>
            <category>سیاست</category><enclosure url=\"/a.mp3\" length=\"5\" type=\"audio/mpeg\"/></item>
        <item><title>first</title><link>https://example.org/1</link><pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate></item>");
    let facts = parsed(&document).facts;
    assert_eq!(
        (facts.title.as_str(), facts.language.as_str(), facts.wishes.ttl_minutes),
        ("Agency", "fa-ir", 45)
    );
    let items = items(&document);
    assert_eq!(items[0].title, "first");
    let second = &items[1];
    assert_eq!(second.title, "دوم & آخر");
    assert_eq!(second.link, "https://example.org/2");
    assert_eq!(
        (second.content.as_str(), second.summary.as_str()),
        ("<p>بلند</p>", "<p>کوتاه</p>")
    );
    assert_eq!(second.published, Some("2026-11-22T06:30:00Z".parse().unwrap()));
    assert_eq!(second.details.categories, ["سیاست"]);
    assert_eq!(second.details.enclosures[0].url, "https://example.org/a.mp3");
    assert_eq!(second.details.authors.len(), 1);
    assert_eq!(second.language, "fa");
}

#[test]
fn atom_becomes_items() {
    let items = items(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\" xml:base=\"https://blog.example/\"><id>x</id><title>Blog</title>
         <author><name>Ann</name></author><updated>2026-11-22T00:00:00Z</updated>
         <entry><id>tag:blog.example,2026:1</id><title type=\"html\">A &lt;b&gt;bold&lt;/b&gt; title</title>
         <link rel=\"self\" href=\"wrong\"/><link href=\"posts/1\"/><updated>2026-11-21T00:00:00Z</updated>
         <content type=\"xhtml\"><div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Hi <em>there</em></p></div></content></entry></feed>",
    );
    assert_eq!(items[0].title, "A bold title");
    assert_eq!(items[0].link, "https://blog.example/posts/1");
    assert_eq!(items[0].content, "<p>Hi <em>there</em></p>");
    assert_eq!(items[0].details.authors, ["Ann"]);
}

#[test]
fn an_address_of_a_feed_service_gives_way_to_the_one_that_the_publisher_had() {
    for prefix in ["feedburner", "pheedo"] {
        let items = items(&rss(&format!(
            "<item xmlns:{prefix}=\"http://rssnamespace.org/{prefix}/ext/1.0\"><title>t</title>
             <link>http://feedproxy.google.com/~r/a/~3/abc/</link><guid isPermaLink=\"false\">1</guid>
             <{prefix}:origLink>http://www.example.org/1/?utm_source=feedburner</{prefix}:origLink></item>"
        )));
        assert_eq!(items[0].link, "http://www.example.org/1/?utm_source=feedburner");
        assert_eq!(items[0].canonical_link, "https://example.org/1");
    }
}

#[test]
fn what_the_document_names_as_canonical_is_compared_and_the_link_is_shown() {
    let atom = |links: &str| {
        items(&format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><link rel=\"canonical\" href=\"https://example.org/feed\"/>
             <entry><id>1</id><title>t</title>{links}</entry></feed>"
        ))
        .remove(0)
    };
    let twin = atom("<link rel=\"canonical\" href=\"/1?utm_source=x\"/><link href=\"https://m.example.org/1/amp\"/>");
    assert_eq!(
        (twin.link.as_str(), twin.canonical_link.as_str()),
        ("https://m.example.org/1/amp", "https://example.org/1")
    );
    let without = atom("<link href=\"https://m.example.org/1/amp\"/>");
    assert_eq!(
        without.canonical_link, "https://m.example.org/1/amp",
        "nothing is guessed"
    );
    let front = atom("<link rel=\"canonical\" href=\"https://example.org/\"/><link href=\"/1\"/>");
    assert_eq!(front.canonical_link, "https://example.org/1");
    let alone = atom("<link rel=\"canonical\" href=\"/1\"/>");
    assert_eq!(alone.link, "https://example.org/1");
    let in_rss = items(&rss(
        "<item xmlns:atom=\"http://www.w3.org/2005/Atom\"><title>t</title><link>https://amp.example.org/2</link>
         <atom:link rel=\"canonical\" href=\"https://example.org/2\"/></item>",
    ));
    assert_eq!(
        (in_rss[0].link.as_str(), in_rss[0].canonical_link.as_str()),
        ("https://amp.example.org/2", "https://example.org/2")
    );
}

#[test]
fn one_canonical_address_for_different_entries_is_that_of_none() {
    let entry = |n: u8, canonical: &str| {
        format!(
            "<item xmlns:atom=\"http://www.w3.org/2005/Atom\"><title>{n}</title><link>/{n}</link>
             <atom:link rel=\"canonical\" href=\"{canonical}\"/></item>"
        )
    };
    let all = "https://example.org/news";
    let items = items(&rss(&[entry(3, all), entry(2, all), entry(1, "/one")].concat()));
    let canonical: Vec<&str> = items.iter().map(|item| item.canonical_link.as_str()).collect();
    assert_eq!(
        canonical,
        [
            "https://example.org/one",
            "https://example.org/2",
            "https://example.org/3"
        ]
    );
}

#[test]
fn json_feed_becomes_items() {
    let items = items(
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"J","items":[{"id":"1","url":"https://j.example/1",
            "content_text":"a & b\n\nc","date_published":"2026-11-21T00:00:00Z","tags":["x"]}]}"#,
    );
    assert_eq!(items[0].content, "<p>a &amp; b</p><p>c</p>");
    assert_eq!(items[0].details.categories, ["x"]);
}

#[test]
fn what_is_declared_plain_is_no_markup() {
    let atom = items(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><id>1</id><title>Vec&lt;T&gt; &amp; the &lt;script&gt; element</title>
         <content type=\"text\">if a&lt;b and c&gt;d</content></entry></feed>",
    );
    assert_eq!(atom[0].title, "Vec<T> & the <script> element");
    assert_eq!(atom[0].content, "<p>if a&lt;b and c&gt;d</p>");
    let json = items(
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"J","items":[{"id":"1","title":"a <b> c","content_text":"x < y",
            "attachments":[{"url":"https://j.example/a.mp3","mime_type":"audio/mpeg","size_in_bytes":5}]}]}"#,
    );
    assert_eq!(
        (json[0].title.as_str(), json[0].content.as_str()),
        ("a <b> c", "<p>x &lt; y</p>")
    );
    assert_eq!((json[0].details.enclosures.len(), json[0].link.as_str()), (1, ""));
}

#[test]
fn a_broken_document_is_repaired_and_keeps_its_items() {
    let document = rss(
        "<item><title>AT&T & more</title><link>https://example.org/1</link><description>a<br>b</description></item>
        <item><title>cut</title><link>https://example.org/2</link><description>the end is miss",
    );
    let items = items(&document[..document.len() - "</channel></rss>".len()]);
    let titles: Vec<_> = items.iter().map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["cut", "AT&T & more"]);
}

#[test]
fn no_document_stops_the_program() {
    let deep = "<rss version=\"2.0\"><channel><item>".to_owned()
        + &"<media:content xmlns:media=\"http://search.yahoo.com/mrss/\">".repeat(50_000);
    for document in [
        deep.as_str(),
        "",
        "<",
        "{\"items\":1}",
        "\u{0}\u{1}",
        "<html><body>x</body></html>",
        "plain text",
    ] {
        let _ = read(document.as_bytes(), "", &address());
    }
    // Tags that hide their nesting from a quick look, many attributes, many stray ends, many files.
    let hidden = "<media:content a=\"/>\">".repeat(5_000) + &"</media:content>".repeat(5_000);
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=\"\"")).collect();
    for inside in [
        hidden,
        format!("<x{attributes}/>"),
        "<a>".repeat(100_000) + &"</b>".repeat(100_000),
        "<a".repeat(300_000) + "/",
        "<enclosure url=\"https://x.example/\"/>".repeat(100_000),
    ] {
        let document = rss(&format!(
            "<item xmlns:media=\"http://search.yahoo.com/mrss/\"><title>t</title>{inside}</item>"
        ));
        let _ = read(document.as_bytes(), "", &address());
    }
    let panicking = rss("<item><author>«a@b.example» علی</author><title>t</title></item>");
    let _ = read(panicking.as_bytes(), "", &address());
    assert!(matches!(
        read(b"<!DOCTYPE html><html>", "", &address()),
        Err(ReadError::Repair(RepairError::WebPage))
    ));
    assert!(matches!(
        read(b"  ", "", &address()),
        Err(ReadError::Repair(RepairError::Empty))
    ));
}

#[test]
fn the_same_document_gives_the_same_keys() {
    let document =
        rss("<item><title>no guid, no link</title><description>x</description></item><item><link>/2</link></item>");
    let keys = |document: &str| -> Vec<_> {
        identity::keyed(parsed(document).items, IdentityPolicy::Guid)
            .iter()
            .map(|item| item.key)
            .collect()
    };
    assert_eq!(keys(&document), keys(&document));
    assert_eq!(keys(&document).len(), 2);
}

#[test]
fn a_news_site_map_is_a_feed() {
    let document = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'
            xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'>
        <url><loc>https://example.org/1</loc><lastmod>2026-11-22T10:30:00Z</lastmod><news:news>
            <news:publication><news:name>خبر</news:name><news:language>fa</news:language></news:publication>
            <news:publication_date>2026-11-22T10:00:00Z</news:publication_date><news:title>One &amp; first</news:title>
            <news:keywords>a, b</news:keywords></news:news><image:image><image:loc>/1.jpg</image:loc></image:image></url>
        <url><loc>https://example.org/about</loc></url></urlset>";
    let reading = read(document.as_bytes(), "", &address()).unwrap();
    assert_eq!((reading.format, reading.feed.facts.title.as_str()), ("sitemap", "خبر"));
    let [item] = &reading.feed.items[..] else {
        panic!("{reading:?}")
    };
    assert_eq!(
        (item.link.as_str(), item.title.as_str()),
        ("https://example.org/1", "One & first")
    );
    assert_eq!(
        (item.language.as_str(), item.image.as_str()),
        ("fa", "https://example.org/1.jpg")
    );
    assert_eq!(item.categories, ["a", "b"]);
    assert_eq!(item.published.unwrap().to_string(), "2026-11-22T10:00:00Z");
    assert_eq!(reading.losses[0].kind, "not_news");
    let without_news = read(
        b"<urlset><url><loc>https://example.org/</loc></url></urlset>",
        "",
        &address(),
    );
    assert!(matches!(without_news, Err(ReadError::Repair(RepairError::NoNews))));
}

#[test]
fn dates_without_a_zone_are_read_in_the_one_that_the_configuration_names_or_the_feed_states() {
    let dated = |channel: &str| {
        format!(
            "<rss><channel>{channel}<item><title>a</title><pubDate>2026-11-22 10:00</pubDate></item></channel></rss>"
        )
    };
    let at = |document: &str, manner: &Manner, offset_minutes| {
        let (bytes, address) = (document.as_bytes(), &address());
        let input = Input {
            bytes,
            content_type: "",
            address,
            manner,
            offset_minutes,
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
        };
        let reading = super::read(&input).unwrap();
        let guessed = reading.losses.iter().any(|loss| loss.kind == "time_zone");
        (
            reading.feed.items[0].published.unwrap().to_string(),
            guessed,
            reading.feed.facts.offset_minutes,
        )
    };
    let (alone, beside) = (
        dated(""),
        dated("<lastBuildDate>Sun, 22 Nov 2026 10:30:00 +0330</lastBuildDate>"),
    );
    let tehran = Manner {
        time_zone: "Asia/Tehran".to_owned(),
        ..Manner::default()
    };
    let nothing = Manner::default();
    let read = |text: &str, guessed, offset| (text.to_owned(), guessed, offset);
    assert_eq!(at(&alone, &nothing, None), read("2026-11-22T10:00:00Z", true, None));
    assert_eq!(at(&alone, &tehran, None), read("2026-11-22T06:30:00Z", false, None));
    assert_eq!(
        at(&alone, &nothing, Some(120)),
        read("2026-11-22T08:00:00Z", true, None)
    );
    assert_eq!(
        at(&beside, &nothing, Some(120)),
        read("2026-11-22T06:30:00Z", true, Some(210))
    );
}

#[test]
fn the_items_of_a_page_are_what_the_selectors_find() {
    let page = "<html lang=fa><head><title>روزنامه &amp; خبر</title><base href='/news/'></head><body>
        <div class=story><h2><a href='1'>One &lt;b></a></h2><time datetime='2026-11-22T10:00+03:30'>today</time><p>First <b>text</b></p></div>
        <div class=story><h2><a href='2'>Two</a></h2><time>۱ آذر ۱۴۰۵</time></div>
        <div class=story><time>some day</time></div></body></html>";
    let read = |item: &str| {
        let select = Select {
            item: item.to_owned(),
            title: "h2".to_owned(),
            date: "time".to_owned(),
            summary: "p".to_owned(),
            ..Select::default()
        };
        let manner = Manner {
            time_zone: "UTC".to_owned(),
            identity: None,
            select: Some(select),
            ..Manner::default()
        };
        let (bytes, address) = (page.as_bytes(), &address());
        super::read(&Input {
            bytes,
            content_type: "",
            address,
            manner: &manner,
            offset_minutes: None,
            now: "2026-11-22T12:00:00Z".parse().unwrap(),
        })
    };
    let reading = read(".story").unwrap();
    let facts = &reading.feed.facts;
    assert_eq!(
        (reading.format, facts.title.as_str(), facts.language.as_str()),
        ("page", "روزنامه & خبر", "fa")
    );
    let [one, two] = &reading.feed.items[..] else {
        panic!("{reading:?}")
    };
    assert_eq!(
        (one.title.as_str(), one.link.as_str()),
        ("One &lt;b>", "https://example.org/news/1")
    );
    assert_eq!(one.summary, "First <b>text</b>");
    assert_eq!(one.published.unwrap().to_string(), "2026-11-22T06:30:00Z");
    assert_eq!(two.published.unwrap().to_string(), "2026-11-22T00:00:00Z");
    let kinds: Vec<&str> = reading.losses.iter().map(|loss| loss.kind.as_str()).collect();
    assert_eq!(kinds, ["date", "empty_item"]);
    let nothing = read(".gone").unwrap_err();
    assert!(matches!(&nothing, ReadError::Repair(RepairError::NothingSelected(css)) if css == ".gone"));
}

#[test]
fn an_identifier_that_is_an_address_stands_in_for_a_missing_link_unless_it_says_that_it_is_none() {
    let link = |document: &str| parsed(document).items[0].link.clone();
    let rss = |guid: &str| link(&rss(&format!("<item><title>a</title>{guid}</item>")));
    assert_eq!(rss("<guid>https://example.org/1</guid>"), "https://example.org/1");
    assert_eq!(rss("<guid isPermaLink='False'>https://example.org/1</guid>"), "");
    assert_eq!(rss("<guid>tag:example.org,2026:1</guid>"), "");
    assert_eq!(
        link("<feed><entry><id>https://example.org/1</id><title>a</title></entry></feed>"),
        "https://example.org/1"
    );
    assert_eq!(
        link(r#"{"version":"1","items":[{"id":"https://example.org/1"}]}"#),
        "https://example.org/1"
    );
}

#[test]
fn a_json_feed_that_is_nearly_right_is_read_and_a_bad_item_costs_itself() {
    let titles =
        |document: &str| -> Vec<String> { parsed(document).items.into_iter().map(|item| item.title).collect() };
    assert_eq!(titles("{\"items\":[{\"id\":1,\"title\":\"a\nb\",},]}"), ["a\nb"]);
    assert_eq!(
        titles(r#"{"items":[{"id":1,"title":"a"},{"id":2,"title":"b"#),
        ["a", "b"]
    );
    assert_eq!(
        titles(r#"{"items":[{"id":1,"title":oops},{"id":2,"title":"b"}]}"#),
        ["b"]
    );
    assert_eq!(titles("{ notice } <rss><item><title>a</title></item></rss>"), ["a"]);
}

#[test]
fn what_is_said_of_an_author_is_not_said_of_the_entry() {
    let author = "<author><id>https://s.example/bob</id><link rel='alternate' href='https://s.example/bob'/><name>bob</name><summary>A life</summary></author>";
    let entry = |id: &str| {
        format!("<entry>{author}<id>{id}</id><title>{id}</title><link href='https://s.example/{id}'/></entry>")
    };
    let feed = parsed(&format!(
        "<feed><id>f</id>{author}{}{}</feed>",
        entry("e1"),
        entry("e2")
    ));
    let said: Vec<_> = feed
        .items
        .iter()
        .map(|item| (item.guid.as_str(), item.link.as_str(), item.summary.as_str()))
        .collect();
    assert_eq!(
        said,
        [("e1", "https://s.example/e1", ""), ("e2", "https://s.example/e2", "")]
    );
    assert_eq!(
        (feed.facts.source_id.as_str(), &feed.items[0].authors[..]),
        ("f", &["bob".to_owned()][..])
    );
}

#[test]
fn what_is_said_of_an_image_is_not_said_of_the_item_and_a_short_text_of_another_vocabulary_is_no_body() {
    let item = |inside: &str| {
        let document = format!(
            "<rss xmlns:media='http://search.yahoo.com/mrss/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'><item>{inside}</item></rss>"
        );
        parsed(&document).items.remove(0)
    };
    let photo = item(
        "<media:content url='https://secure.gravatar.com/avatar/x' medium='image'><media:title>ann</media:title></media:content>
         <media:content url='https://n.example/1.jpg?w=9'><media:description>a dog</media:description></media:content><description>Words</description>",
    );
    assert_eq!(
        (photo.title.as_str(), photo.summary.as_str(), photo.image.as_str()),
        ("", "Words", "https://n.example/1.jpg?w=9")
    );
    let episode = item(
        "<itunes:subtitle>Short</itunes:subtitle><itunes:summary>Longer, and plain</itunes:summary><description>With &lt;a&gt;links&lt;/a&gt;</description>",
    );
    assert_eq!(
        (episode.summary.as_str(), episode.content.as_str()),
        ("With <a>links</a>", "")
    );
}

#[test]
fn repeated_marks_take_no_time() {
    for piece in ["<b<b", "<!doctype <<>", "<a><![CDATA[x</a>", "<!--", "<?", "</"] {
        let many = piece.repeat(50_000);
        let document = format!(
            "<rss><channel><item><title>t</title><description><![CDATA[{many}]]></description></item>{many}]]>"
        );
        assert_eq!(parsed(&document).items[0].title, "t");
        let _ = crate::text::html::Sanitiser::new(None).clean(&many);
    }
}

#[test]
fn what_a_feed_wishes_of_its_guests_is_read() {
    let document = "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>A</title>
         <ttl>45</ttl><skipHours><hour>0</hour><hour>24</hour><hour>7</hour><hour>99</hour></skipHours>
         <skipDays><day>Saturday</day><day>sunday</day><day>Someday</day></skipDays>
         <atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='https://a.example/feed'/>
         <atom:link rel='next' href='/feed?page=2'/>
         <item><title>One</title><atom:link rel='hub' href='https://evil.example/'/></item></channel></rss>";
    let facts = parsed(document).facts;
    let wishes = facts.wishes;
    assert_eq!(
        (wishes.ttl_minutes, wishes.skip_hours, wishes.skip_days),
        (45, 1 | 1 << 7, 0b110_0000)
    );
    assert_eq!(
        (facts.hub.as_str(), facts.topic.as_str()),
        ("https://hub.example/", "https://a.example/feed")
    );
    assert!(facts.older.ends_with("/feed?page=2"), "{}", facts.older);
    let json = parsed(
        "{\"version\":\"https://jsonfeed.org/version/1.1\",\"feed_url\":\"https://j.example/f\",\"next_url\":\"https://j.example/f?2\",
          \"hubs\":[{\"type\":\"rssCloud\",\"url\":\"https://c.example/\"},{\"type\":\"WebSub\",\"url\":\"https://h.example/\"}],\"items\":[]}",
    );
    let json = json.facts;
    assert_eq!(
        [json.hub, json.topic, json.older],
        ["https://h.example/", "https://j.example/f", "https://j.example/f?2"]
    );
}

#[test]
fn what_goes_beside_entries_must_be_of_as_many() {
    let xml = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><id>1</id></entry></feed>";
    let address = Url::parse("https://example.org/feed.xml").unwrap();
    let beside = |count: usize| Beside {
        entries: vec![BesideEntry::default(); count],
        ..Beside::default()
    };
    assert!(parse(xml, beside(1), &address, false).is_ok());
    for count in [0, 2] {
        assert!(parse(xml, beside(count), &address, false).is_err(), "{count}");
    }
}
