//! The stories of a view: the newest, and those that came into it with certain arrivals.

use std::ops::Range;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::clock::later;
use crate::model::item::ItemId;
use crate::model::story::{StoryId, StoryText};
use crate::model::view::View;
use crate::store::choice::FeedChoice;
use crate::store::stories::StoryRange;
use crate::store::{Store, StoreError};
use crate::text::fold::{fold, fold_html, has_words};

/// Stories read at once.
const PAGE: usize = 200;
/// Stories looked at for the merged feed of a view that chooses by words or languages; older ones are not reached.
pub const MAX_LOOKED_AT: usize = 20_000;

/// Reads the newest stories that are in a view at `now`, newest first: at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn newest_stories(
    store: &Store,
    view: &View,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<StoryText>, StoreError> {
    let filter = Filter::new(view);
    let mut range = StoryRange {
        before: None,
        feeds: store.feeds_of(view).await?,
        limit: PAGE.min(limit),
    };
    let (mut chosen, mut looked_at) = (Vec::new(), 0);
    loop {
        let mut page = store.stories(range.clone()).await?;
        let (count, last) = (page.len(), page.last().map(|story| story.seq));
        if !view.hold.is_zero() {
            page = settled(store, view, &range.feeds, page, now).await?;
        }
        looked_at += count;
        chosen.extend(page.into_iter().filter(|story| filter.admits(story)));
        if count < range.limit || chosen.len() >= limit || looked_at >= MAX_LOOKED_AT {
            break;
        }
        range.before = last;
    }
    chosen.truncate(limit);
    Ok(chosen)
}

/// The stories whose hold in the view is over. A story comes in when it is: for the readers of the view it has changed then.
async fn settled(
    store: &Store,
    view: &View,
    feeds: &FeedChoice,
    stories: Vec<StoryText>,
    now: Timestamp,
) -> Result<Vec<StoryText>, StoreError> {
    let ids = stories.iter().map(|story| story.id).collect();
    let brought = store.brought_at(feeds.clone(), ids).await?;
    let settling = settling(view, now);
    let come_in = |mut story: StoryText| {
        let brought = brought.get(&story.id).filter(|brought| !settling.contains(brought))?;
        story.changed_at = later(*brought, view.hold).min(now).max(story.changed_at);
        Some(story)
    };
    Ok(stories.into_iter().filter_map(come_in).collect())
}

/// When items were first seen that are not in the view yet. What was seen in the future, by a clock that was wrong, is.
fn settling(view: &View, now: Timestamp) -> Range<Timestamp> {
    let before = SignedDuration::try_from(view.hold).unwrap_or(SignedDuration::MAX);
    let start = now.saturating_sub(before).unwrap_or(Timestamp::MIN);
    // What was seen exactly so long ago has waited; the store counts in milliseconds.
    later(start, Duration::from_millis(1))..later(now, Duration::from_millis(1))
}

/// How far an edition of a view may go that begins after an arrival.
///
/// To the last one that has its place and whose hold in the view is over, as those of all before it. What comes later waits for the
/// next edition.
///
/// # Errors
/// When the database fails.
pub async fn last_arrival(store: &Store, view: &View, after: ItemId, now: Timestamp) -> Result<ItemId, StoreError> {
    let upto = store.last_placed().await?.max(after);
    if view.hold.is_zero() {
        return Ok(upto);
    }
    let feeds = store.feeds_of(view).await?;
    let first = store
        .first_arrival_seen(feeds, (after, upto), settling(view, now))
        .await?;
    Ok(first.map_or(upto, |first| ItemId(first.0 - 1)))
}

/// The stories that came into a view with the arrivals in (`after`, `upto`], newest first.
///
/// A story that a feed of the view carries later than others came into the view with that feed's item: it is told then, once.
///
/// # Errors
/// When the database fails.
pub async fn arrived_stories(
    store: &Store,
    view: &View,
    (after, upto): (ItemId, ItemId),
) -> Result<Vec<StoryId>, StoreError> {
    let feeds = store.feeds_of(view).await?;
    let filter = Filter::new(view);
    let (mut chosen, mut reached) = (Vec::new(), after);
    while reached < upto {
        let (page, last) = store.arrived_stories(feeds.clone(), (reached, upto), PAGE).await?;
        chosen.extend(
            page.iter()
                .filter(|story| filter.admits(story))
                .map(|story| (story.seq, story.id)),
        );
        reached = last;
    }
    chosen.sort_unstable_by(|a, b| b.cmp(a));
    Ok(chosen.into_iter().map(|(_, id)| id).collect())
}

/// What a view asks of the story itself.
struct Filter<'a> {
    view: &'a View,
    include: Vec<String>,
    exclude: Vec<String>,
}

impl<'a> Filter<'a> {
    fn new(view: &'a View) -> Self {
        let folded = |words: &[String]| words.iter().map(|word| fold(word)).collect();
        Self {
            view,
            include: folded(&view.include),
            exclude: folded(&view.exclude),
        }
    }

    fn admits(&self, story: &StoryText) -> bool {
        let languages = &self.view.languages;
        if !languages.is_empty() && !languages.contains(&story.language) {
            return false;
        }
        if !self.view.reads_text() {
            return true;
        }
        let text = [fold(&story.title), fold_html(&story.summary), fold_html(&story.content)].join(" ");
        let has = |words: &[String]| words.iter().any(|word| has_words(&text, word));
        (self.include.is_empty() || has(&self.include)) && !has(&self.exclude)
    }
}
