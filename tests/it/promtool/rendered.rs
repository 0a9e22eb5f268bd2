//! The configurations under `tests/promtool/config`, rendered; and what promtool says of them as files.

use std::{fs, path::Path, sync::OnceLock};

use tempfile::TempDir;

use super::judge::{is_here, passes};
use crate::project::Project;

/// One for each way in which sources come together.
pub(super) const CONFIGS: [&str; 4] = ["default", "vllm", "both", "gateway"];

/// Where the carried promtool tests and their configurations lie.
pub(super) fn carried() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promtool"))
}

/// A folder that holds, for each configuration, the rendered bundle `NAME/` and its rules as `NAME.rules.yml`.
pub(super) fn bundles() -> &'static Path {
    static RENDERED: OnceLock<TempDir> = OnceLock::new();
    let folder = RENDERED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::new();
        for name in CONFIGS {
            let config = carried().join(format!("config/{name}.yaml"));
            let out = folder.path().join(name);
            let args = ["render", "--config", config.to_str().unwrap(), "--out", out.to_str().unwrap()];
            let ran = project.run_args(&args);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            fs::copy(
                out.join("prometheus/rules/llmobs.yml"),
                folder.path().join(format!("{name}.rules.yml")),
            )
            .unwrap();
        }
        folder
    });
    folder.path()
}

#[test]
fn rendered_files_are_clean() {
    if !is_here() {
        return;
    }
    for name in CONFIGS {
        passes(bundles(), &["check", "config", &format!("{name}/prometheus/prometheus.yml")]);
        let rules = format!("{name}.rules.yml");
        passes(bundles(), &["check", "rules", "--lint=all", "--lint-fatal", &rules]);
    }
}
