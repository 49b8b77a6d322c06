//! Records, read and added to.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::{COUNT_MAX, EmbeddedStore};
use crate::store::CallResult;
use crate::store::as2::{As2Key, As2Message};
use crate::store::database::{decode, failed};
use crate::store::exception::{Exception, ExceptionItem, ExceptionState, ITEMS_MAX};
use crate::store::keys;
use crate::store::pages;
use crate::store::records::{
    Document, FileKey, InterchangeId, InterchangeKey, InterchangeRecord, PurchaseOrderKey, Receipt,
    Seen,
};
use crate::store::transaction::Transaction;
use crate::store::{
    Backlog, Error, Expectation, JournalRecord, PayloadId, Records, Store as _, Work,
};

impl Records for EmbeddedStore {
    fn put_payload(&self, bytes: &[u8]) -> Result<PayloadId, Error> {
        self.payloads.put(bytes)
    }

    fn payload(&self, id: PayloadId) -> Result<Vec<u8>, Error> {
        self.payloads.get(id)
    }

    fn commit(&self, transaction: Transaction) -> Result<Vec<JournalRecord>, Error> {
        match self.hand_in(&transaction) {
            Err(conflict @ Error::Conflict(_)) => {
                self.settle()?;
                Err(conflict)
            }
            handed_in => self.settled(handed_in?),
        }
    }

    fn next_receipt(&self) -> Result<u64, Error> {
        Ok(self.next_receipt.fetch_add(1, Ordering::Relaxed))
    }

    fn file(&self, key: &FileKey) -> Result<Option<u64>, Error> {
        self.read_durable(&keys::file(key))
    }

    fn receipt(&self, id: u64) -> Result<Option<Receipt>, Error> {
        self.read(&keys::receipt(id))
    }

    fn seen(&self, key: &InterchangeKey) -> Result<Option<Seen>, Error> {
        self.read(&keys::seen(key))
    }

    fn interchange(&self, id: InterchangeId) -> Result<Option<InterchangeRecord>, Error> {
        self.read(&keys::interchange(id))
    }

    fn interchanges(
        &self,
        after: Option<InterchangeId>,
        limit: usize,
    ) -> Result<Vec<(InterchangeId, InterchangeRecord)>, Error> {
        let found = self.scan(&[keys::INTERCHANGE], after.map(keys::interchange), limit)?;
        Ok(found
            .into_iter()
            .filter_map(|(key, record)| Some((keys::interchange_id(&key)?, record)))
            .collect())
    }

    fn purchase_order(&self, key: &PurchaseOrderKey) -> Result<Option<String>, Error> {
        self.read(&keys::purchase_order(key))
    }

    fn document(&self, id: &str) -> Result<Option<Document>, Error> {
        self.read(&keys::document(id))
    }

    fn call_results(&self, document: &str) -> Result<Vec<CallResult>, Error> {
        self.scan_ahead(&keys::calls(document), None, usize::MAX)
    }

    fn expectations(&self, partner: &str, group: u64) -> Result<Vec<Expectation>, Error> {
        self.scan_ahead(&keys::group(partner, group), None, usize::MAX)
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Expectation>, Error> {
        self.clocks(keys::clock(now, &[]), limit)
    }

    fn waiting_expectations(&self, limit: usize) -> Result<Vec<Expectation>, Error> {
        self.clocks(vec![keys::CLOCK + 1], limit)
    }

    fn queued(&self, lane: &str, limit: usize) -> Result<Vec<Work>, Error> {
        let found = self.scan(&keys::lane(keys::WORK, lane), None, limit)?;
        Ok(found.into_iter().map(|(_, work)| work).collect())
    }

    fn backlog(&self, limit: usize) -> Result<Backlog, Error> {
        let tree = self.view.durable();
        let mut backlog = Backlog::default();
        for entry in tree.scan_prefix([keys::WORK]).take(COUNT_MAX) {
            let (key, value) = entry.map_err(|e| failed("reading", &e))?;
            let work: Work = decode(&key, &value)?;
            let failed = work.attempts > 0;
            backlog.failing += usize::from(failed);
            *backlog.waiting.entry(work.lane.clone()).or_default() += 1;
            if failed && backlog.failed.len() < limit {
                backlog.failed.push(work);
            }
        }
        Ok(backlog)
    }

    fn parked(&self, limit: usize) -> Result<Vec<Work>, Error> {
        let found = self.scan(&[keys::PARKED], None, limit)?;
        Ok(found.into_iter().map(|(_, work)| work).collect())
    }

    fn journal(&self, after: u64, limit: usize) -> Result<Vec<JournalRecord>, Error> {
        let tree = self.view.durable();
        let mut found = Vec::new();
        // A page has the key of its last record.
        for page in tree.range(keys::journal(after.saturating_add(1))..vec![keys::JOURNAL + 1]) {
            if found.len() >= limit {
                break;
            }
            let (key, page) = page.map_err(|e| failed("reading", &e))?;
            let records = pages::records(&key, &page)?.into_iter();
            found.extend(records.filter(|record| record.sequence > after));
        }
        found.truncate(limit);
        Ok(found)
    }

    fn documents(&self, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error> {
        let found = self.scan(&[keys::DOCUMENT], after.map(keys::document), limit)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn all_expectations(
        &self,
        after: Option<(&str, u64, u64)>,
        limit: usize,
    ) -> Result<Vec<Expectation>, Error> {
        let after = after.map(|(partner, group, set)| keys::expectation(partner, group, set));
        self.scan_ahead(&[keys::EXPECTATION], after, limit)
    }

    fn exception(&self, id: u64) -> Result<Option<Exception>, Error> {
        self.read(&keys::exception(id))
    }

    fn exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error> {
        let found = self.scan(&[keys::EXCEPTION], Some(keys::exception(after)), limit)?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    fn open_exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error> {
        let after = Some(keys::exception_open(after));
        let mut open = Vec::new();
        for (_, id) in self.scan::<u64>(&[keys::EXCEPTION_OPEN], after, limit)? {
            open.extend(self.exception(id)?.filter(|one| one.state == ExceptionState::Open));
        }
        Ok(open)
    }

    fn exception_items(&self, id: u64) -> Result<Vec<ExceptionItem>, Error> {
        let found = self.scan(&keys::exception_items(id), None, ITEMS_MAX as usize)?;
        let mut items: Vec<ExceptionItem> = found.into_iter().map(|(_, item)| item).collect();
        items.sort_by_key(|item| item.number);
        Ok(items)
    }

    fn as2_message(&self, key: &As2Key) -> Result<Option<As2Message>, Error> {
        self.read(&keys::as2(key))
    }

    fn as2_sent(&self, content: PayloadId) -> Result<Vec<As2Message>, Error> {
        let keys = self.scan_ahead::<As2Key>(&keys::as2_sent(content), None, usize::MAX)?;
        let messages = keys.iter().map(|key| self.as2_message(key));
        messages.filter_map(Result::transpose).collect()
    }

    fn exception_about(&self, item: &str) -> Result<Option<u64>, Error> {
        self.read(&keys::exception_of(item))
    }
}
