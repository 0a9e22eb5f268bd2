//! The adapter: every call by way of bollard.

use std::{collections::HashMap, path::Path, time::Duration};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    container::LogOutput,
    errors::Error,
    models,
    query_parameters::{
        CreateContainerOptionsBuilder, CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder,
        ImportImageOptions, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
        ListImagesOptionsBuilder, ListNetworksOptions, ListVolumesOptions, LogsOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptions,
        RestartContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
        UploadToContainerOptionsBuilder,
    },
};
use futures_util::TryStreamExt;

use crate::docker::{
    Address, Condition, Container, ContainerSpec, Engine, EngineError, EngineVersion, Entry, Follow, Image,
    LogLine, LogSelection, Network, NetworkSpec, Operation, PullProgress, Signal, State, Stream, Volume,
    VolumeSpec, archive, bollard_errors::from_transport, bollard_models as convert, error::from_answer,
    lines::Lines,
};

/// Seconds until an answer must have begun; what is streamed after that may take longer.
const TIMEOUT: u64 = 120;
/// An engine that runs answers in milliseconds; a dead address may swallow packets for minutes.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// Docker, or what speaks its API.
#[derive(Debug)]
pub struct DockerEngine {
    docker: Docker,
    address: Address,
}

impl DockerEngine {
    /// Makes a client. Nothing is sent: [`Engine::version`] shows whether somebody answers.
    pub fn connect(address: Address) -> Result<Self, EngineError> {
        let docker = match &address {
            // bollard asks the same question, but takes a folder that may not be entered for an absent socket.
            Address::Unix(path) => match Path::new(path).try_exists() {
                Ok(true) => Docker::connect_with_unix(path, TIMEOUT, API_DEFAULT_VERSION),
                Ok(false) => return Err(EngineError::SocketAbsent { path: path.clone() }),
                Err(_) => return Err(EngineError::SocketForbidden { path: path.clone() }),
            },
            Address::Tcp(authority) => Docker::connect_with_http(authority, TIMEOUT, API_DEFAULT_VERSION),
        };
        match docker {
            Ok(docker) => Ok(Self { docker, address }),
            Err(error) => {
                Err(EngineError::Unreachable { address: address.to_string(), cause: error.to_string() })
            }
        }
    }

    /// Which address it talks to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    fn map(&self, operation: Operation) -> impl FnOnce(Error) -> EngineError {
        let address = self.address.clone();
        move |error| match error {
            Error::DockerResponseServerError { status_code, message } => {
                from_answer(operation, status_code, &message)
            }
            Error::DockerStreamError { error } => from_answer(operation, 0, &error),
            Error::RequestTimeoutError => EngineError::Timeout { operation },
            Error::SocketNotFoundError(path) => EngineError::SocketAbsent { path },
            other => from_transport(operation, &address, &other),
        }
    }
}

fn absent_is_fine(result: Result<(), EngineError>) -> Result<(), EngineError> {
    match result {
        Err(EngineError::NotFound { .. }) => Ok(()),
        other => other,
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// Without a tag the engine would pull every tag there is.
fn with_tag(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains(':') || name.contains('@') {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    }
}

impl Engine for DockerEngine {
    async fn version(&self) -> Result<EngineVersion, EngineError> {
        let operation = Operation::AskVersion;
        let answer = tokio::time::timeout(FIRST_ANSWER, self.docker.version())
            .await
            .map_err(|_| EngineError::Timeout { operation: Operation::AskVersion })?;
        let version = answer.map_err(self.map(operation))?;
        Ok(EngineVersion {
            version: version.version.unwrap_or_default(),
            api_version: version.api_version.unwrap_or_default(),
            os: version.os.unwrap_or_default(),
            architecture: version.arch.unwrap_or_default(),
        })
    }

    async fn containers(&self) -> Result<Vec<Container>, EngineError> {
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let mut containers: Vec<_> = self
            .docker
            .list_containers(Some(options))
            .await
            .map_err(self.map(Operation::ListContainers))?
            .into_iter()
            .map(convert::container)
            .collect();
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(containers)
    }

    async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        let answer = self.docker.list_volumes(None::<ListVolumesOptions>).await;
        let mut volumes: Vec<_> = answer
            .map_err(self.map(Operation::ListVolumes))?
            .volumes
            .unwrap_or_default()
            .into_iter()
            .map(|volume| Volume { name: volume.name, labels: volume.labels.into_iter().collect() })
            .collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(volumes)
    }

    async fn networks(&self) -> Result<Vec<Network>, EngineError> {
        let answer = self.docker.list_networks(None::<ListNetworksOptions>).await;
        let mut networks: Vec<_> =
            answer.map_err(self.map(Operation::ListNetworks))?.into_iter().map(convert::network).collect();
        networks.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(networks)
    }

    async fn images_with_label(&self, label: &str) -> Result<Vec<Image>, EngineError> {
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let mut images: Vec<_> = self
            .docker
            .list_images(Some(options))
            .await
            .map_err(self.map(Operation::ListImages))?
            .into_iter()
            .map(convert::listed_image)
            .collect();
        images.sort_by(|a, b| (&a.tags, &a.id).cmp(&(&b.tags, &b.id)));
        Ok(images)
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let answer = self.docker.inspect_image(reference).await;
        match answer.map_err(self.map(Operation::InspectImage(reference.to_owned()))) {
            Ok(image) => Ok(Some(convert::inspected_image(image))),
            Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn condition(&self, container: &str) -> Result<Option<Condition>, EngineError> {
        let answer = self.docker.inspect_container(container, None).await;
        let found = match answer.map_err(self.map(Operation::InspectContainer(container.to_owned()))) {
            Ok(found) => found,
            Err(EngineError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let state = found.state.unwrap_or_default();
        Ok(Some(Condition {
            state: state.status.map_or(State::Dead, convert::inspected_state),
            exit_code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            restart_count: found.restart_count.unwrap_or_default(),
            started_at: state.started_at.unwrap_or_default(),
        }))
    }

    async fn pull(
        &self,
        reference: &str,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        let operation = Operation::PullImage(reference.to_owned());
        let options = CreateImageOptionsBuilder::default().from_image(&with_tag(reference)).build();
        let mut stream = Box::pin(self.docker.create_image(Some(options), None, None));
        while let Some(info) = stream.try_next().await.map_err(self.map(operation.clone()))? {
            let (Some(layer), Some(status)) = (info.id, info.status) else { continue };
            let detail = info.progress_detail.unwrap_or_default();
            let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
            on_progress(PullProgress {
                layer,
                status,
                current: bytes(detail.current).unwrap_or_default(),
                total: bytes(detail.total),
            });
        }
        Ok(())
    }

    async fn load_image(&self, archive: Vec<u8>) -> Result<(), EngineError> {
        let stream =
            self.docker.import_image(ImportImageOptions::default(), bollard::body_full(archive.into()), None);
        let infos: Vec<_> = stream.try_collect().await.map_err(self.map(Operation::LoadImage))?;
        // Docker answers 200 before it reads the archive, so a failure can come as a line of the stream.
        match infos.into_iter().find_map(|info| info.error_detail) {
            Some(detail) => Err(from_answer(Operation::LoadImage, 0, &detail.message.unwrap_or_default())),
            None => Ok(()),
        }
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        let request = models::NetworkCreateRequest {
            name: spec.name.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(spec.labels.clone().into_iter().collect()),
            ..models::NetworkCreateRequest::default()
        };
        let operation = Operation::CreateNetwork(spec.name.clone());
        self.docker.create_network(request).await.map(drop).map_err(self.map(operation))
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError> {
        let request = models::VolumeCreateRequest {
            name: Some(spec.name.clone()),
            labels: Some(spec.labels.clone().into_iter().collect()),
            ..models::VolumeCreateRequest::default()
        };
        let operation = Operation::CreateVolume(spec.name.clone());
        self.docker.create_volume(request).await.map(drop).map_err(self.map(operation))
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<(), EngineError> {
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        let operation = Operation::CreateContainer(spec.name.clone());
        let answer = self.docker.create_container(Some(options), convert::create_body(spec)).await;
        answer.map(drop).map_err(self.map(operation))
    }

    async fn upload(&self, container: &str, path: &str, entries: &[Entry]) -> Result<(), EngineError> {
        let operation = || Operation::Upload(container.to_owned());
        let tar = archive::pack(entries)
            .map_err(|error| EngineError::Failed { operation: operation(), message: error.to_string() })?;
        // Without `copyUIDGID`, which would give everything to the container's user, owners are those of the entries.
        let options = UploadToContainerOptionsBuilder::default().path(path).build();
        let answer =
            self.docker.upload_to_container(container, Some(options), bollard::body_full(tar.into())).await;
        answer.map_err(self.map(operation()))
    }

    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<Entry>>, EngineError> {
        let operation = || Operation::Download(container.to_owned());
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let stream = self.docker.download_from_container(container, Some(options));
        let mut tar = Vec::new();
        let answer = stream
            .try_for_each(|bytes| {
                tar.extend_from_slice(&bytes);
                std::future::ready(Ok(()))
            })
            .await;
        match answer.map_err(self.map(operation())) {
            Ok(()) => archive::unpack_below_first(&tar)
                .map(Some)
                .map_err(|error| EngineError::Failed { operation: operation(), message: error.to_string() }),
            Err(EngineError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn start(&self, container: &str) -> Result<(), EngineError> {
        let answer = self.docker.start_container(container, None::<StartContainerOptions>).await;
        answer.map_err(self.map(Operation::Start(container.to_owned())))
    }

    async fn stop(&self, container: &str, grace: Duration) -> Result<(), EngineError> {
        let options = StopContainerOptionsBuilder::default().t(seconds(grace)).build();
        let answer = self.docker.stop_container(container, Some(options)).await;
        answer.map_err(self.map(Operation::Stop(container.to_owned())))
    }

    async fn kill(&self, container: &str, signal: Signal) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::default().signal(signal.name()).build();
        let answer = self.docker.kill_container(container, Some(options)).await;
        answer.map_err(self.map(Operation::Kill(container.to_owned())))
    }

    async fn restart(&self, container: &str, grace: Duration) -> Result<(), EngineError> {
        let options = RestartContainerOptionsBuilder::default().t(seconds(grace)).build();
        let answer = self.docker.restart_container(container, Some(options)).await;
        answer.map_err(self.map(Operation::Restart(container.to_owned())))
    }

    async fn remove_container(&self, container: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptionsBuilder::default().v(true).force(true).build();
        let answer = self.docker.remove_container(container, Some(options)).await;
        absent_is_fine(answer.map_err(self.map(Operation::RemoveContainer(container.to_owned()))))
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let answer = self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await;
        absent_is_fine(answer.map_err(self.map(Operation::RemoveVolume(name.to_owned()))))
    }

    async fn remove_network(&self, id: &str) -> Result<(), EngineError> {
        let answer = self.docker.remove_network(id).await;
        absent_is_fine(answer.map_err(self.map(Operation::RemoveNetwork(id.to_owned()))))
    }

    async fn remove_image(&self, id: &str) -> Result<(), EngineError> {
        // Forced, since an id with several tags is refused otherwise; one in use by a container is refused still.
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        let answer = self.docker.remove_image(id, Some(options), None).await;
        absent_is_fine(answer.map(drop).map_err(self.map(Operation::RemoveImage(id.to_owned()))))
    }

    async fn logs(
        &self,
        container: &str,
        selection: LogSelection,
        on_line: &mut dyn FnMut(LogLine),
    ) -> Result<(), EngineError> {
        let tail = selection.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .follow(selection.follow == Follow::Yes)
            .since(selection.since.unwrap_or_default())
            .tail(&tail)
            .build();
        let operation = Operation::ReadLogs(container.to_owned());
        let mut stream = Box::pin(self.docker.logs(container, Some(options)));
        let mut lines = Lines::default();
        while let Some(frame) = stream.try_next().await.map_err(self.map(operation.clone()))? {
            match frame {
                LogOutput::StdErr { message } => lines.push(Stream::Err, &message, on_line),
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    lines.push(Stream::Out, &message, on_line);
                }
                LogOutput::StdIn { .. } => {}
            }
        }
        lines.finish(on_line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expect: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let failure = runtime.block_on(async {
            match DockerEngine::connect(Address::from_docker_host(Some(address)).unwrap()) {
                Ok(engine) => engine.version().await.unwrap_err(),
                Err(error) => error,
            }
        });
        assert_eq!(failure.to_string(), expect);
        assert!(failure.hint().is_some());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test removes the socket that it made")]
    fn an_engine_that_is_not_there_is_told_apart() {
        let path = std::env::temp_dir().join(format!("llmobs-test-{}.sock", std::process::id()));
        let shown = path.display();
        check(&format!("unix://{shown}"), &format!("cannot reach Docker: there is no socket at `{shown}`"));

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        check(
            &format!("unix://{shown}"),
            &format!("cannot reach Docker: nothing answers at `{shown}`: connection refused"),
        );

        std::fs::remove_file(&path).unwrap();

        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        check(
            &format!("tcp://127.0.0.1:{port}"),
            &format!("cannot reach Docker: nothing answers at `tcp://127.0.0.1:{port}`: connection refused"),
        );
    }

    #[test]
    fn a_reference_without_a_tag_means_latest() {
        assert_eq!(with_tag("prom/prometheus"), "prom/prometheus:latest");
        assert_eq!(with_tag("prom/prometheus:v3"), "prom/prometheus:v3");
        assert_eq!(with_tag("localhost:5000/x"), "localhost:5000/x:latest");
        assert_eq!(with_tag("x@sha256:00"), "x@sha256:00");
    }
}
