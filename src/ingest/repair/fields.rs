//! What elements say of a feed or an entry: links, files, texts, names and dates find their places in the drafts.

use url::Url;

use crate::ingest::repair::SaidDate;
use crate::ingest::repair::capture::Capture;
use crate::ingest::repair::draft::{Draft, File, Text, prefer};
use crate::ingest::repair::reader::Reader;
use crate::ingest::repair::values::{Attributes, language_tag, seconds, whole};
use crate::ingest::repair::vocabulary::{Element, Space, local};
use crate::text::html::as_html;

impl Reader<'_> {
    pub(super) fn begin_entry(&mut self, said: &Attributes) {
        self.end_entry();
        let mut entry = Draft::default();
        let about = said.get("about").unwrap_or_default().trim().to_owned();
        entry.page(0, self.absolute(&about));
        entry.id = about;
        entry.page(2, self.absolute(said.get("href").unwrap_or_default()));
        self.entry = Some(entry);
        self.date_of(Element::Updated, Space::Core, said.get("lastmod").unwrap_or_default());
    }

    pub(super) fn end_entry(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        if entry.is_empty() {
            self.losses.add(
                "empty_item",
                &format!("item {}", self.entries.len() + 1),
                "it says nothing",
            );
            return;
        }
        if self.format == Some("sitemap") && entry.title.text.is_empty() {
            self.losses.add("not_news", "feed", &entry.link.1);
            return;
        }
        entry.speaks(0, self.languages.last().map_or("", String::as_str));
        if !self.bases.is_empty() {
            for base in [&mut entry.base, &mut entry.summary_base] {
                if base.is_empty() {
                    *base = self.bases.last().map(Url::to_string).unwrap_or_default();
                }
            }
        }
        entry.page_from_id();
        self.has_ids |= !entry.id.is_empty();
        if entry.authors.is_empty() {
            for author in std::mem::take(&mut entry.source_authors) {
                entry.author(author);
            }
        }
        self.entries.push(entry);
    }

    pub(super) fn link(&mut self, said: &Attributes) {
        let href = self.absolute(said.get("href").unwrap_or_default());
        let rel = said.get("rel").unwrap_or("alternate").trim().to_ascii_lowercase();
        let rel = rel.rsplit('/').next().unwrap_or_default().to_owned();
        let media_type = said.get("type").unwrap_or_default().trim().to_owned();
        if self.within(Element::Source) {
            if let Some(entry) = self
                .entry
                .as_mut()
                .filter(|entry| entry.source.2.is_empty() || rel == "alternate")
            {
                entry.source.2 = href;
            }
            return;
        }
        match rel.as_str() {
            "alternate" | "" => {
                let rank = match media_type.as_str() {
                    "" | "text/html" | "application/xhtml+xml" => 3,
                    _ => 2,
                };
                self.draft().page(rank, href);
            }
            // RFC 6596. Of the feed it says nothing that is of use here.
            "canonical" => {
                if let Some(entry) = self.entry.as_mut().filter(|entry| entry.canonical.is_empty()) {
                    entry.page(0, href.clone());
                    entry.canonical = href;
                }
            }
            "enclosure" => {
                let length = said.get("length").and_then(|length| length.trim().parse().ok());
                self.draft().file(File {
                    url: href,
                    media_type,
                    length,
                    seconds: None,
                });
            }
            // A page goes before a feed of the replies.
            "replies" => {
                let is_page = media_type.is_empty() || media_type.contains("html");
                if self.draft().comments.is_empty() || (is_page && !self.draft().has_comments_page) {
                    self.draft().comments = href;
                    self.draft().has_comments_page = is_page;
                }
            }
            "hub" | "self" | "prev-archive" | "next" if self.entry.is_none() => self.feed.relate(&rel, href),
            _ => {}
        }
    }

    /// A file; says whether it is an image.
    pub(super) fn file(&mut self, what: Element, said: &Attributes) -> bool {
        let url = self.absolute(said.get("url").or(said.get("href")).unwrap_or_default());
        let media_type = said.get("type").unwrap_or_default().trim().to_owned();
        let medium = said.get("medium").unwrap_or_default();
        let is_image = medium == "image"
            || media_type.starts_with("image/")
            || (medium.is_empty() && media_type.is_empty() && names_image(&url));
        if what == Element::MediaContent && is_image {
            // The writer's portrait is no picture of what is written.
            if !url.contains("gravatar.com/avatar") {
                self.draft().picture(0, url);
            }
            return true;
        }
        let number = |key: &str| {
            said.get(key)
                .and_then(|value| value.trim().parse::<f64>().ok())
                .and_then(whole)
        };
        let file = File {
            url,
            media_type,
            length: number("length").or(number("filesize")),
            seconds: number("duration"),
        };
        self.draft().file(file);
        false
    }

    /// RFC 4287 §4.1.3.2: content that stands at an address. A page is the entry's page, anything else a file.
    pub(super) fn content_elsewhere(&mut self, said: &Attributes) {
        let url = self.absolute(said.get("src").unwrap_or_default());
        let media_type = said.get("type").unwrap_or_default().trim().to_owned();
        match media_type.as_str() {
            "" | "html" | "xhtml" | "text/html" | "application/xhtml+xml" => self.draft().page(1, url),
            _ => self.draft().file(File {
                url,
                media_type,
                ..File::default()
            }),
        }
    }

    pub(super) fn captured(&mut self, capture: Capture<'_>) {
        if capture.is_text() {
            return self.written_text(capture);
        }
        let plain = capture.plain.trim().to_owned();
        match capture.element {
            Element::Link => self.page(&capture, &plain),
            Element::Id | Element::Guid => self.identity(&capture, plain),
            Element::Published | Element::Updated | Element::Created => {
                self.date_of(capture.element, capture.space, &plain)
            }
            Element::Name => self.person.name = plain,
            Element::Publication => self.feed.title.offer(capture.finish()),
            Element::Email => self.person.email = plain,
            Element::Uri => self.person.uri = self.absolute(&plain),
            Element::Category | Element::Picture | Element::Thumbnail | Element::Logo
                if self.within(Element::Source) => {}
            Element::Picture
                if self.entry.is_some()
                    && local(capture.name).eq_ignore_ascii_case("url")
                    && !self.within(Element::Author) =>
            {
                let url = self.absolute(&plain);
                self.draft().page(0, url);
            }
            Element::OriginalLink => {
                let url = self.absolute(&plain);
                self.draft().page(5, url);
            }
            Element::Picture if self.within(Element::Author) => self.person.uri = self.absolute(&plain),
            Element::Category => {
                let is_list = matches!(capture.space, Space::Itunes | Space::News | Space::Media)
                    || !local(capture.name).eq_ignore_ascii_case("category")
                    || plain.len() > 100;
                let terms: Vec<&str> = if is_list {
                    plain.split(',').collect()
                } else {
                    vec![plain.as_str()]
                };
                terms.into_iter().for_each(|term| self.draft().category(term));
            }
            Element::Comments if self.entry.is_some() => {
                let url = self.absolute(&plain);
                self.draft().comments = url;
            }
            Element::Picture | Element::Thumbnail | Element::Logo => {
                let url = self.absolute(&plain);
                let rank = if capture.element == Element::Logo { 3 } else { 2 };
                self.draft().picture(rank, url);
            }
            Element::Duration => {
                self.draft().seconds = seconds(&plain);
            }
            Element::Language if !plain.is_empty() => self.draft().speaks(3, &language_tag(&plain)),
            Element::Ttl => self.feed.wishes.ttl_minutes = plain.parse().unwrap_or_default(),
            // "24" is midnight to those who count from 1.
            Element::SkipHour => {
                let hour = plain.parse().ok().filter(|hour| *hour <= 24);
                self.feed.wishes.skip_hours |= hour.map_or(0, |hour: u32| 1 << (hour % 24));
            }
            Element::SkipDay => self.feed.wishes.skip_days |= weekday(&plain).map_or(0, |day| 1 << day),
            _ => {}
        }
    }

    pub(super) fn written_text(&mut self, capture: Capture<'_>) {
        if self.within(Element::Image) {
            return;
        }
        let (what, space) = (capture.element, capture.space);
        let mut text = capture.finish();
        if self.within(Element::Source) {
            if let (Element::Title, Some(entry)) = (what, &mut self.entry) {
                entry.source.1 = if text.is_html { text.text } else { as_html(&text.text) };
            }
            return;
        }
        text.rank = match space {
            _ if self.is_in_unknown() => 0,
            Space::Core | Space::Content | Space::Xhtml => 3,
            Space::Dublin => 2,
            _ => 1,
        };
        let base = (!self.bases.is_empty()).then(|| self.base().to_string());
        let language = self.languages.last().cloned().unwrap_or_default();
        let is_entry = self.entry.is_some();
        let draft = self.draft();
        match what {
            Element::Title => draft.title.offer(text),
            Element::Content if is_entry => {
                // Several bodies: the fullest is the one. A guess is none.
                if draft.guessed_content > 0 || text.text.len() > draft.content.text.len() {
                    draft.guessed_content = 0;
                    draft.content = text;
                }
            }
            // Two short texts of one rank: the longer is taken for the body, unless there is a better one, or a better short text.
            Element::Summary
                if is_entry
                    && draft.content.text.is_empty()
                    && !draft.summary.text.is_empty()
                    && draft.summary.rank == text.rank
                    && draft.summary.text != text.text =>
            {
                if text.text.len() < draft.summary.text.len() {
                    std::mem::swap(&mut draft.summary, &mut text);
                }
                draft.guessed_content = text.rank;
                draft.content = text;
            }
            Element::Summary if draft.guessed_content > 0 && text.rank > draft.guessed_content => {
                draft.guessed_content = 0;
                draft.content = Text::default();
                draft.summary = text;
            }
            _ => draft.summary.offer(text),
        }
        if is_entry && what != Element::Title {
            let place = if what == Element::Content {
                &mut draft.base
            } else {
                &mut draft.summary_base
            };
            *place = base.unwrap_or_else(|| std::mem::take(place));
            draft.speaks(if what == Element::Content { 2 } else { 1 }, &language);
        }
    }

    pub(super) fn page(&mut self, capture: &Capture<'_>, plain: &str) {
        if !capture.attribute.is_empty() || plain.is_empty() || self.within(Element::Image) {
            return;
        }
        let url = self.absolute(plain);
        self.draft().page(4, url);
    }

    pub(super) fn identity(&mut self, capture: &Capture<'_>, plain: String) {
        if plain.is_empty() {
            return;
        }
        if self.within(Element::Source) {
            if let Some(entry) = &mut self.entry {
                entry.source.0 = plain;
            }
            return;
        }
        let says = capture.attribute.trim().to_ascii_lowercase();
        let is_address =
            capture.element == Element::Guid && says != "false" && (says == "true" || plain.contains("://"));
        if is_address {
            let url = self.absolute(&plain);
            self.draft().page(1, url);
        }
        let is_core = capture.space == Space::Core;
        let is_no_page = capture.attribute.eq_ignore_ascii_case("false");
        let draft = self.draft();
        draft.is_no_page |= is_no_page;
        if draft.id.is_empty() || (is_core && !draft.has_core_id) {
            draft.id = plain;
            draft.has_core_id = is_core;
        }
    }

    pub(super) fn date_of(&mut self, what: Element, space: Space, text: &str) {
        if text.trim().is_empty() || self.within(Element::Source) || self.within(Element::Image) {
            return;
        }
        let place = self.place();
        let Some(SaidDate { at: date, is_future }) = (self.date)(text) else {
            return self.losses.add("date", &place, text);
        };
        if is_future {
            self.losses.add("future_date", &place, text);
        }
        let rank = |rank| if is_future { 0 } else { rank };
        let core = rank(if space == Space::Core { 3 } else { 2 });
        let draft = self.draft();
        match what {
            Element::Updated => prefer(&mut draft.updated, core, date),
            Element::Created => prefer(&mut draft.published, rank(1), date),
            _ => prefer(&mut draft.published, core, date),
        }
    }
}

/// The number of a weekday from its English name or the beginning of it; Monday is 0.
fn weekday(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    days.iter().position(|day| name.starts_with(day))
}

/// Whether an address ends as those of images do.
fn names_image(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"]
        .iter()
        .any(|end| path.ends_with(end))
}
