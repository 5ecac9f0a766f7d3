//! Results that cost much to make and are asked for by anybody.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::ApiError;

/// A result that is made anew after some time.
#[derive(Default)]
pub(super) struct Kept<T>(Mutex<Option<(Duration, T)>>);

impl<T: Clone> Kept<T> {
    /// The result, if it is younger than `age` at the monotonic reading `now`, or a new one. While
    /// one is made, those who come wait for it instead of making it too.
    pub(super) async fn get(
        &self,
        now: Duration,
        age: Duration,
        make: impl FnOnce() -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut kept = self.0.lock().await;
        if let Some((made, result)) = &*kept
            && now.saturating_sub(*made) < age
        {
            return Ok(result.clone());
        }
        let result = make()?;
        *kept = Some((now, result.clone()));
        Ok(result)
    }
}
