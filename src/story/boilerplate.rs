//! What recurs over a feed: signatures, calls to subscribe, disclaimers. It tells nothing of the items that carry it.

use std::collections::{HashMap, HashSet};

use crate::model::item::ItemId;
use crate::model::story::{RECURRING_SHARE, Telling, TieKind};
use crate::story::fingerprint;
use crate::story::matching::comparison;
use crate::story::overlap::Said;
use crate::story::passages::Runs;

/// The last items of a feed that are looked at.
pub const LOOKED_AT: usize = 16;
/// Stories among these in which a run of words recurs.
const STORIES: usize = 3;

/// The runs that recur over the last items of a feed, and the items that have any of them.
///
/// Items that tell one story count once: a report that is sent again and again recurs as little as one that is sent once. Those count
/// that find another by their marks, so that it does not matter which of them came last.
#[must_use]
pub fn recurring(last: &[Telling]) -> (HashSet<u64>, Vec<ItemId>) {
    let nothing = HashSet::new();
    let said: Vec<Said<'_>> = last.iter().map(|telling| Said::new(telling, &nothing)).collect();
    let mut standing: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, one) in said.iter().enumerate() {
        one.runs().for_each(|run| standing.entry(run).or_default().push(at));
    }
    standing.retain(|_, items| items.len() >= STORIES);
    if !standing.is_empty() {
        let story_of = stories(&said);
        standing.retain(|_, items| {
            let stories: HashSet<usize> = items
                .iter()
                .filter_map(|at| story_of.get(*at).copied().flatten())
                .collect();
            stories.len() >= STORIES
        });
    }
    let having: Runs = standing.keys().copied().collect();
    let items = said.iter().filter(|one| one.runs().any(|run| having.contains(&run)));
    let items = items.map(|one| one.telling.item).collect();
    (standing.into_keys().collect(), items)
}

/// Which story each item tells, as far as the items tell: the place of one of them. None: it finds no other that tells another story.
fn stories(said: &[Said<'_>]) -> Vec<Option<usize>> {
    let mut story_of: Vec<usize> = (0..said.len()).collect();
    let mut is_like = vec![false; said.len()];
    let marks: Vec<Vec<i32>> = said
        .iter()
        .map(|one| fingerprint::marks(&one.telling.title, &one.telling.html))
        .collect();
    for (at, one) in said.iter().enumerate() {
        for (before, other) in said.iter().enumerate().take(at) {
            let (Some(a), Some(b)) = (marks.get(at), marks.get(before)) else {
                continue;
            };
            if !fingerprint::may_be_like(a, b) {
                continue;
            }
            let compared = comparison(one, other);
            if compared.tie.as_ref().is_some_and(|tie| tie.kind == TieKind::Same) {
                let (new, old) = (story_of.get(at).copied(), story_of.get(before).copied());
                story_of
                    .iter_mut()
                    .filter(|story| Some(**story) == new)
                    .for_each(|story| *story = old.unwrap_or(*story));
            } else if compared.shares.0.max(compared.shares.1) >= RECURRING_SHARE {
                for place in [at, before] {
                    is_like.get_mut(place).into_iter().for_each(|like| *like = true);
                }
            }
        }
    }
    let like = story_of.into_iter().zip(is_like);
    like.map(|(story, is_like)| is_like.then_some(story)).collect()
}
