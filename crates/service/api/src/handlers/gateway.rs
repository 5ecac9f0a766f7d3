//! The IPFS gateway: `/ipfs/{cid}/path`, for browsers and for clients that trust nobody.
//!
//! ```text
//!   request ─▶ Asked (path, format, ranges) ─▶ the CIDs on the path ─▶ file │ directory
//!                                                                    ─▶ block │ CAR │ tar
//! ```
//!
//! Browsers get files and pages; verifying clients ask for blocks (`format=raw`) or archives of
//! them (`format=car`) and check every byte themselves. The node answers from what it holds:
//! `Content::block` is the one place where a block is looked for.
//!
//! # Content is hostile
//!
//! Anyone can store a page, and a path gateway serves it from the origin of the node, where the
//! pages at `/` live. Four things keep it from acting there:
//!
//! - What a browser could run as a page is sent with `Content-Security-Policy: sandbox` without
//!   `allow-same-origin`. It works, with scripts, but in an origin of its own: no storage, cookies
//!   or pages of the node, and its requests are those of a stranger.
//! - `X-Content-Type-Options: nosniff` everywhere, so that the type stated is the type that counts.
//! - No service workers: one that controls `/ipfs/` would see and change everything below it.
//! - Scripts, styles and plug-ins are refused to pages of the node itself
//!   ([`is_asked_by_own_pages`]). A sandboxed page is not of this origin, so only a page of the node
//!   with injected markup would ask.
//!
//! Gateways with a name for each CID (`<cid>.ipfs.host`) do without the sandbox; they are not here.
//!
//! # Bounds
//!
//! | what | bound |
//! |---|---|
//! | path | 4,096 bytes, 256 names |
//! | bytes looked at for a type | 3,072 |
//! | entries in a page of a listing | 1,000; 2,000 pages |
//! | archive with repeated blocks | as the largest archive that can be uploaded |
//! | tar | four times that |
//!
//! Protocol: `docs/protocol/ipfs.md`, section *Gateway*.

mod accept;
mod answer;
mod car;
mod cors;
mod directory;
mod failure;
mod file;
mod media;
mod request;
mod text;

use alephd_cid::AnyCid;
use alephd_content::{Content, ContentError};
use alephd_unixfs::IpfsPath;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use self::{accept::Format, failure::Failure, request::Asked};
use crate::{Api, ApiError, Routes};

pub(super) use cors::open;

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes.get("/ipfs/{*path}", ipfs).get("/ipns/{*path}", ipns)
}

/// Names that change are looked up with peers, and there are none.
async fn ipns() -> ApiError {
    ApiError::text(
        StatusCode::NOT_IMPLEMENTED,
        "This node does not look up IPNS or DNSLink names; ask for /ipfs/{cid}",
    )
}

async fn ipfs(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Result<Response, ApiError> {
    if headers.contains_key("service-worker") {
        return Err(ApiError::bad_request("Service workers cannot come from here"));
    }
    if is_asked_by_own_pages(&headers) {
        let text = "Pages of the node do not take code from stored content";
        return Err(ApiError::text(StatusCode::FORBIDDEN, text));
    }
    let asked = Asked::read(&uri, headers)?;
    let answer = answer(&api, &asked).await;
    answer.map_err(|failure| failure.into_api_error(asked.only_if_cached))
}

async fn answer(api: &Api, asked: &Asked) -> Result<Response, Failure> {
    let roots = follow(&api.content, &asked.path).await?;
    match asked.format {
        Some(Format::Raw) => file::block(api, asked, &roots).await,
        Some(Format::Car) => car::archive(api, asked, &roots).await,
        Some(Format::Tar) => file::tar(api, asked, &roots).await,
        Some(Format::IpnsRecord) => {
            let text = "IPNS records belong to /ipns/, this is a path of /ipfs/";
            Err(ApiError::bad_request(text).into())
        }
        None | Some(Format::Json | Format::DagJson | Format::Cbor | Format::DagCbor) => {
            file::content(api, asked, &roots).await
        }
    }
}

/// The CIDs on a path, one for the root and one for each name.
async fn follow(content: &Content, path: &IpfsPath) -> Result<Vec<AnyCid>, ContentError> {
    let mut at = path.root.clone();
    let mut roots = vec![at.clone()];
    for name in &path.segments {
        let step = IpfsPath {
            root: at,
            segments: vec![name.clone()],
        };
        at = content.resolve(step).await?;
        roots.push(at.clone());
    }
    Ok(roots)
}

/// Whether a page of this origin wants something that would act in it. Browsers say so; whoever
/// leaves the headers out is no browser and runs nothing.
fn is_asked_by_own_pages(headers: &HeaderMap) -> bool {
    const ACTING: [&str; 11] = [
        "audioworklet",
        "embed",
        "manifest",
        "object",
        "paintworklet",
        "script",
        "serviceworker",
        "sharedworker",
        "style",
        "worker",
        "xslt",
    ];
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    value("sec-fetch-site") == Some("same-origin")
        && value("sec-fetch-dest").is_some_and(|wanted| ACTING.contains(&wanted))
}
