//! What elements mean, in all dialects: namespaces by what they are for, not by how they are spelled.

/// What a namespace is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS in all versions, Atom, CDF, and no namespace at all.
    Core,
    /// Dublin Core, elements and terms.
    Dublin,
    /// RSS 1.0 content.
    Content,
    /// Media RSS.
    Media,
    /// iTunes and its kin for podcasts.
    Itunes,
    /// XHTML.
    Xhtml,
    /// RDF's own vocabulary.
    Rdf,
    /// Site maps.
    Sitemap,
    /// What site maps say of news.
    News,
    /// What site maps say of images.
    SitemapImage,
    /// What nobody here reads.
    Other,
}

/// Parts of addresses, in small letters, that tell what a namespace is for. The first that fits counts.
const BY_ADDRESS: [(&str, Space); 26] = [
    ("google.com/schemas/sitemap-news", Space::News),
    ("google.com/schemas/sitemap-image", Space::SitemapImage),
    ("sitemaps.org/schemas/sitemap", Space::Sitemap),
    ("google.com/schemas/sitemap/", Space::Sitemap),
    ("purl.org/dc/", Space::Dublin),
    ("dublincore.org", Space::Dublin),
    ("purl.org/rss/1.0/modules/content", Space::Content),
    ("purl.org/rss/1.0/modules/", Space::Other),
    ("purl.org/rss/1.0", Space::Core),
    ("purl.org/net/rss1.1", Space::Core),
    ("purl.org/atom/", Space::Core),
    ("w3.org/2005/atom", Space::Core),
    ("my.netscape.com/rdf/simple", Space::Core),
    ("channel.netscape.com/rdf/simple", Space::Core),
    ("my.netscape.com/publish/formats/rss", Space::Core),
    ("backend.userland.com/", Space::Core),
    ("blogs.law.harvard.edu/tech/rss", Space::Core),
    ("cyber.law.harvard.edu/rss", Space::Core),
    ("rssboard.org/rss-specification", Space::Core),
    ("rssnamespace.org/feeds/rss", Space::Core),
    ("search.yahoo.com/mrss", Space::Media),
    ("rssboard.org/media-rss", Space::Media),
    ("itunes.com/dtds/podcast", Space::Itunes),
    ("google.com/schemas/play-podcasts", Space::Itunes),
    ("w3.org/1999/xhtml", Space::Xhtml),
    ("w3.org/1999/02/22-rdf-syntax", Space::Rdf),
];

/// What a namespace's address is for.
pub(super) fn space(address: &str) -> Space {
    let address = address.trim().to_ascii_lowercase();
    if address.is_empty() || matches!(address.as_str(), "http://" | "atom" | "rss" | "rss2") {
        return Space::Core;
    }
    BY_ADDRESS
        .iter()
        .find(|(part, _)| address.contains(part))
        .map_or(Space::Other, |(_, space)| *space)
}

/// What a prefix that nobody declared is usually for.
pub(super) fn usual(prefix: &str) -> Space {
    match prefix.to_ascii_lowercase().as_str() {
        "" | "atom" | "a" | "atom10" | "atom03" | "rss" | "rss1" => Space::Core,
        "dc" | "dcterms" | "dct" => Space::Dublin,
        "content" => Space::Content,
        "media" => Space::Media,
        "itunes" | "googleplay" => Space::Itunes,
        "xhtml" | "html" | "h" => Space::Xhtml,
        "rdf" => Space::Rdf,
        "news" => Space::News,
        "image" => Space::SitemapImage,
        _ => Space::Other,
    }
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// `rss`, `RDF`, `feed`: what a document is.
    Root,
    /// The feed inside it.
    Channel,
    /// `item`, `entry`.
    Entry,
    /// RSS `image`, `textinput`: they have titles and links of their own.
    Image,
    Aside,
    /// Where an entry was taken from.
    Source,
    /// Somebody, as text or in parts.
    Author,
    Contributor,
    Name,
    Email,
    Uri,
    Title,
    Subtitle,
    Link,
    Id,
    Guid,
    /// A short text about an entry, or the only one.
    Summary,
    /// The text of an entry.
    Content,
    Published,
    Updated,
    Created,
    Category,
    Comments,
    Enclosure,
    MediaContent,
    Duration,
    /// An image's address as text.
    Picture,
    /// The same, of the larger of two.
    Logo,
    /// An image's address in an attribute.
    Thumbnail,
    Language,
    Ttl,
    /// An hour and a day in which the feed is not to be asked.
    SkipHour,
    SkipDay,
    /// The name of the publication that an entry of a site map belongs to.
    Publication,
    /// The publisher's own address of an entry.
    OriginalLink,
    /// `a` in CDF: a link and a title.
    Anchor,
    /// Holds others and means nothing by itself.
    Group,
    /// Its text is nobody's.
    Other,
}

/// What an element is, by its name without a prefix.
pub(super) fn element(space: Space, name: &str) -> Element {
    // Most names are written in small letters.
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return element(space, &name.to_ascii_lowercase());
    }
    match space {
        Space::Core | Space::Rdf => core(name),
        Space::Dublin => match name {
            "title" => Element::Title,
            "description" | "abstract" => Element::Summary,
            "creator" | "author" => Element::Author,
            "contributor" => Element::Contributor,
            "date" | "issued" | "available" => Element::Published,
            "created" => Element::Created,
            "modified" => Element::Updated,
            "subject" => Element::Category,
            "language" => Element::Language,
            "identifier" => Element::Id,
            _ => Element::Other,
        },
        Space::Content if name == "encoded" => Element::Content,
        Space::Media => match name {
            "content" => Element::MediaContent,
            "group" => Element::Group,
            "thumbnail" => Element::Thumbnail,
            "title" => Element::Title,
            "description" => Element::Summary,
            "category" | "keywords" => Element::Category,
            _ => Element::Other,
        },
        Space::Itunes => match name {
            "author" => Element::Author,
            "name" => Element::Name,
            "email" => Element::Email,
            "title" => Element::Title,
            "image" => Element::Thumbnail,
            // Only `rel=image` is in use.
            "link" => Element::Thumbnail,
            "summary" | "subtitle" | "description" => Element::Summary,
            "duration" => Element::Duration,
            "category" | "keywords" => Element::Category,
            "owner" => Element::Contributor,
            _ => Element::Other,
        },
        Space::Sitemap => match name {
            "urlset" => Element::Root,
            "url" => Element::Entry,
            "loc" => Element::Link,
            "lastmod" => Element::Updated,
            _ => Element::Other,
        },
        Space::News => match name {
            "news" | "publication" => Element::Group,
            "name" => Element::Publication,
            "title" => Element::Title,
            "publication_date" => Element::Published,
            "keywords" => Element::Category,
            "language" => Element::Language,
            _ => Element::Other,
        },
        Space::SitemapImage => match name {
            "image" => Element::Group,
            "loc" => Element::Picture,
            _ => Element::Other,
        },
        Space::Xhtml if matches!(name, "body" | "div") => Element::Content,
        // Of services that put addresses of their own in the place of the publisher's.
        Space::Other if name == "origlink" => Element::OriginalLink,
        Space::Content | Space::Xhtml | Space::Other => Element::Other,
    }
}

fn core(name: &str) -> Element {
    match name {
        "rss" | "rdf" => Element::Root,
        "channel" | "feed" => Element::Channel,
        "item" | "entry" => Element::Entry,
        "image" => Element::Image,
        "textinput" | "cloud" => Element::Aside,
        "source" => Element::Source,
        "author" | "managingeditor" => Element::Author,
        "contributor" | "webmaster" => Element::Contributor,
        "name" => Element::Name,
        "email" => Element::Email,
        "uri" | "homepage" => Element::Uri,
        "title" => Element::Title,
        "subtitle" | "tagline" => Element::Subtitle,
        "link" => Element::Link,
        "id" => Element::Id,
        "guid" => Element::Guid,
        "description" | "summary" | "abstract" | "info" => Element::Summary,
        "content" | "body" | "fullitem" | "encoded" => Element::Content,
        "pubdate" | "published" | "issued" | "date" => Element::Published,
        "updated" | "modified" | "lastbuilddate" => Element::Updated,
        "created" => Element::Created,
        "category" | "keywords" | "tags" => Element::Category,
        "comments" => Element::Comments,
        "enclosure" => Element::Enclosure,
        "logo" => Element::Logo,
        "icon" | "url" => Element::Picture,
        "language" => Element::Language,
        "ttl" => Element::Ttl,
        "hour" => Element::SkipHour,
        "day" => Element::SkipDay,
        "skiphours" | "skipdays" | "items" | "seq" | "entries" => Element::Group,
        _ => Element::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Element, Space, element, space};

    #[test]
    fn namespaces_are_known_by_meaning() {
        for (address, meaning) in [
            ("http://www.w3.org/2005/Atom", Space::Core),
            ("https://www.w3.org/2005/atom/", Space::Core),
            ("http://purl.org/atom/ns#", Space::Core),
            ("http://my.netscape.com/rdf/simple/0.9/", Space::Core),
            ("http://purl.org/rss/1.0/", Space::Core),
            ("http://purl.org/rss/1.0/modules/content/", Space::Content),
            ("http://purl.org/rss/1.0/modules/syndication/", Space::Other),
            ("http://purl.org/dc/terms/", Space::Dublin),
            ("http://www.itunes.com/DTDs/PodCast-1.0.dtd", Space::Itunes),
            ("https://search.yahoo.com/mrss", Space::Media),
        ] {
            assert_eq!(space(address), meaning, "{address}");
        }
        assert_eq!(element(Space::Dublin, "subject"), Element::Category);
        assert_eq!(element(Space::Core, "pubdate"), Element::Published);
    }
}
