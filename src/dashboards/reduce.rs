//! A column of numbers made one: the calculations of legends and stats.
//!
//! Source: <https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/calculation-types/>.

use crate::series::is_stale;

/// What a calculation is called in a legend.
pub fn title(calc: &str) -> String {
    match calc {
        "lastNotNull" | "current" => "Last *".to_owned(),
        "last" => "Last".to_owned(),
        "firstNotNull" => "First *".to_owned(),
        "first" => "First".to_owned(),
        "min" => "Min".to_owned(),
        "max" => "Max".to_owned(),
        "mean" | "avg" => "Mean".to_owned(),
        "median" => "Median".to_owned(),
        "sum" | "total" => "Total".to_owned(),
        "count" => "Count".to_owned(),
        "range" => "Range".to_owned(),
        "delta" => "Delta".to_owned(),
        "diff" => "Difference".to_owned(),
        other => other.to_owned(),
    }
}

/// Whether the result is in the unit of the values.
pub fn keeps_unit(calc: &str) -> bool {
    !matches!(calc, "count" | "countAll" | "changeCount" | "distinctCount" | "diffperc")
}

/// The result; `None` where there is nothing to calculate from, or the calculation is not known.
pub fn reduce(calc: &str, values: &[f64]) -> Option<f64> {
    let present = || values.iter().copied().filter(|value| !is_stale(*value));
    let numbers = || values.iter().copied().filter(|value| !value.is_nan());
    let first = || numbers().next();
    let last = || numbers().next_back();
    let sorted = || {
        let mut all: Vec<f64> = numbers().collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let count = numbers().count();
    let some = |value: f64| (count > 0).then_some(value);
    match calc {
        "lastNotNull" | "current" => last(),
        "last" => values.last().copied().filter(|value| !is_stale(*value)),
        "firstNotNull" => first(),
        "first" => values.first().copied().filter(|value| !is_stale(*value)),
        "min" => numbers().reduce(f64::min),
        "max" => numbers().reduce(f64::max),
        "mean" | "avg" => some(numbers().sum::<f64>() / count.max(1) as f64),
        "sum" | "total" => Some(numbers().sum()),
        "count" => Some(present().count() as f64),
        "countAll" => Some(values.len() as f64),
        "range" => Some(numbers().reduce(f64::max)? - numbers().reduce(f64::min)?),
        "diff" => Some(last()? - first()?),
        "diffperc" => Some((last()? - first()?) / first()? * 100.0),
        "logmin" => numbers().filter(|value| *value > 0.0).reduce(f64::min),
        "median" => {
            let all = sorted();
            let middle = all.len() / 2;
            let upper = all.get(middle).copied()?;
            if all.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(all[middle - 1], upper)) }
        }
        "delta" => some(delta(numbers())),
        "changeCount" => {
            let all: Vec<f64> = present().collect();
            Some(all.windows(2).filter(|pair| pair[0].to_bits() != pair[1].to_bits()).count() as f64)
        }
        "distinctCount" => {
            let mut bits: Vec<u64> = present().map(f64::to_bits).collect();
            bits.sort_unstable();
            bits.dedup();
            Some(bits.len() as f64)
        }
        "stdDev" => Some(variance(numbers())?.sqrt()),
        "variance" => variance(numbers()),
        percentile => {
            let percent: f64 =
                percentile.strip_prefix('p')?.parse().ok().filter(|p| (1.0..100.0).contains(p))?;
            let all = sorted();
            let place = percent / 100.0 * (all.len().checked_sub(1)? as f64);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index of the list"
            )]
            let index = place.round() as usize;
            all.get(index).copied()
        }
    }
}

/// What was added up, as of a counter: a fall is a restart.
fn delta(values: impl Iterator<Item = f64>) -> f64 {
    let mut last: Option<f64> = None;
    let mut total = 0.0;
    for value in values {
        total += match last {
            Some(before) if value >= before => value - before,
            Some(_) => value,
            None => 0.0,
        };
        last = Some(value);
    }
    total
}

fn variance(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let before = mean;
        mean += (value - before) / count;
        squares += (value - before) * (value - mean);
    }
    (count > 0.0).then(|| squares / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::STALE;

    #[track_caller]
    fn check(calc: &str, expect: Option<f64>) {
        let values = [STALE, 4.0, 1.0, f64::NAN, 7.0, STALE];
        assert_eq!(reduce(calc, &values), expect, "{calc}");
    }

    #[test]
    fn what_is_missing_does_not_count() {
        check("lastNotNull", Some(7.0));
        check("last", None);
        check("firstNotNull", Some(4.0));
        check("min", Some(1.0));
        check("max", Some(7.0));
        check("mean", Some(4.0));
        check("median", Some(4.0));
        check("sum", Some(12.0));
        check("count", Some(4.0));
        check("range", Some(6.0));
        check("diff", Some(3.0));
        check("delta", Some(7.0));
        check("p50", Some(4.0));
        check("p99", Some(7.0));
        check("nonsense", None);
        check("p999", None);
        assert_eq!(reduce("mean", &[]), None);
        assert_eq!(reduce("sum", &[]), Some(0.0));
        assert_eq!(reduce("p50", &[]), None);
    }
}
