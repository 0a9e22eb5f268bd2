//! Where hosts are: names that the caller knows, then the system's resolver.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{Cause, Url};

/// Addresses by the name that targets call them by, `host:port`: those of the stack's services, which the system's
/// resolver does not know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts(BTreeMap<String, SocketAddr>);

impl<N: Into<String>> FromIterator<(N, SocketAddr)> for Hosts {
    fn from_iter<I: IntoIterator<Item = (N, SocketAddr)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, address)| (name.into(), address)).collect())
    }
}

impl Hosts {
    /// The addresses of a server, at least one.
    pub(super) async fn find(&self, url: &Url) -> Result<Vec<SocketAddr>, Cause> {
        let (host, port) = (url.host(), url.port());
        if let Some(address) = self.0.get(&format!("{host}:{port}")) {
            return Ok(vec![*address]);
        }
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let failed = |cause: String| Cause::Lookup { host: host.to_owned(), cause };
        let found = tokio::net::lookup_host((host, port)).await;
        let addresses: Vec<_> = found.map_err(|error| failed(lookup_cause(&error)))?.collect();
        if addresses.is_empty() { Err(failed("no such host".to_owned())) } else { Ok(addresses) }
    }
}

/// The resolver's words without the system call's.
fn lookup_cause(error: &std::io::Error) -> String {
    let text = error.to_string();
    let cause = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    match cause {
        "Name or service not known" | "nodename nor servname provided, or not known" => {
            "no such host".to_owned()
        }
        "Temporary failure in name resolution" => "server misbehaving".to_owned(),
        cause => cause.to_owned(),
    }
}

/// Whether an address answers only on its own link: there, clouds serve a machine's credentials.
pub(super) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => {
            let embedded = ip.to_ipv4_mapped().or_else(|| nat64(ip.segments()));
            embedded.is_some_and(|ip| ip.is_link_local())
                || ip.segments()[0] & 0xffc0 == 0xfe80
                || ip.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

/// The address within `64:ff9b::/96` (RFC 6052).
fn nat64(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = segments else { return None };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses() {
        for (ip, expect) in [
            ("169.254.169.254", true),
            ("169.254.0.1", true),
            ("::ffff:169.254.169.254", true),
            ("64:ff9b::169.254.169.254", true),
            ("fe80::1", true),
            ("febf::1", true),
            ("fd00:ec2::254", true),
            ("127.0.0.1", false),
            ("169.253.1.1", false),
            ("fec0::1", false),
            ("::1", false),
            ("fd00:ec2::253", false),
        ] {
            assert_eq!(is_link_local(ip.parse().unwrap()), expect, "{ip}");
        }
    }
}
