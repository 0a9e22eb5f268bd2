//! The series that a test gives, as columns.

use crate::{formats::unit_test::TestGroup, series::Columns, time::Timestamp};

/// All values up to `last`, that included.
pub(super) fn columns(test: &TestGroup, last: Timestamp) -> Columns {
    let step = i64::try_from(test.interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let instants = usize::try_from((last.0.saturating_sub(test.start.0)) / step + 1).unwrap_or(0);
    let mut columns = Columns::new();
    let mut pace: Vec<Timestamp> = Vec::new();
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for series in &test.input_series {
        let id = columns.series(&series.metric.labels());
        times.clear();
        values.clear();
        for (index, value) in series.values.iter().take(instants).enumerate() {
            if index == pace.len() {
                let index = i64::try_from(index).unwrap_or(i64::MAX);
                pace.push(Timestamp(test.start.0.saturating_add(index.saturating_mul(step))));
            }
            if let Some(value) = value {
                times.push(pace[index]);
                values.push(value);
            }
        }
        columns.extend(id, &times, &values).expect("times ascend, and a series is given once");
    }
    columns
}
