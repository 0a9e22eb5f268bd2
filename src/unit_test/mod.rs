//! promtool's unit tests for rules, run over columns.
//!
//! Owns: [`run`], what of a test failed and how that differs from what was expected.
//! Must not know: files, how a failure is shown.
//! Invariants: a test passes where `promtool test rules` lets it pass: input beyond the last evaluation is not seen,
//! floats are equal or they are not, and no alert is left over.
//! Start reading at: [`run`].
//!
//! What differs from promtool: native histograms are refused; values that go over a line end belong to one series;
//! groups that `group_eval_order` does not place are evaluated in the order of their files, not in any; a query may
//! hold more than 10 000 samples.

mod compare;
mod input;

use crate::{
    formats::unit_test::{AlertTest, ExprTest, TestFile, TestGroup},
    promql::{
        eval::{self, Answer},
        syntax,
    },
    rules::{AlertState, Group, History, Pace, Program, ProgramError, Rule, RuleId, Settings, Timeline},
    series::{Columns, Labels},
    text::Span,
    time::{PromDuration, Timestamp},
};

pub use compare::Difference;

/// Names and values, by name; values may be empty.
pub type Pairs = Vec<(String, String)>;

/// What of a test failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The test in its file.
    pub place: Span,
    /// From the start of the test.
    pub at: PromDuration,
    pub kind: FailureKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FailureKind {
    /// Other alerts fire than are expected.
    Alerts { alertname: String, difference: Difference<ShownAlert> },
    /// An expression gives other samples than are expected.
    Samples { expr: String, difference: Difference<ShownSample> },
    /// An expression gives no samples.
    Expr { expr: String, message: String },
    /// A rule cannot be evaluated, which ends the test.
    Rule { rule: String, message: String },
}

/// An alert as tests compare it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShownAlert {
    /// With `alertname`.
    pub labels: Pairs,
    pub annotations: Pairs,
}

/// A sample as tests compare it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownSample {
    pub labels: Pairs,
    pub value: f64,
}

/// Runs one test of a file with all its rules, and says what failed. `Err` where a template of a rule is none, which
/// [`formats::rules::read`](crate::formats::rules::read) has refused already.
pub fn run(
    file: &TestFile,
    test: &TestGroup,
    groups: &[Group],
    syntax: syntax::Options,
) -> Result<Vec<Failure>, Vec<ProgramError>> {
    let step = i64::try_from(file.evaluation_interval.as_millis()).unwrap_or(i64::MAX);
    let eval = eval::Options { subquery_step_millis: step, ..eval::Options::default() };
    let external = test.external_labels.iter().map(|pair| (pair.name.node.as_str(), pair.text.as_str()));
    let settings = Settings {
        external_labels: external.collect(),
        external_url: test.external_url.clone(),
        server_url: None,
        syntax,
        eval,
    };
    let program = Program::new(ordered(file, groups), settings)?;
    let end = Timestamp(test.start.0.saturating_add_unsigned(test.last_eval_time().as_millis()));
    // What is given after the last evaluation is never seen.
    let last = Timestamp(end.0 - (end.0 - test.start.0) % step);
    let mut columns = input::columns(test, last);
    let pace = Pace::Every(file.evaluation_interval);
    let history = program.evaluate_span(Timeline { start: test.start, end, pace }, &mut columns);
    let run = Run { file, test, program: &program, columns: &columns, history: &history, eval };
    Ok(run.failures())
}

/// The groups in the order that the file asks for; those that it does not name are evaluated with the first.
fn ordered(file: &TestFile, groups: &[Group]) -> Vec<Group> {
    let place = |group: &Group| {
        file.group_eval_order.iter().position(|name| name.as_str() == group.name).unwrap_or(0)
    };
    let mut groups = groups.to_vec();
    groups.sort_by_key(place);
    groups
}

struct Run<'a> {
    file: &'a TestFile,
    test: &'a TestGroup,
    program: &'a Program,
    columns: &'a Columns,
    history: &'a History,
    eval: eval::Options<'static>,
}

impl Run<'_> {
    fn failures(&self) -> Vec<Failure> {
        let broken = self.history.failures();
        let ends = broken.iter().map(|failure| failure.first).min();
        let mut alerts: Vec<&AlertTest> = self.test.alert_tests.iter().collect();
        alerts.sort_by_key(|test| test.eval_time);
        let mut failures = Vec::new();
        for test in alerts {
            // The first instant at which a rule fails is not tested any more.
            if ends.is_none_or(|ends| self.step(test.eval_time) < ends) {
                failures.extend(self.alerts(test));
            }
        }
        let Some(ends) = ends else {
            failures.extend(self.test.expr_tests.iter().filter_map(|test| self.samples(test)));
            return failures;
        };
        for failure in broken.into_iter().filter(|failure| failure.first == ends) {
            let rule = self.program.rule(failure.rule).name().to_owned();
            let kind = FailureKind::Rule { rule, message: failure.message.clone() };
            let at = PromDuration::from_millis(ends.0.abs_diff(self.test.start.0));
            failures.push(Failure { place: self.test.span, at, kind });
        }
        failures
    }

    fn instant(&self, eval_time: PromDuration) -> Timestamp {
        Timestamp(self.test.start.0.saturating_add_unsigned(eval_time.as_millis()))
    }

    /// The last evaluation up to a time.
    fn step(&self, eval_time: PromDuration) -> Timestamp {
        let step = self.file.evaluation_interval.as_millis().max(1);
        self.instant(PromDuration::from_millis(eval_time.as_millis() / step * step))
    }

    fn alerts(&self, test: &AlertTest) -> Option<Failure> {
        let name = &test.alertname.node;
        let failed = |kind| Some(Failure { place: test.span, at: test.eval_time, kind });
        let mut got = Vec::new();
        for id in self.program.ids().filter(|id| self.is_alert(*id, name)) {
            match self.history.alerts_at(self.program, self.columns, id, self.instant(test.eval_time)) {
                Ok(alerts) => {
                    let firing = alerts.into_iter().filter(|alert| alert.state == AlertState::Firing);
                    got.extend(firing.map(|alert| {
                        let mut annotations = alert.annotations;
                        annotations.sort();
                        ShownAlert { labels: pairs(&alert.labels), annotations }
                    }));
                }
                Err(message) => return failed(FailureKind::Rule { rule: name.clone(), message }),
            }
        }
        let expected = test.expected.iter().map(|alert| {
            let pairs = |pairs: &[crate::formats::Pair]| -> Pairs {
                pairs.iter().map(|pair| (pair.name.node.clone(), pair.text.as_str().to_owned())).collect()
            };
            let (mut labels, mut annotations) = (pairs(&alert.labels), pairs(&alert.annotations));
            labels.retain(|(label, _)| label != "alertname");
            labels.push(("alertname".to_owned(), name.clone()));
            labels.sort();
            annotations.sort();
            ShownAlert { labels, annotations }
        });
        let difference = Difference::of_alerts(expected.collect(), got)?;
        failed(FailureKind::Alerts { alertname: name.clone(), difference })
    }

    fn is_alert(&self, id: RuleId, name: &str) -> bool {
        matches!(self.program.rule(id), Rule::Alerting(rule) if rule.alert == name)
    }

    fn samples(&self, test: &ExprTest) -> Option<Failure> {
        let expr = || test.expr.text.as_str().trim().to_owned();
        let failed = |kind| Some(Failure { place: test.span, at: test.eval_time, kind });
        let answer = eval::instant(&test.expr.tree, self.columns, self.instant(test.eval_time), &self.eval);
        let got = match answer.map(|evaluated| evaluated.answer) {
            Ok(Answer::Vector(block)) => block
                .rows()
                .map(|(labels, row)| ShownSample { labels: pairs(labels), value: row[0] })
                .collect(),
            Ok(Answer::Scalar(values)) => {
                values.iter().map(|value| ShownSample { labels: Vec::new(), value: *value }).collect()
            }
            Ok(Answer::String(_) | Answer::Range(_)) => {
                let message = "rule result is not a vector or scalar".to_owned();
                return failed(FailureKind::Expr { expr: expr(), message });
            }
            Err(error) => return failed(FailureKind::Expr { expr: expr(), message: error.to_string() }),
        };
        let expected = test
            .expected
            .iter()
            .map(|sample| ShownSample { labels: sample.labels.pairs().to_vec(), value: sample.value });
        let difference = Difference::of_samples(expected.collect(), got, self.file.fuzzy_compare)?;
        failed(FailureKind::Samples { expr: expr(), difference })
    }
}

fn pairs(labels: &Labels) -> Pairs {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
