//! Dashboard providers, and the dashboards that they find on disk.
//!
//! A bad provider file ends the start, as it does in Grafana. A bad dashboard is an error line, and is not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value};

use super::provisioning::{Provisioned, check_organisation, check_uid, flag, string};

/// Where dashboards come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) interval: Duration,
    folder: FolderRule,
    when_gone: WhenGone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum FolderRule {
    One(Folder),
    /// The first directory below the provider's path names the folder.
    FromFiles,
}

/// A folder; the one without a title is the general folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Folder {
    pub(super) uid: String,
    pub(super) title: String,
}

/// What becomes of a dashboard whose file has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenGone {
    Delete,
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dashboard {
    pub(super) uid: String,
    pub(super) title: String,
    pub(super) tags: Vec<String>,
    pub(super) folder: Folder,
    /// The file's path below the provider's, which Grafana calls the external id.
    pub(super) file: String,
    pub(super) provider: String,
    pub(super) model: Value,
}

/// What one walk over a provider's files found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scan {
    dashboards: Vec<Dashboard>,
    errors: Vec<String>,
}

/// All providers of the files, or the first reason for which Grafana would not start.
pub(super) fn read(files: &[Provisioned]) -> anyhow::Result<Vec<Provider>> {
    let mut found: Vec<Provider> = Vec::new();
    for file in files {
        for entry in file.entries("providers")? {
            let name = entry.get("name").unwrap_or(&Value::Null);
            let provider = provider(entry).with_context(|| format!("`{}`: provider {name}", file.name))?;
            let twice = found.iter().any(|other| other.name == provider.name);
            ensure!(!twice, "`{}`: two providers have the name `{}`", file.name, provider.name);
            found.push(provider);
        }
    }
    Ok(found)
}

fn provider(entry: &Map<String, Value>) -> anyhow::Result<Provider> {
    check_organisation(entry)?;
    let name = string(entry, "name")?;
    ensure!(!name.is_empty(), "has no name");
    let kind = string(entry, "type")?;
    ensure!(matches!(kind.as_str(), "" | "file"), "type `{kind}` is not supported");
    let Some(Value::Object(options)) = entry.get("options") else { bail!("has no `options`") };
    let Some(Value::String(path)) = options.get("path") else {
        bail!("failed to load dashboards, path param is not a string")
    };
    let folder = Folder { uid: string(entry, "folderUid")?, title: string(entry, "folder")? };
    check_uid(&folder.uid)?;
    let folder = match (flag(options, "foldersFromFilesStructure")?, folder) {
        (true, folder) if folder == Folder::default() => FolderRule::FromFiles,
        (true, _) => {
            bail!("'folder' and 'folderUID' should be empty using 'foldersFromFilesStructure' option")
        }
        (false, folder) => FolderRule::One(identified(folder)),
    };
    let seconds = match string(entry, "updateIntervalSeconds")?.as_str() {
        "" | "0" => 10,
        text => {
            text.parse().with_context(|| format!("`updateIntervalSeconds` is `{text}`, no whole number"))?
        }
    };
    let when_gone = if flag(entry, "disableDeletion")? { WhenGone::Keep } else { WhenGone::Delete };
    flag(entry, "allowUiUpdates")?;
    Ok(Provider { name, path: path.into(), interval: Duration::from_secs(seconds), folder, when_gone })
}

/// Grafana makes up the uid of a folder that is known by title alone.
fn identified(folder: Folder) -> Folder {
    if folder.uid.is_empty() { Folder { uid: slug(&folder.title), ..folder } } else { folder }
}

/// A title as it stands in links.
pub(super) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<String>>().join("-")
}

impl Provider {
    /// Reads the files anew; `before` is what the last walk found.
    pub(super) fn scan(&self, before: &Scan) -> Scan {
        let mut files = Vec::new();
        if let Err(error) = walk(&self.path, &mut files) {
            let errors =
                vec![format!("failed to search for dashboards in `{}`: {error}", self.path.display())];
            return Scan { dashboards: before.dashboards.clone(), errors };
        }
        let mut scan = Scan::default();
        for path in &files {
            match self.load(path) {
                Ok(dashboard) => scan.dashboards.push(dashboard),
                Err(error) => {
                    scan.errors
                        .push(format!("failed to load dashboard from `{}`: {error:#}", path.display()));
                }
            }
        }
        if self.when_gone == WhenGone::Keep {
            let gone = |dashboard: &&Dashboard| !files.contains(&self.path.join(&dashboard.file));
            scan.dashboards.extend(before.dashboards.iter().filter(gone).cloned());
        }
        scan
    }

    fn load(&self, path: &Path) -> anyhow::Result<Dashboard> {
        let text = fs::read_to_string(path).context("cannot read it")?;
        let model = model(&text)?;
        let inside = path.strip_prefix(&self.path).unwrap_or(path);
        let folder = match &self.folder {
            FolderRule::One(folder) => folder.clone(),
            FolderRule::FromFiles => {
                let parent = inside.parent().and_then(|parent| parent.iter().next());
                let title = parent.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                identified(Folder { uid: String::new(), title })
            }
        };
        let text = |key: &str| model[key].as_str().unwrap_or_default().to_owned();
        let tags =
            model["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        Ok(Dashboard {
            uid: text("uid"),
            title: text("title"),
            tags: tags.collect(),
            folder,
            file: inside.to_string_lossy().into_owned(),
            provider: self.name.clone(),
            model,
        })
    }
}

/// Files that end in `.json`, hidden folders left out, in the order of their paths.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            if !hidden {
                walk(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// A dashboard in the classic form, the only one that files are read in.
pub(super) fn model(text: &str) -> anyhow::Result<Value> {
    let model: Value = serde_json::from_str(text).context("it is no JSON")?;
    let Some(map) = model.as_object() else { bail!("it is no JSON object") };
    ensure!(
        !["apiVersion", "kind", "metadata", "spec"].iter().any(|key| map.contains_key(*key)),
        "dashboard appears to be a full k8s style resource"
    );
    ensure!(
        !["elements", "layout"].iter().any(|key| map.contains_key(*key)),
        "dashboard appears to be in v2 format. Please use the /apis/dashboard.grafana.app/v2 API"
    );
    let titled = map.get("title").and_then(Value::as_str).is_some_and(|title| !title.trim().is_empty());
    ensure!(titled, "Dashboard title cannot be empty");
    match map.get("uid") {
        // Grafana would make one up, and no link could name it.
        None | Some(Value::Null) => bail!("it has no uid"),
        Some(Value::String(uid)) if !uid.is_empty() => check_uid(uid)?,
        Some(uid) => bail!("uid {uid} is no name"),
    }
    Ok(model)
}

/// The dashboards that there are after walks over all providers, and the error lines.
///
/// Of two that contend for a uid, or for a title in one folder, Grafana updates neither; here neither is there.
pub(super) fn merge(scans: &BTreeMap<String, Scan>) -> (Vec<Dashboard>, BTreeSet<String>) {
    let mut errors: BTreeSet<String> = scans.values().flat_map(|scan| scan.errors.iter().cloned()).collect();
    let all: Vec<&Dashboard> = scans.values().flat_map(|scan| &scan.dashboards).collect();
    let mut kept = Vec::new();
    for dashboard in &all {
        let same_uid = all.iter().filter(|other| other.uid == dashboard.uid).count() > 1;
        let place = |other: &Dashboard| (other.folder.clone(), other.title.clone());
        let same_title = all.iter().filter(|other| place(other) == place(dashboard)).count() > 1;
        if same_uid {
            errors.insert(format!("the same 'uid' is used more than once: `{}`", dashboard.uid));
        }
        if same_title {
            errors.insert(format!(
                "the same 'title' is used more than once in a folder: `{}`",
                dashboard.title
            ));
        }
        if !same_uid && !same_title {
            kept.push((*dashboard).clone());
        }
    }
    (kept, errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::{provisioning::parse, settings::Environment};

    fn providers(entry: &str) -> anyhow::Result<Vec<Provider>> {
        let text = format!("apiVersion: 1\nproviders: [{entry}]");
        read(&[parse("d.yaml", &text, &Environment::from([("DIR".to_owned(), "/d".to_owned())]))?])
    }

    #[test]
    fn a_good_provider_is_read() {
        let entry = "{name: a, orgId: 1, type: file, folder: LLM, folderUid: llm, disableDeletion: true, \
                     updateIntervalSeconds: 3, allowUiUpdates: false, options: {path: $DIR/x}}, \
                     {name: b, options: {path: /e, foldersFromFilesStructure: true}}";
        let a = Provider {
            name: "a".to_owned(),
            path: "/d/x".into(),
            interval: Duration::from_secs(3),
            folder: FolderRule::One(Folder { uid: "llm".to_owned(), title: "LLM".to_owned() }),
            when_gone: WhenGone::Keep,
        };
        let b = Provider {
            name: "b".to_owned(),
            path: "/e".into(),
            interval: Duration::from_secs(10),
            folder: FolderRule::FromFiles,
            when_gone: WhenGone::Delete,
        };
        assert_eq!(providers(entry).unwrap(), [a, b]);
    }

    #[test]
    fn bad_providers_end_the_start() {
        let check = |entry: &str, expect: &str| {
            assert_eq!(format!("{:#}", providers(entry).unwrap_err()), format!("`d.yaml`: {expect}"));
        };
        check("{options: {path: /d}}", "provider null: has no name");
        check("{name: a}", "provider \"a\": has no `options`");
        let no_path = "provider \"a\": failed to load dashboards, path param is not a string";
        check("{name: a, options: {path: [x]}}", no_path);
        check("{name: a, type: git, options: {path: /d}}", "provider \"a\": type `git` is not supported");
        let both = "provider \"a\": 'folder' and 'folderUID' should be empty using 'foldersFromFilesStructure' option";
        check("{name: a, folderUid: f, options: {path: /d, foldersFromFilesStructure: true}}", both);
        check("{name: a, folder: F, options: {path: /d, foldersFromFilesStructure: true}}", both);
        let interval =
            "provider \"a\": `updateIntervalSeconds` is `5s`, no whole number: invalid digit found in string";
        check("{name: a, updateIntervalSeconds: 5s, options: {path: /d}}", interval);
        let twice = "two providers have the name `a`";
        check("{name: a, options: {path: /d}}, {name: a, options: {path: /e}}", twice);
    }

    #[test]
    fn only_classic_dashboards_are_taken() {
        let check = |text: &str, expect: &str| assert_eq!(format!("{:#}", model(text).unwrap_err()), expect);
        assert!(model(r#"{"title": "T", "uid": "t-1_x", "panels": []}"#).is_ok());
        check("{", "it is no JSON: EOF while parsing an object at line 1 column 1");
        check("[]", "it is no JSON object");
        let resource = "dashboard appears to be a full k8s style resource";
        check(
            r#"{"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "spec": {"title": "T"}}"#,
            resource,
        );
        let v2 = "dashboard appears to be in v2 format. Please use the /apis/dashboard.grafana.app/v2 API";
        check(r#"{"title": "T", "uid": "t", "elements": {}}"#, v2);
        let untitled = "Dashboard title cannot be empty";
        check(r#"{"dashboard": {"title": "T", "uid": "t"}}"#, untitled);
        check(r#"{"title": " ", "uid": "t"}"#, untitled);
        check(r#"{"title": "T"}"#, "it has no uid");
        check(r#"{"title": "T", "uid": 7}"#, "uid 7 is no name");
        check(r#"{"title": "T", "uid": "a b"}"#, "uid `a b` contains illegal characters");
        let long = "x".repeat(41);
        let expect = format!("uid `{long}` is longer than 40 characters");
        check(&format!(r#"{{"title": "T", "uid": "{long}"}}"#), &expect);
    }

    #[test]
    fn files_come_go_and_contend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let write = |name: &str, uid: &str, title: &str| {
            let text = format!(r#"{{"uid": "{uid}", "title": "{title}", "tags": ["llm"]}}"#);
            fs::write(path.join(name), text).unwrap();
        };
        let entry = format!("{{name: a, folder: F, options: {{path: '{}'}}}}", path.display());
        let provider = providers(&entry).unwrap().remove(0);
        let look = || {
            let scans = BTreeMap::from([("a".to_owned(), provider.scan(&Scan::default()))]);
            let (dashboards, errors) = merge(&scans);
            let uids: Vec<String> = dashboards.into_iter().map(|dashboard| dashboard.uid).collect();
            (uids, errors.into_iter().collect::<Vec<String>>())
        };
        assert_eq!(look(), (vec![], vec![]));
        write("one.json", "one", "One");
        fs::create_dir_all(path.join(".hidden")).unwrap();
        write(".hidden/no.json", "no", "No");
        write("no.txt", "no", "No");
        assert_eq!(look(), (vec!["one".to_owned()], vec![]));
        write("two.json", "one", "Two");
        write("three.json", "three", "Three");
        let error = "the same 'uid' is used more than once: `one`".to_owned();
        assert_eq!(look(), (vec!["three".to_owned()], vec![error]));
        write("two.json", "two", "Three");
        let error = "the same 'title' is used more than once in a folder: `Three`".to_owned();
        assert_eq!(look(), (vec!["one".to_owned()], vec![error]));
        fs::remove_file(path.join("three.json")).unwrap();
        assert_eq!(look(), (vec!["one".to_owned(), "two".to_owned()], vec![]));
        fs::write(path.join("two.json"), "{}").unwrap();
        let two = path.join("two.json");
        let error =
            format!("failed to load dashboard from `{}`: Dashboard title cannot be empty", two.display());
        assert_eq!(look(), (vec!["one".to_owned()], vec![error]));
    }

    #[test]
    fn deletion_can_be_disabled_and_folders_can_come_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let options = format!("options: {{path: '{}', foldersFromFilesStructure: true}}", path.display());
        let provider =
            providers(&format!("{{name: a, disableDeletion: true, {options}}}")).unwrap().remove(0);
        fs::create_dir(path.join("My Team")).unwrap();
        fs::write(path.join("My Team/a.json"), r#"{"uid": "a", "title": "A"}"#).unwrap();
        let first = provider.scan(&Scan::default());
        let expect = Folder { uid: "my-team".to_owned(), title: "My Team".to_owned() };
        assert_eq!(first.dashboards[0].folder, expect);
        assert_eq!(first.dashboards[0].file, "My Team/a.json");
        fs::remove_file(path.join("My Team/a.json")).unwrap();
        assert_eq!(provider.scan(&first), first);
    }
}
