//! The routes by which the operators of a network had costs computed anew.
//!
//! Here a bill is a function of the facts: the message, its files, and the price list as of its
//! position. When one of them changes, the pipeline makes the bill again, so nothing can have
//! drifted that a request would have to mend. The routes say so, and how many bills there are.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};

use alephd_message::PaymentType;
use alephd_store::read::CostQuery;

use super::{billed, token};
use crate::{Api, ApiError, body, json::Writer};

/// `POST /api/v0/price/recalculate`.
pub(super) async fn all(State(api): State<Api>, headers: HeaderMap) -> Response {
    guarded(&api, &headers, || {
        api.read(|reader| {
            reader.snapshot(|reader| {
                let mut bills = 0;
                for payment in PaymentType::ALL.iter().copied() {
                    let query = CostQuery {
                        payment,
                        owner: None,
                        item_hash: None,
                    };
                    bills += reader.cost_sums(&query)?.count;
                }
                Ok(bills)
            })
        })
    })
}

/// `POST /api/v0/price/{item_hash}/recalculate`.
pub(super) async fn one(State(api): State<Api>, Path(hash): Path<String>, headers: HeaderMap) -> Response {
    guarded(&api, &headers, || billed(&api, &hash).map(|_| 1))
}

/// Answers with the number of bills, to who may ask.
fn guarded(api: &Api, headers: &HeaderMap, count: impl FnOnce() -> Result<u64, ApiError>) -> Response {
    let key = api.settings.auth_public_key.as_deref();
    if let Err(refusal) = token::check(key, headers, api.now()) {
        return refusal.into_response();
    }
    let bills = match count() {
        Ok(bills) => bills,
        Err(error) => return error.into_response(),
    };
    let mut out = Writer::new();
    out.begin_object();
    out.key("message")
        .text("Costs follow the price list by themselves; nothing had to be recalculated");
    out.key("recalculated_count").int(0_u8);
    out.key("total_messages").int(bills);
    out.end_object();
    body::json(StatusCode::OK, out.finish())
}
