//! The files of the log: each of bounded size, named after its first line; old ones are compressed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use super::line::Position;
use super::tree::{Hash, Tree};
use crate::disk;

/// The version of these files.
const VERSION: u32 = 1;
const PLAIN: &str = ".log";
const PACKED: &str = ".log.zst";
/// Fast; lines shrink to about an eighth.
const COMPRESSION_LEVEL: i32 = 3;
/// Longest head of a file: 64 hashes and a few words.
const HEADER_BYTES_MAX: u64 = 1 << 14;

/// The first line of a file, which is no leaf of the tree: where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    crossdock_audit_log: u32,
    /// Which log: made by chance when it was begun.
    pub(super) log: String,
    /// Number of the first line.
    pub(super) first: u64,
    /// Hash of the line before.
    last: Hash,
    /// The complete subtrees of all lines before, the largest first.
    tree: Vec<Hash>,
}

impl Header {
    pub(super) fn new(log: &str, position: &Position) -> Self {
        Self {
            crossdock_audit_log: VERSION,
            log: log.to_owned(),
            first: position.next(),
            last: position.last,
            tree: position.tree.parts(),
        }
    }

    /// As it stands in the file, with its line break.
    pub(super) fn line(&self) -> Vec<u8> {
        // Texts and numbers always have a JSON form.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    pub(super) fn read(line: &[u8]) -> Result<(Self, Position), String> {
        let header: Self =
            serde_json::from_slice(line).map_err(|e| format!("its first line is damaged: {e}"))?;
        let version = header.crossdock_audit_log;
        if version != VERSION {
            return Err(format!(
                "it has version {version} of the format; this program knows {VERSION}"
            ));
        }
        let tree = Tree::of_parts(header.first.saturating_sub(1), &header.tree)
            .filter(|_| header.first > 0)
            .ok_or("its first line is damaged: the tree does not fit")?;
        let last = header.last;
        Ok((header, Position { tree, last }))
    }
}

/// A file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) path: PathBuf,
    pub(super) packed: bool,
}

/// The name of the file that begins with a line.
pub(super) fn name(first: u64) -> String {
    format!("{first:012}{PLAIN}")
}

/// All files, in order. Where one lies there both plain and compressed, which a crash leaves, it is the plain one.
pub(super) fn list(folder: &Path) -> Result<Vec<Segment>, Error> {
    let failed = |e: io::Error| Error::file("reading", folder, &e);
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        let packed = file.ends_with(PACKED);
        let number = file.strip_suffix(if packed { PACKED } else { PLAIN });
        if let Some(first) = number.and_then(|digits| digits.parse().ok()) {
            found.push(Segment { first, path: folder.join(&file), packed });
        }
    }
    found.sort_by_key(|segment| (segment.first, segment.packed));
    found.dedup_by_key(|segment| segment.first);
    Ok(found)
}

/// Whether there is a log in this folder.
///
/// # Errors
/// Where the folder cannot be read.
pub fn exists(folder: &Path) -> Result<bool, Error> {
    Ok(!list(folder)?.is_empty())
}

/// Opens a file to read its lines. One that was compressed since it was listed is found all the same.
pub(super) fn open(segment: &Segment) -> Result<Box<dyn BufRead>, Error> {
    let failed = |e: io::Error| Error::file("reading", &segment.path, &e);
    if !segment.packed {
        match File::open(&segment.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            file => return Ok(Box::new(BufReader::with_capacity(1 << 16, file.map_err(failed)?))),
        }
    }
    let path = segment.path.with_file_name(format!("{:012}{PACKED}", segment.first));
    let file = File::open(path).map_err(failed)?;
    let decoder = zstd::stream::read::Decoder::new(file).map_err(failed)?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, decoder)))
}

/// What the system says is a failure that may go by; what the decompressor says is damage.
pub(super) fn unreadable(segment: &Segment, error: &io::Error) -> Error {
    if error.raw_os_error().is_some() {
        Error::file("reading", &segment.path, error)
    } else {
        Error::damaged(&segment.path, format!("it is damaged: {error}"))
    }
}

/// Reads the head of a file, and where the log stood.
pub(super) fn read_header(
    segment: &Segment,
    lines: &mut dyn BufRead,
) -> Result<(Header, Position), Error> {
    let mut line = Vec::new();
    io::Read::take(lines, HEADER_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .map_err(|e| unreadable(segment, &e))?;
    let (header, position) =
        Header::read(&line).map_err(|reason| Error::damaged(&segment.path, reason))?;
    if header.first != segment.first || header.line() != line {
        return Err(Error::damaged(&segment.path, "its first line is damaged"));
    }
    Ok((header, position))
}

/// Begins a new file, durably.
pub(super) fn begin(folder: &Path, header: &Header) -> Result<PathBuf, Error> {
    let name = name(header.first);
    let path = folder.join(&name);
    disk::write_to(folder, &name, &header.line()).map_err(|e| Error::file("making", &path, &e))?;
    Ok(path)
}

/// Compresses every file but the newest, which is still written to. What a crash interrupts is done again.
///
/// # Errors
/// Where one cannot be read or written; the log is whole then too.
pub fn pack(folder: &Path) -> Result<(), Error> {
    let mut segments = list(folder)?;
    segments.pop();
    for segment in segments.iter().filter(|segment| !segment.packed) {
        let packed = segment.path.with_extension("log.zst");
        // It has its name only once it is whole.
        if !packed.exists() {
            compress(folder, segment, &packed)
                .map_err(|e| Error::file("compressing", &segment.path, &e))?;
        }
        fs::remove_file(&segment.path).map_err(|e| Error::file("removing", &segment.path, &e))?;
    }
    Ok(())
}

fn compress(folder: &Path, segment: &Segment, packed: &Path) -> io::Result<()> {
    let half = segment.path.with_extension("tmp");
    let written = (|| {
        let mut encoder =
            zstd::stream::write::Encoder::new(File::create(&half)?, COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        io::copy(&mut File::open(&segment.path)?, &mut encoder)?;
        let mut file = encoder.finish()?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&half, packed)
    })();
    if let Err(e) = written {
        // On a full disk each half would make it fuller.
        let _ = fs::remove_file(&half);
        return Err(e);
    }
    disk::sync_dir(folder)
}
