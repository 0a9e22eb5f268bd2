//! The file as a whole, and what it says of the store.

use std::path::{Path, PathBuf};

use crate::{
    diagnostic::{Diagnostic, Severity},
    formats::reader::{Keys, Reader},
    promql::syntax::Spanned,
    text::{Source, Span},
    time::PromDuration,
    yaml::Entry,
};

use super::{Alerting, Global, RemoteWrite, ScrapeConfig, alerting, global, remote_write, scrape};

const FILE: &[&str] = &[
    "global",
    "runtime",
    "alerting",
    "rule_files",
    "scrape_config_files",
    "scrape_configs",
    "storage",
    "tracing",
    "remote_write",
    "remote_read",
    "otlp",
];
const SCRAPE_FILE: &[&str] = &["scrape_configs"];
const STORAGE: &[&str] = &["tsdb", "exemplars"];
const TSDB: &[&str] =
    &["out_of_order_time_window", "stale_series_compaction_threshold", "chunk_encoding", "retention"];
const RETENTION: &[&str] = &["time", "size", "percentage"];
const EXEMPLARS: &[&str] = &["max_exemplars"];

/// A whole `prometheus.yml`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    pub global: Global,
    /// Patterns of rule files.
    pub rule_files: Vec<Spanned<PathBuf>>,
    /// Patterns of files with further scrape configurations, see [`read_scrape_file`].
    pub scrape_config_files: Vec<Spanned<PathBuf>>,
    /// Names of jobs are unique.
    pub scrape_configs: Vec<ScrapeConfig>,
    pub alerting: Alerting,
    pub remote_write: Vec<RemoteWrite>,
    pub storage: Storage,
}

/// What the file says of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// How far behind the newest sample another may come.
    pub out_of_order_time_window: PromDuration,
    /// `None` where the file does not say.
    pub retention_time: Option<PromDuration>,
    /// Bytes; `None` where the file does not say.
    pub retention_size: Option<u64>,
    /// 100,000 by default; 0 keeps none.
    pub max_exemplars: usize,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            out_of_order_time_window: PromDuration::default(),
            retention_time: None,
            retention_size: None,
            max_exemplars: 100_000,
        }
    }
}

impl Config {
    /// Makes the relative paths of the file ones within the folder, which is that of the file.
    pub fn set_directory(&mut self, folder: &Path) {
        for file in self.rule_files.iter_mut().chain(&mut self.scrape_config_files) {
            file.node = folder.join(&file.node);
        }
        for config in &mut self.scrape_configs {
            config.set_directory(folder);
        }
        self.alerting.set_directory(folder);
        for write in &mut self.remote_write {
            write.client.set_directory(folder);
        }
    }
}

/// Reads the file, and with it what is worth a warning. `Err` holds every mistake at once.
///
/// Paths stay as they are written, see [`Config::set_directory`].
pub fn read(source: &Source) -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut reader = Reader::new(source);
    let root = reader.root();
    let mut config = Config::default();
    if let Some(keys) = root.as_ref().and_then(|root| reader.keys(root, "prometheus.yml", FILE)) {
        reader.not_done(keys, &["runtime", "tracing", "remote_read", "otlp"]);
        let global = global::global(&mut reader, keys.get("global"));
        config = Config {
            rule_files: patterns(&mut reader, keys.get("rule_files"), "rule"),
            scrape_config_files: patterns(&mut reader, keys.get("scrape_config_files"), "scrape config"),
            scrape_configs: plain(scrape::scrape_configs(&mut reader, keys, &global)),
            alerting: alerting::alerting(&mut reader, keys.get("alerting"), global.names),
            remote_write: remote_write::remote_writes(&mut reader, keys.get("remote_write"), global.names),
            storage: storage(&mut reader, keys.get("storage")),
            global,
        };
    }
    finish(reader, config)
}

/// Reads a file that `scrape_config_files` names. That its jobs are no other file's is for the caller to see.
pub fn read_scrape_file(
    source: &Source,
    global: &Global,
    folder: &Path,
) -> Result<(Vec<ScrapeConfig>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut reader = Reader::new(source);
    let root = reader.root();
    let mut configs = Vec::new();
    if let Some(keys) = root.as_ref().and_then(|root| reader.keys(root, "a scrape file", SCRAPE_FILE)) {
        configs = plain(scrape::scrape_configs(&mut reader, keys, global));
    }
    for config in &mut configs {
        config.set_directory(folder);
    }
    finish(reader, configs)
}

fn plain(configs: Vec<Spanned<ScrapeConfig>>) -> Vec<ScrapeConfig> {
    configs.into_iter().map(|config| config.node).collect()
}

fn finish<T>(reader: Reader<'_>, read: T) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mistakes = reader.finish();
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        Err(mistakes)
    } else {
        Ok((read, mistakes))
    }
}

/// Paths whose last part may have a `*`.
fn patterns(reader: &mut Reader<'_>, entry: Option<&Entry>, what: &str) -> Vec<Spanned<PathBuf>> {
    let mut patterns = Vec::new();
    for text in reader.texts(entry) {
        let path = text.as_str();
        if path.split_once('*').is_some_and(|(_, after)| after.contains('/')) {
            let message = format!("invalid {what} file path `{path}`");
            reader.mistake(text.span(), message, "a `*` may stand in the last part only");
        }
        patterns.push(Spanned { node: path.into(), span: text.span() });
    }
    patterns
}

fn storage(reader: &mut Reader<'_>, entry: Option<&Entry>) -> Storage {
    let mut storage = Storage::default();
    let keys = entry.and_then(|entry| reader.keys(&entry.value, "`storage`", STORAGE));
    let Some(keys) = keys else { return storage };
    let exemplars = keys.get("exemplars");
    let exemplars = exemplars.and_then(|entry| reader.keys(&entry.value, "`exemplars`", EXEMPLARS));
    if let Some(entry) = exemplars.and_then(|keys| keys.get("max_exemplars")) {
        storage.max_exemplars = reader.limit(Some(entry)).unwrap_or(0);
    }
    let tsdb = keys.get("tsdb").and_then(|entry| reader.keys(&entry.value, "`tsdb`", TSDB));
    let Some(tsdb) = tsdb else { return storage };
    reader.not_done(tsdb, &["stale_series_compaction_threshold", "chunk_encoding"]);
    if let Some(window) = reader.duration(tsdb.get("out_of_order_time_window")) {
        storage.out_of_order_time_window = window.node;
    }
    let retention = tsdb.get("retention");
    let retention = retention.and_then(|entry| reader.keys(&entry.value, "`retention`", RETENTION));
    let Some(retention) = retention else { return storage };
    reader.not_done(retention, &["percentage"]);
    let time = reader.duration(retention.get("time")).map(|time| time.node);
    storage.retention_time = time.filter(|time| time.as_millis() > 0);
    storage.retention_size = Some(reader.bytes(retention.get("size"))).filter(|size| *size > 0);
    storage
}

impl Reader<'_> {
    /// Warns of keys that mean something to Prometheus and nothing here.
    pub(super) fn not_done(&mut self, keys: Keys<'_>, unsupported: &[&str]) {
        for key in unsupported {
            if let Some(entry) = keys.get(key) {
                self.undone(entry.key_origin.span, &format!("`{key}`"));
            }
        }
    }

    /// As [`Reader::not_done`], where the switch is on.
    pub(super) fn not_done_if_on(&mut self, keys: Keys<'_>, key: &str) {
        let entry = keys.get(key);
        if self.switch_or(entry, false) {
            self.not_done(keys, &[key]);
        }
    }

    pub(super) fn undone(&mut self, span: Span, what: &str) {
        let warning = Diagnostic::warning(format!("{what} is not done by the embedded engine"));
        self.mistakes.push(warning.at(self.source, span, ""));
    }
}
