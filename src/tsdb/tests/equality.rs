//! A random stream read back equals the model, whatever happened to the store meanwhile.

use std::{fs, path::Path};

use crate::{
    series::{Columns, Labels, MatchOp, Matcher, STALE, Select},
    time::Timestamp,
    tsdb::Store,
};

use super::{Model, Random, all, commit, expected, labels, shown, small, span};

fn series(number: u64) -> Labels {
    let (metric, model) = (number % 4, number % 7);
    labels(&[
        (
            "__name__",
            ["up", "requests_total", "cost_dollars", "tokens_bucket"][usize::try_from(metric).unwrap()],
        ),
        ("model", &format!("m{model}")),
        ("instance", &format!("i{number}")),
    ])
}

fn matchers(random: &mut Random) -> Vec<Matcher> {
    use MatchOp::{Equal, Matches, NotEqual, NotMatches};
    let choices = [
        ("__name__", Equal, "up"),
        ("__name__", Matches, "up|cost.*"),
        ("__name__", NotMatches, "up|cost.*"),
        ("model", Equal, "m3"),
        ("model", NotEqual, "m3"),
        ("model", Matches, "m[1-4]"),
        ("instance", Matches, "i1.*"),
        ("nothing", Equal, ""),
        ("nothing", NotEqual, ""),
    ];
    let count = random.below(3);
    let pick = |random: &mut Random| {
        let (name, op, value) = choices[usize::try_from(random.below(choices.len() as u64)).unwrap()];
        Matcher::new(name, op, value).unwrap()
    };
    (0..count).map(|_| pick(random)).collect()
}

fn value(random: &mut Random, number: u64, now: i64) -> f64 {
    match (random.below(60), number % 4) {
        (0, _) => STALE,
        (1, _) => [f64::NAN, f64::INFINITY, -0.0, 5e-324][usize::try_from(random.below(4)).unwrap()],
        (_, 0) => 1.0,
        (_, 1) => (now / 1000) as f64,
        (_, 2) => now as f64 * 0.001_234,
        _ => f64::from_bits(random.next()),
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::DirBuilder::new().recursive(true).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[track_caller]
fn check(store: &Store, model: &Model, random: &mut Random, now: i64) {
    let reader = store.reader();
    assert!(shown(&reader, &[], all()) == expected(model, &[], all()), "everything");
    for _ in 0..4 {
        let matchers = matchers(random);
        let from = random.millis(now + 1);
        let part = span(from, from + random.millis(400_000));
        assert!(shown(&reader, &matchers, part) == expected(model, &matchers, part), "{matchers:?} {part:?}");
    }
}

/// Does anything to a store in a folder, many times.
fn live_through(seed: u64, window: i64) {
    let mut random = Random::new(seed);
    let folders: Vec<_> = (0..8).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut folders = folders.iter().map(tempfile::TempDir::path);
    let mut options = small();
    options.out_of_order_window_millis = window;
    if seed.is_multiple_of(3) {
        options.max_ended_series = 5;
    }
    if seed.is_multiple_of(4) {
        options.max_head_samples = 300;
    }
    let mut folder = folders.next().unwrap();
    let (mut store, _) = Store::open(folder, options.clone()).unwrap();
    let mut model = Model::new();
    let mut now = 1_000_000;
    for step in 0..300 {
        match random.below(30) {
            0 => {
                let matchers = matchers(&mut random);
                let from = now - random.millis(500_000);
                let part = span(from, from + random.millis(200_000));
                store.delete(&matchers, part).unwrap();
                for (labels, samples) in &mut model {
                    if matchers.iter().all(|matcher| matcher.accepts_labels(labels)) {
                        samples.retain(|at, _| *at < part.from.0 || *at > part.to.0);
                    }
                }
            }
            1 => store.clean_tombstones().unwrap(),
            2 => {
                drop(store);
                store = Store::open(folder, options.clone()).unwrap().0;
            }
            3 => {
                // The process is killed: what it wrote is there, and nothing else.
                let Some(next) = folders.next() else { continue };
                copy_folder(folder, next);
                drop(store);
                folder = next;
                store = Store::open(folder, options.clone()).unwrap().0;
            }
            4..8 => drop(store.maintain(Timestamp(now)).checked().unwrap()),
            _ => {
                now += 5000;
                let end = random.below(25);
                let batch: Vec<_> = (random.below(10)..end)
                    .map(|number| {
                        let number = number + step / 60 * 10;
                        let behind = if random.below(8) == 0 { random.millis(300_000) } else { 0 };
                        let at = now - behind;
                        (series(number), Timestamp(at), value(&mut random, number, at))
                    })
                    .collect();
                commit(&store, &mut model, &batch);
            }
        }
        if step % 20 == 0 {
            check(&store, &model, &mut random, now);
        }
    }
    check(&store, &model, &mut random, now);
    assert!(store.stats().blocks > 0, "blocks were cut");
}

#[test]
fn a_stream_in_order_equals_the_model() {
    (0..5).for_each(|seed| live_through(seed, 0));
}

#[test]
fn a_stream_out_of_order_equals_the_model() {
    (12..16).for_each(|seed| live_through(seed, 120_000));
    (24..26).for_each(|seed| live_through(seed, 10_000_000));
}

#[test]
fn a_store_equals_columns_fed_the_same() {
    for in_memory in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let store = if in_memory {
            Store::in_memory(small())
        } else {
            Store::open(folder.path(), small()).unwrap().0
        };
        let mut columns = Columns::new();
        let mut random = Random::new(99);
        let mut now = 0;
        for _ in 0..400 {
            now += 5000;
            let batch: Vec<_> = (0..20)
                .filter_map(|number| {
                    let value = random.below(50) as f64;
                    (random.below(10) > 0).then(|| (series(number), Timestamp(now), value))
                })
                .collect();
            assert_eq!(store.commit(&batch).unwrap().appended, batch.len());
            for (labels, at, value) in &batch {
                let id = columns.series(labels);
                columns.append(id, *at, *value).unwrap();
            }
            store.maintain(Timestamp(now)).checked().unwrap();
        }
        assert!(store.stats().blocks > 1 && store.stats().series == 20);
        for _ in 0..40 {
            let matchers = matchers(&mut random);
            let from = random.millis(now);
            let part = span(from, from + random.millis(now));
            let mut expect: Vec<_> = columns.select(&matchers, part).unwrap().collect();
            expect.sort_by(|a, b| a.labels.cmp(&b.labels));
            let reader = store.reader();
            let got: Vec<_> = reader.select(&matchers, part).unwrap().collect();
            assert_eq!(format!("{got:?}"), format!("{expect:?}"));
        }
    }
}
