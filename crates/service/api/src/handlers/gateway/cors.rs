//! Access from web pages, as gateways give it.
//!
//! Other routes echo the origin of the page that asks. Content is cached for months, by caches
//! between many pages and the node, so here the answer is the same for all of them: `*`.

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse as _, Response},
};

const OPEN: [(HeaderName, HeaderValue); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, OPTIONS"),
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Accept, Cache-Control, Content-Type, If-None-Match, If-Range, Range, User-Agent, X-Requested-With",
        ),
    ),
    // The two of streams are sent by other gateways; clients look whether they could be.
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "Accept-Ranges, Content-Disposition, Content-Length, Content-Location, Content-Range, Etag, \
             Ipfs-Uri, X-Chunked-Output, X-Content-Type-Options, X-Ipfs-Path, X-Ipfs-Roots, X-Stream-Output",
        ),
    ),
];

/// Opens the gateway to pages of any origin, and leaves the other routes as they are.
pub(in crate::handlers) fn open<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(from_fn(annotate))
}

async fn annotate(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/ipfs/") && !path.starts_with("/ipns/") {
        return next.run(request).await;
    }
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in OPEN {
        headers.insert(name, value);
    }
    // Errors quote the path.
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
