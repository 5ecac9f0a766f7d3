//! Archives of the blocks that prove an answer.

use alephd_cid::AnyCid;
use alephd_unixfs::{ByteRange, DagScope};
use axum::{body::Body, http::header, response::Response};
use sha2::{Digest as _, Sha256};

use super::{accept::Format, answer::Answer, failure::Failure, file::Found, request::Asked};
use crate::{Api, ApiError};

pub(super) async fn archive(api: &Api, asked: &Asked, roots: &[AnyCid]) -> Result<Response, Failure> {
    let cid = roots.last().unwrap_or(&asked.path.root);
    let options = &asked.export;
    if let Some(range) = &options.bytes
        && let Found::File(size) = Found::at(&api.content, cid).await?
        && is_outside(range, size)
    {
        let text = format!("entity-bytes lies outside of the file, which has {size} bytes");
        return Err(ApiError::bad_request(text).into());
    }
    let tag = tag(asked, cid);
    let mut answer = Answer::new(asked, roots);
    answer.set(header::ETAG, &tag);
    let dups = if options.duplicates { "y" } else { "n" };
    let media = format!("{}; version=1; order=dfs; dups={dups}", Format::Car.media_type());
    answer.set(header::CONTENT_TYPE, &media);
    let name = format!("{cid}.car");
    answer.dispose(true, Some(asked.filename.as_deref().unwrap_or(&name)));
    // With each block sent once, what is stored is the bound.
    let (_, largest_archive, _) = api.settings.ipfs_limits;
    let limit = if options.duplicates {
        largest_archive
    } else {
        u64::MAX
    };
    // The blocks of the path and the one behind it are looked up here, so that an answer without
    // them is a 404.
    let blocks = api
        .content
        .export(asked.path.clone(), options.clone(), limit)
        .await?;
    if answer.is_known(&[&tag]) {
        return Ok(answer.unchanged());
    }
    Ok(answer.stream(Body::from_stream(blocks)))
}

/// Weak, since another version of the node may order blocks otherwise. All that decides which
/// blocks are sent is in it.
fn tag(asked: &Asked, cid: &AnyCid) -> String {
    let options = &asked.export;
    let mut hash = Sha256::new();
    hash.update(asked.path.root.to_bytes());
    for segment in &asked.path.segments {
        hash.update(segment);
        hash.update("/");
    }
    hash.update(match options.scope {
        DagScope::Block => "b",
        DagScope::Entity => "e",
        DagScope::All => "a",
    });
    hash.update([u8::from(options.duplicates)]);
    hash.update(format!("{:?}", options.bytes));
    let hash: String = hash.finalize()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("W/\"{cid}.car.{hash}\"")
}

/// Whether a range that is none in itself empty has no byte of a file.
fn is_outside(range: &ByteRange, size: u64) -> bool {
    let ByteRange::Positions(from, to) = *range else {
        return false;
    };
    let size = i128::from(size);
    let position = |position: i64| i128::from(position) + if position < 0 { size } else { 0 };
    let (from, to) = (position(from), to.map_or(size - 1, position));
    // A range from the end on to the end has no byte either, but it begins where the file ends.
    size > 0 && (from >= size || (from <= to && to < 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_outside() {
        for (text, size, outside) in [
            ("0:*", 0, false),
            ("0:*", 5, false),
            ("4:*", 5, false),
            ("5:*", 5, true),
            ("5:9", 5, true),
            ("3:2", 5, false),
            ("-9:*", 5, false),
            ("-9:-6", 5, true),
            ("-9:-5", 5, false),
            ("-9223372036854775808:9223372036854775807", u64::MAX, false),
        ] {
            let range = ByteRange::parse(text).expect("a range");
            assert_eq!(is_outside(&range, size), outside, "{text} of {size}");
        }
    }
}
