//! Targets, and where the mock service of llmobs stands among them.

use crate::{
    diagnostic::Diagnostic,
    time::PromDuration,
    yaml::{Node, Value},
};

use super::{
    Component, Role, SourceRef, Target,
    decode::Reader,
    layers,
    name::{self, MOCK_JOB},
    scalar,
};

/// How often a target is scraped unless it says otherwise.
const SCRAPE_INTERVAL: PromDuration = PromDuration::from_secs(15);
/// The mock is scraped more often, so that a newcomer's dashboard fills at once.
const MOCK_SCRAPE_INTERVAL: PromDuration = PromDuration::from_secs(5);
/// The exporter within the network of the stack.
const MOCK_ENDPOINT: &str = "exporter:9091";
/// The metric source that the mock speaks.
const MOCK_SOURCE: &str = "llmobs";

/// The targets of the user; items with mistakes are left out, `None` when `targets` is no list.
pub(super) fn decode(root: &Node, builtin: &[&str], reader: &mut Reader<'_>) -> Option<Vec<Target>> {
    let list = root.at("targets")?;
    let Value::List(items) = &list.value else { return None };
    let mut jobs: Vec<(String, &Node)> = Vec::new();
    let mut targets = Vec::new();
    for item in items.iter().filter(|item| matches!(item.value, Value::Map(_))) {
        let job = reader.value(item, "job", name::job);
        if let (Some(job), Some(node)) = (&job, item.at("job")) {
            match jobs.iter().find(|(other, _)| other == job) {
                Some((_, first)) => reader.twice(node, first, "job"),
                None => jobs.push((job.clone(), node)),
            }
        }
        let source = reader.value(item, "source", |scalar| name::source(scalar, builtin));
        let endpoints = reader.unique_names(item, "endpoints", "endpoint", name::endpoint);
        if let (Some(node), Some(Value::List(items))) =
            (item.at("endpoints"), item.at("endpoints").map(|n| &n.value))
            && items.is_empty()
        {
            reader.refuse(node, "`endpoints` is empty", "write `host:port` of at least one instance");
        }
        for (key, example) in [
            ("job", "job: gateway"),
            ("source", "source: vllm"),
            ("endpoints", "endpoints: [\"10.0.0.5:8000\"]"),
        ] {
            if item.at(key).is_none() {
                reader.refuse(item, format!("a target has no `{key}`"), format!("add `{example}`"));
            }
        }
        let role = item.at("role").map_or(Some(Role::Entry), |node| reader.scalar(node, name::role));
        let scrape_interval = item
            .at("scrape_interval")
            .map_or(Some(SCRAPE_INTERVAL), |node| reader.scalar(node, scalar::scrape_interval));
        targets.extend(assemble(job, source, endpoints, role, scrape_interval));
    }
    if !targets.is_empty() && targets.iter().all(|target| target.role == Role::Backend) {
        reader.mistakes.push(
            Diagnostic::warning("no target has `role: entry`")
                .at(&list.origin.source, super::walk::first_line(&list.origin), "")
                .because("only entries count in totals, so success rate, cost and tokens stay empty")
                .help("remove `role: backend` from the targets where requests enter"),
        );
    }
    Some(targets)
}

fn assemble(
    job: Option<String>,
    source: Option<SourceRef>,
    endpoints: Option<Vec<String>>,
    role: Option<Role>,
    scrape_interval: Option<PromDuration>,
) -> Option<Target> {
    Some(Target {
        job: job?,
        source: source?,
        endpoints: endpoints?,
        role: role?,
        scrape_interval: scrape_interval?,
    })
}

/// Targets and components with the mock in its place: it is all there is without targets, stands beside them where
/// `components` names `exporter`, and is left out otherwise.
pub(super) fn with_mock(
    root: &Node,
    mut targets: Vec<Target>,
    mut components: Vec<Component>,
    reader: &mut Reader<'_>,
) -> Option<(Vec<Target>, Vec<Component>)> {
    let named = root.at("stack.components")?;
    let has_targets = matches!(&root.at("targets")?.value, Value::List(items) if !items.is_empty());
    if has_targets && named.origin.source == *layers::defaults() {
        components.retain(|component| *component != Component::Exporter);
    }
    let has_exporter = components.contains(&Component::Exporter);
    match (has_targets, has_exporter) {
        (true, true) => targets.push(mock(Role::Mock)),
        (true, false) => {}
        (false, true) => targets.push(mock(Role::Entry)),
        (false, false) => {
            reader.refuse(
                named,
                "nothing to scrape: there are no `targets`, and `components` leaves out the mock service",
                "add `exporter` to `components`, or say in `targets` what to scrape",
            );
            return None;
        }
    }
    Some((targets, components))
}

fn mock(role: Role) -> Target {
    Target {
        job: MOCK_JOB.to_owned(),
        source: SourceRef::Builtin(MOCK_SOURCE.to_owned()),
        endpoints: vec![MOCK_ENDPOINT.to_owned()],
        role,
        scrape_interval: MOCK_SCRAPE_INTERVAL,
    }
}
