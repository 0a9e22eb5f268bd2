//! From layers to a configuration.

use crate::diagnostic::{Diagnostic, Severity};

use super::{Config, Layers, decode::decode, layers, walk::walk};

/// The configuration that the layers make, with warnings; or all mistakes, file first, each layer from its top.
///
/// `builtin_sources` are the names of the metric sources that llmobs ships.
pub fn load(
    layers: &Layers<'_>,
    builtin_sources: &[&str],
) -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut found = Vec::new();
    let config = layers::stack(layers, &mut found).and_then(|tree| {
        let origins = walk(&tree, &mut found);
        decode(&tree, origins, builtin_sources, &mut found)
    });
    found.sort_by_key(|diagnostic| place(diagnostic, layers));
    match config {
        Some(config) if !found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) => {
            Ok((config, found))
        }
        _ => Err(found),
    }
}

/// Sorts the file first, then the environment, then flags, each by position.
fn place(diagnostic: &Diagnostic, layers: &Layers<'_>) -> (usize, String, usize) {
    let Some(label) = diagnostic.labels.first() else { return (3, String::new(), 0) };
    let layer = match label.source.name() {
        name if layers.file.as_ref().is_some_and(|file| file.name() == name) => 0,
        name if name.starts_with("LLMOBS_") => 1,
        _ => 2,
    };
    (layer, label.source.name().to_owned(), label.span.start)
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{Component, Config, Price, Role, Setting, SourceRef},
        text::Source,
        time::PromDuration,
    };

    use super::*;

    const BUILTIN: [&str; 2] = ["llmobs", "vllm"];

    fn load_file(text: &str) -> Result<(Config, Vec<Diagnostic>), Vec<Diagnostic>> {
        load(&Layers { file: Some(Source::new("llmobs.yaml", text)), env: &[], settings: &[] }, &BUILTIN)
    }

    /// `line:column message | help`, with the source in front where it is not the file.
    fn lines(diagnostics: &[Diagnostic]) -> String {
        let line = |diagnostic: &Diagnostic| {
            let place = diagnostic.labels.first().map_or(String::new(), |label| {
                let at = label.source.position(label.span.start);
                let name = Some(label.source.name()).filter(|name| *name != "llmobs.yaml");
                format!("{}{}:{} ", name.map_or(String::new(), |n| format!("{n}:")), at.line, at.column)
            });
            let help = diagnostic.help.as_deref().unwrap_or("-");
            format!("{place}{} | {help}\n", diagnostic.message)
        };
        diagnostics.iter().map(line).collect()
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match load_file(text) {
            Ok((_, warnings)) if warnings.is_empty() => "ok\n".to_owned(),
            Ok((_, warnings)) => format!("ok, but\n{}", lines(&warnings)),
            Err(mistakes) => lines(&mistakes),
        };
        assert_eq!(got, format!("{expect}\n"));
    }

    #[track_caller]
    fn check_layers(file: &str, env: &[(&str, &str)], flags: &[(&str, &str, &str)], expect: &str) {
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
        let setting = |(flag, path, value): &(&str, &str, &str)| Setting {
            flag: (*flag).to_owned(),
            path: (*path).to_owned(),
            value: (*value).to_owned(),
        };
        let settings = flags.iter().map(setting).collect::<Vec<_>>();
        let layers = Layers { file: Some(Source::new("llmobs.yaml", file)), env: &env, settings: &settings };
        let got = match load(&layers, &BUILTIN) {
            Ok((config, warnings)) => {
                let names = config.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(" ");
                let origin = config.origins.get("cost.ceiling_per_hour");
                format!(
                    "{} {} {} by {}\n{}",
                    config.cost.ceiling_per_hour,
                    config.stack.ports.grafana,
                    names,
                    origin.map_or("nobody", |origin| origin.source.name()),
                    lines(&warnings)
                )
            }
            Err(mistakes) => lines(&mistakes),
        };
        assert_eq!(got, format!("{expect}\n"));
    }

    #[test]
    fn no_file_is_the_mock_with_three_models() {
        let (config, warnings) = load(&Layers { file: None, env: &[], settings: &[] }, &BUILTIN).unwrap();
        assert_eq!(warnings, []);
        assert_eq!(config.service, "llm-service");
        let [mock] = config.targets.as_slice() else { panic!("{:?}", config.targets) };
        assert_eq!((mock.job.as_str(), &mock.source), ("mock", &SourceRef::Builtin("llmobs".to_owned())));
        assert_eq!(
            (mock.endpoints.as_slice(), mock.role),
            (["exporter:9091".to_owned()].as_slice(), Role::Entry)
        );
        assert_eq!(mock.scrape_interval, PromDuration::from_secs(5));
        let models = config.models.iter().map(|m| (m.name.as_str(), m.provider.as_str())).collect::<Vec<_>>();
        let expect = [("gpt-4o", "openai"), ("gpt-4o-mini", "openai"), ("claude-sonnet-4-5", "anthropic")];
        assert_eq!(models, expect);
        assert_eq!(config.objectives.availability.to_string(), "0.999");
        assert_eq!(config.objectives.latency.threshold, PromDuration::from_secs(5));
        assert_eq!(config.cost.budget_per_month, None);
        assert_eq!(config.stack.components, Component::ALL);
        assert_eq!(config.origins.len(), 0);
    }

    #[test]
    fn a_whole_file_is_read() {
        let (config, _) = load_file(
            "service: chat-api\n\
             targets:\n\
             \x20 - {job: gateway, source: llmobs, endpoints: [\"gateway:4000\"], role: entry}\n\
             \x20 - {job: vllm, source: ./mine.yaml, endpoints: [\"10.0.0.5:8000\", \"[::1]:8000\"], role: backend, scrape_interval: 30s}\n\
             models:\n\
             \x20 - gpt-4o\n\
             \x20 - {name: llama-3.3-70b, provider: own, price: {input: 0.4, output: 0.8, cached_input: 0.1}}\n\
             \x20 - {name: free, price: {input: 0, output: 0}}\n\
             cost: {budget_per_month: 40000}\n\
             include: {rules: [rules/*.yaml]}\n\
             stack: {components: [grafana, exporter, prometheus], bind: 0.0.0.0}\n",
        )
        .unwrap();
        let jobs = config.targets.iter().map(|t| (t.job.as_str(), t.role)).collect::<Vec<_>>();
        assert_eq!(jobs, [("gateway", Role::Entry), ("vllm", Role::Backend), ("mock", Role::Mock)]);
        assert_eq!(config.targets[1].source, SourceRef::File("./mine.yaml".into()));
        assert_eq!(config.targets[0].scrape_interval, PromDuration::from_secs(15));
        assert_eq!(config.models[1].price, Price { input: 0.4, output: 0.8, cached_input: Some(0.1) });
        assert_eq!(
            (config.models[1].provider.as_str(), config.models[2].provider.as_str()),
            ("own", "unknown")
        );
        assert_eq!(config.cost.budget_per_month, Some(40000.0));
        assert_eq!(config.stack.components, Component::ALL);
        let origin = &config.origins["targets[1].source"];
        assert_eq!(origin.source.position(origin.span.start).line, 4);
        assert_eq!(origin.source.slice(origin.span), "./mine.yaml");
    }

    #[test]
    fn with_targets_the_mock_stands_only_where_it_is_named() {
        let components = |text: &str| load_file(text).unwrap().0.stack.components;
        let target = "targets: [{job: a, source: vllm, endpoints: [\"a:1\"]}]\n";
        assert_eq!(components(target), [Component::Prometheus, Component::Grafana]);
        assert_eq!(components(&format!("{target}stack: {{components: [exporter]}}")), [Component::Exporter]);
        assert_eq!(components("stack: {components: [exporter]}"), [Component::Exporter]);
        check(
            "stack: {components: [prometheus]}",
            "1:21 nothing to scrape: there are no `targets`, and `components` leaves out the mock service | add `exporter` to `components`, or say in `targets` what to scrape",
        );
        check(
            "targets: [{job: a, source: vllm, endpoints: [\"a:1\"], role: backend}]",
            "ok, but\n1:10 no target has `role: entry` | remove `role: backend` from the targets where requests enter",
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once_each_with_its_place_and_a_way_out() {
        check(
            "\
service: chat api
targets:
  - job: gateway
    source: vlm
    endpoints: [http://gateway:4000/metrics]
  - {job: gateway, source: vllm, endpoints: [b:1, b:1], rol: entry}
  - {job: mock, source: vllm, scrape_interval: 10m}
models: [gpt-4o, gtp-4o-mini, gpt-4o]
objectives:
  availability: 99.9
  latency: {threshold: 5, share: 100%}
erors: {for: 5m}
cost:
  ceiling_per_hour: -5
  budget_per_month: $40,000
  celing_per_hour: 5
  ceiling_per_hour: 7
tokens: 1000
alerts: {}
stack:
  bind: localhost
  components: [prometheus, grafna]
  ports: {grafana: 9090, exporter: 70000}
",
            "\
1:10 `chat api` is no name for a service | use letters, digits, `.`, `_` and `-`, at most 63, such as `chat-api`
4:13 `vlm` is no metric source | did you mean `vllm`?
5:17 `http://gateway:4000/metrics` is not `host:port` | write `gateway:4000`, with no scheme and no path
6:11 the job `gateway` is listed twice | remove one of them
6:51 the endpoint `b:1` is listed twice | remove one of them
6:57 unknown key `rol` in `targets` | did you mean `role`?
7:5 a target has no `endpoints` | add `endpoints: [\"10.0.0.5:8000\"]`
7:11 the job name `mock` belongs to the mock service of llmobs | choose another name for your job
7:48 `10m` is not between `1s` and `5m` | write a scrape interval such as `15s`; Prometheus forgets a sample after 5m
8:18 no price is known of the model `gtp-4o-mini` | did you mean `gpt-4o-mini`? Otherwise give `price: {input: 0.4, output: 0.8}` in US dollars per million tokens, 0 where it is free
8:31 the model `gpt-4o` is listed twice | remove one of them
10:17 `99.9` has no `%` | write `99.9%`
11:24 `5` has no unit | write `5s`
11:34 `100%` is not between 0% and 100% | write a share above `0%` and below `100%`, such as `99.9%`
12:1 unknown key `erors` | did you mean `errors`?
14:21 `-5` is negative, and an amount of money cannot be | write `5`, or 0 for what is free
15:21 `$40,000` is not a plain number | write `40000`; amounts are US dollars
16:3 unknown key `celing_per_hour` in `cost` | did you mean `ceiling_per_hour`?
17:3 the key `ceiling_per_hour` is written twice | keep one of them
18:9 `tokens` takes keys, not a single value | write keys below it: `spike_per_second`
19:1 unknown key `alerts` | this version of llmobs does not have `alerts` yet; remove it
21:9 `localhost` is no IP address | write `127.0.0.1`
22:28 `grafna` is no component | did you mean `grafana`?
23:20 `prometheus` and `grafana` both have the port 9090 | give each its own port
23:36 `70000` is no port | write a number from 1 to 65535, such as `9090`",
        );
    }

    #[test]
    fn shapes() {
        check("cost:\n  # all of it commented out\nmodels:\n", "ok");
        check(
            "- a",
            "1:1 the file holds a list, not keys | write keys such as `service: chat-api`; `llmobs init` writes a file to start from",
        );
        check("models: gpt-4o", "1:9 `models` takes a list of models, not a single value | write `[gpt-4o]`");
        check("models: []", "1:9 `models` is empty | name at least one model, or remove the key");
        check(
            "models: [[gpt-4o]]",
            "1:10 an item of `models` is a list | write a name, or keys such as `{name: gpt-4o}`",
        );
        check("models: [{price: {input: 1, output: 1}}]", "1:10 a model has no `name` | add `name: gpt-4o`");
        check(
            "models: [{name: x, price: {input: 1}}]",
            "1:27 the price has no `output` | add `output: 0.4`, US dollars per million tokens, or `output: 0` where it is free",
        );
        check(
            "models: [\"a\\nb\"]",
            "1:10 the name `a\\nb` holds a control character | remove line breaks, tabs and other control characters",
        );
        check(
            "models: [{name: gpt-4o, provider: azure}]",
            "1:17 no price is known of `gpt-4o` at `azure` | `openai` takes `price: {input: 2.5, output: 10}`; write that, or the price you pay",
        );
        check("service: [a]", "1:10 `service` takes a text, not a list | write a text");
        check(
            "stack: {components: []}",
            "1:21 `stack.components` is empty | name at least `prometheus`, or remove the key\n1:21 nothing to scrape: there are no `targets`, and `components` leaves out the mock service | add `exporter` to `components`, or say in `targets` what to scrape",
        );
        check(
            "stack.bind: 127.0.0.1",
            "1:1 unknown key `stack.bind` | write it nested: `stack:` and below it `bind:`",
        );
        check(
            "include: {rules: mine.yaml}",
            "1:18 `include.rules` takes a list, not a single value | write `[mine.yaml]`",
        );
    }

    #[test]
    fn hostile_model_names_pass() {
        let names =
            ["meta-llama/Llama-3.1-70B", "a\"b", "j|k.*", "c\\d", "é中", "{{ x }}", "$f", "</script>"];
        let items = names.map(|name| format!("  - {{name: '{name}', price: {{input: 1, output: 2}}}}\n"));
        let (config, _) = load_file(&format!("models:\n{}", items.concat())).unwrap();
        assert_eq!(config.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), names);
    }

    #[test]
    fn later_layers_go_before_earlier_ones() {
        let three = "gpt-4o gpt-4o-mini claude-sonnet-4-5";
        check_layers("", &[], &[], &format!("100 3000 {three} by nobody"));
        let file = "cost: {ceiling_per_hour: 50}\nmodels: [gpt-4.1]";
        check_layers(file, &[], &[], "50 3000 gpt-4.1 by llmobs.yaml");
        let env = [("LLMOBS_COST_CEILING_PER_HOUR", "60"), ("LLMOBS_MODELS", "gpt-4o, o3"), ("PATH", "x")];
        check_layers(file, &env, &[], "60 3000 gpt-4o o3 by LLMOBS_COST_CEILING_PER_HOUR");
        let flags = [
            ("--cost-ceiling", "cost.ceiling_per_hour", "80"),
            ("--set stack.ports.grafana", "stack.ports.grafana", "3001"),
            ("--set models", "models", "[o1]"),
        ];
        check_layers(file, &env, &flags, "80 3001 o1 by --cost-ceiling");
        check_layers(file, &[("LLMOBS_COST_CEILING_PER_HOUR", "")], &[], "50 3000 gpt-4.1 by llmobs.yaml");
        let flags = [("--set cost", "cost", "{ceiling_per_hour: 9}"), ("--models", "models", "o1,o3")];
        check_layers("", &[], &flags, "9 3000 o1 o3 by --set cost");
    }

    #[test]
    fn mistakes_in_variables_and_flags_name_them() {
        check_layers(
            "cost: {approaching: 80}",
            &[("LLMOBS_COST_CEILING_PER_HOUR", "lots"), ("LLMOBS_MODELS", "gpt-4o,,o3")],
            &[("--cost-ceiling", "cost.budget_per_month", "-1"), ("--set cost.celing", "cost.celing", "5")],
            "\
1:21 `80` has no `%` | write `80%`
LLMOBS_COST_CEILING_PER_HOUR:1:1 `lots` is not a number | write a number such as `100`
LLMOBS_MODELS:1:8 the name is empty | write the name as it stands in the metrics
--cost-ceiling:1:1 `-1` is negative, and an amount of money cannot be | write `1`, or 0 for what is free
--set cost.celing:1:6 unknown key `cost.celing` | did you mean `ceiling_per_hour`?",
        );
        let set = |path: &'static str| [("--set", path, "1")];
        check_layers(
            "",
            &[],
            &set("models[0].name"),
            "--set:1:1 unknown key `models[0].name` | a list is set as a whole: `--set 'models=[…]'`",
        );
        check_layers(
            "",
            &[],
            &set("models[].name"),
            "--set:1:1 unknown key `models[].name` | a list is set as a whole: `--set 'models=[…]'`",
        );
        check_layers(
            "",
            &[],
            &set("service.name"),
            "--set:1:9 unknown key `service.name` | `service` has no keys below it; write `--set service=…`",
        );
        check_layers(
            "",
            &[],
            &set("targets.job"),
            "--set:1:9 unknown key `targets.job` | a list is set as a whole: `--set 'targets=[…]'`",
        );
        check_layers(
            "",
            &[],
            &set(""),
            "--set:1:1 unknown key `` | keys known here: `service`, `targets`, `models`, `objectives`, `errors`, `cost`, `tokens`, `include`, `stack`",
        );
    }

    #[test]
    fn a_mistyped_variable_is_a_warning_and_others_are_none_of_ours() {
        let three = "gpt-4o gpt-4o-mini claude-sonnet-4-5";
        check_layers(
            "",
            &[
                ("LLMOBS_COST_CEILING", "5"),
                ("LLMOBS_E2E", "required"),
                ("LLMOBS_TEST_IMAGES", "x"),
                ("LLMOBS_MODEL", "o1"),
            ],
            &[],
            &format!(
                "100 3000 {three} by nobody\n\
                 the environment variable `LLMOBS_COST_CEILING` sets nothing | did you mean `LLMOBS_COST_CEILING_PER_HOUR`?\n\
                 the environment variable `LLMOBS_MODEL` sets nothing | did you mean `LLMOBS_MODELS`?"
            ),
        );
    }
}
