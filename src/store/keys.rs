//! Keys of the one tree: a prefix, then parts that sort as they should.
//!
//! Text parts end with a zero byte (a zero inside is written as `\0` followed by 0xFF, so that no two keys
//! coincide); numbers are big-endian, so that they sort by value.

use super::PayloadId;
use super::as2::{As2Direction, As2Key};
use super::records::{FileKey, InterchangeId, InterchangeKey, PurchaseOrderKey, Series};

pub(super) const META: u8 = b'm';
pub(super) const JOURNAL: u8 = b'j';
pub(super) const WORK: u8 = b'w';
pub(super) const PARKED: u8 = b'p';
pub(super) const RECEIPT: u8 = b'r';
pub(super) const FILE: u8 = b'f';
pub(super) const INTERCHANGE: u8 = b'i';
pub(super) const SEEN: u8 = b's';
pub(super) const ORDER: u8 = b'o';
pub(super) const DOCUMENT: u8 = b'd';
pub(super) const NUMBER: u8 = b'n';
pub(super) const EXPECTATION: u8 = b'e';
/// Open expectations by the time they are due.
pub(super) const CLOCK: u8 = b'c';

/// Exceptions.
pub(super) const EXCEPTION: u8 = b'x';
/// Those that are open.
pub(super) const EXCEPTION_OPEN: u8 = b'u';
/// The one that is open, by its cause.
pub(super) const EXCEPTION_CAUSE: u8 = b'k';
/// What an exception is about.
pub(super) const EXCEPTION_ITEM: u8 = b'y';
/// The open exception that something is in.
pub(super) const EXCEPTION_OF: u8 = b'h';

/// What the calls for a document gave.
pub(super) const CALL: u8 = b'l';

/// What rules of alerts have told.
pub(super) const ALERT: u8 = b'a';

/// Messages over AS2.
pub(super) const AS2: u8 = b't';
/// Those that were sent, by what they carry.
pub(super) const AS2_SENT: u8 = b'v';

/// A key in the making.
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn new(prefix: u8) -> Self {
        Self(vec![prefix])
    }

    pub(super) fn text(mut self, part: &str) -> Self {
        for &byte in part.as_bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xFF);
            }
        }
        self.0.push(0);
        self
    }

    pub(super) fn number(mut self, part: u64) -> Self {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

pub(super) fn meta(name: &str) -> Vec<u8> {
    Key::new(META).text(name).bytes()
}

pub(super) fn journal(sequence: u64) -> Vec<u8> {
    Key::new(JOURNAL).number(sequence).bytes()
}

pub(super) fn lane(prefix: u8, lane: &str) -> Vec<u8> {
    Key::new(prefix).text(lane).bytes()
}

pub(super) fn work(prefix: u8, lane: &str, id: u64) -> Vec<u8> {
    Key::new(prefix).text(lane).number(id).bytes()
}

pub(super) fn receipt(id: u64) -> Vec<u8> {
    Key::new(RECEIPT).number(id).bytes()
}

pub(super) fn file(key: &FileKey) -> Vec<u8> {
    let mut bytes = Key::new(FILE).text(&key.mailbox).text(&key.name).number(key.size).bytes();
    bytes.extend_from_slice(&key.modified_nanoseconds.to_be_bytes());
    bytes.extend_from_slice(key.payload.as_bytes());
    bytes
}

pub(super) fn interchange(id: InterchangeId) -> Vec<u8> {
    Key::new(INTERCHANGE).number(id.receipt).number(u64::from(id.index)).bytes()
}

/// Those of a receipt.
pub(super) fn interchanges(receipt: u64) -> Vec<u8> {
    Key::new(INTERCHANGE).number(receipt).bytes()
}

/// The other way round; `None` where the bytes are no such key.
pub(super) fn interchange_id(key: &[u8]) -> Option<InterchangeId> {
    let receipt = u64::from_be_bytes(key.get(1..9)?.try_into().ok()?);
    let index = u64::from_be_bytes(key.get(9..17)?.try_into().ok()?);
    Some(InterchangeId { receipt, index: u32::try_from(index).ok()? })
}

pub(super) fn seen(key: &InterchangeKey) -> Vec<u8> {
    let usage = if key.test { "test" } else { "production" };
    Key::new(SEEN).text(&key.sender).text(&key.receiver).text(&key.number).text(usage).bytes()
}

/// The other way round; `None` where the bytes are no such key.
pub(super) fn seen_of(key: &[u8]) -> Option<InterchangeKey> {
    let ([sender, receiver, number, usage], _) = texts(key)?;
    Some(InterchangeKey { sender, receiver, number, test: usage == "test" })
}

pub(super) fn purchase_order(key: &PurchaseOrderKey) -> Vec<u8> {
    Key::new(ORDER).text(&key.partner).text(&key.kind).text(&key.number).bytes()
}

/// The other way round; `None` where the bytes are no such key.
pub(super) fn purchase_order_of(key: &[u8]) -> Option<PurchaseOrderKey> {
    let ([partner, kind, number], _) = texts(key)?;
    Some(PurchaseOrderKey { partner, kind, number })
}

pub(super) fn document(id: &str) -> Vec<u8> {
    Key::new(DOCUMENT).text(id).bytes()
}

/// What all calls for a document gave.
pub(super) fn calls(document: &str) -> Vec<u8> {
    Key::new(CALL).text(document).bytes()
}

pub(super) fn call(document: &str, step: &str) -> Vec<u8> {
    Key::new(CALL).text(document).text(step).bytes()
}

pub(super) fn series(series: &Series) -> Vec<u8> {
    Key::new(NUMBER).text(&series.partner).text(&series.level).bytes()
}

/// The number that a series has given last.
pub(super) fn position(series: &Series) -> Vec<u8> {
    Key::new(META).text("number").text(&series.partner).text(&series.level).bytes()
}

pub(super) fn number(of: &Series, number: u64) -> Vec<u8> {
    Key(series(of)).number(number).bytes()
}

/// The other way round; `None` where the bytes are no such key.
pub(super) fn number_of(key: &[u8]) -> Option<(Series, u64)> {
    let ([partner, level], rest) = texts(key)?;
    Some((Series { partner, level }, u64::from_be_bytes(rest.try_into().ok()?)))
}

pub(super) fn group(partner: &str, group: u64) -> Vec<u8> {
    Key::new(EXPECTATION).text(partner).number(group).bytes()
}

pub(super) fn expectation(partner: &str, group: u64, set: u64) -> Vec<u8> {
    Key::new(EXPECTATION).text(partner).number(group).number(set).bytes()
}

pub(super) fn clock(due: jiff::Timestamp, expectation: &[u8]) -> Vec<u8> {
    // Seconds since 1970, shifted so that the sign sorts.
    let shifted = due.as_second().cast_unsigned() ^ (1 << 63);
    let mut bytes = Key::new(CLOCK).number(shifted).bytes();
    bytes.extend_from_slice(expectation);
    bytes
}

pub(super) fn exception(id: u64) -> Vec<u8> {
    Key::new(EXCEPTION).number(id).bytes()
}

pub(super) fn exception_open(id: u64) -> Vec<u8> {
    Key::new(EXCEPTION_OPEN).number(id).bytes()
}

pub(super) fn exception_cause(cause: &str) -> Vec<u8> {
    Key::new(EXCEPTION_CAUSE).text(cause).bytes()
}

pub(super) fn exception_items(id: u64) -> Vec<u8> {
    Key::new(EXCEPTION_ITEM).number(id).bytes()
}

pub(super) fn exception_item(id: u64, item: &str) -> Vec<u8> {
    Key::new(EXCEPTION_ITEM).number(id).text(item).bytes()
}

/// The exception that an item is of, by the key of that.
pub(super) fn exception_of_item(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..9)?.try_into().ok()?))
}

pub(super) fn exception_of(item: &str) -> Vec<u8> {
    Key::new(EXCEPTION_OF).text(item).bytes()
}

pub(super) fn alert(rule: &str, cause: &str) -> Vec<u8> {
    Key::new(ALERT).text(rule).text(cause).bytes()
}

/// Up to which journal record rules of alerts have looked.
pub(super) fn alerts_looked() -> Vec<u8> {
    meta("alerts looked")
}

/// Up to which journal record the events of webhooks are queued.
pub(super) fn webhooks_told() -> Vec<u8> {
    meta("webhook told")
}

/// That of one.
pub(super) fn webhook_told(webhook: &str) -> Vec<u8> {
    Key::new(META).text("webhook told").text(webhook).bytes()
}

pub(super) fn as2(key: &As2Key) -> Vec<u8> {
    let direction = match key.direction {
        As2Direction::Received => "received",
        As2Direction::Sent => "sent",
    };
    let key_of = Key::new(AS2).text(direction).text(&key.theirs).text(&key.ours);
    key_of.text(&key.message_id).bytes()
}

/// The messages in which some bytes were sent.
pub(super) fn as2_sent(content: PayloadId) -> Vec<u8> {
    let mut bytes = vec![AS2_SENT];
    bytes.extend_from_slice(content.as_bytes());
    bytes
}

/// One of them, by the moment at which it was made.
pub(super) fn as2_sent_at(content: PayloadId, at: jiff::Timestamp, key: &As2Key) -> Vec<u8> {
    let mut bytes = as2_sent(content);
    let shifted = at.as_nanosecond().cast_unsigned() ^ (1 << 127);
    bytes.extend_from_slice(&shifted.to_be_bytes());
    bytes.extend_from_slice(&as2(key));
    bytes
}

/// The last 8 bytes of a key as a number.
pub(super) fn last_number(key: &[u8]) -> Option<u64> {
    let tail = key.len().checked_sub(8)?;
    Some(u64::from_be_bytes(key.get(tail..)?.try_into().ok()?))
}

/// The text parts behind the prefix of a key, and the rest of it; `None` where it has not so many. (No number in a key is
/// so high that it begins with 0xFF, and no text does.)
fn texts<const N: usize>(key: &[u8]) -> Option<([String; N], &[u8])> {
    let mut rest = key.get(1..)?;
    let mut parts = [const { String::new() }; N];
    for part in &mut parts {
        let mut bytes = Vec::new();
        loop {
            let end = rest.iter().position(|&byte| byte == 0)?;
            bytes.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let Some((0xFF, behind)) = rest.split_first() else { break };
            bytes.push(0);
            rest = behind;
        }
        *part = String::from_utf8(bytes).ok()?;
    }
    Some((parts, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let text = |part: &str| part.to_owned();
        for (one, other) in [("ZZ:A", "B"), ("", ""), ("a\0b", "\0"), ("ü", "\0\0")] {
            for test in [true, false] {
                let (sender, receiver) = (text(one), text(other));
                let key = InterchangeKey { sender, receiver, number: text("7"), test };
                assert_eq!(seen_of(&seen(&key)).as_ref(), Some(&key));
            }
            let key =
                PurchaseOrderKey { partner: text(one), kind: text(other), number: text("PO 1") };
            assert_eq!(purchase_order_of(&purchase_order(&key)).as_ref(), Some(&key));
            let of = Series { partner: text(one), level: text(other) };
            assert_eq!(number_of(&number(&of, 999_999_999)), Some((of, 999_999_999)));
        }
        for key in [&b""[..], b"n", b"na", b"na\0", b"na\0b\0", b"n\xFE\0b\0ABCDEFGH"] {
            assert_eq!(number_of(key), None, "{key:?}");
        }
    }
}
