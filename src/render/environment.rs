//! The minijinja environment: our delimiters, strict about what is undefined, escaping by file type.

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, syntax::SyntaxConfig,
};

use super::{escape, number, templates::TEMPLATES};

/// An environment with every template, filter and no functions yet.
///
/// Statements are `<% … %>`, values `<< … >>`, comments `<# … #>`: what is rendered is full of `{{ … }}` of
/// Prometheus and Grafana. In `.json` and `.yml` templates each value is written as JSON, which is YAML too.
pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<<", ">>")
        .comment_delimiters("<#", "#>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .expect("the delimiters are distinct");
    env.set_syntax(syntax);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "json" | "yml")) => AutoEscape::Json,
        _ => AutoEscape::None,
    });
    env.set_formatter(write_value);
    env.add_filter("promql_string", |text: &str| escape::promql_string(text));
    env.add_filter("promql_regex", |text: &str| escape::promql_regex(text));
    env.add_filter("number", number::number);
    env.add_filter("percent", number::percent);
    env.add_filter("usd", number::usd);
    env.add_filter("block", block);
    for (name, text) in TEMPLATES {
        env.add_template(name, text).expect("a test parses every template that is shipped");
    }
    env
}

/// Writes a value: as JSON where the file's type asks for it, else as it is. minijinja's own JSON also escapes
/// what could end a script element; here people read the file.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if *state.auto_escape() != AutoEscape::Json || value.is_safe() {
        return minijinja::escape_formatter(out, state, value);
    }
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::BadSerialization, "a value has no JSON form").with_source(error)
    })?;
    out.write_str(&text).map_err(Error::from)
}

/// A text as lines of a YAML block scalar: each but the first moved in by `width`, unescaped. The block
/// indicator stands in the template; control characters were refused with the configuration.
fn block(text: &str, width: usize) -> Value {
    let pad = format!("\n{}", " ".repeat(width));
    Value::from_safe_string(text.trim_end().replace('\n', &pad))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        let _ = environment();
    }

    #[test]
    fn an_undefined_variable_is_an_error() {
        let mut env = environment();
        env.add_template("x.yml", "a: << nothing.here >>").unwrap();
        assert!(env.get_template("x.yml").unwrap().render(()).is_err());
    }

    #[test]
    fn values_are_escaped_for_yaml_and_json() {
        let mut env = environment();
        env.add_template("x.yml", "a: << a >>\nb: |\n  << b|block(2) >>\n").unwrap();
        let text = env
            .get_template("x.yml")
            .unwrap()
            .render(minijinja::context! { a => "x\"\n{{ y }}", b => "1\n2" })
            .unwrap();
        assert_eq!(text, "a: \"x\\\"\\n{{ y }}\"\nb: |\n  1\n  2\n");
    }
}
