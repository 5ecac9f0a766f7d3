//! Programs that wait for messages.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};

use super::{messages::order_of, rows};
use crate::{Api, ApiError, Routes, body, json::Writer, params::ProgramsQuery};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes.get("/api/v0/programs/on/message", on_message)
}

async fn on_message(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = ProgramsQuery::parse(query.as_deref().unwrap_or_default())?;
    let programs = api.read(|reader| reader.subscription_list(order_of(query.sort_order)))?;
    rows::check(programs.len())?;
    let mut out = Writer::with_capacity(256 * programs.len() + 2);
    out.begin_array();
    for program in &programs {
        out.begin_object();
        out.key("item_hash").text(&program.item_hash.to_string());
        out.key("content").begin_object();
        out.key("on").begin_object();
        out.key("message").raw(&program.value);
        out.end_object().end_object().end_object();
    }
    out.end_array();
    Ok(body::json(StatusCode::OK, out.finish()))
}
