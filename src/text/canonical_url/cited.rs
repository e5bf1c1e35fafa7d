//! The articles that a text cites, by its links.

use std::collections::HashMap;

use crate::text::canonical_url::{Links, Named, archives};

/// Links of one text that are looked at.
const MAX_LINKS: usize = 200;

/// An article that a text cites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cited {
    /// Its link in canonical form.
    pub canonical: String,
    /// Only archive copies of it are cited, not itself.
    pub is_archived: bool,
}

/// What the links of a text cite, in their order, each article once.
///
/// Front pages are no articles. An archive copy that names its page cites that one; one that names none but stands beside another
/// link is taken for a copy of that.
#[must_use]
pub fn cited<'a>(links: impl Iterator<Item = &'a str>) -> Vec<Cited> {
    Links::default().cited(links)
}

/// What one link cites.
enum Cites {
    Page(Cited),
    /// A copy of a page that its address, this one, does not name.
    Unnamed(String),
    Nothing,
}

impl Links {
    /// The same as [`cited`], without the parameters that were added too.
    #[must_use]
    pub fn cited<'a>(&self, links: impl Iterator<Item = &'a str>) -> Vec<Cited> {
        let cites: Vec<Cites> = links.take(MAX_LINKS).map(|link| self.cites(link)).collect();
        let is_page = |at: Option<usize>| at.is_some_and(|at| matches!(cites.get(at), Some(Cites::Page(_))));
        let mut cited: Vec<Cited> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (at, cites) in cites.iter().enumerate() {
            let (canonical, is_archived) = match cites {
                Cites::Page(page) => (&page.canonical, page.is_archived),
                Cites::Unnamed(copy) if !is_page(at.checked_sub(1)) && !is_page(at.checked_add(1)) => (copy, true),
                Cites::Unnamed(_) | Cites::Nothing => continue,
            };
            let place = *places.entry(canonical).or_insert(cited.len());
            match cited.get_mut(place) {
                Some(known) => known.is_archived &= is_archived,
                None => cited.push(Cited {
                    canonical: canonical.clone(),
                    is_archived,
                }),
            }
        }
        cited
    }

    fn cites(&self, link: &str) -> Cites {
        let named = Named::by(link);
        let canonical = named.as_ref().and_then(|named| self.written(&named.parts));
        match (named, canonical) {
            (Some(named), Some(canonical)) if archives::is_unnamed(&named.parts) => Cites::Unnamed(canonical),
            (Some(named), Some(canonical)) => Cites::Page(Cited {
                canonical,
                is_archived: named.by_copy,
            }),
            _ => Cites::Nothing,
        }
    }
}
