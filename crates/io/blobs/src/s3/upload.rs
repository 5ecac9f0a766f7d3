//! An upload in parts that is ended whatever happens: completed, or aborted by its owner, or by
//! the next one who opens the bucket.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use object_store::{
    Error, MultipartUpload, ObjectStoreExt, PutPayload, PutResult, Result, UploadPart,
    multipart::{MultipartStore, PartId},
    path::Path,
};
use tokio::runtime::Handle;

use super::Store;

/// What the name of a marker has more than that of its upload.
const MARKER: &str = ".upload";
/// Longer than the id that any service gives. A larger object is no marker of ours.
const ID_LIMIT: u64 = 4096;

/// The upload whose marker lies here.
pub(super) fn marked(marker: &Path) -> Option<Path> {
    marker.as_ref().strip_suffix(MARKER).map(Path::from)
}

fn marker(location: &Path) -> Path {
    Path::from(format!("{location}{MARKER}"))
}

/// Counts what is not there as removed.
pub(super) fn gone(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::NotFound { .. }) => Ok(()),
        result => result,
    }
}

/// Aborts an upload and removes what it made. The marker goes last, so that a failure can be
/// repeated. Its text is the id, unless the caller knows it.
pub(super) async fn remove(store: &Store, location: &Path, id: Option<&str>) -> Result<()> {
    let marker = marker(location);
    let read;
    let id = match id {
        Some(id) => Some(id),
        None => {
            read = read_id(store, &marker).await?;
            read.as_deref()
        }
    };
    if let Some(id) = id {
        gone(store.abort_multipart(location, &id.to_owned()).await)?;
    }
    gone(store.delete(location).await)?;
    gone(store.delete(&marker).await)
}

async fn read_id(store: &Store, marker: &Path) -> Result<Option<String>> {
    match store.get(marker).await {
        Ok(found) if found.meta.size > ID_LIMIT => Ok(None),
        Ok(found) => Ok(String::from_utf8(found.bytes().await?.into()).ok()),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Debug)]
pub(super) struct Upload {
    store: Arc<Store>,
    location: Path,
    id: String,
    /// Parts sent, by number.
    sent: Arc<Mutex<Vec<(usize, PartId)>>>,
    next: usize,
    /// Whether the service still holds it as an upload.
    open: bool,
}

impl Upload {
    /// No part is sent before the marker is there. Dying between the two leaves an upload without
    /// a byte.
    pub(super) async fn start(store: Arc<Store>, location: Path) -> Result<Self> {
        let id = store.create_multipart(&location).await?;
        let upload = Self {
            store,
            location,
            id,
            sent: Arc::default(),
            next: 0,
            open: true,
        };
        let text = PutPayload::from(upload.id.clone());
        upload.store.put(&marker(&upload.location), text).await?;
        Ok(upload)
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = self.next;
        self.next += 1;
        let (store, sent) = (self.store.clone(), self.sent.clone());
        let (location, id) = (self.location.clone(), self.id.clone());
        Box::pin(async move {
            let part = store.put_part(&location, &id, number, data).await?;
            sent.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((number, part));
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let mut sent = std::mem::take(&mut *self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        sent.sort_unstable_by_key(|(number, _)| *number);
        let parts = sent.into_iter().map(|(_, part)| part).collect();
        let result = self
            .store
            .complete_multipart(&self.location, &self.id, parts)
            .await?;
        self.open = false;
        // It leads nowhere any more; if this fails, the next opening removes it.
        let _ = self.store.delete(&marker(&self.location)).await;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.open = false;
        remove(&self.store, &self.location, Some(&self.id)).await
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        // Without a runtime the program is ending, and the marker tells the next one.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let (store, location, id) = (self.store.clone(), self.location.clone(), self.id.clone());
        runtime.spawn(async move {
            // Tried as often as any request. If it fails, the marker stays.
            let _ = remove(&store, &location, Some(&id)).await;
        });
    }
}
