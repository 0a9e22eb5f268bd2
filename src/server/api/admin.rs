//! What changes the store on request: `admin/tsdb/…`.

use super::{
    Api,
    error::{ApiError, ErrorType},
    outcome::{Outcome, done},
    params,
};
use crate::server::http::Asked;

impl Api {
    fn needs_admin(&self) -> Result<(), ApiError> {
        if self.settings.admin {
            return Ok(());
        }
        Err(ApiError::new(ErrorType::Unavailable, "admin APIs disabled"))
    }

    pub(super) fn delete_series(&self, asked: &Asked) -> Outcome {
        self.needs_admin()?;
        params::needs_match(asked)?;
        let span = params::span(params::bounds(asked)?);
        for text in asked.values("match[]") {
            let matchers = params::selector(text, self.settings.syntax)
                .map_err(|why| ApiError::parameter("match[]", why))?;
            self.store.delete(&matchers, span)?;
        }
        done()
    }

    pub(super) fn clean_tombstones(&self) -> Outcome {
        self.needs_admin()?;
        self.store.clean_tombstones()?;
        done()
    }

    /// Prometheus links its blocks into another folder. Ours is copied with a copy of its folder.
    pub(super) fn snapshot(&self) -> Outcome {
        self.needs_admin()?;
        Err(ApiError::new(
            ErrorType::Internal,
            "create snapshot: this store makes none; copy its folder while the server is stopped",
        ))
    }
}
