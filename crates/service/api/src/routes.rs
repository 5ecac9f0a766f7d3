//! The table of routes, and what holds for all of them.
//!
//! A router knows which paths it serves but not, for a given path, which methods; the answers to
//! wrong methods and to preflights need that. [`Routes`] therefore collects handlers by path and
//! becomes a router at the end:
//!
//! - `GET` handlers also answer `HEAD`, unless a handler for `HEAD` was given.
//! - `OPTIONS` answers the preflights of web pages; actual requests get their headers (see
//!   the table in `docs/protocol/http.md`), failed ones too.
//! - A method without handler gets `405` with the list of methods, a path without route gets
//!   `404`; neither is open to web pages.
//! - A handler that panics costs its own request only.
//! - Extractors of whole bodies stop at [`crate::body::DEFAULT_LIMIT`]. Handlers that answer with
//!   the right text at the limit, or have another one, use [`crate::body::read`].

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter},
};
use futures_util::FutureExt as _;

use crate::{ApiError, body, cors, error};

/// Handlers by path and method.
pub struct Routes<S = ()> {
    paths: Vec<Path<S>>,
}

struct Path<S> {
    path: String,
    methods: Vec<Method>,
    handlers: MethodRouter<S, Infallible>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { paths: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `GET` and, unless [`Routes::head`] is used for the same path, `HEAD`.
    #[must_use]
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on(Method::GET, MethodFilter::GET, path, handler)
    }

    /// Serves `HEAD` by a handler of its own.
    #[must_use]
    pub fn head<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on(Method::HEAD, MethodFilter::HEAD, path, handler)
    }

    /// Serves `POST`.
    #[must_use]
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on(Method::POST, MethodFilter::POST, path, handler)
    }

    fn on<H: Handler<T, S>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &str,
        handler: H,
    ) -> Self {
        let at = self
            .paths
            .iter()
            .position(|known| known.path == path)
            .unwrap_or_else(|| {
                let handlers = MethodRouter::new();
                self.paths.push(Path {
                    path: path.to_owned(),
                    methods: Vec::new(),
                    handlers,
                });
                self.paths.len() - 1
            });
        let entry = &mut self.paths[at];
        entry.handlers = std::mem::take(&mut entry.handlers).on(filter, handler);
        entry.methods.push(method);
        self
    }

    /// The paths with their methods, for the OpenAPI document and for tests of completeness.
    pub fn table(&self) -> impl Iterator<Item = (&str, &[Method])> {
        self.paths
            .iter()
            .map(|entry| (entry.path.as_str(), entry.methods.as_slice()))
    }

    /// The finished router.
    ///
    /// # Panics
    ///
    /// When two routes collide: routes are fixed in the program, so a test finds it.
    pub fn into_router(self) -> Router<S> {
        let mut router = Router::new();
        for entry in self.paths {
            let methods = Arc::new(cors::methods(&entry.methods));
            let allowed = cors::allow(&methods);
            let preflight = move |headers: HeaderMap| {
                let methods = Arc::clone(&methods);
                async move { cors::preflight(&methods, &headers) }
            };
            let refuse = move || {
                let allowed = allowed.clone();
                async move {
                    let error = ApiError::status(StatusCode::METHOD_NOT_ALLOWED);
                    ([(header::ALLOW, allowed)], error).into_response()
                }
            };
            // The two added last are outside of the layers.
            let handlers = entry
                .handlers
                .layer(from_fn(contain))
                .layer(from_fn(cors::annotate))
                .options(preflight)
                .fallback(refuse);
            router = router.route(&entry.path, handlers);
        }
        let limit = usize::try_from(body::DEFAULT_LIMIT).unwrap_or(usize::MAX);
        router
            .fallback(|| async { ApiError::status(StatusCode::NOT_FOUND) })
            .layer(DefaultBodyLimit::max(limit))
    }
}

/// Turns a panic of a handler into the answer for internal errors.
async fn contain(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!(path, panic = describe(panic.as_ref()), "handler panicked");
            error::internal_response()
        }
    }
}

fn describe(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
