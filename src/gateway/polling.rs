//! Documents that an endpoint is asked for: each is durable before the cursor goes on.

use jiff::Timestamp;

use super::intake::{Taken, place};
use super::ledger::Draft;
use super::orders::ReceivedOrders;
use super::{Error, Gateway};
use crate::bridge::{Endpoint, PolledDocument, Since};
use crate::disk::trial;
use crate::profile::Partner;
use crate::store::{Change, FileKey, PurchaseOrderKey};

impl Gateway {
    /// Asks an endpoint for documents of a kind, where it is one that is asked. Each is durable before the cursor goes
    /// on; what comes again is known. Tells whether to look again soon.
    pub(super) fn poll_endpoint(
        &self,
        endpoint: &dyn Endpoint,
        partner: &Partner,
        kind: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<bool, Error> {
        let store = self.ledger.store();
        let key = PurchaseOrderKey {
            partner: partner.name.clone(),
            kind: format!("cursor {kind}"),
            number: partner.endpoint.clone(),
        };
        let before = store.purchase_order(&key)?;
        let orders = ReceivedOrders { store, partner };
        let since =
            Since { partner: &partner.name, kind, cursor: before.as_deref(), orders: &orders };
        let Some(polled) = endpoint.poll(&since)? else { return Ok(false) };
        for document in &polled.documents {
            if stop() {
                return Ok(false);
            }
            self.take_polled(partner, kind, document)?;
        }
        if before.as_ref() != Some(&polled.cursor) {
            let mut draft = Draft::new();
            draft.push(Change::Noted(key, polled.cursor));
            self.ledger.commit(draft)?;
            trial::step("cursor.after");
        }
        Ok(polled.more)
    }

    /// Takes in a document that the endpoint told of; one that came before is known.
    pub(super) fn take_polled(
        &self,
        partner: &Partner,
        kind: &str,
        document: &PolledDocument,
    ) -> Result<(), Error> {
        let store = self.ledger.store();
        let payload = store.put_payload(&document.json)?;
        let file = FileKey {
            mailbox: place(partner, kind),
            name: document.name.clone(),
            size: document.json.len() as u64,
            modified_nanoseconds: 0,
            payload,
        };
        if store.file(&file)?.is_none() {
            let (name, unusable) = (&document.name, document.unusable.as_deref());
            let taken = Taken { name, file: &file, json: &document.json, unusable };
            trial::step("poll.before");
            let mut draft = self.collect(partner, kind, &taken, Timestamp::now())?;
            draft.push(Change::FileSeen(file));
            self.ledger.commit(draft)?;
            trial::step("poll.after");
        }
        Ok(())
    }
}
