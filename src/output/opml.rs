//! The list of feeds as OPML 2.0 (opml.org/spec2.opml), groups as folders, for other readers.

use crate::model::feed::FeedIntent;
use crate::text::xml::Xml;

/// Writes the list: feeds without a group first, then the groups in the order in which they first appear.
#[must_use]
pub fn render(title: &str, feeds: &[FeedIntent]) -> String {
    let mut groups: Vec<&str> = Vec::new();
    for feed in feeds.iter().filter(|feed| !feed.group.is_empty()) {
        if !groups.contains(&feed.group.as_str()) {
            groups.push(&feed.group);
        }
    }
    let mut xml = Xml::new();
    xml.open("opml", &[("version", "2.0")]);
    xml.open("head", &[]);
    xml.text("title", &[], title);
    xml.close("head");
    xml.open("body", &[]);
    outlines(&mut xml, feeds, "");
    for group in groups {
        xml.open("outline", &[("text", group), ("title", group)]);
        outlines(&mut xml, feeds, group);
        xml.close("outline");
    }
    xml.close("body");
    xml.close("opml");
    xml.finish()
}

fn outlines(xml: &mut Xml, feeds: &[FeedIntent], group: &str) {
    for feed in feeds.iter().filter(|feed| feed.group == group) {
        let (name, url) = (feed.name.as_str(), feed.url.as_str());
        xml.empty(
            "outline",
            &[("type", "rss"), ("text", name), ("title", name), ("xmlUrl", url)],
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::render;
    use crate::config::opml::read;
    use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};

    #[test]
    fn what_is_written_is_read_back() {
        let feed = |name: &str, url: &str, group: &str| FeedIntent {
            name: name.to_owned(),
            url: FeedUrl::parse(url).unwrap(),
            group: group.to_owned(),
            manner: Manner::default(),
            access: Access::default(),
        };
        let feeds = [
            feed("a & \"b\"", "https://a.example/?x=1&y=2", ""),
            feed("خبرگزاری", "https://b.example/", "<agencies>"),
            feed("c", "https://c.example/", "<agencies>"),
        ];
        assert_eq!(read(&render("t", &feeds)).unwrap().feeds, feeds);
    }
}
