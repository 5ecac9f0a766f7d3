//! What resources cost: sums, and the bills that they consist of.

use std::collections::HashMap;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_economy::Amount;
use alephd_message::{ItemHash, PaymentType};
use alephd_store::{
    Reader, StoreError,
    read::{CostQuery, CostRow, CostSums},
};

use super::prices::write_lines;
use crate::{
    Api, ApiError, Routes, body,
    json::Writer,
    params::{CostDetail, CostsQuery},
};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes.get("/api/v0/costs", costs)
}

/// What the bills that match come to, and the credits that expenses took for them.
#[derive(Clone, Copy, Default)]
struct Summary {
    sums: CostSums,
    consumed: i128,
}

async fn costs(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = CostsQuery::parse(query.as_deref().unwrap_or_default())?;
    // What is no hash matches nothing.
    let ask = match query.item_hash.as_deref().map(ItemHash::parse_lenient) {
        None => Some(None),
        Some(None) => None,
        Some(found) => Some(found),
    };
    let ask = ask.map(|item_hash| CostQuery {
        payment: query.payment_type,
        owner: query.address.clone(),
        item_hash,
    });
    let (summary, resources) = match &ask {
        None => (Summary::default(), Resources::default()),
        Some(ask) => api.read(|reader| {
            reader.snapshot(|reader| {
                let resources = match query.detail {
                    CostDetail::Summary => Resources::default(),
                    CostDetail::Resources | CostDetail::Components => {
                        let offset = (query.page - 1).saturating_mul(query.per_page);
                        let rows = reader.cost_list(ask, offset, query.per_page)?;
                        let consumed = consumed_by(reader, &rows)?;
                        Resources { rows, consumed }
                    }
                };
                Ok((summary(reader, ask)?, resources))
            })
        })?,
    };
    let resources = match query.detail {
        CostDetail::Summary => None,
        CostDetail::Resources | CostDetail::Components => Some(resources),
    };
    let json = to_json(&query, &summary, resources.as_ref())?;
    Ok(body::json(StatusCode::OK, json))
}

fn summary(reader: &Reader, ask: &CostQuery) -> Result<Summary, StoreError> {
    let sums = reader.cost_sums(ask)?;
    let owner = ask.owner.as_deref();
    let consumed = match &ask.item_hash {
        // Only credits are consumed.
        _ if ask.payment != PaymentType::Credit => 0,
        Some(hash) => reader.consumed_credits(&hash.to_string(), owner)?,
        None => reader.credits_spent(owner)?,
    };
    Ok(Summary { sums, consumed })
}

/// A page of bills.
#[derive(Default)]
struct Resources {
    rows: Vec<CostRow>,
    /// Credits by the name of the resource.
    consumed: HashMap<String, i128>,
}

/// What the owners of resources were charged for them so far.
fn consumed_by(reader: &Reader, rows: &[CostRow]) -> Result<HashMap<String, i128>, StoreError> {
    let mut consumed = HashMap::new();
    for row in rows.iter().filter(|row| row.payment == PaymentType::Credit) {
        let resource = row.item_hash.to_string();
        let credits = reader.consumed_credits(&resource, Some(&row.owner))?;
        consumed.insert(resource, credits);
    }
    Ok(consumed)
}

fn to_json(query: &CostsQuery, summary: &Summary, resources: Option<&Resources>) -> Result<String, ApiError> {
    let mut out = Writer::with_capacity(512);
    out.begin_object();
    out.key("summary").begin_object();
    out.key("total_consumed_credits").int(summary.consumed);
    let CostSums {
        count,
        hold,
        stream,
        credit,
    } = summary.sums;
    write_costs(
        &mut out,
        ["total_cost_hold", "total_cost_stream", "total_cost_credit"],
        [hold, stream, credit],
    );
    out.key("resource_count").int(count);
    out.end_object();
    out.key("filters").begin_object();
    out.key("address").text_or_null(query.address.as_deref());
    out.key("item_hash").text_or_null(query.item_hash.as_deref());
    out.key("payment_type").text(query.payment_type.as_str());
    out.end_object();
    out.key("resources");
    match resources {
        None => {
            out.null();
        }
        Some(resources) => write_resources(&mut out, query, resources)?,
    }
    out.key("pagination_page");
    match resources {
        None => out.null(),
        Some(_) => out.int(query.page),
    };
    out.key("pagination_total").int(count);
    out.key("pagination_per_page").int(query.per_page);
    out.key("pagination_item")
        .text_or_null(resources.map(|_| "resources"));
    out.end_object();
    Ok(out.finish())
}

fn write_resources(out: &mut Writer, query: &CostsQuery, resources: &Resources) -> Result<(), ApiError> {
    out.begin_array();
    for row in &resources.rows {
        let hash = row.item_hash.to_string();
        out.begin_object();
        out.key("item_hash").text(&hash);
        out.key("owner").text(&row.owner);
        out.key("payment_type").text(row.payment.as_str());
        let consumed = resources.consumed.get(&hash).copied();
        out.key("consumed_credits").int(consumed.unwrap_or(0));
        write_costs(
            out,
            ["cost_hold", "cost_stream", "cost_credit"],
            [row.hold, row.stream, row.credit],
        );
        out.key("detail");
        match query.detail {
            CostDetail::Components => write_lines(out, &row.lines, query.include_size)?,
            CostDetail::Summary | CostDetail::Resources => {
                out.null();
            }
        }
        out.end_object();
    }
    out.end_array();
    Ok(())
}

fn write_costs(out: &mut Writer, keys: [&str; 3], costs: [i128; 3]) {
    for (key, units) in keys.into_iter().zip(costs) {
        out.key(key).text(&Amount::from_units(units).to_string());
    }
}
