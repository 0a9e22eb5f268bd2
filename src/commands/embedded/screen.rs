//! The screen of a stack that runs in the foreground, and what it does without one.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    commands::process::{Signal, hangup_ends, hangups, now},
    engine::{Engine, Observe},
    rules::Alert,
    text::lasting,
};

use super::{
    figures::{Figure, figures},
    journal::Journal,
    picture::{Picture, lines},
    run::{Stack, services},
    up::Start,
};

/// Between two pictures.
const REFRESH: Duration = Duration::from_secs(1);

/// Shows what goes on until the stack is to end; by which signal, if by one.
pub(super) async fn show(
    start: &Start<'_>,
    stack: &Stack,
    journal: &Journal,
    stopped: impl Future<Output = Signal>,
) -> anyhow::Result<Option<Signal>> {
    let mut stopped = std::pin::pin!(stopped);
    let hangup_ends = !start.args.in_background && hangup_ends();
    let mut hangups = hangups();
    let taken = if start.args.in_background { None } else { start.ui.screen() };
    let Some(mut screen) = taken else {
        start.summary();
        if !start.args.in_background {
            start.ui.say("");
            start.ui.say("running in this process; Ctrl-C ends it");
        }
        let mut first = std::pin::pin!(start.first_scrapes());
        let mut waits = !start.args.in_background;
        loop {
            tokio::select! {
                by = &mut stopped => return Ok(Some(by)),
                () = hangups.next() => {
                    if hangup_ends {
                        return Ok(Some(Signal::Terminate));
                    }
                    reload(stack);
                }
                () = &mut first, if waits => waits = false,
            }
        }
    };
    let (key, mut keys) = mpsc::unbounded_channel();
    screen.on_key(move |pressed| {
        // Nobody listens any more at the end.
        let _ = key.send(pressed);
    });
    let mut ticks = tokio::time::interval(REFRESH);
    let mut help = false;
    let begun = now();
    let mut known = Vec::new();
    // Keys and signals do not wait for figures.
    let mut asking = None;
    loop {
        tokio::select! {
            by = &mut stopped => return Ok(Some(by)),
            () = hangups.next() => {
                if hangup_ends {
                    return Ok(Some(Signal::Terminate));
                }
                reload(stack);
            }
            Some(pressed) = keys.recv() => match pressed {
                'q' => return Ok(None),
                '?' | 'h' => help = !help,
                'r' => reload(stack),
                _ => continue,
            },
            came = answer(&mut asking) => {
                known = came;
                asking = None;
            }
            _ = ticks.tick() => if asking.is_none() {
                asking = stack.engine.as_ref().map(|engine| ask(start, engine));
            },
        }
        let picture = Picture {
            title: format!("{}, for {}", start.config.service, lasting(now().since(begun))),
            services: services(start).into_iter().map(|(name, service)| (name, service.url)).collect(),
            targets: stack.engine.as_ref().map(Observe::targets).unwrap_or_default(),
            figures: known.clone(),
            alerts: stack.engine.as_ref().map(alerts).unwrap_or_default(),
            entries: journal.recent(),
            help,
            now: now(),
        };
        let (columns, rows) = screen.size();
        screen.draw(&lines(&picture, columns, rows));
    }
}

/// Reads the files again, beside what goes on.
fn reload(stack: &Stack) {
    if let Some(engine) = stack.engine.clone() {
        // What is wrong with the files stands in the log.
        drop(spawn_blocking(move || engine.reload()));
    }
}

fn ask(start: &Start<'_>, engine: &Engine) -> JoinHandle<Vec<Figure>> {
    let (store, files) = (engine.store().clone(), start.place.files());
    spawn_blocking(move || figures(&files, &store.reader(), now))
}

/// What was asked for; waits for ever where nothing was.
async fn answer(asking: &mut Option<JoinHandle<Vec<Figure>>>) -> Vec<Figure> {
    match asking {
        Some(asking) => asking.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

fn alerts(engine: &Engine) -> Vec<Alert> {
    let groups = engine.groups();
    let mut alerts: Vec<Alert> =
        groups.into_iter().flat_map(|group| group.rules).flat_map(|rule| rule.alerts).collect();
    alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.state), alert.active_at));
    alerts
}
