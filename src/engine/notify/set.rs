//! The Alertmanagers of one entry of the file: found as targets are, told alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::{Arc, Mutex},
};

use futures_util::future::join_all;

use crate::{
    engine::{
        Alertmanagers, Notice,
        discovery::{Discovering, OnGroups},
        fetch::{Client, Url},
        lock,
        relabel::{Relabelling, Verdict},
    },
    formats::prometheus::{Alertmanager, TargetGroup},
    series::Labels,
    text::percent_encoded,
};

use super::{
    Surroundings,
    outbox::Notification,
    receiver::{Manner, Receiver},
};

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__alerts_path__";

/// Alertmanagers that are found and told alike.
pub(super) struct Set {
    pub(super) written: Alertmanager,
    surroundings: Surroundings,
    relabelling: Relabelling,
    manner: Arc<Manner>,
    found: Mutex<Found>,
    discovering: Mutex<Option<Discovering>>,
}

/// What discovery has told of.
#[derive(Default)]
struct Found {
    /// By the source that told of them.
    groups: BTreeMap<String, Vec<TargetGroup>>,
    /// Each URL once.
    receivers: Vec<Receiver>,
    /// URLs of those that relabelling drops.
    dropped: Vec<String>,
    /// Why some cannot be reached, as told last.
    failures: BTreeSet<String>,
    is_ended: bool,
}

impl Set {
    /// Lists of the file and other files are read by this call.
    pub(super) fn start(written: &Alertmanager, surroundings: Surroundings) -> Arc<Self> {
        let Surroundings { runtime, hosts, notices, .. } = &surroundings;
        let (runtime, hosts, notices) = (runtime.clone(), hosts.clone(), Arc::clone(notices));
        let set = Arc::new(Self {
            written: written.clone(),
            relabelling: Relabelling::new(&written.relabel),
            manner: Arc::new(Manner::new(written, Client::new(&written.client, hosts.clone()))),
            found: Mutex::default(),
            discovering: Mutex::default(),
            surroundings,
        });
        let weak = Arc::downgrade(&set);
        let on_groups: OnGroups = Arc::new(move |source, groups| {
            if let Some(set) = weak.upgrade() {
                set.found(source, groups);
            }
        });
        let discovering = Discovering::start(&runtime, &written.discovery, &hosts, &notices, &on_groups);
        *lock(&set.discovering) = Some(discovering);
        set
    }

    /// Makes the receivers fit what a source says.
    fn found(&self, source: String, groups: Vec<TargetGroup>) {
        let mut found = lock(&self.found);
        if found.is_ended {
            return;
        }
        if groups.is_empty() {
            found.groups.remove(&source);
        } else {
            found.groups.insert(source, groups);
        }
        let (mut urls, mut dropped, mut failures) = (Vec::new(), Vec::new(), BTreeSet::new());
        for group in found.groups.values().flatten() {
            for address in &group.targets {
                match self.alertmanager(address, &group.labels) {
                    Ok(Reached::At(url)) => urls.push(url),
                    Ok(Reached::Dropped(url)) => dropped.push(url),
                    Err(cause) => {
                        failures.insert(format!("`{address}` has no usable address: {cause}"));
                    }
                }
            }
        }
        let mut before = mem::take(&mut found.receivers);
        for url in urls {
            if found.receivers.iter().any(|receiver| receiver.url == url) {
                continue;
            }
            let receiver = match before.iter().position(|receiver| receiver.url == url) {
                Some(index) => before.swap_remove(index),
                None => Receiver::start(url, Arc::clone(&self.manner), self.surroundings.clone()),
            };
            found.receivers.push(receiver);
        }
        for receiver in before {
            self.surroundings.runtime.spawn(receiver.end());
        }
        found.dropped = dropped;
        let before = mem::replace(&mut found.failures, failures.clone());
        drop(found);
        for failure in failures.difference(&before) {
            (self.surroundings.notices)(Notice::error(format!("the Alertmanager {failure}")));
        }
    }

    /// Where an address of a group with labels leads; the group's labels win over the entry's keys.
    fn alertmanager(&self, address: &str, group: &BTreeMap<String, String>) -> Result<Reached, String> {
        let prefix = self.written.path_prefix.trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        let path = format!("{slash}{prefix}/api/v2/alerts");
        let given = [(SCHEME, self.written.scheme.as_str()), (PATH, &path)];
        let group = group.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels: Labels = given.into_iter().chain(group).chain([(ADDRESS, address)]).collect();
        let mut relabelled = labels.edit();
        if self.relabelling.run(&mut relabelled) == Verdict::Dropped {
            let part = |name: &str| labels.get(name).unwrap_or_default();
            return Ok(Reached::Dropped(format!("{}://{}{}", part(SCHEME), part(ADDRESS), part(PATH))));
        }
        let part = |name: &str| relabelled.get(name).unwrap_or_default();
        if part(ADDRESS).contains('/') {
            return Err(format!("\"{}\" is not a valid hostname", part(ADDRESS)));
        }
        let url = Url::new(part(SCHEME), part(ADDRESS), &percent_encoded(part(PATH), b"$&+,/:;=@"));
        url.map(Reached::At).map_err(|error| error.to_string())
    }

    pub(super) fn send(&self, alerts: &[Arc<Notification>]) {
        for receiver in &lock(&self.found).receivers {
            receiver.send(alerts);
        }
    }

    pub(super) fn tell(&self, all: &mut Alertmanagers) {
        let found = lock(&self.found);
        all.active.extend(found.receivers.iter().map(|receiver| receiver.url.to_string()));
        all.dropped.extend_from_slice(&found.dropped);
    }

    pub(super) fn waiting(&self) -> usize {
        lock(&self.found).receivers.iter().map(Receiver::waiting).sum()
    }

    /// Finds no more, and sends what waits, for a moment.
    pub(super) async fn end(&self) {
        drop(lock(&self.discovering).take());
        let receivers = {
            let mut found = lock(&self.found);
            found.is_ended = true;
            mem::take(&mut found.receivers)
        };
        join_all(receivers.into_iter().map(Receiver::end)).await;
    }
}

/// An Alertmanager that was found.
enum Reached {
    At(Url),
    Dropped(String),
}
