//! Limits of the operating system that a node asks to have raised.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors wanted: connections, readers, files, and room.
const WANTED: u64 = 65_536;

/// Raises the number of open files to what the system lets this process have. The usual soft
/// limit of 1024 would let a thousand idle connections shut everybody else out.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, wanted, "the limit of open files stays low");
    }
}
