//! The client against servers that behave, and against those that do not.

use std::{
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use flate2::{Compression, write::GzEncoder};

use crate::{
    engine::stand_in::{Reply, StandIn, TEXT, page, redirect},
    formats::prometheus,
    text::Source,
};

use super::*;

const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), body: 1 << 20, expected_body: 0 };

fn client(keys: &str) -> Client {
    let file = format!("scrape_configs: [{{job_name: j, {keys}}}]");
    let (config, _) = prometheus::read(&Source::new("t", file.as_str())).unwrap();
    Client::new(&config.scrape_configs[0].client, Hosts::default())
}

async fn get(client: &Client, url: &str) -> Result<Answer, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let outgoing = Outgoing { method: Method::GET, url: &url, headers: HeaderMap::new(), body: Bytes::new() };
    client.send(&outgoing, BOUNDS, Bodies::OfSuccess).await.map_err(|error| error.to_string())
}

/// What comes of a request to a server that answers so; `ADDRESS` stands for its address.
#[track_caller]
fn check(keys: &str, reply: Reply, expect: Result<&str, &str>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let got = runtime.block_on(async {
        let server = StandIn::start(move |_| reply.clone()).await;
        let got = get(&client(keys), &server.url("/m")).await;
        let shown = |answer: Answer| {
            format!("{} {}: {}", answer.status.as_u16(), answer.reason, String::from_utf8_lossy(&answer.body))
        };
        let address = server.address.to_string();
        got.map(shown).map_err(|error| error.replace(&address, "ADDRESS"))
    });
    assert_eq!(got.as_deref().map_err(String::as_str), expect);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

#[test]
fn answers_are_read() {
    check("", Reply::Page(TEXT, "a 1\n".to_owned()), Ok("200 OK: a 1\n"));
    check("", Reply::Raw(packed(&gzip(b"a 1\n"))), Ok("200 OK: a 1\n"));
    check("", Reply::Raw(packed(&[gzip(b"a"), gzip(b" 1")].concat())), Ok("200 OK: a 1"));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\na \r\n1\r\n1\r\n0\r\n\r\n";
    check("", Reply::Raw(chunked.into()), Ok("200 OK: a 1"));
    check("", Reply::Last(b"HTTP/1.0 200 OK\r\n\r\na 1".to_vec()), Ok("200 OK: a 1"));
    check("", Reply::Raw(b"HTTP/1.1 503 Out to lunch\r\n\r\n".to_vec()), Ok("503 Out to lunch: "));
}

#[test]
fn bad_answers_are_told_apart() {
    check("", Reply::Last(Vec::new()), Err("Get \"http://ADDRESS/m\": EOF"));
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na".to_vec();
    check("", Reply::Last(short), Err("unexpected EOF"));
    check(
        "",
        Reply::Last(b"SSH-2.0-x\r\n".to_vec()),
        Err("Get \"http://ADDRESS/m\": invalid HTTP version parsed"),
    );
    check("", Reply::Raw(packed(b"no gzip at all")), Err("gzip: invalid gzip header"));
    check("", Reply::Raw(packed(&gzip(b"a 1\n")[..12])), Err("gzip: unexpected EOF"));
    let zstd = b"HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: 0\r\n\r\n".to_vec();
    check("", Reply::Raw(zstd), Err("cannot read a body in the encoding `zstd`"));
}

#[test]
fn a_body_ends_at_its_limit() {
    let head = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    check("", Reply::Endless(head, vec![b'#'; 1 << 16]), Err("body size limit exceeded"));
    check("", Reply::Page(TEXT, "#".repeat(1 << 20)), Err("body size limit exceeded"));
    check(
        "",
        Reply::Page(TEXT, "#".repeat((1 << 20) - 1)),
        Ok(&format!("200 OK: {}", "#".repeat((1 << 20) - 1))),
    );
}

/// Members of a megabyte of zeros each: a kilobyte in the stream, ten gigabytes in all if anybody read on.
#[test]
fn a_gzip_bomb_stops_at_the_limit() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n".to_vec();
    check("", Reply::Endless(head.clone(), gzip(&vec![0; 1 << 20])), Err("body size limit exceeded"));
    // One member that goes on and on.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 << 8 {
        encoder.write_all(&[0; 1 << 12]).unwrap();
    }
    let bomb = [head, encoder.finish().unwrap()].concat();
    check("", Reply::Last(bomb), Err("body size limit exceeded"));
}

#[test]
fn the_deadline_cuts_whatever_is_slow() {
    check("", Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), Err("context deadline exceeded"));
    let head = Reply::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec());
    check("", head, Err("Get \"http://ADDRESS/m\": context deadline exceeded"));
}

#[test]
fn redirects_lead_nowhere_bad() {
    check(
        "",
        redirect("file:///etc/passwd"),
        Err("Get \"http://ADDRESS/m\": unsupported protocol scheme \"file\""),
    );
    check(
        "",
        redirect("http://169.254.169.254/latest/meta-data"),
        Err(
            "Get \"http://169.254.169.254/latest/meta-data\": redirect to the link-local or metadata address 169.254.169.254 refused",
        ),
    );
    check(
        "",
        redirect("http://[fd00:ec2::254]/"),
        Err(
            "Get \"http://[fd00:ec2::254]/\": redirect to the link-local or metadata address fd00:ec2::254 refused",
        ),
    );
    check(
        "",
        redirect("http://[::ffff:a9fe:a9fe]/"),
        Err(
            "Get \"http://[::ffff:a9fe:a9fe]/\": redirect to the link-local or metadata address ::ffff:169.254.169.254 refused",
        ),
    );
    check("", redirect("/m"), Err("Get \"http://ADDRESS/m\": stopped after 10 redirects"));
    check("follow_redirects: false", redirect("/m"), Ok("302 Found: "));
    check(
        "",
        Reply::Raw(b"HTTP/1.1 302 Found\r\n\r\n".to_vec()),
        Err("Get \"http://ADDRESS/m\": 302 response missing Location header"),
    );
}

#[tokio::test]
async fn credentials_stay_with_their_server() {
    let other = StandIn::start(|_| Reply::Page(TEXT, "other".to_owned())).await;
    let elsewhere = other.url("/x");
    let server = StandIn::start(move |head| match head {
        _ if head.starts_with("GET /away") => redirect(&elsewhere),
        _ if head.starts_with("GET /home") => redirect("/here"),
        _ => Reply::Page(TEXT, "here".to_owned()),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    crate::files::write_secret(&token, b" s3cret\n").unwrap();
    let keys = format!(
        "authorization: {{credentials_file: '{}'}}, http_headers: {{X-Tenant: {{values: [a, b]}}}}",
        token.display()
    );
    let client = client(&keys);
    assert_eq!(get(&client, &server.url("/home")).await.unwrap().body, b"here");
    crate::files::write_secret(&token, b"other").unwrap();
    assert_eq!(get(&client, &server.url("/away")).await.unwrap().body, b"other");
    let sent = server.requests();
    assert_eq!(sent.len(), 3);
    for request in &sent[..2] {
        assert!(request.contains("authorization: Bearer s3cret\r\n"), "{request}");
        assert!(request.contains("x-tenant: a\r\nx-tenant: b\r\n"), "{request}");
    }
    assert!(sent[2].contains("authorization: Bearer other\r\n"), "{}", sent[2]);
    let strayed = &other.requests()[0];
    assert!(!strayed.contains("authorization") && !strayed.contains("x-tenant"), "{strayed}");
}

#[tokio::test]
async fn connections_are_kept_and_replaced() {
    let count = AtomicUsize::new(0);
    let server = StandIn::start(move |_| {
        let answer = page(TEXT, b"ok");
        if count.fetch_add(1, Ordering::Relaxed) == 2 { Reply::Last(answer) } else { Reply::Raw(answer) }
    })
    .await;
    let client = client("basic_auth: {username: u, password: p}");
    for _ in 0..3 {
        get(&client, &server.url("/")).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    // The server has ended it.
    get(&client, &server.url("/")).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 4));
    assert!(server.requests()[0].contains("authorization: Basic dTpw\r\n"));
    let host = format!("host: {}\r\n", server.address);
    assert!(server.requests()[0].contains(&host));
}

#[tokio::test]
async fn names_are_looked_up_by_the_caller_first() {
    let server = StandIn::start(|_| Reply::Page(TEXT, "ok".to_owned())).await;
    let hosts: Hosts = [("exporter:9091", server.address)].into_iter().collect();
    let client = Client::new(&HttpClient::default(), hosts);
    assert_eq!(get(&client, "http://exporter:9091/metrics").await.unwrap().body, b"ok");
    assert!(server.requests()[0].contains("host: exporter:9091\r\n"));
    let failure = get(&client, "http://exporter.invalid:9092/").await.unwrap_err();
    assert!(
        failure.starts_with("Get \"http://exporter.invalid:9092/\": dial tcp: lookup exporter.invalid: "),
        "{failure}"
    );
}

#[tokio::test]
async fn nobody_there() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = get(&client(""), &format!("http://{address}/")).await.unwrap_err();
    assert_eq!(
        failure,
        format!("Get \"http://{address}/\": dial tcp {address}: connect: connection refused")
    );
}
