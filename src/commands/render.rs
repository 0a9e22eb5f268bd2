//! `llmobs render`: the whole bundle as a folder.

use serde::Serialize;

use crate::{
    cli::{Format, Global, Render as Args},
    files::{self, Overwrite},
    ui::Ui,
};

use super::{Exit, bundle::Bundle, configure::configure, process::Process};
