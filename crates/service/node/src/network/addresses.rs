//! Where a node listens, and whom it knows at first.

use alephd_net::{Limits, Multiaddr, NetConfig, Protocol};

use crate::{Config, ConfigError, NodeError, Profile, config::multiaddresses};

/// Where a node listens that was not told where: the port of the reference.
const EVERYWHERE: &str = "/ip4/0.0.0.0/tcp/4025";
/// The same on a network that keeps to this machine.
const HERE: &str = "/ip4/127.0.0.1/tcp/0";

/// Where to listen.
pub(super) fn listen(config: &Config, profile: &Profile) -> Result<Vec<Multiaddr>, NodeError> {
    let default = [if profile.loopback_only { HERE } else { EVERYWHERE }.to_owned()];
    let given = config.p2p.listen.as_deref().unwrap_or(&default);
    let addresses = multiaddresses("p2p.listen", given)?;
    let outside = addresses.iter().find(|address| !is_loopback(address));
    match outside {
        Some(address) if profile.loopback_only => Err(ConfigError::Value {
            key: "p2p.listen".to_owned(),
            text: format!(
                "the keys of network {} are public, so its nodes serve this machine only: {address} is not a \
                 loopback address",
                profile.name
            ),
        }
        .into()),
        _ => Ok(addresses),
    }
}

/// The first peers. What the profile has wrong is the profile's mistake, and not fatal.
pub(super) fn bootstrap(config: &Config, profile: &Profile) -> Result<Vec<Multiaddr>, NodeError> {
    if let Some(given) = &config.p2p.bootstrap {
        return Ok(multiaddresses("p2p.bootstrap", given)?);
    }
    let parsed = profile
        .p2p
        .bootstrap
        .iter()
        .filter_map(|text| match text.parse() {
            Ok(address) => Some(address),
            Err(error) => {
                tracing::warn!(%error, address = text, "a first peer of the profile has no address");
                None
            }
        });
    Ok(parsed.collect())
}

/// What others are told.
pub(super) fn external(config: &Config) -> Result<Vec<Multiaddr>, NodeError> {
    Ok(multiaddresses("p2p.external", &config.p2p.external)?)
}

/// How many may come.
pub(super) fn limits(config: &Config) -> NetConfig {
    let all = config.p2p.max_connections;
    let outgoing = (all / 3).max(1);
    NetConfig {
        limits: Limits {
            incoming: all.saturating_sub(outgoing).max(1),
            outgoing,
            ..Limits::default()
        },
        ..NetConfig::default()
    }
}

fn is_loopback(address: &Multiaddr) -> bool {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_loopback(),
        Some(Protocol::Ip6(ip)) => ip.is_loopback(),
        Some(Protocol::Memory(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_public_keys_keeps_to_this_machine() {
        let profile = Profile::load("local").unwrap();
        let mut config = Config::default();
        assert_eq!(listen(&config, &profile).unwrap(), [HERE.parse().unwrap()]);
        let mainnet = Profile::load("mainnet").unwrap();
        assert_eq!(listen(&config, &mainnet).unwrap(), [EVERYWHERE.parse().unwrap()]);
        assert_eq!(
            bootstrap(&config, &mainnet).unwrap().len(),
            mainnet.p2p.bootstrap.len()
        );
        config.p2p.listen = Some(vec!["/ip4/127.0.0.1/tcp/9/ws".into(), "/ip6/::1/tcp/9".into()]);
        assert_eq!(listen(&config, &profile).unwrap().len(), 2);
        for outside in ["/ip4/0.0.0.0/tcp/9", "/dns/localhost/tcp/9", "/ip6/::/tcp/9"] {
            config.p2p.listen = Some(vec![outside.into()]);
            let error = listen(&config, &profile).unwrap_err().to_string();
            assert!(error.contains(outside), "{error}");
        }
    }
}
