//! Remote write 1.0, the receiving side
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError, atomic::Ordering},
};

use super::Api;
use crate::{
    engine::Exemplar,
    formats::remote_write::{self, Part, Series, WriteError},
    series::{Labels, METRIC_NAME},
    server::http::{Asked, Reply, header},
    time::Timestamp,
    tsdb::StoreError,
};

const MEDIA_TYPE: &str = "application/x-protobuf";
const MESSAGE: &str = "prometheus.WriteRequest";
const MESSAGE_2: &str = "io.prometheus.write.v2.Request";
/// Samples that are committed at once.
const BATCH: usize = 20_000;
/// How far ahead of the clock a sample may be, in milliseconds.
const AHEAD: i64 = 10 * 60 * 1000;
/// Label sets that are remembered by the bytes in which they came.
const REMEMBERED: usize = 50_000;

/// Label sets by the bytes in which senders write them: they send the same ones again and again.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<Box<[u8]>, Labels>>);

impl Known {
    fn get(&self, bytes: &[u8]) -> Option<Labels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(bytes).cloned()
    }

    fn remember(&self, bytes: &[u8], labels: &Labels) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(bytes.into(), labels.clone());
    }
}

/// What went wrong with a request that could be read.
enum Refused {
    /// A sample that the store does not take; the others are there.
    Sample(String),
    Store(StoreError),
    Malformed(WriteError),
}

impl From<WriteError> for Refused {
    fn from(error: WriteError) -> Self {
        Self::Malformed(error)
    }
}

impl Api {
    /// 204 when everything is in the store. A sample that is refused makes it 400, as in Prometheus; other than there
    /// the rest of the request is kept.
    pub(super) fn write(&self, asked: &Asked) -> Reply {
        if !self.settings.remote_write {
            let text = "remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n";
            return Reply::text(404, text);
        }
        let encoding = asked.header(header::CONTENT_ENCODING);
        if !matches!(encoding, "" | "snappy") {
            let text = format!(
                "{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable\n"
            );
            return Reply::text(415, text);
        }
        let message = match remote_write::unpack(&asked.body) {
            Ok(message) => message,
            Err(error) => return Reply::text(400, format!("{error}\n")),
        };
        if let Err(why) = check_type(asked.header(header::CONTENT_TYPE)) {
            return Reply::text(415, why + "\n");
        }
        match remote_write::validate(&message).map_err(Refused::from).and_then(|()| self.store_all(&message))
        {
            Ok(()) => Reply::empty(204),
            Err(Refused::Sample(why)) => Reply::text(400, why + "\n"),
            Err(Refused::Malformed(error)) => Reply::text(400, format!("{error}\n")),
            Err(Refused::Store(error)) => Reply::text(500, format!("{error}\n")),
        }
    }

    fn store_all(&self, message: &[u8]) -> Result<(), Refused> {
        let latest = self.engine.now().0.saturating_add(AHEAD);
        let mut refused = None;
        let mut batch: Vec<(Labels, Timestamp, f64)> = Vec::new();
        for part in remote_write::parts(message) {
            // What a sender says of families is of its targets, and not of ours.
            let Part::Series(series) = part? else { continue };
            self.counts.histograms.fetch_add(series.histograms()? as u64, Ordering::Relaxed);
            let Some(labels) = self.labels_of(series)? else {
                let samples = series.samples().count() as u64;
                self.counts.invalid_labels.fetch_add(samples, Ordering::Relaxed);
                continue;
            };
            for sample in series.samples() {
                let (at, value) = sample?;
                if at.0 > latest {
                    refused.get_or_insert_with(|| "out of bounds".to_owned());
                    continue;
                }
                batch.push((labels.clone(), at, value));
                if batch.len() >= BATCH {
                    self.commit(&mut batch, &mut refused)?;
                }
            }
            let exemplars = exemplars(series)?;
            if !exemplars.is_empty() {
                self.ingest.keep_exemplars(&labels, exemplars);
            }
        }
        self.commit(&mut batch, &mut refused)?;
        refused.map_or(Ok(()), |why| Err(Refused::Sample(why)))
    }

    fn commit(
        &self,
        batch: &mut Vec<(Labels, Timestamp, f64)>,
        refused: &mut Option<String>,
    ) -> Result<(), Refused> {
        if batch.is_empty() {
            return Ok(());
        }
        let committed = self.ingest.commit(batch).map_err(Refused::Store)?;
        self.counts.samples.fetch_add(committed.appended as u64, Ordering::Relaxed);
        if let Some((_, why)) = committed.rejected.first() {
            refused.get_or_insert_with(|| why.to_string());
        }
        batch.clear();
        Ok(())
    }

    /// `None` where they are none that a series may have.
    fn labels_of(&self, series: Series<'_>) -> Result<Option<Labels>, WriteError> {
        let bytes = series.label_bytes();
        if let Some(labels) = bytes.and_then(|bytes| self.known.get(bytes)) {
            return Ok(Some(labels));
        }
        let labels = series.labels()?.and_then(valid);
        if let (Some(bytes), Some(labels)) = (bytes, &labels) {
            self.known.remember(bytes, labels);
        }
        Ok(labels)
    }
}

/// Labels with a metric's name, each name once and none empty.
fn valid(pairs: Vec<(&str, &str)>) -> Option<Labels> {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let is_unique = names.windows(2).all(|pair| pair[0] != pair[1]);
    let has_name = pairs.iter().any(|(name, value)| *name == METRIC_NAME && !value.is_empty());
    (is_unique && has_name && !names.contains(&"")).then(|| pairs.into_iter().collect())
}

fn exemplars(series: Series<'_>) -> Result<Vec<Exemplar>, WriteError> {
    let mut exemplars = Vec::new();
    for exemplar in series.exemplars() {
        let exemplar = exemplar?;
        if let Some(labels) = exemplar.labels {
            let labels = labels.into_iter().collect();
            exemplars.push(Exemplar { labels, value: exemplar.value, at: exemplar.at });
        }
    }
    exemplars.sort_by_key(|exemplar| exemplar.at);
    Ok(exemplars)
}

/// Whether the content type names the message of remote write 1.0; no type does.
fn check_type(content_type: &str) -> Result<(), String> {
    let content_type = content_type.trim();
    if content_type.is_empty() {
        return Ok(());
    }
    let mut parts = content_type.split(';');
    if parts.next() != Some(MEDIA_TYPE) {
        return Err(format!(
            "expected {MEDIA_TYPE} as the first (media) part, got {content_type} content-type"
        ));
    }
    for parameter in parts {
        match parameter.split('=').collect::<Vec<_>>()[..] {
            ["proto", MESSAGE] => return Ok(()),
            ["proto", MESSAGE_2] => {
                return Err(format!(
                    "{MESSAGE_2} protobuf message is not accepted by this server; only accepts {MESSAGE}"
                ));
            }
            ["proto", other] => {
                return Err(format!(
                    "got {content_type} content type; unknown type for remote write protobuf message {other}, \
                     supported: {MESSAGE}"
                ));
            }
            [_, _] => {}
            _ => {
                return Err(format!(
                    "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, \
                     got {parameter} in {content_type} content-type"
                ));
            }
        }
    }
    Ok(())
}
