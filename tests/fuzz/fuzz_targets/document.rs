//! Any bytes, read as a document: charset, repair, parser, normaliser.

#![no_main]

#[allow(dead_code)]
#[path = "../../it/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check_document(bytes));
