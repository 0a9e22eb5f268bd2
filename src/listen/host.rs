//! Who may be meant by a request's `Host`: the guard against DNS rebinding.
//!
//! A page in a browser can have a public name of its owner's resolve to 127.0.0.1, and then read what answers there as
//! its own. Such a request names the owner's host. So names that nobody can register for the public are answered:
//! addresses, names of one part (containers call each other so), and the suffixes that are set aside for private use.
//! Others are refused, unless a server knows better.

use std::net::{IpAddr, Ipv6Addr};

use hyper::{HeaderMap, Uri, header, http::uri::Authority};

/// Suffixes that the public DNS does not delegate: RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`, and what clusters
/// and home routers use.
const PRIVATE: [&str; 9] =
    ["localhost", "local", "internal", "test", "lan", "home", "corp", "home.arpa", "svc"];

/// Whether a host name, without its port, is an address or a name that is not of the public DNS.
pub fn is_near(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if bare.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()) || host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_below = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
    !name.is_empty() && (!name.contains('.') || PRIVATE.iter().any(|suffix| is_below(suffix)))
}

/// The host that a request is for, without its port. Without a name there is nothing to be taken for: only HTTP/1.0
/// leaves it out.
pub fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.or(uri.authority().map(Authority::as_str)).map(without_port)
}

/// What is said to a request for a host that is not near; its status is 403.
pub fn refusal(host: &str) -> String {
    format!(
        "This server is not known as `{}`: it answers addresses and private names only, so that no web page can reach \
         it through a name of its own (DNS rebinding).\n",
        host.escape_debug()
    )
}

/// A `Host` header without its port.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of a bare IPv6 address are no port's.
        Some((name, _)) if !name.contains(':') || name.ends_with(']') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: bool) {
        assert_eq!(is_near(without_port(header)), expect, "{header}");
    }

    #[test]
    fn public_names_are_not_near() {
        check("127.0.0.1:9090", true);
        check("192.168.1.4", true);
        check("[::1]:9090", true);
        check("[::1]", true);
        check("::1", true);
        check("localhost:9090", true);
        check("LocalHost.", true);
        check("prometheus:9090", true);
        check("host.docker.internal:9090", true);
        check("gpu-1.local", true);
        check("a.b.svc.cluster.local:80", true);
        check("evil.example:9090", false);
        check("127.0.0.1.evil.com", false);
        check("localhost.evil.com:9090", false);
        check("notlocal.com", false);
        check("", false);
        check(":9090", false);
        check("[evil.com]", false);
    }
}
