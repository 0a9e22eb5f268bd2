//! The functions of templates: Prometheus' own (<https://prometheus.io/docs/prometheus/latest/configuration/template_reference/>).
//!
//! Go's are in `builtins`.

use std::{collections::BTreeMap, fmt::Write as _, net::IpAddr, rc::Rc};

use regex::Regex;

use crate::time::PromDuration;

use super::{
    builtins as go,
    execute::{Execution, Failure, LONGEST},
    float, humanize,
    value::{Map, Sample, Value},
};

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Param {
    Any,
    /// Anything too, but seen without its pointer.
    Value,
    String,
    Vector,
    Sample,
}

impl Param {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Value => "reflect.Value",
            Self::String => "string",
            Self::Vector => "template.queryResult",
            Self::Sample => "*template.sample",
        }
    }
}

type Run = fn(&Execution<'_>, &[Value]) -> Result<Value, Failure>;

/// A function; its arguments have been checked against its parameters.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
    /// Of all arguments that follow.
    pub(super) rest: Option<Param>,
    pub(super) run: Run,
}

impl Signature {
    pub(super) fn param(&self, index: usize) -> Param {
        self.params.get(index).copied().or(self.rest).unwrap_or(Param::Any)
    }
}

const fn fixed(name: &'static str, params: &'static [Param], run: Run) -> Signature {
    Signature { name, params, rest: None, run }
}

const fn variadic(name: &'static str, params: &'static [Param], rest: Param, run: Run) -> Signature {
    Signature { name, params, rest: Some(rest), run }
}

const VALUE: &[Param] = &[Param::Value];
const VALUES: &[Param] = &[Param::Value, Param::Value];
const STRING: &[Param] = &[Param::String];
const ANY: &[Param] = &[Param::Any];

/// Sorted by name.
static FUNCTIONS: [Signature; 48] = [
    variadic("and", VALUE, Param::Value, |_, _| Ok(Value::Nil)),
    variadic("args", &[], Param::Any, |_, values| Ok(args(values))),
    variadic("call", VALUE, Param::Value, |_, values| go::call(values)),
    variadic("eq", VALUE, Param::Value, |_, values| go::eq(values)),
    fixed("externalURL", &[], |run, _| server(run).map(Value::string)),
    fixed("first", &[Param::Vector], |_, values| first(values)),
    fixed("ge", VALUES, |_, values| go::less(values).map(|less| Value::Bool(!less))),
    fixed("graphLink", STRING, |_, values| Ok(link(values, 0))),
    fixed("gt", VALUES, |_, values| go::less_or_equal(values).map(|less| Value::Bool(!less))),
    variadic("html", &[], Param::Any, |_, values| Ok(go::html(values))),
    fixed("humanize", ANY, |_, values| humanize::humanize(&values[0]).map(owned)),
    fixed("humanize1024", ANY, |_, values| humanize::humanize1024(&values[0]).map(owned)),
    fixed("humanizeDuration", ANY, |_, values| humanize::duration(&values[0]).map(owned)),
    fixed("humanizePercentage", ANY, |_, values| humanize::percentage(&values[0]).map(owned)),
    fixed("humanizeTimestamp", ANY, |_, values| humanize::timestamp(&values[0]).map(owned)),
    variadic("index", VALUE, Param::Value, |_, values| go::index(values)),
    variadic("js", &[], Param::Any, |_, values| Ok(go::js(values))),
    fixed("label", &[Param::String, Param::Sample], |_, values| label(values)),
    fixed("le", VALUES, |_, values| go::less_or_equal(values).map(Value::Bool)),
    fixed("len", VALUE, |_, values| go::len(&values[0])),
    fixed("lt", VALUES, |_, values| go::less(values).map(Value::Bool)),
    fixed("match", &[Param::String, Param::String], |_, values| matches(values)),
    fixed("ne", VALUES, |_, values| go::ne(values)),
    fixed("not", VALUE, |_, values| Ok(Value::Bool(!values[0].truth()))),
    fixed("now", &[], |run, _| Ok(Value::Float(run.context.now.as_secs_f64()))),
    variadic("or", VALUE, Param::Value, |_, _| Ok(Value::Nil)),
    fixed("parseDuration", STRING, |_, values| parse_duration(values)),
    fixed("pathPrefix", &[], |run, _| server(run).map(|url| Value::string(path(url)))),
    variadic("print", &[], Param::Any, |_, values| go::print(values)),
    variadic("printf", STRING, Param::Any, |_, values| go::printf(values)),
    variadic("println", &[], Param::Any, |_, values| go::println(values)),
    fixed("query", STRING, query),
    fixed("reReplaceAll", &[Param::String, Param::String, Param::String], |_, values| replace(values)),
    fixed("safeHtml", STRING, |_, values| Ok(Value::Html(text(&values[0]).into()))),
    variadic("slice", VALUE, Param::Value, |_, values| go::slice(values)),
    fixed("sortByLabel", &[Param::String, Param::Vector], |_, values| Ok(sort_by_label(values))),
    fixed("stripDomain", STRING, |_, values| Ok(owned(strip_domain(text(&values[0]))))),
    fixed("stripPort", STRING, |_, values| Ok(Value::string(strip_port(text(&values[0]))))),
    fixed("strvalue", &[Param::Sample], |_, values| label(&[Value::string("__value__"), values[0].clone()])),
    fixed("tableLink", STRING, |_, values| Ok(link(values, 1))),
    fixed("title", STRING, |_, values| Ok(owned(humanize::title(text(&values[0]))))),
    fixed("toDuration", ANY, |_, values| to_duration(&values[0])),
    fixed("toLower", STRING, |_, values| Ok(owned(humanize::lower(text(&values[0]))))),
    fixed("toTime", ANY, |_, values| humanize::to_time(&values[0]).map(Value::Time)),
    fixed("toUpper", STRING, |_, values| Ok(owned(humanize::upper(text(&values[0]))))),
    fixed("urlQueryEscape", STRING, |_, values| Ok(owned(query_escape(text(&values[0]))))),
    variadic("urlquery", &[], Param::Any, |_, values| Ok(owned(query_escape(&go::joined(values))))),
    fixed("value", &[Param::Sample], |_, values| match &values[0] {
        Value::Sample(sample) => Ok(Value::Float(sample.value)),
        _ => Err(NIL_POINTER.to_owned()),
    }),
];

const NIL_POINTER: &str = "runtime error: invalid memory address or nil pointer dereference";

pub(super) fn signature(name: &str) -> Option<&'static Signature> {
    let index = FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
    Some(&FUNCTIONS[index])
}

pub(super) fn is_function(name: &str) -> bool {
    signature(name).is_some()
}

fn owned(text: String) -> Value {
    Value::String(text.into())
}

/// The text of an argument that was checked to be one.
fn text(value: &Value) -> &str {
    match value {
        Value::String(text) => text,
        _ => "",
    }
}

fn args(values: &[Value]) -> Value {
    let named = values.iter().enumerate().map(|(index, value)| (format!("arg{index}"), value.clone()));
    Value::Map(Map::Values(Rc::new(named.collect::<BTreeMap<_, _>>())))
}

fn query(run: &Execution<'_>, values: &[Value]) -> Result<Value, Failure> {
    let found = (run.context.query)(text(&values[0]))?;
    let samples =
        found.into_iter().map(|(labels, value)| Rc::new(Sample { labels: Map::Labels(labels), value }));
    Ok(Value::Vector(samples.collect()))
}

fn first(values: &[Value]) -> Result<Value, Failure> {
    let first = if let Value::Vector(samples) = &values[0] { samples.first() } else { None };
    let first = first.ok_or_else(|| "first() called on vector with no elements".to_owned())?;
    Ok(Value::Sample(first.clone()))
}

fn label(values: &[Value]) -> Result<Value, Failure> {
    match &values[1] {
        Value::Sample(sample) => Ok(sample.labels.get(text(&values[0]))),
        _ => Err(NIL_POINTER.to_owned()),
    }
}

fn sort_by_label(values: &[Value]) -> Value {
    let Value::Vector(samples) = &values[1] else { return Value::Vector(Rc::new([])) };
    let mut samples = samples.to_vec();
    samples.sort_by_cached_key(|sample| text(&sample.labels.get(text(&values[0]))).to_owned());
    Value::Vector(samples.into())
}

fn pattern(values: &[Value]) -> Result<Regex, Failure> {
    Regex::new(text(&values[0])).map_err(|error| {
        let message = error.to_string();
        let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("error parsing regexp: {reason}: `{}`", text(&values[0]))
    })
}

fn matches(values: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(pattern(values)?.is_match(text(&values[1]))))
}

fn replace(values: &[Value]) -> Result<Value, Failure> {
    let quoted = super::quote::quoted(text(&values[0])).replace('"', "`");
    let pattern = pattern(values).map_err(|error| format!("regexp: Compile({quoted}): {error}"))?;
    let subject = text(&values[2]);
    let mut out = String::new();
    let mut end = 0;
    for captures in pattern.captures_iter(subject) {
        let whole = captures.get(0).expect("a match has its whole text");
        out.push_str(&subject[end..whole.start()]);
        captures.expand(text(&values[1]), &mut out);
        end = whole.end();
        if out.len() > LONGEST {
            return Err(format!("the result is longer than {LONGEST} bytes"));
        }
    }
    out.push_str(&subject[end..]);
    Ok(owned(out))
}

fn to_duration(value: &Value) -> Result<Value, Failure> {
    let nanos = humanize::to_float(value)? * 1e9;
    Ok(Value::Duration(float::whole(nanos)))
}

fn parse_duration(values: &[Value]) -> Result<Value, Failure> {
    let text = text(&values[0]);
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let mistake = || format!("not a valid duration string: {}", super::quote::quoted(digits));
    match digits.parse::<PromDuration>() {
        Ok(duration) => Ok(Value::Float(sign * duration.as_secs_f64())),
        Err(crate::time::ParseDurationError::Empty) => Err("empty duration string".to_owned()),
        Err(crate::time::ParseDurationError::TooLong(_)) => Err("duration out of range".to_owned()),
        Err(_) => {
            let unit = digits.trim_start_matches(|c: char| c.is_ascii_digit());
            let unit = &unit[..unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len())];
            let known = matches!(unit, "y" | "w" | "d" | "h" | "m" | "s" | "ms" | "");
            if known || !digits.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(mistake());
            }
            let (unit, whole) = (super::quote::quoted(unit), super::quote::quoted(digits));
            Err(format!("unknown unit {unit} in duration {whole}"))
        }
    }
}

fn link(values: &[Value], tab: u8) -> Value {
    owned(format!("/graph?g0.expr={}&g0.tab={tab}", query_escape(text(&values[0]))))
}

fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => write!(out, "%{byte:02X}").expect("a string takes any text"),
        }
    }
    out
}

fn server<'r>(run: &'r Execution<'_>) -> Result<&'r str, Failure> {
    run.context.server_url.ok_or_else(|| NIL_POINTER.to_owned())
}

/// The path of an address.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |start| &rest[start..]);
    path.split(['?', '#']).next().unwrap_or_default()
}

/// Host and port as Go splits them; `None` where there is no port.
fn split_host_port(address: &str) -> Option<(&str, &str)> {
    let (before, port) = address.rsplit_once(':')?;
    let host = match before.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').filter(|inner| !inner.contains(['[', ']']))?,
        None if before.contains([':', '[', ']']) => return None,
        None => before,
    };
    (!port.contains(['[', ']'])).then_some((host, port))
}

fn strip_port(address: &str) -> &str {
    split_host_port(address).map_or(address, |(host, _)| host)
}

fn strip_domain(address: &str) -> String {
    let (host, port) = split_host_port(address).unwrap_or((address, ""));
    let without_zone = host.split('%').next().unwrap_or(host);
    if without_zone.parse::<IpAddr>().is_ok() {
        return address.to_owned();
    }
    let host = host.split('.').next().unwrap_or_default();
    match (port, host.contains(':')) {
        ("", _) => host.to_owned(),
        (port, true) => format!("[{host}]:{port}"),
        (port, false) => format!("{host}:{port}"),
    }
}
