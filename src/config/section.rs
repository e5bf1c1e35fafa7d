//! Reads one TOML table key by key and collects every fault instead of stopping at the first.
//!
//! A key is taken out as it is read; what is left at [`Section::finish`] is unknown and becomes a fault too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use toml::{Table, Value};

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key, as in `feed[2].url`.
    pub key: String,
    /// What is wrong and what to do.
    pub reason: String,
    /// Where it stands, from 1 on; None: not known yet.
    pub line: Option<usize>,
}

/// The faults found so far, shared by all sections of one configuration.
#[derive(Debug, Clone, Default)]
pub struct Faults(Rc<RefCell<Vec<Fault>>>);

impl Faults {
    /// Adds a fault.
    pub fn add(&self, key: impl Into<String>, reason: impl Into<String>) {
        self.0.borrow_mut().push(Fault {
            key: key.into(),
            reason: reason.into(),
            line: None,
        });
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Notes where all but the first `known` stand, by their keys.
    pub fn locate(&self, known: usize, line_of: impl Fn(&str) -> Option<usize>) {
        for fault in self.0.borrow_mut().iter_mut().skip(known) {
            fault.line = line_of(&fault.key);
        }
    }

    /// All faults, in the order found.
    #[must_use]
    pub fn take(&self) -> Vec<Fault> {
        self.0.take()
    }
}

/// One table of the configuration.
#[derive(Debug)]
pub struct Section {
    path: String,
    table: Table,
    asked: Vec<&'static str>,
    faults: Faults,
}

impl Section {
    /// The top of a configuration.
    #[must_use]
    pub fn root(table: Table, faults: Faults) -> Self {
        Self {
            path: String::new(),
            table,
            asked: Vec::new(),
            faults,
        }
    }

    /// The full name of a key of this section.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Notes that something is wrong with a key of this section.
    pub fn fault(&self, name: &str, reason: impl Into<String>) {
        self.faults.add(self.key(name), reason);
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        self.table.remove(name)
    }

    fn wrong_type(&self, name: &str, wanted: &str, got: &Value) {
        self.fault(name, format!("must be {wanted}, is {}", kind(got)));
    }

    /// Whether a key is there.
    #[must_use]
    pub fn has(&mut self, name: &'static str) -> bool {
        self.asked.push(name);
        self.table.contains_key(name)
    }

    /// A table inside this one; empty when absent.
    pub fn section(&mut self, name: &'static str) -> Section {
        let path = self.key(name);
        let table = match self.take(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.wrong_type(name, &format!("a table, written [{path}]"), &other);
                Table::new()
            }
        };
        Section {
            path,
            table,
            asked: Vec::new(),
            faults: self.faults.clone(),
        }
    }

    /// The tables of an array of tables (`[[name]]`).
    pub fn sections(&mut self, name: &'static str) -> Vec<Section> {
        self.sections_from(name, 0)
    }

    /// The same where `first` others come before them in the file.
    pub fn sections_from(&mut self, name: &'static str, first: usize) -> Vec<Section> {
        let path = self.key(name);
        let list = match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.wrong_type(name, &format!("a list of tables, each written [[{path}]]"), &other);
                Vec::new()
            }
        };
        let mut sections = Vec::new();
        for (at, value) in list.into_iter().enumerate() {
            let path = format!("{path}[{}]", first + at);
            match value {
                Value::Table(table) => sections.push(Section {
                    path,
                    table,
                    asked: Vec::new(),
                    faults: self.faults.clone(),
                }),
                other => self.faults.add(path, format!("must be a table, is {}", kind(&other))),
            }
        }
        sections
    }

    /// A text; None when absent.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong_type(name, "a text in quotes", &other);
                None
            }
        }
    }

    /// A text that must be there and not be empty; a fault and an empty text otherwise.
    pub fn required_text(&mut self, name: &'static str) -> String {
        if !self.table.contains_key(name) {
            self.asked.push(name);
            self.fault(name, "is missing");
            return String::new();
        }
        let text = self.text(name).unwrap_or_default();
        if text.trim().is_empty() && self.faults.0.borrow().last().is_none_or(|f| f.key != self.key(name)) {
            self.fault(name, "must not be empty");
        }
        text
    }

    /// A list of texts; empty when absent.
    pub fn texts(&mut self, name: &'static str) -> Vec<String> {
        let list = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.wrong_type(name, "a list of texts, as in [\"a\", \"b\"]", &other);
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for value in list {
            match value {
                Value::String(text) => texts.push(text),
                other => self.wrong_type(name, "a list of texts only", &other),
            }
        }
        texts
    }

    /// A table of texts by name; empty when absent.
    pub fn named_texts(&mut self, name: &'static str) -> BTreeMap<String, String> {
        let table = match self.take(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.wrong_type(name, "a table of texts, as in { \"X-Name\" = \"value\" }", &other);
                Table::new()
            }
        };
        let mut texts = BTreeMap::new();
        for (key, value) in table {
            match value {
                Value::String(text) => {
                    texts.insert(key, text);
                }
                other => self.wrong_type(name, "a table of texts only", &other),
            }
        }
        texts
    }

    /// A whole number within `range`; the default when absent or wrong.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(value) = self.take(name) else {
            return default;
        };
        match value.as_integer().map(u64::try_from) {
            Some(Ok(number)) if range.contains(&number) => number,
            Some(_) => {
                self.fault(
                    name,
                    format!("must be from {} to {}, is {value}", range.start(), range.end()),
                );
                default
            }
            None => {
                self.wrong_type(name, "a whole number", &value);
                default
            }
        }
    }

    /// `true` or `false`; the default when absent or wrong.
    pub fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        match self.take(name) {
            None => default,
            Some(Value::Boolean(value)) => value,
            Some(other) => {
                self.wrong_type(name, "true or false", &other);
                default
            }
        }
    }

    /// A length of time such as "90s", "15m" or "1h 30m", within `range`; the default when absent or wrong.
    pub fn duration(&mut self, name: &'static str, range: RangeInclusive<Duration>, default: Duration) -> Duration {
        let Some(text) = self.text(name) else {
            return default;
        };
        let parsed = text
            .parse::<SignedDuration>()
            .ok()
            .and_then(|d| Duration::try_from(d).ok());
        match parsed {
            Some(duration) if range.contains(&duration) => duration,
            Some(_) => {
                let (from, to) = (spoken(*range.start()), spoken(*range.end()));
                self.fault(name, format!("must be from {from} to {to}, is {text:?}"));
                default
            }
            None => {
                self.fault(
                    name,
                    format!("{text:?} is not a length of time; write it like \"30s\", \"15m\", \"1h\" or \"1h 30m\""),
                );
                default
            }
        }
    }

    /// Turns every key that nobody asked for into a fault.
    pub fn finish(self) {
        for name in self.table.keys() {
            let nearest = self
                .asked
                .iter()
                .min_by_key(|known| distance(known, name))
                .filter(|known| distance(known, name) <= 3)
                .map(|known| format!("; did you mean {known:?}?"))
                .unwrap_or_default();
            self.faults.add(self.key(name), format!("unknown key{nearest}"));
        }
    }
}

/// A number of a configuration as a count of things in memory.
#[must_use]
pub fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn spoken(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(|_| format!("{duration:?}"), |d| format!("{d:#}"))
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let up = *cell;
            left = (up + 1).min(left + 1).min(diagonal + usize::from(x != *y));
            diagonal = up;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("interval", "interval"), 0);
        assert_eq!(distance("interval", "intervall"), 1);
        assert_eq!(distance("listen", "silent"), 4);
        assert_eq!(distance("", "abc"), 3);
    }
}
