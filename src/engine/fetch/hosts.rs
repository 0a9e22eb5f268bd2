//! Where hosts are: names that the caller knows, then the system's resolver.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{Cause, Url};

/// Addresses by the name that targets call them by: of the stack's services as `host:port`, and of machines as the host
/// alone, whose ports are those of the URLs; names that the system's resolver does not know.
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
        if let Some(machine) = self.0.get(host) {
            return Ok(vec![SocketAddr::new(machine.ip(), port)]);
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

/// Addresses beyond the link on which clouds serve a machine's credentials: of Alibaba and of Azure.
const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
/// The same of AWS.
const METADATA_V6: [u16; 8] = [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];

/// Whether an address answers only on its own link, or is another one that clouds serve a machine's credentials on.
pub(super) fn is_guarded(ip: IpAddr) -> bool {
    let is_guarded = |ip: Ipv4Addr| ip.is_link_local() || METADATA.contains(&ip);
    match ip {
        IpAddr::V4(ip) => is_guarded(ip),
        IpAddr::V6(ip) => {
            let embedded = ip.to_ipv4_mapped().or_else(|| nat64(ip.segments()));
            embedded.is_some_and(is_guarded)
                || ip.segments()[0] & 0xffc0 == 0xfe80
                || ip.segments() == METADATA_V6
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
    fn addresses_with_credentials() {
        for (ip, expect) in [
            ("169.254.169.254", true),
            ("169.254.0.1", true),
            ("::ffff:169.254.169.254", true),
            ("64:ff9b::169.254.169.254", true),
            ("fe80::1", true),
            ("febf::1", true),
            ("fd00:ec2::254", true),
            ("100.100.100.200", true),
            ("168.63.129.16", true),
            ("::ffff:100.100.100.200", true),
            ("100.100.100.201", false),
            ("127.0.0.1", false),
            ("169.253.1.1", false),
            ("fec0::1", false),
            ("::1", false),
            ("fd00:ec2::253", false),
        ] {
            assert_eq!(is_guarded(ip.parse().unwrap()), expect, "{ip}");
        }
    }

    #[tokio::test]
    async fn names_of_services_and_of_machines() {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let service = SocketAddr::from(([127, 0, 0, 2], 9190));
        let hosts: Hosts = [("host.docker.internal", here), ("mock:9000", service)].into_iter().collect();
        for (url, expect) in [
            ("http://host.docker.internal:9000/metrics", "127.0.0.1:9000"),
            ("https://host.docker.internal", "127.0.0.1:443"),
            ("http://mock:9000", "127.0.0.2:9190"),
            ("http://127.0.0.3:1", "127.0.0.3:1"),
        ] {
            let found = hosts.find(&Url::parse(url).unwrap()).await.unwrap();
            assert_eq!(found, [expect.parse().unwrap()], "{url}");
        }
    }
}
