//! Posts, in both versions of the list.
//!
//! A post is an original with its latest revision. Version 0 mixes the two into one object that
//! looks like a message; version 1 names what belongs to which.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_store::read::{PostFilter, PostRow, Sort};

use super::{
    messages::{next_cursor, order_of, path_page, sort_of, total_of, write_paging},
    rows,
};
use crate::{
    Api, ApiError, Routes, body,
    cursor::TimeCursor,
    json::Writer,
    params::{Paging, PostsQuery},
    render,
};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/posts.json", list_v0)
        .get("/api/v0/posts/page/{page}", page_v0)
        .get("/api/v1/posts.json", list_v1)
        .get("/api/v1/posts/page/{page}", page_v1)
}

/// Writes one post.
type Item = fn(&mut Writer, &PostRow);

async fn list_v0(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    list(&api, query.as_deref(), None, item_v0)
}

async fn page_v0(
    State(api): State<Api>,
    Path(page): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    list(&api, query.as_deref(), Some(path_page(&page)?), item_v0)
}

async fn list_v1(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    list(&api, query.as_deref(), None, item_v1)
}

async fn page_v1(
    State(api): State<Api>,
    Path(page): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    list(&api, query.as_deref(), Some(path_page(&page)?), item_v1)
}

fn list(api: &Api, query: Option<&str>, page: Option<&str>, item: Item) -> Result<Response, ApiError> {
    let query = PostsQuery::parse_at(query.unwrap_or_default(), page)?;
    let filter = filter_of(&query);
    let window = rows::window_within(&query.paging);
    let sort = if query.paging.is_cursor() {
        Sort::Time
    } else {
        sort_of(query.sort_by)
    };
    let order = order_of(query.sort_order);
    let (mut posts, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let posts = reader.post_list(&filter, sort, order, &window)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => {
                    total_of(*page, *per_page, posts.len(), || reader.post_count(&filter))?
                }
                Paging::Cursor { .. } => 0,
            };
            Ok((posts, total))
        })
    })?;
    rows::check(posts.len())?;
    let next = next_cursor(&query.paging, &mut posts, |post| TimeCursor {
        time: post.updated,
        hash: post.original.item_hash.clone(),
    });
    let size: usize = posts
        .iter()
        .map(|post| post.latest.content().map_or(0, str::len))
        .sum();
    let mut out = Writer::with_capacity(2 * size + 900 * posts.len() + 256);
    out.begin_object();
    out.key("posts").begin_array();
    for post in &posts {
        item(&mut out, post);
    }
    out.end_array();
    write_paging(&mut out, &query.paging, "posts", total, next.as_deref());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn filter_of(query: &PostsQuery) -> PostFilter {
    PostFilter {
        owners: query.owners.clone(),
        hashes: query.hashes.clone(),
        references: query.refs.clone(),
        types: query.types.clone(),
        tags: query.tags.clone(),
        channels: query.channels.clone(),
        start: query.dates.start,
        end: query.dates.end,
    }
}

fn item_v0(out: &mut Writer, post: &PostRow) {
    let PostRow { original, latest, .. } = post;
    let original_hash = original.item_hash.to_string();
    out.begin_object();
    out.key("chain").text(original.chain.as_str());
    out.key("item_hash").text(&latest.item_hash.to_string());
    // Not who signed it, although clients call it so.
    out.key("sender").text(&original.owner);
    out.key("type")
        .text(latest.label.as_deref().unwrap_or(&original.post_type));
    out.key("channel").text_or_null(original.channel.as_deref());
    out.key("confirmed").bool(!latest.confirmations.is_empty());
    write_content(out, post);
    out.key("item_content").text_or_null(latest.item_content());
    out.key("item_type").text(latest.item_type.as_str());
    out.key("signature").text_or_null(latest.signature.as_deref());
    out.key("size").int(latest.size);
    out.key("time").seconds(latest.time);
    out.key("confirmations");
    render::confirmations(out, &latest.confirmations);
    out.key("original_item_hash").text(&original_hash);
    out.key("original_signature")
        .text_or_null(original.signature.as_deref());
    out.key("original_type").text(&original.post_type);
    out.key("hash").text(&original_hash);
    out.key("address").text(&original.owner);
    out.key("ref").text_or_null(original.reference.as_deref());
    out.end_object();
}

fn item_v1(out: &mut Writer, post: &PostRow) {
    let PostRow { original, latest, .. } = post;
    out.begin_object();
    out.key("item_hash").text(&latest.item_hash.to_string());
    write_content(out, post);
    out.key("original_item_hash")
        .text(&original.item_hash.to_string());
    out.key("original_type").text(&original.post_type);
    out.key("address").text(&original.owner);
    out.key("ref").text_or_null(original.reference.as_deref());
    out.key("channel").text_or_null(original.channel.as_deref());
    out.key("created").text(&original.created.iso_offset());
    out.key("last_updated").text(&post.updated.iso_offset());
    out.end_object();
}

fn write_content(out: &mut Writer, post: &PostRow) {
    let content = post.latest.content().and_then(render::user_content);
    out.key("content")
        .raw(content.as_ref().map_or("null", |json| json.get()));
}
