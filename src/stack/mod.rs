//! The stack of containers: what it should be, what it is, and the steps from one to the other.
//!
//! Owns: [`StackSpec`], [`Desired`], [`Observed`], [`Plan`] and its execution, the checks before it and the wait after
//! it, `compose.yaml`.
//! Must not know: `llmobs.yaml`, how files are rendered, how progress is shown.
//! Invariants: deciding is pure ([`plan`], [`plan_down`], [`preflight`]) and doing is without decisions ([`apply`]);
//! nothing is touched that does not carry our project's label; whatever was left half-made, the next plan mends it.
//! Start reading at: [`up`], then [`plan`].

mod apply;
mod compose;
mod config_volume;
mod desired;
mod down;
pub mod labels;
mod observed;
mod plan;
mod preflight;
mod ready;
mod run;
#[cfg(test)]
mod scenario;
mod service_plan;
mod settings;
mod step;

pub use apply::{ApplyError, Event, StepError, apply};
pub use compose::{ComposeFile, compose};
pub use desired::{
    Component, Desired, ExporterSpec, Files, GrafanaSpec, ImageOrigin, Jobs, Probe, Project, ProjectError,
    PrometheusSpec, Service, StackSpec, desired,
};
pub use down::{VolumesOnDown, plan_down};
pub use observed::{Contents, Observed, Scope, observe};
pub use plan::{plan, plan_pulls};
pub use preflight::{Facts, Problem, PullPolicy, preflight};
pub use ready::{Outcome, WaitError, WaitEvent, wait_ready};
pub use run::{RunError, RunEvent, UpOptions, down, up};
pub use step::{Action, NewContainer, Plan, Reload, Reloading, Stage, Step};
