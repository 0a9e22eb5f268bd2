//! What the screen shows, as lines: as many of them as the terminal has room for.

use crate::{
    diagnostic::Severity,
    engine::{Health, Target, Targets},
    rules::{Alert, AlertState},
    text::lasting,
    time::Timestamp,
    ui::{ScreenLine, Tone, padded, screen_width},
};

use super::{figures::Figure, journal::Entry};

/// Width of the names of figures, and the least of the figures.
const NAME: usize = 18;
const FIGURE: usize = 16;
/// The most of a figure, of an alert's name and of an instance.
const WIDEST: usize = 34;
/// The most lines of targets and of alerts.
const TARGETS: usize = 4;
const ALERTS: usize = 6;

/// What the screen shows.
pub(super) struct Picture {
    pub(super) title: String,
    /// Name and URL.
    pub(super) services: Vec<(String, String)>,
    pub(super) targets: Targets,
    pub(super) figures: Vec<Figure>,
    /// Names of their rules with them; those that fire first.
    pub(super) alerts: Vec<Alert>,
    pub(super) entries: Vec<Entry>,
    pub(super) help: bool,
    pub(super) now: Timestamp,
}

/// What goes first where the terminal is low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Gap,
    /// What is as it should be.
    Fine,
    Pending,
    Figure,
    Address,
    /// What is to be seen at any size.
    Trouble,
}

/// The lines of the picture, exactly as many as there are rows.
pub(super) fn lines(picture: &Picture, columns: usize, rows: usize) -> Vec<ScreenLine> {
    let room = rows.saturating_sub(1);
    let mut lines = if picture.help { help() } else { overview(picture, columns, room) };
    lines.truncate(room);
    lines.resize(room, Vec::new());
    lines.push(vec![(Tone::Dim, "q quit   ? help   r read the files again".to_owned())]);
    lines
}

fn overview(picture: &Picture, columns: usize, room: usize) -> Vec<ScreenLine> {
    let gap = || (Weight::Gap, Vec::new());
    let mut places: ScreenLine = Vec::new();
    for (name, url) in &picture.services {
        places.extend([
            (Tone::Dim, format!("{name} ")),
            (Tone::Link, url.clone()),
            (Tone::Plain, "   ".to_owned()),
        ]);
    }
    let title = vec![(Tone::Strong, "llmobs ".to_owned()), (Tone::Plain, picture.title.clone())];
    let mut lines = vec![(Weight::Trouble, title), (Weight::Address, places), gap()];
    let widths = picture.figures.iter().map(|figure| screen_width(&figure.text) + 2);
    let width = widths.max().unwrap_or_default().clamp(FIGURE, WIDEST);
    for figure in &picture.figures {
        let line = vec![
            (Tone::Plain, padded(&figure.name, NAME)),
            (figure.tone, padded(&figure.text, width)),
            (Tone::Dim, figure.spark.clone()),
        ];
        lines.push((Weight::Figure, line));
    }
    lines.push(gap());
    lines.extend(target_lines(picture));
    lines.push(gap());
    lines.extend(alert_lines(picture, columns));
    let mut lines = fitted(lines, room);
    // The log has what is left, if it is more than the gap above it.
    let left = room.saturating_sub(lines.len() + 1);
    if left > 0 && !picture.entries.is_empty() {
        lines.push(Vec::new());
        let from = picture.entries.len().saturating_sub(left);
        lines.extend(picture.entries[from..].iter().map(entry_line));
    }
    lines
}

/// As many lines as there is room for: of those that weigh least the last go first.
fn fitted(mut lines: Vec<(Weight, ScreenLine)>, room: usize) -> Vec<ScreenLine> {
    while lines.len() > room {
        let least = lines.iter().enumerate().min_by_key(|(index, (weight, _))| (*weight, usize::MAX - index));
        let Some((index, _)) = least else { break };
        lines.remove(index);
    }
    lines.into_iter().map(|(_, line)| line).collect()
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

fn target_lines(picture: &Picture) -> Vec<(Weight, ScreenLine)> {
    let targets = &picture.targets.active;
    let up = targets.iter().filter(|target| target.health == Health::Up).count();
    let down = targets.iter().filter(|target| target.health == Health::Down).count();
    let tone = if up == targets.len() { Tone::Good } else { Tone::Bad };
    let count = (tone, format!("{up} of {} up", targets.len()));
    let mut lines = vec![(Weight::Trouble, vec![(Tone::Plain, padded("Targets", NAME)), count])];
    // Those that are down first, and not more than there is room for.
    let mut shown: Vec<_> = targets.iter().collect();
    shown.sort_by_key(|target| target.health != Health::Down);
    for target in shown.iter().take(TARGETS) {
        let weight = if target.health == Health::Down { Weight::Trouble } else { Weight::Fine };
        lines.push((weight, target_line(target, picture.now)));
    }
    if shown.len() > TARGETS {
        let weight = if down > TARGETS { Weight::Trouble } else { Weight::Fine };
        lines.push((weight, vec![(Tone::Dim, format!("  and {} more", shown.len() - TARGETS))]));
    }
    lines
}

fn target_line(target: &Target, now: Timestamp) -> ScreenLine {
    let tone = match target.health {
        Health::Up => Tone::Good,
        Health::Down => Tone::Bad,
        Health::Unknown => Tone::Dim,
    };
    let ago = target.last_scrape.map_or(String::new(), |at| {
        format!("{:.0} ms, {} ago", target.last_duration.as_secs_f64() * 1000.0, lasting(now.since(at)))
    });
    let said = if target.last_error.is_empty() { ago } else { target.last_error.clone() };
    let name = format!("  {}", target.labels.get("instance").unwrap_or(&target.url));
    vec![
        (Tone::Plain, padded(&name, NAME + 4) + " "),
        (Tone::Dim, padded(&target.pool, FIGURE) + " "),
        (tone, padded(target.health.text(), 8)),
        (Tone::Dim, said),
    ]
}

fn alert_lines(picture: &Picture, columns: usize) -> Vec<(Weight, ScreenLine)> {
    let firing = picture.alerts.iter().filter(|alert| alert.state == AlertState::Firing).count();
    let pending = picture.alerts.len() - firing;
    let (tone, text) = match (firing, pending) {
        (0, 0) => (Tone::Good, "none".to_owned()),
        (0, _) => (Tone::Warning, format!("{pending} pending")),
        (_, 0) => (Tone::Bad, format!("{firing} firing")),
        _ => (Tone::Bad, format!("{firing} firing, {pending} pending")),
    };
    let mut lines = vec![(Weight::Trouble, vec![(Tone::Plain, padded("Alerts", NAME)), (tone, text)])];
    for alert in picture.alerts.iter().take(ALERTS) {
        let (weight, tone) = match alert.state {
            AlertState::Firing => (Weight::Trouble, Tone::Bad),
            _ => (Weight::Pending, Tone::Warning),
        };
        let name = alert.labels.get("alertname").unwrap_or_default();
        let summary = alert.annotations.iter().find(|(name, _)| name == "summary");
        // As the viewer has it.
        let since = alert.fired_at.unwrap_or(alert.active_at);
        let line = vec![
            (tone, padded(&format!("  {name}"), WIDEST)),
            (
                Tone::Plain,
                padded(&format!("{} {}", alert.state, lasting(picture.now.since(since))), 16) + " ",
            ),
            (Tone::Dim, summary.map_or(String::new(), |(_, text)| text.chars().take(columns).collect())),
        ];
        lines.push((weight, line));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::series::Labels;

    fn target(instance: &str, health: Health) -> Target {
        Target {
            discovered: Labels::default(),
            labels: Labels::from_iter([("instance", instance)]),
            pool: "job".to_owned(),
            url: String::new(),
            health,
            last_error: if health == Health::Down { "refused".to_owned() } else { String::new() },
            last_scrape: None,
            last_duration: Duration::ZERO,
            interval: Duration::from_secs(15),
            timeout: Duration::from_secs(10),
        }
    }

    fn alert(name: &str, fired_at: Option<Timestamp>) -> Alert {
        Alert {
            state: if fired_at.is_some() { AlertState::Firing } else { AlertState::Pending },
            labels: Labels::from_iter([("alertname", name)]),
            annotations: Vec::new(),
            value: 1.0,
            active_at: Timestamp(0),
            fired_at,
            resolved_at: None,
            keep_firing_since: None,
        }
    }

    fn figure(name: &str, text: &str) -> Figure {
        Figure { name: name.to_owned(), text: text.to_owned(), tone: Tone::Good, spark: "▁".to_owned() }
    }

    fn picture() -> Picture {
        let mut figures: Vec<Figure> = (0..10).map(|n| figure(&format!("Figure {n}"), "1")).collect();
        figures.push(figure("Cost / h", "No traffic of $100"));
        let mut targets = Targets::default();
        targets.active.extend([target("a:1", Health::Up), target("b:1", Health::Down)]);
        Picture {
            title: "service".to_owned(),
            services: vec![("viewer".to_owned(), "http://x".to_owned())],
            targets,
            figures,
            alerts: vec![alert("Fires", Some(Timestamp(60_000))), alert("Waits", None)],
            entries: vec![Entry {
                at: Timestamp(0),
                service: "viewer",
                severity: Severity::Note,
                text: "said".to_owned(),
            }],
            help: false,
            now: Timestamp(92_000),
        }
    }

    fn drawn(rows: usize) -> Vec<String> {
        let lines = lines(&picture(), 60, rows);
        assert_eq!(lines.len(), rows);
        lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect()).collect()
    }

    #[test]
    fn trouble_is_seen_at_any_size() {
        for rows in [60, 24, 15, 8] {
            let all = drawn(rows).join("\n");
            assert!(all.contains("  b:1 ") && all.contains("  Fires "), "{rows}: {all}");
            assert!(all.ends_with("q quit   ? help   r read the files again"));
        }
        // The low screen keeps as much as it can, the high one all of it.
        let low = drawn(15).join("\n");
        assert!(low.contains("Figure 6") && !low.contains("  Waits") && !low.contains("  a:1"), "{low}");
        let high = drawn(60).join("\n");
        assert!(high.contains("  Waits") && high.contains("  a:1") && high.contains("said"), "{high}");
    }

    #[test]
    fn figures_are_whole_and_times_are_those_of_the_viewer() {
        let all = drawn(60).join("\n");
        assert!(all.contains("Cost / h          No traffic of $100  ▁"), "{all}");
        assert!(all.contains("firing 32s") && all.contains("pending 1m 32s"), "{all}");
    }
}
