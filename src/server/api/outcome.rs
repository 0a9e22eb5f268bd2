//! What an endpoint of the API gives.

use super::error::ApiError;
use crate::{
    formats::answer::{Json, push_remarks},
    server::http::Reply,
};

/// An answer, or why there is none.
pub(super) type Outcome = Result<Reply, ApiError>;

/// `{"status":"success","data":…}`; `write` writes the value of `data`.
pub(super) fn success(write: impl FnOnce(&mut Json)) -> Outcome {
    with_warnings(Vec::new(), write)
}

/// As [`success`], with warnings where there are any.
#[expect(clippy::unnecessary_wraps, reason = "what an endpoint ends with")]
pub(super) fn with_warnings(warnings: Vec<String>, write: impl FnOnce(&mut Json)) -> Outcome {
    let mut json = Json::default();
    json.raw(r#"{"status":"success","data":"#);
    write(&mut json);
    let mut text = json.into_string();
    push_remarks(warnings, Vec::new(), &mut text);
    text.push('}');
    Ok(Reply::json(200, text))
}

/// 204: done, and nothing to say.
#[expect(clippy::unnecessary_wraps, reason = "what an endpoint ends with")]
pub(super) fn done() -> Outcome {
    Ok(Reply::empty(204))
}

/// Keeps as many items as `limit` says, and warns where some are left out; 0 is no limit.
pub(super) fn truncated<T>(items: &mut Vec<T>, limit: usize) -> Vec<String> {
    if limit == 0 || items.len() <= limit {
        return Vec::new();
    }
    items.truncate(limit);
    vec!["results truncated due to limit".to_owned()]
}
