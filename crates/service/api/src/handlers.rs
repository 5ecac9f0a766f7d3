//! The routes of the node. Each module owns one family: it parses, asks, and writes.

mod accounts;
mod aggregates;
mod authorizations;
mod costs;
mod docs;
mod gateway;
mod info;
mod kept;
mod ledger;
mod message;
mod messages;
mod nodes;
mod page;
mod partial;
mod posts;
mod prices;
mod programs;
mod publish;
mod rows;
mod scoring;
mod sockets;
mod storage;
mod uploads;

use axum::Router;

use crate::{Api, Routes};

/// All routes, with their methods.
pub fn table() -> Routes<Api> {
    let routes = Routes::new();
    let routes = messages::routes(routes);
    let routes = message::routes(routes);
    let routes = publish::routes(routes);
    let routes = posts::routes(routes);
    let routes = aggregates::routes(routes);
    let routes = authorizations::routes(routes);
    let routes = accounts::routes(routes);
    let routes = ledger::routes(routes);
    let routes = prices::routes(routes);
    let routes = costs::routes(routes);
    let routes = uploads::routes(routes);
    let routes = storage::routes(routes);
    let routes = gateway::routes(routes);
    let routes = programs::routes(routes);
    let routes = scoring::routes(routes);
    let routes = info::routes(routes);
    let routes = nodes::routes(routes);
    let routes = sockets::routes(routes);
    let routes = docs::routes(routes);
    page::routes(routes)
}

/// The API of a node, ready to be served.
pub fn router(api: Api) -> Router {
    let router = partial::mark(table().into_router(), &api);
    gateway::open(router).with_state(api)
}
