//! Real parts on the other side: the readers newsboat and sfeed, the validator xmllint, and the mail server opensmtpd.

use std::path::Path;

use tokio::process::Command;

use crate::support::app::{BASICS, feed};
use crate::support::daemon::{Daemon, tidings};
use crate::support::origin::{Origin, atom, rss};
use crate::support::{eventually, has_program};

const TITLES: [&str; 3] = ["«گفت‌وگو» با دیگران", "Quotes \" & <angles> ]]>", "Plain"];

/// A daemon that has polled two feeds with hard text in them.
async fn daemon(folder: &Path) -> Daemon {
    let origin = Origin::start().await;
    origin.serve(
        "/en",
        rss(
            "Agency & \"Co\"",
            &[
                (
                    "1",
                    "Quotes \" &amp; &amp;lt;angles&amp;gt; ]]&gt;",
                    "https://a.example/1",
                ),
                ("2", "Plain", "https://a.example/2?a=1&amp;b=2"),
            ],
        ),
    );
    origin.serve(
        "/fa",
        atom(
            "خبرگزاری",
            &[
                ("x", TITLES[0], "https://b.example/x"),
                ("y", "Plain", "https://www.a.example/2?b=2&amp;a=1"),
            ],
        ),
    );
    let file = folder.join("tidings.toml");
    let config = format!(
        "{BASICS}[web]\nlisten = \"127.0.0.1:0\"\n{}{}[[view]]\nname = \"all\"\n",
        feed("en", &origin.url("/en")),
        feed("fa", &origin.url("/fa"))
    );
    std::fs::write(&file, config).unwrap();
    let polled = tidings(&file).args(["poll", "--all"]).output().await.unwrap();
    assert!(polled.status.success());
    Daemon::start(&file).await
}

async fn output(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn newsboat_sees_every_story_once_and_none_again() {
    if !has_program("newsboat") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    for extension in ["atom", "rss"] {
        let cache = folder.path().join(format!("{extension}.db"));
        let urls = folder.path().join(format!("{extension}.urls"));
        std::fs::write(&urls, format!("{}/feeds/all.{extension}\n", daemon.url)).unwrap();
        // Twice: what it has seen does not come again.
        for _ in 0..2 {
            let mut newsboat = Command::new("newsboat");
            newsboat
                .arg("-u")
                .arg(&urls)
                .arg("-c")
                .arg(&cache)
                .args(["-x", "reload"])
                .env("HOME", folder.path())
                .env("TERM", "dumb");
            output(&mut newsboat).await;
        }
        let db = rusqlite::Connection::open(&cache).unwrap();
        let mut statement = db.prepare("select title from rss_item order by title").unwrap();
        let mut titles: Vec<String> = statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        titles.sort();
        let mut expected = TITLES.map(str::to_owned);
        expected.sort();
        assert_eq!(titles, expected, "{extension}");
    }
}

#[tokio::test]
async fn sfeed_sees_every_story_once() {
    if !has_program("sfeed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    for extension in ["atom", "rss"] {
        let file = folder.path().join(extension);
        std::fs::write(
            &file,
            daemon
                .get(&format!("/feeds/all.{extension}"))
                .await
                .bytes()
                .await
                .unwrap(),
        )
        .unwrap();
        let lines = output(Command::new("sfeed").stdin(std::fs::File::open(&file).unwrap())).await;
        // Fields: time, title, link, content, type, id, author, enclosure, categories.
        let mut titles: Vec<&str> = lines.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
        titles.sort_unstable();
        let mut expected = TITLES;
        expected.sort_unstable();
        assert_eq!(titles, expected, "{extension}");
        assert!(
            lines
                .lines()
                .all(|line| line.split('\t').next().unwrap().parse::<u64>().is_ok()),
            "times: {lines}"
        );
    }
}

#[tokio::test]
async fn xmllint_finds_the_merged_feeds_well_formed() {
    if !has_program("xmllint") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let daemon = daemon(folder.path()).await;
    for extension in ["atom", "rss"] {
        let file = folder.path().join(extension);
        std::fs::write(
            &file,
            daemon
                .get(&format!("/feeds/all.{extension}"))
                .await
                .bytes()
                .await
                .unwrap(),
        )
        .unwrap();
        output(Command::new("xmllint").arg("--noout").arg(&file)).await;
    }
}

#[tokio::test]
async fn opensmtpd_takes_a_digest_and_delivers_it() {
    if !has_program("smtpd") || !is_root().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = OpenSmtpd::start(folder.path()).await;
    let origin = Origin::start().await;
    origin.serve("/en", atom("خبرگزاری", &[("x", TITLES[0], "https://b.example/x")]));
    let file = folder.path().join("tidings.toml");
    let config = format!(
        "{BASICS}{}[mail]\nfrom = \"tidings@localhost\"\ntransport = \"smtp\"\nurl = \"smtp://127.0.0.1:{}\"\n\
         [[digest]]\nname = \"daily\"\nview = \"all\"\nschedule = \"@daily\"\nto = [\"nobody@localhost\"]\n",
        feed("en", &origin.url("/en")),
        server.port
    );
    std::fs::write(&file, config).unwrap();
    output(tidings(&file).arg("poll")).await;
    output(tidings(&file).args(["digest", "send", "daily"])).await;
    let mail = eventually("the mail in the box", || async { server.first_mail() }).await;
    assert!(
        mail.contains("multipart/alternative") && mail.contains("Message-ID: <daily.1."),
        "{mail}"
    );
}

/// opensmtpd starts under no other account.
async fn is_root() -> bool {
    let root = output(Command::new("id").arg("-u")).await.trim() == "0";
    if !root {
        println!("skipped: opensmtpd starts as root only");
    }
    root
}

/// A Debian opensmtpd on a free port, delivering into a maildir of the test.
struct OpenSmtpd {
    #[expect(dead_code, reason = "ends when it is dropped")]
    child: tokio::process::Child,
    port: u16,
    boxes: std::path::PathBuf,
}

impl OpenSmtpd {
    async fn start(folder: &Path) -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let boxes = folder.join("maildir");
        std::fs::create_dir(&boxes).unwrap();
        // The server delivers under the rights of the recipient, who must get through to the folder.
        for path in [folder, &boxes] {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        }
        let config = folder.join("smtpd.conf");
        let text = format!(
            "listen on 127.0.0.1 port {port}\naction \"box\" maildir \"{}\"\nmatch from any for any action \"box\"\n",
            boxes.display()
        );
        std::fs::write(&config, text).unwrap();
        let child = Command::new("/usr/sbin/smtpd")
            .arg("-dF")
            .arg("-f")
            .arg(&config)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        eventually("opensmtpd to listen", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Self { child, port, boxes }
    }

    fn first_mail(&self) -> Option<String> {
        let mut mails = std::fs::read_dir(self.boxes.join("new")).ok()?;
        std::fs::read_to_string(mails.next()?.ok()?.path()).ok()
    }
}
