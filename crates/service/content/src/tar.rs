//! A tree as a tar archive, as clients of the network expect a directory.
//!
//! ```text
//! archive = entry* , 1024 zero bytes
//! entry   = [ pax entry with the long path ] header[512] , bytes , zeros up to a multiple of 512
//! ```

use alephd_cid::AnyCid;
use alephd_unixfs::{ByteRange, Entity, Kind};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use crate::{Content, ContentError, EntryStream};

/// Entries of one archive. A few blocks can stand for an endless directory.
pub const MAX_TAR_ENTRIES: u64 = 1_000_000;

/// Bytes in a block of the format.
const BLOCK: usize = 512;
/// Bytes of a path that fit into a header.
const SHORT_PATH: usize = 100;
/// Levels of directories.
const DEPTH: usize = 256;
/// Bytes in the longest path.
const LONGEST_PATH: usize = 4096;
/// What a header of eleven octal digits can say.
const LARGEST_FILE: u64 = 0o77_777_777_777;

/// Kinds of entries.
const FILE: u8 = b'0';
const SYMLINK: u8 = b'2';
const DIRECTORY: u8 = b'5';
const PAX: u8 = b'x';

impl Content {
    /// The tree below `root` as a tar archive in which everything lies below `name`.
    pub fn tar(
        &self,
        name: String,
        root: AnyCid,
    ) -> impl Stream<Item = Result<Bytes, ContentError>> + Send + use<> {
        let walk = Walk {
            content: self.clone(),
            next: Some((name, root)),
            open: Vec::new(),
            entries: 0,
            ended: false,
        };
        let entries = stream::try_unfold(walk, |mut walk| async move {
            let entry = walk.advance().await?;
            Ok::<_, ContentError>(entry.map(|entry| (entry, walk)))
        });
        entries.try_flatten()
    }
}

/// Where in a tree the archive is.
struct Walk {
    content: Content,
    /// What to write next: its path and root.
    next: Option<(String, AnyCid)>,
    /// The directories above, the innermost last, with the entries still to come.
    open: Vec<(String, EntryStream)>,
    entries: u64,
    ended: bool,
}

type Pieces = BoxStream<'static, Result<Bytes, ContentError>>;

impl Walk {
    /// The bytes of the next entry; `None` behind the end.
    async fn advance(&mut self) -> Result<Option<Pieces>, ContentError> {
        let Some((path, cid)) = self.following().await? else {
            if std::mem::replace(&mut self.ended, true) {
                return Ok(None);
            }
            return Ok(Some(one(Bytes::from_static(&[0; 2 * BLOCK]))));
        };
        self.entries += 1;
        if self.entries > MAX_TAR_ENTRIES || path.len() > LONGEST_PATH {
            return Err(ContentError::TooLarge(MAX_TAR_ENTRIES));
        }
        if self.content.plain_file(&cid).await?.is_some() {
            return file(&self.content, &path, &cid).await.map(Some);
        }
        let block = self.content.block(&cid).await?;
        let entity = Entity::decode(&cid, &block)?;
        match entity.kind() {
            Kind::File => file(&self.content, &path, &cid).await.map(Some),
            Kind::Symlink => {
                let Entity::Symlink(target) = entity else {
                    return Ok(Some(one(Bytes::new())));
                };
                Ok(Some(one(head(&path, SYMLINK, 0, target))))
            }
            Kind::Directory => {
                if self.open.len() == DEPTH {
                    return Err(ContentError::TooLarge(MAX_TAR_ENTRIES));
                }
                let written = head(&format!("{path}/"), DIRECTORY, 0, b"");
                self.open.push((path, self.content.entries(&cid)));
                Ok(Some(one(written)))
            }
        }
    }

    /// What comes next: the root, or the next entry of the innermost directory that has one.
    async fn following(&mut self) -> Result<Option<(String, AnyCid)>, ContentError> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        while let Some((path, entries)) = self.open.last_mut() {
            match entries.try_next().await? {
                Some(entry) => {
                    let name = safe(&entry.name).ok_or_else(|| alephd_unixfs::Error::NoLink {
                        directory: entry.cid.clone(),
                        name: String::from_utf8_lossy(&entry.name).into_owned(),
                    })?;
                    return Ok(Some((format!("{path}/{name}"), entry.cid)));
                }
                None => {
                    self.open.pop();
                }
            }
        }
        Ok(None)
    }
}

/// The entry of a file.
async fn file(content: &Content, path: &str, cid: &AnyCid) -> Result<Pieces, ContentError> {
    let file = content.file(cid, ByteRange::ALL).await?;
    if file.size > LARGEST_FILE {
        return Err(ContentError::TooLarge(LARGEST_FILE));
    }
    let written = head(path, FILE, file.size, b"");
    let padding = (file.size as usize).next_multiple_of(BLOCK) - file.size as usize;
    let padding = Bytes::from_static(&[0; BLOCK]).slice(..padding);
    Ok(one(written).chain(file.bytes).chain(one(padding)).boxed())
}

fn one(bytes: Bytes) -> Pieces {
    stream::once(async move { Ok(bytes) }).boxed()
}

/// A name that leads nowhere but into its directory when the archive is unpacked.
fn safe(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let leads_out = name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']);
    (!leads_out).then_some(name)
}

/// The header of an entry, behind one for its path or target if these are long.
fn head(path: &str, kind: u8, size: u64, target: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    let mut records = Vec::new();
    if path.len() > SHORT_PATH {
        push_record(&mut records, "path", path.as_bytes());
    }
    if target.len() > SHORT_PATH {
        push_record(&mut records, "linkpath", target);
    }
    if !records.is_empty() {
        out.extend_from_slice(&header(b"pax", PAX, records.len() as u64, b""));
        out.extend_from_slice(&records);
        out.put_bytes(0, records.len().next_multiple_of(BLOCK) - records.len());
    }
    out.extend_from_slice(&header(path.as_bytes(), kind, size, target));
    out.freeze()
}

/// `length key=value\n`, where the length counts itself.
fn push_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// A ustar header. Times and owners are none, so that one tree gives one archive.
fn header(path: &[u8], kind: u8, size: u64, target: &[u8]) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    let short = |text: &[u8]| text[..text.len().min(SHORT_PATH)].to_vec();
    put(0, &short(path));
    put(
        100,
        if kind == DIRECTORY {
            b"0000755\0"
        } else {
            b"0000644\0"
        },
    );
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, &short(target));
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
