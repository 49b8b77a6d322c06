//! Documents of ours that are handed in over the API: each once, whatever is repeated.

use jiff::Timestamp;

use super::intake::{Collected, other_contents, read_document};
use super::ledger::Draft;
use super::{Error, Gateway};
use crate::canonical;
use crate::profile::State;
use crate::store::{self, Change, PayloadId, PurchaseOrderKey};

/// How often it is tried again where somebody else was first.
const ATTEMPTS: u32 = 5;

/// A document that is handed in.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// The partner that it is for.
    pub partner: &'a str,
    /// Who hands it in: the name of a token.
    pub who: &'a str,
    /// The idempotency key: the same of the same caller is the same submission.
    pub key: &'a str,
    /// Canonical JSON.
    pub json: &'a [u8],
}

/// What was made of it; the same each time it is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The id of the document.
    pub document: String,
    /// `shipment`, `invoice`, …
    pub kind: String,
    /// Its business number.
    pub number: String,
    /// When it was taken in.
    pub at: Timestamp,
    /// Whether the very document had been taken in before, in another way or under another key.
    pub again: bool,
}

/// Why a document was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// No partner of this name is in force.
    #[error("no partner `{0}` is in force")]
    UnknownPartner(String),
    /// Documents of its kind are not sent to the partner.
    #[error("{0}")]
    NotAgreed(String),
    /// It is no canonical document: which field, and why.
    #[error("{0}")]
    Unreadable(String),
    /// The key was used before, for other bytes.
    #[error("the idempotency key was used before, for another document: {0}")]
    KeyReused(String),
    /// Its number was taken before, with other contents.
    #[error("{0}")]
    NumberTaken(String),
    /// The gateway failed.
    #[error(transparent)]
    Gateway(#[from] Error),
}

impl From<store::Error> for SubmissionError {
    fn from(error: store::Error) -> Self {
        Self::Gateway(error.into())
    }
}

impl Gateway {
    /// Takes in a document for a partner: once, durably. Repeated with the same key and the same bytes, the answer is the
    /// same and nothing is done.
    ///
    /// # Errors
    /// Why it was not taken; nothing is kept of it then.
    pub fn submit(&self, submission: &Submission<'_>) -> Result<Submitted, SubmissionError> {
        let mut attempt = 0;
        loop {
            match self.try_submit(submission) {
                // The same key, or the same number, came twice at once: the second look finds the first.
                Err(SubmissionError::Gateway(Error::Store(store::Error::Conflict(_))))
                    if attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    fn try_submit(&self, submission: &Submission<'_>) -> Result<Submitted, SubmissionError> {
        let Submission { partner: name, who, key, json } = *submission;
        let store = self.ledger.store();
        let hash = PayloadId::of(format!("{name}\n{}", PayloadId::of(json)).as_bytes()).to_string();
        let key = PurchaseOrderKey {
            partner: String::new(),
            kind: format!("api {who}"),
            number: key.to_owned(),
        };
        if let Some(noted) = store.purchase_order(&key)? {
            // The first request may be on its way to the disk.
            store.settle()?;
            return answered(&noted, &hash);
        }
        let partner = self.live().profiles.partner(name).cloned();
        let partner = partner.filter(|partner| partner.state != State::Off);
        let partner = partner.ok_or_else(|| SubmissionError::UnknownPartner(name.to_owned()))?;
        let document = canonical::Document::from_json(json)
            .map_err(|e| SubmissionError::Unreadable(e.to_string()))?;
        let kind = document.kind();
        if partner.outbound(kind).is_none() {
            let words = format!("the profile of {name} sends no {kind} documents");
            return Err(SubmissionError::NotAgreed(words));
        }
        let number = read_document(kind, json).map_err(SubmissionError::Unreadable)?;
        let payload = store.put_payload(json)?;
        let now = Timestamp::now();
        let mut draft = Draft::new();
        let from = format!("api, by {who}");
        let of = (kind, number.as_str(), payload);
        let (id, again) = match self.queue_document(&mut draft, &partner, of, &from, now)? {
            Collected::New(id) => (id, false),
            Collected::Again(id) => (id, true),
            Collected::OtherContents => {
                return Err(SubmissionError::NumberTaken(other_contents(kind, &number)));
            }
        };
        let submitted = Submitted { document: id, kind: kind.to_owned(), number, at: now, again };
        draft.push(Change::PurchaseOrder(key, noted(&submitted, &hash)));
        self.ledger.commit_all(&draft.into_transaction().by(who))?;
        Ok(submitted)
    }
}

/// What is remembered of a key: hash, id, kind, time, whether it came again, and the number, which may have blanks.
fn noted(submitted: &Submitted, hash: &str) -> String {
    let Submitted { document, kind, number, at, again } = submitted;
    format!("{hash} {document} {kind} {at} {again} {number}")
}

fn answered(noted: &str, hash: &str) -> Result<Submitted, SubmissionError> {
    let words: Vec<&str> = noted.splitn(6, ' ').collect();
    let [before, document, kind, at, again, number] = words[..] else {
        return Err(Error::Defect(format!("an idempotency key with {noted:?}")).into());
    };
    if before != hash {
        return Err(SubmissionError::KeyReused(format!("{kind} {number}")));
    }
    let at = at.parse().map_err(|e| Error::Defect(format!("an idempotency key: {e}")))?;
    let (document, kind, number) = (document.to_owned(), kind.to_owned(), number.to_owned());
    Ok(Submitted { document, kind, number, at, again: again == "true" })
}
