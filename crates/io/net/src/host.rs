//! The task that owns the swarm.
//!
//! | file | does |
//! |---|---|
//! | [`commands`] | what the handle asks for |
//! | [`events`] | what the swarm tells |
//! | [`intake`] | gossip on its way to the inbox, and back as verdicts |
//! | [`redial`] | when to dial the bootstrap peers again |
//! | [`view`] | what the handle can see without asking |

mod commands;
mod events;
mod intake;
mod redial;
mod view;

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alephd_tasks::{CancellationToken, Clock, Tasks, queue};
use futures_util::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{ConnectionId, Executor, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, kad};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info};

pub(crate) use commands::Command;
pub(crate) use intake::Judgement;
pub(crate) use view::View;

use crate::config::NetConfig;
use crate::error::NetError;
use crate::gossip::GossipInbox;
use crate::identity::Identity;
use crate::net::{Inner, Net};
use crate::reputation::Reputation;
use crate::wire::{self, Parts, Wire, WireEvent, streams, traffic::Traffic};

/// Commands that wait. Callers wait for room and for the answer, so it only smooths bursts.
const COMMANDS: usize = 64;
/// Verdicts that wait. Each is some 100 bytes, and the host handles hundreds of thousands a second.
const VERDICTS: usize = 65_536;
/// The host looks after scores and bootstrap peers this often.
const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn start(
    identity: Identity,
    config: NetConfig,
    clock: Arc<dyn Clock>,
    tasks: &Tasks,
) -> Result<(Net, GossipInbox), NetError> {
    let local = identity.peer_id();
    let reputation = Arc::new(Reputation::new(&config, Arc::clone(&clock)));
    let streams = streams::Control::default();
    let traffic = Traffic::default();
    let trusted: Vec<PeerId> = config.bootstrap.iter().filter_map(peer_of).collect();
    let parts = Parts {
        reputation: Arc::clone(&reputation),
        streams: streams.clone(),
        traffic: traffic.clone(),
        executor: libp2p::swarm::Config::with_executor(Workers { tasks: tasks.clone() }),
    };
    let mut swarm = wire::swarm(&identity, &config, &trusted, parts)?;
    let view = Arc::new(View::new(traffic));
    let early = listen(&mut swarm, &config, &view).await?;
    for address in &config.external {
        swarm.add_external_address(address.clone());
    }

    let (commands, asked) = mpsc::channel(COMMANDS);
    let (verdicts, judged) = queue::bounded("gossip verdicts", VERDICTS);
    let (inbox, messages) = mpsc::channel(config.inbox.max(1));
    let host = Host {
        redial: redial::Redial::new(&config, local),
        intake: intake::Intake::new(&config, inbox, Arc::clone(&clock)),
        envelope_of: identity,
        swarm,
        config,
        clock,
        reputation: Arc::clone(&reputation),
        view: Arc::clone(&view),
        dials: HashMap::new(),
        provides: HashMap::new(),
        queries: HashMap::new(),
    };
    info!(peer = %local, addresses = ?view.listening(), "the network is up");
    let token = tasks.token();
    tasks.spawn("net host", async move {
        host.run(early, asked, judged, token).await;
        Ok::<(), NetError>(())
    });
    let inner = Inner {
        local,
        commands,
        verdicts,
        view,
        streams,
        reputation,
    };
    Ok((
        Net {
            inner: Arc::new(inner),
        },
        GossipInbox { messages },
    ))
}

/// Listens on every configured address and waits until each has said with which port. Returns what
/// happened meanwhile: somebody may connect to the first address before the last is known.
async fn listen(swarm: &mut Swarm<Wire>, config: &NetConfig, view: &View) -> Result<Vec<Event>, NetError> {
    let mut early = Vec::new();
    for address in &config.listen {
        let failed = |cause| NetError::Listen {
            address: address.clone(),
            cause,
        };
        free(address).map_err(failed)?;
        let listener = swarm.listen_on(address.clone()).map_err(|error| match error {
            libp2p::TransportError::Other(cause) => failed(cause),
            other => failed(std::io::Error::other(other.to_string())),
        })?;
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { listener_id, address } => {
                    view.listens(address);
                    if listener_id == listener {
                        break;
                    }
                }
                SwarmEvent::ListenerClosed {
                    listener_id, reason, ..
                } if listener_id == listener => {
                    let closed = || std::io::Error::other("closed at once");
                    return Err(failed(reason.err().unwrap_or_else(closed)));
                }
                other => early.push(other),
            }
        }
    }
    Ok(early)
}

type Event = SwarmEvent<WireEvent>;

/// Whether this port is free. libp2p shares ports, which makes holes in a NAT; two nodes started on
/// one port by mistake would each get some of the other's connections, and nobody would know.
fn free(address: &Multiaddr) -> std::io::Result<()> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    match parts.next() {
        Some(Protocol::Tcp(port)) if port != 0 => TcpListener::bind((ip, port)).map(drop),
        _ => Ok(()),
    }
}

/// Connections run as workers: a panic in one of them ends it and is counted, nothing else.
struct Workers {
    tasks: Tasks,
}

impl Executor for Workers {
    fn exec(&self, connection: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.tasks.spawn_worker("net connection", connection);
    }
}

/// The peer that an address ends with.
pub(crate) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

pub(crate) struct Host {
    swarm: Swarm<Wire>,
    config: NetConfig,
    clock: Arc<dyn Clock>,
    envelope_of: Identity,
    reputation: Arc<Reputation>,
    view: Arc<View>,
    intake: intake::Intake,
    redial: redial::Redial,
    /// Callers that wait for a connection. As many as may be pending.
    dials: HashMap<ConnectionId, oneshot::Sender<Result<PeerId, NetError>>>,
    provides: HashMap<kad::QueryId, oneshot::Sender<()>>,
    queries: HashMap<kad::QueryId, commands::Query>,
}

impl Host {
    async fn run(
        mut self,
        early: Vec<Event>,
        mut commands: mpsc::Receiver<Command>,
        mut verdicts: queue::Receiver<Judgement>,
        token: CancellationToken,
    ) {
        let mut tick = self.clock.sleep(Duration::ZERO);
        let (mut asked, mut judged) = (true, true);
        let reputation = Arc::clone(&self.reputation);
        for event in early {
            self.event(event);
        }
        loop {
            tokio::select! {
                () = token.cancelled() => break,
                () = &mut tick => {
                    self.tick();
                    tick = self.clock.sleep(TICK);
                }
                command = commands.recv(), if asked => match command {
                    Some(command) => self.command(command),
                    None => asked = false,
                },
                verdict = verdicts.recv(), if judged => match verdict {
                    Some(verdict) => self.judged(verdict),
                    None => judged = false,
                },
                () = reputation.changed() => self.disconnect_fallen(),
                () = self.intake.room(), if self.intake.waits() => self.deliver(),
                event = self.swarm.select_next_some() => self.event(event),
            }
        }
        debug!("the network is down");
    }

    fn tick(&mut self) {
        let now = self.clock.monotonic();
        for address in self.redial.due(now) {
            self.dial_bootstrap(address);
        }
        let connected = self.view.connected();
        self.intake.retain(&connected);
        let gossip = self.swarm.behaviour_mut().gossip.gossipsub_mut();
        for peer in connected {
            gossip.set_application_score(&peer, self.reputation.score(&peer));
            let score = gossip.peer_score(&peer).unwrap_or_default();
            let mesh = self.config.topics.iter().filter(|topic| {
                let topic = libp2p::gossipsub::IdentTopic::new(topic.as_str()).hash();
                gossip.mesh_peers(&topic).any(|member| *member == peer)
            });
            self.view.scored(&peer, score, mesh.cloned().collect());
        }
    }

    fn disconnect_fallen(&mut self) {
        for peer in self.reputation.fallen() {
            info!(%peer, "banned for a time");
            self.swarm.behaviour_mut().kademlia.remove_peer(&peer);
            // An error says that it is not connected.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }
}
