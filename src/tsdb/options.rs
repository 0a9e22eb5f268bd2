//! What a store is told about itself.

/// Sizes and spans of a store; times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Blocks whose newest sample is older than the newest of the store by more than this are removed
    /// (`storage.tsdb.retention.time`).
    pub retention_millis: Option<i64>,
    /// The oldest blocks are removed while the folder is larger than this (`storage.tsdb.retention.size`).
    pub retention_bytes: Option<u64>,
    /// How far behind the newest sample of the store one may be that is older than the last of its series
    /// (`storage.tsdb.out_of_order_time_window`); 0 refuses all of them.
    pub out_of_order_window_millis: i64,
    /// How far behind the newest sample of the store a sample of any series may be; Prometheus' head has half of
    /// its chunk range, 1 h.
    pub in_order_lag_millis: i64,
    /// Span of the smallest blocks; samples leave memory when they are older than one and a half of it.
    pub block_millis: i64,
    /// Small blocks are merged until they span this much, or a tenth of the retention.
    pub max_block_millis: i64,
    /// A series without a sample for this long has ended, as has one whose last sample is a staleness marker.
    pub idle_millis: i64,
    /// So many ended series leave memory at once, before their block is due.
    pub max_ended_series: usize,
    /// With more samples than this in memory, they leave it before their block is due.
    pub max_head_samples: u64,
    /// Bytes of the indexes of blocks that are kept in memory.
    pub index_budget_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        const MINUTE: i64 = 60_000;
        Self {
            retention_millis: Some(15 * 24 * 60 * MINUTE),
            retention_bytes: None,
            out_of_order_window_millis: 0,
            in_order_lag_millis: 60 * MINUTE,
            block_millis: 2 * 60 * MINUTE,
            max_block_millis: 24 * 60 * MINUTE,
            idle_millis: 2 * MINUTE,
            max_ended_series: 8192,
            max_head_samples: 16_000_000,
            index_budget_bytes: 8 << 20,
        }
    }
}
