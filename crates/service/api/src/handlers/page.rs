//! The face of the node: pages for people at `/` and below `/explore`.
//!
//! Plain HTML, made here for every request. Nothing is loaded from elsewhere, everything works
//! without scripts, and every link can be shared. A script of a few lines only keeps the
//! overview fresh where scripts run.
//!
//! Nearly all text on these pages was chosen by strangers. Three things keep it harmless:
//!
//! - Templates escape whatever they insert (`maud`), and the one writer that does not go through
//!   them, [`json`], escapes by itself.
//! - [`text`] bounds the length of texts and makes characters visible that would hide or reorder
//!   what stands around them.
//! - [`layout::page`] forbids the browser to run or load anything but the two files below.

mod account;
mod explore;
mod json;
mod layout;
mod list;
mod message;
mod overview;
mod peers;
mod rate;
mod reasons;
mod signature;
mod storage;
mod text;
mod waiting;

#[cfg(test)]
mod tests;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{Api, Routes};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    let usage = std::sync::Arc::new(storage::KeptUsage::default());
    routes
        .get("/", overview::overview)
        .get("/explore", explore::explore)
        .get("/explore/messages/{item_hash}", message::message)
        .get("/explore/waiting", waiting::waiting)
        .get("/explore/accounts", account::find)
        .get("/explore/accounts/{address}", account::account)
        .get("/explore/accounts/{address}/{list}", account::list)
        .get("/explore/storage", move |State(api): State<Api>| async move {
            storage::storage(&api, &usage).await
        })
        .get("/explore/storage/{list}", storage::list)
        .get("/peers", peers::peers)
        .get("/explore/style.css", || async {
            asset("text/css; charset=utf-8", include_str!("page/style.css"))
        })
        .get("/explore/live.js", || async {
            asset("text/javascript; charset=utf-8", include_str!("page/live.js"))
        })
}

/// A file that is part of the program. It is asked for again on every page, so that a new version
/// of the program shows at once.
fn asset(content_type: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("max-age=60")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (StatusCode::OK, headers, content).into_response()
}
