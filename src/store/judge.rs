//! What decides of stories: the pure functions of `story`, which the store is given, for it stands below them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::feed::FeedId;
use crate::model::item::ItemId;
use crate::model::story::{Comparison, Decided, Member, Telling, Ties};

/// Runs of words that recur over feeds.
pub type Recurring = HashMap<FeedId, HashSet<u64>>;
/// Runs of words that recur, and the items that have them.
pub type Lesson = (HashSet<u64>, Vec<ItemId>);
/// Items by their stories.
pub type Groups = Vec<Vec<ItemId>>;
/// Two items, and what was decided of them last.
pub type Decision = (ItemId, ItemId, Decided);

/// What decides: the pure functions of `story`.
#[derive(Debug, Clone)]
pub struct Judge {
    /// Compares an item with others.
    pub compare: fn(&Telling, &[Telling], &Recurring) -> Vec<Comparison>,
    /// What recurs over the last items of a feed, and which of these have it.
    pub recurring: fn(&[Telling]) -> Lesson,
    /// How many of the last items of a feed are looked at for that.
    pub looked_at: usize,
    /// A run of words as a mark.
    pub mark: fn(u64) -> i32,
    /// Parts items into stories: by pairs of one story, and pairs of which one quotes the other.
    pub groups: fn(&[ItemId], Ties<'_>, &[Decision]) -> Groups,
    /// Who leads a story.
    pub leader: fn(&[Member]) -> Option<ItemId>,
    /// Names of feeds whose items lead where nothing else decides, the most preferred first; `*` stands for any run of characters.
    pub prefer: Arc<[String]>,
}
