//! Everything about one business number, from the audit log alone: which entries tell of it, and the folder that one
//! hands over in a dispute. It can be made beside a gateway that runs.

mod bundle;

pub use bundle::{Bundle, export_dossier, verify_dossier};

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use memchr::memmem;

use crate::audit::Hash;
use crate::store::{
    As2Direction, As2Message, Document, Error, Event, ExceptionItem, PayloadId, Payloads, Put,
    Subject, Task, Told, Trail,
};

/// Documents for one number, at most: what bounds the memory.
const DOCUMENTS_MAX: usize = 10_000;

/// What belongs to a number.
#[derive(Debug, Default)]
pub struct Dossier {
    /// Documents of this number, and those that name it as their order.
    documents: BTreeMap<String, Document>,
    /// Whose they are.
    partners: BTreeSet<String>,
    receipts: BTreeSet<u64>,
    /// Payloads with a word for each: what it is.
    payloads: BTreeMap<PayloadId, String>,
    /// Receipts over AS2, each with the certificate that it is signed by.
    receipts_signed: BTreeMap<PayloadId, PayloadId>,
    /// Texts by which an entry is known that belongs to it.
    marks: BTreeSet<String>,
    /// The last of the entries by which a log was begun from a database: each holds records of everybody. 0: none.
    begun: u64,
}

impl Dossier {
    /// Reads the audit log of the store in this folder twice: for the documents, then for what came and went with them.
    /// Of one partner, or of all that have the number.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn find(folder: &Path, number: &str, partner: Option<&str>) -> Result<Self, Error> {
        let is_of = |whose: &str| partner.is_none_or(|partner| partner == whose);
        let mut dossier = Self::default();
        let mut seen = BTreeSet::new();
        let payloads = Payloads::look(folder)?;
        // Whose exceptions are: where a log was begun from a database, their items stand in other entries.
        let mut exceptions: BTreeMap<u64, String> = BTreeMap::new();
        let mut begun_by = None;
        let mut trail = Trail::open(folder, 1)?;
        while let Some(told) = trail.read()? {
            if told.number == 1 && begins(&told) {
                begun_by = Some(told.by.clone());
            }
            if begun_by.as_ref().is_some_and(|by| *by == told.by) {
                dossier.begun = told.number;
            } else {
                begun_by = None;
            }
            for put in told.puts()? {
                match put {
                    Put::Exception(id, partner) if dossier.begun == told.number => {
                        exceptions.insert(id, partner);
                    }
                    Put::Document(document) if is_of(&document.partner) => {
                        let known = dossier.documents.contains_key(&document.id);
                        if known || dossier.belongs(&payloads, number, &document, &mut seen) {
                            dossier.take(document);
                        }
                    }
                    Put::Item { exception, partner, item } => {
                        let known = exceptions.get(&exception).filter(|_| partner.is_empty());
                        let partner = known.cloned().unwrap_or(partner);
                        if is_of(&partner) {
                            dossier.set(number, partner, &item);
                        }
                    }
                    _ => {}
                }
            }
        }
        if dossier.begun > 0 && !dossier.is_empty() {
            // There they stand in the order of their kinds, so that an invoice came before its order told whose it is.
            seen.clear();
            let mut trail = Trail::open(folder, 1)?;
            while let Some(told) = trail.read()?.filter(|told| told.number <= dossier.begun) {
                for put in told.puts()? {
                    if let Put::Document(document) = put
                        && is_of(&document.partner)
                        && !dossier.documents.contains_key(&document.id)
                        && dossier.belongs(&payloads, number, &document, &mut seen)
                    {
                        dossier.take(document);
                    }
                }
            }
        }
        let mut trail = Trail::open(folder, 1)?;
        while let Some(told) = trail.read()? {
            dossier.follow(&told)?;
        }
        Ok(dossier)
    }

    /// Whether there is nothing of that number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partners.is_empty()
    }

    /// The partners that have something of that number.
    #[must_use]
    pub fn partners(&self) -> &BTreeSet<String> {
        &self.partners
    }

    /// A set that became no document, since it was rejected: it is known by the exception about it.
    fn set(&mut self, number: &str, partner: String, item: &ExceptionItem) {
        let Subject::Interchange { id, set: Some(_), label, .. } = &item.subject else { return };
        // `order 4711 (850 0001 in group 1)`.
        let named = label.split_once(' ').and_then(|(_, rest)| rest.rsplit_once(" ("));
        if partner.is_empty() || named.is_none_or(|(named, _)| named != number) {
            return;
        }
        self.partners.insert(partner);
        self.receipts.insert(id.receipt);
        if let Some(payload) = item.payload {
            self.payload(payload, &format!("the interchange of {label}"));
        }
    }

    /// Whether a document has the number, or names it as its order. A document is looked at once; only those of partners
    /// that have the number are read.
    fn belongs(
        &self,
        payloads: &Payloads,
        number: &str,
        document: &Document,
        seen: &mut BTreeSet<String>,
    ) -> bool {
        if self.documents.len() >= DOCUMENTS_MAX {
            return false;
        }
        if document.number == number {
            return true;
        }
        let of_partner = self.documents.values().any(|known| known.partner == document.partner);
        of_partner
            && seen.insert(document.id.clone())
            && payloads.get(document.payload).is_ok_and(|json| names_order(&json, number))
    }

    fn take(&mut self, document: Document) {
        self.partners.insert(document.partner.clone());
        self.marks.insert(document.id.clone());
        self.payload(document.payload, &format!("{} {} as JSON", document.kind, document.id));
        if let Some(rendered) = document.rendered {
            self.payload(rendered, &format!("{} {} as it was sent", document.kind, document.id));
        }
        self.receipts.extend(document.interchange.map(|id| id.receipt));
        self.documents.insert(document.id.clone(), document);
    }

    fn payload(&mut self, id: PayloadId, what: &str) {
        self.marks.insert(id.to_string());
        self.payloads.entry(id).or_insert_with(|| what.to_owned());
    }

    /// What came and went with its documents: interchanges, their answers, acknowledgements, the files they were in.
    fn follow(&mut self, told: &Told) -> Result<(), Error> {
        if !self.tells_of(told) {
            return Ok(());
        }
        for put in told.puts()? {
            match put {
                // Beside its own, the entries by which a log was begun hold those of others.
                Put::Interchange(id, record)
                    if told.number > self.begun
                        || self.receipts.contains(&id.receipt)
                        || self.payloads.contains_key(&record.payload) =>
                {
                    self.receipts.insert(id.receipt);
                    let number = record.key.map(|key| key.number).unwrap_or_default();
                    self.payload(record.payload, &format!("interchange {number}, received"));
                    if let Some((answer, name)) = record.answer {
                        self.payload(
                            answer,
                            &format!("{name}, the answer to interchange {number}"),
                        );
                        self.marks.insert(name);
                    }
                }
                Put::Receipt(receipt) if self.receipts.contains(&receipt.id) => {
                    self.payload(
                        receipt.file.payload,
                        &format!("file {}, received", receipt.file.name),
                    );
                }
                Put::As2(message) => self.follow_message(&message),
                Put::Work(work) => {
                    if let Task::Send { parcel, with } = work.task {
                        let parcels = std::iter::once(parcel).chain(with);
                        let ours = parcels.filter(|one| self.payloads.contains_key(&one.payload));
                        self.marks.extend(ours.map(|parcel| parcel.name));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A message over AS2 in which something of it came or went: its receipt, and who has signed that.
    fn follow_message(&mut self, message: &As2Message) {
        if !message.contents().any(|content| self.payloads.contains_key(&content)) {
            return;
        }
        let id = &message.key.message_id;
        self.marks.insert(id.clone());
        let (whose, of) = match message.key.direction {
            As2Direction::Sent => ("the partner's", "sent"),
            As2Direction::Received => ("our", "received"),
        };
        let signed = if message.receipt_signed { "signed " } else { "" };
        let held = [
            (message.wire, format!("AS2 message {id}, {of}: header and body")),
            (message.receipt, format!("{whose} {signed}receipt (MDN) for AS2 message {id}")),
            (message.signer, format!("the certificate that signs the receipt for {id}")),
        ];
        for (payload, what) in held {
            if let Some(payload) = payload {
                self.marks.insert(payload.to_string());
                self.payloads.insert(payload, what);
            }
        }
        if let (Some(receipt), Some(signer)) = (message.receipt, message.signer) {
            self.receipts_signed.insert(receipt, signer);
        }
    }

    /// Whether an entry tells of it.
    #[must_use]
    pub fn tells_of(&self, told: &Told) -> bool {
        let mut marks = self.marks.iter();
        let is_marked = marks.any(|mark| memmem::find(told.line, mark.as_bytes()).is_some());
        let puts = told.puts().unwrap_or_default();
        let of_its_file =
            |put: &Put| matches!(put, Put::Receipt(receipt) if self.receipts.contains(&receipt.id));
        (is_marked && !self.is_of_others(told, &puts)) || puts.iter().any(of_its_file)
    }

    /// Whether an entry is of other partners alone: the bytes of two may be the same.
    fn is_of_others(&self, told: &Told, puts: &[Put]) -> bool {
        let mut named = told.partners(puts).peekable();
        named.peek().is_some() && !named.any(|name| self.partners.contains(name))
    }
}

/// Whether an entry is the first of a log that was begun from a database.
fn begins(told: &Told) -> bool {
    told.journal.iter().any(|record| record.entry.event == Event::AuditLogBegun)
}

/// Whether the JSON of a document names an order: `order`, or `number` of one of `orders`.
fn names_order(json: &[u8], number: &str) -> bool {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(json) else { return false };
    let is_it = |value: &serde_json::Value| value.as_str() == Some(number);
    let orders = document.get("orders").and_then(|orders| orders.as_array());
    document.get("order").is_some_and(is_it)
        || orders.into_iter().flatten().any(|order| order.get("number").is_some_and(is_it))
}

/// An event for reading: `document delivered`.
#[must_use]
pub fn event_words(event: Event) -> String {
    let name = serde_json::to_value(event).unwrap_or_default();
    name.as_str().unwrap_or_default().replace('_', " ")
}

/// The hash of an entry's line in the tree.
fn leaf(told: &Told) -> Hash {
    Hash::leaf(told.line)
}
