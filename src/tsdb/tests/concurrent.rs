//! Readers while samples are committed and blocks are cut.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{
    series::{Matcher, Select},
    time::Timestamp,
    tsdb::Store,
};

use super::{Random, all, labels, small};

#[test]
fn a_reader_sees_whole_commits_and_each_sample_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let series: Vec<_> = (0..20).map(|i| store.series(&labels(&[("x", &format!("{i:02}"))]))).collect();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|seed| {
                let (reader, is_done) = (store.reader(), &is_done);
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    let mut reads = 0;
                    while !is_done.load(Ordering::Relaxed) || reads == 0 {
                        let matchers = match random.below(2) {
                            0 => vec![],
                            _ => vec![Matcher::equal("x", "07")],
                        };
                        let selected: Vec<_> = reader.select(&matchers, all()).unwrap().collect();
                        for series in &selected {
                            // Sample n is at n seconds and has the value n, in all series: none is missing, none twice.
                            let whole = (1_i32..).zip(series.times.iter().zip(series.values.iter()));
                            for (number, (at, value)) in whole {
                                assert_eq!((at.0, *value), (i64::from(number) * 1000, f64::from(number)));
                            }
                            assert_eq!(series.times.len(), selected[0].times.len());
                        }
                        reads += 1;
                    }
                })
            })
            .collect();
        for number in 1_i32..=2000 {
            let at = Timestamp(i64::from(number) * 1000);
            let batch: Vec<_> = series.iter().map(|series| (*series, at, f64::from(number))).collect();
            assert_eq!(store.commit_refs(&batch).unwrap().appended, 20);
            if number % 7 == 0 {
                store.maintain(at).checked().unwrap();
            }
        }
        is_done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert!(store.stats().blocks > 0);
    assert_eq!(store.stats().samples + store.stats().block_samples, 40_000);
}
