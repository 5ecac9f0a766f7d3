//! Dependencies between our crates go only down, and sideways only where named here.
//!
//! ```text
//!   bin, bench, xtask          may use everything below
//!   service   ───▶ io, core, base      and the named edges: api -> pipeline, node -> all
//!   io        ───▶ core, base
//!   core      ───▶ core, by the named edges only
//!   base      ───▶ nothing of ours
//!   dev       ───▶ everything below; used by others only as a dev-dependency
//! ```
//!
//! The floor of a crate is its folder, so a crate cannot be placed wrongly by a forgotten
//! attribute. Dev-dependencies are free: a test may build anything. The core must in addition be
//! pure, so its crates may not depend on the libraries in [`IMPURE`]; that a crate touches the
//! clock or a file through the standard library is clippy's part (`clippy.toml`) and review's.

use std::fmt;

use crate::Report;
use crate::exceptions::Exceptions;
use crate::workspace::{Package, Workspace};

const EXCEPTIONS: &str = "xtask/layers-exceptions.txt";

/// Arrows within the core, by folder name: the left uses the right.
const CORE_EDGES: &[(&str, &str)] = &[
    ("message", "cid"),
    ("signature", "message"),
    ("economy", "message"),
    ("unixfs", "cid"),
    ("peer-protocol", "cid"),
    ("peer-protocol", "message"),
    ("peer-protocol", "reconcile"),
    ("rules", "message"),
    ("rules", "economy"),
    ("placement", "economy"),
];

/// Arrows within the services, besides those of `node`, which may use them all.
const SERVICE_EDGES: &[(&str, &str)] = &[
    ("api", "content"),
    ("api", "pipeline"),
    ("sync", "content"),
    ("sync", "pipeline"),
];

/// Libraries that bring a runtime, sockets, files or randomness.
const IMPURE: &[&str] = &[
    "alloy",
    "async-std",
    "axum",
    "crossbeam-channel",
    "fastrand",
    "getrandom",
    "hyper",
    "libp2p",
    "mio",
    "object_store",
    "rand",
    "reqwest",
    "rusqlite",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-util",
    "tower",
    "tower-http",
];

/// Where in the building a package lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Core,
    Base,
    Io,
    Service,
    /// `crates/dev`: for tests only.
    Dev,
    Bin,
    /// `bench` and `xtask`: never part of a node.
    Tool,
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Core => "core",
            Self::Base => "base",
            Self::Io => "io",
            Self::Service => "service",
            Self::Dev => "dev",
            Self::Bin => "bin",
            Self::Tool => "tool",
        })
    }
}

/// A package with its place: the floor and the name of its room there.
#[derive(Clone, Copy)]
struct Place<'a> {
    floor: Floor,
    room: &'a str,
}

/// Checks the whole workspace.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, String> {
    let mut exceptions = Exceptions::load(&workspace.root, EXCEPTIONS)?;
    Ok(check_with(workspace, &mut exceptions))
}

fn check_with(workspace: &Workspace, exceptions: &mut Exceptions) -> Report {
    let mut violations = Vec::new();
    let mut arrows = 0;
    for package in &workspace.packages {
        let Some(from) = place(&package.folder) else {
            violations.push(format!(
                "{} lies in {}, which is no floor; move it to crates/{{core,base,io,service,dev}}/NAME or bin/NAME",
                package.name, package.folder
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            let target = workspace
                .packages
                .iter()
                .find(|other| other.name == dependency.name);
            let wrong = match target.and_then(|other| Some((other, place(&other.folder)?))) {
                Some((other, to)) => {
                    arrows += 1;
                    refused(from, to).map(|why| describe(package, from, other, to, why))
                }
                None if from.floor == Floor::Core && IMPURE.contains(&dependency.name.as_str()) => {
                    Some(format!(
                        "{} (core) must not depend on {}: the core is pure; take bytes, time and \
                         randomness as arguments, or move the code to crates/io",
                        package.name, dependency.name
                    ))
                }
                None => None,
            };
            if let Some(violation) = wrong
                && !exceptions.allow(&format!("{} -> {}", package.name, dependency.name))
            {
                violations.push(violation);
            }
        }
    }
    violations.extend(exceptions.unused());
    let looked_at = format!(
        "{} packages, {arrows} arrows between them",
        workspace.packages.len()
    );
    Report {
        looked_at,
        violations,
    }
}

fn describe(package: &Package, from: Place<'_>, other: &Package, to: Place<'_>, why: &str) -> String {
    format!(
        "{} ({}) must not depend on {} ({}): {why}",
        package.name, from.floor, other.name, to.floor
    )
}

/// The place of a folder, or `None` if it is on no floor.
fn place(folder: &str) -> Option<Place<'_>> {
    let (floor, room) = match folder.split('/').collect::<Vec<_>>()[..] {
        ["crates", "core", room] => (Floor::Core, room),
        ["crates", "base", room] => (Floor::Base, room),
        ["crates", "io", room] => (Floor::Io, room),
        ["crates", "service", room] => (Floor::Service, room),
        ["crates", "dev", room] => (Floor::Dev, room),
        ["bin", room] => (Floor::Bin, room),
        [room @ ("bench" | "xtask")] => (Floor::Tool, room),
        _ => return None,
    };
    Some(Place { floor, room })
}

/// Why the arrow is not allowed, or `None` if it is.
fn refused(from: Place<'_>, to: Place<'_>) -> Option<&'static str> {
    use Floor::{Base, Bin, Core, Dev, Io, Service, Tool};
    let named = |edges: &[(&str, &str)]| edges.contains(&(from.room, to.room));
    match (from.floor, to.floor) {
        (Tool, Bin | Tool) | (_, Bin | Tool) => Some("programs are depended on by nobody"),
        (Tool | Dev, _) => None,
        (_, Dev) => Some("dev crates are for tests; make it a dev-dependency"),
        (Bin, _) => None,
        (Service, Core | Base | Io) | (Io, Core | Base) => None,
        (Service, Service) if from.room == "node" || named(SERVICE_EDGES) => None,
        (Service, Service) => Some("services know nothing of each other; node wires them together"),
        (Io, Io) => Some("an adapter knows one outside world; combine adapters in a service"),
        (Core, Core) if named(CORE_EDGES) => None,
        (Core, Core) => Some("not one of the arrows named in xtask/src/layers.rs"),
        (Core, Base | Io | Service) => Some("the core is pure and uses only the core"),
        (Base, Core | Base | Io | Service) => Some("base crates use nothing of ours"),
        (Io, Service) => Some("arrows only go down; an adapter uses core and base"),
    }
}

#[cfg(test)]
mod tests;
