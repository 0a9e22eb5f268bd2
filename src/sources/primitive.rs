//! The holes of a primitive and what fills them.
//!
//! A primitive is `PromQL` with three holes: `$selector` (label matchers), `$window` (a duration) and `$by`
//! (grouping labels). A selector is never empty, so a matcher of the source's own may stand before it.

/// A place in a primitive that is filled for each use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hole {
    Selector,
    Window,
    By,
}

impl Hole {
    pub fn text(self) -> &'static str {
        match self {
            Self::Selector => "$selector",
            Self::Window => "$window",
            Self::By => "$by",
        }
    }
}

/// Whether an expression has a hole.
pub fn has(expr: &str, hole: Hole) -> bool {
    expr.contains(hole.text())
}

/// What fills the holes of a primitive.
#[derive(Debug, Clone, Copy)]
pub struct Fill<'a> {
    /// Label matchers as `PromQL`, at least one.
    pub selector: &'a str,
    /// A `PromQL` duration or a Grafana variable that stands for one; unused by gauges.
    pub window: &'a str,
    /// Labels as the source names them; none for one grand total.
    pub by: &'a [String],
}

/// The expression with its holes filled. An empty grouping leaves no `by ()` behind.
pub fn fill(expr: &str, fill: &Fill<'_>) -> String {
    let grouped = if fill.by.is_empty() {
        expr.replace(" by ($by) (", "(")
    } else {
        expr.replace(Hole::By.text(), &fill.by.join(", "))
    };
    grouped.replace(Hole::Selector.text(), fill.selector).replace(Hole::Window.text(), fill.window)
}

/// The family names that an expression selects, by name or by alternatives in `__name__=~"…"`.
pub fn families(expr: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(brace) = expr[from..].find('{').map(|at| from + at) {
        let before = &expr[from..brace];
        let start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
            .map_or(0, |at| at + 1);
        let name = &before[start..];
        let end = expr[brace..].find('}').map_or(expr.len(), |at| brace + at);
        if name.is_empty() {
            found.extend(named_by_matcher(&expr[brace..end]));
        } else {
            found.push(name.to_owned());
        }
        from = end;
    }
    found
}

/// `{__name__=~"a_(b|c)_d",…}` to `a_b_d` and `a_c_d`: the one form of alternatives that source files use.
fn named_by_matcher(selector: &str) -> Vec<String> {
    let Some(pattern) = selector.split("__name__=~\"").nth(1).and_then(|rest| rest.split('"').next()) else {
        return Vec::new();
    };
    match pattern.split_once('(').and_then(|(head, rest)| Some((head, rest.split_once(')')?))) {
        Some((head, (middle, tail))) => middle.split('|').map(|m| format!("{head}{m}{tail}")).collect(),
        None => pattern.split('|').map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expr: &str, by: &[&str], expect: &str) {
        let by: Vec<String> = by.iter().map(|label| (*label).to_owned()).collect();
        let got = fill(expr, &Fill { selector: r#"job="a""#, window: "5m", by: &by });
        assert_eq!(got, expect);
    }

    #[test]
    fn holes_are_filled() {
        let rate = "sum by ($by) (rate(x_total{s=\"e\",$selector}[$window]))";
        check(rate, &[], "sum(rate(x_total{s=\"e\",job=\"a\"}[5m]))");
        check(rate, &["model"], "sum by (model) (rate(x_total{s=\"e\",job=\"a\"}[5m]))");
        check(rate, &["job", "le"], "sum by (job, le) (rate(x_total{s=\"e\",job=\"a\"}[5m]))");
        check("max by ($by) (g{$selector})", &[], "max(g{job=\"a\"})");
    }

    #[test]
    fn families_are_found() {
        assert_eq!(families("sum by ($by) (rate(vllm:x_total{$selector}[$window]))"), ["vllm:x_total"]);
        assert_eq!(
            families(r#"rate({__name__=~"v:(a|b)_total",$selector}[1m])"#),
            ["v:a_total", "v:b_total"]
        );
        assert_eq!(families("a{x=\"1\",$selector} - b{$selector}"), ["a", "b"]);
    }
}
