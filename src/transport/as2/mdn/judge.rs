//! What the sender of a message may conclude from a receipt.

use super::disposition::DUPLICATE;
use super::{Disposition, Mdn};
use crate::transport::as2::cms::Digest;
use crate::transport::as2::message::Mics;
use crate::transport::as2::name::bare;

/// What is known of the message that the receipt should be for.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Its number.
    pub message_id: &'a str,
    /// Who it was sent to.
    pub to: &'a str,
    /// Its digests.
    pub mics: &'a Mics,
    /// The digest that a signed receipt was asked for with; nothing where it need not be signed.
    pub signed: Option<Digest>,
    /// Whether a receipt without a digest is none: partners who cannot read AES-GCM have been met that answer so, and
    /// call the message processed.
    pub needs_mic: bool,
    /// Whether the receipt came as the answer to the message, so that it need not say which one it is for.
    pub is_answer: bool,
}

/// What has become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it as it was sent.
    Processed,
    /// The receiver had it before.
    Duplicate,
    /// The receiver has it, and says something about it.
    Warned(String),
    /// The receiver has not processed it, for this reason.
    Refused(String),
    /// The receiver says that it has processed it, and names the digest of other bytes.
    OtherContent,
    /// The receiver says that it has processed it, without the signature that was asked for.
    Unsigned,
    /// The receiver says that it has processed it, and names no digest where one is needed.
    Unproven,
    /// The receipt is for another message.
    OtherMessage(String),
    /// The receipt does not say which message it is for, and nothing else tells.
    NoMessage,
}

/// What a receipt lacks, or has otherwise than was asked for, and which is tolerated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// No number of the message that it is for.
    NoOriginalMessageId,
    /// No original recipient.
    NoOriginalRecipient,
    /// A recipient that the message was not sent to.
    OtherRecipient(String),
    /// No digest: nothing proves that the content is the same.
    NoMic,
    /// A digest that is not known here: nothing proves that the content is the same.
    UnknownMic(String),
    /// A digest of another kind than was asked for.
    OtherDigest(Digest),
    /// It is not signed, although that was asked for.
    NotSigned,
}

/// What to make of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What has become of the message.
    pub outcome: Outcome,
    /// What is odd about the receipt.
    pub remarks: Vec<Remark>,
}

/// Holds a receipt against what was sent.
#[must_use]
pub fn judge(mdn: &Mdn, sent: &Sent<'_>) -> Judgement {
    let mut remarks = Vec::new();
    let is_ours = mdn.original_message_id.as_deref().map(|id| id == bare(sent.message_id));
    if is_ours.is_none() {
        remarks.push(Remark::NoOriginalMessageId);
    }
    let recipient = mdn.original_recipient.as_ref().or(mdn.final_recipient.as_ref());
    match recipient {
        Some(name) if name != sent.to => remarks.push(Remark::OtherRecipient(name.clone())),
        _ if mdn.original_recipient.is_none() => remarks.push(Remark::NoOriginalRecipient),
        _ => {}
    }
    if sent.signed.is_some() && mdn.signed.is_none() {
        remarks.push(Remark::NotSigned);
    }
    let is_same = is_same_content(mdn, sent, &mut remarks);
    let outcome = match (&mdn.disposition, is_ours) {
        (_, Some(false)) => {
            Outcome::OtherMessage(mdn.original_message_id.clone().unwrap_or_default())
        }
        (_, None) if !sent.is_answer => Outcome::NoMessage,
        (
            Disposition::Error(words) | Disposition::Failure(words) | Disposition::Other(words),
            _,
        ) => Outcome::Refused(words.clone()),
        _ if is_same == Some(false) => Outcome::OtherContent,
        _ if remarks.contains(&Remark::NotSigned) => Outcome::Unsigned,
        _ if is_same.is_none() && sent.needs_mic => Outcome::Unproven,
        (Disposition::Processed, _) => Outcome::Processed,
        (Disposition::Warning(words), _) if words.eq_ignore_ascii_case(DUPLICATE) => {
            Outcome::Duplicate
        }
        (Disposition::Warning(words), _) => Outcome::Warned(words.clone()),
    };
    Judgement { outcome, remarks }
}

/// Whether the receiver has the bytes that were sent; nothing where that cannot be told.
fn is_same_content(mdn: &Mdn, sent: &Sent<'_>, remarks: &mut Vec<Remark>) -> Option<bool> {
    let is_processed = matches!(mdn.disposition, Disposition::Processed | Disposition::Warning(_));
    let Some((value, name)) = &mdn.mic else {
        // RFC 4130, 7.4.3: only what was processed has one.
        if is_processed {
            remarks.push(Remark::NoMic);
        }
        return None;
    };
    let Some(name) = name else { return Some(sent.mics.contains(value)) };
    let Some(digest) = Digest::named(name) else {
        remarks.push(Remark::UnknownMic(name.clone()));
        return None;
    };
    if sent.signed.is_some_and(|asked| asked != digest) {
        remarks.push(Remark::OtherDigest(digest));
    }
    Some(sent.mics.get(digest).value == *value)
}
