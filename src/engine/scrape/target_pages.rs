//! A target whose answers are handed in, and not brought by a connection.

use std::{fmt, sync::Arc};

use crate::{
    engine::{Metadata, Notices, SeriesExemplars, fetch::Unpacking},
    formats::prometheus::{Limits, ScrapeConfig, ScrapeProtocol},
    series::{Format, Labels, Matcher, TimeSpan},
    time::Timestamp,
    tsdb::Store,
};

use super::{
    batch::Counts,
    exemplars::Exemplars,
    intake::{Intake, IntakeError},
    page_rules, protocol,
    worker::body_limit,
};

/// What a target said; the status was 200.
#[derive(Debug, Clone, Copy)]
pub struct ScrapeAnswer<'a> {
    pub content_type: &'a str,
    pub content_encoding: Option<&'a str>,
    /// As it came.
    pub body: &'a [u8],
}

/// Why an answer was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RefusedAnswer {
    /// The line that is wrong, counted from 1; `None` where the whole is, or a limit of the job is exceeded.
    pub line: Option<usize>,
    /// As the API has it in `lastError`.
    pub text: String,
}

/// One target, as its job's configuration has it. What it says is stored as if a scrape had brought it.
pub struct TargetPages {
    intake: Intake,
    exemplars: Arc<Exemplars>,
    limits: Limits,
    fallback: Option<ScrapeProtocol>,
}

impl fmt::Debug for TargetPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetPages").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl TargetPages {
    /// The labels are the target's; so many exemplars are kept.
    pub fn new(
        config: &ScrapeConfig,
        store: Store,
        labels: Labels,
        max_exemplars: usize,
        notices: Notices,
    ) -> Self {
        let exemplars: Arc<Exemplars> = Arc::default();
        exemplars.set_capacity(max_exemplars);
        let rules = Arc::new(page_rules(config));
        let name = config.job_name.clone();
        let intake = Intake::new(rules, store, Arc::clone(&exemplars), notices, name, labels);
        Self { intake, exemplars, limits: config.limits, fallback: config.fallback_scrape_protocol }
    }

    /// Stores what came at `at`. Where it is refused, the series of the answer before have ended.
    pub fn take(&mut self, answer: ScrapeAnswer<'_>, at: Timestamp) -> Result<Counts, RefusedAnswer> {
        match self.unpacked(answer) {
            Ok((page, format)) => {
                let (counts, stored) = self.intake.page(&page, format, at, at);
                stored.map(|()| counts).map_err(|error| refused(&error))
            }
            Err(text) => {
                self.intake.nothing(at).map_err(|error| refused(&error))?;
                Err(RefusedAnswer { line: None, text })
            }
        }
    }

    fn unpacked(&self, answer: ScrapeAnswer<'_>) -> Result<(Vec<u8>, Format), String> {
        let encoding = answer.content_encoding.map(str::as_bytes);
        let body = Unpacking::new(encoding, body_limit(&self.limits), answer.body.len());
        let page = body.and_then(|mut body| body.add(answer.body).and_then(|()| body.finish()));
        let page = page.map_err(|cause| cause.to_string())?;
        let format = protocol::format(&page, answer.content_type, self.fallback)?;
        Ok((page, format))
    }

    /// What the pages tell of their families, where that has changed since the last call.
    pub fn changed_metadata(&mut self) -> Option<Vec<Metadata>> {
        self.intake.changed_metadata()
    }

    /// Exemplars within the span, of the series that any of the sets of matchers accepts, sorted by series.
    pub fn exemplars(&self, sets: &[Vec<Matcher>], span: TimeSpan) -> Vec<SeriesExemplars> {
        self.exemplars.select(sets, span)
    }
}

fn refused(error: &IntakeError) -> RefusedAnswer {
    RefusedAnswer { line: error.line(), text: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use crate::{formats::prometheus, series::Select as _, text::Source, tsdb::Options};

    use super::*;

    /// What the store holds when it has taken a body of that encoding, in a job with these keys.
    #[track_caller]
    fn check(keys: &str, encoding: Option<&str>, body: &[u8], expect: Result<&str, (Option<usize>, &str)>) {
        let file = format!("scrape_configs: [{{job_name: j, {keys}}}]");
        let (config, _) = prometheus::read(&Source::new("t", file.as_str())).unwrap();
        let store = Store::in_memory(Options::default());
        let labels = Labels::new([("job", "j")]).unwrap();
        let mut pages =
            TargetPages::new(&config.scrape_configs[0], store.clone(), labels, 10, Arc::new(drop));
        let answer = ScrapeAnswer { content_type: "text/plain", content_encoding: encoding, body };
        let taken = pages.take(answer, Timestamp(1000));
        let span = TimeSpan { from: Timestamp(0), to: Timestamp(i64::MAX) };
        let reader = store.reader();
        let shown = |_| {
            let all = reader.select(&[], span).unwrap();
            let lines = all.map(|series| format!("{} {:?}", series.labels, series.values));
            lines.collect::<Vec<_>>().join("; ")
        };
        let taken = taken.map(shown).map_err(|refused| (refused.line, refused.text));
        let taken = taken.as_deref().map_err(|(line, text)| (*line, text.as_str()));
        assert_eq!(taken, expect);
    }

    #[test]
    fn answers_are_stored_as_a_scrape_stores_them() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"a 1\n").unwrap();
        let packed = packed.finish().unwrap();
        let stored = r#"{__name__="a",job="j"} [1.0]"#;
        check("", None, b"a 1\n", Ok(stored));
        check("", None, b"", Ok(""));
        check("", Some("gzip"), &packed, Ok(stored));
        check("", Some("gzip"), b"no gzip at all", Err((None, "gzip: invalid gzip header")));
        check("", Some("gzip"), &packed[..12], Err((None, "gzip: unexpected EOF")));
        check("body_size_limit: 4B", Some("gzip"), &packed, Err((None, "body size limit exceeded")));
        check("", None, b"a 1\nb", Err((Some(2), "line 2: expected a value, got \"\"")));
        check("", None, b"a 1\n\xff", Err((Some(2), "line 2: invalid UTF-8")));
        check("sample_limit: 1", None, b"a 1\nb 1", Err((None, "sample limit exceeded")));
    }
}
