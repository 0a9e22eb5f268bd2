//! What llmobs asks of Grafana; see <https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/>.

use serde::Deserialize;

use crate::remote::{Credentials, Endpoint, RemoteError};

/// How a data source fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatasourceHealth {
    Ok,
    /// With Grafana's words.
    Failing(String),
    /// This Grafana cannot tell.
    Unknown,
    /// Not with these credentials.
    Denied,
}

/// A part of the provisioning that can be read again without a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provisioning {
    Datasources,
    Dashboards,
}

#[derive(Deserialize)]
struct Health {
    database: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    message: String,
}

/// Whether it serves and its database works.
pub async fn is_ready(endpoint: &Endpoint) -> Result<bool, RemoteError> {
    let health: Health = endpoint.get_json("/api/health", None).await?;
    Ok(health.database == "ok")
}

/// Asks Grafana to ask a data source, by its uid.
pub async fn datasource_health(
    endpoint: &Endpoint,
    uid: &str,
    credentials: &Credentials,
) -> Result<DatasourceHealth, RemoteError> {
    let answer = endpoint.get(&format!("/api/datasources/uid/{uid}/health"), Some(credentials)).await?;
    Ok(match answer.status {
        200..300 => DatasourceHealth::Ok,
        401 | 403 => DatasourceHealth::Denied,
        404 => DatasourceHealth::Unknown,
        status => {
            let message =
                serde_json::from_slice(&answer.body).map_or(String::new(), |Message { message }| message);
            DatasourceHealth::Failing(if message.is_empty() { format!("status {status}") } else { message })
        }
    })
}

/// Has provisioning files read again.
pub async fn reload(
    endpoint: &Endpoint,
    what: Provisioning,
    credentials: &Credentials,
) -> Result<(), RemoteError> {
    let path = match what {
        Provisioning::Datasources => "/api/admin/provisioning/datasources/reload",
        Provisioning::Dashboards => "/api/admin/provisioning/dashboards/reload",
    };
    let answer = endpoint.post(path, Some(credentials)).await?;
    if answer.is_success() { Ok(()) } else { Err(endpoint.status_error(path, &answer)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::http::tests::{block_on, ok, serve};

    fn admin() -> Credentials {
        Credentials { user: "admin".to_owned(), password: "s".to_owned() }
    }

    #[track_caller]
    fn check(answer: &str, expect: &DatasourceHealth) {
        let (endpoint, server) = serve(&[answer]);
        assert_eq!(block_on(datasource_health(&endpoint, "prometheus", &admin())).as_ref(), Ok(expect));
        assert!(
            server.join().unwrap()[0].starts_with("GET /api/datasources/uid/prometheus/health HTTP/1.1\r\n")
        );
    }

    #[test]
    fn a_data_source_is_fine_or_not_or_nobody_can_tell() {
        check(&ok(r#"{"status":"OK","message":"fine"}"#), &DatasourceHealth::Ok);
        check("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n", &DatasourceHealth::Unknown);
        check("HTTP/1.1 401 x\r\ncontent-length: 0\r\n\r\n", &DatasourceHealth::Denied);
        check(
            "HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n",
            &DatasourceHealth::Failing("status 500".to_owned()),
        );
        check(
            "HTTP/1.1 400 x\r\ncontent-length: 31\r\n\r\n{\"message\":\"plugin not loaded\"}\n",
            &DatasourceHealth::Failing("plugin not loaded".to_owned()),
        );
    }

    #[test]
    fn readiness_and_reload() {
        let (endpoint, server) = serve(&[&ok(r#"{"database":"ok","version":"13.2.3"}"#), &ok("{}")]);
        assert_eq!(block_on(is_ready(&endpoint)), Ok(true));
        assert_eq!(block_on(reload(&endpoint, Provisioning::Dashboards, &admin())), Ok(()));
        assert!(
            server.join().unwrap()[1]
                .starts_with("POST /api/admin/provisioning/dashboards/reload HTTP/1.1\r\n")
        );
    }
}
