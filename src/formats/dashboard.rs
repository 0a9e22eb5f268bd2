//! The frame of a Grafana dashboard, as far as provisioning by file asks for it.

use serde_json::Value;

use super::FormatError;

/// Reads a dashboard and refuses what Grafana's file provider would not load: the API's wrappers, an empty
/// title, a missing uid.
pub fn parse(text: &str) -> Result<Value, FormatError> {
    let dashboard: Value = serde_json::from_str(text)?;
    let shape = |message: &str| Err(FormatError::Shape(message.to_owned()));
    if dashboard.get("dashboard").is_some() || dashboard.get("spec").is_some() {
        return shape("it is wrapped for Grafana's API; a file holds the bare dashboard");
    }
    if dashboard["title"].as_str().unwrap_or_default().is_empty() {
        return shape("it has no `title`");
    }
    if dashboard["uid"].as_str().unwrap_or_default().is_empty() {
        return shape("it has no `uid`");
    }
    if !dashboard["panels"].is_array() {
        return shape("it has no `panels`");
    }
    Ok(dashboard)
}
