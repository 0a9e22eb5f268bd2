//! Requests made of other requests.

use std::fmt;

use llmobs::{
    formats::remote_write::{Encoder, pack},
    series::Labels,
    time::Timestamp,
};

use crate::{evidence_api::Case, random::Random};

/// A request as bytes that came.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, target, content_type, body } = self;
        write!(f, "[{method} {target:?} {content_type:?} \"{}\"]", body.escape_ascii())
    }
}

impl Request {
    pub(super) fn len(&self) -> usize {
        self.target.len() + self.body.len()
    }
}

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

/// Texts that readers stumble over.
const TEXTS: [&str; 40] = [
    "",
    "0",
    "-1",
    "1e308",
    "-1e308",
    "NaN",
    "Inf",
    "-Inf",
    "9223372036854775807",
    "-9223372036854775808",
    "1e-300",
    "0.0001",
    "292y",
    "1h1m1s1ms",
    "%",
    "%00",
    "%ff",
    "%C3%A9",
    "%u0000",
    "+",
    "&",
    "&&=",
    ";",
    "=",
    "[]",
    "{}",
    "U__",
    "U__a_110000_",
    "U___",
    "2025-06-15T16:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2025-06-15T16:00:00.999999999+23:59",
    "start",
    "match[]",
    "limit",
    "query",
    "step",
    "%7B__name__%3D~%22.%2B%22%7D",
    "up%5B1y%3A1ms%5D",
];

const STATUS_TARGETS: [&str; 4] = ["/metrics", "/version", "/-/ready", "/"];

/// A mutated request.
pub(super) fn request(random: &mut Random, corpus: &[Case]) -> Request {
    let case = random.pick(corpus);
    let mut request = Request {
        method: case.method.to_owned(),
        target: case.path.clone(),
        content_type: case.headers.trim().strip_prefix("Content-Type: ").unwrap_or_default().to_owned(),
        body: case.body.clone(),
    };
    if random.chance(0.02) {
        (*random.pick(&STATUS_TARGETS)).clone_into(&mut request.target);
    }
    for _ in 0..=random.below(4) {
        match random.below(6) {
            0 => (*random.pick(&METHODS)).clone_into(&mut request.method),
            1 => request.target = field(&request.target, random, corpus),
            2 => {
                let body = String::from_utf8_lossy(&request.body).into_owned();
                request.body = field(&body, random, corpus).into_bytes();
            }
            3 => bytes(&mut request.body, random),
            4 => {
                let mut target = request.target.into_bytes();
                bytes(&mut target, random);
                // What the HTTP server lets through is ASCII.
                request.target = target.into_iter().map(|byte| char::from(byte & 0x7f)).collect();
            }
            _ => {
                let other = random.pick(corpus).path.split('?').next_back().unwrap_or_default();
                request.target = format!("{}&{other}", request.target);
            }
        }
    }
    request
}

/// Replaces, adds or doubles a field or its value.
fn field(text: &str, random: &mut Random, corpus: &[Case]) -> String {
    let (head, query) = text.split_once('?').unwrap_or(("", text));
    let mut fields: Vec<String> = query.split('&').map(str::to_owned).collect();
    let index = random.below(fields.len());
    let value = if random.chance(0.5) {
        (*random.pick(&TEXTS)).to_owned()
    } else {
        let other = random.pick(corpus);
        let path = if other.body.is_empty() {
            other.path.clone()
        } else {
            String::from_utf8_lossy(&other.body).into_owned()
        };
        path.split(['=', '&']).next_back().unwrap_or_default().to_owned()
    };
    match random.below(4) {
        0 => fields.push(format!("{}={value}", random.pick(&TEXTS))),
        1 => fields[index] = value,
        2 => fields.push(fields[index].clone()),
        _ => {
            let name = fields[index].split('=').next().unwrap_or_default().to_owned();
            fields[index] = format!("{name}={value}");
        }
    }
    let joined = fields.join("&");
    if text.contains('?') { format!("{head}?{joined}") } else { joined }
}

/// Changes, removes, doubles or inserts some bytes.
pub(super) fn bytes(text: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        if text.is_empty() {
            text.push(byte(random));
            continue;
        }
        let at = random.below(text.len());
        match random.below(6) {
            0 => text[at] = byte(random),
            1 => text[at] ^= 1 << random.below(8),
            2 => drop(text.remove(at)),
            3 => text.insert(at, byte(random)),
            4 => {
                let end = (at + 1 + random.below(16)).min(text.len());
                let part = text[at..end].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, part);
            }
            _ => text.truncate(at),
        }
    }
}

fn byte(random: &mut Random) -> u8 {
    random.bits().to_le_bytes()[0]
}

/// A remote write: a message that is well-formed or not, packed or not.
pub(super) fn write(random: &mut Random) -> Request {
    let mut encoder = Encoder::default();
    for _ in 0..random.below(4) {
        let mut pairs = vec![("__name__".to_owned(), format!("m{}", random.below(4)))];
        for _ in 0..random.below(4) {
            pairs.push((format!("l{}", random.below(5)), (*random.pick(&TEXTS)).to_owned()));
        }
        let labels: Labels = pairs.into_iter().collect();
        let at = 1_750_000_000_000 + random.between(0, 1_000_000);
        let samples: Vec<_> = (0..random.below(5))
            .map(|index| (Timestamp(at + i64::try_from(index).unwrap_or(0)), f64::from_bits(random.bits())))
            .collect();
        encoder.series(&labels, &samples);
    }
    if random.chance(0.3) {
        let (family, help) = (*random.pick(&TEXTS), *random.pick(&TEXTS));
        encoder.metadata(family, "counter", help, "");
    }
    let mut message = encoder.finish();
    if random.chance(0.8) {
        bytes(&mut message, random);
    }
    let mut body = pack(&message);
    if random.chance(0.2) {
        bytes(&mut body, random);
    }
    let content_type = if random.chance(0.05) { random.pick(&TEXTS) } else { "application/x-protobuf" };
    Request {
        method: "POST".to_owned(),
        target: "/api/v1/write".to_owned(),
        content_type: content_type.to_owned(),
        body,
    }
}
