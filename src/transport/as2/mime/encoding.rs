//! Content-Transfer-Encoding (RFC 2045, 6).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Entity, Error, Headers};

/// Base64 whose padding may be missing: gateways leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferEncoding {
    /// As it is: `7bit`, `8bit`, or nothing said.
    Text,
    /// As it is, with line ends of its own.
    Binary,
    /// In 64 letters.
    Base64,
    /// With `=3D` for what is not printable.
    QuotedPrintable,
}

impl TransferEncoding {
    /// The one that a header names.
    ///
    /// # Errors
    /// Where it is not known.
    pub fn of(headers: &Headers) -> Result<Self, Error> {
        let named = headers.get("Content-Transfer-Encoding").unwrap_or_default();
        match named.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" => Ok(Self::Text),
            "binary" => Ok(Self::Binary),
            "base64" => Ok(Self::Base64),
            "quoted-printable" => Ok(Self::QuotedPrintable),
            other => Err(Error::UnknownEncoding(other.to_owned())),
        }
    }

    /// The bytes that a body stands for. They are never more than the body has.
    ///
    /// # Errors
    /// Where the body is not in that encoding.
    pub fn decode(self, body: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
        Ok(match self {
            Self::Text | Self::Binary => Cow::Borrowed(body),
            Self::Base64 => Cow::Owned(base64(body).ok_or(Error::BadEncoding("base64"))?),
            Self::QuotedPrintable => {
                Cow::Owned(quoted_printable(body).ok_or(Error::BadEncoding("quoted-printable"))?)
            }
        })
    }
}

impl<'a> Entity<'a> {
    /// The bytes that the body stands for.
    ///
    /// # Errors
    /// Where its transfer encoding is not known or not kept.
    pub fn decoded(&self) -> Result<Cow<'a, [u8]>, Error> {
        TransferEncoding::of(&self.headers)?.decode(self.body)
    }
}

/// Decodes base64 in lines.
pub(in crate::transport::as2) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut letters = Vec::with_capacity(text.len());
    for line in text.split(u8::is_ascii_whitespace) {
        letters.extend_from_slice(line);
    }
    BASE64.decode(letters).ok()
}

/// Base64 in lines of 76 letters.
pub(in crate::transport::as2) fn to_base64(bytes: &[u8]) -> Vec<u8> {
    let letters = BASE64.encode(bytes);
    let mut lines = Vec::with_capacity(letters.len() + letters.len() / 38 + 2);
    for line in letters.as_bytes().chunks(76) {
        lines.extend_from_slice(line);
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

fn quoted_printable(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        let inner = line.trim_ascii_end();
        let end =
            &line[line.len() - line.iter().rev().take_while(|b| b"\r\n".contains(b)).count()..];
        let (inner, goes_on) =
            inner.strip_suffix(b"=").map_or((inner, false), |inner| (inner, true));
        let mut at = 0;
        while at < inner.len() {
            if inner[at] == b'=' {
                let code = std::str::from_utf8(inner.get(at + 1..at + 3)?).ok()?;
                out.push(u8::from_str_radix(code, 16).ok()?);
                at += 3;
            } else {
                out.push(inner[at]);
                at += 1;
            }
        }
        if !goes_on {
            out.extend_from_slice(end);
        }
    }
    Some(out)
}
