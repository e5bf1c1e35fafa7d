//! The HTTP clients: one for each way out (plain, secure, through a proxy, with certificates of one's own).
//!
//! Connections are kept for the next request, to so many hosts that they do not outgrow the files that a process may have open
//! (usually 1024). A client that keeps those of enough hosts is replaced, and its idle connections close when the last of its requests
//! has ended; until then hosts that are new get connections which close with the answer.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Proxy};

use crate::config::FetchConfig;
use crate::ingest::fetch::error::{FetchError, transport};
use crate::ingest::fetch::guard::{Guard, GuardedResolver};
use crate::model::feed::{Access, FeedUrl};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(10);
/// Hosts to which one client keeps connections.
const HOSTS_PER_CLIENT: usize = 256;
const ACCEPTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, \
     application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5";

/// What makes one client another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Way {
    /// Whether certificates matter, the feed's or its proxy's.
    secure: bool,
    proxy: String,
    ca_file: Option<PathBuf>,
}

/// A client that keeps connections, and the hosts that it has asked.
#[derive(Debug)]
struct InUse {
    client: Client,
    hosts: HashSet<String>,
    /// Held by each of its requests.
    alive: Arc<()>,
    /// The same of the one that it took the place of.
    before: Weak<()>,
    /// The client that keeps none, once there is need of it.
    passing: Option<Client>,
}

/// A client for one request.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) client: Client,
    _alive: Option<Arc<()>>,
}

/// All clients.
#[derive(Debug)]
pub(super) struct Clients {
    user_agent: String,
    idle_per_host: usize,
    resolver: Arc<GuardedResolver>,
    in_use: Mutex<HashMap<Way, InUse>>,
}

impl Clients {
    pub(super) fn new(config: &FetchConfig, guard: &Guard) -> Self {
        // reqwest asks for the process's cryptography; installed twice, the first stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let contact = match config.contact.as_str() {
            "" => String::new(),
            contact => format!(" (+{contact})"),
        };
        let connections = config.hosts.iter().filter_map(|host| host.connections);
        Self {
            user_agent: format!("tidings/{}{contact}", env!("CARGO_PKG_VERSION")),
            idle_per_host: connections.fold(config.host_connections, usize::max),
            resolver: Arc::new(GuardedResolver::new(guard.clone())),
            in_use: Mutex::default(),
        }
    }

    /// The client that asks this address in this way. Each is made at its first use: reading the system's certificates takes longer
    /// than many polls.
    pub(super) fn get(&self, address: &FeedUrl, access: &Access) -> Result<Lent, FetchError> {
        let way = Way {
            secure: address.as_url().scheme() == "https" || access.proxy.starts_with("https:"),
            proxy: access.proxy.clone(),
            ca_file: access.ca_file.clone(),
        };
        let host = address.host();
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut before, mut passing) = (Weak::new(), None);
        if let Some(known) = in_use.get_mut(&way) {
            if known.hosts.contains(host) || known.hosts.len() < HOSTS_PER_CLIENT {
                if !known.hosts.contains(host) {
                    known.hosts.insert(host.to_owned());
                }
                return Ok(Lent {
                    client: known.client.clone(),
                    _alive: Some(Arc::clone(&known.alive)),
                });
            }
            if known.before.strong_count() > 0 {
                let client = match &known.passing {
                    Some(client) => client.clone(),
                    None => known.passing.insert(self.build(&way, 0)?).clone(),
                };
                return Ok(Lent { client, _alive: None });
            }
            (before, passing) = (Arc::downgrade(&known.alive), known.passing.take());
        }
        let (client, alive) = (self.build(&way, self.idle_per_host)?, Arc::new(()));
        let lent = Lent {
            client: client.clone(),
            _alive: Some(Arc::clone(&alive)),
        };
        let hosts = HashSet::from([host.to_owned()]);
        in_use.insert(
            way,
            InUse {
                client,
                hosts,
                alive,
                before,
                passing,
            },
        );
        Ok(lent)
    }

    fn build(&self, way: &Way, idle_per_host: usize) -> Result<Client, FetchError> {
        let builder = Client::builder()
            .user_agent(&self.user_agent)
            .default_headers(HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(ACCEPTED))]))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(idle_per_host);
        let builder = self.through(builder, &way.proxy)?;
        let builder = match &way.ca_file {
            _ if !way.secure => builder.tls_certs_only([]),
            Some(file) => {
                let unusable = |e: Box<dyn std::error::Error + Send + Sync>| FetchError::Credentials(file.clone(), e);
                let pem = std::fs::read(file).map_err(|e| unusable(Box::new(e)))?;
                let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| unusable(Box::new(e)))?;
                builder.tls_certs_merge(certificates)
            }
            None => builder,
        };
        builder.build().map_err(transport)
    }

    /// The proxy is the operator's own and may be inside the network; what is asked through it is guarded as far as it is resolved here.
    fn through(&self, builder: ClientBuilder, proxy: &str) -> Result<ClientBuilder, FetchError> {
        if proxy.is_empty() {
            return Ok(builder.no_proxy().dns_resolver(Arc::clone(&self.resolver)));
        }
        let host = url::Url::parse(proxy)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        let resolver = self.resolver.trusting(host.unwrap_or_default());
        let proxy = Proxy::all(proxy).map_err(transport)?;
        Ok(builder.no_proxy().proxy(proxy).dns_resolver(Arc::new(resolver)))
    }
}
