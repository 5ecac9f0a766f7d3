//! Which addresses may be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Why a URL is not the base of a node's API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    /// It cannot be read, or is not `http` or `https` with a host.
    #[error("not an http or https URL")]
    Url,
    /// It has a user, a query or a fragment.
    #[error("a base has no user, query or fragment")]
    Parts,
    /// It leads to this machine or to a private network.
    #[error("not a public address")]
    Private,
}

/// The URL of a path below a base.
pub(super) fn url(base: &str, path: &str, private: bool) -> Result<Url, BadBase> {
    let mut url = Url::parse(base).map_err(|_| BadBase::Url)?;
    let host = url
        .host_str()
        .filter(|_| matches!(url.scheme(), "http" | "https"));
    let host = host.ok_or(BadBase::Url)?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(BadBase::Parts);
    }
    // Names are looked at when they are resolved; numbers are not resolved. All ways of writing a
    // number are one here: the parser of URLs has seen to it.
    let number: Result<IpAddr, _> = host.trim_matches(['[', ']']).parse();
    if number.is_ok_and(|address| !private && !is_public(address)) {
        return Err(BadBase::Private);
    }
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// Resolves names to public addresses alone.
///
/// The connection is made to what is returned here, so a name cannot change its mind in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Public {
    /// Private addresses too.
    pub(super) private: bool,
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { private } = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found
                .filter(|address| private || is_public(address.ip()))
                .collect();
            if found.is_empty() {
                return Err(BadBase::Private.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public Internet, by the registries of special addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // "This network".
        || a == 0
        // Carriers' own networks.
        || (a == 100 && (64..128).contains(&b))
        // Protocol assignments and old relays.
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        // Measurements.
        || (a == 198 && (b == 18 || b == 19))
        // Multicast, reserved, broadcast.
        || a >= 224;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, _, _, _, g, h] = address.segments();
    let inner = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b) {
        // Translated to version 4.
        (0x64, 0xff9b) if c == 0 => is_public_v4(inner(g, h)),
        (0x2002, _) => is_public_v4(inner(b, c)),
        // Protocol assignments, among them tunnels that hide another address; documentation.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // All that is given out.
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        for text in [
            "1.1.1.1",
            "51.159.57.71",
            "172.32.0.1",
            "2606:4700::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::1",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn bases() {
        let ask = |base| url(base, "/api/v0/x", false).map(|url| url.to_string());
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(ask("https://api2.aleph.im"), ok("https://api2.aleph.im/api/v0/x"));
        assert_eq!(
            ask("http://51.159.57.71:4024/"),
            ok("http://51.159.57.71:4024/api/v0/x")
        );
        assert_eq!(
            ask("http://h.example/node/"),
            ok("http://h.example/node/api/v0/x")
        );
        for base in [
            "",
            "h.example",
            "ftp://h.example",
            "file:///etc/passwd",
            "http://",
        ] {
            assert_eq!(ask(base), Err(BadBase::Url), "{base}");
        }
        for base in [
            "http://u@h.example",
            "http://u:p@h.example",
            "http://h.example/?a",
            "http://h.example/#a",
        ] {
            assert_eq!(ask(base), Err(BadBase::Parts), "{base}");
        }
        for base in [
            "http://127.0.0.1",
            "http://[::1]:80",
            "http://0x7f.1",
            "http://2130706433",
            "http://0177.0.0.1",
            "http://[::ffff:10.0.0.1]",
            "http://169.254.169.254",
        ] {
            assert_eq!(ask(base), Err(BadBase::Private), "{base}");
            assert!(url(base, "/x", true).is_ok(), "{base}");
        }
    }
}
