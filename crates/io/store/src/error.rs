//! What can go wrong with the database.

/// A failure of the store. None of them is caused by a message: they mean that the disk, the
/// file or the program is at fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused or failed.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was written by a newer program.
    #[error("the database has schema {found}, this program knows up to {known}: use a newer alephd")]
    TooNew {
        /// Version in the file.
        found: u32,
        /// Newest version of this program.
        known: u32,
    },
    /// The file was written by an older program, and only a node that runs brings it up to date.
    #[error("the database has schema {found}, this program reads {known}: start the node with it once")]
    TooOld {
        /// Version in the file.
        found: u32,
        /// The version that this program reads.
        known: u32,
    },
    /// A row holds what this program never writes.
    #[error("damaged row: {0}; run `alephd rebuild` to check the database")]
    Damaged(&'static str),
    /// No thread could be started for checkpoints.
    #[error("thread for checkpoints: {0}")]
    Thread(std::io::Error),
    /// The data folder cannot be used.
    #[error("data folder {path}: {source}")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
