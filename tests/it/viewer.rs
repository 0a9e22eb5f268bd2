//! The viewer over what `llmobs render` writes: every panel is drawn, whatever the sources.

use std::sync::Arc;

use llmobs::{
    engine::{Alertmanagers, GroupStatus, Metadata, Observe, ReloadError, Runtime, SeriesExemplars, Targets},
    series::{Columns, Format, Gather as _, METRIC_NAME, Matcher, TimeSpan, parse},
    server::{
        http::{Asked, Handler as _},
        viewer::Viewer,
    },
    simulate::{DEFAULT_MODELS, Mock, MockConfig, MockModel},
    time::{PromDuration, Timestamp},
};

use crate::{
    golden::{GATEWAY_AND_VLLM, TWO_ENTRIES_AND_MOCK, VLLM},
    project::Project,
};

const NOW: Timestamp = Timestamp(1_795_687_200_000);
const SCRAPES: i64 = 360;

/// An engine that has nothing to tell.
struct Silent;

impl Observe for Silent {
    fn targets(&self) -> Targets {
        Targets::default()
    }

    fn metadata(&self) -> Vec<Metadata> {
        Vec::new()
    }

    fn exemplars(&self, _: &[Vec<Matcher>], _: TimeSpan) -> Vec<SeriesExemplars> {
        Vec::new()
    }

    fn groups(&self) -> Vec<GroupStatus> {
        Vec::new()
    }

    fn alertmanagers(&self) -> Alertmanagers {
        Alertmanagers::default()
    }

    fn config(&self) -> String {
        String::new()
    }

    fn runtime(&self) -> Runtime {
        let (retention, folder) = (String::new(), String::new());
        Runtime { started: NOW, reload_success: true, last_reload: NOW, retention, folder }
    }

    fn reload(&self) -> Result<(), ReloadError> {
        Ok(())
    }

    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Half an hour of the mock, scraped every five seconds.
fn mock() -> Columns {
    let model = |(name, share): &(&str, f64)| MockModel {
        name: (*name).to_owned(),
        provider: "openai".to_owned(),
        share: *share,
        input_price: 2.5,
        output_price: 10.0,
        context_window: None,
    };
    let start = Timestamp(NOW.0 - SCRAPES * 5000);
    let mut mock =
        Mock::new(MockConfig::healthy(DEFAULT_MODELS.iter().map(model).collect(), 1, start)).unwrap();
    let (mut columns, mut page) = (Columns::new(), Vec::new());
    for scrape in 0..=SCRAPES {
        let at = Timestamp(start.0 + scrape * 5000);
        page.clear();
        mock.gather(at, Format::Text, &mut page);
        for sample in parse(std::str::from_utf8(&page).unwrap()).unwrap() {
            let mut labels = sample.labels.edit();
            labels.set(METRIC_NAME, sample.name).set("job", "mock").set("instance", "exporter:9091");
            let id = columns.series(&labels.finish());
            columns.append(id, at, sample.value).unwrap();
        }
        let up = [(METRIC_NAME, "up"), ("job", "mock"), ("instance", "exporter:9091")];
        let id = columns.series(&up.into_iter().collect());
        columns.append(id, at, 1.0).unwrap();
    }
    columns
}

fn page(config: &str, data: Columns, theme: &str) -> String {
    let project = Project::with(config);
    project.run("render --out out").done();
    let board = project.read("out/grafana/provisioning/dashboards/llmobs/llm-service-overview.json");
    let viewer = Viewer {
        data: Arc::new(data),
        engine: Arc::new(Silent),
        dashboards: Box::new(move || vec![board.clone()]),
        home: Some("llmobs-overview".to_owned()),
        scrape_interval: Box::new(|| PromDuration::from_secs(5)),
        lookback: PromDuration::from_secs(300),
        version: "0",
    };
    let mut asked = Asked::get("/");
    asked.query = vec![("from".to_owned(), "now-15m".to_owned()), ("theme".to_owned(), theme.to_owned())];
    let reply = viewer.answer(asked);
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body.to_vec()).unwrap()
}

/// Titles of the panels whose element has a class.
fn titles(page: &str, class: &str) -> Vec<String> {
    let opening = format!("<section class=\"panel {class}");
    let title = |part: &str| part.split("aria-label=\"").nth(1)?.split('"').next().map(str::to_owned);
    page.split(opening.as_str()).skip(1).filter_map(title).collect()
}

#[test]
fn the_overview_is_drawn_from_its_own_json() {
    let page = page("", mock(), "dark");
    assert!(!page.contains("role=\"alert\""), "{page}");
    assert_eq!(titles(&page, "of-unknown"), [""; 0]);
    // No rule has been evaluated: nothing fires, and the panel says so in the dashboard's own words.
    assert_eq!(titles(&page, "of-nothing"), ["Alerts"]);
    let drawn =
        [titles(&page, "of-stats").len(), titles(&page, "of-table").len(), titles(&page, "of-chart").len()];
    assert_eq!(drawn, [9, 1, 8]);
    for part in ["gpt-4o-mini", "Model", "P95 first token s", "Last 15 minutes", "Nothing fires", "req/s"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.len() < 400_000, "{} bytes", page.len());
}

#[test]
fn dashboards_of_all_sources_are_drawn_without_samples() {
    for config in ["", GATEWAY_AND_VLLM, VLLM, TWO_ENTRIES_AND_MOCK] {
        let page = page(config, Columns::new(), "light");
        assert!(!page.contains("role=\"alert\""), "{config}: {page}");
        assert_eq!(titles(&page, "of-unknown"), [""; 0], "{config}");
        assert!(!titles(&page, "of-nothing").is_empty() && page.contains("No traffic"), "{config}");
    }
}
