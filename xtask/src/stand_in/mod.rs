//! A stand-in for Grafana's image, for machines on which the real one cannot be had.
//!
//! Owns: what the official container promises to those who start it (environment, user, paths, provisioning, the parts
//! of the HTTP API that tell whether provisioning worked), and the refusals of provisioning files. It draws nothing.
//! Must not know: anything of llmobs' bundle; the product must not know of it.
//! Invariants: what Grafana refuses at its start ends this program with status 1 and one clear line; where Grafana would
//! shrug and this program could not tell right from wrong, it refuses too. So what runs here has a chance there, and
//! what fails here is worth a look; a pass is no proof of Grafana.
//! Start reading at: [`serve`], then [`datasources`] and [`dashboards`].
//!
//! The contract was read from grafana/grafana: `packaging/docker/run.sh`, `pkg/services/provisioning/` and
//! `docs/sources/administration/provisioning/`.

mod account;
mod api;
mod dashboards;
mod datasources;
mod image;
mod log;
mod provisioning;
mod query;
mod server;
mod settings;
mod upstream;

pub(crate) use image::{Existing, load_image};
pub(crate) use server::serve;

/// The name that the stand-in takes by default: the image that llmobs starts.
pub(crate) const GRAFANA_IMAGE: &str = "grafana/grafana:13.2.3";

/// The version that the stand-in says it is; that of [`GRAFANA_IMAGE`].
const VERSION: &str = "13.2.3";

/// The file name of the official image's entry point, under which this program serves.
pub(crate) const ENTRY_POINT: &str = "run.sh";
