//! Telling stories apart, and choosing those of a view.

pub mod boilerplate;
pub mod fingerprint;
pub mod grouping;
pub mod matching;
mod overlap;
pub mod passages;
pub mod selection;
pub mod titles;
