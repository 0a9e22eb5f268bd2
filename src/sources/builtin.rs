//! The sources that llmobs ships.

use std::sync::LazyLock;

use super::{Source, parse};

/// Name and text; adding a source is adding its file and a line here.
const FILES: [(&str, &str); 2] = [
    ("llmobs", include_str!("../../assets/sources/llmobs.yaml")),
    ("vllm", include_str!("../../assets/sources/vllm.yaml")),
];

static PARSED: LazyLock<Vec<Source>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|(name, text)| parse(name, text).expect("a test parses every source that is shipped"))
        .collect()
});

/// Names of the sources that llmobs ships, in the order of the table.
pub fn builtin_names() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).collect()
}

/// The shipped source of that name.
pub fn builtin(name: &str) -> Option<&'static Source> {
    PARSED.iter().find(|source| source.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_source_parses_and_is_named_after_its_file() {
        for (name, text) in FILES {
            let source = parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(source.name, name);
        }
    }
}
