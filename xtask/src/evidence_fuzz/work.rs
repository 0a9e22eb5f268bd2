//! The workers: each input by itself, whatever becomes of it.

use std::{
    any::Any,
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    os::unix::fs::FileExt as _,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::random::Random;

use super::{
    answer::Asker,
    check::{Fault, Outcome, examine},
    mutate::Mutator,
    shrink::shrunk,
};

/// Inputs that a worker takes at a time.
const BATCH: u64 = 256;

/// An input that takes longer does not end, as far as anybody would wait.
const HUNG: Duration = Duration::from_secs(20);

/// How many of the slowest inputs are told.
const SLOWEST: usize = 10;

/// How many inputs of one fault are told.
const EXAMPLES: usize = 3;

/// What is to be run.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) count: u64,
    pub(super) workers: usize,
    /// What an input may take of a processor's time, for all that is done with it.
    pub(super) limit: Duration,
    pub(super) corpus: Arc<Vec<String>>,
    /// Where each worker notes the input that it is at, for the case that the process dies of it.
    pub(super) notes: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    /// By rule, and where the fault was.
    pub(super) faults: BTreeMap<String, Found>,
    pub(super) slowest: Vec<(Duration, u64, String)>,
    pub(super) bytes: u64,
}

/// A fault, however often.
#[derive(Debug, Default, Clone)]
pub(super) struct Found {
    pub(super) times: u64,
    /// Number of the input, its text, made as short as possible, and what is wrong.
    pub(super) examples: Vec<(u64, String, String)>,
}

impl Tally {
    pub(super) fn total(&self) -> u64 {
        self.outcomes.values().sum::<u64>() + self.faults.values().map(|found| found.times).sum::<u64>()
    }

    fn add(&mut self, other: Self) {
        for (outcome, times) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += times;
        }
        for (key, found) in other.faults {
            let own = self.faults.entry(key).or_default();
            own.times += found.times;
            own.examples.extend(found.examples);
            own.examples.sort();
            own.examples.truncate(EXAMPLES);
        }
        self.slowest.extend(other.slowest);
        self.slowest.sort_by_key(|slow| std::cmp::Reverse(slow.0));
        self.slowest.truncate(SLOWEST);
        self.bytes += other.bytes;
    }
}

/// Where a worker is.
#[derive(Debug, Default)]
struct Place {
    index: AtomicU64,
    /// Milliseconds since the run began; 0 between inputs.
    since: AtomicU64,
}

/// The random numbers of an input: those that make it, then those that choose the instants.
pub(super) fn random_of(seed: u64, index: u64) -> Random {
    let mut mixed = Random::new(seed ^ index.wrapping_mul(0xd134_2543_de82_ef95));
    Random::new(mixed.bits())
}

/// One input, examined.
pub(super) fn one(input: &str, asker: &Asker, random: &Random) -> Result<Outcome, Fault> {
    let mut random = random.clone();
    catch_unwind(AssertUnwindSafe(|| examine(input, asker, &mut random)))
        .unwrap_or_else(|panic| Err(panicked(&*panic)))
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics are kept for the report instead of printed.
pub(super) fn keep_panics() {
    set_hook(Box::new(|info| LAST_PANIC.with(|last| *last.borrow_mut() = info.to_string())));
}

fn panicked(payload: &(dyn Any + Send)) -> Fault {
    let told = LAST_PANIC.take();
    let text =
        payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    Fault::new("no panic", if told.is_empty() { text.unwrap_or_default().to_owned() } else { told })
}

/// Runs all of it; every second `progress` is told how many inputs there were.
pub(super) fn run(plan: &Plan, progress: &mut dyn FnMut(u64)) -> anyhow::Result<Tally> {
    keep_panics();
    let begun = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let places: Arc<Vec<Place>> = Arc::new((0..plan.workers).map(|_| Place::default()).collect());
    let total = Arc::new(Mutex::new(Tally::default()));
    let (ended, all_ended) = mpsc::channel();
    for worker in 0..plan.workers {
        let (plan, next, places, total, ended) =
            (plan.clone(), next.clone(), places.clone(), total.clone(), ended.clone());
        thread::Builder::new()
            .name(format!("fuzz-{worker}"))
            .spawn(move || {
                let result = work(&plan, &next, &places[worker], worker, begun, &total);
                // Nobody listens after a hung input.
                let _ = ended.send(result);
            })
            .context("cannot start a worker")?;
    }
    drop(ended);
    let mut running = plan.workers;
    while running > 0 {
        match all_ended.recv_timeout(Duration::from_secs(1)) {
            Ok(result) => {
                result?;
                running -= 1;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => progress(next.load(Ordering::Relaxed).min(plan.count)),
            Err(mpsc::RecvTimeoutError::Disconnected) => anyhow::bail!("a worker is gone"),
        }
        if let Some(index) = hung(&places, begun) {
            let mut tally = std::mem::take(&mut *total.lock().unwrap_or_else(PoisonError::into_inner));
            let input = Mutator::new(&plan.corpus).input(&mut random_of(plan.seed, index));
            let fault = Found { times: 1, examples: vec![(index, input, format!("more than {HUNG:?}"))] };
            tally.faults.insert("an input ends".to_owned(), fault);
            return Ok(tally);
        }
    }
    Ok(std::mem::take(&mut *total.lock().unwrap_or_else(PoisonError::into_inner)))
}

fn hung(places: &[Place], begun: Instant) -> Option<u64> {
    let now = millis(begun.elapsed());
    let since = |place: &Place| Some(place.since.load(Ordering::Acquire)).filter(|since| *since > 0);
    places
        .iter()
        .find(|place| since(place).is_some_and(|since| now.saturating_sub(since) > millis(HUNG)))
        .map(|place| place.index.load(Ordering::Relaxed))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Where a worker notes its input.
pub(super) fn note_of(folder: &Path, worker: usize) -> PathBuf {
    folder.join(format!("worker-{worker}"))
}

fn work(
    plan: &Plan,
    next: &AtomicU64,
    place: &Place,
    worker: usize,
    begun: Instant,
    total: &Mutex<Tally>,
) -> anyhow::Result<()> {
    let mutator = Mutator::new(&plan.corpus);
    let (asker, clock) = (Asker::new()?, Clock::of_this_thread()?);
    let note = plan.notes.as_ref().map(|folder| File::create(note_of(folder, worker)));
    let note = note.transpose().context("cannot write the notes of the workers")?;
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= plan.count {
            return Ok(());
        }
        let mut tally = Tally::default();
        for index in first..plan.count.min(first + BATCH) {
            if let Some(note) = &note {
                note.write_all_at(&index.to_le_bytes(), 0).context("cannot note the input")?;
            }
            place.index.store(index, Ordering::Relaxed);
            place.since.store(millis(begun.elapsed()).max(1), Ordering::Release);
            let mut random = random_of(plan.seed, index);
            let input = mutator.input(&mut random);
            let before = clock.used()?;
            let result = one(&input, &asker, &random);
            let took = clock.used()?.saturating_sub(before);
            place.since.store(0, Ordering::Release);
            tally.bytes += input.len() as u64;
            let slow = Fault::new("no input takes long", format!("{took:.1?}"));
            match if took > plan.limit { result.and(Err(slow)) } else { result } {
                Ok(outcome) => *tally.outcomes.entry(outcome).or_default() += 1,
                Err(fault) => keep(&mut tally, total, index, &input, fault, &asker, &random),
            }
            if took > Duration::from_millis(2) {
                tally.slowest.push((took, index, input));
            }
        }
        total.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
    }
}

/// The time for which a thread has had a processor, as Linux counts it: a busy machine makes nothing slow then.
struct Clock(File);

impl Clock {
    /// Of the thread that asks for it.
    fn of_this_thread() -> anyhow::Result<Self> {
        File::open("/proc/thread-self/schedstat").map(Self).context("cannot read the thread's own time")
    }

    fn used(&self) -> anyhow::Result<Duration> {
        let mut counts = [0; 64];
        let len = self.0.read_at(&mut counts, 0).context("cannot read the thread's own time")?;
        let counts = String::from_utf8_lossy(&counts[..len]);
        let nanos = counts.split_ascii_whitespace().next().and_then(|nanos| nanos.parse().ok());
        nanos.map(Duration::from_nanos).context("the thread's own time is not as Linux writes it")
    }
}

fn keep(
    tally: &mut Tally,
    total: &Mutex<Tally>,
    index: u64,
    input: &str,
    fault: Fault,
    asker: &Asker,
    random: &Random,
) {
    let key = key_of(&fault);
    let known = total
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .faults
        .get(&key)
        .map_or(0, |found| found.examples.len());
    let found = tally.faults.entry(key.clone()).or_default();
    found.times += 1;
    if found.examples.len() + known < EXAMPLES {
        let is_same =
            |candidate: &str| one(candidate, asker, random).is_err_and(|fault| key_of(&fault) == key);
        let short =
            if fault.rule == "no input takes long" { input.to_owned() } else { shrunk(input, &is_same) };
        let detail = one(&short, asker, random).err().map_or(fault.detail, |fault| fault.detail);
        found.examples.push((index, short, detail));
    }
}

/// Faults of one rule are one, panics of one place are.
fn key_of(fault: &Fault) -> String {
    let place = fault.detail.lines().next().filter(|_| fault.rule == "no panic").unwrap_or_default();
    format!("{} {place}", fault.rule).trim_end().to_owned()
}
