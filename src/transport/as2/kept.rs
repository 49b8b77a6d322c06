//! What was made of files: kept until one of them changes.

use std::sync::{Arc, Mutex, PoisonError};

/// Something, and the texts that it was made of.
pub(super) struct Kept<T>(Mutex<Option<Made<T>>>);

type Made<T> = (Vec<Vec<u8>>, Arc<T>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Kept<T> {
    /// What these texts come to; it is made only where they are others than the last time.
    pub(super) fn of(
        &self,
        texts: Vec<Vec<u8>>,
        make: impl FnOnce(&[Vec<u8>]) -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, made)) = &*kept
            && *of == texts
        {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(make(&texts)?);
        *kept = Some((texts, Arc::clone(&made)));
        Ok(made)
    }
}
