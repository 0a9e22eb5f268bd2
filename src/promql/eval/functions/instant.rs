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
