//! Files that survive a power cut, and folders in which files arrive.
//!
//! A file written here is whole or absent, under its name, whenever the power goes; a file read here is one that
//! its writer has finished. It knows no mailbox, no warehouse and no store: they are built of it.

mod arrivals;
mod durable;
pub mod trial;

pub use arrivals::{Arrival, Arrivals, Limits, Look, is_unfinished, marked, note_name};
pub use durable::{Half, Sync, create_dir, move_file, put_all, sync_dir, write_new, write_to};

use std::path::Path;

/// How many bytes may still be written to the file system of a folder; nothing where that cannot be told.
#[must_use]
pub fn room(folder: &Path) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let told = rustix::fs::statvfs(folder).ok()?;
        told.f_bavail.checked_mul(told.f_frsize)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = folder;
        None
    }
}

/// Longest file name that is made here, in bytes; common file systems allow 255.
const NAME_BYTES_MAX: usize = 200;

/// A name that is safe on any file system: letters, digits, `.`, `-`, `_`; anything else becomes `_`. It never
/// begins with a dot, is never empty, and is cut to 200 bytes.
///
/// ```
/// assert_eq!(crossdock::disk::safe_name("PO 45/7*?.edi"), "PO_45_7__.edi");
/// assert_eq!(crossdock::disk::safe_name("../up"), "_._up");
/// ```
#[must_use]
pub fn safe_name(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(NAME_BYTES_MAX)
        .collect();
    if safe.is_empty() || safe.starts_with('.') {
        safe = format!("_{}", safe.get(1..).unwrap_or_default());
    }
    safe
}
