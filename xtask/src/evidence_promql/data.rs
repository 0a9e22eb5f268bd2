//! Seeded series with everything that an evaluation can stumble over.

use std::f64::consts::PI;

use llmobs::series::{Labels, METRIC_NAME, STALE};

use super::families::{MODEL_LABEL, MODELS, TEMPERATURE};
use crate::{judge::Recorded, random::Random};

/// When the samples begin, in milliseconds: a whole hour of some day in 2025.
pub(crate) const START: i64 = 1_750_003_200_000;
pub(crate) const SECOND: i64 = 1000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// When the last ones end.
pub(crate) const END: i64 = START + 120 * MINUTE;

/// When a series is sampled.
#[derive(Debug, Clone)]
struct Pace {
    interval: i64,
    /// How far before or after its instant a sample may come.
    jitter: i64,
    /// From and to, in milliseconds after [`START`]; the end is not included.
    life: (i64, i64),
    /// Spans without samples.
    gaps: Vec<(i64, i64)>,
    /// Whether a staleness marker follows at the end of its life and at the begin of each gap.
    marked: bool,
}

const WHOLE: (i64, i64) = (0, END - START);

fn every(seconds: i64) -> Pace {
    Pace { interval: seconds * SECOND, jitter: 0, life: WHOLE, gaps: Vec::new(), marked: false }
}

impl Pace {
    fn jitter(mut self, millis: i64) -> Self {
        self.jitter = millis;
        self
    }

    fn life(mut self, from: i64, to: i64) -> Self {
        self.life = (from, to.min(WHOLE.1));
        self
    }

    fn gap(mut self, from_minute: i64, minutes: i64) -> Self {
        self.gaps.push((from_minute * MINUTE, (from_minute + minutes) * MINUTE));
        self
    }

    fn marked(mut self) -> Self {
        self.marked = true;
        self
    }
}

/// The count of a bucket, by its place and the step.
type Shape<'a> = &'a dyn Fn(usize, i64) -> f64;

struct Maker {
    random: Random,
    series: Vec<Recorded>,
}

/// All series, in the order in which the families of [`super::families`] are listed.
pub(crate) fn series(seed: u64) -> Vec<Recorded> {
    let mut maker = Maker { random: Random::new(seed ^ 0xda7a), series: Vec::new() };
    maker.service();
    maker.histograms();
    maker.edges();
    maker.lives();
    maker.sides();
    maker.names();
    maker.series
}

/// A counter: its next value, and a reset in this share of the steps.
struct Counter {
    value: f64,
    resets: f64,
}

impl Counter {
    fn new(resets: f64) -> Self {
        Self { value: 0.0, resets }
    }

    fn next(&mut self, random: &mut Random, increment: f64) -> f64 {
        if random.chance(self.resets) {
            self.value = 0.0;
        }
        self.value += increment;
        self.value
    }
}

/// An exponential variate of this mean.
fn exponential(random: &mut Random, mean: f64) -> f64 {
    -mean * (1.0 - random.share()).ln()
}

impl Maker {
    fn add(&mut self, pairs: &[(&str, &str)], pace: &Pace, mut value: impl FnMut(&mut Random, i64) -> f64) {
        let labels: Labels = pairs.iter().copied().collect();
        let mut samples = Vec::new();
        let (from, to) = pace.life;
        let mut alive = false;
        let mut offset = from;
        while offset < to {
            let lost = pace.gaps.iter().any(|(from, to)| (*from..*to).contains(&offset));
            let jitter = if pace.jitter > 0 { self.random.between(-pace.jitter, pace.jitter) } else { 0 };
            if !lost {
                samples.push((START + offset + jitter, value(&mut self.random, offset / pace.interval)));
            } else if alive && pace.marked {
                samples.push((START + offset + jitter, STALE));
            }
            alive = !lost;
            offset += pace.interval;
        }
        if alive && pace.marked && to < WHOLE.1 {
            samples.push((START + offset, STALE));
        }
        self.series.push(Recorded { labels, samples });
    }

    /// Counters and gauges of a service.
    fn service(&mut self) {
        for model in MODELS {
            for tenant in ["acme", "globex"] {
                for instance in ["a:8000", "b:8000"] {
                    let pace = if instance == "a:8000" { every(15) } else { every(15).jitter(400) };
                    for (status, mean) in [("success", 12.0), ("error", 0.6)] {
                        let mut counter = Counter::new(if tenant == "acme" { 0.004 } else { 0.0 });
                        self.add(
                            &[
                                (METRIC_NAME, "llm_requests_total"),
                                ("job", "gateway"),
                                ("instance", instance),
                                (MODEL_LABEL, model),
                                ("tenant", tenant),
                                ("status", status),
                            ],
                            &pace,
                            |random, _| {
                                let increment = exponential(random, mean).floor();
                                counter.next(random, increment)
                            },
                        );
                    }
                }
                let mut cost = Counter::new(0.002);
                self.add(
                    &[
                        (METRIC_NAME, "llm_cost_usd_total"),
                        ("job", "gateway"),
                        (MODEL_LABEL, model),
                        ("tenant", tenant),
                    ],
                    &every(30),
                    |random, _| {
                        let increment = exponential(random, 0.0371);
                        cost.next(random, increment)
                    },
                );
            }
            for kind in ["input", "output", "cached"] {
                let mut tokens = Counter::new(0.003);
                self.add(
                    &[
                        (METRIC_NAME, "llm_tokens_total"),
                        ("job", "gateway"),
                        (MODEL_LABEL, model),
                        ("type", kind),
                    ],
                    &every(15),
                    |random, _| {
                        let increment = exponential(random, 90_000.0).floor();
                        tokens.next(random, increment)
                    },
                );
            }
            for instance in ["a:8000", "b:8000"] {
                self.add(
                    &[
                        (METRIC_NAME, "llm_active_requests"),
                        ("job", "gateway"),
                        ("instance", instance),
                        (MODEL_LABEL, model),
                    ],
                    &every(10).gap(35, 2).gap(71, 8).marked(),
                    |random, index| {
                        (20.0 + 15.0 * (index as f64 * PI / 180.0).sin() + 4.0 * random.share()).floor()
                    },
                );
            }
        }
        // The same labels under another name: they collide as soon as the names go.
        for model in MODELS {
            let mut counter = Counter::new(0.0);
            self.add(
                &[
                    (METRIC_NAME, "llm_retries_total"),
                    ("job", "gateway"),
                    (MODEL_LABEL, model),
                    ("type", "input"),
                ],
                &every(15),
                |random, _| {
                    let increment = exponential(random, 0.4).floor();
                    counter.next(random, increment)
                },
            );
        }
    }

    fn histograms(&mut self) {
        let bounds = ["0.1", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"];
        for model in &MODELS[..3] {
            for instance in ["a:8000", "b:8000"] {
                let mean = 0.4 + 2.0 * self.random.share();
                self.histogram(
                    "llm_request_duration_seconds",
                    &[("job", "gateway"), ("instance", instance), (MODEL_LABEL, model)],
                    &bounds,
                    mean,
                );
            }
        }
        let falls = |index: usize, _: i64| [10.0, 8.0, 30.0, 29.0, 40.0][index];
        let tiny = |index: usize, _: i64| [10.0, 10.0 - 1e-13, 30.0, 30.0 * (1.0 + 1e-14), 40.0][index];
        let grows = |index: usize, step: i64| (index as f64 + 1.0) * step as f64;
        let shapes: [(&str, &[&str], Shape<'_>); 14] = [
            ("no_inf", &["0.1", "1", "10"], &grows),
            ("equal", &["1", "1.0", "2", "1e0", "+Inf"], &grows),
            ("two_inf", &["1", "Inf", "+Inf"], &grows),
            ("only_inf", &["+Inf"], &grows),
            ("unsorted", &["10", "+Inf", "0.5", "2"], &|index, _| [30.0, 40.0, 5.0, 20.0][index]),
            ("falls", &["0.5", "1", "2", "4", "+Inf"], &falls),
            ("tiny", &["0.5", "1", "2", "4", "+Inf"], &tiny),
            ("negative", &["-5", "-1", "0", "1", "+Inf"], &grows),
            ("below_zero", &["-5", "-1", "+Inf"], &grows),
            ("garbled", &["abc", "1", "0x2", "+Inf"], &grows),
            ("bare", &["", "1", "+Inf"], &grows),
            ("nan_bound", &["NaN", "1", "+Inf"], &grows),
            ("nan_count", &["1", "2", "+Inf"], &|index, _| [1.0, f64::NAN, 3.0][index]),
            ("empty", &["1", "2", "+Inf"], &|_, _| 0.0),
        ];
        for (shape, bounds, value) in shapes {
            for (index, bound) in bounds.iter().enumerate() {
                self.add(
                    &[(METRIC_NAME, "odd_bucket"), ("shape", shape), ("le", bound)],
                    &every(30),
                    |_, step| value(index, step),
                );
            }
        }
    }

    fn histogram(&mut self, name: &str, pairs: &[(&str, &str)], bounds: &[&str], mean: f64) {
        let pace = every(15);
        let steps = usize::try_from((WHOLE.1 - WHOLE.0) / pace.interval).unwrap_or(0);
        let mut counts = vec![vec![0.0; steps]; bounds.len()];
        let mut sums = vec![0.0; steps];
        let (mut totals, mut sum) = (vec![0.0; bounds.len()], 0.0);
        for step in 0..steps {
            if self.random.chance(0.003) {
                totals.fill(0.0);
                sum = 0.0;
            }
            for _ in 0..self.random.below(7) {
                let took = exponential(&mut self.random, mean);
                sum += took;
                for (total, bound) in totals.iter_mut().zip(bounds) {
                    if took <= bound.parse().unwrap_or(f64::INFINITY) {
                        *total += 1.0;
                    }
                }
            }
            sums[step] = sum;
            for (counts, total) in counts.iter_mut().zip(&totals) {
                counts[step] = *total;
            }
        }
        let at = |values: &[f64], step: i64| {
            usize::try_from(step).ok().and_then(|step| values.get(step)).copied().unwrap_or(0.0)
        };
        for (bound, counts) in bounds.iter().zip(&counts) {
            let name = format!("{name}_bucket");
            let labels = [pairs, &[(METRIC_NAME, name.as_str()), ("le", bound)]].concat();
            self.add(&labels, &pace, |_, step| at(counts, step));
        }
        let last = counts.last().cloned().unwrap_or_default();
        for (suffix, values) in [("_count", &last), ("_sum", &sums)] {
            let name = format!("{name}{suffix}");
            let labels = [pairs, &[(METRIC_NAME, name.as_str())]].concat();
            self.add(&labels, &pace, |_, step| at(values, step));
        }
    }

    /// Values at the borders of what a number can be.
    fn edges(&mut self) {
        let cycle = |values: &'static [f64]| {
            move |_: &mut Random, step: i64| values[usize::try_from(step).unwrap_or(0) % values.len()]
        };
        let cases: [(&str, &'static [f64]); 15] = [
            ("nan", &[f64::NAN]),
            ("inf", &[f64::INFINITY]),
            ("minus_inf", &[f64::NEG_INFINITY]),
            ("minus_zero", &[-0.0]),
            ("zeros", &[0.0, -0.0, -0.0, 0.0]),
            ("huge", &[1.7e308, 1.6e308, 1.75e308]),
            ("minus_huge", &[-1.7e308, -1.2e308]),
            ("tiny", &[2.3e-300, 1e-299, 2.226e-305]),
            ("infs", &[f64::INFINITY, f64::NEG_INFINITY, 1.0]),
            ("holes", &[1.0, f64::NAN, 3.0, f64::NAN, f64::NAN, 2.0]),
            ("cancel", &[1e100, 1.0, -1e100, 1.0]),
            ("large", &[9_007_199_254_740_993.0, 9_007_199_254_740_991.0, 4_503_599_627_370_497.5]),
            ("thirds", &[1.0 / 3.0, 0.1, 0.7, 1e-7, 123_456.789]),
            ("nan_first", &[f64::NAN, 5.0, 4.0]),
            ("flat", &[42.0]),
        ];
        for (case, values) in cases {
            for n in ["1", "2"] {
                let pace = if n == "1" { every(15) } else { every(60) };
                self.add(&[(METRIC_NAME, "edge"), ("case", case), ("n", n)], &pace, cycle(values));
            }
        }
        self.add(&[(METRIC_NAME, "subnormal")], &every(15), cycle(&[5e-324, -1e-310, 2e-308, 1.0]));
        for g in ["a", "b", "c"] {
            for n in ["1", "2", "3", "4", "5"] {
                self.add(&[(METRIC_NAME, "tie"), ("g", g), ("n", n)], &every(30), |random, _| {
                    *random.pick(&[1.0, 1.0, 2.0, 2.0, 0.5])
                });
            }
        }
        let days: [(&str, &'static [f64]); 9] = [
            ("now", &[1_750_003_200.5]),
            ("leap", &[1_709_164_799.0, 1_709_164_800.0, 951_782_400.0]),
            ("no_leap", &[4_107_456_000.0, -2_203_977_600.0]),
            ("year_end", &[1_735_689_599.0, 1_735_689_599.999, 1_735_689_600.0]),
            ("negative", &[-1.0, -86_401.0, -0.5]),
            ("zero", &[0.0]),
            ("far", &[253_402_300_800.0, -62_135_596_801.0, 32_503_680_000.0]),
            ("nan", &[f64::NAN]),
            ("inf", &[f64::INFINITY, f64::NEG_INFINITY]),
        ];
        for (case, values) in days {
            self.add(&[(METRIC_NAME, "day_seconds"), ("case", case)], &every(60), cycle(values));
        }
        let numbers: [(&str, &'static [f64]); 8] = [
            ("q", &[0.5, 0.9, 0.0, 1.0]),
            ("k", &[2.0, 1.0, 3.0]),
            ("over", &[1.5]),
            ("under", &[-0.5]),
            ("nan", &[f64::NAN]),
            ("inf", &[f64::INFINITY]),
            ("minus_inf", &[f64::NEG_INFINITY]),
            ("minus_zero", &[-0.0]),
        ];
        for (name, values) in numbers {
            self.add(&[(METRIC_NAME, "param"), ("name", name)], &every(30), cycle(values));
        }
    }

    /// Series that come and go, pause, or are sampled seldom.
    fn lives(&mut self) {
        for pod in 0..14_i64 {
            let (from, to) = (pod * 8 * MINUTE, (pod * 8 + 15) * MINUTE);
            let app = if pod % 2 == 0 { "x" } else { "y" };
            let name = format!("p{pod}");
            let mut counter = Counter::new(0.01);
            let pace = every(15).life(from, to);
            let pace = if pod % 5 == 4 { pace } else { pace.marked() };
            let labels = [(METRIC_NAME, "churn_total"), ("pod", name.as_str()), ("app", app)];
            self.add(&labels, &pace, |random, _| {
                let increment = exponential(random, 3.0);
                counter.next(random, increment)
            });
        }
        let gaps = [
            ("short", every(15).gap(20, 2).gap(60, 4)),
            ("five", every(15).gap(20, 5).gap(60, 5)),
            ("long", every(30).gap(20, 11).gap(60, 30)),
            ("marked", every(15).gap(20, 2).gap(60, 11).gap(100, 1).marked()),
        ];
        for (gap, pace) in gaps {
            let mut counter = Counter::new(0.02);
            self.add(&[(METRIC_NAME, "gappy_total"), ("gap", gap)], &pace, |random, _| {
                let increment = exponential(random, 5.0).floor();
                counter.next(random, increment)
            });
        }
        for seconds in [1, 7, 60, 120, 299, 300, 420] {
            let mut counter = Counter::new(0.05);
            let label = seconds.to_string();
            let labels = [(METRIC_NAME, "paced_total"), ("every", label.as_str())];
            // Once a second is much for two hours.
            let pace = if seconds == 1 { every(1).life(0, 30 * MINUTE) } else { every(seconds) };
            self.add(&labels, &pace, |random, _| {
                let increment = exponential(random, 2.0).floor();
                counter.next(random, increment)
            });
        }
        for n in ["1", "2", "3"] {
            let mut level = 100.0;
            self.add(&[(METRIC_NAME, "jitter_level"), ("n", n)], &every(15).jitter(3000), |random, _| {
                level += random.share() - 0.5;
                if random.chance(0.3) { level.floor() } else { level }
            });
        }
        let minute = |from: i64, to: i64| every(60).life(from * MINUTE, to * MINUTE);
        self.add(&[(METRIC_NAME, "lonely"), ("samples", "1")], &minute(30, 31), |_, _| 7.0);
        self.add(&[(METRIC_NAME, "lonely"), ("samples", "2")], &minute(30, 32), |_, step| step as f64);
        self.add(&[(METRIC_NAME, "lonely"), ("samples", "3")], &minute(30, 33), |_, _| 0.0);
        self.add(&[(METRIC_NAME, "lonely"), ("samples", "nan")], &minute(30, 33), |_, _| f64::NAN);
    }

    /// Two sides to be matched.
    fn sides(&mut self) {
        let level = |random: &mut Random, _: i64| (random.share() * 8.0).floor() - 2.0;
        for g in ["a", "b", "c", "d"] {
            for n in ["1", "2", "3"] {
                let labels = [(METRIC_NAME, "many"), ("g", g), ("n", n), ("only", "left")];
                self.add(&labels, &every(60), level);
            }
        }
        for (g, team) in [("a", "red"), ("b", "green"), ("c", ""), ("e", "blue")] {
            let labels = [(METRIC_NAME, "one"), ("g", g), ("team", team), ("n", "1")];
            self.add(&labels, &every(60).gap(50, 9), level);
        }
        for g in ["a", "b"] {
            for k in ["x", "y"] {
                self.add(&[(METRIC_NAME, "twice"), ("g", g), ("k", k)], &every(60), level);
            }
        }
        for instance in ["a:8000", "b:8000"] {
            for (version, from, to) in [("1.0", 0, 50), ("1.1", 50, 120)] {
                let pace = every(30).life(from * MINUTE, to * MINUTE).marked();
                let labels = [
                    (METRIC_NAME, "target_info"),
                    ("job", "gateway"),
                    ("instance", instance),
                    ("version", version),
                    ("k8s.cluster", "west"),
                ];
                self.add(&labels, &pace, |_, _| 1.0);
            }
            let labels = [
                (METRIC_NAME, "build_info"),
                ("job", "gateway"),
                ("instance", instance),
                ("revision", "abc"),
                ("tenant", "other"),
            ];
            self.add(&labels, &every(60), |_, _| 1.0);
        }
    }

    /// Labels that are hard to write or to take apart.
    fn names(&mut self) {
        for (warmth, zone) in [("heiß", "süd"), ("kalt", "süd"), ("kalt", "nord")] {
            let labels = [(METRIC_NAME, "modèle.débit"), (TEMPERATURE, warmth), ("zone.name", zone)];
            self.add(&labels, &every(30), |random, _| random.share() * 10.0);
        }
        for (by, on, offset) in [("x", "1", "5m"), ("y", "2", "10m"), ("x", "3", "")] {
            let labels =
                [(METRIC_NAME, "keywords"), ("by", by), ("on", on), ("offset", offset), ("bool", "true")];
            self.add(&labels, &every(60), |random, _| random.share() * 10.0);
        }
        let targets = [
            ("10.0.0.1:8080", "/v1/chat/completions", "gpt-4o-mini"),
            ("10.0.0.1:9090", "/v1/embeddings", "text-embedding-3"),
            ("[::1]:443", "/", "a\nb"),
            ("localhost", "/v1/\"quoted\"\\path", "Ünïcode-日本"),
            ("{v6}", "a{2}b", "v\u{663}_\u{212a}elvin"),
            ("a&b--c~~d", "x y\tz\u{a0}", "[stra\u{df}e] \u{17f}"),
        ];
        for (address, path, deployment) in targets {
            let labels = [
                (METRIC_NAME, "probe_success"),
                ("address", address),
                ("path", path),
                ("deployment", deployment),
            ];
            self.add(&labels, &every(30), |random, _| f64::from(u8::from(random.chance(0.8))));
        }
    }
}
