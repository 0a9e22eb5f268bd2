//! Names: of the service, jobs, models, endpoints, sources and files.

use std::path::PathBuf;

use crate::{text::nearest, yaml::Scalar};

use super::{
    Component, EngineChoice, Role, SourceRef,
    scalar::{Refusal, refuse},
};

/// The job of llmobs' own mock service.
pub(super) const MOCK_JOB: &str = "mock";

/// Longest name of a service or job.
const MAX_NAME: usize = 63;
/// Longest name of a model or provider.
const MAX_LABEL: usize = 200;

/// Letters, digits, `.`, `_` and `-`, starting with a letter or digit: it becomes part of names everywhere.
pub(super) fn service(scalar: &Scalar) -> Result<String, Refusal> {
    identifier(&scalar.text, "service", |first| first.is_ascii_alphanumeric())
}

/// As the service, but starting with a letter or `_`: it becomes an option of a dashboard variable.
pub(super) fn job(scalar: &Scalar) -> Result<String, Refusal> {
    let job = identifier(&scalar.text, "job", |first| first.is_ascii_alphabetic() || first == '_')?;
    if job == MOCK_JOB {
        return refuse(
            format!("the job name `{MOCK_JOB}` belongs to the mock service of llmobs"),
            "choose another name for your job",
        );
    }
    Ok(job)
}

fn identifier(text: &str, what: &str, starts: fn(char) -> bool) -> Result<String, Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if text.is_empty() {
        return refuse(
            format!("the name of the {what} is empty"),
            format!("write a name such as `chat-{what}`"),
        );
    }
    if text.chars().all(allowed) && text.starts_with(starts) && text.len() <= MAX_NAME {
        return Ok(text.to_owned());
    }
    let mended = text.trim().replace(|c| !allowed(c), "-");
    let mended = mended.trim_start_matches(|c| !starts(c)).chars().take(MAX_NAME).collect::<String>();
    let help = if mended.is_empty() {
        format!("use letters, digits, `.`, `_` and `-`, such as `chat-{what}`")
    } else {
        format!("use letters, digits, `.`, `_` and `-`, at most {MAX_NAME}, such as `{mended}`")
    };
    refuse(format!("`{}` is no name for a {what}", text.escape_debug()), help)
}

/// Any text without control characters: a model is called what its provider calls it.
pub(super) fn label(scalar: &Scalar) -> Result<String, Refusal> {
    let text = scalar.text.as_str();
    if text.trim().is_empty() {
        return refuse("the name is empty", "write the name as it stands in the metrics");
    }
    if text.chars().any(char::is_control) {
        return refuse(
            format!("the name `{}` holds a control character", text.escape_debug()),
            "remove line breaks, tabs and other control characters",
        );
    }
    let length = text.chars().count();
    if length > MAX_LABEL {
        return refuse(
            format!("the name is {length} characters long"),
            format!("write at most {MAX_LABEL} characters"),
        );
    }
    Ok(text.to_owned())
}

/// `host:port` as Prometheus takes it: no scheme, no path.
pub(super) fn endpoint(scalar: &Scalar) -> Result<String, Refusal> {
    let text = scalar.text.as_str();
    if host_and_port(text).is_some() {
        return Ok(text.to_owned());
    }
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = bare.split(['/', '?', '#']).next().unwrap_or(bare).trim();
    let bracketed = bare.rsplit_once(':').map(|(host, port)| format!("[{host}]:{port}"));
    let shown = text.escape_debug();
    if bare != text && host_and_port(bare).is_some() {
        return refuse(
            format!("`{shown}` is not `host:port`"),
            format!("write `{bare}`, with no scheme and no path"),
        );
    }
    if let Some(bracketed) = bracketed.filter(|b| bare.matches(':').count() > 1 && host_and_port(b).is_some())
    {
        return refuse(format!("`{shown}` is not `host:port`"), format!("write `{bracketed}`"));
    }
    if is_host(bare) {
        return refuse(
            format!("`{shown}` has no port"),
            format!("write `{bare}:8000` with the port of its metrics"),
        );
    }
    refuse(
        format!("`{shown}` is not `host:port`"),
        "write an address such as `10.0.0.5:8000` or `[::1]:8000`",
    )
}

fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0)?;
    is_host(host).then_some((host, port))
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && text.chars().all(allowed)
}

pub(super) fn role(scalar: &Scalar) -> Result<Role, Refusal> {
    match scalar.text.as_str() {
        "entry" => Ok(Role::Entry),
        "backend" => Ok(Role::Backend),
        text => refuse(
            format!("`{}` is no role", text.escape_debug()),
            match nearest(text, ["entry", "backend"]) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "write `entry` for what counts in totals, `backend` for what stands behind it".to_owned()
                }
            },
        ),
    }
}

pub(super) fn component(scalar: &Scalar) -> Result<Component, Refusal> {
    let text = scalar.text.as_str();
    if let Some(component) = Component::ALL.into_iter().find(|component| component.name() == text) {
        return Ok(component);
    }
    refuse(
        format!("`{}` is no component", text.escape_debug()),
        match nearest(text, Component::ALL.map(Component::name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("components are {}", list(Component::ALL.map(Component::name))),
        },
    )
}

pub(super) fn engine(scalar: &Scalar) -> Result<EngineChoice, Refusal> {
    let text = scalar.text.as_str();
    if let Some(engine) = EngineChoice::ALL.into_iter().find(|engine| engine.name() == text) {
        return Ok(engine);
    }
    refuse(
        format!("`{}` is no engine", text.escape_debug()),
        match nearest(text, EngineChoice::ALL.map(EngineChoice::name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("engines are {}", list(EngineChoice::ALL.map(EngineChoice::name))),
        },
    )
}

/// The name of a built-in source, or a file: what holds a `/` or ends as YAML files do.
pub(super) fn source(scalar: &Scalar, builtin: &[&str]) -> Result<SourceRef, Refusal> {
    let text = scalar.text.as_str();
    if builtin.contains(&text) {
        return Ok(SourceRef::Builtin(text.to_owned()));
    }
    if [".yaml", ".yml"].iter().any(|end| text.ends_with(end)) || text.contains('/') {
        return path(scalar).map(SourceRef::File);
    }
    refuse(
        format!("`{}` is no metric source", text.escape_debug()),
        match nearest(text, builtin.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "sources are {}, or the path of a file of your own such as `./source.yaml`",
                list(builtin.iter().copied())
            ),
        },
    )
}

/// A path as the user wrote it.
pub(super) fn path(scalar: &Scalar) -> Result<PathBuf, Refusal> {
    let text = scalar.text.as_str();
    if text.is_empty() || text.chars().any(char::is_control) {
        return refuse(
            format!("`{}` is no path of a file", text.escape_debug()),
            "write a path such as `rules/mine.yaml`",
        );
    }
    Ok(PathBuf::from(text))
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::yaml::Style;

    use super::*;

    #[track_caller]
    fn check<T: std::fmt::Debug>(reader: impl Fn(&Scalar) -> Result<T, Refusal>, text: &str, expect: &str) {
        let got = match reader(&Scalar { text: text.to_owned(), style: Style::Plain, in_flow: false }) {
            Ok(value) => format!("{value:?}"),
            Err(Refusal { message, help }) => format!("{message} | {help}"),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn services_and_jobs() {
        check(service, "chat-api", "\"chat-api\"");
        check(service, "9lives", "\"9lives\"");
        let use_ = "use letters, digits, `.`, `_` and `-`";
        check(
            service,
            "chat api",
            &format!("`chat api` is no name for a service | {use_}, at most 63, such as `chat-api`"),
        );
        check(service, "é", &format!("`é` is no name for a service | {use_}, such as `chat-service`"));
        check(service, "", "the name of the service is empty | write a name such as `chat-service`");
        check(job, "_gateway.1", "\"_gateway.1\"");
        check(job, "1st", &format!("`1st` is no name for a job | {use_}, at most 63, such as `st`"));
        check(job, "a,b", &format!("`a,b` is no name for a job | {use_}, at most 63, such as `a-b`"));
        check(job, "a\nb", &format!("`a\\nb` is no name for a job | {use_}, at most 63, such as `a-b`"));
        check(
            job,
            "mock",
            "the job name `mock` belongs to the mock service of llmobs | choose another name for your job",
        );
        check(job, &"j".repeat(63), &format!("{:?}", "j".repeat(63)));
    }

    #[test]
    fn labels_take_all_but_control_characters() {
        for name in [
            "meta-llama/Llama-3.1-70B",
            "a\"b",
            "j|k.*",
            "c\\d",
            "é中",
            "{{ x }}",
            "$f",
            "</script>",
            "a b",
            "#",
        ] {
            check(label, name, &format!("{name:?}"));
        }
        let help = "remove line breaks, tabs and other control characters";
        check(label, "a\nb", &format!("the name `a\\nb` holds a control character | {help}"));
        check(label, "\u{7f}", &format!("the name `\\u{{7f}}` holds a control character | {help}"));
        check(label, "\u{85}x", &format!("the name `\\u{{85}}x` holds a control character | {help}"));
        check(label, " ", "the name is empty | write the name as it stands in the metrics");
        check(label, &"é".repeat(201), "the name is 201 characters long | write at most 200 characters");
    }

    #[test]
    fn endpoints() {
        check(endpoint, "gateway:4000", "\"gateway:4000\"");
        check(endpoint, "[::1]:8000", "\"[::1]:8000\"");
        let scheme = "write `10.0.0.5:8000`, with no scheme and no path";
        for bad in ["http://10.0.0.5:8000", "10.0.0.5:8000/metrics", "https://10.0.0.5:8000/m?x"] {
            check(endpoint, bad, &format!("`{bad}` is not `host:port` | {scheme}"));
        }
        check(endpoint, "::1:8000", "`::1:8000` is not `host:port` | write `[::1]:8000`");
        check(
            endpoint,
            "gateway",
            "`gateway` has no port | write `gateway:8000` with the port of its metrics",
        );
        let help = "write an address such as `10.0.0.5:8000` or `[::1]:8000`";
        for bad in ["gateway:http", "gateway:0", "gateway:70000", "a b:1", ":80", "-x:80", "a:+1"] {
            check(endpoint, bad, &format!("`{bad}` is not `host:port` | {help}"));
        }
    }

    #[test]
    fn sources_roles_and_components() {
        let source = |scalar: &Scalar| super::source(scalar, &["llmobs", "vllm"]);
        check(source, "vllm", "Builtin(\"vllm\")");
        check(source, "./mine.yaml", "File(\"./mine.yaml\")");
        check(source, "mine.yml", "File(\"mine.yml\")");
        check(source, "vlm", "`vlm` is no metric source | did you mean `vllm`?");
        check(
            source,
            "triton",
            "`triton` is no metric source | sources are `llmobs`, `vllm`, or the path of a file of your own such as `./source.yaml`",
        );
        check(role, "backend", "Backend");
        check(
            role,
            "mock",
            "`mock` is no role | write `entry` for what counts in totals, `backend` for what stands behind it",
        );
        check(component, "grafana", "Grafana");
        check(component, "promethues", "`promethues` is no component | did you mean `prometheus`?");
        check(
            component,
            "loki",
            "`loki` is no component | components are `prometheus`, `grafana`, `exporter`",
        );
        check(path, "a\tb", "`a\\tb` is no path of a file | write a path such as `rules/mine.yaml`");
    }
}
