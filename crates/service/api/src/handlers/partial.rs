//! What a node says that does not keep everything (`docs/protocol/interests.md`).
//!
//! An answer to a question that goes beyond what is kept says so in its headers, and where to ask
//! instead. The bodies are those of any node, so that clients need not know.

use std::collections::BTreeSet;

use alephd_message::Envelope;
use alephd_rules::{Interest, Outline};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use crate::{Api, ApiError};

/// What this node keeps: JSON.
const PARTIAL: HeaderName = HeaderName::from_static("aleph-partial");
/// URLs of nodes that keep more, separated by commas.
const HOLDERS: HeaderName = HeaderName::from_static("aleph-holders");
/// Most nodes that are named.
const NAMED: usize = 8;
/// Routes about messages and what follows from them, with the type that they are about.
const ROUTES: [(&str, Option<&str>); 4] = [
    ("/api/v0/messages", None),
    ("/api/v0/posts", Some("POST")),
    ("/api/v1/posts", Some("POST")),
    ("/api/v0/aggregates", Some("AGGREGATE")),
];

/// Marks answers that may lack something. Nodes that keep everything are left as they are.
pub(super) fn mark(router: Router<Api>, api: &Api) -> Router<Api> {
    match api.settings.interest.is_everything() {
        true => router,
        false => router.layer(from_fn_with_state(api.clone(), annotate)),
    }
}

async fn annotate(State(api): State<Api>, request: Request, next: Next) -> Response {
    let asked = match *request.method() {
        Method::GET | Method::HEAD => asked(request.uri()),
        _ => None,
    };
    let mut response = next.run(request).await;
    let Some(asked) = asked else {
        return response;
    };
    let found_by_name = asked.is_one && response.status() != StatusCode::NOT_FOUND;
    if found_by_name || api.settings.interest.covers(&asked.interest) {
        return response;
    }
    let own = serde_json::to_vec(&api.settings.interest).unwrap_or_default();
    let mut holders = api.network.holders(&asked.interest);
    holders.truncate(NAMED);
    let headers = response.headers_mut();
    // The page that asks may read these as well; the list was made without them.
    if let Some(exposed) = headers.get(header::ACCESS_CONTROL_EXPOSE_HEADERS).cloned() {
        let exposed = [exposed.as_bytes(), b", aleph-partial, aleph-holders"].concat();
        if let Ok(exposed) = HeaderValue::from_bytes(&exposed) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
    for (name, value) in [(PARTIAL, own), (HOLDERS, holders.join(", ").into_bytes())] {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// What a request is about.
#[derive(Debug, PartialEq)]
struct Asked {
    interest: Interest,
    /// Whether it asks for a thing by its name: that is there or not.
    is_one: bool,
}

fn asked(uri: &Uri) -> Option<Asked> {
    let path = uri.path();
    let (prefix, message_type) = ROUTES.iter().find(|(prefix, _)| path.starts_with(prefix))?;
    let mut interest = Interest::default();
    interest.types.extend(message_type.map(str::to_owned));
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let names = match &*name {
            "channels" => &mut interest.channels,
            "addresses" | "owners" => &mut interest.addresses,
            "msgTypes" | "msgType" if message_type.is_none() => &mut interest.types,
            _ => continue,
        };
        names.extend(value.split(',').map(str::to_owned));
    }
    let rest = path.strip_prefix(prefix)?.trim_start_matches('/');
    let rest = rest.strip_suffix(".json").unwrap_or(rest);
    let is_list = rest.is_empty() || rest.starts_with('.') || rest.contains("page/");
    let is_one = !is_list;
    if is_one && *message_type == Some("AGGREGATE") {
        interest.addresses = BTreeSet::from([rest.to_owned()]);
    }
    Some(Asked { interest, is_one })
}

/// Refuses a message that this node neither keeps nor can pass on: it would be lost.
pub(super) fn check_takers(api: &Api, envelope: &Envelope) -> Result<(), ApiError> {
    let settings = &api.settings;
    let content = envelope
        .item_content
        .as_deref()
        .and_then(|text| alephd_message::Content::parse(envelope.message_type, text).ok());
    let outline = Outline::of(envelope, content.as_ref());
    if settings.interest.holds(&outline, &settings.support) || !api.network.view().peers.is_empty() {
        return Ok(());
    }
    Err(ApiError::reason(
        StatusCode::SERVICE_UNAVAILABLE,
        "this node does not keep such messages, and no other node is connected: publish it elsewhere",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(channels: &[&str], addresses: &[&str], types: &[&str]) -> Interest {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Interest {
            channels: set(channels),
            addresses: set(addresses),
            types: set(types),
        }
    }

    #[test]
    fn what_is_asked_for_is_seen() {
        let ask = |uri: &str| asked(&uri.parse().unwrap());
        let list = |interest| {
            Some(Asked {
                interest,
                is_one: false,
            })
        };
        let one = |interest| {
            Some(Asked {
                interest,
                is_one: true,
            })
        };
        assert_eq!(
            ask("/api/v0/messages.json?channels=A,B&msgType=POST"),
            list(interest(&["A", "B"], &[], &["POST"]))
        );
        assert_eq!(
            ask("/api/v0/posts.json?addresses=0x1&page=2"),
            list(interest(&[], &["0x1"], &["POST"]))
        );
        assert_eq!(ask("/api/v0/messages/abc"), one(Interest::default()));
        assert_eq!(
            ask("/api/v0/aggregates/0x1.json?keys=k"),
            one(interest(&[], &["0x1"], &["AGGREGATE"]))
        );
        assert_eq!(ask("/api/v0/info"), None);
    }
}
