//! Payloads: files named after the SHA-256 of what they hold, compressed, written once and never changed.

use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use super::Error;
use crate::disk;

/// SHA-256 of a payload; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadId([u8; 32]);

impl PayloadId {
    /// The id of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for names.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl fmt::Display for PayloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PayloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for PayloadId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not 64 hexadecimal digits";
        if text.len() != 64 || !text.is_ascii() {
            return Err(WRONG);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(Self(bytes))
    }
}

impl serde::Serialize for PayloadId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PayloadId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The folder of payloads.
pub(super) struct Payloads {
    folder: PathBuf,
    temporary: AtomicU64,
}

/// Fast, and good enough: X12 shrinks to about a tenth.
const COMPRESSION_LEVEL: i32 = 3;

impl Payloads {
    /// Opens the folder, makes it where it is missing, and removes what a crash left half written.
    pub(super) fn open(folder: PathBuf) -> Result<Self, Error> {
        let temporary = folder.join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(|e| file_error("clearing", &temporary, &e))?;
        }
        disk::create_dir(&temporary).map_err(|e| file_error("making", &temporary, &e))?;
        Ok(Self { folder, temporary: AtomicU64::new(0) })
    }

    fn path(&self, id: PayloadId) -> PathBuf {
        path(&self.folder, id)
    }

    /// Temporary file, fsync, rename, fsync of the folder: after a power cut the file is whole or absent. One that is
    /// there is trusted only when it holds these bytes: a disk or a restored backup may have torn it.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<PayloadId, Error> {
        let id = PayloadId::of(bytes);
        let path = self.path(id);
        let folder = path.parent().unwrap_or(&self.folder).to_path_buf();
        if path.exists() {
            match self.get(id) {
                Ok(_) => {
                    // Another thread may have renamed it a moment ago and not yet made the rename durable.
                    disk::sync_dir(&folder).map_err(|e| file_error("syncing", &folder, &e))?;
                    return Ok(id);
                }
                Err(Error::Payload { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        disk::create_dir(&folder).map_err(|e| file_error("making", &folder, &e))?;
        let packed = zstd::bulk::compress(bytes, COMPRESSION_LEVEL)
            .map_err(|e| file_error("compressing", &path, &e))?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let half = self.folder.join("tmp").join(number.to_string());
        let written =
            disk::write_new(&half, &packed).map_err(|e| file_error("writing", &half, &e)).and_then(
                |()| fs::rename(&half, &path).map_err(|e| file_error("renaming to", &path, &e)),
            );
        if let Err(e) = written {
            // On a full disk each half would make it fuller. One that cannot be removed goes at the next start.
            let _ = fs::remove_file(&half);
            return Err(e);
        }
        disk::sync_dir(&folder).map_err(|e| file_error("syncing", &folder, &e))?;
        Ok(id)
    }

    pub(super) fn get(&self, id: PayloadId) -> Result<Vec<u8>, Error> {
        read(&self.folder, id)
    }
}

fn path(folder: &Path, id: PayloadId) -> PathBuf {
    let name = id.to_string();
    folder.join(&name[..2]).join(format!("{name}.zst"))
}

/// Reads a payload below a folder of payloads, and compares it with its name.
pub(super) fn read(folder: &Path, id: PayloadId) -> Result<Vec<u8>, Error> {
    let failed = |reason: String| Error::Payload { id, reason };
    let path = path(folder, id);
    // What the system says, but that there is no such file, tells nothing of the payload: it may go by.
    let wrong = |e: std::io::Error| {
        if e.raw_os_error().is_some() && e.kind() != std::io::ErrorKind::NotFound {
            file_error("reading", &path, &e)
        } else {
            failed(format!("{}: {e}", path.display()))
        }
    };
    let file = File::open(&path).map_err(wrong)?;
    let mut bytes = Vec::new();
    zstd::stream::read::Decoder::new(file)
        .and_then(|mut decoder| decoder.read_to_end(&mut bytes))
        .map_err(wrong)?;
    if PayloadId::of(&bytes) != id {
        return Err(failed("its bytes have changed since it was stored".to_owned()));
    }
    Ok(bytes)
}

pub(super) fn file_error(doing: &'static str, path: &Path, error: &std::io::Error) -> Error {
    Error::File { doing, path: path.display().to_string(), reason: error.to_string() }
}
