//! Torn and damaged files, full disks, two processes.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{
    time::Timestamp,
    tsdb::{
        Options, Rejection, Store, StoreError,
        folder::remove,
        log::{
            LOG_HEAD, open_file, read_frames,
            tests::{open_small, with_disk},
        },
    },
};

use super::{Model, all, commit, expected, labels, shown, small, span};

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|have| have == extension)).collect();
    found.sort();
    found
}

fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn overwrite(path: &Path, content: &[u8]) {
    fs::File::create(path).unwrap().write_all(content).unwrap();
}

fn flip(path: &Path, at: u64) {
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 0x10]).unwrap();
}

/// A store of four series and `steps` scrapes, and what is in it.
fn filled(folder: &Path, steps: i64, options: Options) -> (Store, Model) {
    let (store, _) = Store::open(folder, options).unwrap();
    let mut model = Model::new();
    for step in 0..steps {
        let at = Timestamp(step * 5000);
        let batch: Vec<_> = ["a", "b", "c", "d"].map(|x| (labels(&[("x", x)]), at, step as f64 / 3.0)).into();
        commit(&store, &mut model, &batch);
        store.maintain(at).checked().unwrap();
    }
    (store, model)
}

#[test]
fn each_truncation_of_the_log_reopens_to_a_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let (store, model) = filled(folder.path(), 6, small());
    drop(store);
    let log = files(&folder.path().join("log"), "log").pop().unwrap();
    let whole = bytes(&log);
    let mut last = 0;
    for len in 0..=whole.len() {
        overwrite(&log, &whole[..len]);
        let (store, recovery) = Store::open(folder.path(), small()).unwrap();
        let got = shown(&store.reader(), &[], all());
        let samples = usize::try_from(recovery.samples).unwrap();
        assert!(samples >= last && samples.is_multiple_of(4), "{samples} after {last}");
        assert_eq!(got, expected(&model, &[], span(0, i64::try_from(samples).unwrap() / 4 * 5000 - 5000)));
        assert_eq!(recovery.set_aside, Vec::<String>::new());
        last = samples;
        // What is committed next is not behind the torn record.
        let mut next = got.clone();
        commit(&store, &mut next, &[(labels(&[("x", "e")]), Timestamp(30_000), 1.0)]);
        drop(store);
        let (store, recovery) = Store::open(folder.path(), small()).unwrap();
        assert_eq!((shown(&store.reader(), &[], all()), recovery.torn_bytes), (next, 0));
        drop(store);
        for path in files(&folder.path().join("log"), "log") {
            if path != log {
                remove(&path).unwrap();
            }
        }
    }
    assert_eq!(last, 24);
}

#[test]
fn a_damaged_record_loses_what_is_behind_it_in_its_file_only() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = filled(folder.path(), 6, small());
    drop(store);
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    store.commit(&[(labels(&[("x", "a")]), Timestamp(30_000), 1.0)]).unwrap();
    drop(store);
    let logs = files(&folder.path().join("log"), "log");
    assert_eq!(logs.len(), 2);
    flip(&logs[0], bytes(&logs[0]).len() as u64 - 3);
    let (store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!((recovery.samples, recovery.set_aside.len(), recovery.torn_bytes), (21, 1, 0));
    assert_eq!(shown(&store.reader(), &[], all())[&labels(&[("x", "a")])].len(), 6);
    drop(store);
    let (_store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!((recovery.samples, recovery.set_aside.len(), recovery.torn_bytes), (21, 0, 0));
}

#[test]
fn a_damaged_block_is_set_aside_and_the_rest_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (store, model) = filled(folder.path(), 60, small());
    assert_eq!(store.stats().blocks, 2);
    drop(store);
    let blocks = files(&folder.path().join("blocks"), "block");
    let whole = bytes(&blocks[0]);
    for (spoil, is_set_aside) in [(3, true), (whole.len() - 5, true), (whole.len() - 100, true), (20, false)]
    {
        overwrite(&blocks[0], &whole);
        flip(&blocks[0], spoil as u64);
        let (store, recovery) = Store::open(folder.path(), small()).unwrap();
        assert_eq!(recovery.set_aside.len(), usize::from(is_set_aside), "byte {spoil}");
        let got = shown(&store.reader(), &[], all());
        if is_set_aside {
            assert_eq!(got, expected(&model, &[], span(100_000, i64::MAX)));
        } else {
            // Only a chunk is damaged: the others of the block are still read.
            assert_eq!(got[&labels(&[("x", "d")])], model[&labels(&[("x", "d")])]);
            assert_eq!(got[&labels(&[("x", "a")])].len(), 40);
            assert_eq!(store.maintain(Timestamp(300_000)).checked().unwrap().set_aside.len(), 1);
        }
    }
    overwrite(&blocks[0], b"");
    let (_store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!(recovery.set_aside.len(), 1);
}

#[test]
fn a_damaged_checkpoint_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (store, model) = filled(folder.path(), 60, small());
    drop(store);
    let checkpoint = files(&folder.path().join("log"), "checkpoint").pop().unwrap();
    flip(&checkpoint, 40);
    let (store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!(recovery.set_aside.len(), 1);
    let got = shown(&store.reader(), &[], span(0, 199_999));
    assert_eq!(got, expected(&model, &[], span(0, 199_999)));
}

/// A folder in the way of a file: the file cannot be written.
fn block_the_way(folder: &Path, block: u64) -> PathBuf {
    let path = folder.join(format!("blocks/{block:010}.block.unfinished"));
    fs::DirBuilder::new().create(&path).unwrap();
    path
}

#[test]
fn a_cut_that_fails_half_way_leaves_no_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let mut model = Model::new();
    let way = block_the_way(folder.path(), 2);
    for step in 0..100 {
        commit(&store, &mut model, &[(labels(&[("x", "a")]), Timestamp(step * 5000), 1.0)]);
    }
    for retry in 0..3 {
        // Once more while it waits for the next try: the trouble goes on.
        for second in [0, 1] {
            let at = Timestamp(500_000 + retry * 30_000 + second * 1000);
            assert!(matches!(&store.maintain(at).errors[..], [StoreError::Io { .. }]));
            assert_eq!(files(&folder.path().join("blocks"), "block"), Vec::<PathBuf>::new());
        }
    }
    fs::rename(way, folder.path().join("elsewhere")).unwrap();
    assert_eq!(store.maintain(Timestamp(600_000)).checked().unwrap().blocks_cut, 4);
    // They were merged at once.
    assert_eq!(files(&folder.path().join("blocks"), "block").len(), 1);
    assert_eq!(shown(&store.reader(), &[], all()), model);
}

#[test]
fn damage_is_told_though_something_else_fails() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 60, small()));
    let blocks = files(&folder.path().join("blocks"), "block");
    flip(&blocks[0], 20);
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    shown(&store.reader(), &[], all());
    block_the_way(folder.path(), 3);
    store.commit(&[(labels(&[("x", "a")]), Timestamp(390_000), 1.0)]).unwrap();
    let maintained = store.maintain(Timestamp(390_000));
    assert_eq!((maintained.set_aside.len(), maintained.errors.len()), (1, 1), "{maintained:?}");
}

#[test]
fn a_large_deletion_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let text = "x".repeat(1_000_000);
    for number in 0..10 {
        let series = labels(&[("n", &number.to_string()), ("x", &text)]);
        store.commit(&[(series, Timestamp(0), 1.0)]).unwrap();
    }
    store.checkpoint().unwrap();
    store.delete(&[], all()).unwrap();
    let log = files(&folder.path().join("log"), "log").pop().unwrap();
    let mut largest = 0;
    let tear = read_frames(&log, LOG_HEAD, |payload| {
        largest = largest.max(payload.len());
        true
    });
    assert_eq!(tear.unwrap(), None);
    assert!((1_000_000..6_000_000).contains(&largest), "{largest}");
    drop(store);
    let (store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!((recovery.samples, recovery.set_aside.len(), recovery.torn_bytes), (0, 0, 0));
    assert!(shown(&store.reader(), &[], all()).is_empty());
}

#[test]
fn half_written_files_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 6, small()));
    let unfinished = ["blocks/0000000009.block.unfinished", "log/0000000009.checkpoint.unfinished"];
    let unfinished = unfinished.map(|name| folder.path().join(name));
    for path in &unfinished {
        overwrite(path, b"half");
    }
    let (_store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!(recovery.samples, 24);
    assert!(unfinished.iter().all(|path| !path.exists()));
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let second = Store::open(folder.path(), small());
    assert!(matches!(second, Err(StoreError::Locked { .. })));
    let clone = store.clone();
    drop(store);
    assert!(Store::open(folder.path(), small()).is_err());
    drop(clone);
    Store::open(folder.path(), small()).unwrap();
}

#[test]
fn a_full_disk_fails_commits_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    with_disk(|disk| disk.room = 1000);
    let (store, _) = Store::open_with(folder.path(), small(), open_small).unwrap();
    let mut model = Model::new();
    let batch = |step: i64, x: &str| vec![(labels(&[("x", x)]), Timestamp(step * 1000), step as f64 / 7.0)];
    let mut step = 0;
    let failed = loop {
        let samples = batch(step, "a");
        match store.commit(&samples) {
            Ok(_) => drop(
                model.entry(samples[0].0.clone()).or_default().insert(samples[0].1.0, samples[0].2.to_bits()),
            ),
            Err(error) => break error,
        }
        step += 1;
    };
    assert!(matches!(failed, StoreError::DiskFull { .. }), "{failed}");
    assert!(step > 10);
    assert_eq!(shown(&store.reader(), &[], all()), model);
    store.commit(&batch(step, "b")).unwrap_err();
    let fresh = store.series(&labels(&[("x", "c")]));
    store.commit_refs(&[(fresh, Timestamp(step * 1000), 0.1)]).unwrap_err();
    store.maintain(Timestamp(step * 1000));
    assert!(matches!(store.failing(), Some(StoreError::DiskFull { .. })));
    assert_eq!((shown(&store.reader(), &[], all()), store.stats().series), (model.clone(), 1));
    // With room again all goes on, the failed sample included, and the file holds whole records.
    with_disk(|disk| disk.room = 1 << 20);
    commit(&store, &mut model, &batch(step, "a"));
    assert!(store.failing().is_none());
    commit(&store, &mut model, &batch(step, "b"));
    assert_eq!(shown(&store.reader(), &[], all()), model);
    drop(store);
    let written = with_disk(|disk| disk.bytes.clone());
    overwrite(&folder.path().join("log/0000000001.log"), &written);
    let (store, recovery) = Store::open(folder.path(), small()).unwrap();
    assert_eq!((shown(&store.reader(), &[], all()), recovery.torn_bytes), (model, 0));
}

#[test]
fn labels_that_no_record_holds_are_refused() {
    let store = Store::in_memory(small());
    let long = "x".repeat(1 << 20);
    let committed = store.commit(&[(labels(&[("x", &long)]), Timestamp(0), 1.0)]).unwrap();
    assert_eq!(committed.rejected, [(0, Rejection::LabelsTooLong)]);
    assert_eq!(store.stats().series, 0);
    assert!(shown(&store.reader(), &[], all()).is_empty());
}

/// A device that is always full, where there is one.
#[cfg(target_os = "linux")]
#[test]
fn a_device_without_room_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open_with(folder.path(), small(), |_| open_file(Path::new("/dev/full"))).unwrap();
    let error = store.commit(&[(labels(&[("x", "a")]), Timestamp(0), 1.0)]).unwrap_err();
    let path = folder.path().join("log/0000000001.log");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert!(shown(&store.reader(), &[], all()).is_empty());
}
