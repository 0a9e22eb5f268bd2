//! Everything that is rendered for one configuration.

use std::collections::BTreeMap;

use crate::{
    config::Config,
    diagnostic::Diagnostic,
    render::{self, Rendered},
};

use super::configure::Configured;

/// Which host ports the rendered files speak of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ports {
    AsConfigured,
}

/// All files with what is worth knowing about them.
pub(super) struct Bundle {
    pub(super) config: Config,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) notes: Vec<Diagnostic>,
}

impl Bundle {
    pub(super) fn make(configured: &Configured, _ports: Ports) -> anyhow::Result<Self> {
        let (input, mut notes) = configured.input()?;
        let Rendered { files, notes: rendered } = render::render(&input)?;
        notes.extend(rendered);
        Ok(Self { config: configured.config.clone(), files, notes })
    }
}
