//! Other nodes: who is there, and what this one lacks.

use axum::{extract::State, http::StatusCode, response::Response};

use crate::{Api, ApiError, Routes, body};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes.get("/api/v0/peers", peers).get("/api/v0/sync/gaps", gaps)
}

async fn peers(State(api): State<Api>) -> Result<Response, ApiError> {
    let view = serde_json::to_string(&api.network.view()).map_err(ApiError::internal)?;
    Ok(body::json(StatusCode::OK, view))
}

async fn gaps(State(api): State<Api>) -> Result<Response, ApiError> {
    Ok(body::json(StatusCode::OK, api.network.gaps().to_string()))
}
