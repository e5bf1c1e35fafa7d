//! By what the entries of a feed are told apart.

use serde::{Deserialize, Serialize};

/// What makes two entries of a feed the same item. Each trusts less of what publishers say than the one before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityPolicy {
    /// The guid, as publishers mean it; the others where there is none.
    #[default]
    Guid,
    /// The link.
    Link,
    /// The title and the date.
    TitleAndDate,
    /// The text.
    Text,
}

impl IdentityPolicy {
    /// All of them; a feed moves along them in this order, and never back.
    pub const ALL: [Self; 4] = [Self::Guid, Self::Link, Self::TitleAndDate, Self::Text];

    /// The word in the configuration, in the store and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guid => "guid",
            Self::Link => "link",
            Self::TitleAndDate => "title_and_date",
            Self::Text => "text",
        }
    }

    /// The policy that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// What an entry has its key from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Basis {
    /// Its guid.
    Guid,
    /// Its link.
    Link,
    /// Its link and its title: others have the same link.
    LinkAndTitle,
    /// Its title and its date.
    TitleAndDate,
    /// All that it says.
    Text,
}

/// What the documents of a feed have taught of its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Learned {
    /// By what they are told apart.
    pub policy: IdentityPolicy,
    /// Documents in a row that told them apart by less.
    pub doubts: u32,
}
