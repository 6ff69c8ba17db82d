//! Where webhooks may go: to the public internet, and to networks that the operator names; never anywhere else,
//! whatever a name resolves to and whenever it changes its mind.
//!
//! The client asks [`Guard`] for the addresses of a name and connects to one of those that it gave, so what was
//! checked is what is connected to: there is no second resolution that could answer otherwise.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use ipnet::IpNet;
use kernel::{Error, Result};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Networks of IPv4 that are nobody's public address, by address and length of the prefix.
const NOT_PUBLIC_V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // carrier-grade NAT, and a cloud's metadata
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // a cloud's metadata, among public addresses
    ([169, 254, 0, 0], 16),   // link-local, and most clouds' metadata
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 52, 193, 0], 24),  // AMT
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 3),      // multicast, reserved, broadcast
];
/// Networks within 2000::/3 that are nobody's public address.
const NOT_PUBLIC_V6: [([u16; 2], u32); 3] = [
    ([0x2001, 0x0000], 23), // protocol assignments: Teredo, benchmarks, ORCHID
    ([0x2001, 0x0db8], 32), // documentation
    ([0x3fff, 0x0000], 20), // documentation
];

/// Where webhooks may go.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    networks: Vec<IpNet>,
    ports: Vec<u16>,
}

/// How a URL may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At public addresses, and in the operator's networks.
    Public,
    /// In the operator's networks alone: without TLS, or at another port.
    Inside,
}

impl Egress {
    /// From the settings: networks such as `10.20.0.0/16` and ports, each separated by commas.
    pub fn parse(networks: &str, ports: &str) -> Result<Self> {
        let parts = |text: &'static str, list: &str| -> Vec<(&'static str, String)> {
            list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| (text, part.to_owned())).collect()
        };
        let wrong = |(name, part): &(&str, String)| Error::Internal(format!("configuration: {name}: {part} is not understood; see linli --help"));
        let networks = parts("WEBHOOK_NETWORKS", networks);
        let ports = parts("WEBHOOK_PORTS", ports);
        Ok(Self {
            networks: networks.iter().map(|part| part.1.parse::<IpNet>().map_err(|_| wrong(part))).collect::<Result<_>>()?,
            ports: ports.iter().map(|part| part.1.parse().map_err(|_| wrong(part))).collect::<Result<_>>()?,
        })
    }

    /// How a URL may be reached.
    #[must_use]
    pub fn reach(&self, url: &Url) -> Reach {
        let port = url.port_or_known_default().unwrap_or(0);
        if url.scheme() == "https" && self.ports.contains(&port) { Reach::Public } else { Reach::Inside }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn permits(&self, address: IpAddr, reach: Reach) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address)) || (reach == Reach::Public && is_public(address))
    }

    /// Whether a URL may be reached as far as that is known before its name is resolved.
    #[must_use]
    pub fn may_reach(&self, url: &Url) -> bool {
        let reach = self.reach(url);
        match literal(url) {
            Some(address) => self.permits(address, reach),
            None => reach == Reach::Public || !self.networks.is_empty(),
        }
    }
}

/// The address that stands in a URL in place of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether an address is one of the public internet, and not of any network that only some can reach.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|(network, length)| same(address.to_bits(), Ipv4Addr::from(*network).to_bits(), 32 - length)),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let under = |first: [u16; 8], length: u32| bits >> (128 - length) == Ipv6Addr::from(first).to_bits() >> (128 - length);
    let embedded = |shift: u32| is_public(Ipv4Addr::from_bits(u32::try_from(bits >> shift & 0xffff_ffff).unwrap_or(0)).into());
    if under([0, 0, 0, 0, 0, 0xffff, 0, 0], 96) || under([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96) {
        // IPv4-mapped, and NAT64.
        return embedded(0);
    }
    if under([0x2002, 0, 0, 0, 0, 0, 0, 0], 16) {
        // 6to4.
        return embedded(80);
    }
    let global = under([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
    global && !NOT_PUBLIC_V6.iter().any(|([a, b], length)| under([*a, *b, 0, 0, 0, 0, 0, 0], *length))
}

/// Whether two addresses are the same but for the last bits.
fn same(a: u32, b: u32, last: u32) -> bool {
    a.checked_shr(last) == b.checked_shr(last)
}

/// Resolves names; tests have one that changes its answers.
pub trait Lookup: Send + Sync {
    /// The addresses of a name.
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// An address that must not be connected to.
#[derive(Debug)]
pub struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address that webhooks may not go to")
    }
}

impl std::error::Error for Forbidden {}

/// The resolver of a client: gives addresses that may be connected to, or none.
#[derive(Clone)]
pub struct Guard {
    egress: Arc<Egress>,
    reach: Reach,
    lookup: Arc<dyn Lookup>,
}

impl Guard {
    /// A resolver for URLs that may be reached in this way.
    #[must_use]
    pub fn new(egress: Arc<Egress>, reach: Reach, lookup: Arc<dyn Lookup>) -> Self {
        Self { egress, reach, lookup }
    }

    /// Refuses a URL that names a forbidden address itself: the client resolves nothing then, and would not ask.
    pub fn check(&self, url: &Url) -> Result<(), Forbidden> {
        match literal(url) {
            Some(address) if !self.egress.permits(address, self.reach) => Err(Forbidden),
            _ => Ok(()),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { egress, reach, .. } = self.clone();
        let found = self.lookup.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let addresses = found.await?;
            // A name with one forbidden address is either a mistake or an attack: none of the others is used.
            if addresses.iter().any(|address| !egress.permits(*address, reach)) {
                return Err(Forbidden.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(networks: &str) -> Egress {
        Egress::parse(networks, "443,8443").unwrap()
    }

    fn may(egress: &Egress, url: &str) -> bool {
        egress.may_reach(&url.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::10.1.1.1",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::1",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "100::1",
            "4000::1",
            "5f00::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "114.114.114.114",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.17",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.114.0",
            "223.255.255.255",
            "240e::1",
            "2408:8000::1",
            "2606:4700::1111",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_are_read_however_they_are_written() {
        let egress = egress("");
        for url in [
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://127.0.0.1./",
            "https://①②⑦.0.0.1/",
            "https://192.168.1.1:8443/",
            "http://1.1.1.1/",
            "https://1.1.1.1:22/",
            "https://hooks.example.cn:6379/",
            "http://hooks.example.cn/",
        ] {
            assert!(!may(&egress, url), "{url}");
        }
        for url in ["https://1.1.1.1/", "https://hooks.example.cn/a?b=c", "https://hooks.example.cn:8443/", "https://[2606:4700::1111]/"] {
            assert!(may(&egress, url), "{url}");
        }
    }

    #[test]
    fn the_operator_may_name_networks_and_ports() {
        let egress = egress("127.0.0.0/8, fd12::/16");
        for url in ["http://127.0.0.1:9999/", "https://127.0.0.1/", "http://[fd12::7]/", "http://[::ffff:127.0.0.1]:1/", "http://hooks.internal/"] {
            assert!(may(&egress, url), "{url}");
        }
        for url in ["http://10.0.0.1/", "https://[fd13::7]/", "http://1.1.1.1/"] {
            assert!(!may(&egress, url), "{url}");
        }
        assert!(egress.permits("1.1.1.1".parse().unwrap(), Reach::Public) && !egress.permits("1.1.1.1".parse().unwrap(), Reach::Inside));
        for (networks, ports) in [("10.0.0.0/40", ""), ("all", ""), ("", "https"), ("", "70000")] {
            assert!(Egress::parse(networks, ports).is_err(), "{networks} {ports}");
        }
    }
}
