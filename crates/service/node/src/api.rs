//! The API's view of the node: constants of the network and limits of this node.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use serde_json::json;

use alephd_pipeline::Pipeline;
use alephd_tasks::Clock;

use crate::{Config, Profile, data_dir::OpenData, state_root};

/// Everything that is served.
pub(crate) fn router(
    data: OpenData,
    _pipeline: Pipeline,
    config: &Config,
    profile: &Profile,
    _clock: Arc<dyn Clock>,
) -> Router {
    let version = json!({"version": config.api.version});
    let version = move || async move { Json(version) };
    let is_safe = profile.is_adversary_safe();
    let root = move || async move { Json(state_root::of_store(&data.store, is_safe).ok()) };
    Router::new()
        .route("/version", get(version.clone()))
        .route("/api/v0/version", get(version))
        .route("/api/v0/state/root", get(root))
}
