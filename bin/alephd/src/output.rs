//! What the commands write.

use std::io::{self, Write};

/// Writes to standard output.
pub(crate) fn say(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

/// Writes to standard error, as far as anybody listens.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells why the program ends.
pub(crate) fn complain(error: &anyhow::Error) {
    note(&format!("alephd: {error:#}"));
}

/// Whether the reader of standard output went away.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let kinds = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    kinds
        .into_iter()
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
