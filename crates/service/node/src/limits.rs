//! Limits of the operating system that a node asks to have raised.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors wanted: connections, readers, files, and room.
const WANTED: u64 = 65_536;

/// Raises the number of open files to what the system lets this process have, and returns it. The
/// usual soft limit of 1024 would let a thousand idle connections shut everybody else out.
fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    let Some(current) = limit.current.filter(|current| *current < wanted) else {
        return limit.current.unwrap_or(WANTED);
    };
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, wanted, "the limit of open files stays low");
            current
        }
    }
}

/// How many connections may be open, of those that are wanted: a quarter of the descriptors is
/// left for files and the database, without which a connection is of no use.
pub(crate) fn connections(wanted: usize) -> usize {
    let files = usize::try_from(raise_file_limit()).unwrap_or(usize::MAX);
    let possible = (files - files / 4).max(1);
    if possible < wanted {
        tracing::warn!(
            wanted,
            possible,
            "connections are bounded by the limit of open files"
        );
    }
    possible.min(wanted)
}
