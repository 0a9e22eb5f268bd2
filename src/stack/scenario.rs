//! A stack on an engine in memory, for the tests of this room.

use std::net::Ipv4Addr;

use crate::{
    docker::{
        Container, Image, Labels, State,
        recording::{Failure, RecordingEngine},
    },
    remote::Credentials,
    stack::{
        Contents, Desired, ExporterSpec, Files, GrafanaSpec, Jobs, Observed, Plan, Project, PrometheusSpec,
        Scope, StackSpec, apply, desired, labels, observe, plan,
    },
};

pub(super) const EXPORTER_TAG: &str = "llmobs-exporter:0.1.0";

/// A project on an engine.
pub(super) struct Scenario {
    pub(super) engine: RecordingEngine,
    pub(super) spec: StackSpec,
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(super) fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

pub(super) fn made_image(id: &str, hash: &str, tags: &[&str]) -> Image {
    Image {
        id: id.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        labels: Labels::from([(labels::IMAGE.to_owned(), hash.to_owned())]),
    }
}

impl Scenario {
    /// Nothing is there yet. The ports are those that nothing listens on, so that probes are refused at once.
    pub(super) fn new() -> Self {
        let spec = StackSpec {
            project: Project::new("llmobs").unwrap(),
            bind: Ipv4Addr::LOCALHOST.into(),
            prometheus: Some(PrometheusSpec {
                image: "prom/prometheus:v3".to_owned(),
                host_port: 1,
                files: files(&[("prometheus.yml", "global: {}"), ("rules/llmobs.yml", "groups: []")]),
                jobs: Jobs::new(),
            }),
            grafana: Some(GrafanaSpec {
                image: "grafana/grafana:13".to_owned(),
                host_port: 2,
                files: files(&[("dashboards/overview.json", "{}")]),
                home_dashboard: Some("dashboards/overview.json".to_owned()),
                credentials: Credentials { user: "admin".to_owned(), password: "pa$$".to_owned() },
                datasources: vec!["prometheus".to_owned()],
            }),
            exporter: Some(ExporterSpec {
                tag: EXPORTER_TAG.to_owned(),
                contents_hash: "h1".to_owned(),
                host_port: 3,
                files: files(&[("llmobs.yaml", ""), ("runbooks/LLMServiceDown.md", "#")]),
            }),
        };
        Self { engine: RecordingEngine::new(made_image("sha256:e1", "h1", &[EXPORTER_TAG])), spec }
    }

    pub(super) fn up_and_running() -> Self {
        let scenario = Self::new();
        scenario.apply(&scenario.plan()).unwrap();
        scenario
    }

    pub(super) fn desired(&self) -> Desired {
        desired(&self.spec)
    }

    pub(super) fn observe(&self) -> Observed {
        let images = self.desired().services.iter().map(|service| service.container.image.clone()).collect();
        let scope = Scope { project: self.spec.project.clone(), images, contents: Contents::Read };
        block_on(observe(&self.engine, &scope)).unwrap()
    }

    pub(super) fn plan(&self) -> Plan {
        plan(&self.desired(), &self.observe())
    }

    pub(super) fn apply(&self, plan: &Plan) -> Result<(), String> {
        let result = block_on(apply(&self.engine, plan, &|| Ok(Vec::new()), &mut |_| {}));
        result.map_err(|error| format!("{error}; done: {:?}; remaining: {:?}", error.done, error.remaining))
    }

    /// A new engine in the same state that fails once.
    pub(super) fn fail(&self, failure: Failure) {
        self.engine.calls.borrow_mut().clear();
        self.engine.failure.set(Some(failure));
    }

    pub(super) fn set_state(&self, container: &str, state: State) {
        let mut world = self.engine.world.borrow_mut();
        let container = world.containers.get_mut(container).unwrap();
        container.state = state;
        if state != State::Running {
            container.ports.clear();
        }
    }

    /// A container that is not ours.
    pub(super) fn add_foreign(&self, name: &str, image_id: &str) {
        let container = Container {
            id: format!("foreign-{name}"),
            name: name.to_owned(),
            image_id: image_id.to_owned(),
            state: State::Running,
            labels: Labels::new(),
            ports: Vec::new(),
            networks: std::collections::BTreeMap::new(),
        };
        self.engine.world.borrow_mut().containers.insert(name.to_owned(), container);
    }
}
