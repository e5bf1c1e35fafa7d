//! The list of feeds as OPML 2.0 (opml.org/spec2.opml), groups as folders, for other readers.

use std::collections::HashMap;

use crate::model::feed_list::{FeedList, ListedFeed};
use crate::text::xml::Xml;

/// So many bytes are given away at once, more or less.
const PIECE: usize = 64 * 1024;

/// Writes the list, piece by piece: feeds without a group first, then the groups in the order in which they first appear.
///
/// # Errors
/// Those of `write`.
pub fn render<E>(title: &str, feeds: &FeedList, mut write: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    let mut groups: Vec<(&str, Vec<usize>)> = vec![("", Vec::new())];
    let mut numbers = HashMap::from([("", 0)]);
    for (at, feed) in feeds.iter().enumerate() {
        let number = *numbers.entry(feed.group).or_insert(groups.len());
        match groups.get_mut(number) {
            Some((_, places)) => places.push(at),
            None => groups.push((feed.group, vec![at])),
        }
    }
    let mut xml = Xml::new();
    xml.open("opml", &[("version", "2.0")]);
    xml.open("head", &[]);
    xml.text("title", &[], title);
    xml.close("head");
    xml.open("body", &[]);
    for (group, places) in groups {
        if !group.is_empty() {
            xml.open("outline", &[("text", group), ("title", group)]);
        }
        for feed in places.into_iter().filter_map(|at| feeds.get(at)) {
            outline(&mut xml, feed);
            if xml.len() >= PIECE {
                write(&xml.take())?;
            }
        }
        if !group.is_empty() {
            xml.close("outline");
        }
    }
    xml.close("body");
    xml.close("opml");
    write(&xml.finish())
}

fn outline(xml: &mut Xml, feed: ListedFeed<'_>) {
    let (name, url) = (feed.name, feed.url);
    xml.empty(
        "outline",
        &[("type", "rss"), ("text", name), ("title", name), ("xmlUrl", url)],
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::render;
    use crate::config::opml::read;
    use crate::config::taken::Taken;
    use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};
    use crate::model::feed_list::FeedList;

    #[test]
    fn what_is_written_is_read_back() {
        let feed = |name: &str, url: &str, group: &str| FeedIntent {
            name: name.to_owned(),
            url: FeedUrl::parse(url).unwrap(),
            group: group.to_owned(),
            manner: Manner::default(),
            access: Access::default(),
        };
        let feeds: FeedList = [
            feed("a & \"b\"", "https://a.example/?x=1&y=2", ""),
            feed("خبرگزاری", "https://b.example/", "<agencies>"),
            feed("c", "https://c.example/", "<agencies>"),
        ]
        .into_iter()
        .collect();
        let (mut text, mut back) = (String::new(), FeedList::default());
        render("t", &feeds, |piece| {
            text.push_str(piece);
            Ok::<_, ()>(())
        })
        .unwrap();
        read(text.as_bytes(), &mut Taken::default(), |feed| back.push(feed)).unwrap();
        assert_eq!(back, feeds);
    }
}
