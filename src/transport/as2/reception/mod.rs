//! What is made of a request that comes: who sends what to whom, whether it is taken, and what is answered.
//!
//! The listener reads the [`Heading`], looks the partner up, and has the message taken with [`take`]; once everything
//! is durable it sends the receipt that [`answer`] has written, and keeps it for the case that the same message comes
//! again. Nothing here knows of HTTP, stores or clocks.

use std::fmt;

use super::cms::{Certificate, Digest, Error, Identity};
use super::mdn::{self, Disposition, Receipt};
use super::message::{self, Envelope, Failure, Keys, Limits, Modifier, Opened, ReceiptRequest};
use super::mime::{Headers, Part};
use super::name::bare;
use super::{Name, Policy};

/// What makes a request one of AS2, read before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Who says that it sends.
    pub from: Name,
    /// Who shall receive.
    pub to: Name,
    /// The number of the message, as it stands there.
    pub message_id: String,
    /// The receipt that is asked for.
    pub receipt: Option<ReceiptRequest>,
}

/// A request that is not one of AS2: nobody can be answered with a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no AS2 message: {0}")]
pub struct NotAs2(String);

/// RFC 4130, 5.3.3.
const MESSAGE_ID_MAX: usize = 998;

impl Heading {
    /// Reads the header fields of a request.
    ///
    /// # Errors
    /// Where a name or the number of the message is missing or cannot be one.
    pub fn read(headers: &Headers) -> Result<Self, NotAs2> {
        let field = |name: &'static str| {
            headers.get(name).ok_or_else(|| NotAs2(format!("{name} is missing")))
        };
        let name = |field_name| {
            let read = Name::read(field(field_name)?);
            read.map_err(|error| NotAs2(format!("{field_name}: {error}")))
        };
        let message_id = field("Message-ID")?.trim();
        let is_printable = message_id.bytes().all(|b| (b' '..=b'~').contains(&b));
        if !is_printable || bare(message_id).is_empty() || message_id.len() > MESSAGE_ID_MAX {
            let rule = format!("a Message-ID has 1 to {MESSAGE_ID_MAX} printable ASCII characters");
            return Err(NotAs2(rule));
        }
        Ok(Self {
            from: name("AS2-From")?,
            to: name("AS2-To")?,
            message_id: message_id.to_owned(),
            receipt: ReceiptRequest::read(headers),
        })
    }

    /// What a message is known by when it comes again: the sender's name, and its number without angle brackets.
    #[must_use]
    pub fn key(&self) -> (&Name, &str) {
        (&self.from, bare(&self.message_id))
    }
}

/// A partner, as far as its messages to us go.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// Its certificates; more than one while it changes them.
    pub certificates: &'a [Certificate],
    /// What its messages must have.
    pub policy: Policy,
}

/// Takes a message. `sender` is nobody where the two names of the heading are not those of a partner and of us.
///
/// # Errors
/// Where it is not taken: with what its receipt says.
pub fn take(
    heading: &Heading,
    (headers, body): (&Headers, &[u8]),
    sender: Option<Sender<'_>>,
    own: &[Identity],
    limits: &Limits,
) -> Result<Opened, Failure> {
    let Some(sender) = sender else {
        let Heading { from, to, .. } = heading;
        let words = format!("nothing is agreed between {from} and {to}");
        return Err(Failure::new(Modifier::AuthenticationFailed, words));
    };
    let micalg = heading.receipt.as_ref().and_then(ReceiptRequest::digest);
    let micalg = micalg.unwrap_or(Digest::Sha256);
    let keys = Keys { own, partner: sender.certificates };
    let opened = message::open(headers, body, keys, micalg, limits)?;
    let security = opened.security;
    sender.policy.check(&security).map_err(|failure| Failure { security, ..failure })?;
    Ok(opened)
}

/// What was done with a message.
#[derive(Debug, Clone, Copy)]
pub enum Taken<'a> {
    /// It is durable, and will be processed.
    New(&'a Opened),
    /// It came before; for the case that the receipt of then is not there any more.
    Again(&'a Opened),
    /// It is not taken.
    Refused(&'a Failure),
}

impl fmt::Display for Taken<'_> {
    /// As people read it in the receipt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New(_) => {
                f.write_str("The message was received. Its documents are answered apart from this.")
            }
            Self::Again(_) => {
                f.write_str("The message was received before, and is not processed again.")
            }
            Self::Refused(failure) => {
                write!(f, "The message was not processed: {}.", failure.words)
            }
        }
    }
}

/// The receipt's own number, moment and signer.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// The number of the receipt, used for nothing else ever.
    pub message_id: &'a str,
    /// Now.
    pub at: jiff::Timestamp,
    /// Who signs, where a signature is asked for.
    pub signer: Option<&'a Identity>,
}

/// Writes the receipt that was asked for; nothing where none was.
///
/// # Errors
/// Where it cannot be signed.
pub fn answer(
    heading: &Heading,
    taken: Taken<'_>,
    answering: Answering<'_>,
) -> Result<Option<Part>, Error> {
    let Some(request) = &heading.receipt else { return Ok(None) };
    let (disposition, opened) = match taken {
        Taken::New(opened) => (Disposition::Processed, Some(opened)),
        Taken::Again(opened) => (Disposition::duplicate(), Some(opened)),
        Taken::Refused(failure) => (Disposition::from(failure), None),
    };
    let mic = opened.map(|opened| &opened.mic);
    let receipt = Receipt {
        message_id: &heading.message_id,
        disposition,
        mic: mic.map(|mic| (mic, request.spelling(mic.digest))),
        text: &taken.to_string(),
    };
    let envelope = Envelope {
        from: &heading.to,
        to: &heading.from,
        message_id: answering.message_id,
        subject: "Receipt",
        date: answering.at,
        receipt: None,
    };
    // Of the digests that are asked for none may be known; then the signature is better than none.
    let digest = request.digest().unwrap_or(Digest::Sha256);
    let signer = answering.signer.filter(|_| request.signed).map(|signer| (signer, digest));
    mdn::write(&receipt, &envelope, signer).map(Some)
}

#[cfg(test)]
mod tests;
