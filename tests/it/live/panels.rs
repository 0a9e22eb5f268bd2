//! A dashboard's questions, with its variables filled in as Grafana fills them.

use std::time::{SystemTime, UNIX_EPOCH};

use llmobs::{remote::Endpoint, time::PromDuration};
use serde_json::Value;

use super::prometheus::{Series, query, query_hour};

/// One expression of one panel.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) panel: String,
    kind: String,
    pub(super) expr: String,
    instant: bool,
    step: u64,
}

impl Question {
    pub(super) fn ask(&self, prometheus: &Endpoint) -> Result<Vec<Series>, String> {
        let answer = if self.instant {
            query(prometheus, &self.expr)
        } else {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
            query_hour(prometheus, &self.expr, now, self.step)
        };
        answer.map_err(|error| format!("{}: {error}", self.panel))
    }

    /// The table of firing alerts, which is empty while nothing fires.
    fn may_be_empty(&self) -> bool {
        (self.kind.as_str(), self.panel.as_str()) == ("table", "Alerts")
    }
}

/// What a dashboard asks when it is opened: everything selected, the last hour.
///
/// `scrape` is the `timeInterval` of the data source in seconds.
pub(super) fn questions(dashboard: &Value, scrape: u64) -> Vec<Question> {
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let all = |name: &str| {
        let variable = variables.iter().find(|variable| variable["name"] == name).unwrap();
        variable["allValue"].as_str().unwrap().to_owned()
    };
    ask_with(dashboard, scrape, &all("job"), &all("model"))
}

/// As [`questions`], with other values of `$job` and `$model`.
pub(super) fn ask_with(dashboard: &Value, scrape: u64, job: &str, model: &str) -> Vec<Question> {
    // An hour on a wide screen is over 1000 points, so the step is the data source's least one.
    let rate_interval = PromDuration::from_millis(4000 * scrape).to_string();
    let fill = |expr: &str| {
        expr.replace("$__rate_interval", &rate_interval)
            .replace("$__range", "3600s")
            .replace("$job", job)
            .replace("$model", model)
    };
    let mut questions = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expr = fill(target["expr"].as_str().unwrap());
            // `$1` belongs to `label_replace`.
            let left = expr.split('$').skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
            assert!(!left, "a variable is left in {expr}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}");
            questions.push(Question {
                panel: panel["title"].as_str().unwrap().to_owned(),
                kind: panel["type"].as_str().unwrap().to_owned(),
                expr,
                instant: target["instant"] == true,
                step: scrape,
            });
        }
    }
    assert!(!questions.is_empty());
    questions
}

/// Every expression must answer, and every panel but the alerts' have a number.
pub(super) fn all_have_data(prometheus: &Endpoint, questions: &[Question]) -> Result<(), String> {
    for panel in questions.chunk_by(|a, b| a.panel == b.panel) {
        let mut has_number = false;
        for question in panel {
            let series = question.ask(prometheus)?;
            if series.is_empty() && !question.may_be_empty() {
                return Err(format!("{}: nothing for {}", question.panel, question.expr));
            }
            has_number |=
                series.iter().flat_map(|series| &series.samples).any(|(_, value)| value.is_finite());
        }
        if !has_number && !panel[0].may_be_empty() {
            return Err(format!("{} has no number", panel[0].panel));
        }
    }
    Ok(())
}

/// The newest number of a panel that has one expression with one series.
pub(super) fn number(prometheus: &Endpoint, questions: &[Question], panel: &str) -> Result<f64, String> {
    let question = questions.iter().find(|question| question.panel == panel).unwrap();
    match question.ask(prometheus)?.as_slice() {
        [series] => Ok(series.last()),
        other => Err(format!("{panel} has {} series", other.len())),
    }
}
