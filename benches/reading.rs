//! What repair costs: our way to read good documents beside feed-rs alone, and whether it stays linear.
//!
//! `cargo bench --bench reading`; the ratio of `read` to `feed-rs` is what counts.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use feed_rs::parser::Builder;
use tidings::ingest::{Input, read};
use tidings::model::feed::Manner;
use url::Url;

const ENGLISH: &str =
    "The council met on Monday &amp; decided, after a long debate, to mend the old bridge. It will be open by spring. ";
const PERSIAN: &str =
    "شورای شهر روز دوشنبه پس از گفت‌وگویی طولانی تصمیم گرفت پل قدیمی را بازسازی کند. این پل تا بهار باز می‌شود. ";

/// The inside of a text: paragraphs with a link and a picture, about `bytes` long.
fn body(words: &str, bytes: usize) -> String {
    let paragraph = format!(
        "<p>{words}<a href=\"https://n.example/more?a=1&amp;b=2\">more</a> <img src=\"/i.png\" alt=\"\"></p>\n"
    );
    paragraph.repeat((bytes / paragraph.len()).max(1))
}

fn rss(words: &str, language: &str, items: usize, body_bytes: usize) -> String {
    let items: String = (0..items)
        .map(|n| {
            format!(
                "<item><title>{n} {title}</title><link>https://n.example/{n}</link><guid isPermaLink=\"false\">n{n}</guid>\
                 <pubDate>Sun, 22 Nov 2026 10:20:30 GMT</pubDate><dc:creator>Ann</dc:creator><category>news</category>\
                 <description>{summary}</description><content:encoded><![CDATA[{content}]]></content:encoded></item>\n",
                title = words.split('.').next().unwrap_or_default(),
                summary = words.trim_end(),
                content = body(words, body_bytes),
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel><title>News</title><link>https://n.example/</link>\
         <description>All of it</description><language>{language}</language>\n{items}</channel></rss>\n"
    )
}

fn atom(bytes: usize) -> String {
    let content = body(ENGLISH, 1800).replace('&', "&amp;").replace('<', "&lt;");
    let entries: String = (0..bytes / 2500)
        .map(|n| {
            format!(
                "<entry><id>tag:n.example,2026:{n}</id><title>{n} The council met</title><link href=\"https://n.example/{n}\"/>\
                 <published>2026-11-22T10:20:30Z</published><updated>2026-11-22T10:20:30Z</updated><author><name>Ann</name></author>\
                 <category term=\"news\"/><summary>{ENGLISH}</summary><content type=\"html\">{content}</content></entry>\n"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>tag:n.example,2026:feed</id>\
         <title>News</title><updated>2026-11-22T10:20:30Z</updated><link href=\"https://n.example/\"/>\n{entries}</feed>\n"
    )
}

fn read_ours(document: &str, address: &Url) -> usize {
    let input = Input {
        bytes: document.as_bytes(),
        content_type: "application/xml; charset=utf-8",
        address,
        manner: &Manner::default(),
        offset_minutes: None,
        now: "2026-11-22T12:00:00Z".parse().unwrap(),
    };
    read(&input).unwrap().feed.items.len()
}

fn read_alone(document: &str, address: &Url) -> usize {
    let parser = Builder::new()
        .base_uri(Some(address.as_str()))
        .sanitize_content(false)
        .build();
    parser.parse(document.as_bytes()).unwrap().entries.len()
}

fn good_documents(criterion: &mut Criterion) {
    let address = Url::parse("https://n.example/feed").unwrap();
    let documents = [
        ("rss", rss(ENGLISH, "en", 25, 1800)),
        ("atom", atom(60_000)),
        ("persian", rss(PERSIAN, "fa", 25, 1800)),
    ];
    let mut group = criterion.benchmark_group("good documents");
    for (name, document) in &documents {
        assert_eq!(read_ours(document, &address), read_alone(document, &address));
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(BenchmarkId::new("feed-rs", name), |b| {
            b.iter(|| read_alone(black_box(document), &address))
        });
        group.bench_function(BenchmarkId::new("read", name), |b| {
            b.iter(|| read_ours(black_box(document), &address))
        });
    }
    group.finish();
}

fn large_documents(criterion: &mut Criterion) {
    let address = Url::parse("https://n.example/feed").unwrap();
    let mut group = criterion.benchmark_group("large documents");
    group.sample_size(10);
    for megabytes in [1, 10, 50] {
        // Long texts: there is a limit on entries.
        let document = rss(ENGLISH, "en", megabytes * 160, 6_600);
        assert!(document.len() > megabytes * 1_000_000);
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(BenchmarkId::new("read", format!("{megabytes} MB")), |b| {
            b.iter(|| read_ours(black_box(&document), &address));
        });
    }
    group.finish();
}

criterion_group!(benches, good_documents, large_documents);
criterion_main!(benches);
