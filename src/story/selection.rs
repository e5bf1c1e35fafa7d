//! The stories of a view, in the order of their places, newest first.

use crate::model::feed::FeedId;
use crate::model::story::{Seq, StoryText};
use crate::model::view::View;
use crate::store::stories::StoryRange;
use crate::store::{Store, StoreError};
use crate::text::fold::{fold, has_words};
use crate::text::html::to_text;

/// Stories read at once.
const PAGE: usize = 200;
/// Stories looked at for the merged feed of a view that chooses by words or languages; older ones are not reached.
pub const MAX_LOOKED_AT: usize = 20_000;

/// Reads the stories of a view with places in (`after`, `upto`], newest first: at most `limit`, or all of them for None.
///
/// # Errors
/// When the database fails.
pub async fn stories_of_view(
    store: &Store,
    view: &View,
    after: Seq,
    upto: Option<Seq>,
    limit: Option<usize>,
) -> Result<Vec<StoryText>, StoreError> {
    let feeds = feeds_of_view(store, view).await?;
    let wanted = limit.unwrap_or(usize::MAX);
    let filter = Filter::new(view);
    let mut range = StoryRange {
        after,
        upto,
        feeds,
        limit: PAGE.min(wanted),
    };
    let (mut chosen, mut looked_at) = (Vec::new(), 0);
    loop {
        let page = store.stories(range.clone()).await?;
        let (count, last) = (page.len(), page.last().map(|story| story.seq));
        looked_at += count;
        chosen.extend(page.into_iter().filter(|story| filter.admits(story)));
        let enough = chosen.len() >= wanted || (limit.is_some() && looked_at >= MAX_LOOKED_AT);
        match last {
            Some(Seq(last)) if count == range.limit && !enough => range.upto = Some(Seq(last - 1)),
            _ => break,
        }
    }
    chosen.truncate(wanted);
    Ok(chosen)
}

/// The feeds that belong to a view. Feeds that the configuration no longer names belong to none.
async fn feeds_of_view(store: &Store, view: &View) -> Result<Option<Vec<FeedId>>, StoreError> {
    if view.has_every_feed() && !store.has_former_feeds().await? {
        return Ok(None);
    }
    let names = store.feed_names().await?;
    let chosen = names.into_iter().filter(|(_, name, group)| view.has_feed(name, group));
    Ok(Some(chosen.map(|(id, ..)| id).collect()))
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
        let text = fold(&format!(
            "{} {} {}",
            story.title,
            to_text(&story.summary),
            to_text(&story.content)
        ));
        let has = |words: &[String]| words.iter().any(|word| has_words(&text, word));
        (self.include.is_empty() || has(&self.include)) && !has(&self.exclude)
    }
}
