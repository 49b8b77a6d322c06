//! A line of the log: its head, which the log writes, and what it tells, which comes from outside.

use std::io::Write as _;

use jiff::Timestamp;
use serde::Deserialize;

use super::tree::{Hash, Tree, hex};

/// Hexadecimal digits of a hash by which a line names the one before it. They find the place of a change; that there is
/// one, the tree shows.
const AFTER_DIGITS: usize = 16;

/// What every line begins with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// Its number: rising by one, the first is 1.
    pub sequence: u64,
    /// The number of the first line that was written together with it. All of them became durable at once.
    pub group: u64,
    /// The beginning of the hash of the line before.
    pub after: String,
    /// When.
    pub at: Timestamp,
    /// Who: `gateway`, or a person.
    pub by: String,
}

impl Head {
    /// Reads the head of a line; nothing where the line is not whole.
    #[must_use]
    pub fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// Where the log stands: what the next line has to say of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) tree: Tree,
    /// Hash of the last line.
    pub(super) last: Hash,
}

impl Default for Position {
    fn default() -> Self {
        Self { tree: Tree::default(), last: Hash::empty() }
    }
}

impl Position {
    /// The number of the next line.
    pub(super) fn next(&self) -> u64 {
        self.tree.size() + 1
    }

    /// Goes on by a line, whatever it says.
    pub(super) fn pass(&mut self, line: &[u8]) {
        self.last = Hash::leaf(line);
        self.tree.push(self.last);
    }

    /// Goes on by a line, if it is the one that follows.
    pub(super) fn accept(&mut self, line: &[u8]) -> Result<Head, String> {
        let head = Head::of(line).ok_or("it is no line of the log")?;
        if head.sequence != self.next() {
            return Err(format!("it says that it is entry {}", head.sequence));
        }
        if head.after != after(&self.last) {
            return Err("it does not fit to the entry before it".to_owned());
        }
        self.pass(line);
        Ok(head)
    }
}

/// How a line names the one before it.
pub(super) fn after(last: &Hash) -> String {
    hex(&last.0, &mut [0; AFTER_DIGITS]).to_owned()
}

/// Lines that become durable together.
#[derive(Debug)]
pub struct Group {
    pub(super) bytes: Vec<u8>,
    pub(super) position: Position,
    pub(super) first: u64,
}

impl Group {
    pub(super) fn new(position: Position) -> Self {
        Self { bytes: Vec::new(), first: position.next(), position }
    }

    /// Adds a line. `body` are the members of a JSON object without its braces, and without line breaks.
    pub fn push(&mut self, at: Timestamp, by: &str, body: &[u8]) {
        let begin = self.bytes.len();
        let (sequence, group) = (self.position.next(), self.first);
        let after = after(&self.position.last);
        let by = serde_json::Value::from(by);
        // Writing into a vector cannot fail.
        let _ = write!(
            self.bytes,
            r#"{{"sequence":{sequence},"group":{group},"after":"{after}","at":"{at}","by":{by}"#
        );
        if !body.is_empty() {
            self.bytes.push(b',');
            self.bytes.extend_from_slice(body);
        }
        self.bytes.push(b'}');
        self.position.pass(&self.bytes[begin..]);
        self.bytes.push(b'\n');
    }

    /// An empty one that follows this.
    #[must_use]
    pub fn next(&self) -> Self {
        Self::new(self.position.clone())
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Number and hash of its last line, or of the last before it.
    #[must_use]
    pub fn last(&self) -> (u64, Hash) {
        (self.position.tree.size(), self.position.last)
    }
}
