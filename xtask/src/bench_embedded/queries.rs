//! What the Overview dashboard asks, of both sides in turns.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value as Json;

use crate::{
    embedded::Stack,
    evidence_promql::{Order, difference, panels},
    judge::{Query, Server, When},
};

const ROUNDS: usize = 7;
const MINUTE: i64 = 60_000;

/// A window of the dashboard: its name, its length in minutes, its step in seconds, and what Grafana takes for
/// `$__rate_interval` there, with scrapes of 15 s and some 1000 points.
pub(super) const WINDOWS: [(&str, i64, i64, &str); 3] =
    [("1 h", 60, 15, "1m"), ("6 h", 360, 30, "1m"), ("24 h", 1440, 120, "135s")];

/// The times of an expression in a window, of all rounds.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) expr: String,
    /// Of [`WINDOWS`].
    pub(super) window: usize,
    pub(super) theirs: Vec<Duration>,
    pub(super) ours: Vec<Duration>,
}

pub(super) fn measure(
    dashboard: &Json,
    theirs: &Server,
    ours: &Stack,
    end: i64,
) -> anyhow::Result<Vec<Panel>> {
    let mut measured = Vec::new();
    for (window, (name, minutes, step, interval)) in WINDOWS.into_iter().enumerate() {
        for expr in panels(dashboard, interval, &name.replace(' ', ""), None)? {
            let when = When::Range { start: end - minutes * MINUTE, end, step: step * 1_000 };
            let query = Query { expr, when };
            let mut panel = Panel { expr: query.expr.clone(), window, theirs: Vec::new(), ours: Vec::new() };
            let (mut at_theirs, mut at_ours) = (theirs.connect()?, ours.connect()?);
            let (expected, got) = (at_theirs.ask(&query)?, at_ours.ask(&query)?);
            if let Some(difference) = difference(&expected, &got, Order::Any) {
                bail!("`{}` over {name}: {}", query.expr, difference.note);
            }
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                at_theirs.ask_raw(&query).context("Prometheus")?;
                panel.theirs.push(begun.elapsed());
                let begun = Instant::now();
                at_ours.ask_raw(&query).context("the embedded stack")?;
                panel.ours.push(begun.elapsed());
            }
            measured.push(panel);
        }
        println!("queries over {name} measured");
    }
    Ok(measured)
}

/// The value below which a share of the times lies.
pub(super) fn quantile(times: &[Duration], share: f64) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index of a list")]
    let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or_default()
}
