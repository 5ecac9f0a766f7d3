//! Whether who uploads a file with a STORE can pay for it, asked before the file is kept.
//!
//! The pipeline asks again when it judges the message, and that verdict counts. This one protects
//! the disk: with a STORE an upload may be larger than without one, so the STORE has to be one that
//! will be accepted. For the same reason small files are not exempt here, as they are there: who
//! has nothing uploads the file alone.

use axum::http::StatusCode;

use alephd_economy::{
    Amount,
    admission::{self, Check, Sent},
    cost::{self, Mib},
};
use alephd_message::PaymentType;
use alephd_store::{Reader, StoreError, read::CostQuery};

use super::metadata::Metadata;
use crate::{Api, ApiError, handlers::ledger};

const MIB: u64 = 1 << 20;

/// Refuses an upload of `size` bytes that its owner cannot pay for.
pub(super) fn check(api: &Api, upload: &Metadata, size: u64) -> Result<(), ApiError> {
    let unpaid = || ApiError::status(StatusCode::PAYMENT_REQUIRED);
    let size = Mib::from_mib(size.div_ceil(MIB));
    let demand = upload.demand.clone().with_file_size(size);
    let costs = cost::costs(&demand, &*api.prices()?, &|_| None).map_err(|error| {
        tracing::warn!(%error, "an upload has no price");
        unpaid()
    })?;
    if costs.total <= Amount::ZERO {
        return Ok(());
    }
    let sent = Sent {
        time: upload.time,
        height: None,
    };
    let money = &api.settings.money;
    let check = match admission::check(money, &demand, &costs, sent).map_err(|_| unpaid())? {
        Check::None | Check::Hold { .. }
            if demand.payment == PaymentType::Hold && sent.time >= money.cost_time =>
        {
            Check::Hold { needed: costs.total }
        }
        check => check,
    };
    if check == Check::None {
        return Ok(());
    }
    let name = &upload.envelope.item_hash;
    let (is_known, balance, recorded) = api.read(|reader| {
        reader.snapshot(|reader| {
            let (balance, recorded) = means(api, reader, &demand.owner, demand.payment)?;
            Ok((reader.cost_get(name)?.is_some(), balance, recorded))
        })
    })?;
    // Sent again: its cost is among the recorded ones.
    if is_known {
        return Ok(());
    }
    check.against(balance, recorded).map_err(|_| unpaid())
}

/// What an account has, and what its messages need of it.
fn means(
    api: &Api,
    reader: &Reader,
    owner: &str,
    payment: PaymentType,
) -> Result<(Amount, Amount), StoreError> {
    let sums = reader.cost_sums(&CostQuery {
        payment,
        owner: Some(owner.to_owned()),
        item_hash: None,
    })?;
    Ok(match payment {
        PaymentType::Hold => {
            let holdings = ledger::holdings(api, reader, owner, None)?;
            let amounts = holdings.iter().filter_map(|row| Amount::parse(&row.balance).ok());
            let balance = amounts.fold(Amount::ZERO, Amount::saturating_add);
            (balance, Amount::from_units(sums.hold))
        }
        PaymentType::Credit => {
            let credits = reader.credit_balance(owner, api.now())?;
            (Amount::from_whole(credits), Amount::from_units(sums.credit))
        }
        // Watched by who is paid that way.
        PaymentType::Superfluid => (Amount::MAX, Amount::ZERO),
    })
}
