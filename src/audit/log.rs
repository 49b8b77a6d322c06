//! Writing the log. One process at a time: whoever opens it holds the lock of the folder around it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::Error;
use super::line::{Group, Head, Position};
use super::segment::{self, Header, Segment};
use super::tree::{Hash, Tree};
use crate::disk::{self, trial};

/// From this size on a new file is begun.
const SEGMENT_BYTES: u64 = 16 << 20;

/// The log, open at its end.
pub struct Log {
    folder: PathBuf,
    id: String,
    path: PathBuf,
    file: File,
    sync: disk::Sync,
    bytes: u64,
    segment_bytes: u64,
    position: Position,
}

/// What was found when it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// Bytes at the end that a power cut had left half written, and that nobody had been told of. They are gone.
    pub cut: u64,
}

impl Log {
    /// Begins a log in a folder that has none.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(folder: &Path) -> Result<(), Error> {
        disk::create_dir(folder).map_err(|e| Error::file("making", folder, &e))?;
        let id = getrandom::u64().map_err(|e| Error::File {
            doing: "making",
            path: folder.display().to_string(),
            reason: format!("the system gives no random numbers: {e}"),
        })?;
        let id = format!("{id:016x}");
        segment::begin(folder, &Header::new(&id, &Position::default())).map(|_| ())
    }

    /// Opens a log at its end. `applied` is the last line that is known to have been durable; the lines after it are
    /// written to the disk once more before this returns, since the disk may have them or not.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it is not what was written, and no power cut explains it.
    pub fn open(folder: &Path, applied: u64, sync: disk::Sync) -> Result<(Self, Opened), Error> {
        Self::open_with(folder, applied, sync, SEGMENT_BYTES)
    }

    /// Opens it with another bound on its files.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with(
        folder: &Path,
        applied: u64,
        sync: disk::Sync,
        segment_bytes: u64,
    ) -> Result<(Self, Opened), Error> {
        let last = segment::list(folder)?
            .pop()
            .ok_or_else(|| Error::damaged(folder, "there is no log in it"))?;
        if last.packed {
            return Self::after_packed(folder, &last, sync, segment_bytes);
        }
        let failed = |e: std::io::Error| Error::file("opening", &last.path, &e);
        let bytes = fs::read(&last.path).map_err(failed)?;
        let (header, position) = segment::read_header(&last, &mut bytes.as_slice())?;
        let mut walk = Walk { bytes: &bytes, at: header.line().len(), position, unsure: None };
        walk.run(applied).map_err(|reason| Error::damaged(&last.path, reason))?;
        let (end, position) = (walk.at, walk.position);
        let unsure = walk.unsure.unwrap_or(end);
        let mut file =
            OpenOptions::new().read(true).write(true).open(&last.path).map_err(failed)?;
        file.set_len(end as u64).map_err(failed)?;
        file.seek(SeekFrom::Start(unsure as u64)).map_err(failed)?;
        file.write_all(&bytes[unsure..end]).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let log = Self {
            folder: folder.to_path_buf(),
            id: header.log,
            path: last.path.clone(),
            file,
            sync,
            bytes: end as u64,
            segment_bytes,
            position,
        };
        Ok((log, Opened { cut: (bytes.len() - end) as u64 }))
    }

    /// The newest file is a compressed one: a new one follows it.
    fn after_packed(
        folder: &Path,
        last: &Segment,
        sync: disk::Sync,
        segment_bytes: u64,
    ) -> Result<(Self, Opened), Error> {
        let mut lines = segment::open(last)?;
        let (header, mut position) = segment::read_header(last, &mut lines)?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.read_until(b'\n', &mut line);
            if read.map_err(|e| segment::unreadable(last, &e))? == 0 {
                break;
            }
            let next = position.next();
            position
                .accept(line.strip_suffix(b"\n").unwrap_or(&line))
                .map_err(|why| Error::damaged(&last.path, format!("entry {next}: {why}")))?;
        }
        let begun = Header::new(&header.log, &position);
        let path = segment::begin(folder, &begun)?;
        let file = append_to(&path)?;
        let (id, folder) = (header.log, folder.to_path_buf());
        let bytes = begun.line().len() as u64;
        Ok((
            Self { folder, id, path, file, sync, bytes, segment_bytes, position },
            Opened::default(),
        ))
    }

    /// Which log it is: hexadecimal digits made by chance when it was begun.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tree of all lines.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.position.tree
    }

    /// Number and hash of the last line; 0 where there is none.
    #[must_use]
    pub fn last(&self) -> (u64, Hash) {
        (self.position.tree.size(), self.position.last)
    }

    /// Lines that are to follow.
    #[must_use]
    pub fn group(&self) -> Group {
        Group::new(self.position.clone())
    }

    /// Writes lines and waits until the disk has them.
    ///
    /// # Errors
    /// Where that fails. Some of the lines may be there then, and may survive; nothing more may be written.
    /// [`Error::Damaged`] where the lines do not follow the last: another group was written since this one was begun.
    pub fn write(&mut self, group: Group) -> Result<(), Error> {
        if group.first != self.position.next() {
            let reason = format!("entry {} does not follow the last", group.first);
            return Err(Error::damaged(&self.path, reason));
        }
        if self.bytes >= self.segment_bytes {
            self.path = segment::begin(&self.folder, &Header::new(&self.id, &self.position))?;
            self.file = append_to(&self.path)?;
            self.bytes = 0;
        }
        trial::deed("write", &self.path)
            .and_then(|()| self.file.write_all(&group.bytes))
            .map_err(|e| Error::file("writing", &self.path, &e))?;
        trial::deed("sync", &self.path)
            .and_then(|()| (self.sync)(&self.file))
            .map_err(|e| Error::file("syncing", &self.path, &e))?;
        self.bytes += group.bytes.len() as u64;
        self.position = group.position;
        Ok(())
    }
}

fn append_to(path: &Path) -> Result<File, Error> {
    OpenOptions::new().append(true).open(path).map_err(|e| Error::file("opening", path, &e))
}

/// The way through the newest file to its end.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    position: Position,
    /// Where the lines begin that were perhaps not durable.
    unsure: Option<usize>,
}

impl Walk<'_> {
    /// Goes to the end, or to where a power cut has torn it.
    fn run(&mut self, applied: u64) -> Result<(), String> {
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            let line = memchr::memchr(b'\n', rest).map(|end| &rest[..end]);
            let next = self.position.next();
            if next > applied && self.unsure.is_none() {
                self.unsure = Some(self.at);
            }
            let accepted = line.ok_or_else(|| "it has no end".to_owned());
            match accepted.and_then(|line| self.position.accept(line).map(|_| line.len())) {
                Ok(length) => self.at += length + 1,
                Err(why) => return self.torn(next, applied, &why),
            }
        }
        Ok(())
    }

    /// A power cut can tear no more than the lines that were being written together: those of the last group. What lies
    /// before a line of a later group, or is in the database, had been durable.
    fn torn(&self, next: u64, applied: u64, why: &str) -> Result<(), String> {
        let rest = &self.bytes[self.at..];
        let later = rest.split(|&byte| byte == b'\n').filter_map(Head::of);
        if next <= applied || later.into_iter().any(|head| head.group > next) {
            return Err(format!(
                "entry {next} (byte {}) is damaged: {why}. What follows it was written later, so that this is no work of a power cut",
                self.at
            ));
        }
        Ok(())
    }
}
