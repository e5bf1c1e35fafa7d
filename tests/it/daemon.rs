//! The main job, end to end: the built program, real HTTP in, a real reader and a real mail server out, and every kind of ending.

use std::path::{Path, PathBuf};

use crate::support::app::{BASICS, feed};
use crate::support::daemon::Daemon;
use crate::support::eventually;
use crate::support::origin::{Answer, Origin, atom, rss};
use crate::support::smtp::{Reply, SmtpSink};

/// A publisher, a mail server, and a folder for a daemon between them.
async fn stage() -> (Origin, SmtpSink, tempfile::TempDir) {
    (
        Origin::start().await,
        SmtpSink::start().await,
        tempfile::tempdir().unwrap(),
    )
}

/// A digest that is due when the tests say so: once a year would be too seldom for them.
fn config(folder: &Path, origin: &Origin, sink: &SmtpSink) -> PathBuf {
    let file = folder.join("tidings.toml");
    let text = format!(
        "{BASICS}[web]\nlisten = \"127.0.0.1:0\"\n{}{}[[view]]\nname = \"all\"\n\
         [mail]\nfrom = \"tidings@example.org\"\ntransport = \"smtp\"\nurl = \"smtp://{}\"\n\
         [[digest]]\nname = \"yearly\"\nview = \"all\"\nschedule = \"0 0 1 1 *\"\nto = [\"reader@example.org\"]\n",
        feed("en", &origin.url("/en")),
        feed("fa", &origin.url("/fa")),
        sink.address
    );
    std::fs::write(&file, text).unwrap();
    file
}

async fn titles(daemon: &Daemon) -> Vec<String> {
    let feed: serde_json::Value =
        serde_json::from_str(&daemon.get("/feeds/all.json").await.text().await.unwrap()).unwrap();
    let items = feed["items"].as_array().unwrap();
    let mut titles: Vec<String> = items
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    titles
}

async fn wait_for_stories(daemon: &Daemon, count: usize) -> Vec<String> {
    eventually("stories in the merged feed", || async {
        let titles = titles(daemon).await;
        (titles.len() == count).then_some(titles)
    })
    .await
}

/// Makes every feed due, as time would.
fn make_due(folder: &Path) {
    let db = rusqlite::Connection::open(folder.join("data/tidings.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute("update feed set next_poll_at = 0", []).unwrap();
}

/// Makes the digest due now, as time would, and has the daemon look.
async fn digest_now(folder: &Path, daemon: &Daemon) {
    make_digest_due(folder);
    daemon.signal("HUP").await;
}

fn make_digest_due(folder: &Path) {
    let db = rusqlite::Connection::open(folder.join("data/tidings.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db.execute("update digest set next_due_at = 0", []).unwrap();
    db.execute("update delivery set next_attempt_at = 0", []).unwrap();
}

#[tokio::test]
async fn the_main_job_from_two_feeds_to_a_reader_and_a_mail_box() {
    let (origin, sink, folder) = stage().await;
    let english = [
        ("1", "Port opens", "https://a.example/1"),
        ("2", "Shared story", "https://a.example/2?utm_source=x"),
    ];
    let persian = [
        ("p1", "بندر گشوده شد", "https://b.example/1"),
        ("p2", "Shared story", "http://www.a.example/2/"),
    ];
    origin.serve("/en", rss("Agency", &english));
    origin.serve("/fa", atom("وبلاگ", &persian));
    let file = config(folder.path(), &origin, &sink);
    let daemon = Daemon::start(&file).await;
    let first = wait_for_stories(&daemon, 3).await;
    assert_eq!(first, ["Port opens", "Shared story", "بندر گشوده شد"]);
    digest_now(folder.path(), &daemon).await;
    let mails = eventually("the first digest", || async {
        Some(sink.taken()).filter(|mails| !mails.is_empty())
    })
    .await;
    assert!(
        mails[0].header("Subject").contains("3 stories"),
        "{}",
        mails[0].header("Subject")
    );

    // The origin changes; a second round brings only what is new.
    let more = [english[0], english[1], ("3", "Second round", "https://a.example/3")];
    origin.serve("/en", rss("Agency", &more));
    make_due(folder.path());
    daemon.signal("HUP").await;
    let second = wait_for_stories(&daemon, 4).await;
    assert!(second.contains(&"Second round".to_owned()));
    digest_now(folder.path(), &daemon).await;
    let mails = eventually("the second digest", || async {
        Some(sink.taken()).filter(|mails| mails.len() > 1)
    })
    .await;
    assert!(
        mails[1].header("Subject").contains("1 story"),
        "{}",
        mails[1].header("Subject")
    );
    assert!(!mails[1].data.contains("Port opens"));
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn a_poll_that_is_killed_is_done_again_and_nothing_is_lost_or_doubled() {
    let (origin, sink, folder) = stage().await;
    let items = [("1", "One", "https://a.example/1"), ("2", "Two", "https://a.example/2")];
    let document = rss("Agency", &items);
    origin.serve("/fa", atom("وبلاگ", &[]));
    // Half of the document comes, and then nothing: the daemon hangs in the middle of the poll.
    origin.set(
        "/en",
        Answer::Stalling(document.as_bytes()[..document.len() / 2].to_vec()),
    );
    let file = config(folder.path(), &origin, &sink);
    let daemon = Daemon::start(&file).await;
    origin.stalled().await;
    daemon.kill().await;
    origin.serve("/en", document);
    let daemon = Daemon::start(&file).await;
    assert_eq!(wait_for_stories(&daemon, 2).await, ["One", "Two"]);
    daemon.kill().await;
    let daemon = Daemon::start(&file).await;
    make_due(folder.path());
    daemon.signal("HUP").await;
    eventually("a conditional request", || async {
        origin
            .asked("/en")
            .iter()
            .any(|asked| asked.headers.contains_key("if-none-match"))
            .then_some(())
    })
    .await;
    assert_eq!(titles(&daemon).await, ["One", "Two"]);
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn a_mail_that_is_killed_before_the_server_took_it_goes_out_once_with_the_same_id() {
    let (origin, sink, folder) = stage().await;
    origin.serve("/en", rss("Agency", &[("1", "One", "https://a.example/1")]));
    origin.serve("/fa", atom("وبلاگ", &[]));
    let file = config(folder.path(), &origin, &sink);
    // The server has read the whole mail and says nothing: the daemon is killed in the middle of the sending.
    sink.next([Reply::Hang]);
    let daemon = Daemon::start(&file).await;
    wait_for_stories(&daemon, 1).await;
    digest_now(folder.path(), &daemon).await;
    sink.hanging().await;
    daemon.kill().await;
    assert!(sink.taken().is_empty());
    let daemon = Daemon::start(&file).await;
    let taken = eventually("the mail", || async {
        Some(sink.taken()).filter(|mails| !mails.is_empty())
    })
    .await;
    let ids: Vec<String> = sink.mails().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((taken.len(), ids.len()), (1, 2));
    assert_eq!(ids[0], ids[1]);
    // Another start, another due time: the story was told.
    daemon.kill().await;
    make_digest_due(folder.path());
    let daemon = Daemon::start(&file).await;
    eventually("a digest that is due later", || async {
        let db = rusqlite::Connection::open(folder.path().join("data/tidings.db")).unwrap();
        let due: i64 = db
            .query_row("select next_due_at from digest", [], |row| row.get(0))
            .unwrap();
        (due > 0).then_some(())
    })
    .await;
    assert_eq!(daemon.stop().await, 0);
    assert_eq!(sink.taken().len(), 1);
}

#[tokio::test]
async fn stopping_waits_for_no_publisher_and_no_mail_server() {
    let (origin, sink, folder) = stage().await;
    origin.serve("/en", rss("Agency", &[("1", "One", "https://a.example/1")]));
    origin.set("/fa", Answer::Stalling(b"<feed".to_vec()));
    let file = config(folder.path(), &origin, &sink);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("timeout = \"5s\"", "timeout = \"10m\"");
    std::fs::write(&file, text).unwrap();
    sink.next([Reply::Hang]);
    let daemon = Daemon::start(&file).await;
    wait_for_stories(&daemon, 1).await;
    digest_now(folder.path(), &daemon).await;
    sink.hanging().await;
    origin.stalled().await;
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(10), daemon.stop()).await;
    assert_eq!(stopped.expect("ten seconds are enough"), 0);
}

#[tokio::test]
async fn a_new_configuration_is_taken_and_a_wrong_one_is_refused() {
    let (origin, sink, folder) = stage().await;
    origin.serve("/en", rss("Agency", &[("1", "One", "https://a.example/1")]));
    origin.serve("/fa", atom("وبلاگ", &[]));
    origin.serve("/more", rss("More", &[("9", "Nine", "https://c.example/9")]));
    let file = config(folder.path(), &origin, &sink);
    let daemon = Daemon::start(&file).await;
    wait_for_stories(&daemon, 1).await;
    let good = std::fs::read_to_string(&file).unwrap();
    let unreadable = good
        .replace("smtp://", "smtp://user@")
        .replace("transport", "password_file = \"missing\"\ntransport");
    for wrong in [format!("{good}[nonsense]\n"), unreadable] {
        std::fs::write(&file, wrong).unwrap();
        daemon.signal("HUP").await;
        assert_eq!(titles(&daemon).await, ["One"]);
    }
    std::fs::write(&file, format!("{good}{}", feed("more", &origin.url("/more")))).unwrap();
    daemon.signal("HUP").await;
    assert_eq!(wait_for_stories(&daemon, 2).await, ["Nine", "One"]);
    assert_eq!(daemon.get("/readyz").await.status(), 200);
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn a_second_daemon_on_one_store_is_refused() {
    let (origin, sink, folder) = stage().await;
    let file = config(folder.path(), &origin, &sink);
    let daemon = Daemon::start(&file).await;
    eventually("the lock", || async {
        folder.path().join("data/tidings.db.lock").exists().then_some(())
    })
    .await;
    let second = crate::support::daemon::tidings(&file)
        .arg("run")
        .output()
        .await
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another tidings runs on"));
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn systemd_is_told_of_every_turn() {
    let (origin, sink, folder) = stage().await;
    let file = config(folder.path(), &origin, &sink);
    let socket = folder.path().join("notify");
    let listener = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let mut command = crate::support::daemon::tidings(&file);
    command
        .arg("run")
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "100000");
    let mut daemon = command.spawn().unwrap();
    let told = |state: &'static str| {
        let listener = &listener;
        async move {
            let mut buffer = [0; 1024];
            loop {
                let length = listener.recv(&mut buffer).await.unwrap();
                if String::from_utf8_lossy(&buffer[..length]).contains(state) {
                    return;
                }
            }
        }
    };
    let turns = async {
        told("READY=1").await;
        told("WATCHDOG=1").await;
        let pid = daemon.id().unwrap().to_string();
        tokio::process::Command::new("kill")
            .args(["-HUP", &pid])
            .status()
            .await
            .unwrap();
        told("RELOADING=1").await;
        told("READY=1").await;
        tokio::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .unwrap();
        told("STOPPING=1").await;
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), turns)
        .await
        .expect("all turns are told");
    assert!(daemon.wait().await.unwrap().success());
}
