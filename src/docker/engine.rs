//! The calls that llmobs makes to a container engine.

use std::time::Duration;

use crate::docker::{
    Condition, Container, ContainerSpec, EngineError, EngineVersion, Entry, Image, LogLine, LogSelection,
    Network, NetworkSpec, PullProgress, Signal, Volume, VolumeSpec,
};

/// A container engine.
///
/// Containers are named by name or id. Making what exists already is an error; removing what is absent, starting what
/// runs and stopping what stands are not. Every future may be dropped at any await; what the engine was asked by then
/// may or may not have happened.
#[expect(
    async_fn_in_trait,
    reason = "everything runs on a current-thread runtime, no future is sent to another thread"
)]
pub trait Engine {
    /// Asks who is there; the first call of every command, since connecting itself asks nothing.
    async fn version(&self) -> Result<EngineVersion, EngineError>;

    /// All containers, in every state, whoever made them.
    async fn containers(&self) -> Result<Vec<Container>, EngineError>;
    /// All volumes, whoever made them.
    async fn volumes(&self) -> Result<Vec<Volume>, EngineError>;
    /// All networks, whoever made them.
    async fn networks(&self) -> Result<Vec<Network>, EngineError>;
    /// All images that carry `label`.
    async fn images_with_label(&self, label: &str) -> Result<Vec<Image>, EngineError>;
    /// The local image of a reference.
    async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError>;
    /// How a container fares; `None` if it is not there.
    async fn condition(&self, container: &str) -> Result<Option<Condition>, EngineError>;

    async fn pull(
        &self,
        reference: &str,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError>;
    /// Loads a docker-archive.
    async fn load_image(&self, archive: Vec<u8>) -> Result<(), EngineError>;

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError>;
    /// Unlike the others this succeeds when a volume of that name exists, and leaves it as it is.
    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError>;
    async fn create_container(&self, spec: &ContainerSpec) -> Result<(), EngineError>;

    /// Puts files and folders under `path`, which must be in a volume if the root is read-only.
    async fn upload(&self, container: &str, path: &str, entries: &[Entry]) -> Result<(), EngineError>;
    /// All files and folders under `path`, with names relative to it; `None` if there is no such path.
    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<Entry>>, EngineError>;

    async fn start(&self, container: &str) -> Result<(), EngineError>;
    async fn stop(&self, container: &str, grace: Duration) -> Result<(), EngineError>;
    async fn kill(&self, container: &str, signal: Signal) -> Result<(), EngineError>;
    async fn restart(&self, container: &str, grace: Duration) -> Result<(), EngineError>;

    /// Removes a container in whatever state, and its anonymous volumes.
    async fn remove_container(&self, container: &str) -> Result<(), EngineError>;
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError>;
    /// By id, since two networks may share a name.
    async fn remove_network(&self, id: &str) -> Result<(), EngineError>;
    /// By id; with all its tags.
    async fn remove_image(&self, id: &str) -> Result<(), EngineError>;

    /// Reads a log line by line, oldest first; with [`Follow::Yes`](crate::docker::Follow) until the container ends.
    async fn logs(
        &self,
        container: &str,
        selection: LogSelection,
        on_line: &mut dyn FnMut(LogLine),
    ) -> Result<(), EngineError>;
}
