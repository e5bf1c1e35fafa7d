//! Telling stories apart, and choosing those of a view.

pub mod matching;
pub mod selection;
