//! What befalls a service over time.

use crate::random::Random;

/// Milliseconds that most acts take, before a share of a second is added so that they meet every phase of a scrape.
const ACT: i64 = 5_000;
/// Until the first trouble.
const FIRST: i64 = 3_000;
/// Nobody looks before the begin, but counters have been counting for an hour.
const PAST: i64 = 3_600_000;

/// What a service does for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    Well,
    /// Its page is an error of the server (500).
    Broken,
    /// Its page comes long after any timeout.
    Slow,
    /// Its port refuses connections, and those that were open are cut.
    Gone,
    /// It has just begun anew: all counters start at zero.
    Restarted,
    /// A model is missing from its page.
    Fewer,
    /// Its page breaks off within a line.
    Garbled,
    /// What it stamps itself carries a time that stands still, or one of two hours ago.
    Backdated,
    /// A third of its requests fail.
    Failing,
    /// Its answers take long.
    Lagging,
    /// It has more requests in progress than it should.
    Crowded,
    /// It has four times as many requests.
    Busy,
}

impl Mood {
    /// What each is called on a page of evidence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Broken => "answers 500",
            Self::Slow => "slower than the timeout",
            Self::Gone => "refuses connections",
            Self::Restarted => "restarts, counters at zero",
            Self::Fewer => "loses the series of a model",
            Self::Garbled => "page breaks off",
            Self::Backdated => "stale timestamps",
            Self::Failing => "a third of the requests fail",
            Self::Lagging => "slow answers",
            Self::Crowded => "many requests in progress",
            Self::Busy => "four times the traffic",
        }
    }
}

/// Moods that differ from [`Mood::Well`], in an order in which the most telling come first.
pub(crate) const TROUBLES: [Mood; 11] = [
    Mood::Gone,
    Mood::Broken,
    Mood::Crowded,
    Mood::Restarted,
    Mood::Fewer,
    Mood::Slow,
    Mood::Failing,
    Mood::Lagging,
    Mood::Busy,
    Mood::Backdated,
    Mood::Garbled,
];

/// From when on a mood lasts; milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) from: i64,
    pub(crate) mood: Mood,
}

/// The acts of one service, in their order; the first one is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script(Vec<Act>);

impl Script {
    /// Well for ever, from some time on.
    pub(crate) fn well(from: i64) -> Self {
        Self(vec![Act { from, mood: Mood::Well }])
    }

    /// The scripts of some services from a begin until an end: one trouble after the other, each of another service,
    /// with good times between them.
    pub(crate) fn troubled(services: usize, from: i64, until: i64) -> Vec<Self> {
        let mut random = Random::new(1);
        let mut scripts = vec![Self::well(from - PAST); services];
        let mut at = from + FIRST;
        let mut next = 0;
        // The last trouble is over, and was noticed to be, before the end.
        while at + 2 * ACT + 2_000 <= until {
            let acts = &mut scripts[next % services].0;
            acts.push(Act { from: at, mood: TROUBLES[next % TROUBLES.len()] });
            at += ACT + random.between(0, 999);
            acts.push(Act { from: at, mood: Mood::Well });
            at += ACT + random.between(0, 999);
            next += 1;
        }
        scripts
    }

    pub(crate) fn acts(&self) -> &[Act] {
        &self.0
    }

    /// The mood at a time, and when it ends if it does.
    pub(crate) fn at(&self, now: i64) -> (Act, Option<i64>) {
        let next = self.0.partition_point(|act| act.from <= now);
        (self.0[next.saturating_sub(1)], self.0.get(next).map(|act| act.from))
    }

    /// When the counters began that are seen at a time.
    pub(crate) fn born(&self, now: i64) -> i64 {
        let restarts = self.0.iter().rev().find(|act| act.from <= now && act.mood == Mood::Restarted);
        restarts.unwrap_or(&self.0[0]).from
    }

    /// Milliseconds that a mood lasted between two times.
    pub(crate) fn spent(&self, mood: Mood, from: i64, to: i64) -> i64 {
        let ends = self.0.iter().skip(1).map(|act| act.from).chain([i64::MAX]);
        let of = self.0.iter().zip(ends).filter(|(act, _)| act.mood == mood);
        of.map(|(act, end)| (end.min(to) - act.from.max(from)).max(0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trouble_follows_the_other() {
        let scripts = Script::troubled(3, 0, 600_000);
        let acts = || scripts.iter().flat_map(Script::acts);
        assert!(scripts.iter().all(|script| script.acts().is_sorted_by_key(|act| act.from)));
        assert!(TROUBLES.iter().all(|mood| acts().filter(|act| act.mood == *mood).count() > 3));
        let mut starts: Vec<i64> = acts().map(|act| act.from).filter(|from| *from >= 0).collect();
        starts.sort_unstable();
        assert!(starts.windows(2).all(|pair| (ACT..ACT + 1_000).contains(&(pair[1] - pair[0]))));
        let (second, end) = scripts[0].at(FIRST);
        assert_eq!(second, Act { from: FIRST, mood: TROUBLES[0] });
        assert!(end.is_some_and(|end| (8_000..9_000).contains(&end)));
        assert_eq!(scripts[0].at(i64::MAX).0.mood, Mood::Well);
    }

    #[test]
    fn times_add_up() {
        let script = Script(vec![
            Act { from: 10, mood: Mood::Well },
            Act { from: 20, mood: Mood::Failing },
            Act { from: 25, mood: Mood::Restarted },
            Act { from: 30, mood: Mood::Well },
        ]);
        assert_eq!(script.spent(Mood::Failing, 0, 100), 5);
        assert_eq!(script.spent(Mood::Failing, 22, 24), 2);
        assert_eq!(script.spent(Mood::Well, 0, 35), 15);
        assert_eq!((script.born(24), script.born(25), script.born(99)), (10, 25, 25));
    }
}
