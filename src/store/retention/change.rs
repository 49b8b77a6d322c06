//! One record that is over leaves the database, with what hangs on it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::as2::{As2Direction, As2Key, As2Message};
use crate::store::database::failed;
use crate::store::exception::{Exception, ExceptionState};
use crate::store::expectation::Expectation;
use crate::store::records::{
    Document, DocumentState, InterchangeKey, PurchaseOrderKey, Receipt, Seen, Series,
};
use crate::store::writer::Pending;
use crate::store::{Error, PayloadId, Records, keys};

/// A record that may be retired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retirable {
    /// A document, by its id.
    Document(String),
    /// A file that was taken in, with its interchanges.
    Receipt(u64),
    /// What a partner has acknowledged.
    Expectation {
        /// The partner.
        partner: String,
        /// GS06.
        group: u64,
        /// The number in ST02.
        set: u64,
    },
    /// An exception that is settled, with what it was about.
    Exception(u64),
    /// That the number of an interchange was seen, where its record has left.
    Seen(InterchangeKey),
    /// That the number of a group or set was seen.
    Noted(PurchaseOrderKey),
    /// That a control number was used.
    Number(Series, u64),
    /// A message over AS2 of which nothing more is to come.
    As2(As2Key),
}

/// Whether nothing more is to come of a document, and was not before a moment.
pub(super) fn is_done(document: &Document, before: Timestamp) -> bool {
    let on_its_way = matches!(document.state, DocumentState::Queued | DocumentState::Rendered);
    !on_its_way && document.at < before
}

/// Whether a partner has said what it had to, and had before a moment.
pub(super) fn is_over(expectation: &Expectation, before: Timestamp) -> bool {
    let answered = expectation.answered.unwrap_or(expectation.sent);
    !expectation.state.is_waiting() && answered < before && expectation.sent < before
}

/// Whether nothing more is to come of a message, and was not before a moment.
pub(super) fn is_settled(message: &As2Message, before: Timestamp) -> bool {
    let last = message.receipt_at.map_or(message.at, |at| at.max(message.at));
    !message.state.is_open() && last < before
}

/// What the kinds of keys begin with under which numbers of groups and sets are noted.
const NUMBERS: [&str; 2] = ["group ", "set "];

/// What the words begin with that tell what a document said that has left. They name its payload to nobody else: it may go
/// to the archive.
const SAYS: &str = "payload ";

/// The key under which it is kept what the document said that has left and whose number stands under a key.
fn said(key: &PurchaseOrderKey) -> PurchaseOrderKey {
    PurchaseOrderKey { kind: format!("said {}", key.kind), ..key.clone() }
}

/// What the document said whose number stands under a key, where it has left; nothing where that is not known.
///
/// # Errors
/// Where the records cannot be read.
pub fn said_by_retired(
    records: &dyn Records,
    key: &PurchaseOrderKey,
) -> Result<Option<PayloadId>, Error> {
    let words = records.purchase_order(&said(key))?;
    Ok(words.and_then(|words| words.strip_prefix(SAYS)?.parse().ok()))
}

/// When the number of a group or set was noted; nothing of what else is noted. The words begin with it, see
/// [`Change::Noted`](crate::store::Change::Noted).
pub(super) fn noted_at(key: &PurchaseOrderKey, words: &str) -> Option<Timestamp> {
    let kind = key.kind.strip_prefix("test ").unwrap_or(&key.kind);
    let is_number = NUMBERS.iter().any(|begin| kind.starts_with(begin));
    words.split_once(' ').filter(|_| is_number)?.0.parse().ok()
}

impl Pending<'_> {
    /// Judged once more, now that nobody else changes it: what has gone on meanwhile stays.
    pub(in crate::store) fn retire(
        &mut self,
        what: &Retirable,
        before: Timestamp,
    ) -> Result<(), Error> {
        match what {
            Retirable::Document(id) => {
                let key = keys::document(id);
                let document = self.read::<Document>(&key)?;
                if let Some(document) = document.filter(|one| is_done(one, before)) {
                    self.keep_what_it_says(&document)?;
                    for call in self.tree.scan_prefix(keys::calls(id)).keys() {
                        let call = call.map_err(|e| failed("reading", &e))?;
                        self.remove(call.to_vec());
                    }
                    self.remove(key);
                }
            }
            Retirable::Expectation { partner, group, set } => {
                let key = keys::expectation(partner, *group, *set);
                if self.read::<Expectation>(&key)?.is_some_and(|one| is_over(&one, before)) {
                    self.remove(key);
                }
            }
            Retirable::Receipt(id) => {
                let key = keys::receipt(*id);
                let receipt = self.read::<Receipt>(&key)?.filter(|one| one.done && one.at < before);
                if let Some(receipt) = receipt {
                    for interchange in self.tree.scan_prefix(keys::interchanges(*id)).keys() {
                        let interchange = interchange.map_err(|e| failed("reading", &e))?;
                        self.remove(interchange.to_vec());
                    }
                    self.remove(keys::file(&receipt.file));
                    self.remove(key);
                }
            }
            Retirable::Exception(id) => {
                let key = keys::exception(*id);
                let one = self.read::<Exception>(&key)?;
                if one.is_some_and(|one| one.state != ExceptionState::Open && one.last < before) {
                    for item in self.read_items(*id)? {
                        self.remove(keys::exception_item(*id, &item.key));
                    }
                    self.remove(key);
                }
            }
            Retirable::Seen(_)
            | Retirable::Noted(_)
            | Retirable::Number(..)
            | Retirable::As2(_) => self.forget(what, before)?,
        }
        Ok(())
    }

    /// What had a business number is compared with what comes under it later, however late. What a person has edited is
    /// compared with nothing.
    fn keep_what_it_says(&mut self, document: &Document) -> Result<(), Error> {
        let Document { partner, kind, number, .. } = document;
        for of in ["", "test ", "latest ", "latest test "] {
            let (partner, number) = (partner.clone(), number.clone());
            let key = PurchaseOrderKey { partner, kind: format!("{of}{kind}"), number };
            let taken = self.read::<String>(&keys::purchase_order(&key))?;
            if taken.as_deref() == Some(&document.id) && !document.edited {
                let words = format!("{SAYS}{}", document.payload);
                self.insert(keys::purchase_order(&said(&key)), &words)?;
            }
        }
        Ok(())
    }

    /// The same of numbers.
    fn forget(&mut self, what: &Retirable, before: Timestamp) -> Result<(), Error> {
        match what {
            Retirable::Seen(key) => {
                let of = keys::seen(key);
                let seen = self.read::<Seen>(&of)?.filter(|one| is_before(one.at, before));
                // What is replayed is what was received then, as long as its record is there.
                if let Some(seen) = seen
                    && self.bytes(&keys::interchange(seen.id))?.is_none()
                {
                    self.remove(of);
                }
            }
            Retirable::Noted(key) => {
                let of = keys::purchase_order(key);
                let words = self.read::<String>(&of)?.unwrap_or_default();
                if is_before(noted_at(key, &words), before) {
                    self.remove(of);
                }
            }
            Retirable::Number(series, number) => {
                let key = keys::number(series, *number);
                let used = self.read::<Option<Timestamp>>(&key)?.flatten();
                // Without the position the next number is told by the last that is there.
                let position = self.read::<u64>(&keys::position(series))?;
                if is_before(used, before) && position.is_some_and(|last| last != *number) {
                    self.remove(key);
                }
            }
            Retirable::As2(key) => {
                let of = keys::as2(key);
                let message = self.read::<As2Message>(&of)?;
                if let Some(message) = message.filter(|one| is_settled(one, before)) {
                    if key.direction == As2Direction::Sent {
                        for content in message.contents() {
                            self.remove(keys::as2_sent_at(content, message.at, key));
                        }
                    }
                    self.remove(of);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether something was then; what has no time may always have been later.
fn is_before(at: Option<Timestamp>, before: Timestamp) -> bool {
    at.is_some_and(|at| at < before)
}
