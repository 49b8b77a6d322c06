//! The side that has the store.

use std::io::{self, Read, Write};

use serde::Serialize;

use super::{Ask, Reply, read_frame, write_frame};
use crate::store::{Error, JournalRecord, Records, Transaction};

/// Answers the questions of one caller until it closes. What it commits goes through `commit`, so that whoever is to
/// hear of it does.
///
/// # Errors
/// Where the connection breaks, or what comes is no question.
pub fn answer(
    connection: &mut (impl Read + Write),
    records: &dyn Records,
    commit: &dyn Fn(Transaction) -> Result<Vec<JournalRecord>, Error>,
) -> io::Result<()> {
    while let Some((head, body)) = read_frame(connection)? {
        let ask = serde_json::from_slice(&head)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        let (head, body) = match ask {
            Ask::Payload(id) => match records.payload(id) {
                Ok(bytes) => (head_of(Ok(())), bytes),
                Err(e) => (head_of::<()>(Err(e)), Vec::new()),
            },
            ask => (reply(ask, &body, records, commit), Vec::new()),
        };
        write_frame(connection, &head?, &body)?;
    }
    Ok(())
}

fn reply(
    ask: Ask,
    body: &[u8],
    records: &dyn Records,
    commit: &dyn Fn(Transaction) -> Result<Vec<JournalRecord>, Error>,
) -> io::Result<Vec<u8>> {
    match ask {
        Ask::PutPayload => head_of(records.put_payload(body)),
        Ask::Payload(id) => head_of(records.payload(id)),
        Ask::Commit(transaction) => head_of(commit(transaction)),
        Ask::NextReceipt => head_of(records.next_receipt()),
        Ask::File(key) => head_of(records.file(&key)),
        Ask::Receipt(id) => head_of(records.receipt(id)),
        Ask::Seen(key) => head_of(records.seen(&key)),
        Ask::Interchange(id) => head_of(records.interchange(id)),
        Ask::Interchanges(after, limit) => head_of(records.interchanges(after, limit)),
        Ask::PurchaseOrder(key) => head_of(records.purchase_order(&key)),
        Ask::Document(id) => head_of(records.document(&id)),
        Ask::CallResults(document) => head_of(records.call_results(&document)),
        Ask::Documents(after, limit) => head_of(records.documents(after.as_deref(), limit)),
        Ask::Expectations(partner, group) => head_of(records.expectations(&partner, group)),
        Ask::AllExpectations(after, limit) => {
            let after =
                after.as_ref().map(|(partner, group, set)| (partner.as_str(), *group, *set));
            head_of(records.all_expectations(after, limit))
        }
        Ask::Overdue(now, limit) => head_of(records.overdue(now, limit)),
        Ask::WaitingExpectations(limit) => head_of(records.waiting_expectations(limit)),
        Ask::Queued(lane, limit) => head_of(records.queued(&lane, limit)),
        Ask::Backlog(limit) => head_of(records.backlog(limit)),
        Ask::Parked(limit) => head_of(records.parked(limit)),
        Ask::Journal(after, limit) => head_of(records.journal(after, limit)),
        Ask::Exception(id) => head_of(records.exception(id)),
        Ask::Exceptions(after, limit) => head_of(records.exceptions(after, limit)),
        Ask::OpenExceptions(after, limit) => head_of(records.open_exceptions(after, limit)),
        Ask::ExceptionItems(id) => head_of(records.exception_items(id)),
        Ask::ExceptionAbout(item) => head_of(records.exception_about(&item)),
        Ask::As2Message(key) => head_of(records.as2_message(&key)),
        Ask::As2Sent(content) => head_of(records.as2_sent(content)),
    }
}

fn head_of<T: Serialize>(result: Result<T, Error>) -> io::Result<Vec<u8>> {
    let reply = match result {
        Ok(value) => Reply::Done(value),
        Err(Error::Conflict(words)) => Reply::Conflict(words),
        Err(e) => Reply::Failed(e.to_string()),
    };
    serde_json::to_vec(&reply).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
