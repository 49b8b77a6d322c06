//! The side that asks.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{Ask, Reply, read_frame, socket, write_frame};
use crate::store::{
    As2Key, As2Message, Backlog, CallResult, Document, Error, Exception, ExceptionItem,
    Expectation, FileKey, InterchangeId, InterchangeKey, InterchangeRecord, JournalRecord,
    PayloadId, PurchaseOrderKey, Receipt, Records, Seen, Transaction, Work,
};

/// The records of a gateway that runs in another process.
#[derive(Debug)]
pub struct RemoteRecords {
    connection: Mutex<UnixStream>,
}

impl RemoteRecords {
    /// Asks at the desk of a data folder; nothing where no gateway runs there.
    ///
    /// # Errors
    /// Where there is a desk that this user may not ask.
    pub fn connect(data: &Path) -> Result<Option<Self>, Error> {
        match UnixStream::connect(socket(data)) {
            Ok(stream) => Ok(Some(Self { connection: Mutex::new(stream) })),
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(e) => Err(Error::Elsewhere(e.to_string())),
        }
    }

    fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Error> {
        self.exchange(ask, &[]).map(|(value, _)| value)
    }

    fn exchange<T: DeserializeOwned>(&self, ask: &Ask, body: &[u8]) -> Result<(T, Vec<u8>), Error> {
        let gone = |e: io::Error| Error::Elsewhere(e.to_string());
        let strange = |e: serde_json::Error| Error::Elsewhere(format!("not understood: {e}"));
        let head = serde_json::to_vec(ask).map_err(strange)?;
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        write_frame(&mut *connection, &head, body).map_err(gone)?;
        let answer = read_frame(&mut *connection).map_err(gone)?;
        let (head, body) = answer.ok_or_else(|| Error::Elsewhere("it has ended".to_owned()))?;
        match serde_json::from_slice(&head).map_err(strange)? {
            Reply::Done(value) => Ok((value, body)),
            Reply::Conflict(words) => Err(Error::Conflict(words)),
            Reply::Failed(words) => Err(Error::Elsewhere(words)),
        }
    }
}

impl Records for RemoteRecords {
    fn put_payload(&self, bytes: &[u8]) -> Result<PayloadId, Error> {
        self.exchange(&Ask::PutPayload, bytes).map(|(id, _)| id)
    }

    fn payload(&self, id: PayloadId) -> Result<Vec<u8>, Error> {
        self.exchange::<()>(&Ask::Payload(id), &[]).map(|((), bytes)| bytes)
    }

    fn commit(&self, transaction: Transaction) -> Result<Vec<JournalRecord>, Error> {
        self.ask(&Ask::Commit(transaction))
    }

    fn next_receipt(&self) -> Result<u64, Error> {
        self.ask(&Ask::NextReceipt)
    }

    fn file(&self, key: &FileKey) -> Result<Option<u64>, Error> {
        self.ask(&Ask::File(key.clone()))
    }

    fn receipt(&self, id: u64) -> Result<Option<Receipt>, Error> {
        self.ask(&Ask::Receipt(id))
    }

    fn seen(&self, key: &InterchangeKey) -> Result<Option<Seen>, Error> {
        self.ask(&Ask::Seen(key.clone()))
    }

    fn interchange(&self, id: InterchangeId) -> Result<Option<InterchangeRecord>, Error> {
        self.ask(&Ask::Interchange(id))
    }

    fn interchanges(
        &self,
        after: Option<InterchangeId>,
        limit: usize,
    ) -> Result<Vec<(InterchangeId, InterchangeRecord)>, Error> {
        self.ask(&Ask::Interchanges(after, limit))
    }

    fn purchase_order(&self, key: &PurchaseOrderKey) -> Result<Option<String>, Error> {
        self.ask(&Ask::PurchaseOrder(key.clone()))
    }

    fn document(&self, id: &str) -> Result<Option<Document>, Error> {
        self.ask(&Ask::Document(id.to_owned()))
    }

    fn call_results(&self, document: &str) -> Result<Vec<CallResult>, Error> {
        self.ask(&Ask::CallResults(document.to_owned()))
    }

    fn documents(&self, after: Option<&str>, limit: usize) -> Result<Vec<Document>, Error> {
        self.ask(&Ask::Documents(after.map(str::to_owned), limit))
    }

    fn expectations(&self, partner: &str, group: u64) -> Result<Vec<Expectation>, Error> {
        self.ask(&Ask::Expectations(partner.to_owned(), group))
    }

    fn all_expectations(
        &self,
        after: Option<(&str, u64, u64)>,
        limit: usize,
    ) -> Result<Vec<Expectation>, Error> {
        let after = after.map(|(partner, group, set)| (partner.to_owned(), group, set));
        self.ask(&Ask::AllExpectations(after, limit))
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Result<Vec<Expectation>, Error> {
        self.ask(&Ask::Overdue(now, limit))
    }

    fn waiting_expectations(&self, limit: usize) -> Result<Vec<Expectation>, Error> {
        self.ask(&Ask::WaitingExpectations(limit))
    }

    fn queued(&self, lane: &str, limit: usize) -> Result<Vec<Work>, Error> {
        self.ask(&Ask::Queued(lane.to_owned(), limit))
    }

    fn backlog(&self, limit: usize) -> Result<Backlog, Error> {
        self.ask(&Ask::Backlog(limit))
    }

    fn parked(&self, limit: usize) -> Result<Vec<Work>, Error> {
        self.ask(&Ask::Parked(limit))
    }

    fn journal(&self, after: u64, limit: usize) -> Result<Vec<JournalRecord>, Error> {
        self.ask(&Ask::Journal(after, limit))
    }

    fn exception(&self, id: u64) -> Result<Option<Exception>, Error> {
        self.ask(&Ask::Exception(id))
    }

    fn exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error> {
        self.ask(&Ask::Exceptions(after, limit))
    }

    fn open_exceptions(&self, after: u64, limit: usize) -> Result<Vec<Exception>, Error> {
        self.ask(&Ask::OpenExceptions(after, limit))
    }

    fn exception_items(&self, id: u64) -> Result<Vec<ExceptionItem>, Error> {
        self.ask(&Ask::ExceptionItems(id))
    }

    fn exception_about(&self, item: &str) -> Result<Option<u64>, Error> {
        self.ask(&Ask::ExceptionAbout(item.to_owned()))
    }

    fn as2_message(&self, key: &As2Key) -> Result<Option<As2Message>, Error> {
        self.ask(&Ask::As2Message(key.clone()))
    }

    fn as2_sent(&self, content: PayloadId) -> Result<Vec<As2Message>, Error> {
        self.ask(&Ask::As2Sent(content))
    }
}
