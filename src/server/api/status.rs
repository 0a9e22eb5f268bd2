//! What the server says of itself: `status/…`, `features`, `notifications`.

use super::{
    Api,
    error::ApiError,
    go,
    outcome::{Outcome, success},
};
use crate::{
    formats::answer::{Json, Object},
    promql::syntax::FUNCTIONS,
    server::http::{Asked, Reply},
    time::Timestamp,
    tsdb::Counted,
};

/// Entries of each list of `status/tsdb`.
const ENTRIES: usize = 10;
const MOST_ENTRIES: usize = 10_000;

impl Api {
    pub(super) fn status_config(&self) -> Outcome {
        let config = self.engine.config();
        success(|json| json.object(|object| object.text("yaml", &config)))
    }

    pub(super) fn status_flags(&self) -> Outcome {
        success(|json| {
            json.object(|object| {
                for (name, value) in &self.settings.flags {
                    object.text(name, value);
                }
            });
        })
    }

    /// What Go's runtime has and ours has not is what Go says where nothing is limited.
    pub(super) fn status_runtimeinfo(&self) -> Outcome {
        let runtime = self.engine.runtime();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        success(|json| {
            json.object(|object| {
                object.time("startTime", Some(runtime.started));
                object.text("CWD", &runtime.folder);
                object.text("hostname", &self.settings.hostname);
                object.time("serverTime", Some(self.engine.now()));
                object.plain("reloadConfigSuccess", runtime.reload_success);
                object.time("lastConfigTime", Some(runtime.last_reload));
                object.plain("corruptionCount", 0);
                object.plain("goroutineCount", 0);
                object.plain("GOMAXPROCS", threads);
                object.plain("GOMEMLIMIT", i64::MAX);
                object.text("GOGC", "");
                object.text("GODEBUG", "");
                object.text("storageRetention", &runtime.retention);
            });
        })
    }

    pub(super) fn status_buildinfo(&self) -> Outcome {
        success(|json| self.write_buildinfo(json))
    }

    /// `/version`: the same without a frame.
    pub(super) fn version(&self) -> Reply {
        let mut json = Json::default();
        self.write_buildinfo(&mut json);
        Reply::text(200, json.into_string() + "\n")
    }

    fn write_buildinfo(&self, json: &mut Json) {
        json.object(|object| {
            object.text("version", &self.settings.version);
            object.text("revision", &self.settings.revision);
            for name in ["branch", "buildUser", "buildDate", "goVersion"] {
                object.text(name, "");
            }
        });
    }

    pub(super) fn status_tsdb(&self, asked: &Asked) -> Outcome {
        let limit = match asked.value("limit") {
            "" => ENTRIES,
            text => match go::integer(text).ok().and_then(|limit| usize::try_from(limit).ok()) {
                Some(limit @ 1..=MOST_ENTRIES) => limit,
                Some(1..) => {
                    return Err(ApiError::bad_data(format!("limit must not exceed {MOST_ENTRIES}")));
                }
                _ => return Err(ApiError::bad_data("limit must be a positive number")),
            },
        };
        let stats = self.store.stats();
        let cardinality = self.store.cardinality(limit);
        success(|json| {
            json.object(|object| {
                object.field("headStats").object(|object| {
                    object.plain("numSeries", stats.series);
                    object.plain("numLabelPairs", stats.label_pairs);
                    object.plain("chunkCount", stats.chunks);
                    object.plain("minTime", millis(stats.head_min_time, i64::MAX));
                    object.plain("maxTime", millis(stats.head_max_time, i64::MIN));
                });
                counted("seriesCountByMetricName", &cardinality.series_by_metric, object);
                counted("labelValueCountByLabelName", &cardinality.values_by_label, object);
                counted("memoryInBytesByLabelName", &cardinality.bytes_by_label, object);
                counted("seriesCountByLabelValuePair", &cardinality.series_by_pair, object);
            });
        })
    }

    /// Blocks are the store's own and nothing that Prometheus could read.
    #[expect(clippy::unused_self, reason = "an endpoint like the others")]
    pub(super) fn status_tsdb_blocks(&self) -> Outcome {
        success(|json| json.object(|object| object.field("blocks").texts([""; 0])))
    }

    /// The log is replayed before anything is answered.
    #[expect(clippy::unused_self, reason = "an endpoint like the others")]
    pub(super) fn status_walreplay(&self) -> Outcome {
        success(|json| {
            json.object(|object| {
                for name in ["min", "max", "current"] {
                    object.plain(name, 0);
                }
            });
        })
    }

    #[expect(clippy::unused_self, reason = "an endpoint like the others")]
    pub(super) fn notifications(&self) -> Outcome {
        success(|json| json.texts([""; 0]))
    }

    pub(super) fn features(&self) -> Outcome {
        let settings = &self.settings;
        let experimental = settings.syntax.experimental;
        let api = [
            ("admin", settings.admin),
            ("exclude_alerts", true),
            ("label_values_match", true),
            ("lifecycle", settings.lifecycle),
            ("openapi_3.1", false),
            ("openapi_3.2", false),
            ("otlp_write_receiver", false),
            ("query_cost", false),
            ("query_stats", true),
            ("query_warnings", true),
            ("remote_write_receiver", settings.remote_write),
            ("search", false),
            ("time_range_labels", true),
            ("time_range_series", true),
        ];
        let promql = [
            ("anchored", experimental),
            ("at_modifier", true),
            ("bool", true),
            ("by", true),
            ("delayed_name_removal", false),
            ("duration_expr", true),
            ("fill", experimental),
            ("fill_left", experimental),
            ("fill_right", experimental),
            ("group_left", true),
            ("group_right", true),
            ("ignoring", true),
            ("negative_offset", true),
            ("offset", true),
            ("on", true),
            ("per_query_lookback_delta", true),
            ("per_step_stats", false),
            ("smoothed", experimental),
            ("subqueries", true),
            ("type_and_unit_labels", false),
            ("without", true),
        ];
        success(|json| {
            json.object(|object| {
                flags("api", api, object);
                flags(
                    "prometheus",
                    [("agent_mode", false), ("auto_reload_config", false), ("server_mode", true)],
                    object,
                );
                flags("promql", promql, object);
                let functions =
                    FUNCTIONS.iter().map(|function| (function.name, experimental || !function.experimental));
                flags("promql_functions", functions, object);
            });
        })
    }
}

fn flags<'a>(name: &str, entries: impl IntoIterator<Item = (&'a str, bool)>, object: &mut Object<'_>) {
    object.field(name).object(|object| {
        for (name, is_there) in entries {
            object.plain(name, is_there);
        }
    });
}

fn millis(at: Option<Timestamp>, none: i64) -> i64 {
    at.map_or(none, |at| at.0)
}

fn counted(name: &str, entries: &[Counted], object: &mut Object<'_>) {
    object.list(name, entries, |json, entry| {
        json.object(|object| {
            object.text("name", &entry.name);
            object.plain("value", entry.count);
        });
    });
}
