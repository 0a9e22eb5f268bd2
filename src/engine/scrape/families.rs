//! What a target's pages tell of their metric families.

use std::collections::{BTreeMap, HashMap};

use crate::{
    engine::Metadata,
    series::{FamilyKind, Labels},
};

/// What is told of a family outlives its last sight by so many pages.
pub(super) const PAGES: u64 = 10;
/// Families that are kept.
const FAMILIES: usize = 20_000;
/// Bytes of a text that are kept.
const TEXT_BYTES: usize = 4096;

/// Families by name.
#[derive(Debug, Default)]
pub(super) struct Families {
    told: HashMap<Box<str>, Told>,
    has_changed: bool,
    page: u64,
}

#[derive(Debug)]
struct Told {
    kind: FamilyKind,
    help: Box<str>,
    unit: Box<str>,
    last: u64,
}

impl Families {
    pub(super) fn is(&mut self, family: &str, kind: FamilyKind) {
        self.tell(family, |told| std::mem::replace(&mut told.kind, kind) != kind);
    }

    pub(super) fn has_help(&mut self, family: &str, help: &str) {
        self.tell(family, |told| update(&mut told.help, help));
    }

    pub(super) fn has_unit(&mut self, family: &str, unit: &str) {
        self.tell(family, |told| update(&mut told.unit, unit));
    }

    /// Ends a page.
    pub(super) fn end(&mut self) {
        let (page, before) = (self.page, self.told.len());
        self.told.retain(|_, told| page - told.last <= PAGES);
        self.has_changed |= before != self.told.len();
        self.page += 1;
    }

    /// All of them, sorted by name, where something has changed since the last call.
    pub(super) fn changed(&mut self, target: &Labels) -> Option<Vec<Metadata>> {
        if !std::mem::take(&mut self.has_changed) {
            return None;
        }
        let sorted: BTreeMap<&str, &Told> =
            self.told.iter().map(|(family, told)| (&**family, told)).collect();
        let metadata = |(family, told): (&str, &Told)| Metadata {
            target: target.clone(),
            family: family.to_owned(),
            kind: told.kind.name().to_owned(),
            help: told.help.to_string(),
            unit: told.unit.to_string(),
        };
        Some(sorted.into_iter().map(metadata).collect())
    }

    fn tell(&mut self, family: &str, change: impl FnOnce(&mut Told) -> bool) {
        let last = self.page;
        if let Some(told) = self.told.get_mut(family) {
            told.last = last;
            self.has_changed |= change(told);
        } else if self.told.len() < FAMILIES {
            let mut told =
                Told { kind: FamilyKind::Unknown, help: Box::default(), unit: Box::default(), last };
            change(&mut told);
            self.told.insert(family.into(), told);
            self.has_changed = true;
        }
    }
}

fn update(text: &mut Box<str>, new: &str) -> bool {
    let new = &new[..new.floor_char_boundary(TEXT_BYTES)];
    let is_new = **text != *new;
    if is_new {
        *text = new.into();
    }
    is_new
}
