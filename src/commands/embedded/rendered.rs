//! What the running process reads again from the rendered files: another `up` may have written them anew.

use std::path::Path;

use crate::{
    commands::bundle::HOME_DASHBOARD, dashboards::model::Dashboard, files, formats, time::PromDuration,
};

/// Grafana's usual one, where the files say nothing.
const USUAL_INTERVAL: PromDuration = PromDuration::from_secs(15);

/// Grafana's `timeInterval`, as the rendered data source has it.
pub(super) fn scrape_interval(files: &Path) -> PromDuration {
    let path = files.join("grafana/provisioning/datasources/llmobs.yaml");
    files::read_text(&path).ok().and_then(|text| time_interval(&text)).unwrap_or(USUAL_INTERVAL)
}

fn time_interval(datasources: &str) -> Option<PromDuration> {
    let value = formats::yaml(datasources).ok()?;
    value["datasources"][0]["jsonData"]["timeInterval"].as_str()?.parse().ok()
}

/// The home dashboard.
pub(super) fn overview(files: &Path) -> Option<Dashboard> {
    let path = files.join("grafana/provisioning").join(HOME_DASHBOARD);
    Dashboard::parse(&files::read_text(&path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_data_source() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grafana/provisioning/datasources/llmobs.yaml");
        assert_eq!(scrape_interval(folder.path()), USUAL_INTERVAL);
        for (text, expect) in [
            ("datasources: [{jsonData: {timeInterval: 1m}}]", 60),
            ("datasources: [{jsonData: {timeInterval: 5s}}]", 5),
            ("datasources: [{jsonData: {}}]", 15),
            ("[", 15),
        ] {
            files::write_secret(&path, text.as_bytes()).unwrap();
            assert_eq!(scrape_interval(folder.path()), PromDuration::from_secs(expect), "{text}");
        }
    }
}
