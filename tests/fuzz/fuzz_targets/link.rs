//! Any text, read as a link.

#![no_main]

#[allow(dead_code)]
#[path = "../../it/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::check_link(text));
