//! What is kept of each content.

use serde_json::value::RawValue;

use crate::{ItemHash, ItemType, PaymentType};

/// The part of a content that depends on the message type.
#[derive(Clone, Debug)]
pub enum Body {
    /// A document, or an amendment of one.
    Post(Post),
    /// A change of a key-value document.
    Aggregate(Aggregate),
    /// A file to keep.
    Store(Store),
    /// A request to drop other messages.
    Forget(Forget),
    /// A function.
    Program(Machine),
    /// A virtual machine.
    Instance(Machine),
    /// A function that the hardware measures.
    VProgram(Machine),
}

/// Content of a POST.
#[derive(Clone, Debug)]
pub struct Post {
    /// Free text; `amend` makes the post an amendment, see [`Post::is_amend`].
    pub post_type: String,
    /// The message referred to: the text of `ref`, or the item hash inside an object `ref`.
    /// May be an empty text, which refers to nothing; never empty for an amend.
    pub reference: Option<String>,
    /// Whether `ref` is an object that quotes the envelope of the target.
    pub object_ref: bool,
    /// The document as signed; `None` when the key is absent, `null` when it is null.
    pub content_json: Option<Box<RawValue>>,
    /// The strings in `content.tags`, if that is a list.
    pub tags: Vec<String>,
}

impl Post {
    /// Whether this replaces the content of the post that [`Post::reference`] names.
    pub fn is_amend(&self) -> bool {
        self.post_type == "amend"
    }
}

/// Content of an AGGREGATE.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Name of the document among those of the address.
    pub key: String,
    /// The top-level entries as signed, in the order of the text. A repeated key appears once,
    /// at its first place, with its last value.
    pub fields: Vec<(String, Box<RawValue>)>,
    /// The strings in `content.tags`, if that is a list.
    pub tags: Vec<String>,
}

/// Content of a STORE.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where the file is: storage or IPFS, always that of the shape of [`Store::item_hash`].
    pub item_type: ItemType,
    /// The file.
    pub item_hash: ItemHash,
    /// The first revision of the file by item hash, or a label chosen by the owner.
    pub reference: Option<String>,
    /// Hold or credit; hold when the text says nothing.
    pub payment: PaymentType,
    /// The strings in `tags`, if that is a list.
    pub tags: Vec<String>,
}

/// Content of a FORGET. Both lists may be empty: that is refused later, with its own code.
#[derive(Clone, Debug)]
pub struct Forget {
    /// Messages to drop.
    pub hashes: Vec<ItemHash>,
    /// Aggregates to drop. The network demands item hashes here although keys are meant.
    pub aggregates: Vec<ItemHash>,
    /// For people.
    pub reason: Option<String>,
}

/// Content of a PROGRAM, an INSTANCE or a V-PROGRAM: what links it to other messages and to
/// money. Resources and prices are read from the text where they are needed.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Whether a later message may replace this one.
    pub allow_amend: bool,
    /// How it is paid for; hold when the text says nothing.
    pub payment: PaymentType,
    /// The message that this one replaces.
    pub replaces: Option<String>,
    /// Every file that the machine refers to, in the order of [`VolumeRole`], then of the text.
    pub volumes: Vec<VolumeRef>,
    /// `on.persistent` of a PROGRAM: whether it keeps running between requests.
    pub persistent: Option<bool>,
    /// `on.message` of a PROGRAM as signed: the filters of messages that start it.
    pub on_message: Option<Box<RawValue>>,
    /// The strings in `metadata.tags`, if that is a list.
    pub tags: Vec<String>,
}

/// What a machine uses a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VolumeRole {
    /// The code of a PROGRAM.
    Code,
    /// The system that runs the code.
    Runtime,
    /// The data beside the code.
    Data,
    /// The disk image that the root of an INSTANCE starts from.
    Rootfs,
    /// A read-only volume.
    Immutable,
    /// The file that a persistent volume starts from.
    PersistentParent,
    /// The measured file system of a V-PROGRAM.
    Workload,
    /// A tree of hashes beside a workload or a verified volume.
    HashTree,
    /// A further measured volume of a V-PROGRAM.
    Verified,
}

/// A file that a machine refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRef {
    /// What it is used for.
    pub role: VolumeRole,
    /// The STORE message that brought the file.
    pub reference: ItemHash,
    /// Whether later revisions of that file are wanted.
    pub use_latest: bool,
    /// Size of the volume that starts from the file: root file system and persistent parents.
    pub size_mib: Option<u64>,
    /// Name of the volume or else its mount point, for people.
    pub name: Option<String>,
}
