//! `prometheus.yml`, as Prometheus 3.16 reads it
//! (<https://prometheus.io/docs/prometheus/latest/configuration/configuration/>).
//!
//! Owns: [`Config`] and its parts, with every default of Prometheus filled in; files of scrape configurations; files of
//! target groups.
//! Must not know: where the files lie, who scrapes.
//! Invariants: what is refused is what Prometheus refuses, and proxies; a key that Prometheus knows and this program
//! does not do is read, and told as a warning. Parts compare equal when they mean the same.
//! Start reading at: [`Config`], then [`read`].

mod alerting;
mod discovery;
mod global;
mod http;
mod read;
mod redact;
mod relabel;
mod remote_write;
mod scrape;
#[cfg(test)]
mod tests;
mod value;

pub use alerting::{Alerting, Alertmanager};
pub use discovery::{Discovery, FileDiscovery, HttpDiscovery, TargetGroup, read_groups, read_groups_json};
pub use global::{Escaping, Global, Limits, Names, ScrapeProtocol};
pub use http::{Authorization, BasicAuth, Credential, Header, HttpClient, Secret, Tls, TlsVersion};
pub use read::{Config, Storage, read, read_scrape_file};
pub use redact::{redacted, without_user};
pub use relabel::{Action, Relabel};
pub use remote_write::{Queue, RemoteWrite};
pub use scrape::ScrapeConfig;
