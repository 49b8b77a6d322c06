//! AS2: messages that come over HTTP and are taken in, documents that leave as messages, and the receipts for both.
//!
//! A receipt leaves only once what it speaks of is durable; a message is kept before it is sent for the first time, so
//! that every attempt sends the same bytes under the same number.

mod certificates;
mod receipt;
mod receive;
mod send;

pub use certificates::{As2Certificate, as2_certificates};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::mailboxes::MailboxBinding;
use super::{Error, Gateway};
use crate::store::{As2Direction, As2Key, PayloadId};
use crate::transport::as2::mime::{Headers, Part};
use crate::transport::as2::{Name, Peer, bare};

/// What a request over HTTP is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct As2Answer {
    /// The status.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl As2Answer {
    /// Words for people.
    #[must_use]
    pub fn words(status: u16, words: &str) -> Self {
        let headers = if words.is_empty() {
            Vec::new()
        } else {
            vec![("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned())]
        };
        let body = if words.is_empty() { Vec::new() } else { format!("{words}\n").into_bytes() };
        Self { status, headers, body }
    }

    fn receipt(part: Part) -> Self {
        let headers = part.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { status: 200, headers: headers.collect(), body: part.body }
    }

    /// A receipt that was kept.
    fn kept(wire: &[u8]) -> Result<Self, Error> {
        let entity = entity(wire)?;
        let headers =
            entity.headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self { status: 200, headers: headers.collect(), body: entity.body.to_vec() })
    }
}

/// Header and body of what was kept as it goes over the wire.
fn entity(wire: &[u8]) -> Result<crate::transport::as2::mime::Entity<'_>, Error> {
    let limits = crate::transport::as2::mime::Limits::default();
    crate::transport::as2::mime::Entity::read(wire, &limits)
        .map_err(|e| Error::Defect(format!("a message that was kept cannot be read: {e}")))
}

/// Header fields and body as one text.
fn whole(headers: &Headers, body: &[u8]) -> Vec<u8> {
    let fields = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]);
    let mut bytes: Vec<u8> = fields.flat_map(str::bytes).collect();
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Messages of one partner that are kept and told of within an hour although they were not taken; what comes beyond is
/// answered all the same, and logged. Anybody can send in a partner's name: the disk must not fill with it.
const REFUSED_AN_HOUR_MAX: u32 = 60;

/// What is remembered as long as the gateway runs.
#[derive(Default)]
pub(super) struct Memory {
    /// Since when and how many were told of, by the partner; by no name, those of strangers.
    refused: Mutex<HashMap<String, (Timestamp, u32)>>,
    /// When certificates were looked at last.
    looked: Mutex<Option<Timestamp>>,
}

impl Memory {
    /// Whether one more is told of.
    fn may_tell(&self, whose: &str, most: u32, now: Timestamp) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = refused.entry(whose.to_owned()).or_insert((now, 0));
        if now.duration_since(*since) > SignedDuration::from_hours(1) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= most
    }
}

/// A partner in force, and its mailbox.
struct Known {
    binding: Arc<MailboxBinding>,
    peer: Arc<Peer>,
    /// The partner; the first where several are reached over one pair of names.
    partner: String,
}

impl Gateway {
    /// Who has agreed on two names.
    fn known_as2(&self, theirs: &Name, ours: &Name) -> Option<Known> {
        let live = self.live();
        live.working().find_map(|partner| {
            let binding = live.mailboxes.of(partner)?;
            let peer = binding.peer()?;
            let fits = peer.theirs() == theirs && peer.own() == ours;
            fits.then(|| Known {
                binding: Arc::clone(binding),
                peer: Arc::clone(peer),
                partner: partner.to_owned(),
            })
        })
    }
}

fn key_of(direction: As2Direction, theirs: &Name, ours: &Name, message_id: &str) -> As2Key {
    As2Key {
        direction,
        theirs: theirs.as_str().to_owned(),
        ours: ours.as_str().to_owned(),
        message_id: bare(message_id).to_owned(),
    }
}

/// Characters of a Message-ID that people are shown.
const ID_CHARS_MAX: usize = 100;

fn label(key: &As2Key) -> String {
    let id: String = key.message_id.chars().take(ID_CHARS_MAX).collect();
    format!("message {id}")
}

/// What a message is in exceptions.
fn about_message(key: &As2Key) -> String {
    let of = format!("{:?}\n{}\n{}\n{}", key.direction, key.theirs, key.ours, key.message_id);
    format!("as2 {}", PayloadId::of(of.as_bytes()).short())
}

/// A number that was used for no message and no receipt before.
fn new_message_id(seed: &str, ours: &Name, now: Timestamp) -> String {
    let mut random = [0_u8; 8];
    // Without it the moment still tells them apart.
    let _ = getrandom::fill(&mut random);
    let of = format!("{seed}\n{now}\n{random:?}");
    let host: String = ours
        .as_str()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .flat_map(char::to_lowercase)
        .take(40)
        .collect();
    let host = if host.is_empty() { "as2".to_owned() } else { host };
    let (number, at) = (PayloadId::of(of.as_bytes()).short(), now.as_millisecond());
    format!("crossdock-{at}-{number}@{host}")
}
