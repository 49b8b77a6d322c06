//! Payloads: known by the SHA-256 of what they hold, compressed, written once and never changed. Small ones lie together
//! in packs, large ones in files named after it.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;
use zstd::zstd_safe::DCtx;

use super::Error;
use super::packs::{Aged, PACKED_BYTES_MAX, Packs};
use super::recent::Recent;
use crate::audit;
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
        audit::hex(&self.0, &mut [0; 8]).to_owned()
    }
}

impl fmt::Display for PayloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(audit::hex(&self.0, &mut [0; 64]))
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
pub struct Payloads {
    folder: PathBuf,
    /// Where those are that no record names any more.
    archive: PathBuf,
    packs: Packs,
    temporary: AtomicU64,
    recent: Mutex<Recent>,
    /// Held while a large one that is there is taken for good, or goes to the archive.
    moving: Mutex<()>,
}

/// What is old enough to go to the archive.
pub(super) struct OldPayloads {
    packs: Aged,
    before: SystemTime,
}

/// Folder of the packs.
const PACKS: &str = "packs";
/// Ending of what stays of a payload that is in the archive.
const RETIRED: &str = "retired";
/// Fast, and good enough: X12 shrinks to about a tenth.
const COMPRESSION_LEVEL: i32 = 3;

/// What compresses, or the reverse, and is kept for the next: to make one costs more than a payload takes, and one for
/// each of hundreds of threads would be hundreds of megabytes.
struct Idle<T>(Mutex<Vec<T>>);

static COMPRESSORS: Idle<Compressor<'static>> = Idle(Mutex::new(Vec::new()));
static DECOMPRESSORS: Idle<DCtx<'static>> = Idle(Mutex::new(Vec::new()));
const IDLE_MAX: usize = 4;

impl<T> Idle<T> {
    fn with<R>(
        &self,
        make: impl FnOnce() -> io::Result<T>,
        work: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = kept().pop();
        let mut one = idle.map_or_else(make, Ok)?;
        // One that fails may be anywhere within its bytes, and is not used again.
        let result = work(&mut one)?;
        let mut kept = kept();
        if kept.len() < IDLE_MAX {
            kept.push(one);
        }
        Ok(result)
    }
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSORS.with(|| Compressor::new(COMPRESSION_LEVEL), |one| one.compress(bytes))
}

fn decompress(packed: impl BufRead) -> io::Result<Vec<u8>> {
    DECOMPRESSORS.with(
        || Ok(DCtx::create()),
        |one| {
            let mut bytes = Vec::new();
            Decoder::with_context(packed, one).read_to_end(&mut bytes)?;
            Ok(bytes)
        },
    )
}

impl Payloads {
    /// Opens the folder, makes it where it is missing, and removes what a crash left half written.
    pub(super) fn open(folder: PathBuf, sync: disk::Sync) -> Result<Self, Error> {
        let temporary = folder.join("tmp");
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(|e| file_error("clearing", &temporary, &e))?;
        }
        disk::create_dir(&temporary).map_err(|e| file_error("making", &temporary, &e))?;
        let archive = archive_of(&folder);
        let packs = Packs::open(folder.join(PACKS), archive.join(PACKS), sync)
            .map_err(|e| file_error("opening", &folder.join(PACKS), &e))?;
        Ok(Self::of(folder, archive, packs))
    }

    fn of(folder: PathBuf, archive: PathBuf, packs: Packs) -> Self {
        let temporary = AtomicU64::new(0);
        let (recent, moving) = (Mutex::default(), Mutex::default());
        Self { folder, archive, packs, temporary, recent, moving }
    }

    /// Reads the payloads of the store in this folder, without opening it. What is stored later is not seen.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn look(store: &Path) -> Result<Self, Error> {
        let folder = store.join("payloads");
        let archive = archive_of(&folder);
        let packs = Packs::look(folder.join(PACKS), archive.join(PACKS))
            .map_err(|e| file_error("reading", &folder, &e))?;
        Ok(Self::of(folder, archive, packs))
    }

    fn path(&self, id: PayloadId) -> PathBuf {
        path_in(&self.folder, id)
    }

    /// Keeps bytes. Small ones are durable with the next [`Payloads::sync`], large ones at once. One that is there is
    /// trusted only when it holds these bytes: a disk or a restored backup may have torn it.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<PayloadId, Error> {
        let id = PayloadId::of(bytes);
        // This process has put it a moment ago, and the disk has it at the next sync.
        if self.recent().get(id).is_some_and(|held| *held == *bytes) && self.packs.has(id) {
            return Ok(id);
        }
        let path = self.path(id);
        let still = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        if self.packs.has(id) || path.exists() {
            match self.read(id) {
                Ok(_) => {
                    // Another thread may have written it a moment ago, and not yet made it durable.
                    if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
                        disk::sync_dir(folder).map_err(|e| file_error("syncing", folder, &e))?;
                    }
                    // One that is named anew is not old any more.
                    if let Ok(file) = File::options().append(true).open(&path) {
                        file.set_modified(SystemTime::now())
                            .map_err(|e| file_error("dating", &path, &e))?;
                    }
                    return Ok(id);
                }
                Err(Error::Payload { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        drop(still);
        let packed = compress(bytes).map_err(|e| file_error("compressing", &path, &e))?;
        if packed.len() <= PACKED_BYTES_MAX {
            let folder = self.folder.join(PACKS);
            self.packs.put(id, &packed).map_err(|e| file_error("writing", &folder, &e))?;
            self.recent().hold(id, bytes);
        } else {
            self.put_file(&path, &packed)?;
        }
        Ok(id)
    }

    /// Temporary file, fsync, rename, fsync of the folder: after a power cut the file is whole or absent.
    fn put_file(&self, path: &Path, packed: &[u8]) -> Result<(), Error> {
        let folder = path.parent().unwrap_or(&self.folder);
        disk::create_dir(folder).map_err(|e| file_error("making", folder, &e))?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let half = self.folder.join("tmp").join(number.to_string());
        let written =
            disk::write_new(&half, packed).map_err(|e| file_error("writing", &half, &e)).and_then(
                |()| fs::rename(&half, path).map_err(|e| file_error("renaming to", path, &e)),
            );
        if let Err(e) = written {
            // On a full disk each half would make it fuller. One that cannot be removed goes at the next start.
            let _ = fs::remove_file(&half);
            return Err(e);
        }
        disk::sync_dir(folder).map_err(|e| file_error("syncing", folder, &e))
    }

    /// Waits until the disk has every payload that was put. When that fails, nothing that names one may be written.
    pub(super) fn sync(&self) -> Result<(), Error> {
        let path = || self.folder.join(PACKS).display().to_string();
        self.packs.sync().map_err(|e| {
            let doing = "waiting for the payloads that it names, in";
            let (path, reason) = (path(), e.to_string());
            Error::Log(audit::Error::File { doing, path, reason })
        })
    }

    /// Whether it went to the archive, and that is not there.
    ///
    /// # Errors
    /// Where the folders cannot be read.
    pub fn is_away(&self, id: PayloadId) -> Result<bool, Error> {
        let failed = |e: io::Error| file_error("reading", &self.folder, &e);
        let marked = self.path(id).with_extension(RETIRED).exists();
        let away = marked && !path_in(&self.archive, id).exists();
        Ok(away || self.packs.is_away(id).map_err(failed)?)
    }

    /// Tells what was old at the call before this one, and remembers what was written before a moment.
    pub(super) fn age(&self, before: SystemTime) -> Result<OldPayloads, Error> {
        let failed = |e: io::Error| file_error("reading", &self.folder, &e);
        Ok(OldPayloads { packs: self.packs.age(before).map_err(failed)?, before })
    }

    /// Moves to the archive what is old and not named; tells how many files, and their size.
    pub(super) fn archive(
        &self,
        named: &BTreeSet<PayloadId>,
        old: &OldPayloads,
    ) -> Result<(u64, u64), Error> {
        let failed = |e: io::Error| file_error("archiving from", &self.folder, &e);
        let packed = self.packs.archive(named.iter().copied(), &old.packs);
        let (mut files, mut bytes) = packed.map_err(failed)?;
        for part in fs::read_dir(&self.folder).map_err(failed)? {
            let part = part.map_err(failed)?.path();
            for file in fs::read_dir(&part).map_err(failed)? {
                let file = file.map_err(failed)?;
                let name = file.file_name().to_string_lossy().into_owned();
                let id = name.strip_suffix(".zst").and_then(|digits| digits.parse().ok());
                let Some(id) = id.filter(|id| !named.contains(id)) else { continue };
                let _still = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
                let metadata = file.metadata().map_err(failed)?;
                if metadata.modified().map_err(failed)? < old.before {
                    self.archive_file(id).map_err(failed)?;
                    (files, bytes) = (files + 1, bytes + metadata.len());
                }
            }
        }
        Ok((files, bytes))
    }

    fn archive_file(&self, id: PayloadId) -> io::Result<()> {
        let (from, to) = (self.path(id), path_in(&self.archive, id));
        disk::create_dir(to.parent().unwrap_or(&self.archive))?;
        // What went first: then it is never missing.
        let folder = from.parent().unwrap_or(&self.folder);
        disk::write_to(folder, &format!("{id}.{RETIRED}"), &[])?;
        disk::move_file(&from, &to)
    }

    /// How many payloads there are that are none of these.
    pub(super) fn others(&self, named: &BTreeSet<PayloadId>) -> Result<u64, Error> {
        let failed = |e: io::Error| file_error("reading", &self.folder, &e);
        let mut others = self.packs.others(named.iter().copied());
        for part in fs::read_dir(&self.folder).map_err(failed)? {
            let part = part.map_err(failed)?.path();
            for file in fs::read_dir(&part).map_err(failed)? {
                let name = file.map_err(failed)?.file_name().to_string_lossy().into_owned();
                let id = name.strip_suffix(".zst").and_then(|digits| digits.parse().ok());
                others += u64::from(id.is_some_and(|id| !named.contains(&id)));
            }
        }
        Ok(others)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a payload; from the disk where it was not kept a moment ago, and then it is compared with its name.
    ///
    /// # Errors
    /// [`Error::Payload`] where it is missing or damaged, [`Error::File`] where it cannot be read just now.
    pub fn get(&self, id: PayloadId) -> Result<Vec<u8>, Error> {
        if let Some(bytes) = self.recent().take(id) {
            return Ok(bytes.to_vec());
        }
        self.read(id)
    }

    /// Reads a payload from the disk, and compares it with its name.
    fn read(&self, id: PayloadId) -> Result<Vec<u8>, Error> {
        let failed = |reason: String| Error::Payload { id, reason };
        let path = self.path(id);
        // What the system says, but that there is no such file, tells nothing of the payload: it may go by.
        let wrong = |e: io::Error| {
            if e.raw_os_error().is_some() && e.kind() != io::ErrorKind::NotFound {
                file_error("reading", &path, &e)
            } else {
                failed(format!("{}: {e}", path.display()))
            }
        };
        let read = match self.packs.get(id).map_err(wrong)? {
            Some(packed) => decompress(packed.as_slice()),
            None => File::open(&path)
                .or_else(|e| File::open(path_in(&self.archive, id)).map_err(|_| e))
                .and_then(|file| decompress(BufReader::new(file))),
        };
        let bytes = read.map_err(wrong)?;
        if PayloadId::of(&bytes) != id {
            return Err(failed("its bytes have changed since it was stored".to_owned()));
        }
        Ok(bytes)
    }
}

/// The archive of a folder of payloads: beside it.
fn archive_of(payloads: &Path) -> PathBuf {
    payloads.with_file_name("archive")
}

fn path_in(folder: &Path, id: PayloadId) -> PathBuf {
    let name = id.to_string();
    folder.join(&name[..2]).join(format!("{name}.zst"))
}

pub(super) fn file_error(doing: &'static str, path: &Path, error: &std::io::Error) -> Error {
    Error::File { doing, path: path.display().to_string(), reason: error.to_string() }
}
