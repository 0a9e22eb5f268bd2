//! Where samples go that are made or brought here.

use crate::{
    series::Labels,
    time::Timestamp,
    tsdb::{Committed, Store, StoreError},
};

use super::Exemplar;

/// Takes samples; the store is one, and what also forwards them.
pub trait Ingest: Send + Sync {
    fn commit(&self, samples: &[(Labels, Timestamp, f64)]) -> Result<Committed, StoreError>;

    /// Exemplars of a series that somebody else has scraped, oldest first.
    fn keep_exemplars(&self, series: &Labels, exemplars: Vec<Exemplar>) {
        let _ = (series, exemplars);
    }
}

impl Ingest for Store {
    fn commit(&self, samples: &[(Labels, Timestamp, f64)]) -> Result<Committed, StoreError> {
        Self::commit(self, samples)
    }
}
