//! What all pages have in common.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::Api;

/// What the browser may do with a page: show it, apply our style, run our script, send our form
/// back to us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A part of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Messages,
    Waiting,
    Accounts,
    Storage,
    Peers,
    None,
}

/// How a page stays current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// By itself: a script replaces `#live`, or without scripts the page loads again.
    Live,
    /// Not at all.
    Still,
}

/// A whole page.
pub(super) fn page(
    api: &Api,
    status: StatusCode,
    title: &str,
    section: Section,
    refresh: Refresh,
    content: &Markup,
) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · alephd" }
                link rel="icon" href=(ICON);
                link rel="stylesheet" href="/explore/style.css";
                @if refresh == Refresh::Live {
                    script src="/explore/live.js" defer {}
                    noscript { meta http-equiv="refresh" content="30"; }
                }
            }
            body {
                a.skip href="#content" { "Skip to content" }
                header.top {
                    div.inner {
                        a.brand href="/" { span.glyph aria-hidden="true" { "ℵ" } "alephd" }
                        span.network title="network" { (api.settings.network) }
                        nav aria-label="Main" {
                            (entry("/", "Overview", section == Section::Overview))
                            (entry("/explore", "Messages", section == Section::Messages))
                            (entry("/explore/waiting", "Waiting", section == Section::Waiting))
                            (entry("/explore/accounts", "Accounts", section == Section::Accounts))
                            (entry("/explore/storage", "Storage", section == Section::Storage))
                            (entry("/peers", "Peers", section == Section::Peers))
                            (entry("/api/docs", "API", false))
                        }
                    }
                }
                main #content { (content) }
                footer {
                    p {
                        "alephd, a core node of the Aleph network. Speaks the interface of version "
                        (api.settings.version) ". "
                        a href="/metrics" { "Metrics" } " · "
                        a href="/api/v0/info/public.json" { "Addresses" } " · "
                        a href="/api/docs" { "API" }
                    }
                }
            }
        }
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, page.into_string()).into_response()
}

/// A page that says that there is nothing.
pub(super) fn missing(api: &Api, status: StatusCode, title: &str, explanation: &str) -> Response {
    let content = html! {
        h1 { (title) }
        p.lead { (explanation) }
        p { a href="/explore" { "Look for another message" } }
    };
    page(api, status, title, Section::None, Refresh::Still, &content)
}

/// A page that says that a list has no such page.
pub(super) fn no_such_page(api: &Api, first: &str) -> Response {
    let content = html! {
        h1 { "That is no page of this list" }
        p { a href=(first) { "First page" } }
    };
    page(
        api,
        StatusCode::BAD_REQUEST,
        "No such page",
        Section::None,
        Refresh::Still,
        &content,
    )
}

fn entry(href: &str, name: &str, here: bool) -> Markup {
    html! { a href=(href) aria-current=[here.then_some("page")] { (name) } }
}

/// An aleph on the colour of the site.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E\
    %3Crect width='32' height='32' rx='7' fill='%233b4fe0'/%3E\
    %3Ctext x='16' y='24' font-size='23' text-anchor='middle' fill='white'%3E%E2%84%B5%3C/text%3E%3C/svg%3E";
