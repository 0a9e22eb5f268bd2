//! `query_exemplars`.

use super::{
    Api,
    error::ApiError,
    outcome::{Outcome, done, success},
    params,
};
use crate::{promql::syntax, series::Matcher, server::http::Asked};

impl Api {
    pub(super) fn query_exemplars(&self, asked: &Asked) -> Outcome {
        let (start, end) = params::bounds(asked)?;
        if end.is_before(start) {
            return Err(ApiError::bad_data("end timestamp must not be before start timestamp"));
        }
        let expr = syntax::parse(asked.value("query"), &self.settings.syntax)
            .map_err(|errors| ApiError::bad_data(errors.first()))?;
        let conditions = expr.selectors().into_iter().map(|found| found.selector.conditions());
        let sets: Vec<Vec<Matcher>> =
            conditions.collect::<Result<_, _>>().map_err(|error| ApiError::bad_data(error.to_string()))?;
        if sets.is_empty() {
            return done();
        }
        let found = self.engine.exemplars(&sets, params::span((start, end)));
        success(|json| {
            json.list(&found, |json, series| {
                json.object(|object| {
                    object.labels("seriesLabels", &series.series);
                    object.list("exemplars", &series.exemplars, |json, exemplar| {
                        json.object(|object| {
                            object.labels("labels", &exemplar.labels);
                            object.field("value").sample(exemplar.value);
                            object.field("timestamp").instant(exemplar.at);
                        });
                    });
                });
            });
        })
    }
}
