//! Self-contained HTML pages.

use crate::text::{Html, percent_encoded};

const HEAD: &str = "</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n\
    :root { color-scheme: light dark }\n\
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }\n\
    h1, h2, h3 { line-height: 1.2 }\n\
    code, pre { font: 14px/1.5 ui-monospace, monospace; background: #8882; border-radius: 4px }\n\
    code { padding: .1em .3em }\n\
    pre { padding: .8rem 1rem; overflow-x: auto }\n\
    pre code { padding: 0; background: none }\n\
    blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid #8886 }\n\
    table { border-collapse: collapse }\n\
    th, td { padding: .3rem .7rem; border: 1px solid #8886; text-align: left }\n\
    </style>\n</head>\n<body>\n";

/// A whole document.
pub(super) fn document(title: &str, body: &Html) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>").text(title);
    html.raw(HEAD).html(body).raw("</body>\n</html>\n");
    html.into_string()
}

/// The front page.
pub(super) fn front_page() -> String {
    let mut body = Html::default();
    body.raw("<h1>llmobs exporter</h1>\n<ul>\n")
        .raw("<li><a href=\"/metrics\">Metrics</a></li>\n<li><a href=\"/runbooks/\">Runbooks</a></li>\n")
        .raw("<li><a href=\"/healthz\">Health</a></li>\n</ul>\n");
    document("llmobs exporter", &body)
}

/// A page that links to every runbook.
pub(super) fn runbook_list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut body = Html::default();
    body.raw("<h1>Runbooks</h1>\n<ul>\n");
    for name in names {
        body.raw("<li><a href=\"/runbooks/")
            .text(&percent_encoded(name, b""))
            .raw("\">")
            .text(name)
            .raw("</a></li>\n");
    }
    body.raw("</ul>\n");
    document("Runbooks", &body)
}

/// Undoes percent-encoding; text that is not encoded rightly is nothing's name.
pub(super) fn decode_segment(segment: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_segment(name: &str, encoded: &str) {
        assert_eq!(percent_encoded(name, b""), encoded);
        assert_eq!(decode_segment(encoded).as_deref(), Some(name));
    }

    #[test]
    fn names_survive_in_paths() {
        check_segment("LLMHighLatency", "LLMHighLatency");
        check_segment("a b/é\"", "a%20b%2F%C3%A9%22");
        check_segment("", "");
        assert_eq!((decode_segment("%"), decode_segment("%zz"), decode_segment("%FF")), (None, None, None));
    }
}
