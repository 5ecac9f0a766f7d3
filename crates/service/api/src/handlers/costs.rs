//! What resources cost: sums, and the bills that they consist of.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_economy::Amount;
use alephd_message::{ItemHash, PaymentType};
use alephd_rules::CreditKind;
use alephd_store::{
    Reader, StoreError,
    read::{
        CostQuery, CostRow, CostSums, CreditBalanceQuery, CreditFilter, CreditQuery, CreditRow, CreditSort,
        Order,
    },
};

use super::{kept::Kept, prices::write_lines};
use crate::{
    Api, ApiError, Routes, body,
    json::Writer,
    params::{CostDetail, CostsQuery},
};

/// How long sums over everybody are kept. They read every bill and every expense.
const OVERALL_FOR: Duration = Duration::from_secs(60);

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    let overall = Arc::new(Overall::default());
    routes.get(
        "/api/v0/costs",
        move |State(api): State<Api>, RawQuery(query): RawQuery| {
            let overall = Arc::clone(&overall);
            async move { costs(&api, &overall, query.as_deref().unwrap_or_default()).await }
        },
    )
}

/// Sums over everybody, by the way of payment.
#[derive(Default)]
struct Overall([Kept<Summary>; PaymentType::ALL.len()]);

#[derive(Clone, Copy, Default)]
struct Summary {
    sums: CostSums,
    consumed: i128,
}

async fn costs(api: &Api, overall: &Overall, query: &str) -> Result<Response, ApiError> {
    let query = CostsQuery::parse(query)?;
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
    let summary = match &ask {
        None => Summary::default(),
        Some(ask) if ask.owner.is_none() && ask.item_hash.is_none() => {
            let kept = &overall.0[usize::from(ask.payment.index())];
            kept.get(api.clock.monotonic(), OVERALL_FOR, || {
                api.read(|reader| reader.snapshot(|reader| summary(reader, ask, api)))
            })
            .await?
        }
        Some(ask) => api.read(|reader| reader.snapshot(|reader| summary(reader, ask, api)))?,
    };
    let resources = match (&ask, query.detail) {
        (_, CostDetail::Summary) => None,
        (None, CostDetail::Resources | CostDetail::Components) => Some(Resources::default()),
        (Some(ask), CostDetail::Resources | CostDetail::Components) => {
            let offset = (query.page - 1).saturating_mul(query.per_page);
            Some(api.read(|reader| {
                reader.snapshot(|reader| {
                    let rows = reader.cost_list(ask, offset, query.per_page)?;
                    let consumed = consumed_by(reader, &rows)?;
                    Ok(Resources { rows, consumed })
                })
            })?)
        }
    };
    let json = to_json(&query, &summary, resources.as_ref())?;
    Ok(body::json(StatusCode::OK, json))
}

fn summary(reader: &Reader, ask: &CostQuery, api: &Api) -> Result<Summary, StoreError> {
    let sums = reader.cost_sums(ask)?;
    let hash = ask.item_hash.as_ref().map(ItemHash::to_string);
    let consumed = match (&ask.owner, &hash) {
        // Only credits are consumed.
        _ if ask.payment != PaymentType::Credit => 0,
        (Some(owner), hash) => {
            let of_hash = |row: &&CreditRow| hash.is_none() || row.details.origin == *hash;
            spent(expenses(reader, owner)?.iter().filter(of_hash))
        }
        (None, Some(hash)) => i128::from(reader.consumed_credits(hash)?),
        (None, None) => {
            let mut consumed = 0;
            for account in reader.credit_balance_list(&CreditBalanceQuery::default(), api.now())? {
                consumed += spent(expenses(reader, &account.address)?.iter());
            }
            consumed
        }
    };
    Ok(Summary { sums, consumed })
}

/// The expenses that an account was charged with.
fn expenses(reader: &Reader, address: &str) -> Result<Vec<CreditRow>, StoreError> {
    let ask = CreditQuery {
        filter: CreditFilter::default(),
        sort: CreditSort::Time,
        order: Order::Ascending,
    };
    let mut rows = reader.credit_history(address, &ask)?;
    rows.retain(|row| row.kind == CreditKind::Expense);
    Ok(rows)
}

fn spent<'a>(expenses: impl Iterator<Item = &'a CreditRow>) -> i128 {
    expenses.map(|row| i128::from(row.amount.unsigned_abs())).sum()
}

/// A page of bills.
#[derive(Default)]
struct Resources {
    rows: Vec<CostRow>,
    /// Credits by the name of the resource.
    consumed: HashMap<String, i128>,
}

/// What the owners of resources were charged for them so far. Each history is read once: the
/// resources of a page often have one owner.
fn consumed_by(reader: &Reader, rows: &[CostRow]) -> Result<HashMap<String, i128>, StoreError> {
    let mut resources: BTreeMap<&str, HashMap<String, i128>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.payment == PaymentType::Credit) {
        let of_owner = resources.entry(&row.owner).or_default();
        of_owner.insert(row.item_hash.to_string(), 0);
    }
    let mut consumed = HashMap::new();
    for (owner, mut of_owner) in resources {
        for expense in &expenses(reader, owner)? {
            let origin = expense.details.origin.as_ref();
            if let Some(sum) = origin.and_then(|origin| of_owner.get_mut(origin)) {
                *sum += i128::from(expense.amount.unsigned_abs());
            }
        }
        consumed.extend(of_owner);
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
