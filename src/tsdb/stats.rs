//! Figures of a store.

use crate::time::Timestamp;

use super::{Cardinality, Counted, Stats, Store, log::Log};

impl Store {
    pub fn stats(&self) -> Stats {
        let mut figures = Stats::default();
        {
            let intake = self.intake();
            let (log, checkpoint) = intake.log.as_ref().map_or((0, 0), Log::sizes);
            figures.log_bytes = log + checkpoint;
            (figures.samples_appended, figures.samples_rejected) = (intake.appended, intake.rejected);
        }
        let state = self.read();
        figures.series = state.head.len();
        for (_, series) in state.head.series() {
            figures.chunks += series.in_order.chunks() + series.late.chunks();
            figures.samples += series.samples();
            for span in series.spans() {
                widen(&mut figures.head_min_time, &mut figures.head_max_time, span.from, span.to);
            }
        }
        figures.label_pairs = state.head.index().names().map(|(_, values)| values.len()).sum();
        (figures.min_time, figures.max_time) = (figures.head_min_time, figures.head_max_time);
        figures.blocks = state.blocks.len();
        figures.bytes_on_disk = figures.log_bytes;
        for block in state.blocks.iter() {
            figures.block_samples += block.footer().samples;
            figures.bytes_on_disk += if block.path().is_some() { block.size() } else { 0 };
            widen(&mut figures.min_time, &mut figures.max_time, block.span().from, block.span().to);
        }
        figures
    }

    /// What there is most of in memory, at most `limit` of each kind.
    pub fn cardinality(&self, limit: usize) -> Cardinality {
        let state = self.read();
        let index = state.head.index();
        let counted = |name: String, count: usize| Counted { name, count: count as u64 };
        let mut cardinality = Cardinality::default();
        for (name, values) in index.names() {
            if **name == *crate::series::METRIC_NAME {
                let metrics = values.iter().map(|(value, series)| counted(value.to_string(), series.len()));
                cardinality.series_by_metric = metrics.collect();
            }
            let bytes = values.iter().map(|(value, series)| (name.len() + value.len()) * series.len()).sum();
            cardinality.values_by_label.push(counted(name.to_string(), values.len()));
            cardinality.bytes_by_label.push(counted(name.to_string(), bytes));
            let pairs = values.iter().map(|(value, series)| counted(format!("{name}={value}"), series.len()));
            cardinality.series_by_pair.extend(pairs);
            keep_most(&mut cardinality.series_by_pair, limit);
        }
        keep_most(&mut cardinality.series_by_metric, limit);
        keep_most(&mut cardinality.values_by_label, limit);
        keep_most(&mut cardinality.bytes_by_label, limit);
        cardinality
    }
}

fn widen(min: &mut Option<Timestamp>, max: &mut Option<Timestamp>, from: Timestamp, to: Timestamp) {
    *min = Some(min.map_or(from, |min| min.min(from)));
    *max = Some(max.map_or(to, |max| max.max(to)));
}

fn keep_most(counted: &mut Vec<Counted>, limit: usize) {
    counted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counted.truncate(limit);
}
