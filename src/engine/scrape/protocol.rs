//! What a scrape asks for, and what the content type of its answer means.

use crate::{
    formats::prometheus::{Escaping, ScrapeProtocol},
    series::Format,
};

/// The header of a list of protocols, most wanted first (RFC 9110, section 12.5.1). Those that are not spoken here are
/// left out; the weights of the others stay.
pub(super) fn accept(protocols: &[ScrapeProtocol], escaping: Escaping) -> String {
    let mut weight = 7_usize;
    let mut accepted = String::new();
    for protocol in protocols {
        let media = match protocol {
            ScrapeProtocol::Proto | ScrapeProtocol::OpenMetrics200 => "",
            ScrapeProtocol::Text004 => "text/plain;version=0.0.4",
            ScrapeProtocol::Text100 => "text/plain;version=1.0.0",
            ScrapeProtocol::OpenMetrics001 => "application/openmetrics-text;version=0.0.1",
            ScrapeProtocol::OpenMetrics100 => "application/openmetrics-text;version=1.0.0",
        };
        if !media.is_empty() {
            accepted.push_str(media);
            // Older versions know no escaping.
            if matches!(protocol, ScrapeProtocol::Text100 | ScrapeProtocol::OpenMetrics100) {
                accepted.push_str(";escaping=");
                accepted.push_str(escaping.name());
            }
            accepted.extend([";q=0.", &weight.to_string(), ","]);
        }
        weight = weight.saturating_sub(1);
    }
    accepted + "*/*;q=0." + &weight.to_string()
}

/// The format of a page by its content type, in the words of Prometheus where there is none. An empty page has nothing
/// to be read, and so any.
pub(super) fn format(
    page: &[u8],
    content_type: &str,
    fallback: Option<ScrapeProtocol>,
) -> Result<Format, String> {
    if page.is_empty() {
        return Ok(Format::Text);
    }
    let fallback = fallback.and_then(spoken);
    if content_type.is_empty() {
        return fallback.ok_or_else(|| {
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for \
             target"
                .to_owned()
        });
    }
    let mut parts = content_type.split(';');
    let media = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let version = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("version").then(|| value.trim().trim_matches('"').to_owned())
    });
    match (media.as_str(), version.as_deref()) {
        ("text/plain", _) => Ok(Format::Text),
        ("application/openmetrics-text", Some("2.0.0")) => fallback.ok_or_else(|| {
            format!(
                "received OpenMetrics 2.0 Content-Type \"{content_type}\", but the openmetrics2 feature flag is not \
                 enabled and no fallback_scrape_protocol specified for target"
            )
        }),
        ("application/openmetrics-text", _) => Ok(Format::OpenMetrics),
        ("application/vnd.google.protobuf", _) => {
            Err(format!("received Content-Type \"{content_type}\", which was not asked for and is not read"))
        }
        _ => fallback.ok_or_else(|| {
            format!(
                "received unsupported Content-Type \"{content_type}\" and no fallback_scrape_protocol specified for \
                 target"
            )
        }),
    }
}

fn spoken(protocol: ScrapeProtocol) -> Option<Format> {
    match protocol {
        ScrapeProtocol::Proto | ScrapeProtocol::OpenMetrics200 => None,
        ScrapeProtocol::Text004 | ScrapeProtocol::Text100 => Some(Format::Text),
        ScrapeProtocol::OpenMetrics001 | ScrapeProtocol::OpenMetrics100 => Some(Format::OpenMetrics),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_asked_for_by_weight() {
        assert_eq!(
            accept(&ScrapeProtocol::DEFAULT, Escaping::AllowUtf8),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.7,\
             application/openmetrics-text;version=0.0.1;q=0.6,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.3"
        );
        assert_eq!(
            accept(&[ScrapeProtocol::Proto, ScrapeProtocol::Text100], Escaping::Underscores),
            "text/plain;version=1.0.0;escaping=underscores;q=0.6,*/*;q=0.5"
        );
    }

    #[track_caller]
    fn check(content_type: &str, fallback: Option<ScrapeProtocol>, expect: Result<Format, &str>) {
        let got = format(b"a 1", content_type, fallback);
        assert_eq!(got.as_ref().copied().map_err(String::as_str), expect, "{content_type}");
    }

    #[test]
    fn the_content_type_decides() {
        check("text/plain; version=0.0.4; charset=utf-8", None, Ok(Format::Text));
        check("TEXT/plain", None, Ok(Format::Text));
        check("application/openmetrics-text; version=1.0.0", None, Ok(Format::OpenMetrics));
        check("application/openmetrics-text", None, Ok(Format::OpenMetrics));
        check(
            "application/openmetrics-text;version=\"2.0.0\"",
            Some(ScrapeProtocol::Text004),
            Ok(Format::Text),
        );
        check("", Some(ScrapeProtocol::OpenMetrics001), Ok(Format::OpenMetrics));
        check("text/html", Some(ScrapeProtocol::Text100), Ok(Format::Text));
        assert_eq!(format(b"", "", None), Ok(Format::Text));
        check(
            "",
            None,
            Err(
                "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for \
             target",
            ),
        );
        check(
            "text/html",
            None,
            Err(
                "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target",
            ),
        );
        check(
            "application/vnd.google.protobuf",
            Some(ScrapeProtocol::Text004),
            Err(
                "received Content-Type \"application/vnd.google.protobuf\", which was not asked for and is not read",
            ),
        );
    }
}
