//! A bucket of an S3-compatible service.
//!
//! The service makes an object visible in one step, so a small blob is one request. A large one is
//! an upload in parts to the incoming folder, then copied to its name within the service, since
//! the name is known only at the end.
//!
//! An upload in parts that nobody ends is kept, and charged for, though no listing of objects
//! shows it; and not every service lists such uploads. So a small object beside it, its *marker*,
//! holds its id: whoever opens the bucket next ends what the markers name.

mod keys;
mod upload;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    BackoffConfig, ClientOptions, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
    prefix::PrefixStore,
};

use crate::{Error, S3Config, blobs::INCOMING};
use upload::Upload;

/// What a service copies in one request, by the S3 documentation.
pub(crate) const LARGEST: u64 = 5 << 30;

/// Longest time to wait for a connection: more than three lost packets take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pauses between attempts double from the first to the second, with jitter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

pub(crate) type Store = PrefixStore<AmazonS3>;

/// Opens the bucket and removes what an earlier run left unfinished, which also shows that the
/// bucket and the keys are good.
pub(crate) async fn open(config: &S3Config) -> Result<Arc<dyn ObjectStore>, Error> {
    let store = Arc::new(connect(config)?);
    sweep(&store).await?;
    Ok(Arc::new(Bucket { store }))
}

fn connect(config: &S3Config) -> Result<Store, Error> {
    let prefix = Path::parse(config.prefix.trim_matches('/'))
        .map_err(|_| Error::Config(format!("{:?} is no prefix", config.prefix)))?;
    // TLS takes its cryptography from whoever comes first in the process; it is the same everywhere.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let timeout = Duration::from_secs(config.timeout_seconds.max(1));
    let attempts = u32::try_from(config.retries)
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let endpoint = config.endpoint.as_deref().map(check_endpoint).transpose()?;
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let client = ClientOptions::new()
        .with_allow_http(plain)
        // A machine without certificates can still talk to a service beside it.
        .with_no_system_certificates(plain)
        .with_connect_timeout(CONNECT_TIMEOUT.min(timeout))
        // A large blob takes as long as it takes; only silence is a failure.
        .with_timeout_disabled()
        .with_read_timeout(timeout);
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: PAUSES.0,
            max_backoff: PAUSES.1,
            base: 2.0,
        },
        max_retries: config.retries,
        // The count is the limit, not the time that the attempts take.
        retry_timeout: (timeout + PAUSES.1).saturating_mul(attempts),
    };
    let keys = keys::find(config.key_file.as_deref(), |name| std::env::var(name).ok())?;
    let mut builder = AmazonS3Builder::new()
        .with_client_options(client)
        .with_retry(retry)
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_virtual_hosted_style_request(!config.path_style)
        // Deleting many objects in one request is what services leave out.
        .with_disable_bulk_delete(true)
        .with_access_key_id(keys.id)
        .with_secret_access_key(keys.secret);
    if let Some(token) = keys.token {
        builder = builder.with_token(token);
    }
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = builder.build().map_err(|error| Error::Config(causes(&error)))?;
    Ok(PrefixStore::new(store, prefix))
}

/// The whole chain, since the reason, such as a machine without certificates, is at its end.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// An address and nothing else: a password in it would be printed with it.
fn check_endpoint(endpoint: &str) -> Result<&str, Error> {
    let host = endpoint
        .strip_prefix("https://")
        .or_else(|| endpoint.strip_prefix("http://"));
    match host.map(|host| host.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['@', '?', '#']) => {
            Ok(endpoint.trim_end_matches('/'))
        }
        _ => Err(Error::Config(
            "the endpoint must be http:// or https:// and a host, without keys".into(),
        )),
    }
}

/// Ends the uploads that the markers name and removes complete ones that were never moved.
async fn sweep(store: &Arc<Store>) -> Result<(), Error> {
    let mut found = store.list(Some(&Path::from(INCOMING)));
    while let Some(meta) = found.try_next().await? {
        match upload::marked(&meta.location) {
            Some(location) => upload::remove(store, &location, None).await?,
            None => upload::gone(store.delete(&meta.location).await)?,
        }
    }
    Ok(())
}

/// The bucket with uploads in parts that clean up after themselves.
struct Bucket {
    store: Arc<Store>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bucket")
    }
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.store.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = Upload::start(self.store.clone(), location.clone()).await?;
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_no_keys() {
        for good in [
            "http://localhost:9000",
            "https://s3.example.org/",
            "https://host/path",
        ] {
            assert_eq!(check_endpoint(good).unwrap(), good.trim_end_matches('/'));
        }
        for bad in [
            "",
            "s3.example.org",
            "ftp://host",
            "https://",
            "https://id:secret@host",
            "https://host?x=y",
        ] {
            let error = check_endpoint(bad).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn prefixes_stay_within_the_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        std::fs::write(&file, "aws_access_key_id=a\naws_secret_access_key=b").unwrap();
        let with = |prefix: &str| {
            let config = S3Config {
                prefix: prefix.into(),
                key_file: Some(file.clone()),
                ..S3Config::new("b")
            };
            connect(&config).map(|store| store.to_string())
        };
        for good in ["", "a", "/a/b/"] {
            assert!(with(good).is_ok(), "{good}");
        }
        for bad in ["..", "a/../b", "a//b"] {
            assert!(matches!(with(bad), Err(Error::Config(_))), "{bad}");
        }
    }
}
