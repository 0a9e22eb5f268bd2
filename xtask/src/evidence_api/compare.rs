//! Two answers to one request.

use serde_json::Value;

use super::cases::Case;
use crate::judge::Reply;

/// What a comparison finds.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Status, content type and body are the same bytes.
    Identical,
    /// The same but for the order where none is defined, and the last digits of values.
    Equal,
    Different(String),
}

/// Relative; as in the evidence for `PromQL`.
const TOLERANCE: f64 = 1e-9;

/// Compares everything.
pub(super) fn whole(case: &Case, theirs: &Reply, ours: &Reply) -> Verdict {
    if let Some(why) = heads(theirs, ours) {
        return Verdict::Different(why);
    }
    if theirs.body == ours.body {
        return Verdict::Identical;
    }
    // A redirection says in its head where it leads; what it says beside is for people.
    if (300..400).contains(&theirs.status) {
        return Verdict::Equal;
    }
    let (Some(mut their), Some(mut our)) = (json(theirs), json(ours)) else {
        return Verdict::Different("bodies differ".to_owned());
    };
    normalise(&mut their, case);
    normalise(&mut our, case);
    match difference("", &their, &our, false) {
        None => Verdict::Equal,
        Some(why) => Verdict::Different(why),
    }
}

/// Compares what fields there are, and of what type.
pub(super) fn shape(theirs: &Reply, ours: &Reply) -> Verdict {
    if let Some(why) = heads(theirs, ours) {
        return Verdict::Different(why);
    }
    let (Some(their), Some(our)) = (json(theirs), json(ours)) else {
        return Verdict::Different("no JSON".to_owned());
    };
    match difference("", &their, &our, true) {
        None => Verdict::Equal,
        Some(why) => Verdict::Different(why),
    }
}

fn heads(theirs: &Reply, ours: &Reply) -> Option<String> {
    if theirs.status != ours.status {
        return Some(format!("status {} and {}", theirs.status, ours.status));
    }
    // Prometheus' router knows nothing of the prefix that was taken off.
    if (300..400).contains(&theirs.status) {
        return None;
    }
    let names =
        ["content-type", "allow", "access-control-allow-origin", "access-control-allow-methods", "location"];
    names.into_iter().find_map(|name| {
        let (their, our) = (theirs.headers.get(name), ours.headers.get(name));
        (their != our).then(|| format!("{name}: {their:?} and {our:?}"))
    })
}

fn json(reply: &Reply) -> Option<Value> {
    serde_json::from_slice(&reply.body).ok()
}

/// Series come in the order of their labels where the order is the store's own.
fn normalise(answer: &mut Value, case: &Case) {
    for list in ["warnings", "infos"] {
        sort(answer.get_mut(list));
    }
    if case.has_order {
        return;
    }
    sort(answer.pointer_mut("/data/result"));
    if case.path.starts_with("/api/v1/series") {
        sort(answer.get_mut("data"));
    }
}

fn sort(list: Option<&mut Value>) {
    if let Some(items) = list.and_then(Value::as_array_mut) {
        items.sort_by_cached_key(|item| item.get("metric").unwrap_or(item).to_string());
    }
}

fn difference(path: &str, theirs: &Value, ours: &Value, shape: bool) -> Option<String> {
    match (theirs, ours) {
        (Value::Object(their), Value::Object(our)) => {
            let (a, b): (Vec<_>, Vec<_>) = (their.keys().collect(), our.keys().collect());
            if a != b {
                return Some(format!("{path}: fields {a:?} and {b:?}"));
            }
            their
                .iter()
                .find_map(|(name, value)| difference(&format!("{path}/{name}"), value, &our[name], shape))
        }
        (Value::Array(their), Value::Array(our)) => {
            if their.len() != our.len() && !(shape && !their.is_empty() && !our.is_empty()) {
                return Some(format!("{path}: {} items and {}", their.len(), our.len()));
            }
            let pairs = their.iter().zip(our).enumerate();
            let mut pairs = pairs.map(|(index, (a, b))| (format!("{path}/{index}"), a, b));
            pairs.find_map(|(path, a, b)| difference(&path, a, b, shape))
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) if shape => None,
        (Value::String(their), Value::String(our)) if is_value(path) => {
            (!are_close(their, our)).then(|| format!("{path}: {their} and {our}"))
        }
        _ => (theirs != ours).then(|| format!("{path}: {theirs} and {ours}")),
    }
}

/// Whether the place is that of a sample's value.
fn is_value(path: &str) -> bool {
    path.starts_with("/data/result/") && path.ends_with("/1")
}

fn are_close(their: &str, our: &str) -> bool {
    if their == our {
        return true;
    }
    match (their.parse::<f64>(), our.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.is_finite() && (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()),
        _ => false,
    }
}
