//! The configuration as a command sees it: layers read, sources loaded, objectives held against them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

use crate::{
    cli::{Global, Overrides},
    config::{self, Config, Layers, Setting, SourceRef},
    diagnostic::Diagnostic,
    files::{self, FileError},
    render::{Included, Input, Service, ServiceError},
    sources::{self, SourceError},
    text::{Source, Span},
};

use super::{
    exit::{Hinted, Refused},
    process::Process,
};

/// The file that is read where none is named.
pub(super) const DEFAULT_FILE: &str = "llmobs.yaml";

/// A configuration with everything that it names.
pub(super) struct Configured {
    pub(super) config: Config,
    /// Warnings about the configuration itself.
    pub(super) warnings: Vec<Diagnostic>,
    /// Folder that paths in the configuration are relative to.
    folder: PathBuf,
}

/// Reads all layers. `Err` holds every mistake at once.
pub(super) fn configure(
    global: &Global,
    overrides: &Overrides,
    process: &Process,
) -> anyhow::Result<Configured> {
    let (file, folder) = read_file(global)?;
    let settings = settings(overrides)?;
    let env = process.variables();
    let layers = Layers { file, env: &env, settings: &settings };
    let (config, warnings) = config::load(&layers, &sources::builtin_names()).map_err(Refused)?;
    Ok(Configured { config, warnings, folder })
}

impl Configured {
    /// Loads the sources and the included files, and holds the objectives against the targets' buckets.
    pub(super) fn input(&self) -> anyhow::Result<(Input, Vec<Diagnostic>)> {
        let mut sources = BTreeMap::new();
        for target in &self.config.targets {
            if !sources.contains_key(&target.source) {
                sources.insert(target.source.clone(), self.source(&target.source)?);
            }
        }
        let (service, notes) = Service::resolve(&self.config, &sources).map_err(|error| match error {
            ServiceError::Objectives(mistakes) => anyhow::Error::from(Refused(mistakes)),
            missing @ ServiceError::SourceNotLoaded { .. } => missing.into(),
        })?;
        let include = &self.config.include;
        let rules = self.included(&include.rules)?;
        let dashboards = self.included(&include.dashboards)?;
        let scrape = self.included(&include.scrape)?;
        Ok((Input { service: Arc::new(service), rules, dashboards, scrape }, notes))
    }

    fn source(&self, source: &SourceRef) -> anyhow::Result<sources::Source> {
        match source {
            SourceRef::Builtin(name) => {
                sources::builtin(name).cloned().with_context(|| format!("there is no source `{name}`"))
            }
            SourceRef::File(path) => load_source(&self.folder.join(path)),
        }
    }

    fn included(&self, paths: &[PathBuf]) -> anyhow::Result<Vec<Included>> {
        paths
            .iter()
            .map(|path| {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let bytes = files::read_bytes(&self.folder.join(path))
                    .context("cannot take an included file along")?;
                Ok(Included { name, bytes })
            })
            .collect()
    }
}

/// Reads a source file of the user's.
pub(super) fn load_source(path: &Path) -> anyhow::Result<sources::Source> {
    let text = files::read_text(path).context("cannot load a metric source")?;
    let name = path.display().to_string();
    sources::parse(&name, &text).map_err(|error| match error {
        SourceError::Malformed { message, at, .. } => {
            let mistake = Diagnostic::error(message).at(&Source::new(name, text), at, "");
            Refused(vec![mistake]).into()
        }
        SourceError::Primitives { mistakes, .. } => {
            let source = Source::new(name, text);
            let found = mistakes
                .into_iter()
                .map(|mistake| Diagnostic::error(mistake.message).at(&source, mistake.at, ""));
            Refused(found.collect()).into()
        }
        other => anyhow::Error::from(other).context(format!("cannot use the source file `{name}`")),
    })
}

fn read_file(global: &Global) -> anyhow::Result<(Option<Source>, PathBuf)> {
    let path = match &global.config {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
        None => return Ok((None, PathBuf::new())),
    };
    let text = files::read_text(&path).map_err(|error| match error {
        FileError::NotFound { .. } => {
            let hint = "write one with `llmobs init`, or leave out `--config` to use the defaults";
            anyhow::Error::from(Hinted::new(error.to_string(), hint))
        }
        other => other.into(),
    })?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok((Some(Source::new(path.display().to_string(), text)), folder))
}

/// Flags as settings; a `--set` without `=` is a mistake like any other.
fn settings(overrides: &Overrides) -> Result<Vec<Setting>, Refused> {
    let named = [
        ("--cost-ceiling", "cost.ceiling_per_hour", &overrides.cost_ceiling),
        ("--latency-threshold", "objectives.latency.threshold", &overrides.latency_threshold),
        ("--models", "models", &overrides.models),
    ];
    let mut settings = Vec::new();
    for (flag, path, value) in named {
        settings.extend(value.iter().map(|value| Setting {
            flag: flag.to_owned(),
            path: path.to_owned(),
            value: value.clone(),
        }));
    }
    let mut mistakes = Vec::new();
    for text in &overrides.set {
        match text.split_once('=') {
            Some((path, value)) => settings.push(Setting {
                flag: format!("--set {path}"),
                path: path.to_owned(),
                value: value.to_owned(),
            }),
            None => mistakes.push(
                Diagnostic::error(format!("`--set {text}` has no `=`"))
                    .at(&Source::new("--set", text.as_str()), Span::new(0, text.len()), "")
                    .help("write a path and a value: `--set cost.ceiling_per_hour=80`"),
            ),
        }
    }
    if mistakes.is_empty() { Ok(settings) } else { Err(Refused(mistakes)) }
}
