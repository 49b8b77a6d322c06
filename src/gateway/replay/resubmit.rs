//! What is given to the gateway again. It decides by itself, by the profiles in force: what is handed over keeps its
//! idempotency key, what the endpoint has as it is stays untouched, and no acknowledgement is sent twice.

use jiff::Timestamp;

use super::{Item, Origin, Replayed, Source, Taken};
use crate::gateway::ledger::Draft;
use crate::gateway::rehearsal::Standing;
use crate::gateway::settling::{render_again, take_in};
use crate::store::{self, Again, Document, DocumentState, Records, Redeliver};

/// What was given to the gateway again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resubmitted {
    /// So many documents.
    Documents(usize),
    /// None: nothing would come of it.
    Nothing,
}

/// Gives to the gateway again what comes to something else now, in one commit.
///
/// # Errors
/// A store that fails.
pub fn resubmit(
    records: &dyn Records,
    item: &Item,
    redeliver: Redeliver,
    who: &str,
) -> Result<Resubmitted, store::Error> {
    let now = Timestamp::now();
    let mut draft = Draft::new();
    let count = match &item.source {
        Source::Interchange { file, origin, .. } => {
            let again = Again {
                exception: None,
                redeliver: Some(redeliver),
                sets: sets(item, *origin, redeliver),
                accept: false,
                differs: origin.taken == Taken::Instead,
                answered: false,
            };
            let count = again.sets.len();
            if count > 0 {
                interchange(records, &mut draft, (file, *origin), again, (who, now))?;
            }
            count
        }
        Source::Endpoint => {
            let again = item.documents.iter().filter(|document| is_written_again(document));
            let again: Vec<Document> = again.filter_map(|d| d.record.clone()).collect();
            let count = again.len();
            for record in again {
                render_again(records, &mut draft, record, false, now)?;
            }
            count
        }
    };
    if count == 0 {
        return Ok(Resubmitted::Nothing);
    }
    records.commit(draft.into_transaction().by(who))?;
    Ok(Resubmitted::Documents(count))
}

/// The sets of an interchange that come to something else now.
fn sets(item: &Item, origin: Origin, redeliver: Redeliver) -> Vec<u32> {
    // What stands accepted would be held again.
    let free = item.documents.iter().filter(|document| document.accepted.is_none());
    let again = free.filter(|document| {
        let Replayed { after, before, record, .. } = document;
        match (after.standing, record.as_ref().map(|record| record.state)) {
            // What a partner says was heard, unless all of it was left lying.
            (Standing::Applied, _) => origin.taken == Taken::Never,
            (Standing::Goes, None) => before.is_some(),
            (Standing::Goes, Some(DocumentState::Quarantined)) => true,
            (Standing::Goes, Some(state @ (DocumentState::Delivered | DocumentState::Queued))) => {
                let edited = record.as_ref().is_some_and(|record| record.edited);
                let all = redeliver == Redeliver::All && state == DocumentState::Delivered;
                !edited && (all || !document.document.is_empty())
            }
            _ => false,
        }
    });
    again.map(|document| document.set).collect()
}

fn interchange(
    records: &dyn Records,
    draft: &mut Draft,
    (file, origin): (&str, Origin),
    again: Again,
    (who, now): (&str, Timestamp),
) -> Result<(), store::Error> {
    let gone =
        |what: &str| store::Error::Conflict(format!("{file}: its {what} is not known any more"));
    let receipt = records.receipt(origin.id.receipt)?.ok_or_else(|| gone("receipt"))?;
    let record = records.interchange(origin.id)?.ok_or_else(|| gone("outcome"))?;
    let again = Again { answered: record.answer.is_some(), ..again };
    let note = format!("replayed by {who}");
    let from = (receipt.file.mailbox.as_str(), file);
    take_in(records, draft, from, (origin.payload, Some(again)), (&note, now))
}

/// What the partner has is not sent twice; what it has rejected goes out anew, under numbers of its own.
fn is_written_again(document: &Replayed) -> bool {
    let state = document.record.as_ref().map(|record| record.state);
    document.after.standing == Standing::Goes
        && document.accepted.is_none()
        && match state {
            Some(DocumentState::Quarantined) => true,
            Some(DocumentState::Rejected) => !document.written.is_empty(),
            _ => false,
        }
}
