//! Rules evaluated over a span of time: each at once where that gives what evaluation instant by instant would give.

use crate::{
    promql::eval::Grid,
    series::{Columns, SeriesId},
    time::{PromDuration, Timestamp},
};

use super::{
    depend::{Node, Segment, segments},
    history::History,
    program::Program,
    state::{Collision, Journal, State},
};

/// How many instants are evaluated at once.
const CHUNK: i64 = 4096;

/// When groups are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every group at every step, whatever its interval: as promtool's unit tests do.
    Every(PromDuration),
    /// Every group at its own interval, counted from the start.
    Intervals { default: PromDuration },
}

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    pub start: Timestamp,
    pub end: Timestamp,
    pub pace: Pace,
}

/// Samples of the input in series that rules write, too: they come when it is their time.
struct Feed {
    series: Vec<(SeriesId, Vec<Timestamp>, Vec<f64>)>,
    /// How many of each have been appended.
    done: Vec<usize>,
}

impl Program {
    /// Evaluates all groups at all their instants of a span; at one instant in the order of the groups. What rules
    /// give is appended.
    pub fn evaluate_span(&self, timeline: Timeline, columns: &mut Columns) -> History {
        self.evaluate_in_chunks(timeline, columns, CHUNK)
    }

    /// As [`Program::evaluate_span`], with so many instants at once.
    pub(super) fn evaluate_in_chunks(
        &self,
        timeline: Timeline,
        columns: &mut Columns,
        chunk: i64,
    ) -> History {
        let grids: Vec<Grid> = self.groups.iter().map(|group| timeline.grid(group.interval)).collect();
        let mut state = State::new(self);
        let mut feed = self.take_feed(timeline.start, columns);
        let mut bound = Vec::new();
        if !feed.series.is_empty() {
            bound.push((0, self.rules.len() - 1));
            for (id, times, _) in &feed.series {
                let others = times.iter().map(|time| (*time, None)).collect();
                state.written.others.insert(columns.labels(*id).clone(), others);
            }
        }
        let mut plan = self.plan(&bound);
        let meetings = self.may_meet();
        let step = grids.iter().map(|grid| grid.step).min().unwrap_or(1);
        let mut from = timeline.start.0;
        while from <= timeline.end.0 && !self.rules.is_empty() {
            let to = from.saturating_add(step.saturating_mul(chunk)).saturating_sub(1).min(timeline.end.0);
            let before = meetings.then(|| state.clone());
            let mut journal = Journal::new();
            let part = Chunk { program: self, grids: &grids, from, to };
            match (part.run(&plan, &mut state, columns, &mut journal, &mut feed), before) {
                (Err(collision), Some(before)) => {
                    for (series, at) in journal.into_iter().rev() {
                        columns.split_off(series, at);
                    }
                    state = before;
                    bound.push((collision.rule, collision.other.unwrap_or(collision.rule)));
                    plan = self.plan(&bound);
                    continue;
                }
                (met, _) => met.expect("rules whose series may meet were looked for"),
            }
            if to == i64::MAX {
                break;
            }
            from = to + 1;
        }
        feed.append_until(Timestamp(i64::MAX), columns);
        History { state, grids }
    }

    fn plan(&self, bound: &[(usize, usize)]) -> Vec<Segment> {
        let nodes: Vec<Node<'_>> = self
            .rules
            .iter()
            .map(|rule| Node { reading: &rule.reading, writing: &rule.writing, offset: rule.offset })
            .collect();
        segments(&nodes, bound)
    }

    /// Whether two rules may write the same series.
    fn may_meet(&self) -> bool {
        self.rules.iter().enumerate().any(|(index, rule)| {
            self.rules[..index].iter().any(|other| rule.writing.may_meet(&other.writing))
        })
    }

    /// Takes samples from the start on out of the series whose names rules write.
    fn take_feed(&self, start: Timestamp, columns: &mut Columns) -> Feed {
        let mut ids: Vec<SeriesId> = Vec::new();
        for rule in &self.rules {
            // What is written for the first instant bears an earlier time, by the offset.
            let from = start.0.saturating_sub(rule.offset);
            for name in &rule.writing.names {
                let named = columns.named(name).iter().copied();
                let later =
                    |id: &SeriesId| columns.samples_of(*id).0.last().is_some_and(|last| last.0 >= from);
                ids.extend(named.filter(later));
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let series: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let (times, values) = columns.split_off(id, start);
                (id, times, values)
            })
            .collect();
        let done = vec![0; series.len()];
        Feed { series, done }
    }
}

impl Timeline {
    fn grid(&self, interval: Option<PromDuration>) -> Grid {
        let step = match self.pace {
            Pace::Every(step) => step,
            Pace::Intervals { default } => interval.filter(|given| given.as_millis() > 0).unwrap_or(default),
        };
        Grid::range(self.start, self.end, i64::try_from(step.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Feed {
    /// Appends what has come up to an instant. What a rule has written in its place already stays.
    fn append_until(&mut self, at: Timestamp, columns: &mut Columns) {
        for ((id, times, values), done) in self.series.iter().zip(&mut self.done) {
            while let Some(time) = times.get(*done).filter(|time| **time <= at) {
                // An input that comes too late is refused, as a store does.
                let _refused = columns.append(*id, *time, values[*done]).is_err();
                *done += 1;
            }
        }
    }
}

/// A part of the span, both ends included.
struct Chunk<'a> {
    program: &'a Program,
    grids: &'a [Grid],
    from: i64,
    to: i64,
}

impl Chunk<'_> {
    fn run(
        &self,
        plan: &[Segment],
        state: &mut State,
        columns: &mut Columns,
        journal: &mut Journal,
        feed: &mut Feed,
    ) -> Result<(), Collision> {
        for segment in plan {
            if !segment.stepwise {
                let rule = segment.rules.start;
                let grid = self.part(self.grids[self.program.rules[rule].id.group]);
                if grid.count > 0 {
                    self.program.run(rule, &(rule..rule + 1), grid, state, columns, journal)?;
                }
                continue;
            }
            for at in self.instants(segment) {
                feed.append_until(Timestamp(at), columns);
                for rule in segment.rules.clone() {
                    let grid = self.grids[self.program.rules[rule].id.group];
                    if (at - grid.start) % grid.step == 0 {
                        let grid = Grid::instant(Timestamp(at));
                        self.program.run(rule, &segment.rules, grid, state, columns, journal)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The instants of a grid that lie in this part.
    fn part(&self, grid: Grid) -> Grid {
        let before = self.from.saturating_sub(grid.start);
        let skipped = before / grid.step + i64::from(before % grid.step > 0);
        let start = grid.start.saturating_add(skipped.saturating_mul(grid.step));
        Grid::range(Timestamp(start), Timestamp(self.to), grid.step)
    }

    /// All instants at which a rule of a segment is evaluated, ascending.
    fn instants(&self, segment: &Segment) -> Vec<i64> {
        let groups = segment.rules.clone().map(|rule| self.program.rules[rule].id.group);
        let mut grids: Vec<Grid> = Vec::new();
        for grid in groups.map(|group| self.grids[group]) {
            if !grids.contains(&grid) {
                grids.push(grid);
            }
        }
        let mut instants: Vec<i64> = grids.into_iter().flat_map(|grid| self.part(grid).instants()).collect();
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}
