//! The user's own files that go along: untouched, but not unread.

use std::collections::BTreeSet;

use crate::formats::{self, FormatError};

use super::bundle::{Input, RenderError};

/// The dashboard that llmobs renders.
const OWN_DASHBOARD: &str = "llmobs-overview";

/// A file of the user's that goes along untouched: its name and bytes.
#[derive(Debug, Clone)]
pub struct Included {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Reads every included file as what it is said to be, and refuses what would keep the others from working.
pub(super) fn check(input: &Input) -> Result<(), RenderError> {
    for file in input.rules.iter().chain(&input.scrape) {
        // Prometheus takes the paths of its files as patterns.
        if file.name.contains(['*', '?', '[', '\\']) {
            return Err(file.refused(format!("Prometheus would take the name `{}` as a pattern", file.name)));
        }
    }
    for file in &input.rules {
        file.read(formats::rules::check)?;
    }
    let mut uids = BTreeSet::from([OWN_DASHBOARD.to_owned()]);
    for file in &input.dashboards {
        if !file.name.ends_with(".json") {
            return Err(file.refused("Grafana reads only files that end in `.json`".to_owned()));
        }
        let uid = file.read(formats::dashboard::parse)?["uid"].as_str().unwrap_or_default().to_owned();
        if !uids.insert(uid.clone()) {
            return Err(file.refused(format!("another dashboard has the uid `{uid}` already")));
        }
    }
    let mut jobs: BTreeSet<String> =
        input.service.config.targets.iter().map(|target| target.job.clone()).collect();
    for file in &input.scrape {
        let value = file.read(formats::yaml)?;
        let Some(configs) = value["scrape_configs"].as_array() else {
            return Err(file.refused("it has no list `scrape_configs`".to_owned()));
        };
        for job in configs.iter().filter_map(|config| config["job_name"].as_str()) {
            if !jobs.insert(job.to_owned()) {
                return Err(file.refused(format!("there is a job `{job}` already")));
            }
        }
    }
    Ok(())
}

impl Included {
    fn read<T>(&self, parse: impl Fn(&str) -> Result<T, FormatError>) -> Result<T, RenderError> {
        let text =
            std::str::from_utf8(&self.bytes).map_err(|_| self.refused("it is not UTF-8".to_owned()))?;
        parse(text).map_err(|error| RenderError::Included { file: self.name.clone(), error })
    }

    fn refused(&self, why: String) -> RenderError {
        RenderError::Included { file: self.name.clone(), error: FormatError::Shape(why) }
    }
}
