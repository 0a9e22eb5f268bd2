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
