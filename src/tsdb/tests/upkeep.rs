//! Retention, merging, series that end, clocks that jump.

use crate::{
    series::{Matcher, STALE, Select},
    time::Timestamp,
    tsdb::{Options, Rejection, Store},
};

use super::{Model, all, commit, expected, labels, shown, small, span};

/// Commits one sample of each series every 5 s and keeps house.
fn run(store: &Store, model: &mut Model, series: &[&str], from: i64, to: i64) {
    for step in from / 5000..to / 5000 {
        let at = Timestamp(step * 5000);
        let batch: Vec<_> = series.iter().map(|x| (labels(&[("x", x)]), at, step as f64)).collect();
        commit(store, model, &batch);
        store.maintain(at).checked().unwrap();
    }
}

#[test]
fn blocks_are_cut_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let mut model = Model::new();
    run(&store, &mut model, &["a", "b"], 0, 1_600_000);
    let stats = store.stats();
    // One of 1200 s, then one for each 100 s: 400 s are merged when all of them are there.
    assert_eq!(stats.blocks, 1 + 3, "{stats:?}");
    assert!(stats.samples <= 2 * 30, "{stats:?}");
    assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
}

#[test]
fn old_blocks_go() {
    let store = Store::in_memory(Options { retention_millis: Some(500_000), ..small() });
    let mut model = Model::new();
    run(&store, &mut model, &["a"], 0, 2_000_000);
    let oldest = store.stats().min_time.unwrap().0;
    assert!((1_300_000..=1_495_000).contains(&oldest), "{oldest}");
    assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], span(oldest, i64::MAX)));
}

#[test]
fn a_clock_that_was_ahead_for_a_moment_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { retention_millis: Some(500_000), ..small() };
    let (store, _) = Store::open(folder.path(), options).unwrap();
    let mut model = Model::new();
    run(&store, &mut model, &["a"], 0, 450_000);
    // All that was before is cut now, and is no older than it was.
    run(&store, &mut model, &["a"], 50_000_000, 50_000_005);
    run(&store, &mut model, &["a"], 450_000, 600_000);
    assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
    assert!(store.stats().blocks > 3);
}

#[test]
fn the_oldest_blocks_go_when_there_is_too_much() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let mut model = Model::new();
    run(&store, &mut model, &["a", "b", "c"], 0, 2_000_000);
    let before = store.stats();
    store.set_options(Options { retention_bytes: Some(before.bytes_on_disk - 1), ..small() });
    let maintained = store.maintain(Timestamp(2_000_000)).checked().unwrap();
    assert_eq!(maintained.blocks_dropped, 1);
    assert!(store.stats().bytes_on_disk < before.bytes_on_disk);
    assert_eq!(shown(&store.reader(), &[], span(0, 1_199_999)), Model::new());
}

#[test]
fn ended_series_leave_memory_and_are_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_ended_series: 10, ..small() };
    let (store, _) = Store::open(folder.path(), options).unwrap();
    let mut model = Model::new();
    let mut first = None;
    for step in 0..100_i64 {
        let x = format!("{step:03}");
        let named = labels(&[("x", &x)]);
        first.get_or_insert_with(|| store.series(&named));
        commit(&store, &mut model, &[(named.clone(), Timestamp(step * 100), 1.0)]);
        commit(&store, &mut model, &[(named, Timestamp(step * 100 + 50), STALE)]);
        store.maintain(Timestamp(step * 100)).checked().unwrap();
        assert!(store.stats().series <= 12);
    }
    assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
    let stale = store.commit_refs(&[(first.unwrap(), Timestamp(10_000), 1.0)]).unwrap();
    assert_eq!(stale.rejected, [(0, Rejection::StaleSeries)]);
    let again = store.series(&labels(&[("x", "000")]));
    assert_eq!(store.commit_refs(&[(again, Timestamp(10_000), 1.0)]).unwrap().appended, 1);
}

#[test]
fn series_end_when_the_clock_says_so_and_no_sample_does() {
    let store = Store::in_memory(Options { max_ended_series: 10, ..small() });
    let mut model = Model::new();
    let batch = |at: i64| -> Vec<_> {
        (0..20).map(|x| (labels(&[("x", &x.to_string())]), Timestamp(at), 1.0)).collect()
    };
    store.maintain(Timestamp(1_000_000));
    commit(&store, &mut model, &batch(1_000_000));
    for at in (1_000_000..=1_060_000).step_by(1000) {
        assert_eq!(store.maintain(Timestamp(at)).series_dropped, 0);
    }
    assert_eq!(store.maintain(Timestamp(1_061_000)).series_dropped, 20);
    assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
    // What lags behind the clock has not ended while it comes.
    store.maintain(Timestamp(2_000_000));
    for step in 0..20 {
        commit(&store, &mut model, &batch(1_000_001 + step));
        assert_eq!(store.maintain(Timestamp(2_000_000 + step * 1000)).series_dropped, 0);
    }
    assert_eq!(store.stats().series, 20);
}

/// Series that come and go leave memory as it was: slots and texts are used again, and nothing keeps room.
#[test]
fn churn_takes_a_bounded_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { max_ended_series: 300, ..small() };
    let (store, _) = Store::open(folder.path(), options).unwrap();
    let batch = |round: i64, at: i64, value: f64| -> Vec<_> {
        let series = |x: i64| labels(&[("job", "a"), ("x", &format!("{round}-{x}"))]);
        (0..100).map(|x| (series(x), Timestamp(at), value)).collect()
    };
    let room = |store: &Store| {
        let (intake, state) = (store.intake(), store.read());
        let tails =
            state.head.series().map(|(_, series)| series.in_order.tail.times.capacity()).sum::<usize>();
        (intake.room(), state.head.room(), tails)
    };
    let mut rooms = Vec::new();
    for round in 0..100 {
        for step in 0..4 {
            let at = round * 4000 + step * 1000;
            store.commit(&batch(round, at, if step == 3 { STALE } else { 1.0 })).unwrap();
            store.maintain(Timestamp(at)).checked().unwrap();
        }
        let stats = store.stats();
        assert!(stats.series <= 400 && stats.label_pairs <= 401, "{stats:?}");
        rooms.push(room(&store));
    }
    assert_eq!(rooms[10..50].iter().max(), rooms[50..].iter().max());
}

#[test]
fn a_clock_that_jumps_locks_nothing() {
    const HOUR: i64 = 3_600_000;
    for jump in [HOUR, 24 * 365 * HOUR] {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path(), small()).unwrap();
        let mut model = Model::new();
        run(&store, &mut model, &["a", "b"], 0, 500_000);
        run(&store, &mut model, &["a", "b"], jump, jump + 100_000);
        // Back again: the next call of `maintain` tells the store, and all goes on.
        store.maintain(Timestamp(500_000)).checked().unwrap();
        let before = store.stats().samples_rejected;
        run(&store, &mut model, &["a", "b", "c"], 500_000, 900_000);
        assert_eq!(store.stats().samples_rejected, before);
        drop(store);
        let (store, _) = Store::open(folder.path(), small()).unwrap();
        assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
        run(&store, &mut model, &["a", "b"], jump + 100_000, jump + 200_000);
        assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
    }
}

#[test]
fn times_at_the_ends_of_all_time_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { out_of_order_window_millis: i64::MAX, ..small() };
    let (store, _) = Store::open(folder.path(), options.clone()).unwrap();
    let mut model = Model::new();
    for at in [0, i64::MAX, i64::MIN, i64::MIN + 1, i64::MAX - 1, -1] {
        commit(&store, &mut model, &[(labels(&[("x", "a")]), Timestamp(at), 1.0)]);
        store.maintain(Timestamp(at)).checked().unwrap();
        assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
    }
    store.clone().close().unwrap();
    drop(store);
    let (store, _) = Store::open(folder.path(), options).unwrap();
    assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
}

#[test]
fn deleted_samples_stay_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    let mut model = Model::new();
    run(&store, &mut model, &["a", "b"], 0, 400_000);
    let matcher = [Matcher::equal("x", "a")];
    assert_eq!(store.delete(&matcher, span(50_000, 390_000)).unwrap(), 1);
    assert_eq!(store.delete(&[Matcher::equal("x", "z")], all()).unwrap(), 0);
    model.get_mut(&labels(&[("x", "a")])).unwrap().retain(|at, _| *at < 50_000 || *at > 390_000);
    let check = |store: &Store| assert_eq!(shown(&store.reader(), &[], all()), expected(&model, &[], all()));
    check(&store);
    drop(store);
    let (store, _) = Store::open(folder.path(), small()).unwrap();
    check(&store);
    let before = store.stats().block_samples;
    store.clean_tombstones().unwrap();
    check(&store);
    assert!(store.stats().block_samples < before);
    store.delete(&[], all()).unwrap();
    store.clean_tombstones().unwrap();
    assert_eq!((shown(&store.reader(), &[], all()), store.stats().blocks), (Model::new(), 0));
}

#[test]
fn names_and_values_are_listed() {
    let store = Store::in_memory(small());
    let mut model = Model::new();
    run(&store, &mut model, &["a", "b"], 0, 400_000);
    commit(&store, &mut model, &[(labels(&[("x", "c"), ("y", "1")]), Timestamp(400_000), 1.0)]);
    let reader = store.reader();
    let b = [Matcher::equal("x", "b")];
    let c = [Matcher::equal("x", "c")];
    assert_eq!(reader.label_names(&[], all()).unwrap(), ["x", "y"]);
    assert_eq!(reader.label_names(&[], span(0, 399_999)).unwrap(), ["x"]);
    assert_eq!(reader.label_names(&[&b], all()).unwrap(), ["x"]);
    assert_eq!(reader.label_names(&[&b, &c], all()).unwrap(), ["x", "y"]);
    assert_eq!(reader.label_values("x", &[], all()).unwrap(), ["a", "b", "c"]);
    assert_eq!(reader.label_values("x", &[&b, &c], all()).unwrap(), ["b", "c"]);
    assert_eq!(reader.label_values("y", &[&b], all()).unwrap(), Vec::<String>::new());
    assert_eq!(
        reader.series(&[&b, &c, &b], all()).unwrap(),
        [labels(&[("x", "b")]), labels(&[("x", "c"), ("y", "1")])]
    );
    assert_eq!(reader.series(&[&c], span(0, 300_000)).unwrap(), []);
    assert_eq!(reader.select(&b, span(1, 2)).unwrap().count(), 0);
    let cardinality = store.cardinality(1);
    assert_eq!(cardinality.values_by_label[0].name, "x");
    assert_eq!((cardinality.series_by_pair.len(), cardinality.series_by_metric.len()), (1, 0));
}
