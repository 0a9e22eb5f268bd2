//! What differs from run to run, made equal: the one list of redactions.

use std::path::Path;

/// Text with the project's folder, the version and free ports named instead of written.
pub(crate) fn redact(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "[project]");
    text.replace(env!("CARGO_PKG_VERSION"), "[version]")
}
