//! The steps of a plan as lines of progress.

use crate::{
    stack::{Event, Plan},
    ui::{Progress, Step as Line},
};

/// Follows a plan while it is carried out.
#[derive(Default)]
pub(super) struct Tracker<'a> {
    progress: Option<Progress<'a>>,
    /// What each step says of itself, with its line while it runs.
    steps: Vec<Tracked<'a>>,
}

struct Tracked<'a> {
    text: String,
    /// The action alone, without its cause.
    name: String,
    line: Option<Line<'a>>,
    done: bool,
    /// Layers of a pull: bytes so far and in all.
    layers: std::collections::BTreeMap<String, (u64, u64)>,
}

impl<'a> Tracker<'a> {
    pub(super) fn new(progress: Progress<'a>, plan: &Plan) -> Self {
        let steps = plan
            .steps
            .iter()
            .map(|step| Tracked {
                text: step.to_string(),
                name: step.action.to_string(),
                line: None,
                done: false,
                layers: std::collections::BTreeMap::new(),
            })
            .collect();
        Self { progress: Some(progress), steps }
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        let (Event::Started(step) | Event::Pulling(step, _) | Event::Finished(step) | Event::Failed(step)) =
            event;
        let text = step.to_string();
        // Two steps that read alike are alike: the first that is not done is meant.
        let Some(tracked) = self.steps.iter_mut().find(|tracked| !tracked.done && tracked.text == text)
        else {
            return;
        };
        match event {
            Event::Started(_) => {
                tracked.line = self.progress.as_ref().map(|progress| progress.step(&tracked.name));
            }
            Event::Pulling(_, layer) => {
                if let Some(total) = layer.total {
                    tracked.layers.insert(layer.layer.clone(), (layer.current.min(total), total));
                }
                let (current, total) =
                    tracked.layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
                if let Some(line) = &tracked.line {
                    line.bytes(current, total);
                }
            }
            Event::Finished(_) => {
                tracked.done = true;
                if let Some(line) = tracked.line.take() {
                    line.done("");
                }
            }
            Event::Failed(_) => {
                if let Some(line) = tracked.line.take() {
                    line.failed("see below");
                }
            }
        }
    }

    /// Ends the lines of what was under way and names every step that is not done.
    pub(super) fn abandon(&mut self) -> Vec<String> {
        let mut remaining = Vec::new();
        for tracked in self.steps.iter_mut().filter(|tracked| !tracked.done) {
            if let Some(line) = tracked.line.take() {
                line.failed("interrupted");
            }
            remaining.push(tracked.text.clone());
        }
        remaining
    }
}
