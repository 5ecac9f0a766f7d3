//! The requests of the operating system to stop.

use std::{fmt, io};

/// Why the process was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownSignal {
    /// SIGTERM: a service manager stops the node.
    Terminate,
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
}

impl fmt::Display for ShutdownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

/// A subscription to SIGTERM and SIGINT.
///
/// Registered early and kept, it misses no signal: one that arrives while the node still starts
/// is seen at the first [`ShutdownSignals::next`], and a second one, sent by somebody who does
/// not want to wait for an orderly stop, at the next.
#[derive(Debug)]
pub struct ShutdownSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl ShutdownSignals {
    /// Takes over both signals for this process. Must be called within a tokio runtime.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Does nothing here: Ctrl-C is taken over by [`ShutdownSignals::next`].
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next request to stop.
    #[cfg(unix)]
    pub async fn next(&mut self) -> io::Result<ShutdownSignal> {
        tokio::select! {
            Some(()) = self.terminate.recv() => Ok(ShutdownSignal::Terminate),
            Some(()) = self.interrupt.recv() => Ok(ShutdownSignal::Interrupt),
            else => Err(io::Error::other("the signal driver has stopped")),
        }
    }

    /// Waits for the next request to stop.
    #[cfg(not(unix))]
    pub async fn next(&mut self) -> io::Result<ShutdownSignal> {
        tokio::signal::ctrl_c().await.map(|()| ShutdownSignal::Interrupt)
    }
}

/// Waits for one SIGTERM or SIGINT. A signal that came before the call is not seen; a program
/// that starts slowly uses [`ShutdownSignals`] instead.
pub async fn shutdown_signal() -> io::Result<ShutdownSignal> {
    ShutdownSignals::listen()?.next().await
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn send(name: &str) {
        let pid = std::process::id().to_string();
        let status = std::process::Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// One test for both signals: they are global to the process, and so would be two tests.
    #[tokio::test]
    async fn each_signal_is_told_apart_and_none_is_lost() {
        let mut signals = ShutdownSignals::listen().unwrap();
        send("TERM");
        assert_eq!(signals.next().await.unwrap(), ShutdownSignal::Terminate);
        send("INT");
        assert_eq!(signals.next().await.unwrap(), ShutdownSignal::Interrupt);
        assert_eq!(ShutdownSignal::Terminate.to_string(), "SIGTERM");
    }
}
