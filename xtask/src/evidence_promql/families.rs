//! What the generator knows of the series that [`super::data`] makes: names, kinds, labels and some of their values.

/// What the values of a family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    /// Of a classic histogram.
    Bucket,
    /// Seconds since the epoch.
    Time,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Names of the labels, with values to select by.
    pub(crate) labels: &'static [(&'static str, &'static [&'static str])],
    /// How often it is chosen, against the others.
    pub(crate) weight: usize,
}

pub(crate) const MODEL_LABEL: &str = "model";
pub(crate) const MODELS: [&str; 4] = ["gpt-4o", "claude-sonnet-4", "llama-3.1-70b", "mixtral:8x7b"];
pub(crate) const TEMPERATURE: &str = "température";

/// Numbers of which Go on amd64 gives wrong logarithms, so these are not asked for.
pub(crate) const SUBNORMAL: &str = "subnormal";

const MODEL: (&str, &[&str]) = (MODEL_LABEL, &MODELS);
const TENANT: (&str, &[&str]) = ("tenant", &["acme", "globex"]);
const INSTANCE: (&str, &[&str]) = ("instance", &["a:8000", "b:8000"]);
const JOB: (&str, &[&str]) = ("job", &["gateway"]);
const N: (&str, &[&str]) = ("n", &["1", "2", "3"]);
const LE: (&str, &[&str]) = ("le", &["0.1", "0.5", "1.0", "2.5", "+Inf"]);
const SHAPES: &[&str] = &[
    "no_inf",
    "equal",
    "two_inf",
    "only_inf",
    "unsorted",
    "falls",
    "tiny",
    "negative",
    "below_zero",
    "garbled",
    "bare",
    "nan_bound",
    "nan_count",
    "empty",
];
const CASES: &[&str] = &[
    "nan",
    "inf",
    "minus_inf",
    "minus_zero",
    "zeros",
    "huge",
    "minus_huge",
    "tiny",
    "infs",
    "holes",
    "cancel",
    "large",
    "thirds",
    "nan_first",
    "flat",
];

const fn family(
    name: &'static str,
    kind: Kind,
    weight: usize,
    labels: &'static [(&'static str, &'static [&'static str])],
) -> Family {
    Family { name, kind, labels, weight }
}

pub(crate) static FAMILIES: &[Family] = &[
    family(
        "llm_requests_total",
        Kind::Counter,
        8,
        &[MODEL, TENANT, ("status", &["success", "error"]), INSTANCE, JOB],
    ),
    family("llm_tokens_total", Kind::Counter, 6, &[MODEL, ("type", &["input", "output", "cached"]), JOB]),
    family("llm_cost_usd_total", Kind::Counter, 5, &[MODEL, TENANT, JOB]),
    family("llm_active_requests", Kind::Gauge, 7, &[MODEL, INSTANCE, JOB]),
    family("llm_retries_total", Kind::Counter, 3, &[MODEL, ("type", &["input"]), JOB]),
    family("llm_request_duration_seconds_bucket", Kind::Bucket, 6, &[MODEL, INSTANCE, LE, JOB]),
    family("llm_request_duration_seconds_sum", Kind::Counter, 2, &[MODEL, INSTANCE, JOB]),
    family("llm_request_duration_seconds_count", Kind::Counter, 2, &[MODEL, INSTANCE, JOB]),
    family("odd_bucket", Kind::Bucket, 5, &[("shape", SHAPES), ("le", &["1", "2", "+Inf", "abc"])]),
    family("edge", Kind::Gauge, 8, &[("case", CASES), N]),
    family(SUBNORMAL, Kind::Gauge, 1, &[("none", &["x"])]),
    family("tie", Kind::Gauge, 5, &[("g", &["a", "b", "c"]), N]),
    family("day_seconds", Kind::Time, 3, &[("case", &["now", "leap", "year_end", "negative", "nan", "far"])]),
    family(
        "param",
        Kind::Gauge,
        2,
        &[("name", &["q", "k", "over", "under", "nan", "inf", "minus_inf", "minus_zero"])],
    ),
    family(
        "churn_total",
        Kind::Counter,
        5,
        &[("app", &["x", "y"]), ("pod", &["p0", "p3", "p4", "p9", "p10"])],
    ),
    family("gappy_total", Kind::Counter, 4, &[("gap", &["short", "five", "long", "marked"])]),
    family("paced_total", Kind::Counter, 4, &[("every", &["1", "7", "60", "120", "299", "300", "420"])]),
    family("jitter_level", Kind::Gauge, 5, &[N]),
    family("lonely", Kind::Gauge, 1, &[("samples", &["1", "2", "3", "nan"])]),
    family("many", Kind::Gauge, 5, &[("g", &["a", "b", "c", "d"]), N, ("only", &["left"])]),
    family("one", Kind::Gauge, 4, &[("g", &["a", "b", "c", "e"]), ("team", &["red", "green", "blue"]), N]),
    family("twice", Kind::Gauge, 2, &[("g", &["a", "b"]), ("k", &["x", "y"])]),
    family("target_info", Kind::Gauge, 2, &[INSTANCE, JOB, ("version", &["1.0", "1.1"])]),
    family("build_info", Kind::Gauge, 1, &[INSTANCE, JOB, ("revision", &["abc"])]),
    family(
        "modèle.débit",
        Kind::Gauge,
        3,
        &[(TEMPERATURE, &["heiß", "kalt"]), ("zone.name", &["süd", "nord"])],
    ),
    family("keywords", Kind::Gauge, 2, &[("by", &["x", "y"]), ("on", &["1", "2", "3"]), ("bool", &["true"])]),
    family(
        "probe_success",
        Kind::Gauge,
        3,
        &[
            ("address", &["10.0.0.1:8080", "localhost"]),
            ("path", &["/", "/v1/embeddings"]),
            ("deployment", &["gpt-4o-mini", "a\nb", "Ünïcode-日本"]),
        ],
    ),
];

/// The family of this name.
pub(crate) fn family_of(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}
