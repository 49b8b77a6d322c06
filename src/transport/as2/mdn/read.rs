//! Reading a receipt.

use super::Disposition;
use crate::transport::as2::cms::{Certificate, Digest};
use crate::transport::as2::message::{Failure, Limits, Modifier, SignedParts, read_mic};
use crate::transport::as2::mime::{Entity, Headers, Parameterized, unquoted};
use crate::transport::as2::name::bare;

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mdn {
    /// The number of the message that it is for, without angle brackets.
    pub original_message_id: Option<String>,
    /// Who the message was sent to.
    pub original_recipient: Option<String>,
    /// Who has received it.
    pub final_recipient: Option<String>,
    /// What has become of it.
    pub disposition: Disposition,
    /// The digest of its content, and the name of how it was made.
    pub mic: Option<(Vec<u8>, Option<String>)>,
    /// The digest of the receipt's own signature, where it is signed.
    pub signed: Option<Digest>,
    /// Which of the partner's certificates has signed it.
    pub signer: Option<usize>,
    /// What it says to people; its beginning.
    pub text: String,
}

/// No more than this is kept of what is said to people.
const TEXT_MAX: usize = 4096;

const REPORT: &str = "multipart/report";
const NOTIFICATION: &str = "message/disposition-notification";
const SIGNED: &str = "multipart/signed";

fn kind(headers: &Headers) -> Parameterized {
    headers.parameterized("Content-Type")
}

/// Some leave the parameter out; a report of another kind is no receipt.
fn is_report(headers: &Headers) -> bool {
    let kind = kind(headers);
    let report = kind.parameter("report-type");
    let is_ours = report.is_none_or(|r| r.eq_ignore_ascii_case("disposition-notification"));
    kind.value == NOTIFICATION || kind.value == REPORT && is_ours
}

/// Whether what has come is a receipt, and no message.
#[must_use]
pub fn is_mdn(headers: &Headers, body: &[u8], limits: &Limits) -> bool {
    if kind(headers).value != SIGNED {
        return is_report(headers);
    }
    let entity = Entity { headers: headers.clone(), whole: body, body };
    SignedParts::read(&entity, limits)
        .and_then(|signed| Ok(Entity::read(signed.content, &limits.mime)?))
        .is_ok_and(|inner| is_report(&inner.headers))
}

/// Reads a receipt; where it is signed, the signature must be one of the partner's.
///
/// # Errors
/// Where it is none, was cut short, or its signature does not hold.
pub fn read(
    headers: &Headers,
    body: &[u8],
    partner: &[Certificate],
    limits: &Limits,
) -> Result<Mdn, Failure> {
    let entity = Entity { headers: headers.clone(), whole: body, body };
    if kind(headers).value != SIGNED {
        return report(&entity, false, limits);
    }
    let signed = SignedParts::read(&entity, limits)?;
    let (verified, bytes) = signed.verify(partner)?;
    let mdn = report(&Entity::read(&bytes, &limits.mime)?, true, limits)?;
    Ok(Mdn { signed: Some(verified.digest), signer: Some(verified.certificate), ..mdn })
}

fn report(entity: &Entity<'_>, is_signed: bool, limits: &Limits) -> Result<Mdn, Failure> {
    let unexpected = |words| Failure::new(Modifier::UnexpectedProcessingError, words);
    let mut text = String::new();
    let mut notification = None;
    match kind(&entity.headers).value.as_str() {
        NOTIFICATION => notification = Some(entity.decoded()?.into_owned()),
        REPORT if is_report(&entity.headers) => {
            let parts = entity.parts(&limits.mime)?;
            if !parts.closed && !is_signed {
                return Err(unexpected("the receipt may have been cut short"));
            }
            for part in parts.parts {
                let part = Entity::read(part, &limits.mime)?;
                match kind(&part.headers).value.as_str() {
                    NOTIFICATION if notification.is_none() => {
                        notification = Some(part.decoded()?.into_owned());
                    }
                    "" | "text/plain" if text.is_empty() => {
                        let words = part.decoded()?;
                        let words = String::from_utf8_lossy(&words[..words.len().min(TEXT_MAX)]);
                        words.trim().clone_into(&mut text);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    let notification = notification.ok_or_else(|| unexpected("it is no receipt"))?;
    let fields = fields(&notification, limits)?;
    let disposition = fields.get("Disposition");
    let disposition = disposition.ok_or_else(|| unexpected("a receipt without a disposition"))?;
    let id = fields.get("Original-Message-ID").map(bare).filter(|id| !id.is_empty());
    Ok(Mdn {
        original_message_id: id.map(str::to_owned),
        original_recipient: recipient(&fields, "Original-Recipient"),
        final_recipient: recipient(&fields, "Final-Recipient"),
        disposition: Disposition::read(disposition),
        mic: fields.get("Received-Content-MIC").and_then(read_mic),
        signed: None,
        signer: None,
        text,
    })
}

/// The fields of the notification. Some begin it with an empty line, some have one between groups of them.
fn fields(notification: &[u8], limits: &Limits) -> Result<Headers, Failure> {
    let text = String::from_utf8_lossy(notification);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    Ok(Entity::read(text.as_bytes(), &limits.mime)?.headers)
}

/// `rfc822; "Harbor and Pine"` without kind and quotes.
fn recipient(fields: &Headers, name: &str) -> Option<String> {
    let value = fields.get(name)?;
    let value = value.split_once(';').map_or(value, |(_, value)| value).trim();
    Some(unquoted(value)).filter(|value| !value.is_empty())
}
