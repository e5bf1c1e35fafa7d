//! Any text, sanitised as HTML.

#![no_main]

#[allow(dead_code)]
#[path = "../../it/support/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::check_html(text));
