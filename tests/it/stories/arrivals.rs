//! Who gets a place as soon as it is stored, and who waits to be compared.

use crate::support::app::{TestApp, feed};
use crate::support::origin::Origin;

const ONE: &str = "The harbour of the old town was closed on Friday after a crane had fallen into the basin, and the ferries went from \
    the northern pier instead, which has no roof and no tickets, so that nobody paid and everybody was wet by noon.";
const OTHER: &str = "A school above the valley has taught its last pupil, a girl of eleven years who will go down to the town by bus from \
    now on, and the teacher has been asked to stay on as the keeper of the building, the garden and the bell.";

/// A document with an entry for each of these links and texts.
fn document(entries: &[(&str, &str)]) -> String {
    let entries = entries.iter().map(|(link, text)| {
        let title: Vec<&str> = text.split(' ').take(4).collect();
        format!(
            "<item><guid>{link}</guid><title>{}</title><link>{link}</link><description>{text}</description></item>",
            title.join(" ")
        )
    });
    format!(
        "<rss version=\"2.0\"><channel><title>A</title><link>https://a.example/</link>{}</channel></rss>",
        entries.collect::<String>()
    )
}

#[tokio::test]
async fn an_item_like_no_other_has_its_place_when_it_is_stored() {
    let origin = Origin::start().await;
    let document = document(&[("https://a.example/harbour", ONE), ("https://a.example/school", OTHER)]);
    origin.serve("/a", document.clone());
    let app = TestApp::new(&feed("a", &origin.url("/a"))).await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!((polled.committed.new, polled.committed.stories), (2, 2));
    let stories = app.stories().await;
    assert_eq!(stories.iter().map(|story| story.seq.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(app.app.stories().place_all().await.unwrap().items, 0);
}

#[tokio::test]
async fn one_that_may_be_like_another_waits_to_be_compared() {
    let origin = Origin::start().await;
    origin.serve("/a", document(&[("https://a.example/harbour", ONE)]));
    // The same text, the same link, and something else.
    origin.serve(
        "/b",
        document(&[
            ("https://b.example/crane", ONE),
            ("https://a.example/harbour", OTHER),
            ("https://b.example/new", "Nothing of the kind."),
        ]),
    );
    let app = TestApp::new(&(feed("a", &origin.url("/a")) + &feed("b", &origin.url("/b")))).await;
    app.poll_named(&["a"]).await;
    let polled = app.poll_named(&["b"]).await.remove(0);
    assert_eq!((polled.committed.new, polled.committed.stories), (3, 1));
    assert_eq!(app.stories().await.len(), 2);
    let why = app.said(&["why", "https://a.example/harbour"]).await;
    assert!(
        why.contains(" of a\n") && why.contains(" of b\n"),
        "each item of the address: {why}"
    );
}

#[tokio::test]
async fn two_of_one_document_that_say_the_same_are_compared() {
    let origin = Origin::start().await;
    origin.serve(
        "/a",
        document(&[("https://a.example/1", ONE), ("https://a.example/2", ONE)]),
    );
    let app = TestApp::new(&feed("a", &origin.url("/a"))).await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!((polled.committed.new, polled.committed.stories), (2, 1));
}

#[tokio::test]
async fn what_is_held_waits_whatever_it_says() {
    let origin = Origin::start().await;
    origin.serve("/a", document(&[("https://a.example/harbour", ONE)]));
    let app = TestApp::new(&format!("{}hold = \"1h\"\n", feed("a", &origin.url("/a")))).await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!((polled.committed.new, polled.committed.stories), (1, 0));
    assert_eq!(app.stories().await.len(), 0);
}
