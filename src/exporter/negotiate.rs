//! Content negotiation by the `Accept` header (RFC 9110, section 12.5.1).

/// Something that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer<T> {
    /// `text/plain`.
    pub(super) media_type: &'static str,
    /// The value of its parameter `version`, where the type has one.
    pub(super) version: Option<&'static str>,
    pub(super) what: T,
}

/// What the client likes best; among equals, and where it likes nothing, the first offer.
pub(super) fn choose<T: Copy>(accept: &str, offers: &[Offer<T>]) -> Option<T> {
    let mut best: Option<(f32, T)> = None;
    for offer in offers {
        let quality = quality(accept, offer);
        if best.is_none_or(|(so_far, _)| quality > so_far) {
            best = Some((quality, offer.what));
        }
    }
    best.map(|(_, what)| what)
}

/// The quality that the most specific matching range gives, 0 to 1. No header at all takes everything.
fn quality<T>(accept: &str, offer: &Offer<T>) -> f32 {
    if accept.trim().is_empty() {
        return 1.0;
    }
    let mut best = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media_range = parts.next().unwrap_or_default();
        let Some(mut specific) = specificity(media_range, offer.media_type) else { continue };
        let (mut quality, mut fits) = (1.0, true);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("q") {
                quality = value.parse::<f32>().map_or(0.0, |q| q.clamp(0.0, 1.0));
            } else if name.trim().eq_ignore_ascii_case("version") {
                fits = offer.version == Some(value);
                specific += 1;
            }
        }
        if fits && specific > best.0 {
            best = (specific, quality);
        }
    }
    best.1
}

/// How closely a range names a media type, from 1; `None` where it names another.
fn specificity(range: &str, media_type: &str) -> Option<u8> {
    if range.eq_ignore_ascii_case(media_type) {
        return Some(3);
    }
    let kind = media_type.split_once('/')?.0;
    match range.split_once('/')? {
        ("*", "*") => Some(1),
        (range_kind, "*") if range_kind.eq_ignore_ascii_case(kind) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exporter::site::METRICS,
        series::Format::{self, OpenMetrics, Text},
    };

    #[track_caller]
    fn check(accept: &str, expect: Format) {
        assert_eq!(choose(accept, &METRICS), Some(expect));
    }

    #[test]
    fn open_metrics_is_sent_to_those_who_ask() {
        check("", Text);
        check("*/*", Text);
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Text);
        check("application/openmetrics-text", OpenMetrics);
        check("Application/OpenMetrics-Text; Version=\"1.0.0\"", OpenMetrics);
        check("application/openmetrics-text;version=0.0.1", Text);
        check("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", Text);
        check("application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.4", OpenMetrics);
        check("application/openmetrics-text;q=0.5,text/plain;version=0.0.4", Text);
        check("application/openmetrics-text;q=0,*/*;q=0.1", Text);
        check("text/plain;q=0,*/*;q=0.1", OpenMetrics);
        check("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OpenMetrics);
        check("application/*,text/*;q=0.9", OpenMetrics);
        check("image/png", Text);
        check("application/openmetrics-text;q=x,text/*;q=0.1", Text);
        check(";;,=,q=1,/", Text);
    }

    #[test]
    fn what_prometheus_3_sends_gets_open_metrics() {
        check(
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            OpenMetrics,
        );
    }
}
