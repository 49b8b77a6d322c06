//! Messages over AS2, as data: what came and what was sent, known again by who sent it and its number.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PayloadId;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum As2Direction {
    /// A partner sent it.
    Received,
    /// We send it.
    Sent,
}

/// What a message is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct As2Key {
    /// Which way it went.
    pub direction: As2Direction,
    /// The partner's AS2 name.
    pub theirs: String,
    /// Our AS2 name.
    pub ours: String,
    /// Its number, without angle brackets.
    pub message_id: String,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum As2State {
    /// Received, and its documents taken in.
    Taken,
    /// Made to be sent; whether the partner has it is not known.
    Made,
    /// The partner's server has taken it, and its receipt comes later.
    Awaited,
    /// A receipt came that was not looked at yet.
    Answered,
    /// The receipt says that the partner has it as it was sent.
    Processed,
    /// The partner's server has taken it, and no receipt was asked for.
    Delivered,
    /// The receipt says that it was not processed, or proves nothing.
    Refused,
}

impl As2State {
    /// Whether the same message is sent again, rather than a new one made of the same documents.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Made | Self::Awaited | Self::Answered)
    }
}

impl As2Message {
    /// The bytes of each of its documents, of one that was sent.
    pub fn contents(&self) -> impl Iterator<Item = PayloadId> {
        std::iter::once(self.content).chain(self.with.iter().copied())
    }

    /// How it stands, for people: `MDN after 2s`, `MDN awaited`.
    #[must_use]
    pub fn receipt_words(&self) -> String {
        let after = self.receipt_at.map(|at| at.duration_since(self.at).as_secs().max(0));
        let signed = if self.receipt_signed { "signed " } else { "" };
        match (self.state, after) {
            (As2State::Taken | As2State::Processed, Some(seconds)) => {
                format!("{signed}MDN after {seconds}s")
            }
            (As2State::Taken | As2State::Delivered, _) => "no MDN asked for".to_owned(),
            (As2State::Refused, _) => format!("MDN: {}", self.words),
            _ => "MDN awaited".to_owned(),
        }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct As2Message {
    /// What it is known by.
    pub key: As2Key,
    /// The partner.
    pub partner: String,
    /// When it came, or was made.
    pub at: Timestamp,
    /// How it stands.
    pub state: As2State,
    /// What it carries: of one that was sent, the bytes of the document, or of the first of several.
    pub content: PayloadId,
    /// Sent: the bytes of the other documents in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<PayloadId>,
    /// Received: what its documents were, and what stood around them, as digests: the same message has the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
    /// Sent: header and body as they go over the wire, each time the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<PayloadId>,
    /// Its MIC, or, of one that was sent, those that a receipt may name: `base64, digest`.
    pub mics: Vec<String>,
    /// The receipt, header and body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<PayloadId>,
    /// When the receipt was made, or came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_at: Option<Timestamp>,
    /// Whether it is signed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub receipt_signed: bool,
    /// The certificate of the partner's, in PEM, by which the receipt for a message of ours is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<PayloadId>,
    /// What the partner's software has said with it that it can do (RFC 6017): of one that was sent, with the receipt.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub features: String,
    /// How often it was sent again because no receipt came.
    #[serde(default)]
    pub resent: u32,
    /// What became of it, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}
