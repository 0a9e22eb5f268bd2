//! An engine in memory that records what it is asked to change, and fails on demand.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::docker::{
    Condition, Container, ContainerSpec, Engine, EngineError, EngineVersion, Entry, Image, Labels, LogLine,
    LogSelection, Network, NetworkSpec, Operation, PullProgress, Signal, State, Volume, VolumeSpec,
};

/// When a call fails: counted among those that change something, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing happens.
    Before(usize),
    /// It happens, of an upload one half, and the answer is lost.
    Within(usize),
}

/// The engine; tests look into its world and change it as others would.
#[derive(Debug)]
pub(crate) struct RecordingEngine {
    pub(crate) world: RefCell<World>,
    /// The changing calls so far.
    pub(crate) calls: RefCell<Vec<String>>,
    pub(crate) failure: Cell<Option<Failure>>,
    /// The image that loading brings, whatever the archive is.
    pub(crate) loads: Image,
    next_id: Cell<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) containers: BTreeMap<String, Container>,
    specs: BTreeMap<String, ContainerSpec>,
    pub(crate) volumes: BTreeMap<String, Volume>,
    /// By volume and path.
    pub(crate) files: BTreeMap<(String, String), Entry>,
    pub(crate) networks: Vec<Network>,
    pub(crate) images: Vec<Image>,
}

impl RecordingEngine {
    pub(crate) fn new(loads: Image) -> Self {
        Self {
            world: RefCell::default(),
            calls: RefCell::default(),
            failure: Cell::new(None),
            loads,
            next_id: Cell::new(0),
        }
    }

    pub(crate) fn fresh_id(&self) -> String {
        self.next_id.set(self.next_id.get() + 1);
        format!("id{:03}", self.next_id.get())
    }

    /// Records a call and says how it is to fail.
    fn record(&self, operation: &Operation) -> Result<Result<(), EngineError>, EngineError> {
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(operation.to_string());
        let lost = || EngineError::Failed { operation: operation.clone(), message: "on demand".to_owned() };
        match self.failure.get() {
            Some(Failure::Before(at)) if at == number => Err(lost()),
            Some(Failure::Within(at)) if at == number => Ok(Err(lost())),
            _ => Ok(Ok(())),
        }
    }

    /// The container's name, by name or id.
    fn resolve(&self, container: &str, operation: &Operation) -> Result<String, EngineError> {
        let world = self.world.borrow();
        let found = world.containers.values().find(|found| found.name == container || found.id == container);
        found.map(|found| found.name.clone()).ok_or_else(|| EngineError::NotFound {
            operation: operation.clone(),
            message: format!("no such container: {container}"),
        })
    }

    fn conflict(operation: &Operation) -> EngineError {
        EngineError::Conflict { operation: operation.clone(), message: "already in use".to_owned() }
    }

    fn change_state(&self, container: &str, operation: &Operation, state: State) -> Result<(), EngineError> {
        let outcome = self.record(operation)?;
        let name = self.resolve(container, operation)?;
        let mut world = self.world.borrow_mut();
        let ports = if state == State::Running { world.specs[&name].ports.clone() } else { Vec::new() };
        let container = world.containers.get_mut(&name).expect("it was just found");
        container.state = state;
        container.ports = ports;
        outcome
    }

    /// The volume and the path in it that a path of a container leads to.
    fn volume_at(&self, container: &str, path: &str) -> Option<String> {
        let world = self.world.borrow();
        let mount = world.specs.get(container)?.mounts.iter().find(|mount| mount.target == path)?;
        Some(mount.volume.clone())
    }
}

impl Engine for RecordingEngine {
    async fn version(&self) -> Result<EngineVersion, EngineError> {
        Ok(EngineVersion {
            version: "20.10".to_owned(),
            api_version: "1.41".to_owned(),
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
        })
    }

    async fn containers(&self) -> Result<Vec<Container>, EngineError> {
        Ok(self.world.borrow().containers.values().cloned().collect())
    }

    async fn volumes(&self) -> Result<Vec<Volume>, EngineError> {
        Ok(self.world.borrow().volumes.values().cloned().collect())
    }

    async fn networks(&self) -> Result<Vec<Network>, EngineError> {
        Ok(self.world.borrow().networks.clone())
    }

    async fn images_with_label(&self, label: &str) -> Result<Vec<Image>, EngineError> {
        let world = self.world.borrow();
        Ok(world.images.iter().filter(|image| image.labels.contains_key(label)).cloned().collect())
    }

    async fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        let world = self.world.borrow();
        Ok(world.images.iter().find(|image| image.tags.iter().any(|tag| tag == reference)).cloned())
    }

    async fn condition(&self, container: &str) -> Result<Option<Condition>, EngineError> {
        let world = self.world.borrow();
        Ok(world.containers.get(container).map(|found| Condition {
            state: found.state,
            exit_code: 0,
            oom_killed: false,
            restart_count: 0,
            started_at: String::new(),
        }))
    }

    async fn pull(
        &self,
        reference: &str,
        on_progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        let outcome = self.record(&Operation::PullImage(reference.to_owned()))?;
        on_progress(PullProgress {
            layer: "layer".to_owned(),
            status: "Downloading".to_owned(),
            current: 1,
            total: Some(2),
        });
        self.world.borrow_mut().images.push(Image {
            id: format!("sha256:{reference}"),
            tags: vec![reference.to_owned()],
            labels: Labels::new(),
        });
        outcome
    }

    async fn load_image(&self, _archive: Vec<u8>) -> Result<(), EngineError> {
        let outcome = self.record(&Operation::LoadImage)?;
        let mut world = self.world.borrow_mut();
        for image in &mut world.images {
            image.tags.retain(|tag| !self.loads.tags.contains(tag));
        }
        world.images.retain(|image| image.id != self.loads.id);
        world.images.push(self.loads.clone());
        outcome
    }

    async fn create_network(&self, spec: &NetworkSpec) -> Result<(), EngineError> {
        let outcome = self.record(&Operation::CreateNetwork(spec.name.clone()))?;
        let id = self.fresh_id();
        let network = Network { id, name: spec.name.clone(), labels: spec.labels.clone() };
        self.world.borrow_mut().networks.push(network);
        outcome
    }

    async fn create_volume(&self, spec: &VolumeSpec) -> Result<(), EngineError> {
        let outcome = self.record(&Operation::CreateVolume(spec.name.clone()))?;
        let volume = Volume { name: spec.name.clone(), labels: spec.labels.clone() };
        self.world.borrow_mut().volumes.entry(spec.name.clone()).or_insert(volume);
        outcome
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<(), EngineError> {
        let operation = Operation::CreateContainer(spec.name.clone());
        let outcome = self.record(&operation)?;
        let id = self.fresh_id();
        let mut world = self.world.borrow_mut();
        let networks: Vec<_> = world.networks.iter().filter(|network| network.name == spec.network).collect();
        let [network] = networks.as_slice() else {
            panic!("{} networks are called {}", networks.len(), spec.network);
        };
        let networks = BTreeMap::from([(network.name.clone(), network.id.clone())]);
        let missing = |volume: &String| !world.volumes.contains_key(volume);
        assert!(
            !spec.mounts.iter().any(|mount| missing(&mount.volume)),
            "a volume would be made without labels"
        );
        let image = world.images.iter().find(|image| image.tags.contains(&spec.image));
        let image_id = image.ok_or_else(|| RecordingEngine::conflict(&operation))?.id.clone();
        if world.containers.contains_key(&spec.name) {
            return Err(Self::conflict(&operation));
        }
        let container = Container {
            id,
            name: spec.name.clone(),
            image_id,
            state: State::Created,
            labels: spec.labels.clone(),
            ports: Vec::new(),
            networks,
        };
        world.containers.insert(spec.name.clone(), container);
        world.specs.insert(spec.name.clone(), spec.clone());
        outcome
    }

    async fn upload(&self, container: &str, path: &str, entries: &[Entry]) -> Result<(), EngineError> {
        let operation = Operation::Upload(container.to_owned());
        let outcome = self.record(&operation)?;
        let name = self.resolve(container, &operation)?;
        let volume = self.volume_at(&name, path).expect("uploads go to volumes");
        let count = if outcome.is_ok() { entries.len() } else { entries.len() / 2 };
        for entry in &entries[..count] {
            self.world.borrow_mut().files.insert((volume.clone(), entry.path.clone()), entry.clone());
        }
        outcome
    }

    async fn download(&self, container: &str, path: &str) -> Result<Option<Vec<Entry>>, EngineError> {
        let name = self.resolve(container, &Operation::Download(container.to_owned()))?;
        let Some(volume) = self.volume_at(&name, path) else { return Ok(None) };
        let world = self.world.borrow();
        Ok(Some(
            world.files.iter().filter(|((of, _), _)| *of == volume).map(|(_, entry)| entry.clone()).collect(),
        ))
    }

    async fn start(&self, container: &str) -> Result<(), EngineError> {
        self.change_state(container, &Operation::Start(container.to_owned()), State::Running)
    }

    async fn stop(&self, container: &str, _grace: Duration) -> Result<(), EngineError> {
        self.change_state(container, &Operation::Stop(container.to_owned()), State::Exited)
    }

    async fn kill(&self, container: &str, _signal: Signal) -> Result<(), EngineError> {
        let operation = Operation::Kill(container.to_owned());
        let outcome = self.record(&operation)?;
        self.resolve(container, &operation)?;
        outcome
    }

    async fn restart(&self, container: &str, _grace: Duration) -> Result<(), EngineError> {
        self.change_state(container, &Operation::Restart(container.to_owned()), State::Running)
    }

    async fn remove_container(&self, container: &str) -> Result<(), EngineError> {
        let operation = Operation::RemoveContainer(container.to_owned());
        let outcome = self.record(&operation)?;
        if let Ok(name) = self.resolve(container, &operation) {
            self.world.borrow_mut().containers.remove(&name);
            self.world.borrow_mut().specs.remove(&name);
        }
        outcome
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let operation = Operation::RemoveVolume(name.to_owned());
        let outcome = self.record(&operation)?;
        let mut world = self.world.borrow_mut();
        let users: BTreeSet<_> = world
            .specs
            .values()
            .flat_map(|spec| spec.mounts.iter().map(|mount| mount.volume.clone()))
            .collect();
        if users.contains(name) {
            return Err(Self::conflict(&operation));
        }
        world.volumes.remove(name);
        world.files.retain(|(volume, _), _| volume != name);
        outcome
    }

    async fn remove_network(&self, id: &str) -> Result<(), EngineError> {
        let operation = Operation::RemoveNetwork(id.to_owned());
        let outcome = self.record(&operation)?;
        let mut world = self.world.borrow_mut();
        let in_use = world.containers.values().any(|container| {
            container.state == State::Running && container.networks.values().any(|network| network == id)
        });
        if in_use {
            return Err(Self::conflict(&operation));
        }
        world.networks.retain(|network| network.id != id);
        outcome
    }

    async fn remove_image(&self, id: &str) -> Result<(), EngineError> {
        let operation = Operation::RemoveImage(id.to_owned());
        let outcome = self.record(&operation)?;
        let mut world = self.world.borrow_mut();
        if world.containers.values().any(|container| container.image_id == id) {
            return Err(Self::conflict(&operation));
        }
        world.images.retain(|image| image.id != id);
        outcome
    }

    async fn logs(
        &self,
        _container: &str,
        _selection: LogSelection,
        _on_line: &mut dyn FnMut(LogLine),
    ) -> Result<(), EngineError> {
        Ok(())
    }
}
