//! `llmobs image load`: the exporter's image into the daemon, for stacks that compose starts.

use crate::{docker::Engine as _, stack::labels, ui::Ui};

use super::{
    Exit,
    engine::{connect, runtime},
    exporter_image::{ExporterImage, TAG},
    process::Process,
};

pub(super) fn load(process: &Process, ui: &Ui) -> anyhow::Result<Exit> {
    let image = ExporterImage::read()?;
    runtime()?.block_on(async {
        let engine = connect(process)?;
        engine.version().await?;
        let present = engine.image(TAG).await?;
        let current = present.is_some_and(|found| found.labels.get(labels::IMAGE) == Some(&image.hash()));
        if current {
            ui.say(&format!("{TAG} is up to date"));
            return Ok(Exit::Done);
        }
        let progress = ui.progress();
        let step = progress.step(format!("load image {TAG}"));
        match engine.load_image(image.archive()?).await {
            Ok(()) => step.done(""),
            Err(error) => {
                step.failed(&error.to_string());
                return Err(error.into());
            }
        }
        Ok(Exit::Done)
    })
}
