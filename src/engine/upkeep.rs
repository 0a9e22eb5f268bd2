//! Looks after the store, and tells of trouble with it.

use std::time::Duration;

use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval},
};

use crate::tsdb::{Store, StoreError};

use super::{Clock, Notice, Notices};

/// How often the disk is told to keep what was committed, and how long after the last time the rest is done.
const EVERY: Duration = Duration::from_secs(1);

/// Has the disk keep what is committed, however long it takes meanwhile to move and remove what is old. For ever.
pub(super) async fn look_after(store: Store, clock: Clock, notices: Notices) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut troubles = Troubles::default();
    let mut maintenance: Option<JoinHandle<Vec<StoreError>>> = None;
    let mut unmaintained = Vec::new();
    let panicked =
        |error| notices(Notice::error(format!("the upkeep of the store panicked and goes on: {error}")));
    loop {
        ticks.tick().await;
        let syncing = store.clone();
        let mut now = match spawn_blocking(move || (syncing.sync().err(), syncing.failing())).await {
            Ok((unsynced, unwritten)) => unsynced.into_iter().chain(unwritten).collect(),
            Err(error) => {
                panicked(error);
                Vec::new()
            }
        };
        if maintenance.as_ref().is_none_or(JoinHandle::is_finished) {
            if let Some(ended) = maintenance.take() {
                match ended.await {
                    Ok(errors) => unmaintained = errors,
                    Err(error) => panicked(error),
                }
            }
            let (store, at, notices) = (store.clone(), clock(), notices.clone());
            maintenance = Some(spawn_blocking(move || {
                let maintained = store.maintain(at);
                maintained.set_aside.into_iter().for_each(|sentence| notices(Notice::error(sentence)));
                maintained.errors
            }));
        }
        now.extend(unmaintained.iter().cloned());
        troubles.told_of(now).into_iter().for_each(&*notices);
    }
}

/// What has been told and goes on.
#[derive(Debug, Default)]
struct Troubles(Vec<StoreError>);

impl Troubles {
    /// What there is to tell now that these are the troubles: each once, and when all is well again.
    fn told_of(&mut self, now: Vec<StoreError>) -> Vec<Notice> {
        if now.is_empty() && !self.0.is_empty() {
            self.0.clear();
            return vec![Notice::note("the store can be written again")];
        }
        let mut notices = Vec::new();
        for error in now {
            if !self.0.iter().any(|told| told.is_like(&error)) {
                notices.push(Notice::error(error.to_string()));
                self.0.push(error);
            }
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_and_its_end_when_all_is_well() {
        let full = |path: &str| StoreError::DiskFull { path: path.into() };
        let locked = |path: &str| StoreError::ReadOnly { path: path.into() };
        let mut troubles = Troubles::default();
        let mut check = |now: &[StoreError], expect: &[&str]| {
            let told: Vec<_> = troubles.told_of(now.to_vec()).into_iter().map(|notice| notice.text).collect();
            assert_eq!(told, expect);
        };
        check(&[], &[]);
        check(&[full("1.log"), full("2.block")], &["the disk is full: 1.log cannot be written"]);
        check(&[full("2.log")], &[]);
        check(&[full("2.log"), locked("3.block")], &["3.block is on a read-only file system"]);
        check(&[locked("4.block")], &[]);
        check(&[], &["the store can be written again"]);
        check(&[], &[]);
        check(&[full("5.log")], &["the disk is full: 5.log cannot be written"]);
    }
}
