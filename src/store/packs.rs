//! Packs: files in which small payloads lie one after the other, so that many become durable by one sync.
//!
//! A pack is written by one process, from its beginning: the next one begins its own. So what a crash or a power cut
//! leaves half written stands at the end of a pack, and nothing follows it there. Each payload has a head: four letters,
//! the length of the compressed bytes, the SHA-256 of the bytes before compression.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::payloads::PayloadId;
use crate::disk::{self, trial};

/// What every head begins with.
const MAGIC: [u8; 4] = *b"xpl1";
const HEAD_BYTES: usize = 4 + 4 + 32;
/// From this size on a new pack is begun. At a start the last one is written once more.
const PACK_BYTES: u64 = 16 << 20;
/// Largest compressed payload that goes into a pack; others have files of their own.
pub(super) const PACKED_BYTES_MAX: usize = 64 << 10;

/// Where a payload lies.
#[derive(Debug, Clone, Copy)]
struct Slot {
    pack: u32,
    length: u32,
    offset: u64,
}

/// The packs of a folder, and what lies where.
pub(super) struct Packs {
    folder: PathBuf,
    inner: Mutex<Inner>,
    /// How to wait for the disk; that of a file itself but in tests.
    sync: Mutex<disk::Sync>,
}

#[derive(Default)]
struct Inner {
    /// By half of the SHA-256, which is compared in full when one is read.
    slots: HashMap<[u8; 16], Slot>,
    /// The one that is written to, and how long it is.
    open: Option<(File, u64)>,
    /// The number of the last.
    last: u32,
    /// Whether it has bytes that were not synced.
    unsynced: bool,
}

impl Packs {
    /// Looks at what is there, without a change.
    pub(super) fn look(folder: PathBuf) -> io::Result<Self> {
        let mut inner = Inner::default();
        for number in numbers(&folder)? {
            inner.last = number;
            let mut file = File::open(path(&folder, number))?;
            index(&mut file, number, &mut inner.slots)?;
        }
        let sync = Mutex::new(Box::new(File::sync_data) as disk::Sync);
        Ok(Self { folder, inner: Mutex::new(inner), sync })
    }

    /// Opens them to write. What the last one holds is written to the disk once more: the disk may have it or not.
    pub(super) fn open(folder: PathBuf, sync: disk::Sync) -> io::Result<Self> {
        disk::create_dir(&folder)?;
        if let Some(last) = numbers(&folder)?.pop() {
            let path = path(&folder, last);
            let bytes = fs::read(&path)?;
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
        Ok(Self { sync: Mutex::new(sync), ..Self::look(folder)? })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The compressed bytes of a payload; nothing where no pack has it.
    pub(super) fn get(&self, id: PayloadId) -> io::Result<Option<Vec<u8>>> {
        let Some(slot) = self.inner().slots.get(&half(id)).copied() else { return Ok(None) };
        let mut bytes = vec![0; slot.length as usize];
        let mut file = File::open(path(&self.folder, slot.pack))?;
        file.seek(SeekFrom::Start(slot.offset))?;
        file.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Whether a pack has it.
    pub(super) fn has(&self, id: PayloadId) -> bool {
        self.inner().slots.contains_key(&half(id))
    }

    /// Adds the compressed bytes of a payload. They are durable with the next [`Packs::sync`].
    pub(super) fn put(&self, id: PayloadId, packed: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.open.as_ref().is_some_and(|(_, length)| *length >= PACK_BYTES) {
            self.settle(&mut inner)?;
        }
        if inner.open.is_none() {
            let number = inner.last + 1;
            let path = path(&self.folder, number);
            trial::deed("create", &path)?;
            let file = File::create_new(path)?;
            inner.last = number;
            disk::sync_dir(&self.folder)?;
            inner.open = Some((file, 0));
        }
        let pack = inner.last;
        let length = u32::try_from(packed.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + packed.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(packed);
        let Some((file, end)) = &mut inner.open else { return Ok(()) };
        let written = trial::deed("write", &self.folder).and_then(|()| file.write_all(&bytes));
        if let Err(e) = written {
            // Nothing may follow a half: on a full disk it is taken back, else this pack has its end.
            let back = file.set_len(*end).and_then(|()| file.seek(SeekFrom::Start(*end)));
            if back.is_err() {
                self.settle(&mut inner)?;
            }
            return Err(e);
        }
        let offset = *end + HEAD_BYTES as u64;
        *end += bytes.len() as u64;
        inner.unsynced = true;
        inner.slots.insert(half(id), Slot { pack, length, offset });
        Ok(())
    }

    /// Ends the pack that is written to, durably.
    fn settle(&self, inner: &mut Inner) -> io::Result<()> {
        if let (true, Some((file, _))) = (inner.unsynced, &inner.open) {
            self.wait_for(file)?;
            inner.unsynced = false;
        }
        inner.open = None;
        Ok(())
    }

    fn wait_for(&self, file: &File) -> io::Result<()> {
        let mut sync = self.sync.lock().unwrap_or_else(PoisonError::into_inner);
        trial::deed("sync", &self.folder.join("open"))?;
        (*sync)(file)
    }

    /// Waits until the disk has everything that was put. Meanwhile more may be put and read.
    pub(super) fn sync(&self) -> io::Result<()> {
        let file = {
            let mut inner = self.inner();
            let unsynced = std::mem::take(&mut inner.unsynced);
            match &inner.open {
                Some((file, _)) if unsynced => file.try_clone()?,
                _ => return Ok(()),
            }
        };
        let synced = self.wait_for(&file);
        if synced.is_err() {
            self.inner().unsynced = true;
        }
        synced
    }

    /// How many payloads there are that are none of these.
    pub(super) fn others(&self, named: impl Iterator<Item = PayloadId>) -> u64 {
        let inner = self.inner();
        let known = named.filter(|id| inner.slots.contains_key(&half(*id))).count();
        (inner.slots.len() - known) as u64
    }
}

fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.pack"))
}

fn half(id: PayloadId) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&id.as_bytes()[..16]);
    half
}

/// The numbers of the packs of a folder, rising; none where it is not there.
fn numbers(folder: &Path) -> io::Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        numbers.extend(name.strip_suffix(".pack").and_then(|digits| digits.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Notes what lies where in a pack, up to its end or to where it was torn. What comes again is newer.
fn index(file: &mut File, pack: u32, slots: &mut HashMap<[u8; 16], Slot>) -> io::Result<()> {
    let size = file.metadata()?.len();
    let mut reader = io::BufReader::with_capacity(1 << 16, file);
    let mut at = 0;
    while at + HEAD_BYTES as u64 <= size {
        let mut head = [0; HEAD_BYTES];
        reader.read_exact(&mut head)?;
        let (magic, rest) = head.split_at(4);
        let (length, id) = rest.split_at(4);
        let length = length.try_into().map_or(0, u32::from_le_bytes);
        let offset = at + HEAD_BYTES as u64;
        at = offset + u64::from(length);
        if magic != MAGIC || at > size {
            break;
        }
        let mut half = [0; 16];
        half.copy_from_slice(&id[..16]);
        slots.insert(half, Slot { pack, length, offset });
        reader.seek_relative(i64::from(length))?;
    }
    Ok(())
}
