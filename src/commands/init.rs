//! `llmobs init`: a commented configuration to start from.

use std::path::{Path, PathBuf};

use crate::{
    cli::{Global, Init},
    config, files,
    ui::Ui,
};

use super::{Exit, configure::DEFAULT_FILE, exit::Hinted};

pub(super) fn run(args: &Init, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    if path.exists() && !args.force {
        let shown = path.display();
        return Err(Hinted::new(
            format!("`{shown}` is there already"),
            format!("edit it, or replace it with `llmobs init --force`{}", config_flag(&path)),
        )
        .into());
    }
    files::write_atomic(&path, config::starter().as_bytes())?;
    ui.say(&format!("wrote {}", path.display()));
    ui.say("");
    ui.say("Next:  llmobs up");
    Ok(Exit::Done)
}

fn config_flag(path: &Path) -> String {
    if path == Path::new(DEFAULT_FILE) { String::new() } else { format!(" --config {}", path.display()) }
}
