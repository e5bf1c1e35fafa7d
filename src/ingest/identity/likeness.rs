//! How alike two entries are, whatever their keys are.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::ingest::identity::{folded, link_of};
use crate::model::identity::{Basis, IdentityPolicy};
use crate::model::item::{Hash16, KnownItem, Lookalike, NewItem};
use crate::text::hash::text_hash;

/// Items with one trait that are compared with one entry: the newest.
const MAX_NEAR: usize = 16;

/// By what an entry would be known again. Absent is None.
#[derive(Debug)]
pub(super) struct Face<'a> {
    guid: Option<&'a str>,
    /// With its fragment,
    link: Option<String>,
    /// and without.
    page: Option<&'a str>,
    title: Option<&'a str>,
    published: Option<Timestamp>,
    text: Option<Hash16>,
}

/// An entry that no key knows.
#[derive(Debug)]
pub(super) struct Stranger<'a> {
    pub(super) at: usize,
    /// What its key was made from.
    pub(super) basis: Basis,
    pub(super) face: Face<'a>,
}

impl<'a> Face<'a> {
    pub(super) fn of_entry(item: &'a NewItem) -> Self {
        Self {
            guid: some(folded(&item.guid)),
            link: link_of(&item.link),
            page: some(&item.canonical_link),
            title: some(&item.title),
            published: item.published,
            text: text_hash(&item.title, &item.summary, &item.content),
        }
    }

    pub(super) fn of_item(item: &'a Lookalike) -> Self {
        Self {
            guid: some(folded(&item.guid)),
            link: link_of(&item.link),
            page: some(&item.canonical_link),
            title: some(&item.title),
            published: item.published,
            text: item.text,
        }
    }

    pub(super) fn likeness(&self, other: &Self) -> Likeness {
        Likeness {
            guid: same(&self.guid, &other.guid),
            link: same(&self.link, &other.link),
            page: same(&self.page, &other.page),
            title: same(&self.title, &other.title),
            date: same(&self.published, &other.published),
            untitled: self.title.is_none() && other.title.is_none(),
            undated: self.published.is_none() && other.published.is_none(),
            text: same(&self.text, &other.text),
        }
    }

    fn traits(&self) -> impl Iterator<Item = Trait<'a>> {
        let texts = [
            self.guid.map(Trait::Guid),
            self.page.map(Trait::Page),
            self.title.map(Trait::Title),
        ];
        texts.into_iter().chain([self.text.map(Trait::Text)]).flatten()
    }

    /// Whether all that tells of an entry is there, and other.
    pub(super) fn is_another_than(&self, other: &Self) -> bool {
        let is_whole = |face: &Self| face.page.is_some() && face.title.is_some() && face.published.is_some();
        let alike = self.likeness(other);
        is_whole(self) && is_whole(other) && !(alike.page || alike.title || alike.date || alike.text)
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn same<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    one.is_some() && one == other
}

/// In what two entries are alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likeness {
    guid: bool,
    link: bool,
    page: bool,
    title: bool,
    date: bool,
    /// Neither has a title, or a date.
    untitled: bool,
    undated: bool,
    text: bool,
}

impl Likeness {
    /// Whether they are one item for who tells them apart by this. A guid alone is not believed: whose key is known by it needs no
    /// likeness, and else something has changed.
    pub(super) fn is_one_by(self, basis: Basis) -> bool {
        match basis {
            Basis::Guid => self.guid && (self.page || self.title || self.date || self.text),
            Basis::Link => self.link,
            Basis::LinkAndTitle => self.link && self.title,
            Basis::TitleAndDate => self.title && (self.date || self.undated) || self.untitled && self.date,
            Basis::Text => self.text,
        }
    }

    /// Whether they are one item for anybody who believes links: publishers make guids anew.
    pub(super) fn is_twin(self) -> bool {
        self.page && (self.text || self.title && self.date)
    }

    /// Whether this shows that entries could be told apart by a policy, where `basis` fails.
    pub(super) fn speaks_for(self, policy: IdentityPolicy, basis: Basis) -> bool {
        !self.is_same(basis)
            && match policy {
                IdentityPolicy::Guid => false,
                IdentityPolicy::Link => self.link && (self.title || self.date || self.text),
                IdentityPolicy::TitleAndDate => self.title && self.date,
                IdentityPolicy::Text => self.text,
            }
    }

    /// Whether they have the same there.
    pub(super) fn is_same(self, basis: Basis) -> bool {
        match basis {
            Basis::Guid => self.guid,
            Basis::Link | Basis::LinkAndTitle => self.link,
            Basis::TitleAndDate => self.is_one_by(basis),
            Basis::Text => self.text,
        }
    }

    /// In how much they are alike.
    pub(super) fn strength(self) -> usize {
        [self.guid, self.link || self.page, self.title, self.date, self.text]
            .into_iter()
            .filter(|alike| *alike)
            .count()
    }
}

/// What two entries that are alike in anything have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Trait<'a> {
    Guid(&'a str),
    Page(&'a str),
    Title(&'a str),
    Text(Hash16),
}

/// The faces of items, by their traits.
#[derive(Debug)]
pub(super) struct Crowd<'a> {
    faces: Vec<(&'a Lookalike, Face<'a>)>,
    by_trait: HashMap<Trait<'a>, Vec<usize>>,
}

impl<'a> Crowd<'a> {
    /// The lookalikes that pass.
    pub(super) fn of(lookalikes: &'a [Lookalike], passes: impl Fn(&KnownItem) -> bool) -> Self {
        let passing = lookalikes.iter().filter(|alike| passes(&alike.item));
        let mut faces: Vec<_> = passing.map(|alike| (alike, Face::of_item(alike))).collect();
        faces.sort_unstable_by_key(|(alike, _)| std::cmp::Reverse(alike.item.id));
        let mut by_trait: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, (_, face)) in faces.iter().enumerate() {
            for one in face.traits() {
                by_trait.entry(one).or_default().push(at);
            }
        }
        Self { faces, by_trait }
    }

    /// The items that are like a face in anything, and how much.
    pub(super) fn near(&self, face: &Face<'_>) -> Vec<(&'a Lookalike, Likeness)> {
        let sharing = face.traits().filter_map(|one| self.by_trait.get(&one));
        let near: BTreeSet<usize> = sharing.flat_map(|items| items.iter().take(MAX_NEAR)).copied().collect();
        let near = near.into_iter().filter_map(|at| self.faces.get(at));
        near.map(|(item, other)| (*item, face.likeness(other))).collect()
    }
}
