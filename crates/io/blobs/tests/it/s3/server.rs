//! The service as a child process that can be killed.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use alephd_blobs::{BlobConfig, Blobs, S3Config};
use tempfile::TempDir;

pub(crate) const PREFIX: &str = "nodes/one";
pub(crate) const SECRET: &str = "not-to-be-seen";
const BUCKET: &str = "bucket";

pub(crate) struct Server {
    program: PathBuf,
    root: TempDir,
    port: u16,
    child: Child,
}

/// The service, unless this machine does not have it.
pub(crate) fn start(test: &str) -> Option<Server> {
    let Some(program) = program() else {
        let why = "no S3 server: run scripts/s3.sh";
        crate::skip(test, why);
        return None;
    };
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("data").join(BUCKET)).unwrap();
    let keys = format!("[default]\naws_access_key_id = node\naws_secret_access_key = {SECRET}\n");
    fs::write(root.path().join("keys"), keys).unwrap();
    let (child, port) = spawn(&program, &root.path().join("data"), 0);
    Some(Server {
        program,
        root,
        port,
        child,
    })
}

/// `ALEPHD_S3_SERVER`, or where `scripts/s3.sh` puts it: in the folder that cargo builds in, which
/// is above this test.
fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os("ALEPHD_S3_SERVER") {
        return Some(named.into());
    }
    let here = env::current_exe().unwrap();
    let mut places = here.ancestors().map(|folder| folder.join("s3s/bin/s3s-fs"));
    places.find(|place| place.is_file())
}

/// Starts it and waits for the line that names its port.
fn spawn(program: &Path, data: &Path, port: u16) -> (Child, u16) {
    let mut child = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--access-key", "node", "--secret-key", SECRET])
        .arg(data)
        .env("RUST_LOG", "s3s_fs=info")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().expect("it says where it listens").unwrap();
        if let Some((_, address)) = line.split_once("running at http://") {
            break address.to_owned();
        }
    };
    let digits = address.rsplit(':').next().unwrap();
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    // It would wait for a reader of its log.
    std::thread::spawn(move || lines.for_each(drop));
    (child, digits.parse().unwrap())
}

/// What the service writes about a complete object, and keeps when the object is deleted.
fn is_note(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.starts_with(".bucket-") && name.contains(".object-") && !name.contains(".upload-")
}

impl Server {
    pub(crate) fn config(&self) -> S3Config {
        self.config_at(self.port)
    }

    /// The same bucket behind another port.
    pub(crate) fn config_at(&self, port: u16) -> S3Config {
        S3Config {
            endpoint: Some(format!("http://127.0.0.1:{port}")),
            prefix: PREFIX.into(),
            key_file: Some(self.root().join("keys")),
            retries: 1,
            ..S3Config::new(BUCKET)
        }
    }

    pub(crate) async fn open(&self) -> Blobs {
        Blobs::open(&BlobConfig::S3(self.config())).await.unwrap()
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What the service keeps, unfinished uploads included, relative to the bucket. Its notes about
    /// complete objects are left out.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let data = self.root().join("data");
        let mut found: Vec<_> = crate::folder::files(&data)
            .into_iter()
            .filter(|path| !is_note(path))
            .map(|path| path.strip_prefix(BUCKET).map(Path::to_owned).unwrap_or(path))
            .collect();
        found.sort();
        found
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same data and port.
    pub(crate) fn restart(&mut self) {
        (self.child, self.port) = spawn(&self.program, &self.root.path().join("data"), self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
