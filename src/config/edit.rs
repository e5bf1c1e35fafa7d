//! Changes to the file of a configuration that leave all else in it as it is, comments and order included. The only door to `toml_edit`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, value};

use crate::model::feed::FeedIntent;

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It is not TOML.
    #[error("the file is not TOML")]
    Toml(#[from] toml_edit::TomlError),
    /// Its feeds are no list.
    #[error("`feed` is no list of tables, each written [[feed]]")]
    NoList,
    /// Somebody else has changed it since it was read.
    #[error("the file was changed by somebody else meanwhile; try again")]
    Changed,
    /// Somebody wants it to stay as it is.
    #[error("the file is read-only")]
    ReadOnly,
    /// It cannot be written.
    #[error("writing the file")]
    Write(#[from] io::Error),
}

/// The text with one more feed, behind the last.
///
/// # Errors
/// When it is no configuration.
pub fn with_feed(text: &str, feed: &FeedIntent) -> Result<String, EditError> {
    let form = Form::of(text);
    let mut document: DocumentMut = text.parse()?;
    let said = [
        ("name", feed.name.as_str()),
        ("url", feed.url.as_str()),
        ("group", &feed.group),
    ];
    let said = said.into_iter().filter(|(_, text)| !text.is_empty());
    let feeds = document
        .entry("feed")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match feeds {
        Item::ArrayOfTables(feeds) => {
            let mut table: Table = said.map(|(key, text)| (key, value(text))).collect();
            table
                .decor_mut()
                .set_prefix(if text.trim().is_empty() { "" } else { "\n" });
            feeds.push(table);
        }
        other => {
            let list = other.as_array_mut().ok_or(EditError::NoList)?;
            list.push(said.collect::<InlineTable>());
        }
    }
    Ok(form.given(&document.to_string()))
}

/// The text without the feed of this name; None where it names no such feed. A comment above the first feed speaks of all of them,
/// and stays; one above another goes with its feed.
///
/// # Errors
/// When it is no configuration.
pub fn without_feed(text: &str, name: &str) -> Result<Option<String>, EditError> {
    let form = Form::of(text);
    let mut document: DocumentMut = text.parse()?;
    let Some(feeds) = document.get_mut("feed") else {
        return Ok(None);
    };
    let named = |found: Option<&str>| found == Some(name);
    match feeds {
        Item::ArrayOfTables(feeds) => {
            let Some(at) = feeds
                .iter()
                .position(|feed| named(feed.get("name").and_then(Item::as_str)))
            else {
                return Ok(None);
            };
            let above = feeds
                .get(at)
                .and_then(|feed| feed.decor().prefix()?.as_str().map(str::to_owned));
            feeds.remove(at);
            let above = above.filter(|above| at == 0 && above.contains('#')).unwrap_or_default();
            match feeds.get_mut(0).map(Table::decor_mut) {
                _ if above.is_empty() => {}
                Some(decor) => {
                    let own = decor.prefix().and_then(|own| own.as_str()).unwrap_or_default();
                    let both = format!("{above}{}", own.trim_start_matches('\n'));
                    decor.set_prefix(both);
                }
                None => {
                    let end = document.trailing().as_str().unwrap_or_default().to_owned();
                    document.set_trailing(format!("{above}{end}"));
                }
            }
        }
        other => {
            let list = other.as_array_mut().ok_or(EditError::NoList)?;
            let found = list
                .iter()
                .position(|feed| named(feed.as_inline_table().and_then(|feed| feed.get("name")?.as_str())));
            let Some(at) = found else { return Ok(None) };
            list.remove(at);
        }
    }
    Ok(Some(form.given(&document.to_string())))
}

/// What the TOML writer does not keep: a byte order mark, and line ends of the other kind.
struct Form {
    has_mark: bool,
    has_returns: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        Self {
            has_mark: text.starts_with('\u{feff}'),
            has_returns: text.contains("\r\n"),
        }
    }

    fn given(&self, text: &str) -> String {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let text = if self.has_returns {
            text.replace('\n', "\r\n")
        } else {
            text
        };
        if self.has_mark { format!("\u{feff}{text}") } else { text }
    }
}

/// Puts `after` in the place of `before`: all of it or nothing, where the folder allows it. Owner and rights of the file stay, and
/// links lead to it still.
///
/// # Errors
/// When the file holds something else by now, or cannot be written.
pub fn save(path: &Path, before: &str, after: &str) -> Result<(), EditError> {
    let path = path.canonicalize()?;
    if fs::metadata(&path)?.permissions().readonly() {
        return Err(EditError::ReadOnly);
    }
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = write_beside(&path, &beside, after).and_then(|()| {
        let unchanged = fs::read_to_string(&path)? == before;
        unchanged.then(|| fs::rename(&beside, &path)).transpose()
    });
    if !matches!(written, Ok(Some(()))) {
        // What is left of the attempt is of no use to anybody.
        let _ = fs::remove_file(&beside);
    }
    match written {
        Ok(Some(())) => Ok(()),
        Ok(None) => Err(EditError::Changed),
        // A file mounted by itself, a folder that only others may write in.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ResourceBusy | ErrorKind::CrossesDevices
            ) =>
        {
            Ok(fs::write(&path, after)?)
        }
        Err(e) => Err(e.into()),
    }
}

fn write_beside(path: &Path, beside: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(beside)?;
    let is = fs::metadata(path)?;
    file.set_permissions(is.permissions())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (is.uid(), is.gid()) {
            chown(beside, Some(is.uid()), Some(is.gid()))?;
        }
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{EditError, save, with_feed, without_feed};
    use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};

    const FILE: &str = "# mine\n[web] # listens\nlisten = \"127.0.0.1:0\"\n\n# All feeds.\n[[feed]]\nname = \"a\" # first\nurl = \"https://a.example/\"\n\n\
        # The other one.\n[[feed]]\nname = \"b\"\nurl = \"https://b.example/\"\n[feed.select]\nitem = \"li\"\n\n# Views.\n[[view]]\nname = \"all\"\n# the end\n";

    fn feed(name: &str, group: &str) -> FeedIntent {
        FeedIntent {
            name: name.to_owned(),
            url: FeedUrl::parse("https://c.example/feed").unwrap(),
            group: group.to_owned(),
            manner: Manner::default(),
            access: Access::default(),
        }
    }

    #[test]
    fn a_feed_is_added_behind_the_last_and_all_else_stays() {
        let after = with_feed(FILE, &feed("c \"q\"", "g")).unwrap();
        let added = "\n[[feed]]\nname = 'c \"q\"'\nurl = \"https://c.example/feed\"\ngroup = \"g\"\n";
        assert_eq!(
            after,
            FILE.replace("item = \"li\"\n", &format!("item = \"li\"\n{added}"))
        );
        assert_eq!(
            with_feed("", &feed("c", "")).unwrap(),
            "[[feed]]\nname = \"c\"\nurl = \"https://c.example/feed\"\n"
        );
        let inline = with_feed(
            "feed = [{ name = \"a\", url = \"https://a.example/\" }]\n",
            &feed("c", ""),
        )
        .unwrap();
        assert!(
            inline.contains("{ name = \"c\", url = \"https://c.example/feed\" }]"),
            "{inline}"
        );
        assert!(matches!(with_feed("feed = 1", &feed("c", "")), Err(EditError::NoList)));
    }

    #[test]
    fn adding_and_removing_leaves_the_file_as_it_was() {
        let added = with_feed(FILE, &feed("c", "g")).unwrap();
        assert_eq!(without_feed(&added, "c").unwrap().unwrap(), FILE);
        assert_eq!(without_feed(FILE, "c").unwrap(), None);
    }

    #[test]
    fn a_feed_goes_with_its_tables_and_its_comment_but_not_with_the_comment_on_all() {
        let without_b = without_feed(FILE, "b").unwrap().unwrap();
        assert_eq!(
            without_b,
            FILE.replace("\n# The other one.\n[[feed]]\nname = \"b\"\nurl = \"https://b.example/\"\n[feed.select]\nitem = \"li\"\n", "")
        );
        let without_a = without_feed(FILE, "a").unwrap().unwrap();
        assert!(
            without_a.contains("# All feeds.\n# The other one.\n[[feed]]\nname = \"b\""),
            "{without_a}"
        );
        let without_any = without_feed(&without_a, "b").unwrap().unwrap();
        assert!(
            without_any.contains("# All feeds.") && without_any.contains("# the end"),
            "{without_any}"
        );
    }

    #[test]
    fn line_ends_and_marks_stay_as_they_were() {
        let file = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
        let added = with_feed(&file, &feed("c", "")).unwrap();
        assert!(
            added.starts_with("\u{feff}# mine\r\n") && !added.replace("\r\n", "").contains('\n'),
            "{added:?}"
        );
        assert_eq!(without_feed(&added, "c").unwrap().unwrap(), file);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_leads_to_the_file_still_and_a_read_only_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
        std::fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        save(&link, "one", "two").unwrap();
        assert!(link.is_symlink() && std::fs::read_to_string(&file).unwrap() == "two");
        let mut rights = std::fs::metadata(&file).unwrap().permissions();
        rights.set_readonly(true);
        std::fs::set_permissions(&file, rights).unwrap();
        assert!(matches!(save(&link, "two", "three"), Err(EditError::ReadOnly)));
    }

    #[test]
    fn a_file_that_somebody_else_has_changed_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidings.toml");
        std::fs::write(&path, "one").unwrap();
        assert!(matches!(save(&path, "two", "three"), Err(EditError::Changed)));
        save(&path, "one", "three").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
