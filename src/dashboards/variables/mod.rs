//! Variables of a dashboard: what can be chosen, what is chosen, and what that says in a text.
//!
//! Source: <https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/>.

mod escape;
mod interpolate;
mod options;

use super::model::{ALL, Variable, VariableKind, VariableOption};

pub use interpolate::{Context, Scope};
pub use options::{OptionsQuery, options_of};

/// A variable with its options and what is chosen of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    pub variable: Variable,
    pub options: Vec<VariableOption>,
    /// At least one value; [`ALL`] alone for all.
    pub values: Vec<String>,
    /// Why its options are not known.
    pub problem: Option<String>,
}

impl Chosen {
    /// `asked` are the values of the address, as `var-model=a&var-model=b`; none where it names none.
    pub fn new(
        variable: &Variable,
        options: Vec<VariableOption>,
        asked: &[String],
        problem: Option<String>,
    ) -> Self {
        let is_all = |value: &String| value == ALL || (value == "All" && variable.include_all);
        let mut values: Vec<String> =
            if asked.is_empty() { variable.current.clone() } else { asked.to_vec() };
        values.retain(|value| !value.is_empty());
        if values.iter().any(is_all) {
            values = if variable.include_all { vec![ALL.to_owned()] } else { Vec::new() };
        }
        if !variable.multi {
            values.truncate(1);
        }
        // A choice of the file that is gone makes way for one that is there; one of the address stands.
        if asked.is_empty() && matches!(variable.kind, VariableKind::Query(_)) && !options.is_empty() {
            values.retain(|value| value == ALL || options.iter().any(|option| option.value == *value));
        }
        if values.is_empty() {
            let first = options.first().map(|option| option.value.clone());
            values.extend(if variable.include_all { Some(ALL.to_owned()) } else { first });
        }
        Self { variable: variable.clone(), options, values, problem }
    }

    pub fn is_all(&self) -> bool {
        self.values.first().is_some_and(|value| value == ALL)
    }

    /// The values that the choice stands for.
    pub fn expanded(&self) -> Vec<&str> {
        if self.is_all() {
            return self.options.iter().map(|option| &*option.value).collect();
        }
        self.values.iter().map(String::as_str).collect()
    }

    /// What is chosen, for people.
    pub fn text(&self) -> String {
        if self.is_all() {
            return "All".to_owned();
        }
        let text = |value: &String| {
            let option = self.options.iter().find(|option| option.value == *value);
            option.map_or_else(|| value.clone(), |option| option.text.clone())
        };
        self.values.iter().map(text).collect::<Vec<_>>().join(" + ")
    }
}
