//! `llmobs up` without containers: in this process, in one in the background, or in the one that runs already.

use std::{net::TcpListener, process::Stdio, time::Duration};

use anyhow::Context as _;
use tokio::time::Instant;

use crate::{
    cli::Up as Args,
    commands::{
        Exit,
        bundle::Bundle,
        engine::runtime,
        exit::Hinted,
        process::signal,
        up::{count_up, warn_of_down},
        urls,
    },
    config::Config,
    files::Lock,
    remote::prometheus::{self, Health},
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
/// How long `up` waits for first scrapes; the stack runs already.
const FIRST_SCRAPES: Duration = Duration::from_secs(3);
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
pub(in crate::commands) fn up(
    start: &Start<'_>,
    running: Option<&Runner>,
    lock: Option<Lock>,
) -> anyhow::Result<Exit> {
    if start.args.dry_run {
        dry_run(start, running);
        return Ok(Exit::Done);
    }
    let Some(runner) = running else {
        let detaches = start.args.detach && !start.args.in_background;
        return if detaches { detach(start) } else { run::run(start, lock) };
    };
    let changes = runner.fixed.changes(&run::fixed(start));
    if changes.is_empty() {
        return reload(start, runner);
    }
    let why = format!("{} changed, which needs a new start", changes.join(", "));
    if !runner.in_background {
        return Err(Hinted::new(
            format!("{why} of the stack `{}`", start.project),
            format!("end the process {} (`q` on its screen), then start again", runner.pid),
        )
        .into());
    }
    can_listen(start, runner)?;
    start.ui.say(&format!("{why}; the data stays"));
    runtime()?.block_on(manage::stop(&start.place, runner, start.project))?;
    let started = detach(start);
    if !matches!(started, Ok(Exit::Done)) {
        start.ui.say(&format!(
            "the process {} had been ended for it: nothing of the stack `{}` runs now; its data is kept",
            runner.pid, start.project
        ));
    }
    started
}

/// Whether the ports that the running process does not have are free for the next one: it is not ended for one that
/// cannot start.
fn can_listen(start: &Start<'_>, runner: &Runner) -> anyhow::Result<()> {
    let had: Vec<u16> = runner.fixed.services.values().map(|service| service.at.port()).collect();
    // One of another version does not say.
    if had.is_empty() {
        return Ok(());
    }
    for service in &start.bundle.desired.services {
        let Some(at) = run::listens_at(service) else { continue };
        if !had.contains(&at.port())
            && let Err(error) = TcpListener::bind(at)
        {
            let Hinted { message, hint } = run::taken(service, at, &error);
            let goes_on = format!("the process {} goes on as it was", runner.pid);
            return Err(Hinted::new(format!("{message}; {goes_on}"), hint).into());
        }
    }
    Ok(())
}

impl Start<'_> {
    /// Names and addresses, and what to do next.
    pub(super) fn summary(&self) {
        self.ui.say("");
        for (name, service) in run::services(self) {
            self.ui.answer(&format!("{name:<12}{}", service.url));
        }
    }

    /// Waits a little for the first scrape of each target, and warns of those that are down.
    pub(super) async fn first_scrapes(&self) {
        let Some(endpoint) = run::prometheus(self) else { return };
        let line = self.ui.progress().step("first scrape");
        let begun = Instant::now();
        let targets = loop {
            // What does not answer now is seen by `status`; the stack has been started.
            let Ok(targets) = prometheus::targets(&endpoint).await else { return };
            let waits = targets.iter().any(|target| target.health == Health::Unknown);
            if !waits || begun.elapsed() > FIRST_SCRAPES {
                break targets;
            }
            tokio::time::sleep(LOOK).await;
        };
        line.done(&format!("{}, {:.1} s", count_up(&targets), begun.elapsed().as_secs_f64()));
        warn_of_down(&targets, self.ui);
    }

    fn next(&self) {
        let flag = urls::project_flag(self.project);
        self.ui.say("");
        self.ui.say(&format!("Next:  llmobs status{flag}"));
        self.ui.say(&format!("       llmobs down{flag} --volumes"));
    }
}

fn dry_run(start: &Start<'_>, running: Option<&Runner>) {
    let Some(runner) = running else {
        start.ui.answer("run embedded, in one process:");
        for (name, service) in run::services(start) {
            start.ui.answer(&format!("  {name:<12}{}", service.url));
        }
        start.ui.answer(&format!("  {:<12}{}", "data", start.place.data().display()));
        return;
    };
    let changes = runner.fixed.changes(&run::fixed(start));
    start.ui.answer(&if changes.is_empty() {
        format!("write the files and have the process {} read them again", runner.pid)
    } else {
        format!("end the process {} and start another: {} changed", runner.pid, changes.join(", "))
    });
}

/// Has the running process read the files again.
fn reload(start: &Start<'_>, runner: &Runner) -> anyhow::Result<Exit> {
    start.place.write_files(&start.bundle.files)?;
    runtime()?.block_on(async {
        let Some(endpoint) = run::prometheus(start) else { return Ok(()) };
        let answer = endpoint.post("/-/reload", None).await?;
        if answer.is_success() {
            start.first_scrapes().await;
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
                if start.place.tenant()?.running().is_some_and(|runner| runner.pid == child.id()) {
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
            runtime()?.block_on(start.first_scrapes());
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
