//! An embedded stack seen from other processes: how it is ended, what it wrote.

use std::time::Duration;

use crate::{
    commands::{Exit, exit::Hinted, process::signal, urls},
    files::{self, Follower},
    stack::Project,
    text::nearest,
    ui::{Tone, Ui},
};

use super::{
    journal::service_of,
    place::{Place, Runner, Tenant},
};

/// How long a process may take to end: its last scrapes, alerts and samples to send, and answers each have their time.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at a process or a log.
const LOOK: Duration = Duration::from_millis(50);

/// Ends the process that runs the stack, and waits for it.
pub(in crate::commands) async fn stop(
    place: &Place,
    runner: &Runner,
    project: &Project,
) -> anyhow::Result<()> {
    terminate(runner.pid)?;
    let ended = async {
        while matches!(place.tenant()?, Tenant::Running(_) | Tenant::Between) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| {
        Err(Hinted::new(
            format!("the process {} of the stack `{project}` does not end", runner.pid),
            format!(
                "look at `llmobs logs{}`; `kill -9 {}` ends it, and loses nothing that was stored",
                urls::project_flag(project),
                runner.pid
            ),
        )
        .into())
    })
}

/// Who runs the stack, once no process is on its way to run it or to end.
pub(in crate::commands) async fn settled(
    place: &Place,
    project: &Project,
    ui: &Ui,
) -> anyhow::Result<Tenant> {
    let mut line = None;
    let settled = async {
        loop {
            match place.tenant()? {
                Tenant::Between => {
                    line.get_or_insert_with(|| ui.progress().step("wait for the process of before to end"));
                    tokio::time::sleep(LOOK).await;
                }
                tenant => return Ok::<_, anyhow::Error>(tenant),
            }
        }
    };
    let tenant = tokio::time::timeout(PATIENCE, settled).await.unwrap_or_else(|_| {
        Err(Hinted::new(
            format!("a process of the stack `{project}` does not end"),
            format!("look at `llmobs logs{}`", urls::project_flag(project)),
        )
        .into())
    })?;
    if let Some(line) = line {
        line.done("");
    }
    Ok(tenant)
}

#[cfg(unix)]
fn terminate(pid: u32) -> anyhow::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(pid) = pid else { anyhow::bail!("`process.json` names no process") };
    match kill_process(pid, Signal::TERM) {
        // It has ended by itself in the meantime.
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(anyhow::anyhow!("cannot end the process {}: {error}", pid.as_raw_nonzero())),
    }
}

#[cfg(not(unix))]
fn terminate(pid: u32) -> anyhow::Result<()> {
    anyhow::bail!("this system has no signal that ends a process in order; end the process {pid} yourself")
}

/// Prints what the services of the stack wrote.
pub(in crate::commands) async fn logs(
    place: &Place,
    project: &Project,
    services: &[String],
    count: u32,
    follow: bool,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    match place.tenant()? {
        Tenant::Running(_) | Tenant::Between => {}
        Tenant::Crashed(runner) => ui.say(&ended_unexpectedly(&runner, project)),
        Tenant::None => ui.say(&format!("nothing of the stack `{project}` runs; this was written before")),
    }
    // A line that comes in between is rather shown twice than not at all.
    let mut follower = Follower::from_end(&place.log());
    let lines = files::tail(&place.log(), usize::MAX)?;
    let mut known: Vec<&str> = lines.iter().filter_map(|line| Some(service_of(line)?.0)).collect();
    known.extend(SERVICES);
    known.sort_unstable();
    known.dedup();
    for asked in services {
        if !known.contains(&asked.as_str()) {
            let hint = match nearest(asked, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", known.join(", ")),
            };
            return Err(Hinted::new(format!("the stack `{project}` has no service `{asked}`"), hint).into());
        }
    }
    let width = known.iter().map(|name| name.len()).max().unwrap_or_default();
    let show = |line: &str| {
        let Some((at, _)) = line.split_once(' ') else { return };
        let Some((service, text)) = service_of(line) else { return };
        let head = ui.palette().paint(Tone::Strong, &format!("{service:<width$} |"));
        ui.answer(&format!("{head} {at} {text}"));
    };
    let wanted = |line: &&String| {
        services.is_empty()
            || service_of(line).is_some_and(|(service, _)| services.iter().any(|asked| asked == service))
    };
    let chosen: Vec<&String> = lines.iter().filter(wanted).collect();
    chosen.iter().skip(chosen.len().saturating_sub(count as usize)).for_each(|line| show(line));
    if !follow {
        return Ok(Exit::Done);
    }
    let following = async {
        while !ui.is_closed() {
            let came = follower.lines()?;
            came.iter().filter(wanted).for_each(|line| show(line));
            tokio::time::sleep(LOOK).await;
        }
        Ok(Exit::Done)
    };
    tokio::select! {
        ended = following => ended,
        _ = signal() => Ok(Exit::Interrupted),
    }
}

/// What is said of a process that was killed or that failed.
pub(in crate::commands) fn ended_unexpectedly(runner: &Runner, project: &Project) -> String {
    format!("the process {} of the stack `{project}` ended unexpectedly", runner.pid)
}

/// The services that the process may have.
pub(super) const SERVICES: [&str; 3] = [PROMETHEUS, VIEWER, EXPORTER];
pub(super) const PROMETHEUS: &str = "prometheus";
pub(super) const VIEWER: &str = "viewer";
pub(super) const EXPORTER: &str = "exporter";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_ends_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path().join("embedded"));
        let project = Project::new("p").unwrap();
        let (ui, captured) = Ui::captured();
        assert_eq!(settled(&place, &project, &ui).await.unwrap(), Tenant::None);
        assert_eq!(captured.stderr(), "");

        let held = place.hold(&project).unwrap();
        let failed = settled(&place, &project, &ui).await.unwrap_err();
        assert_eq!(failed.to_string(), "a process of the stack `p` does not end");
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(held);
        });
        assert_eq!(settled(&place, &project, &ui).await.unwrap(), Tenant::None);
        assert_eq!(captured.stderr(), "wait for the process of before to end\n");
    }
}
