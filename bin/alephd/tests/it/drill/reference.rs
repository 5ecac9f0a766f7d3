//! A data folder that nothing ever happened to: the same messages, imported.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use alephd_testkit::process::Node;
use serde_json::Value;

use super::{
    client::Client,
    traffic::{Message, Upload},
};

/// A clean data folder.
pub(super) struct Reference {
    program: PathBuf,
    data: PathBuf,
    imports: u32,
}

impl Reference {
    /// An empty folder with the files that the messages name.
    pub(super) fn new(program: &Path, data: PathBuf) -> Self {
        let node = Node::start(program, &data).unwrap();
        let mut client = Client::connect(node.address()).unwrap();
        for upload in Upload::named() {
            let answer = client.upload(&upload.bytes.make()).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        assert!(node.terminate().unwrap().success());
        Self {
            program: program.to_owned(),
            data,
            imports: 0,
        }
    }

    /// Imports messages.
    pub(super) fn import(&mut self, messages: &[Message]) -> Value {
        let lines: Vec<_> = messages.iter().map(|message| message.wire.as_str()).collect();
        self.imports += 1;
        let file = self.data.with_extension(format!("{}.jsonl", self.imports));
        fs::write(&file, lines.join("\n")).unwrap();
        let state = self.import_file(&file);
        fs::remove_file(file).unwrap();
        state
    }

    /// Imports a file and gives the state after it.
    pub(super) fn import_file(&self, file: &Path) -> Value {
        let mut command = Command::new(&self.program);
        command.arg("import").arg(file).arg("--data").arg(&self.data);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["invalid"], 0, "{report}");
        report["state"].take()
    }
}
