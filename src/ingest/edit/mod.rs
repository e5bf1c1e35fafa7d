//! What an entry that is written differently does to its item: a revision, or none. Pure.
//!
//! A revision is made when the folded words of title or text have changed. Typography, markup, links and files follow without one,
//! and so does everything as long as the item waits for its place: nobody has seen it.

pub mod words;

use std::time::Duration;

use jiff::Timestamp;

use crate::ingest::edit::words::Words;
use crate::model::clock::later;
use crate::model::item::{Edit, ItemText, MAX_REVISIONS, NewItem, StoredItem};

/// How often an item that had more than [`MAX_REVISIONS`] is sent again as updated, at most.
const RESTLESS_SPACING: Duration = Duration::from_secs(86_400);

/// What a new text does to an item; None: it makes no revision.
///
/// It is material when readers should see the item again: it differs from what they were sent last ([`Words::differ_materially`]), so
/// that small edits add up. Words that the item had before are not: an advert that comes and goes is no news. Nor is all that an item
/// says which changes all the time.
#[must_use]
pub fn weigh(stored: &StoredItem, new: &NewItem, now: Timestamp) -> Option<Edit> {
    if !stored.is_placed {
        return None;
    }
    let (old, new) = (words(&stored.text), Words::of(&new.title, &new.content, &new.summary));
    if old == new {
        return None;
    }
    let is_known = stored.said.contains(&new.hash());
    let was_just_sent = stored
        .updated
        .is_some_and(|updated| now < later(updated, RESTLESS_SPACING));
    let is_restless = stored.revisions >= MAX_REVISIONS && was_just_sent;
    let differs = match &stored.sent {
        Some(sent) => words(sent).differ_materially(&new),
        None => old.differ_materially(&new),
    };
    Some(Edit {
        replaced: old.hash(),
        is_material: differs && !is_known && !is_restless,
    })
}

fn words(text: &ItemText) -> Words {
    Words::of(&text.title, &text.content, &text.summary)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::weigh;
    use crate::ingest::edit::words::Words;
    use crate::model::item::{ItemText, MAX_REVISIONS, NewItem, StoredItem};
    use jiff::Timestamp;

    fn text(title: &str) -> ItemText {
        ItemText {
            title: title.to_owned(),
            content: "<p>A text</p>".to_owned(),
            ..ItemText::default()
        }
    }

    fn new(title: &str) -> NewItem {
        NewItem {
            title: title.to_owned(),
            content: "<div>A “text”</div>".to_owned(),
            ..NewItem::default()
        }
    }

    fn stored(title: &str) -> StoredItem {
        StoredItem {
            is_placed: true,
            text: text(title),
            ..StoredItem::default()
        }
    }

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    fn is_material(stored: &StoredItem, title: &str) -> Option<bool> {
        weigh(stored, &new(title), now()).map(|edit| edit.is_material)
    }

    #[test]
    fn only_words_that_somebody_has_seen_make_a_revision() {
        assert_eq!(is_material(&stored("12 dead"), "12 “Dead”"), None);
        assert_eq!(is_material(&stored("12 dead"), "15 dead"), Some(true));
        assert_eq!(
            is_material(&stored("The goverment falls"), "The government falls"),
            Some(false)
        );
        let waiting = StoredItem {
            is_placed: false,
            ..stored("12 dead")
        };
        assert_eq!(is_material(&waiting, "15 dead"), None);
        let edit = weigh(&stored("12 dead"), &new("15 dead"), now()).unwrap();
        assert_eq!(edit.replaced, Words::of("12 dead", "<p>A text</p>", "").hash());
    }

    #[test]
    fn an_edit_is_compared_with_what_readers_were_sent_last() {
        let edited = StoredItem {
            sent: Some(text("one two threee")),
            ..stored("one twwo threee")
        };
        assert_eq!(is_material(&edited, "one two three"), Some(false));
        let edited = StoredItem {
            sent: Some(text("the reporter")),
            ..stored("the reporters")
        };
        assert_eq!(is_material(&edited, "the reportersx"), Some(true), "small edits add up");
    }

    #[test]
    fn what_the_item_said_before_is_no_news() {
        let flapping = StoredItem {
            said: vec![Words::of("one", "<p>A text</p>", "").hash()],
            ..stored("two")
        };
        assert_eq!(is_material(&flapping, "one"), Some(false));
        assert_eq!(is_material(&flapping, "three"), Some(true));
    }

    #[test]
    fn a_restless_item_is_sent_again_once_a_day() {
        let updated = |at: &str| StoredItem {
            revisions: MAX_REVISIONS,
            updated: Some(at.parse().unwrap()),
            ..stored("12 comments")
        };
        assert_eq!(
            is_material(&updated("2026-11-21T12:00:01Z"), "13 comments"),
            Some(false)
        );
        assert_eq!(is_material(&updated("2026-11-21T12:00:00Z"), "13 comments"), Some(true));
        let calm = StoredItem {
            revisions: MAX_REVISIONS - 1,
            ..updated("2026-11-22T11:59:00Z")
        };
        assert_eq!(is_material(&calm, "13 comments"), Some(true));
    }
}
