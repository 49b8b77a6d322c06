//! Writing a receipt.

use super::Disposition;
use crate::transport::as2::cms::{Digest, Error, Identity};
use crate::transport::as2::message::{Envelope, Mic, Mics, envelope_headers, signed};
use crate::transport::as2::mime::{Part, multipart};

/// What a receipt says.
#[derive(Debug, Clone)]
pub struct Receipt<'a> {
    /// The number of the message that came, as it stood there.
    pub message_id: &'a str,
    /// What has become of it.
    pub disposition: Disposition,
    /// The digest of its content, and how the sender spells the name of it.
    pub mic: Option<(&'a Mic, &'a str)>,
    /// A sentence for people.
    pub text: &'a str,
}

/// Writes the receipt for a message. `envelope` is the receipt's own: it is from who has received the message.
///
/// # Errors
/// Where it cannot be signed.
pub fn write(
    receipt: &Receipt<'_>,
    envelope: &Envelope<'_>,
    signer: Option<(&Identity, Digest)>,
) -> Result<Part, Error> {
    let part = |content_type: &str, body: String| {
        let headers = vec![
            ("Content-Type", content_type.to_owned()),
            ("Content-Transfer-Encoding", "7bit".to_owned()),
        ];
        Part { headers, body: body.into_bytes() }.to_bytes()
    };
    let text = part("text/plain; charset=us-ascii", lines([receipt.text.to_owned()]));
    let us = envelope.from;
    let mut fields = vec![
        format!("Reporting-UA: crossdock/{}", env!("CARGO_PKG_VERSION")),
        format!("Original-Recipient: rfc822; {us}"),
        format!("Final-Recipient: rfc822; {us}"),
        format!("Original-Message-ID: {}", receipt.message_id),
        format!("Disposition: {}", receipt.disposition),
    ];
    if let Some((mic, spelling)) = receipt.mic {
        let value = mic.to_string();
        let value = value.split(',').next().unwrap_or_default();
        fields.push(format!("Received-Content-MIC: {value}, {spelling}"));
    }
    let notification = part("message/disposition-notification", lines(fields));
    let report = "multipart/report; report-type=disposition-notification";
    let mut report = multipart(report, &[&text, &notification])?;
    if let Some((signer, digest)) = signer {
        let bytes = report.to_bytes();
        report = signed(&bytes, &Mics::of(&bytes)?, signer, digest, envelope.date)?;
    }
    let mut headers = envelope_headers(envelope)?;
    headers.append(&mut report.headers);
    Ok(Part { headers, body: report.body })
}

/// One line for each, whatever is in them.
fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let is_plain = |c: char| c.is_ascii() && !c.is_ascii_control();
    let plain = |line: String| line.replace(|c| !is_plain(c), "?") + "\r\n";
    lines.into_iter().map(plain).collect()
}
