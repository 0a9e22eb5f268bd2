//! The syntax tree as `parse_query` shows it; fields stand in the order of their names.

use crate::{
    formats::answer::{Json, Object},
    promql::syntax::{
        Arity, At, Binary, Call, DurationExpr, DurationKind, Expr, ExprKind, Extension, Group, Matching,
        Modifiers, Number, Spanned, ValueType, VectorSelector,
    },
    series::METRIC_NAME,
    text::Span,
};

/// Writes a tree. It is as deep as the parser lets it be.
pub(super) fn write(expr: &Expr, json: &mut Json) {
    json.object(|object| match &expr.kind {
        ExprKind::Number(number) => {
            object.text("type", "numberLiteral");
            object.text("val", &plain(number.value));
        }
        ExprKind::String(text) => {
            object.text("type", "stringLiteral");
            object.text("val", text);
        }
        ExprKind::Paren(inner) => {
            write(inner, object.field("expr"));
            object.text("type", "parenExpr");
        }
        ExprKind::Unary(unary) => {
            write(&unary.expr, object.field("expr"));
            object.text("op", if unary.negative { "-" } else { "+" });
            object.text("type", "unaryExpr");
        }
        ExprKind::Selector(selector) => write_selector(selector, expr.span, None, object),
        ExprKind::Range(range) => {
            write_selector(&range.selector, range.selector_span, Some(&range.range), object);
        }
        ExprKind::Subquery(subquery) => {
            write(&subquery.expr, object.field("expr"));
            offset(&subquery.modifiers, object);
            duration("range", Some(&subquery.range), object);
            start_or_end(&subquery.modifiers, object);
            duration("step", subquery.step.as_ref(), object);
            timestamp(&subquery.modifiers, object);
            object.text("type", "subquery");
        }
        ExprKind::Call(call) => write_call(call, object),
        ExprKind::Aggregate(aggregate) => {
            write(&aggregate.expr, object.field("expr"));
            let grouping = aggregate.grouping.as_ref();
            object.field("grouping").texts(names(grouping.map_or(&[], |grouping| &grouping.labels)));
            object.text("op", aggregate.op.node.name());
            match &aggregate.param {
                Some(param) => write(param, object.field("param")),
                None => object.plain("param", "null"),
            }
            object.text("type", "aggregation");
            object.plain("without", grouping.is_some_and(|grouping| grouping.without));
        }
        ExprKind::Binary(binary) => write_binary(binary, object),
    });
}

fn names(labels: &[Spanned<String>]) -> impl Iterator<Item = &str> {
    labels.iter().map(|label| label.node.as_str())
}

/// Without an exponent.
fn plain(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

fn write_call(call: &Call, object: &mut Object<'_>) {
    object.list("args", &call.args, |json, arg| write(arg, json));
    object.field("func").object(|object| {
        let function = call.function;
        object.field("argTypes").texts(function.args.iter().map(|given| type_name(*given)));
        object.text("name", function.name);
        object.text("returnType", type_name(function.returns));
        match function.arity {
            Arity::Fixed => object.plain("variadic", 0),
            Arity::Optional(count) => object.plain("variadic", count),
            Arity::AtLeast => object.plain("variadic", -1),
        }
    });
    object.text("type", "call");
}

fn type_name(given: ValueType) -> &'static str {
    match given {
        ValueType::Scalar => "scalar",
        ValueType::String => "string",
        ValueType::InstantVector => "vector",
        ValueType::RangeVector => "matrix",
    }
}

fn write_binary(binary: &Binary, object: &mut Object<'_>) {
    object.plain("bool", binary.return_bool.is_some());
    write(&binary.lhs, object.field("lhs"));
    let is_scalar = |expr: &Expr| expr.value_type() == ValueType::Scalar;
    if is_scalar(&binary.lhs) || is_scalar(&binary.rhs) {
        object.plain("matching", "null");
    } else {
        let matching = binary.matching.as_ref();
        let is_set = binary.op.node.is_set();
        object.field("matching").object(|object| write_matching(matching, is_set, object));
    }
    object.text("op", binary.op.node.text());
    write(&binary.rhs, object.field("rhs"));
    object.text("type", "binaryExpr");
}

fn write_matching(matching: Option<&Matching>, is_set: bool, object: &mut Object<'_>) {
    let group = matching.and_then(|matching| matching.group.as_ref()).map(|group| group.node);
    let card = match group {
        Some(Group::Left) => "many-to-one",
        Some(Group::Right) => "one-to-many",
        None if is_set => "many-to-many",
        None => "one-to-one",
    };
    object.text("card", card);
    object.field("fillValues").object(|object| {
        let fills = matching.map(|matching| (matching.fill_left, matching.fill_right));
        let (left, right) = fills.unwrap_or_default();
        for (name, value) in [("lhs", left), ("rhs", right)] {
            match value {
                Some(value) => object.number(name, value),
                None => object.plain(name, "null"),
            }
        }
    });
    object.field("include").texts(names(matching.map_or(&[], |matching| &matching.include)));
    object.field("labels").texts(names(matching.map_or(&[], |matching| &matching.labels)));
    object.plain("on", matching.is_some_and(|matching| matching.on));
}

fn write_selector(
    selector: &VectorSelector,
    span: Span,
    range: Option<&DurationExpr>,
    object: &mut Object<'_>,
) {
    let has = |wanted| selector.extension.as_ref().is_some_and(|extension| extension.node == wanted);
    object.plain("anchored", has(Extension::Anchored));
    // A name in front of the braces is the last of the matchers; one within them is a matcher like others.
    let bare = selector.name.as_ref().filter(|name| name.span.start == span.start);
    let mut matchers: Vec<(usize, &str, &str, &str)> = (selector.matchers.iter())
        .map(|matcher| {
            let (name, value) = (matcher.name.node.as_str(), matcher.value.node.as_str());
            (matcher.span.start, name, matcher.op.node.text(), value)
        })
        .collect();
    if let Some(name) = &selector.name {
        let place = if bare.is_some() { usize::MAX } else { name.span.start };
        matchers.push((place, METRIC_NAME, "=", &name.node));
    }
    matchers.sort_by_key(|matcher| matcher.0);
    object.list("matchers", matchers, |json, (_, name, op, value)| {
        json.object(|object| {
            object.text("name", name);
            object.text("type", op);
            object.text("value", value);
        });
    });
    object.text("name", bare.map_or("", |name| &name.node));
    offset(&selector.modifiers, object);
    if range.is_some() {
        duration("range", range, object);
    }
    object.plain("smoothed", has(Extension::Smoothed));
    start_or_end(&selector.modifiers, object);
    timestamp(&selector.modifiers, object);
    object.text("type", if range.is_some() { "matrixSelector" } else { "vectorSelector" });
}

fn offset(modifiers: &Modifiers, object: &mut Object<'_>) {
    duration("offset", modifiers.offset.as_ref().map(|offset| &offset.node), object);
}

fn start_or_end(modifiers: &Modifiers, object: &mut Object<'_>) {
    match modifiers.at.as_ref().map(|at| at.node) {
        Some(At::Start) => object.text("startOrEnd", "start"),
        Some(At::End) => object.text("startOrEnd", "end"),
        Some(At::Timestamp(_)) | None => object.plain("startOrEnd", "null"),
    }
}

fn timestamp(modifiers: &Modifiers, object: &mut Object<'_>) {
    match modifiers.at.as_ref().map(|at| at.node) {
        Some(At::Timestamp(millis)) => object.plain("timestamp", millis),
        Some(At::Start | At::End) | None => object.plain("timestamp", "null"),
    }
}

/// Milliseconds of a duration under its name, and its expression where it is more than a number.
fn duration(name: &str, duration: Option<&DurationExpr>, object: &mut Object<'_>) {
    let expr = format!("{name}Expr");
    match duration {
        None => {
            object.plain(name, 0);
            object.plain(&expr, "null");
        }
        Some(DurationExpr { kind: DurationKind::Literal(number), .. }) => {
            object.plain(name, millis(*number));
            object.plain(&expr, "null");
        }
        Some(duration) => {
            object.plain(name, 0);
            write_duration(duration, false, object.field(&expr));
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn millis(number: Number) -> i64 {
    (number.value * 1e9).round() as i64 / 1_000_000
}

fn write_duration(duration: &DurationExpr, wrapped: bool, json: &mut Json) {
    let write = |op: &str, lhs: Option<&DurationExpr>, rhs: Option<&DurationExpr>, json: &mut Json| {
        json.object(|object| {
            let side = |name: &str, side: Option<&DurationExpr>, object: &mut Object<'_>| match side {
                Some(side) => write_duration(side, false, object.field(name)),
                None => object.plain(name, "null"),
            };
            side("lhs", lhs, object);
            object.text("op", op);
            side("rhs", rhs, object);
            object.text("type", "durationExpr");
            object.plain("wrapped", wrapped);
        });
    };
    match &duration.kind {
        DurationKind::Literal(number) if !wrapped => json.object(|object| {
            object.plain("duration", number.is_duration);
            object.text("type", "numberLiteral");
            object.text("val", &plain(number.value));
        }),
        // Parentheses around a number are a sign that changes nothing.
        DurationKind::Literal(_) => write("+", None, Some(duration), json),
        DurationKind::Step => write("step", None, None, json),
        DurationKind::Range => write("range", None, None, json),
        // Not without the option that nobody sets here.
        DurationKind::Variable(name) => json.text(name),
        DurationKind::Negated(inner) => write("-", None, Some(inner), json),
        DurationKind::Plus(inner) => write_duration(inner, wrapped, json),
        DurationKind::Paren(inner) => write_duration(inner, true, json),
        DurationKind::Binary { op, lhs, rhs } => write(op.text(), Some(lhs), Some(rhs), json),
        DurationKind::MinOf(lhs, rhs) => write("min_of", Some(lhs), Some(rhs), json),
        DurationKind::MaxOf(lhs, rhs) => write("max_of", Some(lhs), Some(rhs), json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::syntax::{Options, parse};

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let expr = parse(text, &Options { experimental: true, variables: false }).unwrap();
        let mut json = Json::default();
        write(&expr, &mut json);
        assert_eq!(json.into_string(), expect);
    }

    const A: &str = r#"{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"a","offset":0,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"}"#;

    #[test]
    fn trees_are_written_as_prometheus_does() {
        check("a", A);
        check("5m", r#"{"type":"numberLiteral","val":"300"}"#);
        check("-a", &format!(r#"{{"expr":{A},"op":"-","type":"unaryExpr"}}"#));
        check(
            r#"{"x y",b!="c"} offset -5m"#,
            r#"{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"x y"},{"name":"b","type":"!=","value":"c"}],"name":"","offset":-300000,"offsetExpr":null,"smoothed":false,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"}"#,
        );
        check(
            r"a[(5m)] @ 1.5",
            r#"{"anchored":false,"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"a","offset":0,"offsetExpr":null,"range":0,"rangeExpr":{"lhs":null,"op":"+","rhs":{"duration":true,"type":"numberLiteral","val":"300"},"type":"durationExpr","wrapped":true},"smoothed":false,"startOrEnd":null,"timestamp":1500,"type":"matrixSelector"}"#,
        );
        check(
            "topk by (b) (3, a)",
            &format!(
                r#"{{"expr":{A},"grouping":["b"],"op":"topk","param":{{"type":"numberLiteral","val":"3"}},"type":"aggregation","without":false}}"#
            ),
        );
        check(
            "round(a)",
            &format!(
                r#"{{"args":[{A}],"func":{{"argTypes":["vector","scalar"],"name":"round","returnType":"vector","variadic":1}},"type":"call"}}"#
            ),
        );
        check(
            "a and on (x) a",
            &format!(
                r#"{{"bool":false,"lhs":{A},"matching":{{"card":"many-to-many","fillValues":{{"lhs":null,"rhs":null}},"include":[],"labels":["x"],"on":true}},"op":"and","rhs":{A},"type":"binaryExpr"}}"#
            ),
        );
    }
}
