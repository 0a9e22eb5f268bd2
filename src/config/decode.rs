//! The merged tree to a [`Config`], with every mistake on the way.

use std::collections::BTreeMap;

use crate::{
    diagnostic::Diagnostic,
    yaml::{Node, Scalar, Value},
};

use super::{
    Component, Config, CostLimits, ErrorAlert, Images, Include, LatencyObjective, Objectives, Origin, Ports,
    StackConfig, TokenLimits, layers, models, name,
    scalar::{self, Refusal},
    targets,
};

/// `None` when a value is missing or wrong; why is in `mistakes`.
pub(super) fn decode(
    root: &Node,
    origins: BTreeMap<String, Origin>,
    builtin_sources: &[&str],
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Config> {
    let mut reader = Reader { mistakes };
    let service = reader.value(root, "service", name::service);
    let own = targets::decode(root, builtin_sources, &mut reader);
    let models = models::decode(root, &mut reader);
    let availability = reader.value(root, "objectives.availability", scalar::share_below_one);
    let latency = latency_objective(root, "objectives.latency", &mut reader);
    let first_token = latency_objective(root, "objectives.first_token", &mut reader);
    let alert_above = reader.value(root, "errors.alert_above", scalar::share);
    let for_ = reader.value(root, "errors.for", scalar::duration);
    let ceiling_per_hour = reader.value(root, "cost.ceiling_per_hour", scalar::usd_above_zero);
    let approaching = reader.value(root, "cost.approaching", scalar::share);
    let budget_per_month = reader.value(root, "cost.budget_per_month", scalar::usd);
    let spike_per_second = reader.value(root, "tokens.spike_per_second", scalar::positive);
    let rules = reader.names(root, "include.rules", name::path);
    let dashboards = reader.names(root, "include.dashboards", name::path);
    let scrape = reader.names(root, "include.scrape", name::path);
    let engine = reader.value(root, "stack.engine", name::engine);
    let components = components(root, &mut reader);
    let bind = reader.value(root, "stack.bind", scalar::address);
    let ports = ports(root, &mut reader);
    let prometheus = reader.value(root, "stack.images.prometheus", scalar::image);
    let grafana = reader.value(root, "stack.images.grafana", scalar::image);
    let (targets, components) = targets::with_mock(root, own?, components?, &mut reader)?;
    Some(Config {
        service: service?,
        targets,
        models: models?,
        objectives: Objectives { availability: availability?, latency: latency?, first_token: first_token? },
        errors: ErrorAlert { alert_above: alert_above?, for_: for_? },
        cost: CostLimits { ceiling_per_hour: ceiling_per_hour?, approaching: approaching?, budget_per_month },
        tokens: TokenLimits { spike_per_second: spike_per_second? },
        include: Include { rules: rules?, dashboards: dashboards?, scrape: scrape? },
        stack: StackConfig {
            engine: engine?,
            components,
            bind: bind?,
            ports: ports?,
            images: Images { prometheus: prometheus?, grafana: grafana? },
        },
        origins,
    })
}

fn latency_objective(root: &Node, path: &str, reader: &mut Reader<'_>) -> Option<LatencyObjective> {
    let threshold = reader.value(root, &format!("{path}.threshold"), scalar::duration_above_zero);
    let share = reader.value(root, &format!("{path}.share"), scalar::share_below_one);
    let exact = reader.value(root, &format!("{path}.exact"), scalar::switch);
    Some(LatencyObjective { threshold: threshold?, share: share?, exact: exact? })
}

fn components(root: &Node, reader: &mut Reader<'_>) -> Option<Vec<Component>> {
    let path = "stack.components";
    let mut components = reader.unique_names(root, path, "component", name::component)?;
    if let (true, Some(node)) = (components.is_empty(), root.at(path)) {
        reader.refuse(node, "`stack.components` is empty", "name at least `prometheus`, or remove the key");
    }
    components.sort_unstable();
    Some(components)
}

fn ports(root: &Node, reader: &mut Reader<'_>) -> Option<Ports> {
    let mut read = |component: Component| {
        let path = format!("stack.ports.{}", component.name());
        reader.value(root, &path, scalar::port)
    };
    let ports = Component::ALL.map(&mut read);
    let taken = |index: usize| ports[..index].iter().position(|port| port.is_some() && *port == ports[index]);
    for (index, component) in Component::ALL.into_iter().enumerate() {
        let (Some(first), Some(port)) = (taken(index), ports[index]) else { continue };
        let first = Component::ALL[first];
        let node = |component: Component| root.at(&format!("stack.ports.{}", component.name()));
        let places = [node(component), node(first)].into_iter().flatten();
        // A default is nobody's mistake: the place is where the user's own number stands.
        let own = places.filter(|node| node.origin.source != *layers::defaults());
        let message = format!("`{}` and `{}` both have the port {port}", first.name(), component.name());
        let mut mistake = Diagnostic::error(message).help("give each its own port");
        for node in own {
            mistake = mistake.at(&node.origin.source, node.origin.span, "");
        }
        reader.mistakes.push(mistake);
    }
    let [prometheus, grafana, exporter] = ports;
    Some(Ports { prometheus: prometheus?, grafana: grafana?, exporter: exporter? })
}

/// Reads values and collects what is wrong with them. A node of the wrong shape is passed over in silence: the walk
/// along the table of keys has reported it.
pub(super) struct Reader<'a> {
    pub(super) mistakes: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// The value at a path, if it is set and right.
    pub(super) fn value<T>(
        &mut self,
        node: &Node,
        path: &str,
        read: impl Fn(&Scalar) -> Result<T, Refusal>,
    ) -> Option<T> {
        self.scalar(node.at(path)?, read)
    }

    pub(super) fn scalar<T>(
        &mut self,
        node: &Node,
        read: impl Fn(&Scalar) -> Result<T, Refusal>,
    ) -> Option<T> {
        let Value::Scalar(scalar) = &node.value else { return None };
        match read(scalar) {
            Ok(value) => Some(value),
            Err(Refusal { message, help }) => {
                self.refuse(node, message, help);
                None
            }
        }
    }

    /// The items of a list of single values; `None` when the list has the wrong shape. Wrong items are left out.
    pub(super) fn names<T>(
        &mut self,
        node: &Node,
        path: &str,
        read: impl Fn(&Scalar) -> Result<T, Refusal>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = &node.at(path)?.value else { return None };
        Some(items.iter().filter_map(|item| self.scalar(item, &read)).collect())
    }

    /// As [`Self::names`], where no item may come twice.
    pub(super) fn unique_names<T: PartialEq>(
        &mut self,
        node: &Node,
        path: &str,
        what: &str,
        read: impl Fn(&Scalar) -> Result<T, Refusal>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = &node.at(path)?.value else { return None };
        let mut seen: Vec<(T, &Node)> = Vec::new();
        for item in items {
            let Some(value) = self.scalar(item, &read) else { continue };
            match seen.iter().find(|(other, _)| *other == value) {
                Some((_, first)) => self.twice(item, first, what),
                None => seen.push((value, item)),
            }
        }
        Some(seen.into_iter().map(|(value, _)| value).collect())
    }

    pub(super) fn refuse(&mut self, node: &Node, message: impl Into<String>, help: impl Into<String>) {
        let span = super::walk::first_line(&node.origin);
        self.mistakes.push(Diagnostic::error(message).at(&node.origin.source, span, "").help(help));
    }

    /// `again` says what `first` has said already.
    pub(super) fn twice(&mut self, again: &Node, first: &Node, what: &str) {
        let Value::Scalar(scalar) = &again.value else { return };
        self.mistakes.push(
            Diagnostic::error(format!("the {what} `{}` is listed twice", scalar.text.escape_debug()))
                .at(&again.origin.source, again.origin.span, "again here")
                .at(&first.origin.source, first.origin.span, "first here")
                .help("remove one of them"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{Layers, load},
        diagnostic::Severity,
        text::Source,
    };

    #[test]
    fn no_input_makes_it_panic_or_fail_in_silence() {
        let seeds = [
            crate::config::starter(),
            "service: x\ntargets:\n- {job: a, source: vllm, endpoints: [\"a:1\", '[::1]:2'], scrape_interval: 5s}\nmodels: [{name: \"\\u00e9\", price: {input: 1e3, output: .5}}]\n".to_owned(),
            include_str!("../../assets/defaults.yaml").to_owned(),
        ];
        let pieces = [
            "{", "}", "[", "]", ":", "- ", "\n", "\t", "*a", "&a ", "!!x ", "'", "\"", "%", "é中", "\0", "~",
            "?", "|\n", ".inf", "-", "9e999", "\u{feff}", "---\n", "#", ",",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % bound as u64).unwrap()
        };
        for _ in 0..1000 {
            let mut text = seeds[below(seeds.len())].clone().into_bytes();
            for _ in 0..=below(6) {
                let at = below(text.len() + 1);
                match below(3) {
                    0 => drop(text.splice(at..at, pieces[below(pieces.len())].bytes())),
                    1 => text.truncate(at),
                    _ => drop(text.splice(at..(at + below(9)).min(text.len()), [])),
                }
            }
            // A comment sign lost here and there lets every key be reached.
            let text = String::from_utf8_lossy(&text).replacen('#', "", below(20));
            let layers = Layers { file: Some(Source::new("f", text)), env: &[], settings: &[] };
            match load(&layers, &["llmobs", "vllm"]) {
                Ok((config, _)) => assert!(!config.targets.is_empty()),
                Err(mistakes) => {
                    assert!(mistakes.iter().any(|m| m.severity == Severity::Error), "{layers:?}");
                    for label in mistakes.iter().flat_map(|mistake| &mistake.labels) {
                        let text = label.source.text();
                        assert!(text.get(label.span.start..label.span.end).is_some(), "{label:?}");
                    }
                }
            }
        }
    }
}
