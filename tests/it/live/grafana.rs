//! Questions to Grafana: what was provisioned, and who may see it.

use std::fs;

use llmobs::remote::Credentials;
use serde_json::Value;

use super::{project::Project, prometheus::get};

pub(super) const DASHBOARD: &str = "llmobs-overview";

/// The admin with the password that is kept for the project.
pub(super) fn admin(project: &Project) -> Credentials {
    let file = project.state_dir().join(&project.name).join("grafana-password");
    let password = fs::read_to_string(file).unwrap().trim().to_owned();
    Credentials { user: "admin".to_owned(), password }
}

pub(super) fn ask(project: &Project, path: &str) -> Result<Value, String> {
    let answer = get(&project.grafana(), path, Some(&admin(project)))?;
    if !answer.is_success() {
        return Err(format!("{path} answered {}", answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("{path}: {error}"))
}

/// The dashboard as Grafana has read it.
pub(super) fn dashboard(project: &Project) -> Result<Value, String> {
    Ok(ask(project, &format!("/api/dashboards/uid/{DASHBOARD}"))?["dashboard"].take())
}
