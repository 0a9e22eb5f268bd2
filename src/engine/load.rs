//! The files that the engine runs: `prometheus.yml` and what it names.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use crate::{
    diagnostic::Diagnostic,
    files,
    formats::{
        self,
        prometheus::{self, Config},
    },
    promql::{eval, syntax},
    rules::{Group, Program, Settings},
    series::Labels,
    text::Source,
};

use super::ReloadError;

/// Files that were read and fit together.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// Of `prometheus.yml`, without its secrets.
    pub text: String,
    pub program: Arc<Program>,
    /// The file of each of the program's groups.
    pub group_files: Vec<String>,
    /// What is worth a warning, a line each.
    pub warnings: Vec<String>,
}

/// Reads `prometheus.yml` and the files that it names. `Err` tells all mistakes, a line each. `external_url` is for
/// templates of rules and for links in alerts, `environment` for the variables in external labels.
pub fn load(
    path: &Path,
    external_url: &str,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Loaded, ReloadError> {
    let text = read_text(path)?;
    let source = Source::new(path.display().to_string(), text);
    let (mut config, found) = prometheus::read(&source).map_err(|mistakes| told(&mistakes))?;
    let mut warnings = lines(&found);
    let (labels, missing) = config.global.expand(environment);
    config.global.external_labels = labels;
    let missed = |name| format!("external_labels: the environment variable `{name}` is empty");
    warnings.extend(missing.into_iter().map(missed));
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    config.set_directory(folder);
    for pattern in std::mem::take(&mut config.scrape_config_files) {
        for path in matching(&pattern.node)? {
            let source = Source::new(path.display().to_string(), read_text(&path)?);
            let inside = path.parent().unwrap_or(folder);
            let read = prometheus::read_scrape_file(&source, &config.global, inside);
            let (configs, found) = read.map_err(|mistakes| told(&mistakes))?;
            warnings.extend(lines(&found));
            config.scrape_configs.extend(configs);
        }
    }
    unique_jobs(&config)?;
    let (groups, group_files) = rule_files(&config, &mut warnings)?;
    let interval = i64::try_from(config.global.evaluation_interval.as_millis()).unwrap_or(i64::MAX);
    let labels = config.global.external_labels.iter();
    let external_labels: Labels = labels.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let settings = Settings {
        external_labels,
        external_url: external_url.to_owned(),
        server_url: Some(external_url.to_owned()),
        syntax: syntax::Options::default(),
        eval: eval::Options { subquery_step_millis: interval, ..eval::Options::default() },
    };
    let program = Program::new(groups, settings).map_err(|mistakes| {
        ReloadError(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let text = prometheus::redacted(&source);
    Ok(Loaded { config, text, program: Arc::new(program), group_files, warnings })
}

/// The groups of all rule files, in the order of the patterns, and their files.
fn rule_files(config: &Config, warnings: &mut Vec<String>) -> Result<(Vec<Group>, Vec<String>), ReloadError> {
    let (mut groups, mut group_files) = (Vec::new(), Vec::new());
    let mut mistakes = Vec::new();
    for pattern in &config.rule_files {
        for path in matching(&pattern.node)? {
            let name = path.display().to_string();
            let source = Source::new(name.clone(), read_text(&path)?);
            match formats::rules::read(&source, &syntax::Options::default()) {
                Ok((file, found)) => {
                    warnings.extend(lines(&found));
                    for (written, mut group) in file.groups.iter().zip(file.groups()) {
                        if written.query_offset.is_none() {
                            group.query_offset = config.global.rule_query_offset;
                        }
                        groups.push(group);
                        group_files.push(name.clone());
                    }
                }
                Err(found) => mistakes.extend(found),
            }
        }
    }
    if mistakes.is_empty() { Ok((groups, group_files)) } else { Err(told(&mistakes)) }
}

fn unique_jobs(config: &Config) -> Result<(), ReloadError> {
    let mut seen = BTreeSet::new();
    for job in &config.scrape_configs {
        if !seen.insert(&job.job_name) {
            return Err(ReloadError(format!(
                "found multiple scrape configs with job name \"{}\"",
                job.job_name
            )));
        }
    }
    Ok(())
}

fn matching(pattern: &Path) -> Result<Vec<std::path::PathBuf>, ReloadError> {
    files::glob(pattern).map_err(|error| ReloadError(error.to_string()))
}

fn read_text(path: &Path) -> Result<String, ReloadError> {
    files::read_text(path).map_err(|error| ReloadError(error.to_string()))
}

fn told(mistakes: &[Diagnostic]) -> ReloadError {
    ReloadError(lines(mistakes).join("\n"))
}

/// `file:line:column: message`, as compilers write it.
fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    let line = |diagnostic: &Diagnostic| match diagnostic.labels.first() {
        None => diagnostic.message.clone(),
        Some(label) => {
            let at = label.source.position(label.span.start);
            format!("{}:{}:{}: {}", label.source.name(), at.line, at.column, diagnostic.message)
        }
    };
    diagnostics.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expect: Result<&[(&str, &str)], &str>) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            crate::files::write_secret(&folder.path().join(path), text.as_bytes()).unwrap();
        }
        let got = load(&folder.path().join("prometheus.yml"), "http://here:1", |_| None);
        let root = format!("{}/", folder.path().display());
        match (got, expect) {
            (Ok(loaded), Ok(expect)) => {
                let names = loaded.program.groups().iter().map(|group| group.name.clone());
                let places = loaded.group_files.iter().map(|file| file.replace(&root, ""));
                let got: Vec<_> = places.zip(names).collect();
                let got: Vec<_> = got.iter().map(|(file, name)| (file.as_str(), name.as_str())).collect();
                assert_eq!(got, expect);
            }
            (Err(error), Err(expect)) => assert_eq!(error.to_string().replace(&root, ""), expect),
            (got, _) => panic!("{got:?}"),
        }
    }

    const RULES: &str = "groups: [{name: g, rules: [{record: a:b, expr: sum(up)}]}]";

    #[test]
    fn files_are_read_together() {
        check(&[("prometheus.yml", "{}")], Ok(&[]));
        check(
            &[
                ("prometheus.yml", "rule_files: ['r/*.yml', none.yml]"),
                ("r/b.yml", RULES),
                ("r/a.yml", RULES),
            ],
            Ok(&[("r/a.yml", "g"), ("r/b.yml", "g")]),
        );
        check(
            &[
                ("prometheus.yml", "scrape_configs: [{job_name: a}]\nscrape_config_files: [s.yml]"),
                ("s.yml", "scrape_configs: [{job_name: a}]"),
            ],
            Err("found multiple scrape configs with job name \"a\""),
        );
        check(
            &[("prometheus.yml", "rule_files: [r.yml]"), ("r.yml", &RULES.replace("sum(up)", "sum(up"))],
            Err("r.yml:1:54: unclosed left parenthesis"),
        );
        check(&[], Err("cannot read `prometheus.yml`: it does not exist"));
    }

    #[test]
    fn what_groups_and_labels_take_from_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            crate::files::write_secret(&folder.path().join(path), text.as_bytes()).unwrap();
        };
        write(
            "prometheus.yml",
            "global: {rule_query_offset: 1m, external_labels: {a: '${SITE}-$$1', b: $NO}}\nrule_files: [r.yml]",
        );
        write("r.yml", "groups: [{name: a}, {name: b, query_offset: 0s}, {name: c, query_offset: 5s}]");
        let environment = |name: &str| (name == "SITE").then(|| "lab".to_owned());
        let loaded = load(&folder.path().join("prometheus.yml"), "", environment).unwrap();
        let offsets = loaded.program.groups().iter().map(|group| group.query_offset.as_millis());
        assert_eq!(offsets.collect::<Vec<_>>(), [60_000, 0, 5_000]);
        let labels = [("a".to_owned(), "lab-$1".to_owned()), ("b".to_owned(), String::new())];
        assert_eq!(loaded.config.global.external_labels, labels);
        assert_eq!(loaded.warnings, ["external_labels: the environment variable `NO` is empty"]);
    }
}
