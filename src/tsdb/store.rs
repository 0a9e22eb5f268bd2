//! The store: samples in, readers out.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{series::Labels, time::Timestamp};

use super::{
    Committed, Options, Reader, Recovery, StoreError,
    block::Indexes,
    folder::Folder,
    head::Head,
    intake::{Hear, Intake, Tap},
    log::{Log, OpenSink, open_file},
    recover::{open_blocks, replay},
    state::State,
    upkeep::Upkeep,
};

/// A store of samples; cheap to clone, shared by threads. Its folder is locked until the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Store(Arc<Shared>);

/// A series of one store, for commits that name the same series each time. It ends when the store drops the series;
/// samples of an ended one are rejected as [`Rejection::StaleSeries`](super::Rejection::StaleSeries).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesRef {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// Locks are taken in the order of the fields.
#[derive(Debug)]
pub(super) struct Shared {
    /// Held by who moves samples between memory and disk, or deletes some.
    upkeep: Mutex<Upkeep>,
    /// Held by who adds samples.
    intake: Mutex<Intake>,
    /// Held shortly: to look up what is there, or to change it.
    state: RwLock<State>,
    options: RwLock<Options>,
    pub(super) indexes: Arc<Indexes>,
    pub(super) folder: Option<Folder>,
}

impl Store {
    /// Opens the store in a folder, which is made if it is not there, and brings back what was committed.
    pub fn open(folder: &Path, options: Options) -> Result<(Self, Recovery), StoreError> {
        Self::open_with(folder, options, open_file)
    }

    pub(super) fn open_with(
        folder: &Path,
        options: Options,
        open: OpenSink,
    ) -> Result<(Self, Recovery), StoreError> {
        let folder = Folder::open(folder)?;
        let indexes = Arc::new(Indexes::new(options.index_budget_bytes));
        let mut recovery = Recovery::default();
        let blocks = open_blocks(&folder.blocks(), &indexes, &mut recovery)?;
        let mut head = Head::new(options.block_millis);
        let mut intake = Intake::new(None);
        intake.newest = blocks.iter().map(|block| block.span().to).max();
        replay(&folder.log(), &mut head, &mut intake, &mut recovery)?;
        intake.log = Some(Log::new(&folder.log(), open)?);
        let upkeep = Upkeep::new(blocks.iter().map(|block| block.number()).max().unwrap_or_default());
        let mut state = State { head, blocks: Arc::new([]) };
        state.exchange(blocks, &[]);
        Ok((Self::new(upkeep, intake, state, options, indexes, Some(folder)), recovery))
    }

    /// A store without files.
    pub fn in_memory(options: Options) -> Self {
        let indexes = Arc::new(Indexes::new(options.index_budget_bytes));
        let state = State { head: Head::new(options.block_millis), blocks: Arc::new([]) };
        Self::new(Upkeep::new(0), Intake::new(None), state, options, indexes, None)
    }

    fn new(
        upkeep: Upkeep,
        intake: Intake,
        state: State,
        options: Options,
        indexes: Arc<Indexes>,
        folder: Option<Folder>,
    ) -> Self {
        Self(Arc::new(Shared {
            upkeep: Mutex::new(upkeep),
            intake: Mutex::new(intake),
            state: RwLock::new(state),
            options: RwLock::new(options),
            indexes,
            folder,
        }))
    }

    /// Appends samples. What is appended, when this returns, is in the log and survives the end of the process.
    ///
    /// Samples are accepted and rejected one by one; with an error none is appended.
    pub fn commit(&self, samples: &[(Labels, Timestamp, f64)]) -> Result<Committed, StoreError> {
        let options = self.options();
        let mut intake = self.intake();
        let resolved: Vec<_> = samples
            .iter()
            .map(|(labels, at, value)| (Some(intake.ensure(labels, &self.0.state).slot), *at, *value))
            .collect();
        intake.commit(&self.0.state, &options, resolved.into_iter())
    }

    /// The series with these labels, made where it is not there yet.
    pub fn series(&self, labels: &Labels) -> SeriesRef {
        self.intake().ensure(labels, &self.0.state)
    }

    /// As [`Store::commit`], of series that were asked for before.
    pub fn commit_refs(&self, samples: &[(SeriesRef, Timestamp, f64)]) -> Result<Committed, StoreError> {
        let options = self.options();
        let mut intake = self.intake();
        let slots: Vec<_> =
            samples.iter().map(|(series, at, value)| (intake.slot(*series), *at, *value)).collect();
        intake.commit(&self.0.state, &options, slots.into_iter())
    }

    /// Has somebody hear of all samples that are taken from now on, in their order; nobody where there is none. It is
    /// called while others wait to commit: it must be quick and must not commit itself.
    pub fn set_tap(&self, tap: Option<Hear>) {
        self.intake().tap = tap.map(Tap);
    }

    /// Something that reads what is in the store.
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    /// Has the disk keep all that was committed. To be called every second or so: that time is all that a failing
    /// machine can lose, while a failing process loses nothing. It does not wait for [`Store::maintain`].
    pub fn sync(&self) -> Result<(), StoreError> {
        let unsynced = self.intake().log.as_mut().map(Log::unsynced).unwrap_or_default();
        let mut synced = Ok(());
        for file in unsynced {
            if let Err(source) = file.1.sync() {
                synced = synced.and(Err(StoreError::io("sync", &file.0, source)));
                if let Some(log) = &mut self.intake().log {
                    log.set_unsynced(file);
                }
            }
        }
        synced
    }

    /// Why samples cannot be written, if the last that were to be could not.
    pub fn failing(&self) -> Option<StoreError> {
        self.intake().failing.clone()
    }

    /// Has the disk keep all that was committed. The folder is free for another process when the last clone is dropped.
    pub fn close(self) -> Result<(), StoreError> {
        self.sync()
    }

    /// Options from now on. Sizes that files and memory are laid out by stay as they were at the opening.
    pub fn set_options(&self, options: Options) {
        *self.0.options.write().unwrap_or_else(PoisonError::into_inner) = options;
    }

    pub fn options(&self) -> Options {
        self.0.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    pub(super) fn intake(&self) -> MutexGuard<'_, Intake> {
        self.0.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn upkeep(&self) -> MutexGuard<'_, Upkeep> {
        self.0.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
