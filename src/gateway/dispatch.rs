//! Working off what was committed: calls to endpoints, deliveries into mailboxes, copies for people. Each can be
//! repeated: same key, same name, same bytes.

use std::sync::Arc;

use jiff::Timestamp;

use super::inbound::Opened;
use super::ledger::{Begun, Draft};
use super::live::Live;
use super::mailboxes::MailboxBinding;
use super::raising::about_answer;
use super::standing::waits_for_order;
use super::steps::KeptSteps;
use super::{Error, Gateway, lanes};
use crate::bridge::{self, Call, Endpoint};
use crate::disk::{Half, trial};
use crate::profile::{Partner, Usage};
use crate::store::{Change, DocumentState, Event, Parcel, PayloadId, Place, Task, Work};

/// Has each of several that were to leave together leave by itself, in place of that work.
pub(super) fn queue_each(draft: &mut Draft, work: &Work, parcels: &[Parcel]) {
    draft.mend(about_answer(work), Timestamp::now(), "each leaves by itself");
    for parcel in parcels {
        draft.queue(work.lane.clone(), "", parcel.clone().into(), work.queued);
    }
}

/// Something that is delivered once it is put, and what is committed then.
pub(super) struct Put {
    pub(super) half: Half,
    pub(super) draft: Draft,
}

impl Gateway {
    /// Does one piece of work. When it returns well, and what it tells of is put and committed, and the commits that it
    /// has begun are finished, the work is done and gone from the store.
    pub(super) fn perform(
        &self,
        work: &Work,
        opened: Option<Opened>,
        begun: &mut Vec<Begun>,
    ) -> Result<Option<Put>, Error> {
        match &work.task {
            Task::Call { document } => return self.call(work, document, begun),
            Task::Send { parcel, with } => {
                let parcels = std::iter::once(parcel).chain(with).map(|one| self.naming(one));
                return self.send(work, &parcels.collect::<Result<Vec<_>, _>>()?, begun);
            }
            Task::Translate { receipt, again } => {
                self.translate(work, (*receipt, again.as_ref()), opened, begun)
            }
            Task::Render { document, .. } => self.render(work, document),
            Task::Deadline { document, of, from, due } => {
                self.look_at_deadline(work, document, of, (*from, *due))
            }
            #[cfg(feature = "as2")]
            Task::AwaitReceipt { .. } => self.await_receipt(work),
            #[cfg(feature = "as2")]
            Task::SendReceipt { message, payload, url } => {
                self.send_receipt(work, message, (*payload, url))
            }
            #[cfg(not(feature = "as2"))]
            Task::AwaitReceipt { .. } | Task::SendReceipt { .. } => {
                let words = "this program was built without the feature `as2`";
                Err(Error::Configuration(words.to_owned()))
            }
            Task::Notify { destination, payload } => self.notify(work, destination, *payload),
            Task::Webhook { webhook, event, payload } => {
                self.tell_webhook(work, webhook, event, *payload)
            }
            Task::Quarantine { place, payload, name, note } => {
                self.quarantine(work, place, *payload, name, *note)
            }
        }?;
        Ok(None)
    }

    /// Hands a document to its endpoint.
    fn call(
        &self,
        work: &Work,
        document: &str,
        begun: &mut Vec<Begun>,
    ) -> Result<Option<Put>, Error> {
        let store = self.ledger.store();
        let record = store
            .document(document)?
            .ok_or_else(|| Error::Defect(format!("document {document} is unknown")))?;
        let partner = self.partner(&record.partner)?;
        let usage = match record.interchange.map(|id| store.interchange(id)).transpose()?.flatten()
        {
            Some(interchange) if interchange.test => Usage::Test,
            _ => Usage::Production,
        };
        let name = match usage {
            Usage::Production => &partner.endpoint,
            Usage::Test => partner.test_endpoint.as_ref().ok_or_else(|| {
                Error::Configuration(format!("{} has no test_endpoint any more", partner.name))
            })?,
        };
        if let Some(reason) = waits_for_order(store, &record, usage == Usage::Test)? {
            return Err(bridge::Error::Transient { reason, retry_after: None }.into());
        }
        let json = store.payload(record.payload)?;
        let call = Call {
            partner: &partner.name,
            kind: &record.kind,
            idempotency_key: &record.id,
            json: &json,
        };
        let steps = KeptSteps::new(&self.ledger, work, &call);
        let half = self.endpoint(name)?.deliver(&call, &steps)?;
        let now = Timestamp::now();
        let mut draft = steps.last();
        draft.done(work);
        draft.journal(now, Event::DocumentDelivered, &partner.name, &record.id, name);
        let received = ("received".to_owned(), record.at.to_string());
        draft.tell([("kind".to_owned(), record.kind.clone()), received].into());
        let state = DocumentState::Delivered;
        draft.push(Change::Advance { document: record.id, state, at: now });
        self.once_put(half, draft, begun)
    }

    /// Commits what is delivered, or leaves that until it is put.
    fn once_put(
        &self,
        half: Option<Half>,
        draft: Draft,
        begun: &mut Vec<Begun>,
    ) -> Result<Option<Put>, Error> {
        if let Some(half) = half {
            return Ok(Some(Put { half, draft }));
        }
        begun.push(self.ledger.begin(&draft)?);
        Ok(None)
    }

    /// The documents of a batch.
    pub(super) fn listed(&self, list: PayloadId) -> Result<Vec<String>, Error> {
        let bytes = self.ledger.store().payload(list)?;
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }

    /// A parcel that names its documents, however many they are.
    fn naming(&self, parcel: &Parcel) -> Result<Parcel, Error> {
        let listed = parcel.batch.map(|list| self.listed(list)).transpose()?;
        let documents = listed.unwrap_or_else(|| parcel.documents.clone());
        Ok(Parcel { documents, ..parcel.clone() })
    }

    fn send(
        &self,
        work: &Work,
        parcels: &[Parcel],
        begun: &mut Vec<Begun>,
    ) -> Result<Option<Put>, Error> {
        let partner = self.partner(&self.partner_of(work))?;
        let binding = self.mailbox_of(&partner)?;
        #[cfg(feature = "as2")]
        if let Some(peer) = binding.peer() {
            self.send_as2(work, (&partner, peer), parcels)?;
            return Ok(None);
        }
        let mut draft = Draft::new();
        draft.done(work);
        let [parcel] = parcels else {
            // They were to leave in one message, and there are none any more.
            queue_each(&mut draft, work, parcels);
            begun.push(self.ledger.begin(&draft)?);
            return Ok(None);
        };
        let bytes = self.ledger.store().payload(parcel.payload)?;
        trial::step("send.before");
        let half = binding.mailbox.deliver(&parcel.name, &bytes)?;
        if half.is_none() {
            trial::step("send.after");
        }
        self.note_sent(&mut draft, work, &partner, parcel)?;
        self.once_put(half, draft, begun)
    }

    /// An interchange is with the partner, and the documents in it.
    pub(super) fn note_sent(
        &self,
        draft: &mut Draft,
        work: &Work,
        partner: &Partner,
        Parcel { name, payload, documents, .. }: &Parcel,
    ) -> Result<(), Error> {
        let (now, payload) = (Timestamp::now(), Some(*payload));
        if documents.is_empty() {
            draft.mend(about_answer(work), now, "it is with the partner");
        }
        let note = documents.join(", ");
        draft.journal_with(now, Event::InterchangeSent, &partner.name, name, &note, payload);
        for document in documents {
            self.document_left(draft, partner, document, now)?;
            let (document, state) = (document.clone(), DocumentState::Sent);
            draft.push(Change::Advance { document, state, at: now });
        }
        Ok(())
    }

    fn quarantine(
        &self,
        work: &Work,
        place: &Place,
        payload: PayloadId,
        name: &str,
        note: PayloadId,
    ) -> Result<(), Error> {
        let store = self.ledger.store();
        let (bytes, note) = (store.payload(payload)?, store.payload(note)?);
        match place {
            Place::Mailbox(key) => self.mailbox(key)?.mailbox.quarantine(name, &bytes, &note)?,
            Place::Endpoint { endpoint, partner, kind } => {
                if let Some(folder) = self.endpoint(endpoint)?.returns() {
                    folder.quarantine(partner, kind, name, &bytes, &note)?;
                }
            }
        }
        let mut draft = Draft::new();
        draft.done(work);
        Ok(self.ledger.commit(draft)?)
    }

    pub(super) fn partner(&self, name: &str) -> Result<Arc<Partner>, Error> {
        self.live().profiles.partner(name).cloned().ok_or_else(|| {
            Error::Configuration(format!("the partner `{name}` has no profile any more"))
        })
    }

    pub(super) fn mailbox(&self, key: &str) -> Result<Arc<MailboxBinding>, Error> {
        mailbox_in(&self.live(), key)
    }

    fn mailbox_of(&self, partner: &Partner) -> Result<Arc<MailboxBinding>, Error> {
        self.live().mailboxes.of(&partner.name).cloned().ok_or_else(|| {
            Error::Configuration(format!("the partner `{}` has no mailbox any more", partner.name))
        })
    }

    pub(super) fn endpoint(&self, name: &str) -> Result<&dyn Endpoint, Error> {
        let found = self.endpoints.get(name);
        found.map(AsRef::as_ref).ok_or_else(|| {
            Error::Configuration(format!("the endpoint `{name}` is not in crossdock.toml any more"))
        })
    }

    /// Whether a piece of work waits for a mailbox on a server.
    pub(super) fn calls_server(&self, work: &Work) -> bool {
        matches!(
            work.task,
            Task::Send { .. } | Task::AwaitReceipt { .. } | Task::SendReceipt { .. }
        ) && self
            .live()
            .mailboxes
            .of(&self.partner_of(work))
            .is_some_and(|binding| binding.mailbox.is_remote())
    }

    /// Whose work it is: the lane says so; empty where it is nobody's.
    pub(super) fn partner_of(&self, work: &Work) -> String {
        let name = lanes::partner(&work.lane);
        name.filter(|name| self.live().profiles.partner(name).is_some())
            .unwrap_or_default()
            .to_owned()
    }
}

/// The mailbox of a key, as it is in force there.
pub(super) fn mailbox_in(live: &Live, key: &str) -> Result<Arc<MailboxBinding>, Error> {
    live.mailboxes.get(key).cloned().ok_or_else(|| {
        Error::Configuration(format!("the mailbox {key} is in no live profile any more"))
    })
}
