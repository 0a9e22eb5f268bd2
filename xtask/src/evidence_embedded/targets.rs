//! What both sides say of their targets while these are in trouble.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::wait_until;
use crate::{
    embedded::{Exporter, Mood, Script, Stack},
    judge::{Connection, Server},
};

/// How long after the begin of a trouble each side is asked: it has been scraped by then, and lasts.
const AFTER: i64 = 4_000;

/// Of each mood what both sides gave as the last error, the last time that they were asked.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    pub(super) words: BTreeMap<Mood, (String, String)>,
    pub(super) asked: usize,
    pub(super) faults: Vec<String>,
}

/// Asks both sides in the midst of each act until the end.
pub(super) fn watch(
    scripts: &[Script],
    services: &[Exporter],
    (begin, end): (i64, i64),
    judge: &Server,
    ours: &Stack,
) -> anyhow::Result<Reasons> {
    let mut looks: Vec<(i64, Mood, String)> = Vec::new();
    for (script, service) in scripts.iter().zip(services) {
        let instance = service.address.to_string();
        let acts = script.acts().iter().map(|act| (act.from + AFTER, act.mood, instance.clone()));
        looks.extend(acts.filter(|(at, ..)| (begin..end).contains(at)));
    }
    looks.sort();
    let mut reasons = Reasons::default();
    for (at, mood, instance) in looks {
        wait_until(at);
        // A connection that lies idle for so long may be closed.
        let theirs = target(&mut judge.connect()?, &instance).context("Prometheus")?;
        let ours = target(&mut ours.connect()?, &instance).context("the embedded stack")?;
        reasons.asked += 1;
        if theirs.0 != ours.0 {
            let words = mood.words();
            reasons.faults.push(format!("/targets, {words}: {} at Prometheus, {} at ours", theirs.0, ours.0));
        }
        let plain = |text: String| text.replace(&instance, "HOST:PORT").replace(['\n', '|'], " ");
        reasons.words.insert(mood, (plain(theirs.1), plain(ours.1)));
    }
    Ok(reasons)
}

/// Health and last error of a target.
fn target(connection: &mut Connection, instance: &str) -> anyhow::Result<(String, String)> {
    let answer = connection.json("/api/v1/targets?state=active")?;
    let targets = answer["data"]["activeTargets"].as_array().context("no targets")?;
    let target = targets.iter().find(|target| target["labels"]["instance"] == instance);
    let target = target.with_context(|| format!("no target {instance}"))?;
    let text = |field: &str| target[field].as_str().unwrap_or_default().to_owned();
    Ok((text("health"), text("lastError")))
}
