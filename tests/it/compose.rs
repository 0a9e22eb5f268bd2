//! `compose.yaml` says what `up` makes: it is held against the desired state, made here through the library.

use llmobs::{
    config::{self, Layers},
    docker::RootFs,
    formats,
    remote::Credentials,
    stack::{self, ExporterSpec, Files, GrafanaSpec, PrometheusSpec, Service, StackSpec},
};
use serde_json::{Value, json};

use crate::project::Project;

const PASSWORD: &str = "a password that must not be told";

/// The desired state of the default configuration.
fn desired() -> stack::Desired {
    let (config, _) = config::load(&Layers { file: None, env: &[], settings: &[] }, &["llmobs"]).unwrap();
    let config = config.stack;
    stack::desired(&StackSpec {
        project: stack::Project::new("llmobs").unwrap(),
        bind: config.bind,
        prometheus: Some(PrometheusSpec {
            image: config.images.prometheus,
            host_port: config.ports.prometheus,
            files: Files::new(),
            jobs: [("mock".to_owned(), ["exporter:9091".to_owned()].into())].into(),
        }),
        grafana: Some(GrafanaSpec {
            image: config.images.grafana,
            host_port: config.ports.grafana,
            files: Files::new(),
            home_dashboard: Some("dashboards/llmobs/llm-service-overview.json".to_owned()),
            credentials: Credentials { user: "admin".to_owned(), password: PASSWORD.to_owned() },
            datasources: vec!["prometheus".to_owned()],
        }),
        exporter: Some(ExporterSpec {
            tag: concat!("llmobs-exporter:", env!("CARGO_PKG_VERSION")).to_owned(),
            contents_hash: String::new(),
            host_port: config.ports.exporter,
            files: Files::new(),
        }),
    })
}

/// What a container is, in the words of compose.
fn in_composes_words(service: &Service) -> Value {
    let container = &service.container;
    let ports = container.ports.iter().map(|port| format!("{}:{}:{}", port.ip, port.host, port.container));
    json!({
        "image": container.image,
        "user": container.user,
        "command": if container.command.is_empty() { Value::Null } else { json!(container.command) },
        "ports": ports.collect::<Vec<_>>(),
        "read_only": container.root == RootFs::ReadOnly,
        "mem_limit": container.memory,
        "extra_hosts": container.extra_hosts,
        "mounts": container.mounts.iter().map(|mount| &mount.target).collect::<Vec<_>>(),
    })
}

fn of_compose(service: &Value) -> Value {
    let mounts = service["volumes"].as_array().unwrap().iter().map(|volume| {
        let volume = volume.as_str().unwrap().trim_end_matches(":ro");
        volume.rsplit(':').next().unwrap()
    });
    let mut said = json!({ "mounts": mounts.collect::<Vec<_>>() });
    for key in ["image", "user", "command", "ports", "read_only", "mem_limit", "extra_hosts"] {
        said[key] = service.get(key).cloned().unwrap_or_default();
    }
    said
}

#[test]
fn compose_and_up_make_the_same_containers() {
    let project = Project::new();
    project.run("render --out out").done();
    let file = formats::yaml(&project.read("out/compose.yaml")).unwrap();
    let desired = desired();
    assert_eq!(desired.services.len(), 3);
    for service in &desired.services {
        let written = &file["services"][service.component.name()];
        assert_eq!(of_compose(written), in_composes_words(service), "{:?}", service.component);
        for (name, value) in &service.container.env {
            let expect = if name.contains("PASSWORD") { Value::Null } else { json!(value) };
            assert_eq!(written["environment"].get(name).cloned().unwrap_or_default(), expect, "{name}");
        }
    }
    assert_eq!(file["services"].as_object().unwrap().len(), 3);
}

#[test]
fn the_password_comes_from_the_environment() {
    let project = Project::new();
    project.run("render --out out").done();
    let file = formats::yaml(&project.read("out/compose.yaml")).unwrap();
    let environment = file["services"]["grafana"]["environment"].as_object().unwrap();
    let secret: Vec<_> = environment.iter().filter(|(name, _)| name.contains("PASSWORD")).collect();
    let value = json!("${GRAFANA_PASSWORD:?set GRAFANA_PASSWORD to the password of Grafana's admin}");
    assert_eq!(secret, [(&"GF_SECURITY_ADMIN_PASSWORD".to_owned(), &value)]);
    let compose = formats::yaml_to_string(&stack::compose(&desired())).unwrap();
    assert!(!compose.contains(PASSWORD));
    // Rendering makes no password: there is no state to keep.
    assert!(!project.has(".state"));
}

#[test]
fn compose_mounts_folders_that_are_rendered() {
    let project = Project::new();
    project.run("render --out out").done();
    let file = formats::yaml(&project.read("out/compose.yaml")).unwrap();
    for service in file["services"].as_object().unwrap().values() {
        for volume in service["volumes"].as_array().unwrap() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            match from.strip_prefix("./") {
                Some(folder) => assert!(project.has(&format!("out/{folder}")), "{from}"),
                None => assert!(file["volumes"].get(from).is_some(), "{from}"),
            }
        }
    }
}
