//! The screen of a stack that runs in the foreground, and what it does without one.

use std::time::Duration;

use tokio::{sync::mpsc, task::spawn_blocking};

use crate::{
    commands::process::{Signal, hangups, now},
    dashboards::{
        model::{Dashboard, PanelKind},
        query::Source,
        scene::{Scene, Stat},
        view::{Wish, view},
    },
    diagnostic::Severity,
    engine::{Engine, Health, Observe, Targets},
    files,
    promql::eval,
    rules::{Alert, AlertState},
    time::Timestamp,
    ui::{ScreenLine, Tone, padded, sparkline},
};

use super::{
    journal::{Entry, Journal},
    run::{Stack, services},
    up::Start,
};

/// Between two pictures.
const REFRESH: Duration = Duration::from_secs(1);
/// Width of the names of figures, and of the figures.
const NAME: usize = 18;
const FIGURE: usize = 16;
const SPARK: usize = 40;
/// The dashboard's panel of what an hour costs, beside which the ceiling is shown.
const COST: &str = "Cost / h";
/// How far back the small graphs look.
const RANGE: &str = "now-15m";

/// What the screen shows.
struct Picture {
    title: String,
    services: Vec<(String, String)>,
    targets: Targets,
    figures: Vec<Figure>,
    /// Names of their rules with them.
    alerts: Vec<Alert>,
    entries: Vec<Entry>,
    help: bool,
    now: Timestamp,
}

struct Figure {
    name: String,
    text: String,
    tone: Tone,
    spark: String,
}

/// Shows what goes on until the stack is to end; by which signal, if by one.
pub(super) async fn show(
    start: &Start<'_>,
    stack: &Stack,
    journal: &Journal,
    stopped: impl Future<Output = Signal>,
) -> anyhow::Result<Option<Signal>> {
    let mut stopped = std::pin::pin!(stopped);
    let mut hangups = hangups();
    let taken = if start.args.in_background { None } else { start.ui.screen() };
    let Some(mut screen) = taken else {
        start.summary();
        if !start.args.in_background {
            start.ui.say("");
            start.ui.say("running in this process; Ctrl-C ends it");
        }
        loop {
            tokio::select! {
                by = &mut stopped => return Ok(Some(by)),
                () = hangups.next() => reload(stack).await,
            }
        }
    };
    let (key, mut keys) = mpsc::unbounded_channel();
    screen.on_key(move |pressed| {
        // Nobody listens any more at the end.
        let _ = key.send(pressed);
    });
    let dashboard = overview(start);
    let mut ticks = tokio::time::interval(REFRESH);
    let mut help = false;
    let begun = now();
    loop {
        tokio::select! {
            by = &mut stopped => return Ok(Some(by)),
            () = hangups.next() => reload(stack).await,
            Some(pressed) = keys.recv() => match pressed {
                'q' => return Ok(None),
                '?' | 'h' => help = !help,
                'r' => reload(stack).await,
                _ => continue,
            },
            _ = ticks.tick() => {}
        }
        let mut figures = match (&stack.engine, &dashboard) {
            (Some(engine), Some(dashboard)) => figures(engine, dashboard.clone()).await,
            _ => Vec::new(),
        };
        if let Some(cost) = figures.iter_mut().find(|figure| figure.name == COST) {
            cost.text = format!("{} of ${}", cost.text, start.config.cost.ceiling_per_hour);
        }
        let picture = Picture {
            title: format!("{}, for {}", start.config.service, lasting(begun, now())),
            services: services(start).into_iter().collect(),
            targets: stack.engine.as_ref().map(Observe::targets).unwrap_or_default(),
            figures,
            alerts: stack.engine.as_ref().map(alerts).unwrap_or_default(),
            entries: journal.recent(),
            help,
            now: now(),
        };
        let (columns, rows) = screen.size();
        screen.draw(&lines(&picture, columns, rows));
    }
}

async fn reload(stack: &Stack) {
    let Some(engine) = stack.engine.clone() else { return };
    // What is wrong with the files stands in the log.
    drop(spawn_blocking(move || engine.reload()).await);
}

/// The home dashboard as it was rendered.
fn overview(start: &Start<'_>) -> Option<Dashboard> {
    let path = start.place.files().join("grafana/provisioning").join(crate::commands::bundle::HOME_DASHBOARD);
    Dashboard::parse(&files::read_text(&path).ok()?).ok()
}

/// The single values of the dashboard, in its order.
async fn figures(engine: &Engine, dashboard: Dashboard) -> Vec<Figure> {
    let (store, now) = (engine.store().clone(), engine.now());
    let asked = spawn_blocking(move || {
        let reader = store.reader();
        let source = Source { data: &reader, options: eval::Options::default(), scrape_interval: 15_000 };
        let wish = Wish { from: Some(RANGE.to_owned()), to: Some("now".to_owned()), ..Wish::default() };
        let mut only = dashboard;
        for row in &mut only.rows {
            row.panels.retain(|panel| matches!(panel.kind, PanelKind::Stat(_)));
        }
        only.annotations.clear();
        let shown = view(&only, &wish, &source, now);
        let panels = shown.rows.into_iter().flat_map(|row| row.panels);
        panels
            .filter_map(|(_, _, drawing)| match drawing.scene {
                Scene::Stats(stats) => Some(figure(drawing.title, stats.first()?)),
                Scene::Empty(text) => {
                    Some(Figure { name: drawing.title, text, tone: Tone::Dim, spark: String::new() })
                }
                _ => None,
            })
            .collect()
    });
    asked.await.unwrap_or_default()
}

fn figure(name: String, stat: &Stat) -> Figure {
    let text = stat.text.as_ref().map(|text| format!("{}{}{}", text.prefix, text.text, text.suffix));
    let colour = stat.colour.dark;
    let tone = match (text.is_some(), colour.r, colour.g) {
        (false, ..) => Tone::Dim,
        (true, red, green) if red > 200 && green < 120 => Tone::Bad,
        (true, red, green) if red > 200 && green < 220 => Tone::Warning,
        (true, red, green) if green > red => Tone::Good,
        _ => Tone::Strong,
    };
    let mut cells = vec![None; SPARK];
    for point in stat.spark.iter().flat_map(|spark| spark.line.runs.iter().flatten()) {
        // A share of the width, within it.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let index = (point.x.clamp(0.0, 1.0) * (SPARK - 1) as f64).round() as usize;
        cells[index] = Some(point.top);
    }
    // A value stands until the next.
    for index in 1..SPARK {
        if cells[index].is_none() {
            cells[index] = cells[index - 1];
        }
    }
    Figure { name, text: text.unwrap_or_else(|| "no data".to_owned()), tone, spark: sparkline(&cells) }
}

fn alerts(engine: &Engine) -> Vec<Alert> {
    let groups = engine.groups();
    let mut alerts: Vec<Alert> =
        groups.into_iter().flat_map(|group| group.rules).flat_map(|rule| rule.alerts).collect();
    alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.state), alert.active_at));
    alerts
}

/// The lines of the picture, fewer of the log where the terminal is low.
fn lines(picture: &Picture, columns: usize, rows: usize) -> Vec<ScreenLine> {
    if picture.help {
        return help();
    }
    let plain = |text: &str| vec![(Tone::Plain, text.to_owned())];
    let mut lines: Vec<ScreenLine> =
        vec![vec![(Tone::Strong, "llmobs ".to_owned()), (Tone::Plain, picture.title.clone())]];
    let mut places: ScreenLine = Vec::new();
    for (name, url) in &picture.services {
        places.extend([
            (Tone::Dim, format!("{name} ")),
            (Tone::Link, url.clone()),
            (Tone::Plain, "   ".to_owned()),
        ]);
    }
    lines.extend([places, plain("")]);
    for figure in &picture.figures {
        lines.push(vec![
            (Tone::Plain, padded(&figure.name, NAME)),
            (figure.tone, padded(&figure.text, FIGURE)),
            (Tone::Dim, figure.spark.clone()),
        ]);
    }
    lines.push(plain(""));
    lines.extend(target_lines(picture));
    lines.push(plain(""));
    lines.extend(alert_lines(picture, columns));
    let room = rows.saturating_sub(lines.len() + 3);
    if room > 0 && !picture.entries.is_empty() {
        lines.push(plain(""));
        let from = picture.entries.len().saturating_sub(room);
        lines.extend(picture.entries[from..].iter().map(entry_line));
    }
    lines.truncate(rows.saturating_sub(1));
    lines.resize(rows.saturating_sub(1), Vec::new());
    lines.push(vec![(Tone::Dim, "q quit   ? help   r read the files again".to_owned())]);
    lines
}

fn help() -> Vec<ScreenLine> {
    let rows = [
        ("q", "end the stack; data stays for the next start"),
        ("r", "read the files again, as `llmobs up` does in another terminal"),
        ("?", "this help"),
        ("", ""),
        ("", "The figures are those of the dashboard, the graphs their last 15 minutes."),
        ("", "A target that is down says why; an alert is pending until its `for` has passed."),
        ("", "The log below is what `llmobs logs` shows."),
    ];
    let row =
        |(key, text): (&str, &str)| vec![(Tone::Strong, padded(key, 4)), (Tone::Plain, text.to_owned())];
    rows.into_iter().map(row).collect()
}

fn target_lines(picture: &Picture) -> Vec<ScreenLine> {
    let targets = &picture.targets.active;
    let up = targets.iter().filter(|target| target.health == Health::Up).count();
    let tone = if up == targets.len() { Tone::Good } else { Tone::Bad };
    let mut lines =
        vec![vec![(Tone::Plain, padded("Targets", NAME)), (tone, format!("{up} of {} up", targets.len()))]];
    // Those that are down first, and not more than there is room for.
    let mut shown: Vec<_> = targets.iter().collect();
    shown.sort_by_key(|target| target.health != Health::Down);
    for target in shown.iter().take(4) {
        let tone = match target.health {
            Health::Up => Tone::Good,
            Health::Down => Tone::Bad,
            Health::Unknown => Tone::Dim,
        };
        let ago = target.last_scrape.map_or(String::new(), |at| {
            format!("{:.0} ms, {} ago", target.last_duration.as_secs_f64() * 1000.0, lasting(at, picture.now))
        });
        let said = if target.last_error.is_empty() { ago } else { target.last_error.clone() };
        let name = format!("  {}", target.labels.get("instance").unwrap_or(&target.url));
        lines.push(vec![
            (Tone::Plain, padded(&name, NAME + 4) + " "),
            (Tone::Dim, padded(&target.pool, FIGURE) + " "),
            (tone, padded(target.health.text(), 8)),
            (Tone::Dim, said),
        ]);
    }
    if shown.len() > 4 {
        lines.push(vec![(Tone::Dim, format!("  and {} more", shown.len() - 4))]);
    }
    lines
}

fn alert_lines(picture: &Picture, columns: usize) -> Vec<ScreenLine> {
    let firing = picture.alerts.iter().filter(|alert| alert.state == AlertState::Firing).count();
    let pending = picture.alerts.len() - firing;
    let (tone, text) = match (firing, pending) {
        (0, 0) => (Tone::Good, "none".to_owned()),
        (0, _) => (Tone::Warning, format!("{pending} pending")),
        (_, 0) => (Tone::Bad, format!("{firing} firing")),
        _ => (Tone::Bad, format!("{firing} firing, {pending} pending")),
    };
    let mut lines = vec![vec![(Tone::Plain, padded("Alerts", NAME)), (tone, text)]];
    for alert in picture.alerts.iter().take(6) {
        let tone = if alert.state == AlertState::Firing { Tone::Bad } else { Tone::Warning };
        let name = alert.labels.get("alertname").unwrap_or_default();
        let summary = alert.annotations.iter().find(|(name, _)| name == "summary");
        lines.push(vec![
            (tone, padded(&format!("  {name}"), NAME + FIGURE)),
            (
                Tone::Plain,
                padded(&format!("{} {}", alert.state, lasting(alert.active_at, picture.now)), 14) + " ",
            ),
            (Tone::Dim, summary.map_or(String::new(), |(_, text)| text.chars().take(columns).collect())),
        ]);
    }
    lines
}

fn entry_line(entry: &Entry) -> ScreenLine {
    let tone = match entry.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Warning,
        Severity::Note => Tone::Dim,
    };
    let at = entry.at.civil();
    vec![
        (Tone::Dim, format!("{:02}:{:02}:{:02}  ", at.hour, at.minute, at.second)),
        (Tone::Dim, padded(entry.service, 11)),
        (tone, entry.text.clone()),
    ]
}

/// A length of time in its two largest units.
fn lasting(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.0.saturating_sub(from.0).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}
