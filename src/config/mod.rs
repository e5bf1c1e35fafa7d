//! The configuration as plain data: the only truth of intent. [`load`](load::load) reads and checks it; nothing here is global.

mod access;
pub mod edit;
mod feeds;
pub mod load;
pub mod opml;
mod pieces;
mod read;
pub mod schedule;
pub mod section;
pub mod taken;
mod views;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use crate::config::schedule::Schedule;
use crate::model::feed_list::FeedList;
use crate::model::view::View;
use crate::text::canonical_url::Links;

/// Everything that an operator can say. `config/tidings.toml` explains each key. Not to be cloned: it may hold a million feeds.
#[derive(Debug)]
pub struct Config {
    /// Where state is kept.
    pub store: StoreConfig,
    /// The listener.
    pub web: WebConfig,
    /// How documents are fetched.
    pub fetch: FetchConfig,
    /// How often feeds are polled.
    pub poll: PollConfig,
    /// How links are compared.
    pub links: Links,
    /// All feeds, from the file and from OPML lists, each name once. Whoever has stored them lets them go.
    pub feeds: FeedList,
    /// All views, each name once; at least one.
    pub views: Vec<View>,
    /// How mails leave.
    pub mail: MailConfig,
    /// All digests, each name once.
    pub digests: Vec<DigestConfig>,
    /// Names of feeds whose items lead their stories where nothing else decides, the most preferred first; `*` stands for any run of
    /// characters.
    pub prefer: Vec<String>,
    /// What is logged.
    pub log: LogConfig,
    /// What is odd but not wrong, for a person.
    pub warnings: Vec<String>,
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The file of the SQLite database.
    pub path: PathBuf,
}

/// The listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Under which address readers reach it, without a slash at the end; None: the address listened on.
    pub public_url: Option<Url>,
}

/// How documents are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchConfig {
    /// Private networks that may be reached all the same.
    pub allow_private_networks: Vec<IpNet>,
    /// Requests at once to one host.
    pub host_connections: usize,
    /// Time between the starts of two requests to one host.
    pub host_spacing: Duration,
    /// Hosts that are asked in another way; the first that fits counts.
    pub hosts: Vec<HostConfig>,
    /// For one request from its start to the last byte.
    pub timeout: Duration,
    /// Largest document, decompressed.
    pub max_body_bytes: u64,
    /// An address that tells publishers who asks; goes into the User-Agent.
    pub contact: String,
}

/// How a host is asked that is not asked like all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Its name, or `*.` and the end of many names.
    pub name: String,
    /// Requests at once; None: as all others.
    pub connections: Option<usize>,
    /// Time between the starts of two requests; None: as all others.
    pub spacing: Option<Duration>,
    /// Whether an answer 429 to one request stops all requests to it for a while.
    pub shares_rest: bool,
}

impl HostConfig {
    /// Whether it speaks of this host.
    #[must_use]
    pub fn is_of(&self, host: &str) -> bool {
        match self.name.strip_prefix('*') {
            Some(end) => host.ends_with(end),
            None => host == self.name,
        }
    }
}

/// How often feeds are polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollConfig {
    /// The usual wait between two polls of a feed.
    pub interval: Duration,
    /// The shortest wait.
    pub min_interval: Duration,
    /// The longest wait that is ours to choose; a publisher may ask for more.
    pub max_interval: Duration,
    /// Polls at once, over all hosts.
    pub concurrency: usize,
}

/// How mails leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// The sender, with or without a name.
    pub from: Mailbox,
    /// The way out.
    pub transport: Transport,
}

/// The way out for mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// One `.eml` file a mail.
    Directory(PathBuf),
    /// A mail server.
    Smtp(SmtpConfig),
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpConfig {
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Account name; None: no login.
    pub user: Option<String>,
    /// A file whose first line is the password.
    pub password_file: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (`smtps://`, RFC 8314).
    Tls,
    /// STARTTLS, and no mail without it (`smtp://`, RFC 3207).
    StartTls,
    /// None: only on the loopback interface.
    PlainLoopback,
}

/// A digest of one view by mail.
#[derive(Debug, Clone)]
pub struct DigestConfig {
    /// Unique.
    pub name: String,
    /// The name of its view.
    pub view: String,
    /// When it is due.
    pub schedule: Schedule,
    /// The recipients; each gets a mail of their own.
    pub to: Vec<Mailbox>,
    /// No mail when there is nothing new.
    pub skip_if_empty: bool,
    /// How many stories a mail tells in full; the rest is counted and left to the merged feed.
    pub items: usize,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// JSON lines instead of plain ones.
    pub json: bool,
    /// A filter such as `info` or `tidings=debug,warn`.
    pub filter: String,
}
