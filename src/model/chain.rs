//! An error with its causes, in one line, as a person reads it in a log or beside a feed.

use std::error::Error;

/// The error and all that it was caused by, parted by colons.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
