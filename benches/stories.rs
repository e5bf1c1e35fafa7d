//! How fast sanitised HTML becomes folded words, a language, and the marks by which stories are told apart.
//!
//! `cargo bench --bench stories`

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidings::story::fingerprint::marks;
use tidings::text::fold::{each_word_of_html, fold_html};
use tidings::text::language::{Declared, language_of};

const ENGLISH: &str =
    "The council met on Monday &amp; decided, after a long debate, to mend the old bridge. It will be open by spring. ";
const GERMAN: &str = "Die Räte trafen sich am Montag &amp; beschlossen nach langer Aussprache, die alte Brücke für den Frühling zu schließen. ";
const PERSIAN: &str =
    "شورای شهر روز دوشنبه پس از گفت‌وگویی طولانی تصمیم گرفت پل قدیمی را بازسازی کند. این پل تا بهار باز می‌شود. ";
const CHINESE: &str = "市议会周一经过长时间辩论后决定修复这座旧桥。它将在春天之前开放。";

fn html(words: &str) -> String {
    let paragraph = format!(
        "<p>{words}<a href=\"https://n.example/more?a=1&amp;b=2\" rel=\"noopener noreferrer\">more</a> <b>{words}</b></p>\n"
    );
    paragraph.repeat(100_000 / paragraph.len())
}

fn folding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("html to folded words");
    for (name, words) in [
        ("english", ENGLISH),
        ("german", GERMAN),
        ("persian", PERSIAN),
        ("chinese", CHINESE),
    ] {
        let html = html(words);
        group.throughput(Throughput::Bytes(html.len() as u64));
        group.bench_function(BenchmarkId::new("each word", name), |b| {
            b.iter(|| {
                let mut bytes = 0;
                each_word_of_html(black_box(&html), |word| bytes += word.len());
                bytes
            });
        });
        group.bench_function(BenchmarkId::new("one text", name), |b| {
            b.iter(|| fold_html(black_box(&html)))
        });
    }
    group.finish();
}

fn language(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("language of an entry");
    for (name, words) in [("en", ENGLISH), ("de", GERMAN), ("fa", PERSIAN)] {
        let html = html(words);
        let declared = Declared { entry: "", feed: name };
        group.bench_function(BenchmarkId::new("as declared", name), |b| {
            b.iter(|| language_of(declared, black_box("A title"), black_box(&html)));
        });
    }
    group.finish();
}

fn fingerprints(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("marks of an item");
    for (name, words) in [("english", ENGLISH), ("persian", PERSIAN)] {
        let html = html(words);
        group.throughput(Throughput::Bytes(html.len() as u64));
        group.bench_function(BenchmarkId::new("marks", name), |b| {
            b.iter(|| marks("A title", black_box(&html)))
        });
    }
    group.finish();
}

criterion_group!(benches, folding, language, fingerprints);
criterion_main!(benches);
