//! A request that comes: a message, which is taken in, or the receipt for one of ours.

use jiff::Timestamp;

use super::{
    As2Answer, Known, REFUSED_AN_HOUR_MAX, about_message, key_of, label, new_message_id, whole,
};
use crate::disk::{safe_name, trial};
use crate::exceptions::Kind;
use crate::gateway::ledger::Draft;
use crate::gateway::raising::{About, Trouble};
use crate::gateway::{Error, Gateway, lanes};
use crate::profile::host_of;
use crate::store::{
    self, As2Direction, As2Key, As2Message, As2State, Change, Event, Facts, FileKey, PayloadId,
    Receipt, Subject, Task,
};
use crate::transport::as2::message::{Failure, Limits, Modifier, Opened};
use crate::transport::as2::mime::{self, Headers, Part};
use crate::transport::as2::reception::{self, Answering, Heading, Sender, Taken};
use crate::transport::as2::{Keys, features, mdn};

/// Longest address that a receipt is sent to: it stands in a record.
const URL_BYTES_MAX: usize = 800;
/// Longest part of a sender's file name that goes into ours, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Strangers that are told of within an hour.
const STRANGERS_AN_HOUR_MAX: u32 = 10;
/// Messages that repeat one under the same number at the same moment are tried again so often.
const TRIES: u32 = 3;

/// A message as it came.
struct Arriving<'a> {
    heading: &'a Heading,
    headers: &'a Headers,
    body: &'a [u8],
    key: As2Key,
    now: Timestamp,
}

impl Gateway {
    /// Takes a request of AS2 and gives what it is answered with. It blocks until what came is durable.
    #[must_use]
    pub fn take_as2(&self, fields: &[(String, Vec<u8>)], body: &[u8]) -> As2Answer {
        for attempt in 1..=TRIES {
            match self.try_as2(fields, body) {
                Ok(answer) => return answer,
                // The same message came at the same moment on another connection: now it is known.
                Err(Error::Store(store::Error::Conflict(_))) if attempt < TRIES => {}
                Err(error) => {
                    tracing::error!("a message over AS2 was not taken: {error}");
                    break;
                }
            }
        }
        As2Answer::words(503, "It cannot be taken just now. Please send it again later.")
    }

    fn try_as2(&self, fields: &[(String, Vec<u8>)], body: &[u8]) -> Result<As2Answer, Error> {
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let headers = match Headers::of(fields, &mime::Limits::default()) {
            Ok(headers) => headers,
            Err(e) => return Ok(As2Answer::words(400, &format!("The header is no good: {e}."))),
        };
        let limits = self.as2_limits();
        if mdn::is_mdn(&headers, body, &limits) {
            return self.take_receipt(&headers, body);
        }
        let heading = match Heading::read(&headers) {
            Ok(heading) => heading,
            Err(e) => return Ok(As2Answer::words(400, &e.to_string())),
        };
        let (headers, heading) = (&headers, &heading);
        let key = key_of(As2Direction::Received, &heading.from, &heading.to, &heading.message_id);
        let arriving = Arriving { heading, headers, body, key, now: Timestamp::now() };
        match self.known_as2(&heading.from, &heading.to) {
            Some(known) => self.take_message(&known, &arriving),
            None => self.answer_stranger(&arriving),
        }
    }

    /// How much of a message is taken.
    pub(super) fn as2_limits(&self) -> Limits {
        let content_bytes = self.config.as2.message_bytes(&self.config.limits);
        Limits { content_bytes, ..Limits::default() }
    }

    fn take_message(&self, known: &Known, arriving: &Arriving<'_>) -> Result<As2Answer, Error> {
        trial::step("as2-take.before");
        let store = self.ledger.store();
        let before = store.as2_message(&arriving.key)?;
        let wire = format!("wire {}", PayloadId::of(arriving.body));
        let kept = self.kept_receipt(before.as_ref());
        if let Some(before) = &before
            && before.digests.contains(&wire)
            && (kept.is_some() || arriving.heading.receipt.is_none())
        {
            return self.answer_again(known, arriving, kept);
        }
        let keys = known.peer.keys().map_err(Error::Configuration)?;
        let certificates = keys.in_force(arriving.now);
        let sender = Sender { certificates: &certificates, policy: known.peer.policy() };
        let parts = (arriving.headers, arriving.body);
        let limits = self.as2_limits();
        let opened = reception::take(arriving.heading, parts, Some(sender), &keys.own, &limits);
        let opened = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                return self.refuse_message(
                    known,
                    &keys,
                    arriving,
                    (Kind::As2MessageRefused, &failure),
                );
            }
        };
        let content = format!("content {}", content_digest(&opened));
        let Some(before) = before else {
            return self.take_new(known, &keys, arriving, &opened, vec![wire, content]);
        };
        if before.digests.contains(&content) {
            let kept = match kept {
                Some(kept) => Some(kept),
                None => self.keep(answer(arriving, &keys, Taken::Again(&opened))?)?,
            };
            return self.answer_again(known, arriving, kept);
        }
        let words = "its Message-ID was used before, for other content";
        let failure = Failure::new(Modifier::UnexpectedProcessingError, words);
        self.refuse_message(known, &keys, arriving, (Kind::As2MessageIdReused, &failure))
    }

    /// A message that was not seen before: its documents come in as files of the mailbox, in the commit that tells of it.
    fn take_new(
        &self,
        known: &Known,
        keys: &Keys,
        arriving: &Arriving<'_>,
        opened: &Opened,
        digests: Vec<String>,
    ) -> Result<As2Answer, Error> {
        let Arriving { heading, key, now, .. } = arriving;
        let (store, now) = (self.ledger.store(), *now);
        let receipt = answer(arriving, keys, Taken::New(opened))?;
        let wire = receipt.as_ref().map(Part::to_bytes);
        let kept = wire.as_deref().map(|wire| store.put_payload(wire)).transpose()?;
        let mut draft = Draft::new();
        let mut first = None;
        for (index, document) in opened.documents.iter().enumerate() {
            let payload = store.put_payload(&document.content)?;
            first = first.or(Some(payload));
            let name = file_name(key, index, document.filename.as_deref());
            let size = document.content.len() as u64;
            // The same message has the same key, whenever it comes.
            let (mailbox, modified_nanoseconds) = (known.binding.key.clone(), 0);
            let file = FileKey { mailbox, name, size, modified_nanoseconds, payload };
            // The message may have left the store before the file that came in it.
            if store.file(&file)?.is_some() {
                continue;
            }
            let (id, mailbox) = (store.next_receipt()?, &file.mailbox);
            let task = Task::Translate { receipt: id, again: None };
            draft.queue(lanes::receive(mailbox), mailbox, task, now);
            let note = format!("{} bytes in {mailbox}", document.content.len());
            draft.journal_with(now, Event::FileReceived, "", &file.name, &note, Some(payload));
            draft.push(Change::TakeFile(Receipt { id, file, at: now, done: false }));
        }
        let (mic, features) = (opened.mic.to_string(), features(arriving.headers));
        draft.push(Change::As2New(Box::new(As2Message {
            key: key.clone(),
            partner: known.partner.clone(),
            at: now,
            state: As2State::Taken,
            content: first.unwrap_or_else(|| PayloadId::of(&[])),
            with: Vec::new(),
            digests,
            wire: None,
            mics: vec![mic.clone()],
            receipt: kept,
            receipt_at: kept.map(|_| now),
            receipt_signed: heading.receipt.as_ref().is_some_and(|asked| asked.signed),
            signer: None,
            features: features.clone(),
            resent: 0,
            words: String::new(),
        })));
        let event = Event::As2Received;
        draft.journal_with(now, event, &known.partner, &label(key), &security(opened), kept);
        draft.tell(facts(key, &mic, &features));
        draft.mend(about_message(key), now, "the same message came again, and was taken");
        let later = self.later(&mut draft, known, arriving, kept);
        self.settle(draft)?;
        Ok(match (receipt, later) {
            (Some(part), false) => As2Answer::receipt(part),
            _ => As2Answer::words(200, ""),
        })
    }

    /// The receipt of then; nothing where there was none, or it has gone from the archive.
    fn kept_receipt(&self, before: Option<&As2Message>) -> Option<(PayloadId, Vec<u8>)> {
        let receipt = before?.receipt?;
        let wire = self.ledger.store().payload(receipt);
        wire.ok().map(|wire| (receipt, wire))
    }

    /// Keeps a receipt.
    fn keep(&self, receipt: Option<Part>) -> Result<Option<(PayloadId, Vec<u8>)>, Error> {
        let wire = receipt.map(|part| part.to_bytes());
        let kept = wire.map(|wire| Ok((self.ledger.store().put_payload(&wire)?, wire)));
        kept.transpose()
    }

    /// A message that was taken before: the receipt of then.
    fn answer_again(
        &self,
        known: &Known,
        arriving: &Arriving<'_>,
        kept: Option<(PayloadId, Vec<u8>)>,
    ) -> Result<As2Answer, Error> {
        let (now, receipt) = (arriving.now, kept.as_ref().map(|(receipt, _)| *receipt));
        // What is answered is durable once this is.
        let mut draft = Draft::new();
        let (event, note) = (Event::As2Repeated, "it is answered as before, and not processed");
        let subject = label(&arriving.key);
        draft.journal_with(now, event, &known.partner, &subject, note, receipt);
        let later = self.later(&mut draft, known, arriving, receipt);
        self.settle(draft)?;
        match kept.filter(|_| !later && arriving.heading.receipt.is_some()) {
            Some((_, wire)) => As2Answer::kept(&wire),
            None => Ok(As2Answer::words(200, "")),
        }
    }

    /// A message of a partner's that is not taken: it is told why, the bytes are kept for a person.
    fn refuse_message(
        &self,
        known: &Known,
        keys: &Keys,
        arriving: &Arriving<'_>,
        (kind, failure): (Kind, &Failure),
    ) -> Result<As2Answer, Error> {
        let Arriving { key, now, .. } = arriving;
        let (store, now) = (self.ledger.store(), *now);
        let part = answer(arriving, keys, Taken::Refused(failure))?;
        if !self.as2.may_tell(&known.partner, REFUSED_AN_HOUR_MAX, now) {
            let partner = &known.partner;
            tracing::warn!(partner, "{} was not taken, and not kept: {failure}", label(key));
            return Ok(refusal(part, failure));
        }
        let bytes = store.put_payload(&whole(arriving.headers, arriving.body))?;
        let kept = part.as_ref().map(|part| store.put_payload(&part.to_bytes())).transpose()?;
        let mut draft = Draft::new();
        let words = failure.to_string();
        draft.journal_with(now, Event::As2Refused, &known.partner, &label(key), &words, kept);
        draft.tell(facts(key, "", &features(arriving.headers)));
        let trouble = Trouble {
            kind,
            partner: &known.partner,
            cause: failure.modifier.name(),
            place: &known.binding.key,
            words: &format!("{}: {words}", label(key)),
            mend: "",
            about: About {
                key: about_message(key),
                subject: Subject::Condition { label: label(key) },
                payload: Some(bytes),
                findings: None,
                acceptable: false,
            },
        };
        self.raise(&mut draft, trouble, now);
        let later = self.later(&mut draft, known, arriving, kept);
        self.settle(draft)?;
        Ok(if later { As2Answer::words(200, "") } else { refusal(part, failure) })
    }

    /// A message between two names that have agreed on nothing.
    fn answer_stranger(&self, arriving: &Arriving<'_>) -> Result<As2Answer, Error> {
        let Arriving { heading, headers, body, key, now } = arriving;
        if !self.live().profiles.left_out().is_empty() {
            let words = "It cannot be taken just now. Please send it again later.";
            return Ok(As2Answer::words(503, words));
        }
        let taken = reception::take(heading, (headers, body), None, &[], &self.as2_limits());
        let Err(failure) = taken else {
            return Err(Error::Defect("a stranger's message was opened".to_owned()));
        };
        if self.as2.may_tell("", STRANGERS_AN_HOUR_MAX, *now) {
            let words = format!("{}: {}", label(key), failure.words);
            let mut draft = Draft::new();
            draft.journal(*now, Event::As2Refused, "", &label(key), &failure.to_string());
            let trouble = Trouble {
                kind: Kind::As2PartnerUnknown,
                partner: "",
                cause: "",
                place: "as2",
                words: &words,
                mend: "",
                about: About::condition("as2 strangers".to_owned(), "messages of strangers"),
            };
            self.raise(&mut draft, trouble, *now);
            self.settle(draft)?;
        }
        // A stranger says nothing that would have us call a server: it is answered here, whatever it asks for.
        let keys = Keys::default();
        let part = answer(arriving, &keys, Taken::Refused(&failure))?;
        Ok(refusal(part, &failure))
    }

    /// Queues the receipt where it is wanted later; tells whether it is.
    fn later(
        &self,
        draft: &mut Draft,
        known: &Known,
        arriving: &Arriving<'_>,
        receipt: Option<PayloadId>,
    ) -> bool {
        let asked = arriving.heading.receipt.as_ref().and_then(|asked| asked.url.as_ref());
        let (Some(url), Some(payload)) = (asked, receipt) else { return false };
        let host = host_of(url).filter(|_| url.len() <= URL_BYTES_MAX);
        let now = arriving.now;
        if !host.is_some_and(|host| known.peer.settings().may_answer(host)) {
            let shown: String = url.chars().take(200).collect();
            let words = format!(
                "the receipt is wanted at {shown}, which is neither the host of `url` nor one of `receipt_hosts`: it was given in the answer instead"
            );
            let place = &known.binding.key;
            let trouble = Trouble {
                kind: Kind::As2ReceiptAddress,
                partner: &known.partner,
                cause: host.unwrap_or_default(),
                place,
                words: &words,
                mend: "",
                about: About::condition(format!("as2 address {}", known.partner), place),
            };
            self.raise(draft, trouble, now);
            return false;
        }
        let message = arriving.key.clone();
        let task = Task::SendReceipt { message, payload, url: url.clone() };
        draft.queue(lanes::receipts(&known.partner), "", task, now);
        true
    }

    /// Commits, and waits for the disk: only now it is answered.
    fn settle(&self, draft: Draft) -> Result<(), Error> {
        trial::step("as2-keep.before");
        self.ledger.commit(draft)?;
        trial::step("as2-keep.after");
        Ok(())
    }
}

/// Writes the receipt that was asked for.
fn answer(arriving: &Arriving<'_>, keys: &Keys, taken: Taken<'_>) -> Result<Option<Part>, Error> {
    let Arriving { heading, now, .. } = arriving;
    let message_id = new_message_id(&heading.message_id, &heading.to, *now);
    let answering = Answering { message_id: &message_id, at: *now, signer: keys.own.first() };
    reception::answer(heading, taken, answering)
        .map_err(|e| Error::Configuration(format!("a receipt cannot be written: {e}")))
}

/// The answer to what was not taken: the receipt that says so, or, where none was asked for, the status.
fn refusal(part: Option<Part>, failure: &Failure) -> As2Answer {
    match part {
        Some(part) => As2Answer::receipt(part),
        None => As2Answer::words(400, &failure.to_string()),
    }
}

/// What the documents are, whatever stood around them.
fn content_digest(opened: &Opened) -> PayloadId {
    let mut of_each = Vec::new();
    for document in &opened.documents {
        of_each.extend_from_slice(PayloadId::of(&document.content).as_bytes());
    }
    PayloadId::of(&of_each)
}

/// The name of a document as a file: the same for the same message.
fn file_name(key: &As2Key, index: usize, filename: Option<&str>) -> String {
    let of = format!("{}\n{}\n{}\n{index}", key.theirs, key.ours, key.message_id);
    let mark = PayloadId::of(of.as_bytes()).short();
    let name: String = filename.unwrap_or("message.edi").chars().take(NAME_CHARS_MAX).collect();
    format!("{mark}-{}", safe_name(&name))
}

fn security(opened: &Opened) -> String {
    let security = &opened.security;
    let words = [
        security.signed.map(|digest| format!("signed with {}", digest.name())),
        security.encrypted.map(|cipher| format!("encrypted with {}", cipher.name())),
        security.compressed.map(|_| "compressed".to_owned()),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    if words.is_empty() { "in the clear".to_owned() } else { words.join(", ") }
}

/// What a machine may want to know of a message.
pub(super) fn facts(key: &As2Key, mic: &str, features: &str) -> Facts {
    let id: String = key.message_id.chars().take(300).collect();
    let all = [
        ("message_id", id.as_str()),
        ("theirs", &key.theirs),
        ("ours", &key.ours),
        ("mic", mic),
        ("features", features),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
