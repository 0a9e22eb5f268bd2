//! Which function over instants does what.

use std::{f64::consts::PI, vec};

use crate::{series::Labels, series::is_stale};

use super::{
    Annotations, Block, EvalError, Grid, InstantCall, Value, absent,
    date::{self, Date},
    histogram,
    labels::{self, without_metadata},
    math, range,
    sort::{self, Direction},
};

pub(super) fn evaluate(call: InstantCall<'_>, annotations: &mut Annotations) -> Result<Value, EvalError> {
    let InstantCall { call, grid, args } = call;
    let name = call.function.name;
    let mut args = Args { name, args: args.into_iter() };
    if let Some(function) = math::function(name) {
        return Ok(map(args.vector()?, |_, value| function(value)));
    }
    if let Some(function) = date::function(name) {
        let say = |seconds: i64| function(Date::of(seconds)) as f64;
        return Ok(match args.optional() {
            None => nameless(grid.instants().map(|at| say(at / 1000)).collect()),
            Some(vector) => map(args.as_vector(vector)?, |_, value| say(date::whole_seconds(value))),
        });
    }
    Ok(match name {
        "absent" => {
            let vector = args.vector()?;
            Value::Vector(absent::absent(&call.args[0], &vector))
        }
        "clamp" => clamp(args.vector()?, &args.scalar()?, &args.scalar()?),
        "clamp_max" => {
            let (vector, high) = (args.vector()?, args.scalar()?);
            clamp(vector, &vec![f64::NEG_INFINITY; high.len()], &high)
        }
        "clamp_min" => {
            let (vector, low) = (args.vector()?, args.scalar()?);
            let high = vec![f64::INFINITY; low.len()];
            clamp(vector, &low, &high)
        }
        "round" => {
            let vector = args.vector()?;
            match args.optional() {
                None => map(vector, |_, value| math::round(value, 1.0)),
                Some(nearest) => {
                    let nearest = args.as_scalar(nearest)?;
                    map(vector, |step, value| math::round(value, nearest[step]))
                }
            }
        }
        "scalar" => Value::Scalar(only_samples(&args.vector()?)),
        "vector" => nameless(args.scalar()?),
        "time" => Value::Scalar(grid.instants().map(seconds).collect()),
        "timestamp" => map(args.vector()?, |step, _| seconds(grid.at(step))),
        "pi" => Value::Scalar(vec![PI; grid.count]),
        "max_of" | "min_of" => {
            let of = if name == "max_of" { math::max } else { math::min };
            let (a, b) = (args.scalar()?, args.scalar()?);
            Value::Scalar(a.iter().zip(&b).map(|(a, b)| of(*a, *b)).collect())
        }
        "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
            Value::Vector(sorted(name, grid, &mut args, call.name_span, annotations)?)
        }
        "label_replace" => {
            let vector = args.vector()?;
            let [to, replacement, from, pattern] =
                [args.string()?, args.string()?, args.string()?, args.string()?];
            Value::Vector(labels::replace(vector, &to, &replacement, &from, &pattern)?)
        }
        "label_join" => {
            let (vector, to, separator) = (args.vector()?, args.string()?, args.string()?);
            Value::Vector(labels::join(vector, &to, &separator, &args.strings()?)?)
        }
        "histogram_quantile" => {
            let (quantile, vector) = (args.scalar()?, args.vector()?);
            let spans = [range::span(&call.args[0]), range::span(&call.args[1])];
            Value::Vector(histogram::quantile(grid, &quantile, &vector, spans, annotations))
        }
        "histogram_quantiles" => {
            let (vector, label) = (args.vector()?, args.string()?);
            let mut asked = Vec::new();
            for arg in call.args.iter().skip(2) {
                asked.push((args.scalar()?, range::span(arg)));
            }
            let blamed = range::span(&call.args[0]);
            Value::Vector(histogram::quantiles(grid, &label, &asked, &vector, blamed, annotations))
        }
        "histogram_fraction" => {
            let (lower, upper, vector) = (args.scalar()?, args.scalar()?, args.vector()?);
            let blamed = range::span(&call.args[2]);
            Value::Vector(histogram::fraction(&lower, &upper, &vector, blamed, annotations))
        }
        // Of native histograms only, which columns do not hold; start timestamps neither.
        "histogram_avg" | "histogram_count" | "histogram_stddev" | "histogram_stdvar" | "histogram_sum"
        | "start_timestamp" => Value::Vector(Block::new(grid.count)),
        _ => {
            return Err(
                EvalError::execution(format!("`{name}` is no function of instants")).at(call.name_span)
            );
        }
    })
}

/// The arguments that are not used yet.
struct Args {
    name: &'static str,
    args: vec::IntoIter<Value>,
}

impl Args {
    fn optional(&mut self) -> Option<Value> {
        self.args.next()
    }

    fn vector(&mut self) -> Result<Block, EvalError> {
        let arg = self.args.next().ok_or_else(|| self.wrong("too few arguments"))?;
        self.as_vector(arg)
    }

    fn scalar(&mut self) -> Result<Vec<f64>, EvalError> {
        let arg = self.args.next().ok_or_else(|| self.wrong("too few arguments"))?;
        self.as_scalar(arg)
    }

    fn string(&mut self) -> Result<String, EvalError> {
        match self.args.next() {
            Some(Value::String(text)) => Ok(text),
            _ => Err(self.wrong("an argument that is no string")),
        }
    }

    fn strings(&mut self) -> Result<Vec<String>, EvalError> {
        let mut texts = Vec::new();
        while self.args.len() > 0 {
            texts.push(self.string()?);
        }
        Ok(texts)
    }

    fn as_vector(&self, arg: Value) -> Result<Block, EvalError> {
        match arg {
            Value::Vector(block) => Ok(block),
            _ => Err(self.wrong("an argument that is no instant vector")),
        }
    }

    fn as_scalar(&self, arg: Value) -> Result<Vec<f64>, EvalError> {
        match arg {
            Value::Scalar(values) => Ok(values),
            _ => Err(self.wrong("an argument that is no scalar")),
        }
    }

    /// Types are checked before an evaluation, so that no query comes here.
    fn wrong(&self, what: &str) -> EvalError {
        EvalError::execution(format!("`{}` was given {what}", self.name))
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// One series without labels.
fn nameless(values: Vec<f64>) -> Value {
    Value::Vector(Block { labels: vec![Labels::default()], steps: values.len(), values })
}

/// Each sample by itself; the function gets the step too.
fn map(mut vector: Block, function: impl Fn(usize, f64) -> f64) -> Value {
    for index in 0..vector.len() {
        vector.labels[index] = without_metadata(&vector.labels[index]);
        for (step, value) in vector.row_mut(index).iter_mut().enumerate() {
            if !is_stale(*value) {
                *value = function(step, *value);
            }
        }
    }
    Value::Vector(vector)
}

/// No sample where the bounds are the wrong way round.
fn clamp(vector: Block, low: &[f64], high: &[f64]) -> Value {
    map(vector, |step, value| {
        let (low, high) = (low[step], high[step]);
        if high < low { crate::series::STALE } else { math::max(low, math::min(high, value)) }
    })
}

/// The sample of each step that has only one; NaN elsewhere.
fn only_samples(vector: &Block) -> Vec<f64> {
    let mut found = vec![0_usize; vector.steps];
    let mut values = vec![f64::NAN; vector.steps];
    for (_, row) in vector.rows() {
        for (step, value) in row.iter().enumerate().filter(|(_, value)| !is_stale(**value)) {
            found[step] += 1;
            values[step] = if found[step] == 1 { *value } else { f64::NAN };
        }
    }
    values
}

fn sorted(
    name: &str,
    grid: Grid,
    args: &mut Args,
    blamed: crate::text::Span,
    annotations: &mut Annotations,
) -> Result<Block, EvalError> {
    let vector = args.vector()?;
    let names = args.strings()?;
    if grid.count != 1 {
        annotations
            .warn("sort is ineffective for range queries since results are always ordered by labels", blamed);
        return Ok(vector);
    }
    let direction = if name.ends_with("_desc") { Direction::Descending } else { Direction::Ascending };
    Ok(if name.starts_with("sort_by_label") {
        sort::by_label(&vector, &names, direction)
    } else {
        sort::by_value(&vector, direction)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::eval::functions::fixture::{self, STALE, assert_values};

    const GRID: Grid = Grid { start: 90_500, step: 60_000, count: 3 };
    const NAN: f64 = f64::NAN;

    fn ask(name: &str, grid: Grid, args: Vec<Value>) -> (Result<Value, EvalError>, Annotations) {
        let mut annotations = Annotations::default();
        let call = fixture::call(name);
        (evaluate(InstantCall { call: &call, grid, args }, &mut annotations), annotations)
    }

    fn vector(rows: &[(&str, [f64; 3])]) -> Value {
        let mut block = Block::new(3);
        for (label, values) in rows {
            let labels = [("__name__", "m"), ("l", *label)].into_iter().collect();
            block.push(labels).copy_from_slice(values);
        }
        Value::Vector(block)
    }

    fn one(values: [f64; 3]) -> Value {
        vector(&[("a", values)])
    }

    fn constant(value: f64) -> Value {
        Value::Scalar(vec![value; 3])
    }

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[track_caller]
    fn check(name: &str, args: Vec<Value>, labels: &str, expect: [f64; 3]) {
        match ask(name, GRID, args).0.unwrap() {
            Value::Vector(block) => {
                let got: Vec<_> = block.labels.iter().map(ToString::to_string).collect();
                assert_eq!(got.join(" "), labels);
                assert_values(&block.values, &expect);
            }
            Value::Scalar(values) => {
                assert_eq!(labels, "scalar");
                assert_values(&values, &expect);
            }
            Value::String(text) => panic!("{text}"),
        }
    }

    #[test]
    fn functions_of_samples_drop_the_name_and_leave_gaps() {
        let a = r#"{l="a"}"#;
        check("abs", vec![one([-1.0, STALE, NAN])], a, [1.0, STALE, NAN]);
        check("round", vec![one([2.5, -2.5, STALE])], a, [3.0, -2.0, STALE]);
        check("round", vec![one([2.5, 6.0, 8.0]), Value::Scalar(vec![2.0, 5.0, 0.0])], a, [2.0, 5.0, NAN]);
        check("clamp_max", vec![one([1.0, 9.0, NAN]), constant(5.0)], a, [1.0, 5.0, NAN]);
        check("clamp_min", vec![one([1.0, 9.0, NAN]), constant(5.0)], a, [5.0, 9.0, NAN]);
        let high = Value::Scalar(vec![2.0, 0.0, NAN]);
        check("clamp", vec![one([7.0, 7.0, 7.0]), constant(1.0), high], a, [2.0, STALE, NAN]);
        check("timestamp", vec![one([7.0, STALE, 7.0])], a, [90.5, STALE, 210.5]);
        check("minute", vec![one([60.0, STALE, 7260.0])], a, [1.0, STALE, 1.0]);
    }

    #[test]
    fn scalars_and_vectors_become_each_other() {
        check("scalar", vec![one([7.0, STALE, NAN])], "scalar", [7.0, NAN, NAN]);
        let two = vector(&[("a", [1.0, STALE, STALE]), ("b", [2.0, 3.0, STALE])]);
        check("scalar", vec![two], "scalar", [NAN, 3.0, NAN]);
        check("vector", vec![constant(4.0)], "{}", [4.0; 3]);
        check("time", vec![], "scalar", [90.5, 150.5, 210.5]);
        check("minute", vec![], "{}", [1.0, 2.0, 3.0]);
        check("year", vec![], "{}", [1970.0; 3]);
        check("pi", vec![], "scalar", [PI; 3]);
        check("max_of", vec![constant(1.0), Value::Scalar(vec![0.0, 2.0, NAN])], "scalar", [1.0, 2.0, NAN]);
        check("min_of", vec![constant(1.0), Value::Scalar(vec![0.0, 2.0, NAN])], "scalar", [0.0, 1.0, NAN]);
    }

    #[test]
    fn native_histograms_are_not_there() {
        for name in
            ["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "start_timestamp"]
        {
            let (answer, annotations) = ask(name, GRID, vec![one([1.0; 3])]);
            assert_eq!(answer, Ok(Value::Vector(Block::new(3))), "{name}");
            assert!(annotations.is_empty());
        }
    }

    #[test]
    fn sorting_is_for_one_step() {
        let mut block = Block::new(1);
        for value in [2.0, 1.0] {
            block.push([("v", value.to_string())].into_iter().collect())[0] = value;
        }
        let grid = Grid { count: 1, ..GRID };
        let sorted = |name, args| match ask(name, grid, args).0.unwrap() {
            Value::Vector(block) => block.values,
            other => panic!("{other:?}"),
        };
        let rows = || Value::Vector(block.clone());
        assert_values(&sorted("sort", vec![rows()]), &[1.0, 2.0]);
        assert_values(&sorted("sort_desc", vec![rows()]), &[2.0, 1.0]);
        assert_values(&sorted("sort_by_label", vec![rows(), text("v")]), &[1.0, 2.0]);
        assert_values(&sorted("sort_by_label_desc", vec![rows(), text("v")]), &[2.0, 1.0]);
        let (_, annotations) = ask("sort", GRID, vec![one([1.0; 3])]);
        let told: Vec<_> = annotations.iter().map(|remark| remark.message.as_str()).collect();
        assert_eq!(
            told,
            ["sort is ineffective for range queries since results are always ordered by labels"]
        );
    }

    #[test]
    fn wrong_arguments_are_errors() {
        assert!(ask("abs", GRID, vec![]).0.is_err());
        assert!(ask("abs", GRID, vec![constant(1.0)]).0.is_err());
        assert!(ask("vector", GRID, vec![one([1.0; 3])]).0.is_err());
        assert!(ask("label_join", GRID, vec![one([1.0; 3]), constant(1.0)]).0.is_err());
        assert!(ask("rate", GRID, vec![]).0.is_err());
    }
}
