//! Bytes on disk for a sample, when all that can be is in blocks.

use std::{env, fs, path::Path};

use anyhow::Context as _;
use llmobs::{
    time::Timestamp,
    tsdb::{Options, Store},
};
use serde_json::Value as Json;

use crate::{embedded::folder_bytes, evidence_embedded_kills::day, judge::Recorded};

/// Of one side.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bytes {
    /// Of blocks, and the samples in them.
    pub(super) blocks: u64,
    pub(super) block_samples: u64,
    /// Of the whole folder, log included.
    pub(super) folder: u64,
}

impl Bytes {
    pub(super) fn per_sample(self) -> f64 {
        self.blocks as f64 / self.block_samples as f64
    }
}

/// Samples and bytes of the blocks of Prometheus that hold samples of the day alone.
pub(super) fn of_prometheus(data: &Path, end: i64) -> anyhow::Result<Bytes> {
    let mut bytes = Bytes { folder: folder_bytes(data), ..Bytes::default() };
    for (folder, meta) in metas(data)? {
        if meta["maxTime"].as_i64().unwrap_or(i64::MAX) <= end {
            bytes.blocks += folder_bytes(&folder);
            bytes.block_samples += meta["stats"]["numSamples"].as_u64().context("no count of samples")?;
        }
    }
    Ok(bytes)
}

/// How many blocks Prometheus has, and the end of the newest in milliseconds.
pub(super) fn blocks(data: &Path) -> anyhow::Result<(usize, i64)> {
    let metas = metas(data)?;
    let newest = metas.iter().filter_map(|(_, meta)| meta["maxTime"].as_i64()).max();
    Ok((metas.len(), newest.unwrap_or(0)))
}

fn metas(data: &Path) -> anyhow::Result<Vec<(std::path::PathBuf, Json)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(data)?.flatten() {
        let folder = entry.path();
        // A block that is being merged into another one may vanish.
        let Ok(text) = fs::read_to_string(folder.join("meta.json")) else { continue };
        found.push((folder, serde_json::from_str(&text).context("a block's description is no JSON")?));
    }
    Ok(found)
}

/// Of a store of ours that has the day and nothing else.
pub(super) fn of_day(series: &[Recorded]) -> anyhow::Result<Bytes> {
    let folder = env::temp_dir().join(format!("llmobs-bench-bytes-{}", std::process::id()));
    let measured = day_in(&folder, series);
    fs::remove_dir_all(&folder).context("cannot remove the folder")?;
    measured
}

fn day_in(folder: &Path, series: &[Recorded]) -> anyhow::Result<Bytes> {
    day::write(folder, series)?;
    let (store, _) = Store::open(folder, Options::default())?;
    let newest = store.stats().max_time.unwrap_or(Timestamp(0));
    store.maintain(newest).checked()?;
    let stats = store.stats();
    let blocks = stats.bytes_on_disk - stats.log_bytes;
    Ok(Bytes { blocks, block_samples: stats.block_samples, folder: folder_bytes(folder) })
}
