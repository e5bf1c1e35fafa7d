//! The names and addresses that are taken while feeds are gathered: a hash of each, so that a million take some 80 MB.

use std::collections::HashMap;

use crate::model::feed::FeedUrl;
use crate::text::hash::fast_hash_of;

/// Of the hash of a text, 96 bits: that two of a million texts share them has odds of one in 10^17.
type Print = [u8; 12];

/// Which names and addresses are taken: by all feeds so far, and by those of the list that is being read.
#[derive(Debug, Default)]
pub struct Taken {
    names: Seen,
    addresses: Seen,
    /// The number of the list that is being read, from 1 on.
    list: u32,
    numbers: Numbers,
    numbers_in_list: Numbers,
}

impl Taken {
    /// Takes a name; false when another feed has it.
    pub(super) fn take_name(&mut self, name: &str) -> bool {
        self.names.insert(name)
    }

    /// Takes an address; false when another feed has it.
    pub(super) fn take_address(&mut self, url: &FeedUrl) -> bool {
        self.addresses.insert(url.as_str())
    }

    /// From here on, feeds are those of another list.
    pub(super) fn start_list(&mut self) {
        self.list += 1;
        self.numbers_in_list = Numbers::default();
    }

    /// The name for a feed of the list with this title and address; None when its address is taken. A name within the list does not
    /// hang on what other lists and the file hold: it gets a number where they have it already.
    pub(super) fn listed(&mut self, title: &str, url: &FeedUrl) -> Option<String> {
        if !self.addresses.insert_in(self.list, url.as_str()) {
            return None;
        }
        let free = |name: &str| self.names.insert_in(self.list, name);
        let plain = unique_name(title, url, &mut self.numbers_in_list, free);
        if !self.take_address(url) {
            return None;
        }
        let mut name = plain.clone();
        while !self.names.insert(&name) {
            name = format!("{plain} ({})", self.numbers.next(&plain));
        }
        Some(name)
    }
}

/// A name for the feed with this title and address that is `free`: the title, else the host, else one of them with the host or
/// a number.
pub fn unique_name(title: &str, url: &FeedUrl, numbers: &mut Numbers, mut free: impl FnMut(&str) -> bool) -> String {
    let host = url.host();
    let plain = if title.is_empty() { host } else { title };
    if free(plain) {
        return plain.to_owned();
    }
    let with_host = format!("{plain} ({host})");
    if free(&with_host) {
        return with_host;
    }
    loop {
        let name = format!("{plain} ({host} {})", numbers.next(&with_host));
        if free(&name) {
            return name;
        }
    }
}

/// The numbers that names were given, so that a million feeds of one name are not a million tries each.
#[derive(Debug, Default)]
pub struct Numbers(HashMap<Print, u64>);

impl Numbers {
    /// 2 for a name at first, then 3, and so on.
    fn next(&mut self, name: &str) -> u64 {
        let last = self.0.entry(print(name)).or_insert(1);
        *last += 1;
        *last
    }
}

/// Texts that were seen: the lowest bit for all, the rest for the number of the list that had it last.
#[derive(Debug, Default)]
struct Seen(HashMap<Print, u32>);

impl Seen {
    /// Whether it is the first of all.
    fn insert(&mut self, text: &str) -> bool {
        let marks = self.0.entry(print(text)).or_default();
        let is_new = *marks & 1 == 0;
        *marks |= 1;
        is_new
    }

    /// Whether it is the first of this list.
    fn insert_in(&mut self, list: u32, text: &str) -> bool {
        let marks = self.0.entry(print(text)).or_default();
        let is_new = *marks >> 1 != list;
        *marks = list << 1 | *marks & 1;
        is_new
    }
}

fn print(text: &str) -> Print {
    let mut print = Print::default();
    print
        .iter_mut()
        .zip(fast_hash_of([text].into_iter()))
        .for_each(|(to, from)| *to = from);
    print
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::Taken;
    use crate::model::feed::FeedUrl;

    #[test]
    fn names_differ_within_a_list_by_host_and_from_all_others_by_number() {
        let mut taken = Taken::default();
        let listed = |taken: &mut Taken, title: &str, url: &str| taken.listed(title, &FeedUrl::parse(url).unwrap());
        assert!(taken.take_name("a") && taken.take_address(&FeedUrl::parse("https://x.example/own").unwrap()));
        for (title, url, name) in [
            ("a", "https://x.example/1", Some("a (2)")),
            ("a", "https://x.example/2", Some("a (x.example)")),
            ("a", "https://x.example/3", Some("a (x.example 2)")),
            ("a", "https://x.example/4", Some("a (x.example 3)")),
            ("again", "https://x.example/4", None),
            ("own", "https://x.example/own", None),
            // The name went to the feed that the file has already.
            ("own", "https://x.example/5", Some("own (x.example)")),
            ("", "https://x.example/6", Some("x.example")),
        ] {
            if url.ends_with("/1") {
                taken.start_list();
            }
            assert_eq!(listed(&mut taken, title, url).as_deref(), name, "{url}");
        }
        taken.start_list();
        for (title, url, name) in [
            ("a", "https://y.example/1", Some("a (3)")),
            ("a", "https://x.example/7", Some("a (x.example) (2)")),
            ("a", "https://x.example/1", None),
        ] {
            assert_eq!(listed(&mut taken, title, url).as_deref(), name, "{url}");
        }
    }
}
