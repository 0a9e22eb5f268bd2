//! Settings: the `GF_*` environment, as the official entry point and server read it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

pub(super) type Environment = BTreeMap<String, String>;

/// What the stand-in goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) port: u16,
    pub(super) config: PathBuf,
    pub(super) data: PathBuf,
    pub(super) home: PathBuf,
    pub(super) plugins: PathBuf,
    pub(super) provisioning: PathBuf,
    pub(super) admin_user: String,
    pub(super) admin_password: String,
    pub(super) visitors: Visitors,
    pub(super) home_dashboard: Option<PathBuf>,
    /// Everything, for the variables in provisioning files.
    pub(super) environment: Environment,
}

/// Whether somebody without a login is let in, as a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visitors {
    Welcome,
    SentToLogin,
}

impl Settings {
    pub(super) fn read(environment: Environment) -> anyhow::Result<Self> {
        let environment = with_files(environment)?;
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        let path = |name: &str, default: &str| get(name).unwrap_or_else(|| default.to_owned()).into();
        let port = get("GF_SERVER_HTTP_PORT").unwrap_or_else(|| "3000".to_owned());
        let visitors = match get("GF_AUTH_ANONYMOUS_ENABLED").as_deref() {
            Some("true" | "True" | "TRUE" | "1" | "yes" | "on") => Visitors::Welcome,
            _ => Visitors::SentToLogin,
        };
        Ok(Self {
            port: port.parse().with_context(|| format!("GF_SERVER_HTTP_PORT: `{port}` is no port"))?,
            config: path("GF_PATHS_CONFIG", "/etc/grafana/grafana.ini"),
            data: path("GF_PATHS_DATA", "/var/lib/grafana"),
            home: path("GF_PATHS_HOME", "/usr/share/grafana"),
            plugins: path("GF_PATHS_PLUGINS", "/var/lib/grafana/plugins"),
            provisioning: path("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning"),
            admin_user: get("GF_SECURITY_ADMIN_USER").unwrap_or_else(|| "admin".to_owned()),
            admin_password: get("GF_SECURITY_ADMIN_PASSWORD").unwrap_or_else(|| "admin".to_owned()),
            visitors,
            home_dashboard: get("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH").map(PathBuf::from),
            environment,
        })
    }

    /// What the official entry point looks at before it starts the server.
    pub(super) fn check_paths(&self) -> anyhow::Result<()> {
        // The official image has the file; the stand-in's has none, which says as much as an empty one.
        let config = match fs::read_to_string(&self.config) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other
                .with_context(|| format!("GF_PATHS_CONFIG='{}' is not readable", self.config.display()))?,
        };
        let is_setting = |line: &str| !line.is_empty() && !line.starts_with([';', '#', '[']);
        ensure!(
            !config.lines().any(|line| is_setting(line.trim())),
            "GF_PATHS_CONFIG='{}' has settings, and the stand-in reads none from files",
            self.config.display()
        );
        fs::read_dir(&self.home)
            .with_context(|| format!("GF_PATHS_HOME='{}' is not readable", self.home.display()))?;
        probe(&self.data)
            .with_context(|| format!("GF_PATHS_DATA='{}' is not writable", self.data.display()))?;
        fs::create_dir_all(&self.plugins)
            .with_context(|| format!("GF_PATHS_PLUGINS='{}' cannot be made", self.plugins.display()))
    }
}

fn probe(folder: &Path) -> io::Result<()> {
    let file = folder.join(".stand-in-probe");
    fs::write(&file, [])?;
    fs::remove_file(&file)
}

/// `GF_X__FILE=/path` becomes `GF_X` with the file's text; both at once is a contradiction.
fn with_files(mut environment: Environment) -> anyhow::Result<Environment> {
    let files: Vec<(String, String)> = environment
        .iter()
        .filter(|(name, path)| name.starts_with("GF_") && !path.is_empty())
        .filter_map(|(name, path)| Some((name.strip_suffix("__FILE")?.to_owned(), path.clone())))
        .collect();
    for (name, path) in files {
        if environment.get(&name).is_some_and(|value| !value.is_empty()) {
            bail!("both {name} and {name}__FILE are set (but are exclusive)");
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("{name}__FILE: cannot read `{path}`"))?;
        environment.remove(&format!("{name}__FILE"));
        environment.insert(name, text.trim_end_matches('\n').to_owned());
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn defaults_are_those_of_the_image() {
        let settings = read(&[]).unwrap();
        let expect = Settings {
            port: 3000,
            config: "/etc/grafana/grafana.ini".into(),
            data: "/var/lib/grafana".into(),
            home: "/usr/share/grafana".into(),
            plugins: "/var/lib/grafana/plugins".into(),
            provisioning: "/etc/grafana/provisioning".into(),
            admin_user: "admin".to_owned(),
            admin_password: "admin".to_owned(),
            visitors: Visitors::SentToLogin,
            home_dashboard: None,
            environment: Environment::new(),
        };
        assert_eq!(settings, expect);
    }

    #[test]
    fn variables_override_and_files_stand_for_values() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "s3cret\n").unwrap();
        let file = ("GF_SECURITY_ADMIN_PASSWORD__FILE", secret.to_str().unwrap());
        let settings =
            read(&[file, ("GF_SERVER_HTTP_PORT", "3001"), ("GF_AUTH_ANONYMOUS_ENABLED", "true")]).unwrap();
        assert_eq!(settings.admin_password, "s3cret");
        assert_eq!(settings.port, 3001);
        assert_eq!(settings.visitors, Visitors::Welcome);
        let both = read(&[file, ("GF_SECURITY_ADMIN_PASSWORD", "x")]).unwrap_err().to_string();
        let expect = "both GF_SECURITY_ADMIN_PASSWORD and GF_SECURITY_ADMIN_PASSWORD__FILE are set (but are exclusive)";
        assert_eq!(both, expect);
        let port = read(&[("GF_SERVER_HTTP_PORT", "http")]).unwrap_err().to_string();
        assert_eq!(port, "GF_SERVER_HTTP_PORT: `http` is no port");
    }

    #[test]
    fn paths_are_looked_at_before_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let settings = read(&[
            ("GF_PATHS_CONFIG", &at("grafana.ini")),
            ("GF_PATHS_HOME", &at("home")),
            ("GF_PATHS_DATA", &at("data")),
            ("GF_PATHS_PLUGINS", &at("data/plugins")),
        ])
        .unwrap();
        let check = |expect: Option<String>| {
            assert_eq!(settings.check_paths().err().map(|error| error.to_string()), expect);
        };
        check(Some(format!("GF_PATHS_HOME='{}' is not readable", at("home"))));
        fs::create_dir(at("grafana.ini")).unwrap();
        check(Some(format!("GF_PATHS_CONFIG='{}' is not readable", at("grafana.ini"))));
        fs::remove_dir(at("grafana.ini")).unwrap();
        fs::write(at("grafana.ini"), "; nothing\n[server]\n").unwrap();
        fs::create_dir(at("home")).unwrap();
        check(Some(format!("GF_PATHS_DATA='{}' is not writable", at("data"))));
        fs::create_dir(at("data")).unwrap();
        check(None);
        fs::write(at("grafana.ini"), "[server]\nhttp_port = 1\n").unwrap();
        let config = at("grafana.ini");
        check(Some(format!(
            "GF_PATHS_CONFIG='{config}' has settings, and the stand-in reads none from files"
        )));
    }
}
