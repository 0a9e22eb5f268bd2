//! Differences that are meant.

use serde_json::Value;

use super::cases::Case;
use crate::judge::Reply;

/// The texts that an answer lists.
fn listed(reply: &Reply) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_slice(&reply.body).ok()?;
    answer["data"].as_array()?.iter().map(|item| Some(item.as_str()?.to_owned())).collect()
}

/// The rule that excuses a difference, if one does.
pub(super) fn excuse(case: &Case, theirs: &Reply, ours: &Reply) -> Option<&'static str> {
    let text = |reply: &Reply| String::from_utf8_lossy(&reply.body).into_owned();
    let (their, our) = (text(theirs), text(ours));
    if their.contains("integer divide by zero") && ours.status == 400 {
        return Some("a step below a millisecond is refused; Prometheus divides by zero");
    }
    if case.kind == "origins" && ours.status == 403 {
        return Some("a page of a foreign origin is refused; Prometheus answers it");
    }
    if case.kind == "write" && theirs.status == ours.status && matches!(ours.status, 400 | 415) {
        return Some("a malformed message is refused in other words");
    }
    if our.contains("io.prometheus.write.v2.Request protobuf message is not accepted") {
        return Some("remote write 2.0 is not taken");
    }
    if case.path.starts_with("/api/v1/read") && ours.status == 404 {
        return Some("there is no remote read");
    }
    if case.kind == "format_query" && theirs.status == 200 && bare(&their) == bare(&our) {
        return Some(
            "a name in quotes that needs none is printed without, and lines are indented where Prometheus is not",
        );
    }
    if case.kind == "admin" && ours.status == 200 && our == r#"{"status":"success","data":[]}"# {
        return Some(
            "a series that is deleted is gone at once; Prometheus names it until its block is written anew",
        );
    }
    if let (Some(their), Some(our)) = (listed(theirs), listed(ours)) {
        if case.path.contains("limit=") && their.len() == our.len() {
            return Some("which of the names a limit leaves is not defined");
        }
        let text = format!("{}{}", case.path, String::from_utf8_lossy(&case.body));
        let has_span = text.contains("start=1") || text.contains("end=1");
        if has_span && our.iter().all(|name| their.contains(name)) {
            return Some(
                "names of series without a sample in the span are left out; Prometheus goes by its blocks",
            );
        }
    }
    if their.contains("found duplicate series for the match group") && ours.status == theirs.status {
        return Some("which two of several duplicates an error names is not defined");
    }
    if without_remarks(theirs) == without_remarks(ours) && theirs.status == 200 {
        return Some("the answer is the same, and a remark on it is worded or placed otherwise");
    }
    let request = format!("{}{}", case.path, String::from_utf8_lossy(&case.body));
    if ["topk", "bottomk", "limitk", "limit%5Fratio", "sort"].iter().any(|name| request.contains(name))
        && ours.status == 200
    {
        return Some(
            "which of equal series `topk` and its like choose, and how equal ones are sorted, is not defined",
        );
    }
    None
}

/// An answer as JSON but for warnings and infos.
fn without_remarks(reply: &Reply) -> Option<Value> {
    let mut answer: Value = serde_json::from_slice(&reply.body).ok()?;
    let answer_of = answer.as_object_mut()?;
    answer_of.remove("warnings");
    answer_of.remove("infos");
    Some(answer)
}

/// An expression without the braces around names, and without white space.
fn bare(text: &str) -> String {
    // The commas between what is left out go too.
    let out = text.replace("\\n", "").replace([' ', '{', '}', ',', '"', '\\'], "");
    out.replace("__name__=", "")
}
