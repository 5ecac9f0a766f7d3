//! Directories: their page, or a listing of them.

use std::fmt::Write as _;

use alephd_cid::AnyCid;
use alephd_content::{Content, ContentError};
use alephd_unixfs::Entry;
use axum::{body::Body, http::header, response::Response};
use futures_util::TryStreamExt as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    answer::Answer,
    failure::Failure,
    file::{self, Served},
    request::Asked,
    text,
};
use crate::{Api, handlers::storage::range::Asked as Part};

/// The page of a directory that has one.
const INDEX: &str = "index.html";
/// Entries in a page of a listing. Nothing is looked up for an entry, so a page is a few blocks.
const PAGE: u64 = 1000;
/// Changes with the look of listings, so that cached ones are asked for again.
const LOOK: &str = "1";
/// Listings run nothing and load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

pub(super) async fn serve(
    api: &Api,
    asked: &Asked,
    roots: &[AnyCid],
    cid: &AnyCid,
) -> Result<Response, Failure> {
    let content = &api.content;
    if !asked.slash {
        // Links in pages are relative to the directory, which browsers tell by the slash.
        let mut url = asked.url();
        url.push('/');
        if let Some(query) = &asked.query {
            let _cannot_fail = write!(url, "?{query}");
        }
        return Ok(Answer::new(asked, roots).redirect(&url));
    }
    if let Some((index, size)) = file::page(content, cid, INDEX).await? {
        let served = Served {
            cid: &index,
            known_as: cid,
            name: Some(asked.filename.as_deref().unwrap_or(INDEX)),
            size,
        };
        return file::file(api, asked, roots, &served).await;
    }
    let own = format!("\"DirIndex-{LOOK}_CID-{cid}\"");
    let mut answer = Answer::new(asked, roots);
    answer.set_generated();
    answer.set(header::ETAG, &own);
    // Some clients keep a listing under the name of its directory.
    if answer.is_known(&[&own, &format!("\"{cid}\"")]) {
        return Ok(answer.unchanged());
    }
    answer.set(header::CONTENT_TYPE, "text/html; charset=utf-8");
    answer.set(header::CONTENT_SECURITY_POLICY, POLICY);
    let (entries, more) = entries(content, cid, asked.page).await?;
    let page = render(asked, cid, &entries, more).into_string();
    let size = page.len() as u64;
    Ok(answer.send(&Part::Whole, size, Body::from(page)))
}

/// The entries of a page, and whether there are more.
async fn entries(content: &Content, cid: &AnyCid, page: u64) -> Result<(Vec<Entry>, bool), ContentError> {
    let (first, end) = ((page - 1) * PAGE, page * PAGE);
    let mut listing = content.entries(cid);
    let (mut entries, mut place) = (Vec::new(), 0);
    let mut more = false;
    while let Some(entry) = listing.try_next().await? {
        more = place == end;
        if more {
            break;
        }
        if place >= first {
            entries.push(entry);
        }
        place += 1;
    }
    // A sharded directory has the order of hashes; what is shown whole has a better one.
    if page == 1 && !more {
        entries.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok((entries, more))
}

fn render(asked: &Asked, cid: &AnyCid, entries: &[Entry], more: bool) -> Markup {
    let here = text::url(&asked.root, &asked.path.segments);
    let shown = text::shown(&format!("/ipfs/{}/{}", asked.root, asked.path.segments.join("/")));
    let page = |page: u64| format!("?page={page}");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Index of " (shown) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                header {
                    h1 { "Index of " (crumbs(asked)) }
                    p.cid { (cid) }
                }
                table {
                    thead { tr { th { "Name" } th { "CID" } th.size { "Size" } } }
                    tbody {
                        @if !asked.path.segments.is_empty() {
                            tr { td colspan="3" { a href=(format!("{here}/..")) { ".." } } }
                        }
                        @for entry in entries { (row(&here, entry)) }
                    }
                }
                @if entries.is_empty() { p.empty { "No entries." } }
                nav {
                    @if asked.page > 1 { a href=(page(asked.page - 1)) rel="prev" { "Previous" } }
                    @if more { a href=(page(asked.page + 1)) rel="next" { "More entries" } }
                }
                footer {
                    "Sizes count all blocks, as the directory states them. The same as "
                    a href="?format=car" { "CAR" } ", " a href="?format=tar" { "tar" } ", "
                    a href="?format=raw" { "block" } "."
                }
            }
        }
    }
}

/// The path with a link for each name in it.
fn crumbs(asked: &Asked) -> Markup {
    let mut url = format!("/ipfs/{}", asked.root);
    let root = url.clone();
    let links = asked.path.segments.iter().map(|name| {
        url.push('/');
        text::encode(&mut url, name);
        (url.clone(), name)
    });
    html! {
        "/ipfs/" a href=(root) { (asked.root) }
        @for (url, name) in links { "/" a href=(url) { (text::shown(name)) } }
    }
}

fn row(here: &str, entry: &Entry) -> Markup {
    let name = String::from_utf8_lossy(&entry.name);
    let cid = entry.cid.to_string();
    // A name that no path can have is reached by the CID.
    let has_path = !matches!(&*name, "" | "." | "..")
        && !name.contains('/')
        && matches!(name, std::borrow::Cow::Borrowed(_));
    let own = format!("/ipfs/{cid}?filename={}", text::encoded(&name));
    let href = if has_path {
        format!("{here}/{}", text::encoded(&name))
    } else {
        own.clone()
    };
    let (start, end) = (cid.get(..8), cid.get(cid.len().saturating_sub(6)..));
    let short = match (start, end) {
        (Some(start), Some(end)) if cid.len() > 20 => format!("{start}…{end}"),
        _ => cid.clone(),
    };
    html! {
        tr {
            td { a href=(href) { (text::shown(&name)) } }
            td { a.cid translate="no" title=(cid) href=(own) { (short) } }
            td.size { @if let Some(size) = entry.tsize { (text::size(size)) } }
        }
    }
}
