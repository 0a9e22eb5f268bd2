//! The commented file that `llmobs init` writes.

use crate::yaml::Node;

use super::{
    layers,
    schema::{KEYS, Key, Kind},
};

/// The column at which explanations start, where the value leaves room.
const EXPLANATION: usize = 48;

const HEAD: &str = "\
# Configuration of llmobs. Every setting below is commented out and shows its default: to change one, remove the `#`
# in front of it and of the lines that it is indented under. LLMOBS_* variables and flags go before this file.
";

const EXAMPLE_TARGETS: &str = "\
# for example:
# - {job: gateway, source: llmobs, endpoints: [\"gateway:4000\"]}
# - {job: vllm, source: vllm, endpoints: [\"10.0.0.5:8000\"], role: backend, scrape_interval: 15s}
";

const EXAMPLE_MODELS: &str = "\
# for example:
# - gpt-4o
# - {name: llama-3.3-70b, provider: own, price: {input: 0.4, output: 0.8}}
";

/// A file with every key, its default and a line of explanation.
///
/// Every setting is commented out, so the file says the same as none. A line that starts with `# ` and a word is
/// prose, any other comment is a setting behind a `#`.
pub fn starter() -> String {
    let defaults = layers::parse(layers::defaults(), &mut Vec::new());
    let mut text = HEAD.to_owned();
    for key in KEYS {
        let line = match key.path.split_once("[].") {
            Some((_, name)) => format!("# {name}: {}", key.doc),
            None => setting(key, defaults.as_ref()),
        };
        if !key.path.contains('.') {
            text.push('\n');
        }
        text.push_str(&line);
        text.push('\n');
        match key.path {
            "targets" => text.push_str(EXAMPLE_TARGETS),
            "models" => text.push_str(EXAMPLE_MODELS),
            _ => {}
        }
    }
    text
}

fn setting(key: &Key, defaults: Option<&Node>) -> String {
    let name = key.path.rsplit('.').next().unwrap_or(key.path);
    let indent = "  ".repeat(key.path.matches('.').count());
    let default = defaults.and_then(|root| root.at(key.path)).filter(|_| key.kind != Kind::Section);
    // As it stands in the text of the defaults.
    let value =
        default.map_or_else(String::new, |node| format!(" {}", node.origin.source.slice(node.origin.span)));
    let setting = format!("#{indent}{name}:{value}");
    format!("{setting:EXPLANATION$}  # {}", key.doc)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{
        config::{Config, Layers, load},
        text::Source,
    };

    use super::*;

    fn uncommented() -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') || rest.starts_with("  ") => rest.to_owned(),
            _ => line.to_owned(),
        };
        starter().lines().map(line).collect::<Vec<_>>().join("\n")
    }

    fn loaded(text: &str) -> Config {
        let layers = Layers { file: Some(Source::new("llmobs.yaml", text)), env: &[], settings: &[] };
        let (config, warnings) = load(&layers, &["llmobs", "vllm"]).unwrap();
        assert_eq!(warnings, []);
        config
    }

    #[test]
    fn the_file_says_what_no_file_says_with_and_without_its_comment_signs() {
        let shown = |config: Config| format!("{:?}", Config { origins: BTreeMap::default(), ..config });
        let defaults = shown(loaded(""));
        assert_eq!(shown(loaded(&starter())), defaults);
        assert_eq!(shown(loaded(&uncommented())), defaults);
    }

    #[test]
    fn the_examples_are_right() {
        for (key, example) in [("targets", EXAMPLE_TARGETS), ("models", EXAMPLE_MODELS)] {
            let items = example.lines().skip(1).map(|line| line.trim_start_matches("# "));
            loaded(&format!("{key}:\n{}\n", items.collect::<Vec<_>>().join("\n")));
        }
    }

    #[test]
    fn every_setting_is_there_and_no_line_is_longer_than_a_screen() {
        let text = uncommented();
        let lines = text.lines().collect::<Vec<_>>();
        for key in KEYS.iter().filter(|key| !key.path.contains("[]")) {
            let name = key.path.rsplit('.').next().unwrap();
            let start = format!("{}{name}:", "  ".repeat(key.path.matches('.').count()));
            assert!(lines.iter().any(|line| line.starts_with(&start)), "{} is missing", key.path);
        }
        for line in starter().lines() {
            assert!(line.chars().count() <= 170, "{line}");
        }
    }
}
