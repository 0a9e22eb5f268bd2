//! Searches among series: `series`, `labels`, `label/…/values`.

use super::{
    Api,
    error::ApiError,
    outcome::{Outcome, truncated, with_warnings},
    params,
};
use crate::{formats::answer::Json, series::quoted, server::http::Asked};

impl Api {
    pub(super) fn series(&self, asked: &Asked) -> Outcome {
        params::needs_match(asked)?;
        let limit = params::limit(asked)?;
        let span = params::span(params::bounds(asked)?);
        let sets = params::some_matchers(asked, self.settings.syntax)?;
        let mut series = self.store.reader().series(&params::borrowed(&sets), span)?;
        let warnings = truncated(&mut series, limit);
        with_warnings(warnings, |json| json.list(&series, Json::labels))
    }

    pub(super) fn labels(&self, asked: &Asked) -> Outcome {
        let limit = params::limit(asked)?;
        let span = params::span(params::bounds(asked)?);
        let sets = params::matchers(asked, self.settings.syntax).map_err(ApiError::bad_data)?;
        let mut names = self.store.reader().label_names(&params::borrowed(&sets), span)?;
        let warnings = truncated(&mut names, limit);
        with_warnings(warnings, |json| json.texts(&names))
    }

    pub(super) fn label_values(&self, asked: &Asked, name: &str) -> Outcome {
        let name = unescaped(name);
        if name.is_empty() {
            return Err(ApiError::bad_data(format!("invalid label name: {}", quoted(&name))));
        }
        let limit = params::limit(asked)?;
        let span = params::span(params::bounds(asked)?);
        let sets = params::matchers(asked, self.settings.syntax).map_err(ApiError::bad_data)?;
        let mut values = self.store.reader().label_values(&name, &params::borrowed(&sets), span)?;
        let warnings = truncated(&mut values, limit);
        with_warnings(warnings, |json| json.texts(&values))
    }
}

/// `U__a_2e_b` is `a.b`: names that URLs cannot hold are escaped
/// (<https://prometheus.io/docs/concepts/escaping_schemes/>). A name with a mistake in it is left as it is.
fn unescaped(name: &str) -> String {
    name.strip_prefix("U__").and_then(decoded).unwrap_or_else(|| name.to_owned())
}

fn decoded(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let (code, after) = rest.split_once('_')?;
        let is_hex = code.len() <= 6 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(code, 16).ok().filter(|_| is_hex)?;
        out.push(char::from_u32(code)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: &str) {
        assert_eq!(unescaped(name), expect);
    }

    #[test]
    fn names_are_unescaped() {
        check("job", "job");
        check("U__a_2e_b", "a.b");
        check("U__a__b_1F600_", "a_b😀");
        check("U___20_", " ");
        check("U__", "");
        check("U__a_", "U__a_");
        check("U__a_zz_", "U__a_zz_");
        check("U__a_1234567_", "U__a_1234567_");
        check("U__a_d800_", "U__a_d800_");
    }
}
