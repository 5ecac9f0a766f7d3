//! The real program as a child process.
//!
//! For tests that kill and restart a node, and for measurements. Only the fixed command line and
//! the HTTP interface are used: `alephd dev --api HOST:PORT --data DIR`.
//!
//! ```no_run
//! use alephd_testkit::process::{self, Node};
//!
//! # fn main() -> Result<(), process::ProcessError> {
//! let program = process::program().expect("ALEPHD_BIN names the program");
//! let data = tempfile::tempdir().expect("a temporary folder");
//! let node = Node::start(&program, data.path())?;
//! let version = node.http().get("/api/v0/version")?;
//! assert_eq!(version.status, 200);
//! node.kill()?;
//! # Ok(())
//! # }
//! ```

pub mod http;
mod memory;

use std::{
    env, fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

pub use memory::{Memory, memory};

use self::http::Client;

/// Between two looks at a process that starts or stops. The time to the first answer is measured
/// with this precision.
const POLL: Duration = Duration::from_millis(2);
/// Looks until we give up: two minutes. A start takes less than a second; the rest is for machines
/// under load, and for a node that has much to recover.
const POLLS: u32 = 60_000;
/// Ports tried. Another process may take a free one before the node does.
const ATTEMPTS: u32 = 5;
/// Lines of the log that an error quotes.
const QUOTED_LINES: usize = 30;

/// Why a node could not be started, asked or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be started, signalled or waited for.
    #[error("cannot {action} the node")]
    System {
        /// What was attempted.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The program ended before it answered.
    #[error("the node ended with {status} before it answered; its log ends with:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last lines that it wrote.
        log: String,
    },
    /// The program did not answer, or did not end, within the limit.
    #[error("the node did not {action} in time; its log ends with:\n{log}")]
    TooSlow {
        /// What was waited for.
        action: &'static str,
        /// The last lines that it wrote.
        log: String,
    },
    /// A request failed.
    #[error(transparent)]
    Http(#[from] http::HttpError),
}

/// The program to test: `ALEPHD_BIN`, or what cargo says when it runs an integration test of the
/// program's own package. `None` where neither is set.
pub fn program() -> Option<PathBuf> {
    ["ALEPHD_BIN", "CARGO_BIN_EXE_alephd", "NEXTEST_BIN_EXE_alephd"]
        .iter()
        .find_map(env::var_os)
        .map(PathBuf::from)
}

/// Notes that `test` cannot run here and why, where the test runner wants to know
/// (CONTRIBUTING.md, "Tests").
pub fn skip(test: &str, why: &str) {
    use std::io::Write;
    let Some(path) = env::var_os("ALEPHD_TEST_SKIPS") else {
        return;
    };
    let line = format!("{test}: {why}\n");
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    // One write, since tests of several processes append to the file.
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("the file of skipped tests can be written");
}

/// A running node. Dropping it kills it.
#[derive(Debug)]
pub struct Node {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Node {
    /// Starts `program` as a development node with its data in `data` and waits until it answers.
    /// What it writes is appended to `alephd.log` beside the folder.
    pub fn start(program: &Path, data: &Path) -> Result<Self, ProcessError> {
        Self::start_with(program, data, &[])
    }

    /// The same with more arguments.
    pub fn start_with(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self, ProcessError> {
        let mut attempt = 1;
        loop {
            match Self::try_start(program, data, arguments) {
                Err(ProcessError::Ended { log, .. })
                    if attempt < ATTEMPTS && log.to_lowercase().contains("in use") =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn try_start(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self, ProcessError> {
        let system = |action| move |source| ProcessError::System { action, source };
        let address = free_address().map_err(system("find a port for"))?;
        let log = data.with_extension("log");
        let open = || fs::OpenOptions::new().create(true).append(true).open(&log);
        let output = open().map_err(system("open the log of"))?;
        let errors = open().map_err(system("open the log of"))?;
        let child = Command::new(program)
            .arg("dev")
            .arg("--api")
            .arg(address.to_string())
            .arg("--data")
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(system("start"))?;
        let mut node = Self { child, address, log };
        node.wait_for_answer()?;
        Ok(node)
    }

    fn wait_for_answer(&mut self) -> Result<(), ProcessError> {
        for _ in 0..POLLS {
            if self
                .http()
                .get("/api/v0/version")
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            if let Some(status) = self.ended()? {
                let log = self.log_end();
                return Err(ProcessError::Ended { status, log });
            }
            thread::sleep(POLL);
        }
        Err(self.too_slow("answer"))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The beginning of all URLs: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client for it.
    pub fn http(&self) -> Client {
        Client::new(self.address)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it holds in memory.
    pub fn memory(&self) -> io::Result<Memory> {
        memory(self.id())
    }

    /// The last lines that it wrote.
    pub fn log_end(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
    }

    /// Ends it as a crash would, with no chance to do anything (SIGKILL).
    pub fn kill(mut self) -> Result<(), ProcessError> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(|source| ProcessError::System {
                action: "kill",
                source,
            })?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub fn terminate(mut self) -> Result<ExitStatus, ProcessError> {
        let system = |source| ProcessError::System {
            action: "terminate",
            source,
        };
        let id = i32::try_from(self.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .ok_or_else(|| system(io::Error::other("not a process id")))?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)
            .map_err(|error| system(error.into()))?;
        for _ in 0..POLLS {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        Err(self.too_slow("end"))
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| ProcessError::System {
            action: "wait for",
            source,
        })
    }

    fn too_slow(&self, action: &'static str) -> ProcessError {
        ProcessError::TooSlow {
            action,
            log: self.log_end(),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody listened on a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests;
