//! Access from web pages of any origin.
//!
//! Every route may be called from everywhere: the origin of the page is echoed, never `*`, and all
//! headers of the answer are readable. Credentials are never allowed and nothing is cached. Paths
//! and methods without a route get none of this, so a page sees a network error there.

use std::collections::BTreeSet;

use axum::{
    body::HttpBody as _,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::ApiError;

/// Headers that pages may always read.
const ALWAYS_READABLE: [HeaderName; 6] = [
    header::CACHE_CONTROL,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::PRAGMA,
];

/// Adds the headers of an actual request to its answer.
pub(crate) async fn annotate(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.run(request).await;
    if let Some(origin) = origin {
        let exposed = exposed(&response);
        let headers = response.headers_mut();
        if let Ok(exposed) = HeaderValue::try_from(exposed) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// The names of all headers that the answer will have, as a list.
fn exposed(response: &Response) -> String {
    let mut names: BTreeSet<String> = response
        .headers()
        .keys()
        .filter(|name| !ALWAYS_READABLE.contains(name))
        .map(capitalised)
        .collect();
    // These two are added on the way out, after this layer.
    names.insert(capitalised(&header::DATE));
    if response.body().size_hint().exact().is_some() {
        names.insert(capitalised(&header::CONTENT_LENGTH));
    }
    names.into_iter().collect::<Vec<_>>().join(",")
}

/// `Content-Length` for `content-length`.
fn capitalised(name: &HeaderName) -> String {
    let mut start = true;
    let letter = |letter: char| {
        let letter = if start {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        start = letter == '-';
        letter
    };
    name.as_str().chars().map(letter).collect()
}

/// Answers the question whether a page may send a request to a path with these methods.
pub(crate) fn preflight(methods: &BTreeSet<String>, headers: &HeaderMap) -> Response {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return refuse("origin header is not specified in the request");
    };
    let Some(method) = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD) else {
        return refuse("'Access-Control-Request-Method' header is not specified");
    };
    let asked = method.to_str().unwrap_or_default();
    if !methods.contains(&asked.to_ascii_uppercase()) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        return refuse(&format!(
            "request method '{asked}' is not allowed for '{origin}' origin"
        ));
    }
    let mut response = StatusCode::OK.into_response();
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    let asked = headers
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .and_then(|value| value.to_str().ok());
    let names: Vec<_> = asked
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim_matches([' ', '\t']).to_ascii_uppercase())
        .filter(|name| !name.is_empty())
        .collect();
    if let Ok(names) = HeaderValue::try_from(names.join(","))
        && !names.is_empty()
    {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    response
}

fn refuse(why: &str) -> Response {
    ApiError::text(
        StatusCode::FORBIDDEN,
        format!("CORS preflight request failed: {why}"),
    )
    .into_response()
}

/// The methods of a path as the `Allow` header lists them.
pub(crate) fn allow(methods: &BTreeSet<String>) -> String {
    methods.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// The methods of a path with a handler for each of `handled`.
pub(crate) fn methods(handled: &[Method]) -> BTreeSet<String> {
    let mut methods: BTreeSet<_> = handled.iter().map(|method| method.as_str().to_owned()).collect();
    if methods.contains("GET") {
        methods.insert("HEAD".to_owned());
    }
    methods.insert("OPTIONS".to_owned());
    methods
}
