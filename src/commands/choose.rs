//! Whether Docker can run the stack.

use crate::{
    cli::Pull,
    docker::{DockerEngine, Engine as _, EngineError},
    stack::{Desired, ImageOrigin},
    ui::Ui,
};

use super::{engine::connect, process::Process};

/// Docker, where it answers; else why not.
pub(super) async fn docker(process: &Process) -> Result<DockerEngine, String> {
    let engine = connect(process).map_err(|error| format!("{error:#}"))?;
    match engine.version().await {
        Ok(_) => Ok(engine),
        Err(error) => Err(error.to_string()),
    }
}

/// Sees to it that Docker has the images of a stack, and pulls those that it lacks; else why it cannot have them.
pub(super) async fn images(
    engine: &DockerEngine,
    desired: &Desired,
    pull: Pull,
    ui: &Ui,
) -> Result<(), String> {
    let progress = ui.progress();
    for service in desired.services.iter().filter(|service| service.image == ImageOrigin::Registry) {
        let reference = &service.container.image;
        let known = engine.image(reference).await.map_err(|error| error.to_string())?;
        if known.is_some() {
            continue;
        }
        if pull == Pull::Never {
            return Err(format!(
                "Docker does not have the image `{reference}`, and `--pull never` was given"
            ));
        }
        let line = progress.step(format!("pull {reference}"));
        let mut note = |progress: crate::docker::PullProgress| line.note(progress.status);
        match engine.pull(reference, &mut note).await {
            Ok(()) => line.done(""),
            Err(error) => return Err(not_pulled(reference, &error)),
        }
    }
    Ok(())
}

fn not_pulled(reference: &str, error: &EngineError) -> String {
    format!("Docker cannot get the image `{reference}`: {error}")
}
