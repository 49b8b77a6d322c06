//! Whether a log is what was written: every line, their order, and every checkpoint that was signed.

use std::io::BufRead;
use std::path::Path;

use super::Error;
use super::checkpoint::{Checkpoint, checkpoints, origin};
use super::line::{Head, Position, after};
use super::note::PublicKey;
use super::segment::{self, Segment};
use super::tree::Hash;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which log.
    pub origin: String,
    /// Lines that are as they were written; where there is a fault, those before it.
    pub entries: u64,
    /// The root of their tree.
    pub root: Hash,
    /// How many of them the newest checkpoint covers.
    pub signed: u64,
    /// Checkpoints that were compared.
    pub checkpoints: usize,
    /// The first thing that is not as it was written.
    pub fault: Option<Fault>,
}

/// What is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The first entry that is concerned; nothing where that is a checkpoint.
    pub entry: Option<u64>,
    /// In words.
    pub words: String,
}

fn fault<T>(entry: u64, words: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fault(Fault { entry: Some(entry), words: words.into() }))
}

/// Why it does not go on.
enum Stop {
    Fault(Fault),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Compares a log with itself, with its checkpoints, and with those that somebody has kept elsewhere. It can be done
/// beside the process that writes it. `progress` hears how many lines are done.
///
/// # Errors
/// Where a file cannot be read. What is wrong with the log is in the report.
pub fn verify(
    folder: &Path,
    keys: &[PublicKey],
    kept: &[Checkpoint],
    progress: &mut dyn FnMut(u64),
) -> Result<Report, Error> {
    // Before the lines: what was signed until now is there.
    let own = checkpoints(folder, keys)?;
    let segments = segment::list(folder)?;
    let mut signed = kept.to_vec();
    let mut faulty = None;
    for (path, checkpoint) in own {
        match checkpoint {
            Ok(checkpoint) => signed.push(checkpoint),
            Err(words) => {
                let words = format!("{}: {words}", path.display());
                faulty.get_or_insert(Fault { entry: None, words });
            }
        }
    }
    signed.sort_by_key(|checkpoint| checkpoint.size);
    let mut walk = Walk {
        position: Position::default(),
        origin: String::new(),
        before: None,
        signed: &signed,
        unfit_head: None,
        confirmed: 0,
        contradicted: None,
    };
    let found = walk.run(&segments, progress);
    let entries = walk.position.tree.size();
    let fault = match found {
        Ok(()) => None,
        Err(Stop::Fault(fault)) => Some(fault),
        Err(Stop::Failed(Error::Damaged { path, reason })) => {
            Some(Fault { entry: Some(entries + 1), words: format!("{path}: {reason}") })
        }
        Err(Stop::Failed(error)) => return Err(error),
    };
    let newest = signed.last().map_or(0, |checkpoint| checkpoint.size);
    Ok(Report {
        origin: walk.origin,
        entries: fault.as_ref().and_then(|f| f.entry).map_or(entries, |first| first - 1),
        root: walk.position.tree.root(),
        signed: newest.min(entries),
        checkpoints: signed.len(),
        fault: fault.or(faulty),
    })
}

/// The way through the log.
struct Walk<'a> {
    position: Position,
    origin: String,
    /// The line before, whose successor did not name it: which of the two was changed, the next line tells.
    before: Option<Hash>,
    /// Checkpoints that are still to come, by their size.
    signed: &'a [Checkpoint],
    /// What to say of the file that has just begun, whose head does not fit: whether that was changed or the line before
    /// it, its first line tells.
    unfit_head: Option<String>,
    /// Lines that a checkpoint has confirmed.
    confirmed: u64,
    /// Lines that a checkpoint has contradicted.
    contradicted: Option<u64>,
}

impl Walk<'_> {
    fn run(&mut self, segments: &[Segment], progress: &mut dyn FnMut(u64)) -> Result<(), Stop> {
        let mut line = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            let mut lines = segment::open(segment)?;
            self.begin(segment, &mut lines)?;
            loop {
                line.clear();
                let read = lines.read_until(b'\n', &mut line);
                let read = read.map_err(|e| segment::unreadable(segment, &e))?;
                if line.pop_if(|end| *end == b'\n').is_none() {
                    let next = self.position.next();
                    if read > 0 && index + 1 < segments.len() {
                        return fault(next, format!("entry {next} is cut off"));
                    }
                    break;
                }
                self.pass(&line)?;
                if self.position.tree.size().is_multiple_of(1024) {
                    progress(self.position.tree.size());
                }
            }
        }
        let entries = self.position.tree.size();
        if self.before.is_some() {
            let words = format!(
                "entry {} or {entries} was changed: they do not fit to each other",
                entries - 1
            );
            return fault(entries - 1, words);
        }
        self.contradiction()?;
        if let Some(words) = self.unfit_head.take() {
            return fault(entries + 1, words);
        }
        match self.signed.first() {
            Some(checkpoint) => fault(
                entries + 1,
                format!(
                    "the log ends with entry {entries}, but a checkpoint of {} entries was signed: what follows was removed",
                    checkpoint.size
                ),
            ),
            None => Ok(()),
        }
    }

    fn begin(&mut self, segment: &Segment, lines: &mut dyn BufRead) -> Result<(), Stop> {
        let next = self.position.next();
        let (header, position) = segment::read_header(segment, lines)?;
        let path = segment.path.display();
        if header.first != next {
            return fault(
                next,
                format!(
                    "{path} begins with entry {}, where entry {next} should follow",
                    header.first
                ),
            );
        }
        if self.before.is_none() && position != self.position {
            self.unfit_head =
                Some(format!("{path}: its first line does not fit to the entries before it"));
        }
        let origin = origin(&header.log);
        if !self.origin.is_empty() && self.origin != origin {
            return fault(next, format!("{path} belongs to another log"));
        }
        if let Some(other) = self.signed.iter().find(|checkpoint| checkpoint.origin != origin) {
            return fault(
                next,
                format!("a checkpoint is one of {}, but the log is {origin}", other.origin),
            );
        }
        self.origin = origin;
        self.compare();
        Ok(())
    }

    fn pass(&mut self, line: &[u8]) -> Result<(), Stop> {
        let number = self.position.next();
        let Some(head) = Head::of(line) else {
            return fault(number, format!("entry {number} is no line of the log any more"));
        };
        if let Some(last) = self.before.take() {
            // This line names the one before it, so that one is whole; the one before that is not.
            let bad = if head.after == after(&last) { number - 2 } else { number - 1 };
            return fault(bad, format!("entry {bad} was changed"));
        }
        if head.sequence > number {
            let words = format!(
                "entry {number} was removed, or moved: entry {} stands in its place",
                head.sequence
            );
            return fault(number, words);
        }
        if head.sequence < number {
            return fault(
                number,
                format!("entry {} stands in the place of entry {number}", head.sequence),
            );
        }
        let fits = head.after == after(&self.position.last);
        if let Some(words) = self.unfit_head.take().filter(|_| fits) {
            return fault(number, words);
        }
        if fits {
            self.contradiction()?;
        }
        self.position.pass(line);
        if !fits {
            if number == 1 {
                return fault(1, "entry 1 was changed");
            }
            self.before = Some(self.position.last);
            return Ok(());
        }
        self.compare();
        Ok(())
    }

    /// Compares the tree with the checkpoints of its size.
    fn compare(&mut self) {
        let tree = &self.position.tree;
        while let Some((checkpoint, rest)) = self.signed.split_first() {
            if checkpoint.size > tree.size() {
                break;
            }
            if checkpoint.size == tree.size() {
                if checkpoint.root == tree.root() {
                    self.confirmed = checkpoint.size;
                } else {
                    self.contradicted.get_or_insert(checkpoint.size);
                }
            }
            self.signed = rest;
        }
    }

    /// A checkpoint did not fit, and the line after it names the line that it ended with: who changed one has changed
    /// the links of all that follow.
    fn contradiction(&self) -> Result<(), Stop> {
        let Some(size) = self.contradicted else { return Ok(()) };
        let (first, entries) = (self.confirmed + 1, self.position.tree.size());
        if size == entries {
            let words = format!(
                "entry {size} is not the one that was signed; or one from entry {first} on, with the links of all that follow it"
            );
            return fault(size, words);
        }
        fault(first, format!("entries {first} to {size} are not those that were signed"))
    }
}
