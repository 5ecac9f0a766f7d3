//! Bills as clients read them: the recorded ones, and those that are made on request.

use std::{borrow::Cow, collections::HashMap};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use alephd_economy::{
    Amount,
    cost::{self, CostFile, Costs, Demand},
};
use alephd_message::PaymentType;
use alephd_store::{Reader, StoreError, read::CostRow};

use crate::{Api, ApiError, json::Writer};

/// What a message costs.
pub(in crate::handlers) struct Bill {
    owner: String,
    payment: PaymentType,
    /// In the currency of the payment.
    total: Amount,
    /// JSON, with sizes.
    lines: String,
}

impl From<CostRow> for Bill {
    fn from(row: CostRow) -> Self {
        Self {
            owner: row.owner,
            payment: row.payment,
            total: Amount::from_units(row.total),
            lines: row.lines,
        }
    }
}

impl From<&Costs> for Bill {
    fn from(costs: &Costs) -> Self {
        let lines: Vec<Value> = costs.lines.iter().map(|line| line.to_json(true)).collect();
        Self {
            owner: costs.owner.clone(),
            payment: costs.payment,
            total: costs.total,
            lines: Value::from(lines).to_string(),
        }
    }
}

impl Bill {
    /// The answer of the price routes.
    pub(in crate::handlers) fn to_json(&self, with_sizes: bool) -> Result<String, ApiError> {
        let mut out = Writer::with_capacity(self.lines.len() + 256);
        out.begin_object();
        out.key("charged_address").text(&self.owner);
        out.key("cost").text(&self.total.to_string());
        out.key("detail");
        write_lines(&mut out, &self.lines, with_sizes)?;
        out.key("payment_type").text(self.payment.as_str());
        out.key("required_tokens").float(self.total.to_f64());
        out.end_object();
        Ok(out.finish())
    }
}

/// A line as it is recorded. The size is copied and not read, so that no digit changes.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    cost_hold: Cow<'a, str>,
    #[serde(borrow)]
    cost_stream: Cow<'a, str>,
    #[serde(borrow)]
    cost_credit: Cow<'a, str>,
    #[serde(borrow)]
    size_mib: Option<&'a RawValue>,
}

/// Writes the lines of a bill; without sizes the key is there and null.
pub(in crate::handlers) fn write_lines(
    out: &mut Writer,
    lines: &str,
    with_sizes: bool,
) -> Result<(), ApiError> {
    let lines: Vec<Line<'_>> = serde_json::from_str(lines).map_err(ApiError::internal)?;
    out.begin_array();
    for line in &lines {
        out.begin_object();
        out.key("type").text(&line.kind);
        out.key("name").text(&line.name);
        out.key("cost_hold").text(&line.cost_hold);
        out.key("cost_stream").text(&line.cost_stream);
        out.key("cost_credit").text(&line.cost_credit);
        let size = line.size_mib.filter(|_| with_sizes);
        out.key("size_mib").raw(size.map_or("null", RawValue::get));
        out.end_object();
    }
    out.end_array();
    Ok(())
}

/// What a demand costs by the files and the prices of now.
pub(super) fn costs_now(api: &Api, demand: &Demand) -> Result<Costs, ApiError> {
    let sizes = api.read(|reader| reader.snapshot(|reader| sizes(reader, demand)))?;
    let costs = cost::costs(demand, &*api.prices()?, &|file| sizes.get(file).copied());
    costs.map_err(|error| ApiError::reason(StatusCode::NOT_FOUND, error.to_string()))
}

fn sizes(reader: &Reader, demand: &Demand) -> Result<HashMap<CostFile, u64>, StoreError> {
    let mut sizes = HashMap::new();
    for file in demand.files() {
        let found = match &file {
            CostFile::Named(name) => reader.file_get(name)?,
            CostFile::Stored { store, latest } => {
                let tagged = match latest {
                    true => reader.file_by_tag(&store.to_string())?,
                    false => None,
                };
                let stored = match tagged {
                    Some(tagged) => Some(tagged),
                    // Not the first of its revisions, or known by a name that its owner chose.
                    None => reader.file_by_message(store)?,
                };
                stored.map(|stored| stored.file)
            }
        };
        if let Some(found) = found {
            sizes.insert(file, found.size);
        }
    }
    Ok(sizes)
}
