//! Brings a store back from its folder.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use super::{
    Recovery, StoreError,
    block::{Block, BlockError, Indexes},
    folder::{numbered, remove, set_aside, sweep},
    head::Head,
    intake::Intake,
    log::{Files, Kept, LOG_HEAD, Record, Tear, cut_tear, read_checkpoint, read_frames, read_record},
};

/// Opens all blocks of a folder; damaged ones are set aside, replaced ones removed.
pub(super) fn open_blocks(
    folder: &Path,
    indexes: &Arc<Indexes>,
    recovery: &mut Recovery,
) -> Result<Vec<Arc<Block>>, StoreError> {
    sweep(folder)?;
    let (mut blocks, mut replaced) = (Vec::new(), Vec::new());
    for (number, path) in numbered(folder, "block")? {
        let block = match Block::open(&path, number, indexes) {
            Ok(block) => block,
            Err(BlockError::Version(found)) => return Err(StoreError::Version { path, found, expected: 1 }),
            Err(damage @ BlockError::Damaged(_)) => {
                recovery.set_aside.push(set_aside(&path, &damage.to_string())?);
                continue;
            }
            Err(BlockError::Io(source)) => return Err(StoreError::io("read", path, source)),
        };
        let is_whole = block.read_tombstones().map_err(|source| StoreError::io("read", &path, source))?;
        if let Some(path) = block.tombstones_path().filter(|_| !is_whole) {
            recovery.set_aside.push(set_aside(&path, "its checksum is wrong; what it deleted is back")?);
        }
        // It was read a moment ago, so it is in memory still.
        replaced.extend(block.index().map_or_else(|_| Vec::new(), |index| index.replaced()));
        blocks.push(Arc::new(block));
    }
    let (gone, blocks): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| replaced.contains(&block.number()));
    for block in gone {
        block.remove()?;
    }
    for (number, path) in numbered(folder, "deleted")? {
        if !blocks.iter().any(|block| block.number() == number)
            && !path.with_extension("block.damaged").exists()
        {
            remove(&path)?;
        }
    }
    recovery.blocks = blocks.len();
    Ok(blocks)
}

/// Brings back into memory what the newest checkpoint and the log files after it say.
pub(super) fn replay(
    folder: &Path,
    head: &mut Head,
    intake: &mut Intake,
    recovery: &mut Recovery,
) -> Result<(), StoreError> {
    sweep(folder)?;
    let Files { logs, checkpoints } = Files::list(folder)?;
    let mut first = 0;
    for (number, path) in checkpoints.into_iter().rev() {
        if let Some(snapshot) = read_checkpoint(&path)? {
            for series in snapshot {
                restore(series, head, intake);
            }
            first = number;
            break;
        }
        recovery.set_aside.push(set_aside(&path, "it is not whole")?);
    }
    for (number, path) in logs {
        if number < first {
            remove(&path)?;
            continue;
        }
        let mut known = Known::default();
        let tear = read_frames(&path, LOG_HEAD, |payload| match known.read(payload) {
            Some(record) => {
                apply(&record, &mut known, head, intake);
                true
            }
            None => false,
        })?;
        if let Some(tear) = tear {
            mend(&path, tear, recovery)?;
        }
    }
    head.recount();
    recovery.series = head.len();
    recovery.samples = head.samples();
    Ok(())
}

/// Cuts off what is no whole record. What was there and is damaged is kept as a copy.
fn mend(path: &Path, tear: Tear, recovery: &mut Recovery) -> Result<(), StoreError> {
    if tear.is_short {
        recovery.torn_bytes += tear.bytes;
    } else {
        let copy = path.with_added_extension("damaged");
        fs::copy(path, &copy).map_err(|source| StoreError::io("copy", path, source))?;
        recovery.set_aside.push(format!(
            "{} is damaged from byte {} on, {} bytes are lost; a copy is in {}",
            path.display(),
            tear.at,
            tear.bytes,
            copy.display()
        ));
    }
    if tear.at == 0 { remove(path) } else { cut_tear(path, tear) }
}

/// Puts a series into memory, or more chunks to one that is there.
fn restore(kept: Kept, head: &mut Head, intake: &mut Intake) {
    let slot = intake.find(&kept.labels).unwrap_or_else(|| {
        let (slot, labels) = head.insert(&kept.labels);
        intake.adopt(slot, labels)
    });
    let newest_chunk = kept.in_order.iter().chain(&kept.late).map(|chunk| chunk.to).max();
    intake.set_position(slot, kept.last, newest_chunk.map_or(kept.newest, |newest| newest.max(kept.newest)));
    if let Some(series) = head.get_mut(slot) {
        series.in_order.chunks.extend(kept.in_order);
        series.late.chunks.extend(kept.late);
    }
}

/// Slots of one log file: where the series is in memory, and the bits of its last value in the file.
#[derive(Debug, Default)]
struct Known {
    slots: HashMap<u32, u32>,
    last: HashMap<u32, u64>,
}

impl Known {
    fn read(&mut self, payload: &[u8]) -> Option<Record> {
        read_record(payload, &mut self.last)
    }
}

fn apply(record: &Record, known: &mut Known, head: &mut Head, intake: &mut Intake) {
    for (slot, labels) in &record.definitions {
        let here = intake.find(labels).unwrap_or_else(|| {
            let (slot, labels) = head.insert(labels);
            intake.adopt(slot, labels)
        });
        known.slots.insert(*slot, here);
    }
    for sample in &record.samples {
        let Some(slot) = known.slots.get(&sample.slot).copied() else { continue };
        let last = intake.position(slot).and_then(|position| position.last);
        // A file that was set aside may have held what came between; memory stays in order in any case.
        let is_late = sample.is_late || last.is_some_and(|(last, _)| sample.at <= last);
        head.append(slot, sample.at, sample.value, is_late);
        intake.advance(slot, sample.at, sample.value, is_late);
    }
    if let Some((slots, span)) = &record.deletion {
        for slot in slots.iter().filter_map(|slot| known.slots.get(slot)) {
            if let Some(series) = head.get_mut(*slot) {
                series.remove(*span);
            }
        }
    }
}
