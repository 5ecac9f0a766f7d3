//! A network in memory: nodes of ours, and puppets that do what a test says.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use alephd_blobs::Blobs;
use alephd_content::Content;
use alephd_net::{Offence, PeerId};
use alephd_peer_protocol::bitswap::{Message, Version, read_length};
use alephd_store::BlockIndex;
use alephd_sync::bitswap::{Bitswap, BitswapLimits, BoxStream, Host};
use alephd_tasks::{Clock, ManualClock, SystemClock, Tasks};
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _, future::BoxFuture};
use tokio::sync::mpsc;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// What the nodes of a test share.
#[derive(Default)]
pub(super) struct Mesh {
    members: Mutex<HashMap<PeerId, Member>>,
    links: Mutex<Vec<(PeerId, PeerId)>>,
    providers: Mutex<HashMap<Vec<u8>, Vec<PeerId>>>,
    provided: Mutex<Vec<(PeerId, Vec<u8>)>>,
    offences: Mutex<Vec<(PeerId, Offence)>>,
}

enum Member {
    Node(Bitswap),
    Puppet(Version, mpsc::Sender<BoxStream>),
}

/// The place of one node in it.
pub(super) struct Port {
    mesh: Arc<Mesh>,
    me: PeerId,
}

/// A peer id that is the same for the same number.
pub(super) fn peer(number: u8) -> PeerId {
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend([number; 32]);
    PeerId::from_bytes(&bytes).unwrap()
}

impl Mesh {
    pub(super) fn connect(&self, one: PeerId, other: PeerId) {
        self.links.lock().unwrap().extend([(one, other), (other, one)]);
    }

    pub(super) fn add_provider(&self, multihash: &[u8], peer: PeerId) {
        let mut providers = self.providers.lock().unwrap();
        providers.entry(multihash.to_vec()).or_default().push(peer);
    }

    pub(super) fn offences(&self) -> Vec<(PeerId, Offence)> {
        self.offences.lock().unwrap().clone()
    }

    pub(super) fn provided(&self) -> Vec<Vec<u8>> {
        let provided = self.provided.lock().unwrap();
        provided.iter().map(|(_, hash)| hash.clone()).collect()
    }

    pub(super) fn port(self: &Arc<Self>, me: PeerId) -> Arc<Port> {
        Arc::new(Port {
            mesh: Arc::clone(self),
            me,
        })
    }
}

impl Host for Port {
    fn peers(&self) -> Vec<PeerId> {
        let links = self.mesh.links.lock().unwrap();
        let of_me = links.iter().filter(|(one, _)| *one == self.me);
        of_me.map(|(_, other)| *other).collect()
    }

    fn open(&self, peer: PeerId) -> BoxFuture<'_, io::Result<(BoxStream, Version)>> {
        Box::pin(async move {
            let (near, far) = tokio::io::duplex(64 * 1024);
            let (near, far) = (near.compat(), Box::new(far.compat()));
            let (version, puppet) = match self.mesh.members.lock().unwrap().get(&peer) {
                Some(Member::Node(node)) => {
                    node.incoming(self.me, far);
                    return Ok((Box::new(near) as BoxStream, Version::V1_2));
                }
                Some(Member::Puppet(version, streams)) => (*version, streams.clone()),
                None => return Err(io::ErrorKind::NotConnected.into()),
            };
            puppet.send(far).await.map_err(|_| io::ErrorKind::NotConnected)?;
            Ok((Box::new(near) as BoxStream, version))
        })
    }

    fn providers(&self, multihash: Vec<u8>) -> BoxFuture<'_, Vec<PeerId>> {
        let providers = self.mesh.providers.lock().unwrap();
        let found = providers.get(&multihash).cloned().unwrap_or_default();
        Box::pin(std::future::ready(found))
    }

    fn provide(&self, multihash: Vec<u8>) -> BoxFuture<'_, ()> {
        self.mesh.provided.lock().unwrap().push((self.me, multihash));
        Box::pin(std::future::ready(()))
    }

    fn unprovide(&self, multihash: Vec<u8>) -> BoxFuture<'_, ()> {
        let mut provided = self.mesh.provided.lock().unwrap();
        provided.retain(|(peer, hash)| *peer != self.me || *hash != multihash);
        Box::pin(std::future::ready(()))
    }

    fn report(&self, peer: PeerId, offence: Offence) {
        self.mesh.offences.lock().unwrap().push((peer, offence));
    }
}

/// A folder of files.
pub(crate) struct Storage {
    pub(crate) content: Content,
    _folder: tempfile::TempDir,
}

pub(crate) async fn storage() -> Storage {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let index = BlockIndex::open(&folder.path().join("blocks.sqlite")).unwrap();
    Storage {
        content: Content::new(blobs, index),
        _folder: folder,
    }
}

/// A node of ours with files of its own.
pub(super) struct Node {
    pub(super) id: PeerId,
    pub(super) content: Content,
    pub(super) bitswap: Bitswap,
    tasks: Tasks,
    _storage: Storage,
}

impl Node {
    pub(super) async fn new(mesh: &Arc<Mesh>, number: u8) -> Self {
        Self::with(
            mesh,
            number,
            BitswapLimits::default(),
            Arc::new(SystemClock::new()),
        )
        .await
    }

    pub(super) async fn with(
        mesh: &Arc<Mesh>,
        number: u8,
        limits: BitswapLimits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let storage = storage().await;
        let content = storage.content.clone();
        let tasks = Tasks::new();
        let id = peer(number);
        let bitswap = Bitswap::over(mesh.port(id), content.clone(), limits, clock, &tasks);
        let member = Member::Node(bitswap.clone());
        mesh.members.lock().unwrap().insert(id, member);
        Self {
            id,
            content,
            bitswap,
            tasks,
            _storage: storage,
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        assert_eq!(self.tasks.worker_panics(), 0);
        self.tasks.cancel();
    }
}

/// A peer in the hands of a test.
pub(super) struct Puppet {
    pub(super) id: PeerId,
    streams: mpsc::Receiver<BoxStream>,
    stream: Option<BoxStream>,
}

impl Puppet {
    pub(super) fn new(mesh: &Arc<Mesh>, number: u8, version: Version) -> Self {
        let (sender, streams) = mpsc::channel(100);
        let id = peer(number);
        mesh.members
            .lock()
            .unwrap()
            .insert(id, Member::Puppet(version, sender));
        Self {
            id,
            streams,
            stream: None,
        }
    }

    /// The next message that it gets.
    pub(super) async fn hear(&mut self) -> Message {
        loop {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                none => none.insert(self.streams.recv().await.unwrap()),
            };
            let mut head = Vec::new();
            let length = loop {
                let mut byte = [0];
                if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                    break None;
                }
                head.push(byte[0]);
                if let Some((length, _)) = read_length(&head).unwrap() {
                    break Some(length);
                }
            };
            let Some(length) = length else {
                self.stream = None;
                continue;
            };
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            return Message::decode(body.into()).unwrap();
        }
    }

    /// Says something to a node, on a stream of its own.
    pub(super) async fn say(&self, node: &Node, message: &Message) {
        self.say_bytes(node, &message.encode_framed(Version::V1_2)).await;
    }

    pub(super) async fn say_bytes(&self, node: &Node, bytes: &[u8]) {
        let (near, far) = tokio::io::duplex(64 * 1024);
        node.bitswap.incoming(self.id, Box::new(far.compat()));
        let mut near = near.compat();
        // The other side may have hung up in the middle.
        let _ = near.write_all(bytes).await;
        let _ = near.close().await;
    }
}

/// Lets time pass as fast as everybody who waits for it goes on, until `done`.
pub(super) async fn pass<T>(clock: &ManualClock, step: Duration, done: impl Future<Output = T>) -> T {
    let mut done = std::pin::pin!(done);
    loop {
        tokio::select! {
            biased;
            result = &mut done => return result,
            () = clock.wait_for_sleepers(1) => clock.advance(step),
        }
        tokio::task::yield_now().await;
    }
}
