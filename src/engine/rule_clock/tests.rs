//! Groups on a clock that stands still while nothing waits for it.

use std::sync::atomic::AtomicI64;

use super::*;
use crate::{
    engine::load,
    files,
    series::{Matcher, TimeSpan, is_stale},
    tsdb,
};

/// What was told, in order.
type Told = Arc<Mutex<Vec<String>>>;

/// An engine's surroundings over a store in memory, with what was said and sent.
struct World {
    folder: tempfile::TempDir,
    clock: RuleClock,
    store: Store,
    now: Clock,
    /// Added to the time of day: a clock that is set.
    jump: Arc<AtomicI64>,
    sent: Told,
    said: Told,
}

impl World {
    fn new(restarts: bool, store: Store) -> Self {
        let begun = Instant::now();
        let jump = Arc::new(AtomicI64::new(0));
        let now: Clock = {
            let jump = Arc::clone(&jump);
            Arc::new(move || {
                let passed = i64::try_from(begun.elapsed().as_millis()).unwrap();
                Timestamp(1_700_000_000_000 + passed + jump.load(Ordering::Relaxed))
            })
        };
        let (sent, said): (Told, Told) = Default::default();
        let surroundings = Surroundings {
            store: store.clone(),
            clock: Arc::clone(&now),
            notices: {
                let said = Arc::clone(&said);
                Arc::new(move |notice| lock(&said).push(notice.text))
            },
            send: {
                let sent = Arc::clone(&sent);
                Arc::new(move |expr, due| {
                    let told = due.iter().map(|due| format!("{expr} {}", due.alert.state));
                    lock(&sent).extend(told);
                })
            },
            restarts,
        };
        let folder = tempfile::tempdir().unwrap();
        Self { folder, clock: RuleClock::new(surroundings), store, now, jump, sent, said }
    }

    fn apply(&self, rules: &str) {
        let write = |name: &str, text: &str| {
            files::write_secret(&self.folder.path().join(name), text.as_bytes()).unwrap();
        };
        write("prometheus.yml", "global: {evaluation_interval: 10s}\nrule_files: [r.yml]");
        write("r.yml", &format!("groups: [{{name: g, rules: [{rules}]}}]"));
        let loaded = load(&self.folder.path().join("prometheus.yml"), "http://here", |_| None).unwrap();
        self.clock.apply(&loaded, &Handle::current());
    }

    fn append(&self, name: &str, value: f64) {
        let labels = [("__name__", name)].into_iter().collect();
        let committed = self.store.commit(&[(labels, (self.now)(), value)]).unwrap();
        assert_eq!(committed.rejected, []);
    }

    /// Values of a series, `x` for a staleness marker.
    fn values(&self, name: &str) -> String {
        let span = TimeSpan { from: Timestamp(i64::MIN), to: Timestamp(i64::MAX) };
        let found = self.store.reader();
        let found: Vec<_> = found.select(&[Matcher::equal("__name__", name)], span).unwrap().collect();
        let values = found.iter().flat_map(|series| series.values.iter());
        let shown = values.map(|value| if is_stale(*value) { "x".to_owned() } else { value.to_string() });
        shown.collect::<Vec<_>>().join(" ")
    }

    async fn wait(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

fn memory() -> Store {
    Store::in_memory(tsdb::Options::default())
}

#[tokio::test(start_paused = true)]
async fn rules_are_evaluated_at_their_interval_and_go_on_over_a_reload() {
    let world = World::new(false, memory());
    world.append("a", 1.0);
    world.apply("{record: 'x:a', expr: a}, {record: 'y:a', expr: a + 1}");
    assert_eq!(world.clock.status()[0].rules[0].health, RuleHealth::Unknown);
    world.wait(2).await;
    assert_eq!(world.values("x:a"), "1");
    world.wait(30).await;
    assert_eq!(world.values("x:a"), "1 1 1 1");
    let status = &world.clock.status()[0];
    assert_eq!((status.name.as_str(), status.interval), ("g", Duration::from_secs(10)));
    assert_eq!(status.rules[1].health, RuleHealth::Ok);
    // The first rule stays, the second goes: its series ends.
    world.apply("{record: 'x:a', expr: a * 2}");
    assert_eq!(world.values("y:a"), "2 2 2 2 x");
    world.wait(20).await;
    assert_eq!(world.values("x:a"), "1 1 1 1 2 2");
    assert_eq!(world.clock.counters().evaluations.load(Ordering::Relaxed), 10);
}

#[tokio::test(start_paused = true)]
async fn alerts_are_sent_and_failures_are_said_once() {
    let world = World::new(false, memory());
    world.append("a", 1.0);
    world.append("b", 1.0);
    world.apply("{alert: A, expr: a > 0, for: 15s}, {record: c, expr: 'label_replace({__name__=~\"a|b\"}, \"__name__\", \"c\", \"\", \"\")'}");
    world.wait(60).await;
    assert_eq!(*lock(&world.sent), ["a > 0 firing"]);
    let said = |kind: &str| lock(&world.said).iter().filter(|text| text.starts_with(kind)).count();
    assert_eq!((said("rule `c` of group `g` failed"), said("the alert A fires: {}"), said("")), (1, 1, 2));
    assert_eq!(world.clock.status()[0].rules[1].health, RuleHealth::Err);
    world.append("a", 0.0);
    world.wait(20).await;
    assert_eq!(*lock(&world.sent), ["a > 0 firing", "a > 0 inactive"]);
    assert_eq!((said("the alert A is resolved: {}"), said("")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn alerts_go_on_after_a_restart() {
    let store = memory();
    let rules = "{alert: A, expr: a > 0, for: 60s}";
    let since = |world: &World| world.clock.status()[0].rules[0].alerts[0].active_at;
    let before = World::new(false, store.clone());
    before.append("a", 1.0);
    before.apply(rules);
    before.wait(35).await;
    let active_at = since(&before);
    before.clock.stop();

    let after = World::new(true, store);
    after.jump.store((before.now)().0 - (after.now)().0 + 2_000, Ordering::Relaxed);
    after.append("a", 1.0);
    after.apply(rules);
    after.wait(12).await;
    // The time in which nothing ran does not count.
    let moved = since(&after).0 - active_at.0;
    assert!((0..25_000).contains(&moved), "{moved}");
    // The instants of the group depend on where its file lies.
    after.wait(45).await;
    assert_eq!(after.clock.status()[0].rules[0].alerts[0].state, crate::rules::AlertState::Firing);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_stops_nothing() {
    let world = World::new(false, memory());
    world.append("a", 1.0);
    world.apply("{record: 'x:a', expr: vector(1)}");
    world.wait(15).await;
    let evaluations = || world.clock.counters().evaluations.load(Ordering::Relaxed);
    let before = evaluations();
    world.jump.store(3_600_000, Ordering::Relaxed);
    world.wait(30).await;
    assert!((3..=4).contains(&(evaluations() - before)), "{}", evaluations() - before);
    let missed = world.clock.counters().missed.load(Ordering::Relaxed);
    assert!((355..=361).contains(&missed), "{missed}");
    let before = evaluations();
    world.jump.store(-3_600_000, Ordering::Relaxed);
    world.wait(40).await;
    assert!((2..=4).contains(&(evaluations() - before)), "{}", evaluations() - before);
}
