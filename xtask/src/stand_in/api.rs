//! The HTTP API: the part of Grafana's that tells whether provisioning worked and data sources answer.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};

use super::{
    VERSION,
    account::Caller,
    dashboards::{Dashboard, slug},
    log::{Level, log},
    query,
    server::Server,
    upstream::{decode_pairs, get},
};

/// No request of a test is longer, in bytes.
const LONGEST_BODY: usize = 4 << 20;

const JSON: &str = "application/json; charset=UTF-8";
const HTML: &str = "text/html; charset=UTF-8";
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What goes back: the status, the type of the body, the body.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    kind: &'static str,
    body: String,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: JSON, body: body.to_string() }
    }

    fn message(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"message": message}))
    }
}

pub(super) async fn respond(server: &Arc<Server>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = server.account.caller(header, server.settings.visitors);
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let answer = match Limited::new(request.into_body(), LONGEST_BODY).collect().await {
        Ok(body) => {
            route(server, caller, &method, uri.path(), uri.query().unwrap_or(""), &body.to_bytes()).await
        }
        Err(_) => Answer::message(413, "the request is too long, or broke off"),
    };
    if answer.status >= 400 {
        log(
            "context",
            Level::Warn,
            format!("Request Completed method={method} path={uri} status={}", answer.status),
        );
    }
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(answer.kind));
    if answer.status == 302 {
        headers.insert(LOCATION, hyper::header::HeaderValue::from_static("/login"));
    }
    if answer.status == 401 {
        headers.insert(WWW_AUTHENTICATE, hyper::header::HeaderValue::from_static("Basic realm=\"grafana\""));
    }
    response
}

async fn route(
    server: &Arc<Server>,
    caller: Caller,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Answer {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match parts[..] {
        ["api", "health"] if reads => health(),
        ["healthz"] if reads => Answer { status: 200, kind: "text/plain", body: "Ok".to_owned() },
        ["metrics"] if reads => metrics(server),
        ["login"] if reads => page("Log in"),
        ["api", ..] => match caller {
            Caller::WrongCredentials => Answer::message(401, "Invalid username or password"),
            Caller::Unknown => Answer::message(401, "Unauthorized"),
            Caller::Admin | Caller::Viewer => {
                let asked = Asked { caller, method, query, body };
                if reads {
                    look(server, &asked, &parts[1..]).await
                } else {
                    act(server, &asked, &parts[1..]).await
                }
            }
        },
        _ if !reads => Answer::message(404, "Not found"),
        _ if matches!(caller, Caller::Unknown | Caller::WrongCredentials) => {
            Answer { status: 302, kind: HTML, body: "<a href=\"/login\">Found</a>.\n".to_owned() }
        }
        ["" | "d" | "dashboards" | "explore", ..] => match server.home_dashboard() {
            Ok(home) => page(home["title"].as_str().unwrap_or("Grafana")),
            Err(error) => Answer::message(500, &format!("Failed to load home dashboard: {error:#}")),
        },
        _ => Answer::message(404, "Not found"),
    }
}

/// A request as far as the API looks at it, from somebody who may look.
struct Asked<'a> {
    caller: Caller,
    method: &'a Method,
    query: &'a str,
    body: &'a [u8],
}

async fn look(server: &Arc<Server>, asked: &Asked<'_>, parts: &[&str]) -> Answer {
    let datasources = server.datasources();
    let position = |uid: &str| datasources.iter().position(|source| source.uid == uid);
    match parts {
        ["search"] => Answer::json(200, &search(&server.dashboards(), asked.query)),
        ["dashboards", "home"] => match server.home_dashboard() {
            Ok(home) => Answer::json(200, &json!({"meta": {"isHome": true}, "dashboard": home})),
            Err(error) => Answer::message(500, &format!("Failed to load home dashboard: {error:#}")),
        },
        ["dashboards", "uid", uid] => {
            match server.dashboards().iter().find(|dashboard| dashboard.uid == *uid) {
                Some(dashboard) => Answer::json(200, &shown(dashboard)),
                None => Answer::message(404, "Dashboard not found"),
            }
        }
        ["datasources"] => {
            let shown = datasources.iter().enumerate().map(|(index, source)| source.shown(index + 1));
            Answer::json(200, &shown.collect())
        }
        ["datasources", "uid", uid, rest @ ..] | ["datasources", "proxy", "uid", uid, rest @ ..] => {
            let proxied = parts[1] == "proxy";
            match (position(uid), rest) {
                (None, _) => Answer::message(404, "Data source not found"),
                (Some(index), []) if !proxied => Answer::json(200, &datasources[index].shown(index + 1)),
                (Some(index), ["health"]) if !proxied => datasource_health(&datasources[index].url).await,
                (Some(index), ["resources", rest @ ..]) if !proxied => {
                    forward(&datasources[index].url, rest, asked.query).await
                }
                (Some(index), rest) if proxied => forward(&datasources[index].url, rest, asked.query).await,
                (Some(_), _) => Answer::message(404, "Not found"),
            }
        }
        ["org"] => Answer::json(200, &json!({"id": 1, "name": "Main Org."})),
        _ => Answer::message(404, "Not found"),
    }
}

async fn act(server: &Arc<Server>, asked: &Asked<'_>, parts: &[&str]) -> Answer {
    let reloaded = match parts {
        _ if *asked.method != Method::POST => return Answer::message(404, "Not found"),
        ["ds", "query"] => {
            let Ok(request) = serde_json::from_slice(asked.body) else {
                return Answer::message(400, "bad request data");
            };
            let (status, body) = query::answer(&request, &server.datasources()).await;
            return Answer::json(status, &body);
        }
        ["admin", ..] if asked.caller != Caller::Admin => {
            return Answer::message(403, "You'll need additional permissions to perform this action");
        }
        ["admin", "provisioning", "datasources", "reload"] => {
            server.provision_datasources().map(|()| "Datasources config reloaded")
        }
        ["admin", "provisioning", "dashboards", "reload"] => {
            server.provision_dashboards().map(|()| "Dashboards config reloaded")
        }
        _ => return Answer::message(404, "Not found"),
    };
    match reloaded {
        Ok(message) => Answer::message(200, message),
        Err(error) => {
            log("provisioning", Level::Error, format!("{error:#}"));
            Answer::message(500, &format!("{error:#}"))
        }
    }
}

fn health() -> Answer {
    Answer::json(200, &json!({"database": "ok", "version": VERSION, "commit": "stand-in"}))
}

fn metrics(server: &Server) -> Answer {
    let (dashboards, datasources) = (server.dashboards().len(), server.datasources().len());
    let body = format!(
        "# HELP grafana_build_info The version that is stood in for.\n\
         # TYPE grafana_build_info gauge\n\
         grafana_build_info{{version=\"{VERSION}\",edition=\"stand-in\"}} 1\n\
         # HELP grafana_stat_totals_dashboard Dashboards that were provisioned.\n\
         # TYPE grafana_stat_totals_dashboard gauge\n\
         grafana_stat_totals_dashboard {dashboards}\n\
         # HELP grafana_stat_totals_datasource Data sources that were provisioned.\n\
         # TYPE grafana_stat_totals_datasource gauge\n\
         grafana_stat_totals_datasource {datasources}\n"
    );
    Answer { status: 200, kind: EXPOSITION, body }
}

fn page(title: &str) -> Answer {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!("<!doctype html>\n<title>{title} - stand-in for Grafana</title>\n<h1>{title}</h1>\n");
    Answer { status: 200, kind: HTML, body }
}

/// Whether the data source answers: it is asked for `1+1`, as Grafana asks Prometheus.
async fn datasource_health(url: &str) -> Answer {
    let failed = |why: &str| Answer::json(400, &json!({"status": "ERROR", "message": why}));
    match get(url, "/api/v1/query?query=1%2B1").await {
        Ok(reply) if reply.status == 200 => {
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            if body["data"]["result"][1] == "2" {
                Answer::json(
                    200,
                    &json!({"status": "OK", "message": "Successfully queried the Prometheus API."}),
                )
            } else {
                failed("the answer to `1+1` is not 2")
            }
        }
        Ok(reply) => {
            failed(&format!("{} - There was an error returned querying the Prometheus API.", reply.status))
        }
        Err(error) => failed(&format!("{error:#}")),
    }
}

async fn forward(url: &str, parts: &[&str], query: &str) -> Answer {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    match get(url, &format!("/{}{query}", parts.join("/"))).await {
        Ok(reply) => Answer {
            status: reply.status,
            kind: JSON,
            body: String::from_utf8_lossy(&reply.body).into_owned(),
        },
        Err(error) => Answer::message(502, &format!("{error:#}")),
    }
}

fn link(dashboard: &Dashboard) -> String {
    format!("/d/{}/{}", dashboard.uid, slug(&dashboard.title))
}

/// Folders first, then dashboards, by title; `query`, `tag`, `type` and `folderUIDs` narrow the list.
fn search(dashboards: &[Dashboard], query: &str) -> Value {
    let pairs = decode_pairs(query);
    let all = |key: &'static str| {
        pairs.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    };
    let kind = all("type").next().unwrap_or("");
    let words = all("query").next().unwrap_or("").to_lowercase();
    let mut found = Vec::new();
    if matches!(kind, "" | "dash-folder") && all("tag").next().is_none() {
        let mut folders: Vec<_> = dashboards.iter().map(|dashboard| &dashboard.folder).collect();
        folders.sort();
        folders.dedup();
        let named = folders.iter().filter(|folder| !folder.title.is_empty());
        found.extend(named.filter(|folder| folder.title.to_lowercase().contains(&words)).map(|folder| {
            json!({"uid": folder.uid, "title": folder.title, "type": "dash-folder", "tags": [],
                "url": format!("/dashboards/f/{}/{}", folder.uid, slug(&folder.title))})
        }));
    }
    if matches!(kind, "" | "dash-db") {
        let mut matching: Vec<&Dashboard> = dashboards
            .iter()
            .filter(|dashboard| dashboard.title.to_lowercase().contains(&words))
            .filter(|dashboard| all("tag").all(|tag| dashboard.tags.iter().any(|own| own == tag)))
            .filter(|dashboard| all("folderUIDs").all(|uid| dashboard.folder.uid == uid))
            .collect();
        matching.sort_by(|a, b| a.title.cmp(&b.title));
        found.extend(matching.into_iter().map(|dashboard| {
            json!({"uid": dashboard.uid, "title": dashboard.title, "type": "dash-db", "tags": dashboard.tags,
                "uri": format!("db/{}", slug(&dashboard.title)), "url": link(dashboard), "isStarred": false,
                "folderUid": dashboard.folder.uid, "folderTitle": dashboard.folder.title})
        }));
    }
    Value::Array(found)
}

fn shown(dashboard: &Dashboard) -> Value {
    json!({
        "meta": {
            "type": "db", "canSave": false, "canEdit": false, "slug": slug(&dashboard.title), "url": link(dashboard),
            "isFolder": false, "folderUid": dashboard.folder.uid, "folderTitle": dashboard.folder.title,
            "provisioned": true, "provisionedExternalId": dashboard.file,
        },
        "dashboard": dashboard.model,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::dashboards::Folder;

    fn dashboard(uid: &str, title: &str, tags: &[&str], folder: &str) -> Dashboard {
        Dashboard {
            uid: uid.to_owned(),
            title: title.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            folder: Folder { uid: slug(folder), title: folder.to_owned() },
            file: format!("{uid}.json"),
            provider: "p".to_owned(),
            model: json!({"uid": uid, "title": title}),
        }
    }

    #[test]
    fn search_narrows() {
        let all = [
            dashboard("b", "Tokens & Cost", &["llm", "cost"], "LLM"),
            dashboard("a", "Overview", &["llm"], "LLM"),
            dashboard("c", "Nodes", &[], ""),
        ];
        let check = |query: &str, expect: &[&str]| {
            let found = search(&all, query);
            let uids: Vec<&str> =
                found.as_array().unwrap().iter().map(|hit| hit["uid"].as_str().unwrap()).collect();
            assert_eq!(uids, expect, "{query}");
        };
        check("", &["llm", "c", "a", "b"]);
        check("type=dash-db", &["c", "a", "b"]);
        check("type=dash-folder", &["llm"]);
        check("tag=llm", &["a", "b"]);
        check("tag=llm&tag=cost", &["b"]);
        check("type=dash-db&query=over", &["a"]);
        check("query=tokens+%26", &["b"]);
        check("type=dash-db&folderUIDs=llm", &["a", "b"]);
        check("type=dash-none", &[]);
        let expect = json!([{"uid": "b", "title": "Tokens & Cost", "type": "dash-db", "tags": ["llm", "cost"],
            "uri": "db/tokens-cost", "url": "/d/b/tokens-cost", "isStarred": false,
            "folderUid": "llm", "folderTitle": "LLM"}]);
        assert_eq!(search(&all, "tag=cost"), expect);
    }
}
