//! Provisioning files as such: which of a folder are read, their version, and variables in their values.

use std::{fs, io, path::Path};

use anyhow::{Context, anyhow, bail, ensure};
use serde_json::{Map, Value};

use super::{
    log::{Level, log},
    settings::Environment,
};

/// A provisioning file, parsed, its variables filled in.
#[derive(Debug, Clone)]
pub(super) struct Provisioned {
    /// The path, for messages.
    pub(super) name: String,
    pub(super) root: Map<String, Value>,
}

/// The `*.yaml` and `*.yml` files of a folder, by name. A folder that is not there is worth an error line, no more.
pub(super) fn read_folder(folder: &Path, environment: &Environment) -> anyhow::Result<Vec<Provisioned>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message =
                format!("can't read provisioning files from directory `{}`: {error}", folder.display());
            log("provisioning", Level::Error, message);
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", folder.display())),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{name}`"))?;
        files.push(parse(&name, &text, environment)?);
        log("provisioning", Level::Info, format!("read `{name}`"));
    }
    Ok(files)
}

/// Parses a file and fills in its variables. A file without a version, which Grafana takes for one of an old form, is
/// refused.
pub(super) fn parse(name: &str, text: &str, environment: &Environment) -> anyhow::Result<Provisioned> {
    let value: Value =
        serde_yaml::from_str(text).map_err(|error| anyhow!("`{name}` does not parse: {error}"))?;
    let Value::Object(root) = value else { bail!("`{name}` is no mapping") };
    let version = root.get("apiVersion").with_context(|| format!("`{name}` has no `apiVersion`"))?;
    ensure!(version.as_u64() == Some(1), "`{name}`: `apiVersion` is {version}, only 1 is known");
    let mut value = Value::Object(root);
    expand_all(&mut value, environment);
    match value {
        Value::Object(root) => Ok(Provisioned { name: name.to_owned(), root }),
        _ => bail!("`{name}` is no mapping"),
    }
}

impl Provisioned {
    /// The entries of a list of mappings; absent is empty.
    pub(super) fn entries(&self, key: &str) -> anyhow::Result<Vec<&Map<String, Value>>> {
        let name = &self.name;
        match self.root.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(entries)) => entries
                .iter()
                .map(|entry| {
                    entry.as_object().with_context(|| format!("`{name}`: an entry of `{key}` is no mapping"))
                })
                .collect(),
            Some(_) => bail!("`{name}`: `{key}` is no list"),
        }
    }
}

/// A scalar as text, as Grafana reads it into a string; absent is empty.
pub(super) fn string(entry: &Map<String, Value>, key: &str) -> anyhow::Result<String> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(scalar.to_string()),
        Some(_) => bail!("`{key}` is no text"),
    }
}

/// A truth value, which may have come out of a variable; absent is false.
pub(super) fn flag(entry: &Map<String, Value>, key: &str) -> anyhow::Result<bool> {
    match entry.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
        Some(other) => bail!("`{key}` is {other}, neither true nor false"),
    }
}

/// Only the first organisation exists in a new Grafana.
pub(super) fn check_organisation(entry: &Map<String, Value>) -> anyhow::Result<()> {
    let organisation = string(entry, "orgId")?;
    ensure!(matches!(organisation.as_str(), "" | "0" | "1"), "organisation {organisation} does not exist");
    Ok(())
}

/// What Grafana takes for a uid (grafana/grafana: `pkg/util/shortid_generator.go`).
pub(super) fn check_uid(uid: &str) -> anyhow::Result<()> {
    ensure!(uid.len() <= 40, "uid `{uid}` is longer than 40 characters");
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    ensure!(uid.chars().all(legal), "uid `{uid}` contains illegal characters");
    Ok(())
}

fn expand_all(value: &mut Value, environment: &Environment) {
    match value {
        Value::String(text) => *text = expand(text, environment),
        Value::Array(items) => items.iter_mut().for_each(|item| expand_all(item, environment)),
        // Keys are left alone.
        Value::Object(map) => map.values_mut().for_each(|item| expand_all(item, environment)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `$NAME`, `${NAME}` and `$__env{NAME}` become the variable's value, an unknown one nothing; `$$` is a dollar sign.
pub(super) fn expand(text: &str, environment: &Environment) -> String {
    let parts = text.split("$$").map(|part| expand_part(part, environment));
    parts.collect::<Vec<String>>().join("$")
}

fn expand_part(part: &str, environment: &Environment) -> String {
    let value = |name: &str| environment.get(name).map_or("", String::as_str);
    let mut pieces = part.split('$');
    let mut expanded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let braced = piece.strip_prefix("__env{").or_else(|| piece.strip_prefix('{'));
        if let Some((name, rest)) = braced.and_then(|inside| inside.split_once('}')) {
            expanded.push_str(value(name));
            expanded.push_str(rest);
            continue;
        }
        let is_special = piece.starts_with(|c: char| c.is_ascii_digit() || "*#@!?-".contains(c));
        let length = if is_special { 1 } else { name_length(piece) };
        if length == 0 {
            expanded.push('$');
        }
        expanded.push_str(value(&piece[..length]));
        expanded.push_str(&piece[length..]);
    }
    expanded
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [("HOST", "prometheus"), ("PORT", "9090"), ("A_1", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(expand(text, &environment()), expect);
    }

    #[test]
    fn variables_are_filled_in() {
        check("plain", "plain");
        check("http://$HOST:${PORT}/", "http://prometheus:9090/");
        check("$__env{HOST}", "prometheus");
        check("$A_1.$HOST", "x.prometheus");
        check("[$NONE${NONE}]", "[]");
        check("$${__value.raw}", "${__value.raw}");
        check("$$HOST$$", "$HOST$");
        check("$$$HOST", "$prometheus");
        check("a $ b", "a $ b");
        check("5$", "5$");
        check("$1st", "st");
    }

    #[test]
    fn files_have_a_version_and_are_mappings() {
        let check = |text: &str, expect: &str| {
            assert_eq!(parse("f.yaml", text, &environment()).unwrap_err().to_string(), expect);
        };
        check("- a\n", "`f.yaml` is no mapping");
        check("datasources: []\n", "`f.yaml` has no `apiVersion`");
        check("apiVersion: 2\n", "`f.yaml`: `apiVersion` is 2, only 1 is known");
        let broken = parse("f.yaml", "a: [1\n", &environment()).unwrap_err().to_string();
        assert!(broken.starts_with("`f.yaml` does not parse: "), "{broken}");
        let twice =
            parse("f.yaml", "apiVersion: 1\napiVersion: 1\n", &environment()).unwrap_err().to_string();
        assert!(twice.starts_with("`f.yaml` does not parse: "), "{twice}");
        let file =
            parse("f.yaml", "apiVersion: 1\nx: [{a$HOST: {b: [$PORT, 1]}}]\n", &environment()).unwrap();
        assert_eq!(
            Value::from(file.root),
            serde_json::json!({"apiVersion": 1, "x": [{"a$HOST": {"b": ["9090", 1]}}]})
        );
    }
}
