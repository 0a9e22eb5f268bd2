//! What is remembered of a project between commands: Grafana's password and the port offset.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::{TryRng as _, rngs::SysRng};

use crate::{
    cli::Global,
    files::{self, Lock},
    remote::Credentials,
    stack::Project,
};

use super::{exit::Hinted, process::Process};

/// The folder of one project's state.
pub(super) struct State {
    folder: PathBuf,
}

impl State {
    pub(super) fn of(project: &Project, global: &Global, process: &Process) -> anyhow::Result<Self> {
        let base = match &global.state_dir {
            Some(folder) => folder.clone(),
            None => files::state_dir(|name| process.env(name).map(str::to_owned))?,
        };
        Ok(Self { folder: base.join(project.as_str()) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps other commands from changing the same stack. Old engines make two networks of one name when asked
    /// twice at once.
    pub(super) fn lock(&self, project: &Project) -> anyhow::Result<Lock> {
        Lock::try_acquire(&self.folder.join("lock"))?.ok_or_else(|| {
            Hinted::new(
                format!("another llmobs is at work on the stack `{project}`"),
                "wait until it has ended, or use another stack with `--project NAME`",
            )
            .into()
        })
    }

    /// Grafana's admin, with the password that was made for this project, or a new one that is not kept yet.
    pub(super) fn credentials(&self) -> anyhow::Result<Credentials> {
        let kept = self.password()?.filter(|password| !password.is_empty());
        Ok(Credentials { user: "admin".to_owned(), password: kept.map_or_else(new_password, Ok)? })
    }

    pub(super) fn keep(&self, credentials: &Credentials) -> anyhow::Result<()> {
        files::write_secret(&self.password_file(), format!("{}\n", credentials.password).as_bytes())?;
        Ok(())
    }

    /// The password, if one was made.
    pub(super) fn password(&self) -> anyhow::Result<Option<String>> {
        let path = self.password_file();
        Ok(if path.exists() { Some(files::read_text(&path)?.trim().to_owned()) } else { None })
    }

    /// The offset of this run: the one that was asked for, which is remembered, or the one of before.
    pub(super) fn port_offset(&self, asked: Option<u16>) -> anyhow::Result<u16> {
        let path = self.folder.join("port-offset");
        if let Some(offset) = asked {
            return Ok(offset);
        }
        if !path.exists() {
            return Ok(0);
        }
        let text = files::read_text(&path)?;
        text.trim().parse().with_context(|| format!("`{}` holds no port offset", path.display()))
    }

    pub(super) fn remember_port_offset(&self, offset: u16) -> anyhow::Result<()> {
        files::write_secret(&self.folder.join("port-offset"), format!("{offset}\n").as_bytes())?;
        Ok(())
    }

    /// Forgets the password and the offset, which go with the data.
    pub(super) fn forget(&self) -> anyhow::Result<()> {
        for name in ["grafana-password", "port-offset"] {
            files::remove(&self.folder.join(name))?;
        }
        Ok(())
    }

    pub(super) fn password_file(&self) -> PathBuf {
        self.folder.join("grafana-password")
    }
}

/// 24 characters of 64, which are 144 bits.
fn new_password() -> anyhow::Result<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = [0_u8; 24];
    SysRng.try_fill_bytes(&mut bytes).context("the system gives no random numbers for a password")?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect())
}
