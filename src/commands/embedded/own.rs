//! What the process measures of itself, as exposition text.

use std::{fmt::Write as _, path::Path};

use crate::files;

/// Bytes of a page of memory, as Linux has them on what it runs on mostly.
const PAGE: u64 = 4096;
/// `USER_HZ`, which Linux fixes for its programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// `process_*` as Prometheus' client libraries name them
/// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>); nothing where there is no `/proc`.
pub(super) fn process_metrics() -> String {
    let read = |name: &str| files::read_text(Path::new(name)).ok();
    let mut page = String::new();
    let Some(stat) = read("/proc/self/stat") else { return page };
    // The second field is the name in parentheses, and may hold anything.
    let Some((_, rest)) = stat.rsplit_once(") ") else { return page };
    let fields: Vec<f64> =
        rest.split_ascii_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let field = |number: usize| fields.get(number - 4).copied().unwrap_or_default();
    let booted = read("/proc/stat").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
        line.trim().parse::<f64>().ok()
    });
    let mut metric = |name: &str, kind: &str, help: &str, value: f64| {
        // A string takes what is written.
        let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    };
    metric(
        "process_cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        (field(14) + field(15)) / TICKS_PER_SECOND,
    );
    metric("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", field(23));
    metric(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory size in bytes.",
        field(24) * PAGE as f64,
    );
    metric("process_threads", "gauge", "Number of threads.", field(20));
    if let Some(booted) = booted {
        let begun = booted + field(22) / TICKS_PER_SECOND;
        metric(
            "process_start_time_seconds",
            "gauge",
            "Start time of the process since unix epoch in seconds.",
            begun,
        );
    }
    page
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::series;

    #[test]
    fn the_process_is_measured() {
        let samples = series::parse(&process_metrics()).unwrap();
        let value = |name: &str| samples.iter().find(|sample| sample.name == name).unwrap().value;
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_start_time_seconds") > 1.6e9);
        assert!(value("process_cpu_seconds_total") >= 0.0);
    }
}
