//! The models that llmobs knows: provider, context window and list price, from a dated table.
//!
//! Owns: [`Price`], [`CataloguedModel`] and `assets/models.csv`.
//! Must not know: the configuration; a user's own prices are laid over these elsewhere.
//! Invariants: every row has a price; no name is listed twice at one provider.
//! Start reading at: [`find`].

mod price;
mod table;

pub use price::Price;
pub use table::{CataloguedModel, find, models};
