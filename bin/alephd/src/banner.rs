//! What `alephd dev` shows when it is ready.

use std::fmt::Write as _;

use alephd_message::Micros;
use alephd_node::{Config, Node, Profile, dev};

/// The text. The curl lines work as they stand.
pub(crate) fn text(nodes: &[Node], config: &Config, profile: &Profile, keeps: bool, now: Micros) -> String {
    let Some((node, others)) = nodes.split_first() else {
        return String::new();
    };
    let url = format!("http://{}", node.address());
    let mut text = String::new();
    let data = if keeps { "kept" } else { "removed at the end" };
    let lines = [
        format!(
            "alephd {} is ready: network {}, data in {} ({data})",
            env!("CARGO_PKG_VERSION"),
            profile.name,
            config.data.folder.display()
        ),
        String::new(),
        format!("  node        {url}/"),
        format!("  API         {url}/api/v0/"),
        format!("  reference   {url}/api/docs"),
        format!("  metrics     {url}/metrics"),
        format!("  live        ws://{}/api/ws0/messages", node.address()),
        String::new(),
    ];
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    for (number, other) in others.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  node {:<6} http://{}/", number + 2, other.address());
    }
    if !others.is_empty() {
        text.push('\n');
    }
    if let Some(address) = node.multiaddresses().first() {
        let _ = writeln!(text, "Other nodes reach it at {address}\n");
    }
    let accounts = dev::accounts();
    if dev::funds(config, profile) {
        let (tokens, credits) = dev::holdings();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "Test accounts, each with {tokens} ALEPH and {credits} credits (address, private key):"
        );
        for account in &accounts {
            let _ = writeln!(text, "  {} {}", account.address, account.private_key);
        }
        text.push('\n');
    }
    if let Some(account) = accounts.first() {
        let message = dev::example_post(account, now);
        let _ = write!(
            text,
            "Try:\n  \
             curl {url}/api/v0/addresses/{address}/balance\n  \
             curl {url}/api/v0/messages -H 'content-type: application/json' -d '{{\"sync\":true,\"message\":{message}}}'\n  \
             curl '{url}/api/v0/messages.json?addresses={address}&pagination=5'\n  \
             curl {url}/api/v0/state/root\n\n\
             Ctrl-C stops the node.\n",
            address = account.address,
        );
    }
    text
}
