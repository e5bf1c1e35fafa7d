//! What the tests talk to: a publisher, a hub, a mail server, a daemon in its own process, an app in this one.

pub mod app;
pub mod checks;
pub mod daemon;
pub mod hub;
pub mod origin;
pub mod proxy;
pub mod raw;
pub mod smtp;
pub mod tls;

use std::time::Duration;

/// How long a test waits for something that must come; only a broken program makes it wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until the answer is there.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        loop {
            pause.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    let Ok(answer) = tokio::time::timeout(PATIENCE, asking).await else {
        panic!("waited in vain for {what}");
    };
    answer
}

/// Whether a program is there. With `TIDINGS_REQUIRE_REAL=1`, as in CI, one that is missing fails the test.
pub fn has_program(name: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path
        .split(':')
        .chain(["/usr/sbin"])
        .any(|folder| std::path::Path::new(folder).join(name).exists());
    if !found {
        assert!(
            std::env::var("TIDINGS_REQUIRE_REAL").as_deref() != Ok("1"),
            "{name} is not installed, and TIDINGS_REQUIRE_REAL=1 demands it"
        );
        println!("skipped: {name} is not installed");
    }
    found
}
