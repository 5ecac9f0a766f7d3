//! A gossip peer with the libp2p that the reference's p2p-service is built on, for tests of
//! interoperability.
//!
//! What is on the wire is what p2p-service puts there: TCP without Nagle, DNS, multistream-select 1.0,
//! Noise XX, yamux preferred and mplex accepted, an RSA identity from PKCS#8 DER, and gossipsub alone:
//! neither identify nor ping. The rest is a handle for the test: commands come in as one JSON object a
//! line, what happens goes out the same way. `tests/peers/README.md` lists both.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::StreamExt;
use libp2p::core::upgrade::{SelectUpgrade, Version};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{SwarmBuilder, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, Transport, dns, noise, tcp, yamux};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

/// The version that Cargo.toml pins.
const AGENT: &str = "rust-libp2p 0.51.3";
/// Topics of p2p-service.
const TOPICS: [&str; 2] = ["ALIVE", "ALEPH-TEST"];
/// The identity unless the command line names another file. It protects nothing.
const TEST_KEY: &[u8] = include_bytes!("../test-key.der");

type Failure = Box<dyn Error>;

/// What the command line asks for.
#[derive(Default)]
struct Options {
    /// `--key FILE`: an RSA key, PKCS#8 DER.
    key: Option<Vec<u8>>,
    /// `--ed25519`: a new ed25519 key instead.
    ed25519: bool,
}

impl Options {
    fn read() -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--key" => {
                    let path = arguments.next().ok_or("--key needs a file")?;
                    options.key = Some(std::fs::read(path)?);
                }
                "--ed25519" => options.ed25519 = true,
                other => return Err(format!("unknown argument {other}").into()),
            }
        }
        Ok(options)
    }

    fn identity(&self) -> Result<Keypair, Failure> {
        if self.ed25519 {
            return Ok(Keypair::generate_ed25519());
        }
        let mut der = self.key.clone().unwrap_or_else(|| TEST_KEY.to_vec());
        Ok(Keypair::rsa_from_pkcs8(&mut der)?)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::read()?;
    let identity = options.identity()?;
    let mut swarm = swarm(&identity)?;
    for topic in TOPICS {
        swarm.behaviour_mut().subscribe(&IdentTopic::new(topic))?;
    }
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;

    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            event = swarm.select_next_some() => report(&swarm, event),
            line = commands.next_line() => match line? {
                Some(line) => {
                    if let Err(error) = obey(&mut swarm, &line) {
                        say(json!({ "event": "failed", "command": line, "error": error.to_string() }));
                    }
                }
                None => return Ok(()),
            },
        }
    }
}

fn swarm(identity: &Keypair) -> Result<Swarm<gossipsub::Behaviour>, Failure> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    let muxers = SelectUpgrade::new(yamux::Config::default(), libp2p_mplex::MplexConfig::default());
    let transport = dns::TokioDnsConfig::system(tcp)?
        .upgrade(Version::V1)
        .authenticate(noise::Config::new(identity)?)
        .multiplex(muxers)
        .boxed();

    let mut config = gossipsub::ConfigBuilder::default();
    config
        .heartbeat_interval(Duration::from_secs(1))
        .validation_mode(ValidationMode::Strict)
        .message_id_fn(|message: &gossipsub::Message| MessageId::from(message_id(&message.data)))
        .max_transmit_size(262_144)
        .max_messages_per_rpc(Some(100))
        .duplicate_cache_time(Duration::from_secs(1800));
    let signed = MessageAuthenticity::Signed(identity.clone());
    let gossip = gossipsub::Behaviour::new(signed, config.build()?)?;
    let local = PeerId::from(identity.public());
    Ok(SwarmBuilder::with_tokio_executor(transport, gossip, local).build())
}

/// The id of a message is a hash of its bytes, so the same message published twice is one message.
fn message_id(data: &Vec<u8>) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    hasher.finish().to_string()
}

fn obey(swarm: &mut Swarm<gossipsub::Behaviour>, line: &str) -> Result<(), Failure> {
    let command: Value = serde_json::from_str(line)?;
    let text = |key: &str| command[key].as_str().ok_or_else(|| format!("{key} is missing"));
    match text("do")? {
        "dial" => {
            let mut address: Multiaddr = text("address")?.parse()?;
            let options = match address.pop() {
                Some(Protocol::P2p(hash)) => {
                    let peer = PeerId::from_multihash(hash).map_err(|_| "not a peer id")?;
                    DialOpts::peer_id(peer).addresses(vec![address]).build()
                }
                Some(last) => DialOpts::unknown_peer_id().address(address.with(last)).build(),
                None => return Err("the address is empty".into()),
            };
            swarm.dial(options)?;
        }
        "disconnect" => {
            let peer = text("peer")?.parse()?;
            swarm.disconnect_peer_id(peer).map_err(|()| "not connected")?;
        }
        "publish" => {
            let data = BASE64.decode(text("data")?)?;
            let topic = IdentTopic::new(text("topic")?);
            let id = swarm.behaviour_mut().publish(topic, data)?;
            say(json!({ "event": "published", "id": id_text(&id) }));
        }
        "mesh" => {
            let topic = text("topic")?;
            let hash = IdentTopic::new(topic).hash();
            let peers: Vec<_> = swarm
                .behaviour()
                .mesh_peers(&hash)
                .map(PeerId::to_string)
                .collect();
            say(json!({ "event": "mesh", "topic": topic, "peers": peers }));
        }
        other => return Err(format!("unknown command {other}").into()),
    }
    Ok(())
}

fn report<E>(swarm: &Swarm<gossipsub::Behaviour>, event: SwarmEvent<gossipsub::Event, E>) {
    match event {
        SwarmEvent::NewListenAddr { address, .. } => {
            let local = *swarm.local_peer_id();
            let address = address.with(Protocol::P2p(local.into()));
            say(json!({
                "event": "listening", "peer": local.to_string(), "addresses": [address.to_string()],
                "agent": AGENT,
            }));
        }
        SwarmEvent::ConnectionEstablished {
            peer_id, endpoint, ..
        } => say(json!({
            "event": "connected", "peer": peer_id.to_string(), "dialled": endpoint.is_dialer(),
            "address": endpoint.get_remote_address().to_string(),
        })),
        SwarmEvent::ConnectionClosed {
            peer_id,
            cause,
            num_established: 0,
            ..
        } => say(json!({
            "event": "disconnected", "peer": peer_id.to_string(),
            "cause": cause.map(|_| "an error"),
        })),
        SwarmEvent::OutgoingConnectionError { error, .. } => {
            say(json!({ "event": "failed", "command": "dial", "error": error.to_string() }));
        }
        SwarmEvent::Behaviour(gossipsub::Event::Message {
            propagation_source,
            message_id,
            message,
        }) => {
            say(json!({
                "event": "message", "id": id_text(&message_id), "topic": message.topic.as_str(),
                "author": message.source.map(|author| author.to_string()),
                "relay": propagation_source.to_string(), "data": BASE64.encode(&message.data),
            }));
        }
        SwarmEvent::Behaviour(gossipsub::Event::Subscribed { peer_id, topic }) => say(json!({
            "event": "subscribed", "peer": peer_id.to_string(), "topic": topic.as_str(),
        })),
        SwarmEvent::Behaviour(gossipsub::Event::GossipsubNotSupported { peer_id }) => {
            say(json!({ "event": "no-gossip", "peer": peer_id.to_string() }));
        }
        _ => {}
    }
}

fn id_text(id: &MessageId) -> String {
    String::from_utf8_lossy(&id.0).into_owned()
}

/// A line, written at once: standard output is line buffered also where it is a pipe.
fn say(event: Value) {
    println!("{event}");
}

#[cfg(test)]
mod tests {
    use super::message_id;

    #[test]
    fn ids_are_those_of_the_network() {
        assert_eq!(message_id(&Vec::new()), "13646096770106105413");
        assert_eq!(message_id(&b"a".to_vec()), "13743199064115861684");
        assert_eq!(
            message_id(&br#"{"item_hash":"x"}"#.to_vec()),
            "4468994652223559080"
        );
    }
}
