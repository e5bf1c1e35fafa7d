//! What recurs over a feed: signatures, calls to subscribe, disclaimers. It tells nothing of the items that carry it.

use std::collections::{HashMap, HashSet};

use crate::model::item::ItemId;
use crate::model::story::{StoryId, Telling};
use crate::story::matching::RELATED;
use crate::story::passages::{Passages, Runs};
use crate::story::titles::{likeness, numbers, words};

/// The last items of a feed that are looked at.
pub const LOOKED_AT: usize = 16;
/// Stories of one feed in which a run of words stands before it counts as recurring ...
const STORIES: usize = 3;
/// ... and of how many of those that are looked at it must stand in one.
const ONE_IN: usize = 4;

/// The runs that recur over the last items of a feed, and the items that have any of them.
///
/// Items of one story count once: a report that is sent again and again recurs as little as one that is sent once. So do those under like titles, as long as they have no story.
#[must_use]
pub fn recurring(last: &[(Telling, Option<StoryId>)]) -> (HashSet<u64>, Vec<ItemId>) {
    let titles: Vec<Vec<String>> = last.iter().map(|(telling, _)| words(&telling.title)).collect();
    let mut standing: HashMap<u64, HashSet<usize>> = HashMap::new();
    let mut stories: HashSet<usize> = HashSet::new();
    let mut runs_of = Vec::with_capacity(last.len());
    for (at, ((telling, story), title)) in last.iter().zip(&titles).enumerate() {
        let runs: Runs = Passages::of(&telling.html).runs.into_iter().collect();
        if runs.is_empty() {
            continue;
        }
        let is_told = |((_, other), words): &(&(Telling, Option<StoryId>), &Vec<String>)| match (story, other) {
            (Some(one), Some(other)) => one == other,
            _ => likeness(title, words) >= RELATED && numbers(title) == numbers(words),
        };
        let told = last
            .iter()
            .zip(&titles)
            .take(at)
            .position(|other| is_told(&other))
            .unwrap_or(at);
        stories.insert(told);
        for run in &runs {
            standing.entry(*run).or_default().insert(told);
        }
        runs_of.push((telling.item, runs));
    }
    let enough = STORIES.max(stories.len().div_ceil(ONE_IN));
    standing.retain(|_, stories| stories.len() >= enough);
    let recurring: HashSet<u64> = standing.into_keys().collect();
    let having = runs_of
        .iter()
        .filter(|(_, runs)| runs.iter().any(|run| recurring.contains(run)));
    let having = having.map(|(item, _)| *item).collect();
    (recurring, having)
}
