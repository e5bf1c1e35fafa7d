//! Telling stories apart, and choosing those of a view.

pub mod boilerplate;
pub mod fingerprint;
pub mod grouping;
pub mod matching;
pub mod passages;
pub mod selection;
