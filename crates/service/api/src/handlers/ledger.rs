//! Routes of this family.

use crate::{Api, Routes};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
}
