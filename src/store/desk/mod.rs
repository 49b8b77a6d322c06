//! The desk: where commands of other processes read and add to the store of a gateway that runs. A store admits one
//! process, so that one answers for it, over a socket in its data folder that only its owner may open.
//!
//! A question is one `Ask`, an answer one value; both are frames of a JSON head and a body of bytes (payloads).

mod client;
mod server;

pub use client::RemoteRecords;
pub use server::answer;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    As2Key, FileKey, InterchangeId, InterchangeKey, PayloadId, PurchaseOrderKey, Transaction,
};

/// Largest head of a frame. A page of records is far smaller.
const HEAD_BYTES_MAX: u32 = 64 << 20;
/// Largest body of a frame: a payload.
const BODY_BYTES_MAX: u32 = 1 << 30;

/// The socket of a data folder, in a folder of its own that only its owner may enter.
#[must_use]
pub fn socket(data: &Path) -> PathBuf {
    data.join("desk").join("socket")
}

/// A question to a store; the methods of [`Records`](super::Records), by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Ask {
    /// The bytes are the body.
    PutPayload,
    /// The answer's body has the bytes.
    Payload(PayloadId),
    Commit(Transaction),
    NextReceipt,
    File(FileKey),
    Receipt(u64),
    Seen(InterchangeKey),
    Interchange(InterchangeId),
    Interchanges(Option<InterchangeId>, usize),
    PurchaseOrder(PurchaseOrderKey),
    Document(String),
    CallResults(String),
    Documents(Option<String>, usize),
    Expectations(String, u64),
    AllExpectations(Option<(String, u64, u64)>, usize),
    Overdue(Timestamp, usize),
    WaitingExpectations(usize),
    Queued(String, usize),
    Backlog(usize),
    Parked(usize),
    Journal(u64, usize),
    Exception(u64),
    Exceptions(u64, usize),
    OpenExceptions(u64, usize),
    ExceptionItems(u64),
    ExceptionAbout(String),
    As2Message(As2Key),
    As2Sent(PayloadId),
}

/// The head of an answer.
#[derive(Debug, Serialize, Deserialize)]
enum Reply<T> {
    Done(T),
    /// A condition of a commit does not hold.
    Conflict(String),
    Failed(String),
}

fn write_frame(to: &mut impl Write, head: &[u8], body: &[u8]) -> io::Result<()> {
    for part in [head, body] {
        let length = u32::try_from(part.len())
            .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "more than 4 GiB"))?;
        to.write_all(&length.to_be_bytes())?;
        to.write_all(part)?;
    }
    to.flush()
}

/// Head and body; nothing where the other side has closed.
fn read_frame(from: &mut impl Read) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let head = read_part(from, u32::from_be_bytes(length), HEAD_BYTES_MAX)?;
    from.read_exact(&mut length)?;
    let body = read_part(from, u32::from_be_bytes(length), BODY_BYTES_MAX)?;
    Ok(Some((head, body)))
}

fn read_part(from: &mut impl Read, length: u32, most: u32) -> io::Result<Vec<u8>> {
    if length > most {
        let words = format!("{length} bytes, more than {most}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    // It grows with what arrives, whatever the length says.
    let mut part = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut part)?;
    if part.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(part)
}
