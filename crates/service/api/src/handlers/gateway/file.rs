//! Files as they are, single blocks, and trees as tar.

use alephd_cid::{AnyCid, Multicodec};
use alephd_content::{Content, ContentError};
use alephd_unixfs::{ByteRange, Entity, Error as TreeError, IpfsPath};
use axum::{
    body::Body,
    http::{StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _, future};

use super::{
    accept::Format,
    answer::Answer,
    directory,
    failure::Failure,
    media::{self, SNIFFED},
    request::Asked,
};
use crate::{Api, ApiError, handlers::storage::range::Asked as Part};

/// What a CID leads to, as its root block says.
pub(super) enum Found {
    /// A file of this size.
    File(u64),
    /// A link to this path.
    Symlink(Bytes),
    Directory,
    /// A block of a codec that has no files.
    Block(Bytes),
}

impl Found {
    pub(super) async fn at(content: &Content, cid: &AnyCid) -> Result<Self, ContentError> {
        if let Some((_, size)) = content.plain_file(cid).await? {
            return Ok(Self::File(size));
        }
        let block = content.block(cid).await?;
        if !matches!(cid.codec(), Multicodec::RAW | Multicodec::DAG_PB) {
            return Ok(Self::Block(block));
        }
        Ok(match Entity::decode(cid, &block)? {
            Entity::File(file) => Self::File(file.size),
            Entity::Symlink(target) => Self::Symlink(block.slice_ref(target)),
            Entity::Directory(_) | Entity::Shard(_) => Self::Directory,
        })
    }
}

/// What a path leads to, in the form that needs no asking.
pub(super) async fn content(api: &Api, asked: &Asked, roots: &[AnyCid]) -> Result<Response, Failure> {
    let cid = roots.last().unwrap_or(&asked.path.root);
    let found = Found::at(&api.content, cid).await?;
    // Files are what they are, whoever would like them to be JSON; only blocks have codecs.
    let is_unixfs = !matches!(found, Found::Block(_));
    if let Some(format @ (Format::DagJson | Format::DagCbor)) = asked.format
        && is_unixfs
    {
        return Err(unlike(cid, format).into());
    }
    match found {
        Found::File(size) => file(api, asked, roots, &Served::itself(cid, asked.name(), size)).await,
        Found::Symlink(target) => Ok(symlink(asked, roots, cid, target)),
        Found::Directory => directory::serve(api, asked, roots, cid).await,
        Found::Block(block) => coded(asked, roots, cid, block),
    }
}

/// A file to send.
pub(super) struct Served<'a> {
    /// The root block of the file.
    pub(super) cid: &'a AnyCid,
    /// What its URL stands for: the file, or the directory that it is the page of.
    pub(super) known_as: &'a AnyCid,
    /// Its name, if it has one.
    pub(super) name: Option<&'a str>,
    pub(super) size: u64,
}

impl<'a> Served<'a> {
    fn itself(cid: &'a AnyCid, name: Option<&'a str>, size: u64) -> Self {
        let known_as = cid;
        Self {
            cid,
            known_as,
            name,
            size,
        }
    }
}

/// Sends a file or a part of it.
pub(super) async fn file(
    api: &Api,
    asked: &Asked,
    roots: &[AnyCid],
    served: &Served<'_>,
) -> Result<Response, Failure> {
    let tag = format!("\"{}\"", served.known_as);
    let mut answer = Answer::new(asked, roots);
    answer.set(header::ETAG, &tag);
    if answer.is_known(&[&tag]) {
        return Ok(answer.unchanged());
    }
    let part = answer.part(served.size, &tag);
    let range = match &part {
        Part::Whole => ByteRange::ALL,
        Part::Part(part) => ByteRange::Bytes(part.clone()),
        Part::Outside => return Ok(answer.outside(served.size)),
    };
    let content = &api.content;
    let media = match served.name.and_then(media::of_name) {
        Some(media) => media,
        None => sniffed(content, served).await?,
    };
    answer.set(header::CONTENT_TYPE, media);
    if !media::is_inert(media) {
        answer.set(header::CONTENT_SECURITY_POLICY, media::SANDBOX);
    }
    if asked.download || asked.filename.is_some() {
        answer.dispose(asked.download, asked.name());
    }
    let file = content.file(served.cid, range).await?;
    Ok(answer.send(&part, served.size, Body::from_stream(file.bytes)))
}

/// The type that the first bytes tell. A range can be there when these are not.
async fn sniffed(content: &Content, served: &Served<'_>) -> Result<&'static str, ContentError> {
    let start = ByteRange::Bytes(0..SNIFFED);
    let mut head = Vec::new();
    let read = async {
        let mut bytes = content.file(served.cid, start).await?.bytes;
        while let Some(piece) = bytes.try_next().await? {
            head.extend_from_slice(&piece);
        }
        Ok(())
    };
    match read.await {
        Ok(()) => Ok(media::of_bytes(&head, served.size)),
        Err(ContentError::Missing(_)) => Ok(media::UNKNOWN),
        Err(error) => Err(error),
    }
}

/// A link is not followed: where it leads depends on where the tree is unpacked.
fn symlink(asked: &Asked, roots: &[AnyCid], cid: &AnyCid, target: Bytes) -> Response {
    let tag = format!("\"{cid}\"");
    let mut answer = Answer::new(asked, roots);
    answer.set(header::ETAG, &tag);
    if answer.is_known(&[&tag]) {
        return answer.unchanged();
    }
    answer.set(header::CONTENT_TYPE, "inode/symlink");
    answer.send(&Part::Whole, target.len() as u64, target.into())
}

/// A block in one of the codecs that have no files, as its codec says. Nothing is converted.
fn coded(asked: &Asked, roots: &[AnyCid], cid: &AnyCid, block: Bytes) -> Result<Response, Failure> {
    let own = match cid.codec() {
        Multicodec::JSON => Format::Json,
        Multicodec::CBOR => Format::Cbor,
        Multicodec::DAG_JSON => Format::DagJson,
        Multicodec::DAG_CBOR => Format::DagCbor,
        codec => {
            let text = format!("Blocks of the codec {codec} can only be had with format=raw or format=car");
            return Err(ApiError::text(StatusCode::NOT_ACCEPTABLE, text).into());
        }
    };
    let sent = match (asked.format, own) {
        (None, own) => own,
        // What can have links is also plain data.
        (Some(Format::Json), Format::Json | Format::DagJson) => Format::Json,
        (Some(Format::Cbor), Format::Cbor | Format::DagCbor) => Format::Cbor,
        (Some(format), own) if format == own => own,
        (Some(format), _) => return Err(unlike(cid, format).into()),
    };
    let is_json = matches!(own, Format::Json | Format::DagJson);
    let extension = if is_json { "json" } else { "cbor" };
    let form = Form {
        tag: format!("\"{cid}.{}\"", sent.name()),
        media: sent.media_type(),
        attachment: asked.download || !is_json,
        name: format!("{cid}.{extension}"),
    };
    Ok(bytes(asked, roots, &form, block))
}

fn unlike(cid: &AnyCid, format: Format) -> ApiError {
    let text = format!(
        "{cid} is {}; it is not converted to {}. Ask for format=raw and decode it",
        cid.codec(),
        format.name()
    );
    ApiError::text(StatusCode::NOT_ACCEPTABLE, text)
}

/// The block that a path leads to, as it is.
pub(super) async fn block(api: &Api, asked: &Asked, roots: &[AnyCid]) -> Result<Response, Failure> {
    let cid = roots.last().unwrap_or(&asked.path.root);
    let block = api.content.block(cid).await?;
    let form = Form {
        tag: format!("\"{cid}.raw\""),
        media: Format::Raw.media_type(),
        attachment: true,
        name: format!("{cid}.bin"),
    };
    Ok(bytes(asked, roots, &form, block))
}

/// How a block is presented.
struct Form {
    tag: String,
    media: &'static str,
    attachment: bool,
    name: String,
}

/// A whole block, or a part of it.
fn bytes(asked: &Asked, roots: &[AnyCid], form: &Form, block: Bytes) -> Response {
    let tag = form.tag.as_str();
    let mut answer = Answer::new(asked, roots);
    answer.set(header::ETAG, tag);
    if answer.is_known(&[tag]) {
        return answer.unchanged();
    }
    answer.set(header::CONTENT_TYPE, form.media);
    let name = asked.filename.as_deref().unwrap_or(&form.name);
    answer.dispose(form.attachment, Some(name));
    let size = block.len() as u64;
    let part = answer.part(size, tag);
    let sent = match &part {
        Part::Whole => block,
        // Within the block, so it fits.
        Part::Part(part) => block.slice(part.start as usize..part.end as usize),
        Part::Outside => return answer.outside(size),
    };
    answer.send(&part, size, sent.into())
}

/// A tree as an archive of files.
pub(super) async fn tar(api: &Api, asked: &Asked, roots: &[AnyCid]) -> Result<Response, Failure> {
    let cid = roots.last().unwrap_or(&asked.path.root);
    if let Found::Block(_) = Found::at(&api.content, cid).await? {
        let text = format!("{cid} is {} and no file or directory", cid.codec());
        return Err(ApiError::bad_request(text).into());
    }
    let tag = format!("W/\"{cid}.x-tar\"");
    let mut answer = Answer::new(asked, roots);
    answer.set(header::ETAG, &tag);
    if answer.is_known(&[&tag]) {
        return Ok(answer.unchanged());
    }
    answer.set(header::CONTENT_TYPE, Format::Tar.media_type());
    let name = format!("{cid}.tar");
    answer.dispose(true, Some(asked.filename.as_deref().unwrap_or(&name)));
    let (_, largest_archive, _) = api.settings.ipfs_limits;
    let limit = largest_archive.saturating_mul(4);
    let archive = api.content.tar(cid.to_string(), cid.clone());
    Ok(answer.stream(Body::from_stream(bounded(archive, limit))))
}

/// Breaks off when more than `limit` bytes were sent: a tree can have one file a million times.
fn bounded(
    stream: impl Stream<Item = Result<Bytes, ContentError>>,
    limit: u64,
) -> impl Stream<Item = Result<Bytes, ContentError>> {
    let mut sent = 0_u64;
    stream.and_then(move |piece| {
        sent = sent.saturating_add(piece.len() as u64);
        future::ready(if sent > limit {
            Err(ContentError::TooLarge(limit))
        } else {
            Ok(piece)
        })
    })
}

/// Whether a page of a directory can be sent in its place.
pub(super) async fn page(
    content: &Content,
    directory: &AnyCid,
    name: &str,
) -> Result<Option<(AnyCid, u64)>, ContentError> {
    let path = IpfsPath {
        root: directory.clone(),
        segments: vec![name.to_owned()],
    };
    let cid = match content.resolve(path).await {
        Ok(cid) => cid,
        Err(ContentError::Tree(TreeError::NoLink { .. })) => return Ok(None),
        Err(error) => return Err(error),
    };
    match Found::at(content, &cid).await? {
        Found::File(size) => Ok(Some((cid, size))),
        Found::Symlink(_) | Found::Directory | Found::Block(_) => Ok(None),
    }
}
