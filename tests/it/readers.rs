//! Real parts on the other side: the readers newsboat and sfeed, the validator xmllint, the mail server opensmtpd, the web
//! server nginx with TLS and HTTP/2, and stunnel before a mail server.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::app::{BASICS, feed};
use crate::support::daemon::{Daemon, tidings};
use crate::support::origin::{Origin, atom, rss};
use crate::support::smtp::SmtpSink;
use crate::support::tls::Certificates;
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

/// A configuration with one feed that has one story, and a digest that goes to this server.
async fn mailing(folder: &Path, url: &str) -> std::path::PathBuf {
    let origin = Origin::start().await;
    origin.serve("/en", atom("خبرگزاری", &[("x", TITLES[0], "https://b.example/x")]));
    let file = folder.join("tidings.toml");
    let config = format!(
        "{BASICS}{}[mail]\nfrom = \"tidings@localhost\"\ntransport = \"smtp\"\nurl = \"{url}\"\n\
         [[digest]]\nname = \"daily\"\nview = \"all\"\nschedule = \"@daily\"\nto = [\"nobody@localhost\"]\n",
        feed("en", &origin.url("/en")),
    );
    std::fs::write(&file, config).unwrap();
    output(tidings(&file).arg("poll")).await;
    file
}

#[tokio::test]
async fn opensmtpd_takes_a_digest_and_delivers_it() {
    if !has_program("smtpd") || !is_root().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = OpenSmtpd::start(folder.path()).await;
    let file = mailing(folder.path(), &format!("smtp://127.0.0.1:{}", server.port)).await;
    output(tidings(&file).args(["digest", "send", "daily"])).await;
    let mail = eventually("the mail in the box", || async { server.first_mail() }).await;
    assert!(
        mail.contains("multipart/alternative") && mail.contains("Message-ID: <daily.1."),
        "{mail}"
    );
}

#[tokio::test]
async fn a_digest_goes_out_under_tls_and_never_to_an_unknown_authority() {
    if !has_program("stunnel4") || !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let sink = SmtpSink::start().await;
    let port = free_port();
    let config = folder.path().join("stunnel.conf");
    let text = format!(
        "foreground = yes\npid =\n[smtp]\naccept = 127.0.0.1:{port}\nconnect = {}\ncert = {}\nkey = {}\n",
        sink.address,
        certificates.good.certificate.display(),
        certificates.good.key.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut tunnel = Command::new("stunnel4");
    let _tunnel = quiet(tunnel.arg(&config)).spawn().unwrap();
    eventually("stunnel to listen", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
    let file = mailing(folder.path(), &format!("smtps://localhost:{port}")).await;
    let refused = tidings(&file).args(["digest", "send", "daily"]).output().await.unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(sink.mails().is_empty());
    // The edition is made: its mail waits, and goes out when the authority is known.
    let db = rusqlite::Connection::open(folder.path().join("data/tidings.db")).unwrap();
    db.execute("update delivery set next_attempt_at = 0, leased_until = 0", [])
        .unwrap();
    let mut daemon = tidings(&file);
    daemon
        .arg("run")
        .env("SSL_CERT_FILE", &certificates.authority)
        .env("TIDINGS_WEB__LISTEN", "127.0.0.1:0");
    let _daemon = quiet(&mut daemon).spawn().unwrap();
    let mails = eventually("the mail", || async {
        Some(sink.taken()).filter(|mails| !mails.is_empty())
    })
    .await;
    assert!(mails[0].header("Message-ID").starts_with("<daily.1."));
}

/// Without a word, and ended with the test: what outlives it must not hold the test's own output open.
fn quiet(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true)
}

#[tokio::test]
async fn nginx_is_polled_over_tls_with_http_2_and_an_unknown_authority_is_refused() {
    if !has_program("nginx") || !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let server = Nginx::start(folder.path(), &certificates).await;
    std::fs::write(
        folder.path().join("feed.xml"),
        rss("Secure", &[("1", "One", "https://a.example/1")]),
    )
    .unwrap();
    let file = folder.path().join("tidings.toml");
    let url = format!("https://localhost:{}/feed.xml", server.port);
    std::fs::write(&file, format!("{BASICS}{}", feed("secure", &url))).unwrap();
    let summary = |text: String| -> serde_json::Value { serde_json::from_str(&text).unwrap() };
    let refused = summary(output(tidings(&file).args(["poll", "--all", "--json"])).await);
    assert_eq!(refused["failed"], 1);
    let trusting = || {
        let mut poll = tidings(&file);
        poll.args(["poll", "--all", "--json"])
            .env("SSL_CERT_FILE", &certificates.authority);
        poll
    };
    let first = summary(output(&mut trusting()).await);
    assert_eq!(
        (first["fetched"].as_u64(), first["new"].as_u64()),
        (Some(1), Some(1)),
        "{first}"
    );
    assert_eq!(summary(output(&mut trusting()).await)["not_modified"], 1);
    let log = std::fs::read_to_string(folder.path().join("access.log")).unwrap();
    assert!(
        log.contains("HTTP/2.0\" 200") && log.contains("HTTP/2.0\" 304"),
        "{log}"
    );
}

/// An nginx with TLS and HTTP/2 on a free port, serving the folder.
struct Nginx {
    #[expect(dead_code, reason = "ends when it is dropped")]
    child: tokio::process::Child,
    port: u16,
}

impl Nginx {
    async fn start(folder: &Path, certificates: &Certificates) -> Self {
        let port = free_port();
        let path = folder.display();
        let config = format!(
            "daemon off; master_process off; pid {path}/nginx.pid; error_log {path}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log {path}/access.log; client_body_temp_path {path}/body; proxy_temp_path {path}/proxy;\n\
             fastcgi_temp_path {path}/fastcgi; uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;\n\
             server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {}; ssl_certificate_key {}; root {path}; }} }}\n",
            certificates.good.certificate.display(),
            certificates.good.key.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        // Its workers run under other rights and must get through to the folder.
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        eventually("nginx to listen", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Self { child, port }
    }
}

fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
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
        let port = free_port();
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
            .stdout(Stdio::null())
            .stderr(Stdio::null())
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
