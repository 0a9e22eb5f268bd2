//! What is started: with how little it makes do, and what Grafana has read.

use std::{fs, os::unix::fs::PermissionsExt as _};

use llmobs::remote::Credentials;
use serde_json::{Value, json};

use super::{engine::inspect, grafana, project::Project, prometheus::get};

/// The addresses that listen on a TCP port of this machine, as the kernel lists them (proc(5), `/proc/net/tcp`).
fn listening(port: u16) -> Vec<String> {
    let mut found = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, local_port) = fields[1].split_once(':').unwrap();
            if fields[3] == "0A" && u16::from_str_radix(local_port, 16) == Ok(port) {
                found.push(address.to_owned());
            }
        }
    }
    found
}

/// 127.0.0.1 in the kernel's list, which has the bytes in the machine's order.
fn loopback() -> String {
    format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]))
}

#[test]
fn containers_have_no_more_than_they_need() {
    let Some(project) = Project::new("hard") else { return };
    project.up(&[]).done();
    let password = grafana::admin(&project).password;
    let services =
        [("prometheus", 9090, "65534:65534"), ("grafana", 3000, "472:0"), ("exporter", 9091, "65534:65534")];
    for (service, port, user) in services {
        let found = inspect(&project.container(service));
        let host = &found["HostConfig"];
        let seen = json!({
            "user": found["Config"]["User"],
            "dropped": host["CapDrop"],
            "added": host["CapAdd"],
            "privileged": host["Privileged"],
            "options": host["SecurityOpt"],
            "read-only": host["ReadonlyRootfs"],
            "restart": host["RestartPolicy"]["Name"],
            "published": host["PortBindings"],
            "binds": host["Binds"],
        });
        let published = (port + project.offset).to_string();
        let expect = json!({
            "user": user,
            "dropped": ["ALL"],
            "added": null,
            "privileged": false,
            "options": ["no-new-privileges"],
            "read-only": service != "grafana",
            "restart": "unless-stopped",
            "published": {format!("{port}/tcp"): [{"HostIp": "127.0.0.1", "HostPort": published}]},
            "binds": null,
        });
        assert_eq!(seen, expect, "{service}");
        assert!(host["Memory"].as_u64().unwrap() > 0, "{service} has no memory limit");
        assert!(!found.to_string().contains(&password), "the password is to be seen in {service}");
        assert_eq!(found["RestartCount"], 0, "{service}");
        let volumes = found["Mounts"].as_array().unwrap();
        let all_named =
            volumes.iter().all(|mount| mount["Name"].as_str().unwrap().starts_with(&project.name));
        assert!(all_named, "{service} has a volume without a name: {volumes:?}");
        assert_eq!(listening(port + project.offset), [loopback()], "{service}");
    }
    check_grafana(&project, &password);
    project.down_to_nothing();
}

#[track_caller]
fn check_grafana(project: &Project, password: &str) {
    let file = project.state_dir().join(&project.name).join("grafana-password");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let shown = project.run(&["status", "--show-password"]).done();
    assert!(
        shown.stdout.contains(&format!("Grafana: user admin, password {password}\n")),
        "{}",
        shown.stdout
    );

    let found = grafana::ask(project, "/api/search?type=dash-db").unwrap();
    let uids: Vec<_> = found.as_array().unwrap().iter().map(|found| found["uid"].clone()).collect();
    assert_eq!(uids, [grafana::DASHBOARD]);
    let health = grafana::ask(project, "/api/datasources/uid/prometheus/health").unwrap();
    assert_eq!(health["status"], "OK");
    let home: Value = grafana::ask(project, "/api/dashboards/home").unwrap();
    assert_eq!(home["dashboard"]["uid"], grafana::DASHBOARD);

    let wrong = Credentials { user: "admin".to_owned(), password: "admin".to_owned() };
    let path = "/api/search";
    assert_eq!(get(&project.grafana(), path, Some(&wrong)).unwrap().status, 401);
    assert_eq!(get(&project.grafana(), path, None).unwrap().status, 401);
    let runbook = get(&project.exporter(), "/runbooks/LLMHighErrorRate", None).unwrap();
    assert!(runbook.is_success());
}
