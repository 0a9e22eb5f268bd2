//! A folder of its own to run the binary in, and what a run came to.

#![expect(clippy::disallowed_methods, reason = "tests set up and look at files themselves")]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::redact::redact;

/// A folder of a user's. Every run sees a cleared environment, so that no test depends on the machine.
#[derive(Debug)]
pub(crate) struct Project {
    folder: TempDir,
    env: BTreeMap<String, OsString>,
}

/// What a run of the binary came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let inside = |name: &str| folder.path().join(name).into_os_string();
        let env = [
            ("PATH", path),
            ("HOME", inside(".home")),
            ("XDG_STATE_HOME", inside(".state")),
            ("NO_COLOR", "1".into()),
            ("COLUMNS", "100".into()),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value)).into();
        Self { folder, env }
    }

    /// A project whose `llmobs.yaml` is this.
    pub(crate) fn with(config: &str) -> Self {
        Self::new().file("llmobs.yaml", config)
    }

    /// Writes a file, and the folders that it lies in.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Runs the binary with these words as arguments.
    pub(crate) fn run(&self, words: &str) -> Ran {
        self.run_args(&words.split_whitespace().collect::<Vec<_>>())
    }

    pub(crate) fn run_args(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the binary writes text");
        let Output { status, stdout, stderr } = output;
        Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }.redacted(self.path())
    }

    /// The binary, ready to start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmobs"));
        command.args(args).current_dir(self.path()).env_clear().envs(&self.env).stdin(Stdio::null());
        command
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let place = self.join(path);
        fs::create_dir_all(place.parent().expect("it lies in the project")).expect("folders can be made");
        fs::write(place, text).expect("a file can be written");
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.join(path)).expect("a file can be removed");
    }

    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.join(path).exists()
    }

    /// Every file below a folder: relative path to text.
    #[track_caller]
    pub(crate) fn tree(&self, folder: &str) -> BTreeMap<String, String> {
        let files = llmobs::files::read_tree(&self.join(folder)).expect("the folder can be read");
        let text = |bytes| String::from_utf8(bytes).expect("rendered files are text");
        files.into_iter().map(|(path, bytes)| (path, text(bytes))).collect()
    }
}

impl Ran {
    fn redacted(self, folder: &Path) -> Self {
        let Self { code, stdout, stderr } = self;
        Self { code, stdout: redact(&stdout, folder), stderr: redact(&stderr, folder) }
    }

    /// This run, where it is only a step towards what a test is about.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        match code {
            Some(code) => writeln!(f, "exit {code}")?,
            None => writeln!(f, "ended by a signal")?,
        }
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                let end = if text.ends_with('\n') { "" } else { "(no line end)\n" };
                write!(f, "----- {name}\n{text}{end}")?;
            }
        }
        Ok(())
    }
}
