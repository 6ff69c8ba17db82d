//! Where a request comes from: the peer, or whom a proxy of ours names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::HeaderMap;
use kernel::{Error, Result};

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok()).filter(|bits| *bits <= all)?;
        Some(Self { address, bits })
    }

    fn holds(&self, other: IpAddr) -> bool {
        let differing = match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= self.bits
    }
}

/// The proxies in front of us, whose word on where a request comes from is taken.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Reads addresses and networks (`10.0.0.0/8`), separated by commas.
    pub fn parse(text: &str) -> Result<Self> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let wrong = |name: &str| Error::Internal(format!("configuration: TRUSTED_PROXIES: {name} is neither an address nor a network"));
        names.map(|name| Network::parse(name).ok_or_else(|| wrong(name))).collect::<Result<_>>().map(Self)
    }

    fn trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }

    /// Where a request comes from: the peer, unless that is a proxy of ours; then the last whom one of ours names.
    /// What stands before him in `X-Forwarded-For` is his own claim.
    #[must_use]
    pub fn origin(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
        if !self.trusted(origin) {
            return origin;
        }
        let headers: Vec<&str> = headers.get_all("x-forwarded-for").filter_map(|header| header.to_str().ok()).collect();
        for name in headers.iter().rev().flat_map(|header| header.rsplit(',')) {
            let Some(address) = address(name.trim()) else { break };
            origin = address;
            if !self.trusted(origin) {
                break;
            }
        }
        origin
    }
}

/// An address as proxies write it: with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// The part of an address that one holder has: of IPv6 a whole network, or whoever has one has 2⁶⁴ allowances.
#[must_use]
pub fn holder(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn origin(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for header in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(header).unwrap());
        }
        Proxies::parse(proxies).unwrap().origin(Some(peer.parse().unwrap()), &headers).to_string()
    }

    #[test]
    fn only_our_proxies_are_believed() {
        assert_eq!(origin("", "203.0.113.7:1", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(origin("10.0.0.0/8", "203.0.113.7:1", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(origin("10.0.0.0/8", "10.1.2.3:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(origin("10.0.0.0/8", "10.1.2.3:1", &["1.1.1.1, 198.51.100.1", "10.9.9.9"]), "198.51.100.1", "through two of ours");
        assert_eq!(origin("10.0.0.0/8", "10.1.2.3:1", &["1.1.1.1, nonsense, 10.9.9.9"]), "10.9.9.9");
        assert_eq!(origin("10.0.0.0/8", "10.1.2.3:1", &[]), "10.1.2.3");
        assert_eq!(origin("::1", "[::1]:1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(origin("10.0.0.1", "[::ffff:10.0.0.1]:1", &["198.51.100.1:99"]), "198.51.100.1");
        for wrong in ["10.0.0.0/33", "lb.example.cn", "10.0.0.0/-1", "::/129"] {
            assert!(Proxies::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_holder() {
        let holder = |text: &str| holder(text.parse().unwrap()).to_string();
        assert_eq!(holder("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(holder("198.51.100.1"), "198.51.100.1");
    }
}
