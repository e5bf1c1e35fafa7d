//! The stories of a view: the newest, and those that came into it with certain arrivals.

use crate::model::item::ItemId;
use crate::model::story::{StoryId, StoryText};
use crate::model::view::View;
use crate::store::stories::StoryRange;
use crate::store::{Store, StoreError};
use crate::text::fold::{fold, fold_html, has_words};

/// Stories read at once.
const PAGE: usize = 200;
/// Stories looked at for the merged feed of a view that chooses by words or languages; older ones are not reached.
pub const MAX_LOOKED_AT: usize = 20_000;

/// Reads the newest stories of a view, newest first: at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn newest_stories(store: &Store, view: &View, limit: usize) -> Result<Vec<StoryText>, StoreError> {
    let filter = Filter::new(view);
    let mut range = StoryRange {
        before: None,
        feeds: store.feeds_of(view).await?,
        limit: PAGE.min(limit),
    };
    let (mut chosen, mut looked_at) = (Vec::new(), 0);
    loop {
        let page = store.stories(range.clone()).await?;
        let (count, last) = (page.len(), page.last().map(|story| story.seq));
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
