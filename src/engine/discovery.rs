//! Target groups as they come and go: lists in `prometheus.yml`, files that change, HTTP servers
//! (<https://prometheus.io/docs/prometheus/latest/http_sd/>).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use hyper::{
    Method, StatusCode,
    body::Bytes,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
};
use tokio::{runtime::Handle, task::AbortHandle, time::Instant};

use crate::{
    files,
    formats::prometheus::{
        Discovery, FileDiscovery, HttpDiscovery, TargetGroup, read_groups, read_groups_json, without_user,
    },
    text::Source,
};

use super::{
    Hosts, Notice, Notices,
    fetch::{Bodies, Bounds, Client, Outgoing, Url},
};

/// How often files are looked at; they are read where their size or their time has changed.
const LOOK: Duration = Duration::from_secs(1);
/// Bytes of an answer with target groups.
const ANSWER_BYTES: usize = 64 << 20;
pub(super) const AGENT: &str = concat!("llmobs/", env!("CARGO_PKG_VERSION"));

/// Told of the groups of a source, each time all of them; of none when the source has gone.
pub(super) type OnGroups = Arc<dyn Fn(String, Vec<TargetGroup>) + Send + Sync>;

/// Finds targets until it is dropped. The lists of the file are told of at once, by this call.
#[derive(Debug)]
pub(super) struct Discovering(Vec<AbortHandle>);

impl Drop for Discovering {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Discovering {
    /// Files are read once by this call, so that their targets are there at once.
    pub(super) fn start(
        runtime: &Handle,
        discovery: &Discovery,
        hosts: &Hosts,
        notices: &Notices,
        on_groups: &OnGroups,
    ) -> Self {
        if !discovery.groups.is_empty() {
            on_groups("static".to_owned(), discovery.groups.clone());
        }
        let mut tasks = Vec::new();
        for discovery in &discovery.files {
            let mut files = Files::new(discovery, Arc::clone(notices), Arc::clone(on_groups));
            files.look(Look::Anyway);
            tasks.push(runtime.spawn(files.watch()).abort_handle());
        }
        for discovery in &discovery.http {
            let client = Client::new(&discovery.client, hosts.clone());
            let asked = ask_on(discovery.clone(), client, Arc::clone(notices), Arc::clone(on_groups));
            tasks.push(runtime.spawn(asked).abort_handle());
        }
        Self(tasks)
    }
}

/// Whether files are read that seem unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Changed,
    Anyway,
}

struct Files {
    patterns: Vec<PathBuf>,
    refresh: Duration,
    notices: Notices,
    on_groups: OnGroups,
    /// Size and time of the files as they were read last.
    known: BTreeMap<PathBuf, Option<(u64, SystemTime)>>,
    /// What was wrong with a file when it was last read, told once.
    wrong: BTreeMap<PathBuf, String>,
}

impl Files {
    fn new(discovery: &FileDiscovery, notices: Notices, on_groups: OnGroups) -> Self {
        Self {
            patterns: discovery.files.clone(),
            refresh: Duration::from_millis(discovery.refresh_interval.as_millis()),
            notices,
            on_groups,
            known: BTreeMap::new(),
            wrong: BTreeMap::new(),
        }
    }

    async fn watch(mut self) {
        let mut last_read = Instant::now();
        loop {
            tokio::time::sleep(LOOK.min(self.refresh.max(Duration::from_millis(1)))).await;
            let look = if last_read.elapsed() >= self.refresh { Look::Anyway } else { Look::Changed };
            if look == Look::Anyway {
                last_read = Instant::now();
            }
            self.look(look);
        }
    }

    fn look(&mut self, look: Look) {
        let found = self.patterns.iter().filter_map(|pattern| files::glob(pattern).ok()).flatten();
        let found: BTreeMap<PathBuf, _> = found.map(|path| (path.clone(), stamp(&path))).collect();
        for path in self.known.keys().filter(|path| !found.contains_key(*path)) {
            (self.on_groups)(source(path), Vec::new());
            self.wrong.remove(path);
        }
        for (path, stamp) in &found {
            if look == Look::Anyway || self.known.get(path) != Some(stamp) {
                self.read(path);
            }
        }
        self.known = found;
    }

    /// A file that cannot be read leaves its last groups as they are.
    fn read(&mut self, path: &Path) {
        match groups(path) {
            Ok(groups) => {
                self.wrong.remove(path);
                (self.on_groups)(source(path), groups);
            }
            Err(cause) if self.wrong.get(path) == Some(&cause) => {}
            Err(cause) => {
                let text = format!("error reading file {}: {cause}; its last targets stay", path.display());
                (self.notices)(Notice::error(text));
                self.wrong.insert(path.to_owned(), cause);
            }
        }
    }
}

fn source(path: &Path) -> String {
    format!("file {}", path.display())
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let data = path.metadata().ok()?;
    Some((data.len(), data.modified().ok()?))
}

/// The groups of a file, each with the label that says which file it is.
fn groups(path: &Path) -> Result<Vec<TargetGroup>, String> {
    let text = files::read_text(path).map_err(|error| error.to_string())?;
    let is_json = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let mut groups = if is_json {
        read_groups_json(&text).map_err(|error| error.to_string())?
    } else {
        let source = Source::new(path.display().to_string(), text);
        read_groups(&source).map_err(|mistakes| {
            let first = mistakes.first().map(|mistake| mistake.message.clone());
            first.unwrap_or_else(|| "is no list of target groups".to_owned())
        })?
    };
    for group in &mut groups {
        group.labels.insert("__meta_filepath".to_owned(), path.display().to_string());
    }
    Ok(groups)
}

impl HttpDiscovery {
    /// What its groups are told as.
    pub(super) fn source(&self) -> String {
        format!("http {}", self.url)
    }
}

async fn ask_on(discovery: HttpDiscovery, client: Client, notices: Notices, on_groups: OnGroups) {
    let refresh = Duration::from_millis(discovery.refresh_interval.as_millis().max(1));
    let mut ticks = tokio::time::interval(refresh);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut wrong = String::new();
    loop {
        ticks.tick().await;
        match ask(&discovery, &client, refresh).await {
            Ok(groups) => {
                wrong.clear();
                on_groups(discovery.source(), groups);
            }
            Err(cause) if cause == wrong => {}
            Err(cause) => {
                let text = format!("unable to refresh target groups: {cause}; the last targets stay");
                notices(Notice::error(text));
                wrong = cause;
            }
        }
    }
}

async fn ask(
    discovery: &HttpDiscovery,
    client: &Client,
    refresh: Duration,
) -> Result<Vec<TargetGroup>, String> {
    let url = Url::parse(&discovery.url).map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let seconds = refresh.as_secs_f64().to_string();
    if let Ok(seconds) = HeaderValue::from_str(&seconds) {
        headers.insert("x-prometheus-refresh-interval-seconds", seconds);
    }
    let outgoing = Outgoing { method: Method::GET, url: &url, headers, body: Bytes::new() };
    let bounds = Bounds { time: refresh, body: ANSWER_BYTES, expected_body: 0 };
    let answer =
        client.send(&outgoing, bounds, Bodies::OfSuccess).await.map_err(|error| error.to_string())?;
    if answer.status != StatusCode::OK {
        return Err(format!("server returned HTTP status {} {}", answer.status.as_u16(), answer.reason));
    }
    let content_type =
        answer.headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or_default());
    let (media, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let parameters = parameters.trim().to_ascii_lowercase();
    let is_json = media.trim().eq_ignore_ascii_case("application/json")
        && matches!(parameters.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    if !is_json {
        return Err(format!("unsupported content type \"{content_type}\""));
    }
    let text = String::from_utf8(answer.body).map_err(|error| error.to_string())?;
    let mut groups = read_groups_json(&text).map_err(|error| error.to_string())?;
    for group in &mut groups {
        group.labels.insert("__meta_url".to_owned(), without_user(&discovery.url));
    }
    Ok(groups)
}
