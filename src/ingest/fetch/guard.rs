//! Which addresses may be reached: the public internet, and what the operator allows. Everything else is inside somebody's network.
//!
//! Names are judged after they are resolved, in the resolver that the connection uses, so that nothing can change in between.
//! Addresses written as numbers never reach a resolver; they are judged before each request and each redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use moka::future::Cache;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How long a resolved name is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Names remembered at most.
const NAMES: u64 = 20_000;

/// An address that must not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a public address; if it is yours, add its network to allow_private_networks")]
pub struct Forbidden(IpAddr);

/// Judges addresses.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
}

impl Guard {
    /// A guard that lets pass what is public or in one of the networks.
    #[must_use]
    pub fn new(allowed: &[IpNet]) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }

    /// Judges one address.
    ///
    /// # Errors
    /// When it must not be reached.
    pub fn check(&self, ip: IpAddr) -> Result<(), Forbidden> {
        if self.is_allowed(ip) || is_public(ip) {
            Ok(())
        } else {
            Err(Forbidden(ip))
        }
    }

    /// Whether the operator has named the network of an address.
    pub(super) fn is_allowed(&self, ip: IpAddr) -> bool {
        let named = |ip: IpAddr| self.allowed.iter().any(|network| network.contains(&ip));
        named(ip) || named(ip.to_canonical())
    }

    /// Judges an address that is written as numbers; names are judged when they are resolved.
    ///
    /// # Errors
    /// When it must not be reached.
    pub fn check_url(&self, url: &Url) -> Result<(), Forbidden> {
        match url.host() {
            Some(Host::Ipv4(ip)) => self.check(ip.into()),
            Some(Host::Ipv6(ip)) => self.check(ip.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !SPECIAL_V4.iter().any(|network| network.contains(&ip)),
        // An IPv4 address may be wrapped in one of IPv6 (NAT64, 6to4): what is inside counts.
        IpAddr::V6(ip) => match wrapped(ip) {
            Some(inner) => is_public(inner.into()),
            None => GLOBAL_V6.contains(&ip) && !SPECIAL_V6.iter().any(|network| network.contains(&ip)),
        },
    }
}

fn wrapped(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, c, d, e, f) {
        (0x64, 0xff9b, 0, 0, 0, 0) => Some(v4(g, h)),
        (0x2002, high, low, ..) => Some(v4(high, low)),
        _ => None,
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// The IANA IPv4 special-purpose registry, multicast and what is reserved.
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    // A public address that leads to the host of a virtual machine and to its secrets.
    v4(168, 63, 129, 16, 32),
];
/// Global unicast: nothing else is handed out.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);
/// What of it is set apart: protocol assignments (Teredo among them), documentation.
const SPECIAL_V6: [Ipv6Net; 3] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x3fff, 0, 20)];

/// Resolves names for the HTTP client, and gives it only addresses that may be reached.
#[derive(Debug)]
pub(super) struct GuardedResolver {
    guard: Guard,
    names: Cache<String, Arc<[IpAddr]>>,
    /// The name of the operator's own proxy, or empty.
    trusted: String,
}

impl GuardedResolver {
    pub(super) fn new(guard: Guard) -> Self {
        let names = Cache::builder().max_capacity(NAMES).time_to_live(REMEMBERED).build();
        Self {
            guard,
            names,
            trusted: String::new(),
        }
    }

    /// The same, for connections through a proxy of this name, wherever that is.
    pub(super) fn trusting(&self, proxy: String) -> Self {
        Self {
            guard: self.guard.clone(),
            names: self.names.clone(),
            trusted: proxy,
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, names, trusted) = (self.guard.clone(), self.names.clone(), self.trusted.clone());
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let is_trusted = host.eq_ignore_ascii_case(&trusted);
            let found = names.try_get_with(host.clone(), lookup(host)).await?;
            let mut refused = None;
            let mut usable = Vec::new();
            for ip in found.iter() {
                match guard.check(*ip) {
                    _ if is_trusted => usable.push(SocketAddr::new(*ip, 0)),
                    Ok(()) => usable.push(SocketAddr::new(*ip, 0)),
                    Err(e) => refused = Some(e),
                }
            }
            match refused {
                Some(refused) if usable.is_empty() => Err(refused.into()),
                _ => Ok(Box::new(usable.into_iter()) as Addrs),
            }
        })
    }
}

async fn lookup(host: String) -> std::io::Result<Arc<[IpAddr]>> {
    let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Guard, GuardedResolver, NAMES};
    use reqwest::dns::Resolve as _;
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Arc;
    use url::Url;

    #[tokio::test]
    async fn names_are_looked_up_once_in_a_while_and_so_many_are_remembered() {
        let resolver = GuardedResolver::new(Guard::new(&[]));
        let address: IpAddr = "203.0.114.7".parse().unwrap();
        let known: Arc<[IpAddr]> = Arc::from([address]);
        // Nobody else knows this name.
        resolver
            .names
            .insert("known.invalid".to_owned(), Arc::clone(&known))
            .await;
        let found = resolver.resolve("known.invalid".parse().unwrap()).await.unwrap();
        assert_eq!(found.collect::<Vec<SocketAddr>>(), [SocketAddr::new(address, 0)]);
        for n in 0..2 * NAMES {
            resolver.names.insert(format!("{n}.invalid"), Arc::clone(&known)).await;
        }
        resolver.names.run_pending_tasks().await;
        assert!(
            resolver.names.entry_count() <= NAMES,
            "{}",
            resolver.names.entry_count()
        );
    }

    #[test]
    fn special_addresses_are_refused_in_every_spelling() {
        let guard = Guard::new(&[]);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "100.100.100.200",
            "[fd00:ec2::254]",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
            "[fd00::1]",
            "[64:ff9b::10.0.0.1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[ff02::1]",
            "[::127.0.0.1]",
            "[2001:0:1::]",
        ] {
            let url = Url::parse(&format!("http://{host}/feed")).unwrap();
            assert!(guard.check_url(&url).is_err(), "{host}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        let guard = Guard::new(&[]);
        for ip in [
            "1.1.1.1",
            "93.184.215.14",
            "172.32.0.1",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
            "::ffff:1.1.1.1",
        ] {
            assert!(guard.check(ip.parse().unwrap()).is_ok(), "{ip}");
        }
    }

    #[test]
    fn what_the_operator_allows_passes_and_nothing_beside_it() {
        let guard = Guard::new(&["127.0.0.0/8".parse().unwrap()]);
        assert!(guard.check("127.0.0.9".parse().unwrap()).is_ok());
        assert!(guard.check("::ffff:127.0.0.9".parse().unwrap()).is_ok());
        assert!(guard.check("10.0.0.1".parse().unwrap()).is_err());
    }
}
