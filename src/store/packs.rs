//! Packs: files in which small payloads lie one after the other, so that many become durable by one sync.
//!
//! A pack is written by one process, from its beginning: the next one begins its own. So what a crash or a power cut
//! leaves half written stands at the end of a pack, and nothing follows it there. Each payload has a head: four letters,
//! the length of the compressed bytes, the SHA-256 of the bytes before compression.
//!
//! A pack whose payloads nobody names any more moves to the archive as it is. A file with the ending `retired` stays in
//! its place, and tells by half of their SHA-256 which payloads it has, so that they are not missed when it is taken away.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::payloads::PayloadId;
use crate::disk::{self, trial};

/// What every head begins with.
const MAGIC: [u8; 4] = *b"xpl1";
/// How packs end, and what stays of one that is in the archive.
const PACK: &str = "pack";
const RETIRED: &str = "retired";
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

/// Packs that are old enough to go to the archive.
#[derive(Debug, Default)]
pub(super) struct Aged(BTreeSet<u32>);

/// What went to the archive.
#[derive(Default)]
struct Archived {
    slots: HashMap<[u8; 16], Slot>,
    /// What is in packs that are not there.
    away: HashSet<[u8; 16]>,
}

/// The packs of a folder, and what lies where.
pub(super) struct Packs {
    folder: PathBuf,
    archive: PathBuf,
    /// Read when it is first asked for.
    archived: Mutex<Option<Archived>>,
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
    /// Packs that are to go to the archive: what is put again is written again.
    aged: BTreeSet<u32>,
    /// Why the disk may not have what was put. A sync that failed once may seem to succeed the next time.
    failed: Option<String>,
}

impl Inner {
    fn still_good(&self) -> io::Result<()> {
        match &self.failed {
            Some(reason) => Err(io::Error::other(format!("a sync failed before: {reason}"))),
            None => Ok(()),
        }
    }

    fn heed(&mut self, synced: io::Result<()>) -> io::Result<()> {
        synced.inspect_err(|e| {
            self.failed.get_or_insert(e.to_string());
        })
    }
}

impl Packs {
    /// Looks at what is there, without a change.
    pub(super) fn look(folder: PathBuf, archive: PathBuf) -> io::Result<Self> {
        let retired = numbers(&folder, RETIRED)?;
        let mut inner = Inner { last: retired.last().copied().unwrap_or(0), ..Inner::default() };
        for number in numbers(&folder, PACK)? {
            inner.last = inner.last.max(number);
            let mut file = File::open(path(&folder, number))?;
            index(&mut file, number, &mut inner.slots)?;
        }
        let sync = Mutex::new(Box::new(File::sync_data) as disk::Sync);
        Ok(Self { folder, archive, archived: Mutex::default(), inner: Mutex::new(inner), sync })
    }

    /// Opens them to write. What the last one holds is written to the disk once more: the disk may have it or not.
    pub(super) fn open(folder: PathBuf, archive: PathBuf, sync: disk::Sync) -> io::Result<Self> {
        disk::create_dir(&folder)?;
        if let Some(last) = numbers(&folder, PACK)?.pop() {
            let path = path(&folder, last);
            let bytes = fs::read(&path)?;
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
        Ok(Self { sync: Mutex::new(sync), ..Self::look(folder, archive)? })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The compressed bytes of a payload; nothing where no pack has it, in the archive neither.
    pub(super) fn get(&self, id: PayloadId) -> io::Result<Option<Vec<u8>>> {
        let slot = self.inner().slots.get(&half(id)).copied();
        if let Some(slot) = slot {
            match read_slot(&self.folder, slot) {
                // It has gone to the archive in this moment.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                read => return read.map(Some),
            }
        }
        let archived = self.archived(|archived| archived.slots.get(&half(id)).copied())?;
        archived.map(|slot| read_slot(&self.archive, slot)).transpose()
    }

    /// Whether it is in a pack of the archive that is not there.
    pub(super) fn is_away(&self, id: PayloadId) -> io::Result<bool> {
        self.archived(|archived| archived.away.contains(&half(id)))
    }

    fn archived<T>(&self, ask: impl FnOnce(&Archived) -> T) -> io::Result<T> {
        let mut known = self.archived.lock().unwrap_or_else(PoisonError::into_inner);
        let archived = match known.take() {
            Some(archived) => archived,
            None => Archived::read(&self.folder, &self.archive)?,
        };
        Ok(ask(known.insert(archived)))
    }

    /// Whether a pack has it that is to stay.
    pub(super) fn has(&self, id: PayloadId) -> bool {
        let inner = self.inner();
        inner.slots.get(&half(id)).is_some_and(|slot| !inner.aged.contains(&slot.pack))
    }

    /// Tells which packs had aged at the call before this one, and lets those age that were written before a moment.
    pub(super) fn age(&self, before: SystemTime) -> io::Result<Aged> {
        let numbers = numbers(&self.folder, PACK)?;
        let mut inner = self.inner();
        let aged = Aged(inner.aged.clone());
        let last = inner.last;
        for number in numbers.into_iter().filter(|number| *number != last) {
            if fs::metadata(path(&self.folder, number))?.modified()? < before {
                inner.aged.insert(number);
            }
        }
        Ok(aged)
    }

    /// Moves those of the packs to the archive of whose payloads none is named; tells how many, and their size.
    pub(super) fn archive(
        &self,
        named: impl Iterator<Item = PayloadId>,
        aged: &Aged,
    ) -> io::Result<(u64, u64)> {
        let mut contents: BTreeMap<u32, Vec<[u8; 16]>> = BTreeMap::new();
        {
            let inner = self.inner();
            let pack = |half: &[u8; 16]| inner.slots.get(half).map(|slot| slot.pack);
            let pinned: BTreeSet<u32> = named.filter_map(|id| pack(&half(id))).collect();
            let goes = |pack: &u32| aged.0.contains(pack) && !pinned.contains(pack);
            contents.extend(aged.0.iter().filter(|p| goes(p)).map(|p| (*p, Vec::new())));
            for (half, slot) in &inner.slots {
                if let Some(ids) = contents.get_mut(&slot.pack) {
                    ids.push(*half);
                }
            }
        }
        let (mut files, mut bytes) = (0, 0);
        for (pack, halves) in contents {
            let from = path(&self.folder, pack);
            let Ok(metadata) = fs::metadata(&from) else { continue };
            disk::create_dir(&self.archive)?;
            // What it has first: then nothing of it is ever missing.
            disk::write_to(&self.folder, &format!("{pack:08}.{RETIRED}"), &halves.concat())?;
            disk::move_file(&from, &path(&self.archive, pack))?;
            let mut inner = self.inner();
            for half in &halves {
                // What was put again meanwhile lies elsewhere.
                if inner.slots.get(half).is_some_and(|slot| slot.pack == pack) {
                    inner.slots.remove(half);
                }
            }
            inner.aged.remove(&pack);
            drop(inner);
            *self.archived.lock().unwrap_or_else(PoisonError::into_inner) = None;
            (files, bytes) = (files + 1, bytes + metadata.len());
        }
        Ok((files, bytes))
    }

    /// Adds the compressed bytes of a payload. They are durable with the next [`Packs::sync`]. Once the disk has refused
    /// a sync, nothing is added any more.
    pub(super) fn put(&self, id: PayloadId, packed: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        inner.still_good()?;
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
            let synced = self.wait_for(file);
            inner.heed(synced)?;
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
    ///
    /// Where that fails, or has failed when a pack was full, it fails from then on: a payload that was put in between
    /// may not be on the disk, and no later sync would tell.
    pub(super) fn sync(&self) -> io::Result<()> {
        let file = {
            let mut inner = self.inner();
            inner.still_good()?;
            let unsynced = std::mem::take(&mut inner.unsynced);
            match &inner.open {
                Some((file, _)) if unsynced => file.try_clone()?,
                _ => return Ok(()),
            }
        };
        let synced = self.wait_for(&file);
        let mut inner = self.inner();
        inner.unsynced |= synced.is_err();
        inner.heed(synced)?;
        // A pack may have become full meanwhile, and its sync failed.
        inner.still_good()
    }

    /// How many payloads there are that are none of these.
    pub(super) fn others(&self, named: impl Iterator<Item = PayloadId>) -> u64 {
        let inner = self.inner();
        let known = named.filter(|id| inner.slots.contains_key(&half(*id))).count();
        (inner.slots.len() - known) as u64
    }
}

impl Archived {
    fn read(folder: &Path, archive: &Path) -> io::Result<Self> {
        let mut archived = Self::default();
        for number in numbers(archive, PACK)? {
            index(&mut File::open(path(archive, number))?, number, &mut archived.slots)?;
        }
        for number in numbers(folder, RETIRED)? {
            let halves = fs::read(path(folder, number).with_extension(RETIRED))?;
            let halves = halves.as_chunks::<16>().0.iter().copied();
            let gone = halves.filter(|half| !archived.slots.contains_key(half));
            archived.away.extend(gone);
        }
        Ok(archived)
    }
}

fn read_slot(folder: &Path, slot: Slot) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; slot.length as usize];
    let mut file = File::open(path(folder, slot.pack))?;
    file.seek(SeekFrom::Start(slot.offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.{PACK}"))
}

fn half(id: PayloadId) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&id.as_bytes()[..16]);
    half
}

/// The numbers of the files of a folder with this ending, rising; none where it is not there.
fn numbers(folder: &Path, ending: &str) -> io::Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let stem = name.strip_suffix(ending).and_then(|name| name.strip_suffix('.'));
        numbers.extend(stem.and_then(|digits| digits.parse::<u32>().ok()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_that_failed_when_a_pack_was_full_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut fails = [Err(io::Error::other("the disk is broken"))].into_iter();
        // As Linux does: the failure is told once.
        let sync: disk::Sync = Box::new(move |_| fails.next().unwrap_or(Ok(())));
        let packs = Packs::open(folder.path().join("packs"), folder.path().join("archive"), sync);
        let packs = packs.unwrap();
        let bytes = vec![7; PACKED_BYTES_MAX];
        let payload = |number: u64| PayloadId::of(&number.to_le_bytes());
        let fitting = PACK_BYTES / (PACKED_BYTES_MAX + HEAD_BYTES) as u64 + 1;
        for number in 0..fitting {
            packs.put(payload(number), &bytes).unwrap();
        }
        assert!(packs.put(payload(fitting), &bytes).is_err(), "it ends the first pack");
        let told = packs.sync().unwrap_err().to_string();
        assert!(told.contains("the disk is broken"), "{told}");
        assert!(packs.put(payload(fitting), &bytes).is_err() && packs.sync().is_err());
    }
}
