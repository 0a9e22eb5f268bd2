//! `llmobs up` without containers: in this process, in one in the background, or in the one that runs already.

use std::{process::Stdio, time::Duration};

use anyhow::Context as _;

use crate::{
    cli::Up as Args,
    commands::{Exit, bundle::Bundle, engine::runtime, exit::Hinted, process::signal, urls},
    config::Config,
    files::{self, Lock},
    stack::Project,
    time::PromDuration,
    ui::Ui,
};

use super::{
    manage,
    place::{Place, Runner},
    run,
};

/// Between two looks at a process that starts.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of the log that are shown of a process that ended at once.
const SHOWN: usize = 10;

/// What an embedded stack is started with.
pub(in crate::commands) struct Start<'a> {
    pub(in crate::commands) args: &'a Args,
    pub(in crate::commands) ui: &'a Ui,
    pub(in crate::commands) project: &'a Project,
    pub(in crate::commands) place: Place,
    pub(in crate::commands) config: &'a Config,
    pub(in crate::commands) bundle: &'a Bundle,
    /// Remembers the port offset; not before it is known that nothing stands in the way.
    pub(in crate::commands) remember: &'a dyn Fn() -> anyhow::Result<()>,
    /// How long to wait for the process in the background.
    pub(in crate::commands) timeout: PromDuration,
}

/// Starts the stack, or brings the one that runs up to date. The lock is given back once it runs.
pub(in crate::commands) fn up(start: &Start<'_>, lock: Option<Lock>) -> anyhow::Result<Exit> {
    if start.args.dry_run {
        return dry_run(start);
    }
    if let Some(runner) = start.place.runner()? {
        if !start.needs_restart(&runner)? {
            return reload(start, &runner);
        }
        if !runner.in_background {
            return Err(Hinted::new(
                format!("what changed needs a new start of the stack `{}`", start.project),
                format!("end the process {} (`q` on its screen), then start again", runner.pid),
            )
            .into());
        }
        start.ui.say("what changed needs a new start; the data stays");
        runtime()?.block_on(manage::stop(&start.place, &runner, start.project))?;
        return detach(start);
    }
    if start.args.detach && !start.args.in_background { detach(start) } else { run::run(start, lock) }
}

impl Start<'_> {
    /// Whether the running process listens elsewhere than it should, or its mock speaks of other models.
    fn needs_restart(&self, runner: &Runner) -> anyhow::Result<bool> {
        if runner.services != run::services(self) || runner.version != env!("CARGO_PKG_VERSION") {
            return Ok(true);
        }
        let mock = "exporter/llmobs.yaml";
        let written = self.place.files().join(mock);
        let now = self.bundle.files.get(mock).map(Vec::as_slice);
        let before = if written.exists() { Some(files::read_bytes(&written)?) } else { None };
        Ok(before.as_deref() != now)
    }

    /// Names and addresses, and what to do next.
    pub(super) fn summary(&self) {
        self.ui.say("");
        for (name, url) in run::services(self) {
            self.ui.answer(&format!("{name:<12}{url}"));
        }
    }

    fn next(&self) {
        let flag = urls::project_flag(self.project);
        self.ui.say("");
        self.ui.say(&format!("Next:  llmobs status{flag}"));
        self.ui.say(&format!("       llmobs down{flag} --volumes"));
    }
}

fn dry_run(start: &Start<'_>) -> anyhow::Result<Exit> {
    let Some(runner) = start.place.runner()? else {
        start.ui.answer("run embedded, in one process:");
        for (name, url) in run::services(start) {
            start.ui.answer(&format!("  {name:<12}{url}"));
        }
        start.ui.answer(&format!("  {:<12}{}", "data", start.place.data().display()));
        return Ok(Exit::Done);
    };
    start.ui.answer(&if start.needs_restart(&runner)? {
        format!("end the process {} and start another: what changed needs it", runner.pid)
    } else {
        format!("write the files and have the process {} read them again", runner.pid)
    });
    Ok(Exit::Done)
}

/// Has the running process read the files again.
fn reload(start: &Start<'_>, runner: &Runner) -> anyhow::Result<Exit> {
    start.place.write_files(&start.bundle.files)?;
    runtime()?.block_on(async {
        let Some(endpoint) = run::prometheus(start) else { return Ok(()) };
        let answer = endpoint.post("/-/reload", None).await?;
        if answer.is_success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
        Err(anyhow::anyhow!("the process {} refuses the files: {text}", runner.pid))
    })?;
    start.ui.say(&format!("the stack `{}` is up to date, in process {}", start.project, runner.pid));
    start.summary();
    start.next();
    Ok(Exit::Done)
}

/// Starts this program again, in the background, and waits until the stack runs.
fn detach(start: &Start<'_>) -> anyhow::Result<Exit> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1)).arg("--in-background").arg("--engine=embedded");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // Ctrl-C at the terminal is for what stands in the foreground.
        command.process_group(0);
    }
    let line = start.ui.progress().step("start in the background");
    let mut child = command.spawn().context("cannot start the process in the background")?;
    let ended = runtime()?.block_on(async {
        let ready = async {
            loop {
                if start.place.runner()?.is_some_and(|runner| runner.pid == child.id()) {
                    return Ok(None);
                }
                if let Some(status) = child.try_wait().context("cannot watch the process")? {
                    return Ok::<_, anyhow::Error>(Some(status));
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            ready = tokio::time::timeout(Duration::from_millis(start.timeout.as_millis()), ready) => {
                ready.unwrap_or_else(|_| Err(anyhow::anyhow!("the process does not get ready within {}", start.timeout)))
            }
            _ = signal() => Err(anyhow::anyhow!("interrupted")),
        }
    });
    match ended {
        Ok(None) => {
            line.done(&format!("process {}", child.id()));
            start.summary();
            start.next();
            Ok(Exit::Done)
        }
        Ok(Some(status)) => {
            line.failed(&status.to_string());
            let mut said = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                use std::io::Read as _;
                // What it said last is all there is; it may be nothing.
                drop(stderr.read_to_string(&mut said));
            }
            let lines: Vec<&str> = said.lines().collect();
            for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                start.ui.say(line);
            }
            Ok(Exit::Failed)
        }
        Err(error) => {
            // What was begun is undone.
            drop((child.kill(), child.wait()));
            Err(error)
        }
    }
}
