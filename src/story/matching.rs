//! Whether an item that arrives belongs to a story that is there. Pure.
//!
//! The rule: the same canonical link in another feed is the same story. Two items of one feed are two stories, whatever their
//! links say: telling them apart is the work of their keys.

use crate::model::story::{Arrival, StoryId};
use crate::store::stories::Candidate;

/// The story that the item belongs to, of those with its canonical link (newest first); None: it opens its own.
#[must_use]
pub fn same_link(arrival: &Arrival, candidates: &[Candidate]) -> Option<StoryId> {
    candidates
        .iter()
        .find(|candidate| !candidate.feeds.contains(&arrival.feed))
        .map(|candidate| candidate.story)
}

#[cfg(test)]
mod tests {
    use super::same_link;
    use crate::model::feed::FeedId;
    use crate::model::item::ItemId;
    use crate::model::story::{Arrival, StoryId, StoryUid};
    use crate::store::stories::Candidate;

    #[test]
    fn the_same_link_is_one_story_across_feeds_and_two_within_one() {
        let arrival = |feed| Arrival {
            item: ItemId(9),
            feed: FeedId(feed),
            uid: StoryUid([0; 16]),
            canonical_link: "https://a.example/1".to_owned(),
        };
        let carried = |story, feed| Candidate {
            story: StoryId(story),
            feeds: vec![FeedId(feed)],
        };
        let candidates = [carried(2, 1), carried(1, 3)];
        assert_eq!(same_link(&arrival(2), &candidates), Some(StoryId(2)));
        assert_eq!(same_link(&arrival(1), &candidates), Some(StoryId(1)));
        assert_eq!(same_link(&arrival(3), &candidates[..1]), Some(StoryId(2)));
        assert_eq!(same_link(&arrival(1), &candidates[..1]), None);
    }
}
