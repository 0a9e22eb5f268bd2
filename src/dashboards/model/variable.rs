//! Variables of a dashboard, as they are written.

use serde_json::Value;

use super::json;

/// What stands for all values.
pub const ALL: &str = "$__all";

#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    pub name: String,
    pub label: Option<String>,
    pub kind: VariableKind,
    pub multi: bool,
    pub include_all: bool,
    /// What the choice of all says in a query, unescaped; else it is every value.
    pub all_value: Option<String>,
    /// What is chosen where nobody chose; [`ALL`] for all.
    pub current: Vec<String>,
    pub hidden: bool,
    /// What options are kept of a query's, and which part of them.
    pub regex: Option<String>,
    pub sort: Sort,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VariableKind {
    /// Asked of the data; see [`crate::dashboards::variables`].
    Query(String),
    Custom(Vec<VariableOption>),
    Interval(Vec<VariableOption>),
    Constant(String),
    TextBox,
    Datasource,
    /// Ad-hoc filters, and what else we do not know.
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableOption {
    pub text: String,
    pub value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    AsFound,
    Alphabetical { descending: bool, ignore_case: bool },
    Numerical { descending: bool },
}

impl Variable {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let name = json::text(value, "name").filter(|name| is_name(name))?;
        let query = match &value["query"] {
            Value::String(query) => query.clone(),
            object => json::text(object, "query").unwrap_or_default(),
        };
        let kind = match value["type"].as_str().unwrap_or_default() {
            "query" => {
                let query = if query.is_empty() { json::text(value, "definition") } else { Some(query) };
                VariableKind::Query(query.unwrap_or_default())
            }
            "custom" => VariableKind::Custom(options(&query, true)),
            "interval" => VariableKind::Interval(options(&query, false)),
            "constant" => VariableKind::Constant(query),
            "textbox" => VariableKind::TextBox,
            "datasource" => VariableKind::Datasource,
            other => VariableKind::Other(other.to_owned()),
        };
        let current = match &kind {
            VariableKind::Constant(constant) => vec![constant.clone()],
            _ => json::texts(&value["current"]["value"]),
        };
        let mut variable = Self {
            name,
            label: json::text(value, "label"),
            multi: json::flag(value, "multi"),
            include_all: json::flag(value, "includeAll"),
            all_value: json::text(value, "allValue"),
            current,
            hidden: value["hide"].as_u64() == Some(2) || matches!(kind, VariableKind::Constant(_)),
            regex: json::text(value, "regex"),
            sort: sort(value["sort"].as_u64().unwrap_or(0)),
            kind,
        };
        if let (VariableKind::TextBox, true) = (&variable.kind, variable.current.is_empty()) {
            variable.current = json::texts(&value["query"]);
        }
        Some(variable)
    }
}

/// Grafana's names: word characters.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `a,b\,c,Text : value`.
fn options(query: &str, with_texts: bool) -> Vec<VariableOption> {
    let mut parts = vec![String::new()];
    let mut chars = query.chars();
    while let Some(c) = chars.next() {
        let last = parts.last_mut().expect("there is always a last part");
        match c {
            '\\' => match chars.next() {
                Some(',') => last.push(','),
                Some(other) => last.extend(['\\', other]),
                None => last.push('\\'),
            },
            ',' => parts.push(String::new()),
            c => last.push(c),
        }
    }
    let option = |part: &String| {
        let part = part.trim();
        let (text, value) = match part.split_once(" : ") {
            Some((text, value)) if with_texts => (text.trim(), value.trim()),
            _ => (part, part),
        };
        (!part.is_empty()).then(|| VariableOption { text: text.to_owned(), value: value.to_owned() })
    };
    parts.iter().filter_map(option).collect()
}

fn sort(number: u64) -> Sort {
    match number {
        1 => Sort::Alphabetical { descending: false, ignore_case: false },
        2 => Sort::Alphabetical { descending: true, ignore_case: false },
        3 => Sort::Numerical { descending: false },
        4 => Sort::Numerical { descending: true },
        5 => Sort::Alphabetical { descending: false, ignore_case: true },
        6 => Sort::Alphabetical { descending: true, ignore_case: true },
        _ => Sort::AsFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expect: &[(&str, &str)]) {
        let options = options(query, true);
        let got: Vec<_> = options.iter().map(|option| (&*option.text, &*option.value)).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn custom_options_have_texts_and_escaped_commas() {
        check("", &[]);
        check("a, b ,c", &[("a", "a"), ("b", "b"), ("c", "c")]);
        check("One : 1,Two : 2", &[("One", "1"), ("Two", "2")]);
        check(r"a\,b,c\d\", &[("a,b", "a,b"), (r"c\d\", r"c\d\")]);
        check("host:9090", &[("host:9090", "host:9090")]);
    }
}
