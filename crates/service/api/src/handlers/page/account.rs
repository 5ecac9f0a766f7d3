//! One account: what it has, what it stores, and what that costs.

mod tables;

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};

use alephd_economy::Amount;
use alephd_message::PaymentType;
use alephd_store::{
    Reader, StoreError,
    read::{BalanceRow, CostQuery, CostSums, MessageFilter},
};

use super::{
    layout::{self, Refresh, Section},
    list, text,
};
use crate::{Api, ApiError, handlers::ledger};
use tables::{List, Rows};

/// What the page says of an account, at one instant.
struct Account {
    address: String,
    path: String,
    balances: Vec<BalanceRow>,
    credits: i64,
    /// What is paid by holding tokens, and in credits.
    held: CostSums,
    spent: CostSums,
    /// Number and bytes.
    files: (u64, u64),
    owned: u64,
    sent: u64,
    lists: Vec<Rows>,
}

/// `GET /explore/accounts`
pub(super) async fn find(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let address = form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "address")
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default();
    if let Some(path) = text::account_path(&address) {
        return Redirect::to(&path).into_response();
    }
    let content = html! {
        h1 { "Accounts" }
        p.lead { "What an address has in tokens and credits, which files it keeps, and what it pays for." }
        (list::account_form())
        @if !address.is_empty() { p.bad role="alert" { "No address is that long." } }
    };
    let status = match address.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    page(&api, status, "Accounts", &content)
}

/// `GET /explore/accounts/{address}`
pub(super) async fn account(
    State(api): State<Api>,
    Path(address): Path<String>,
) -> Result<Response, ApiError> {
    let Some(path) = text::account_path(&address) else {
        return Ok(unknown(&api, &address));
    };
    let account = api.read(|reader| reader.snapshot(|reader| read(&api, reader, address, path)))?;
    if account.is_empty() {
        return Ok(unknown(&api, &account.address));
    }
    let title = format!("Account {}", text::visible(&text::shorten(&account.address, 16)));
    Ok(page(&api, StatusCode::OK, &title, &content(&api, &account)))
}

/// `GET /explore/accounts/{address}/{list}`
pub(super) async fn list(
    State(api): State<Api>,
    Path((address, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (Some(path), Some(list)) = (text::account_path(&address), List::named(&name)) else {
        return Ok(unknown(&api, &address));
    };
    let (here, after) = (format!("{path}/{name}"), list::after(query.as_deref()));
    let now = api.now();
    let rows = api.read(|reader| {
        reader.snapshot(|reader| list.read(reader, &address, now, after.as_deref(), list::ROWS))
    })?;
    let Some(rows) = rows else {
        return Ok(layout::no_such_page(&api, &here));
    };
    let next = rows.next().map(|next| list::going_on(&here, &next));
    let content = html! {
        p.crumbs { a href="/explore/accounts" { "Accounts" } " / "
            a.mono href=(path) { (text::foreign(&address, 20)) } " /" }
        h1 { (list.title()) }
        (rows.shown(now))
        (list::pages(after.map(|_| here.as_str()), next.as_deref()))
    };
    Ok(page(&api, StatusCode::OK, list.title(), &content))
}

fn page(api: &Api, status: StatusCode, title: &str, content: &Markup) -> Response {
    layout::page(api, status, title, Section::Accounts, Refresh::Still, content)
}

fn unknown(api: &Api, address: &str) -> Response {
    let content = html! {
        h1 { "This node knows nothing of that address" }
        p.lead { "No message, balance or credit names it. Addresses are compared letter by letter, capitals included." }
        p { code { (text::foreign(address, text::IN_FULL)) } }
        (list::account_form())
    };
    page(api, StatusCode::NOT_FOUND, "Unknown account", &content)
}

fn read(api: &Api, reader: &Reader, address: String, path: String) -> Result<Account, StoreError> {
    let now = api.now();
    let sums = |payment| {
        reader.cost_sums(&CostQuery {
            payment,
            owner: Some(address.clone()),
            item_hash: None,
        })
    };
    let of = || vec![address.clone()];
    let owned = MessageFilter {
        owners: of(),
        ..MessageFilter::default()
    };
    let sent = MessageFilter {
        senders: of(),
        ..MessageFilter::default()
    };
    let mut lists = Vec::with_capacity(List::ALL.len());
    for list in List::ALL {
        lists.extend(list.read(reader, &address, now, None, list::FIRST_ROWS)?);
    }
    Ok(Account {
        balances: ledger::holdings(api, reader, &address, None)?,
        credits: reader.credit_balance(&address, now)?,
        held: sums(PaymentType::Hold)?,
        spent: sums(PaymentType::Credit)?,
        files: reader.files_total(&address)?,
        owned: reader.message_count(&owned)?,
        sent: reader.message_count(&sent)?,
        lists,
        address,
        path,
    })
}

impl Account {
    fn is_empty(&self) -> bool {
        self.balances.is_empty() && self.owned + self.sent == 0 && self.lists.iter().all(Rows::is_empty)
    }

    fn tokens(&self) -> Amount {
        tables::tokens(&self.balances)
    }

    fn locked(&self) -> Amount {
        Amount::from_units(self.held.hold)
    }
}

fn content(api: &Api, account: &Account) -> Markup {
    html! {
        p.crumbs { a href="/explore/accounts" { "Accounts" } " /" }
        h1.hash { code { (text::foreign(&account.address, text::IN_FULL)) } }
        (numbers(account))
        section #tokens {
            h2 { "Tokens" }
            (tokens(account))
        }
        @for (list, rows) in List::ALL.into_iter().zip(&account.lists) {
            section id=(list.name()) {
                h2 { (list.title()) }
                @if list == List::Lots { (credits(account)) }
                (rows.shown(api.now()))
                @if rows.next().is_some() { p { a href={ (account.path) "/" (list.name()) } { "All of them →" } } }
            }
        }
        (plain(account))
    }
}

fn numbers(account: &Account) -> Markup {
    let messages = |role: &str, count: u64| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("address", &account.address)
            .append_pair("role", role)
            .finish();
        html! { a href={ "/explore?" (query) } { (text::number(count)) } }
    };
    let (files, bytes) = account.files;
    let card = |name: &str, value: Markup, note: Markup| html! { div { dt { (name) } dd { (value) } dd.note { (note) } } };
    html! {
        dl.numbers.wide {
            (card("Tokens", text::short_amount(account.tokens()), html! { "ALEPH" }))
            (card("Locked", text::short_amount(account.locked()), html! { "ALEPH, paid by holding" }))
            (card("Credits", html! { (text::number(u64::try_from(account.credits).unwrap_or(0))) }, html! { "left and valid" }))
            (card("Files", html! { (text::number(files)) }, html! { (text::bytes(bytes)) }))
            (card("Messages", messages("owner", account.owned), html! { (messages("sender", account.sent)) " signed by it" }))
        }
    }
}

fn tokens(account: &Account) -> Markup {
    let (all, locked) = (account.tokens(), account.locked());
    let free = all.checked_sub(locked).unwrap_or(Amount::ZERO);
    html! {
        @if locked > Amount::ZERO {
            p {
                @if free.is_negative() {
                    span.bad { (text::amount(-free)) " ALEPH are missing" }
                    " for what is paid by holding: " (text::amount(locked)) " are needed."
                } @else {
                    (text::amount(locked)) " ALEPH are locked, " (text::amount(free)) " are free."
                }
            }
        }
        @if account.balances.is_empty() { p.empty { "No balance was reported." } }
        @else { (tables::balances(&account.balances)) }
    }
}

/// How fast credits go, and how long they last.
fn credits(account: &Account) -> Markup {
    let Ok(rate @ 1..) = u128::try_from(account.spent.credit) else {
        return html! {};
    };
    let left = Amount::from_whole(account.credits).units().unsigned_abs();
    let seconds = u64::try_from(left / rate).unwrap_or(u64::MAX);
    let day = Amount::from_units(account.spent.credit)
        .checked_mul(86_400)
        .unwrap_or(Amount::MAX);
    html! {
        p {
            "The oldest are used first. "
            (text::amount(day)) " credits a day are used: enough for "
            strong { (text::span(std::time::Duration::from_secs(seconds))) } "."
            @if seconds < 86_400 { " " span.bad { "Less than a day's worth: what is paid in credits is given notice." } }
        }
    }
}

/// The same for programs.
fn plain(account: &Account) -> Markup {
    let api = account
        .path
        .replacen("/explore/accounts/", "/api/v0/addresses/", 1);
    html! {
        p.links {
            a href={ (api) "/balance?include_credit_details=true" } { "Plain balance" }
            " · " a href={ (api) "/credit_history" } { "Plain credit history" }
            " · " a href={ (api) "/files" } { "Plain files" }
        }
    }
}
