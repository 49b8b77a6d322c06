//! One record that is over leaves the database, with what hangs on it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::database::failed;
use crate::store::exception::{Exception, ExceptionState};
use crate::store::expectation::Expectation;
use crate::store::records::{Document, DocumentState, Receipt};
use crate::store::writer::Pending;
use crate::store::{Error, keys};

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
                if self.read::<Document>(&key)?.is_some_and(|one| is_done(&one, before)) {
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
        }
        Ok(())
    }
}
