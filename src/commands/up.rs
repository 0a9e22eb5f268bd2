//! `llmobs up`: observe, plan, apply, wait.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, TcpListener},
    time::Duration,
};

use crate::{
    cli::{self, Global, Pull, Up as Args},
    config::EngineChoice,
    docker::DockerEngine,
    remote::prometheus::{Health, Target},
    stack::{
        self, Facts, Outcome, Problem, Project, PullPolicy, RunError, RunEvent, Scope, StepError, UpOptions,
        WaitEvent,
    },
    time::PromDuration,
    ui::{Progress, Step as Line, Ui},
};

use super::{
    Exit,
    bundle::{Bundle, Purpose},
    choose,
    configure::configure,
    embedded::{self, Place},
    engine::{connect, runtime},
    exit::Hinted,
    exporter_image::ExporterImage,
    process::{Process, Signal, signal},
    progress::Tracker,
    state::State,
    urls,
};

pub(super) fn run(args: &Args, global: &Global, process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let configured = configure(global, &args.overrides, process)?;
    ui.diagnostics(&configured.warnings);
    let timeout: PromDuration = args.timeout.parse().map_err(|error| {
        Hinted::new(format!("`--timeout {}`: {error}", args.timeout), "write a duration: `--timeout 120s`")
    })?;
    let project = Project::new(&args.project.project)?;
    let state = State::of(&project, global, process)?;
    let port_offset = state.port_offset(args.port_offset)?;
    // The process in the background is a part of the run that started it and holds the lock.
    let lock = if args.in_background { None } else { Some(state.lock(&project)?) };
    let choice = match args.engine {
        None => configured.config.stack.engine,
        Some(cli::Engine::Auto) => EngineChoice::Auto,
        Some(cli::Engine::Docker) => EngineChoice::Docker,
        Some(cli::Engine::Embedded) => EngineChoice::Embedded,
    };
    let place = Place::of(&state);
    let running = runtime()?.block_on(embedded::settled(&place, &project, ui))?.running();
    let docker = match choice {
        EngineChoice::Docker => Some(connect(process)),
        // What runs is brought up to date, not replaced by another kind.
        EngineChoice::Auto if running.is_none() => match runtime()?.block_on(choose::docker(process)) {
            Ok(engine) => Some(Ok(engine)),
            Err(why) => {
                ui.say(&format!("{why}; running embedded"));
                None
            }
        },
        EngineChoice::Auto | EngineChoice::Embedded => None,
    };
    let image = docker.is_some().then(ExporterImage::read).transpose()?;
    let credentials = state.credentials()?;
    let exporter_hash = image.as_ref().map_or_else(String::new, ExporterImage::hash);
    let config = configured.config.clone();
    let purpose =
        Purpose { project: project.clone(), port_offset, credentials: credentials.clone(), exporter_hash };
    let bundle = Bundle::make(configured, purpose)?;
    // The run that started the process in the background has said so already.
    if !args.in_background {
        ui.diagnostics(&bundle.notes);
    }
    let remember = || state.remember_port_offset(port_offset);
    if let (Some(engine), Some(image)) = (docker, image) {
        if !args.dry_run {
            state.keep(&credentials)?;
        }
        let run = Run {
            args,
            ui,
            project: &project,
            bundle: &bundle,
            image: &image,
            remember: &remember,
            screen: RefCell::default(),
        };
        let ended = runtime()?.block_on(async {
            let engine = engine?;
            let up = async {
                if choice == EngineChoice::Auto && !args.dry_run {
                    let had = choose::images(&engine, &bundle.desired, args.pull, ui).await;
                    if let Err(why) = had {
                        ui.say(&format!("{why}; running embedded"));
                        return Ok(None);
                    }
                }
                run.up(&engine, timeout).await.map(Some)
            };
            tokio::select! {
                ended = up => ended,
                by = signal() => Ok(Some(run.interrupted(by))),
            }
        })?;
        if let Some(exit) = ended {
            return Ok(exit);
        }
    }
    let start = embedded::Start {
        args,
        ui,
        project: &project,
        place,
        config: &config,
        bundle: &bundle,
        remember: &remember,
        timeout,
    };
    embedded::up(&start, running.as_ref(), lock)
}

/// One run of `up`.
struct Run<'a> {
    args: &'a Args,
    ui: &'a Ui,
    project: &'a Project,
    bundle: &'a Bundle,
    image: &'a ExporterImage,
    /// Remembers the port offset; not before it is known that nothing stands in the way.
    remember: &'a dyn Fn() -> anyhow::Result<()>,
    screen: RefCell<Screen<'a>>,
}

/// Lines of progress that are shown now.
#[derive(Default)]
struct Screen<'a> {
    tracker: Tracker<'a>,
    waiting: Option<Waiting<'a>>,
}

impl Run<'_> {
    async fn up(&self, engine: &DockerEngine, timeout: PromDuration) -> anyhow::Result<Exit> {
        if self.args.dry_run {
            return self.dry_run(engine).await;
        }
        let options = UpOptions {
            facts: self.facts(),
            make_image: &|| self.image.archive(),
            limit: Duration::from_millis(timeout.as_millis()),
        };
        let ended = stack::up(engine, &self.bundle.desired, &options, &mut |event| self.event(&event)).await;
        match ended {
            Ok(outcome) => {
                self.summary(&outcome);
                Ok(Exit::Done)
            }
            Err(RunError::Problems { problems }) => Ok(self.refuse(&problems)),
            Err(error) => Err(explained(error, self.project)),
        }
    }

    async fn dry_run(&self, engine: &DockerEngine) -> anyhow::Result<Exit> {
        let desired = &self.bundle.desired;
        let observed = stack::observe(engine, &Scope::of(desired)).await?;
        let problems = stack::preflight(desired, &observed, &self.facts());
        if !problems.is_empty() {
            return Ok(self.refuse(&problems));
        }
        if self.args.pull == Pull::Always {
            self.ui.answer(stack::plan_pulls(desired).to_string().trim_end());
        }
        let plan = stack::plan(desired, &observed);
        let shown = if plan.is_empty() { "nothing to do".to_owned() } else { plan.to_string() };
        self.ui.answer(shown.trim_end());
        Ok(Exit::Done)
    }

    fn event(&self, event: &RunEvent<'_>) {
        let mut screen = self.screen.borrow_mut();
        match event {
            RunEvent::Planned(plan) => {
                if let Err(error) = (self.remember)() {
                    self.ui.warn(&format!("the port offset will not be remembered: {error:#}"));
                }
                for note in &plan.notes {
                    self.ui.warn(note);
                }
                if plan.is_empty() {
                    self.ui.say(&format!("the stack `{}` is up to date", self.project));
                }
                screen.tracker = Tracker::new(self.ui.progress(), plan);
                screen.waiting = None;
            }
            RunEvent::Step(step) => screen.tracker.event(step),
            RunEvent::Wait(wait) => {
                let waiting =
                    screen.waiting.get_or_insert_with(|| Waiting::new(&self.ui.progress(), self.bundle));
                waiting.event(wait);
            }
        }
    }

    fn facts(&self) -> Facts<'_> {
        let pull = match self.args.pull {
            Pull::Never => PullPolicy::Never,
            Pull::Missing => PullPolicy::Missing,
            Pull::Always => PullPolicy::Always,
        };
        Facts {
            pull,
            bind: &can_bind,
            binary_os: std::env::consts::OS,
            binary_architecture: self.image.architecture(),
        }
    }

    fn refuse(&self, problems: &[Problem]) -> Exit {
        for problem in problems {
            self.ui.error(&problem.message);
            self.ui.hint(&problem.hint);
        }
        self.ui.say("");
        self.ui.say("nothing was changed");
        Exit::Failed
    }

    fn summary(&self, outcome: &Outcome) {
        for note in &outcome.notes {
            self.ui.warn(note);
        }
        warn_of_down(&outcome.targets, self.ui);
        self.ui.say("");
        for (name, url) in urls::of_desired(&self.bundle.desired) {
            self.ui.answer(&format!("{name:<12}{url}"));
        }
        self.ui.say("");
        let flag = urls::project_flag(self.project);
        self.ui.say(&format!("Next:  llmobs status{flag} --show-password"));
        self.ui.say(&format!("       llmobs down{flag} --volumes"));
    }

    fn interrupted(&self, by: Signal) -> Exit {
        let name = match by {
            Signal::Interrupt => "interrupted",
            Signal::Terminate => "asked to stop",
        };
        self.ui.say("");
        let remaining_steps = self.screen.borrow_mut().tracker.abandon();
        self.ui.error(name);
        self.ui.hint(&remaining(&remaining_steps, self.project));
        Exit::Interrupted
    }
}

/// A failure with what to do about it and what is left to do.
fn explained(error: RunError, project: &Project) -> anyhow::Error {
    let flag = urls::project_flag(project);
    let hint = match &error {
        RunError::Apply(failed) => {
            let engine = match &failed.source {
                StepError::Engine(engine) => engine.hint(),
                _ => None,
            };
            let rest = remaining(&failed.remaining, project);
            engine.map_or_else(|| rest.clone(), |hint| format!("{hint}\n{rest}"))
        }
        RunError::Wait(_) => format!(
            "see `llmobs logs{flag}`; `llmobs up{flag}` tries again, `llmobs down{flag}` removes what was started"
        ),
        RunError::Engine(_) | RunError::Problems { .. } => return unwrapped(error),
    };
    Hinted::new(error.to_string(), hint).into()
}

/// Without the wrapping of a run, so that the engine's own hint is found.
pub(super) fn unwrapped(error: RunError) -> anyhow::Error {
    match error {
        RunError::Engine(error) => error.into(),
        other => other.into(),
    }
}

/// What a run that ended early leaves to do.
fn remaining(steps: &[String], project: &Project) -> String {
    let flag = urls::project_flag(project);
    let mut text = String::new();
    if !steps.is_empty() {
        text.push_str("not done:\n");
        for step in steps {
            text.extend(["  ", step.as_str(), "\n"]);
        }
    }
    text + &format!("`llmobs up{flag}` finishes it, `llmobs down{flag}` removes it")
}

/// Whether a port of this machine is free: it is bound and let go of.
fn can_bind(ip: IpAddr, port: u16) -> io::Result<()> {
    TcpListener::bind((ip, port)).map(drop)
}

/// Lines of the services that are waited for.
struct Waiting<'a> {
    services: Vec<(&'static str, Line<'a>)>,
    scrape: Option<Line<'a>>,
}

impl<'a> Waiting<'a> {
    fn new(progress: &Progress<'a>, bundle: &Bundle) -> Self {
        let services = bundle.desired.services.iter().map(|service| {
            let name = service.component.name();
            (name, progress.step(format!("{name} ready")))
        });
        Self { services: services.collect(), scrape: Some(progress.step("first scrape")) }
    }

    fn event(&mut self, event: &WaitEvent<'_>) {
        match event {
            WaitEvent::Ready { component, after } => {
                if let Some(index) = self.services.iter().position(|(name, _)| *name == component.name()) {
                    let (_, line) = self.services.remove(index);
                    line.done(&format!("{:.1} s", after.as_secs_f64()));
                }
            }
            WaitEvent::Scraped { targets, after } => {
                if let Some(line) = self.scrape.take() {
                    line.done(&format!("{}, {:.1} s", count_up(targets), after.as_secs_f64()));
                }
            }
        }
    }
}

pub(super) fn warn_of_down(targets: &[Target], ui: &Ui) {
    for target in targets.iter().filter(|target| target.health == Health::Down) {
        ui.warn(&format!("{} ({}) is down: {}", target.instance, target.job, target.last_error));
    }
}

pub(super) fn count_up(targets: &[Target]) -> String {
    let up = targets.iter().filter(|target| target.health == Health::Up).count();
    format!("{up} of {} targets up", targets.len())
}
