//! TA1: what partners say of whole interchanges that we sent.

use super::acknowledgement::Source;
use super::ledger::Draft;
use super::outbound::INTERCHANGE;
use super::raising::{About, Trouble};
use super::{Error, Gateway};
use crate::acks::{InterchangeOutcome, Verdict};
use crate::exceptions::Kind;
use crate::profile::Partner;
use crate::store::{Event, PurchaseOrderKey, Series};

/// Where the documents of an interchange that was sent are noted, by ISA13.
pub(super) fn sent_interchange(partner: &str, number: u64) -> PurchaseOrderKey {
    let (partner, kind) = (partner.to_owned(), "sent interchange".to_owned());
    PurchaseOrderKey { partner, kind, number: number.to_string() }
}

impl Gateway {
    /// A TA1 is noted; only a 997 or 999 closes a clock.
    pub(super) fn note_ta1(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        source: &Source,
        outcome: &InterchangeOutcome,
    ) -> Result<(), Error> {
        let refused = !matches!(outcome.verdict, Verdict::Accepted | Verdict::AcceptedWithErrors);
        let event =
            if refused { Event::InterchangeRefused } else { Event::InterchangeAcknowledged };
        let subject = format!("interchange {}", outcome.control_number);
        let note = format!(
            "TA1 {} {} {}",
            outcome.status.code,
            outcome.note.code,
            outcome.note.meaning.as_deref().unwrap_or_default()
        );
        draft.journal(source.now, event, &partner.name, &subject, note.trim());
        if !refused {
            return Ok(());
        }
        let words = format!("The partner rejected {subject}: {}", note.trim());
        let of_answers = format!("answer {}", outcome.note.code);
        let trouble = |about, cause| Trouble {
            kind: Kind::OutboundInterchangeRejected,
            partner: &partner.name,
            cause,
            place: &partner.mailbox.folder,
            words: &words,
            mend: "",
            about,
        };
        let documents = self.documents_sent(partner, &outcome.control_number)?;
        if documents.is_empty() && !self.is_ours(partner, &outcome.control_number)? {
            let note = "rejected by a TA1, but nothing of this number was sent to this partner";
            self.tell_unmatched(draft, partner, source, (&subject, note));
            return Ok(());
        }
        if documents.is_empty() {
            // An answer of ours.
            let about = About {
                payload: Some(source.payload),
                ..About::condition(format!("sent {} {subject}", partner.name), &subject)
            };
            // By itself: there is nothing to hand on again.
            self.raise(draft, trouble(about, &of_answers), source.now);
        }
        for document in documents {
            let about = self.about_sent(&document)?;
            self.raise(draft, trouble(about, &outcome.note.code), source.now);
        }
        Ok(())
    }

    /// Whether an interchange of this number was sent to the partner, whatever was in it.
    fn is_ours(&self, partner: &Partner, number: &str) -> Result<bool, Error> {
        let Ok(number) = number.trim().parse() else { return Ok(false) };
        let series = Series { partner: partner.name.clone(), level: INTERCHANGE.to_owned() };
        Ok(self.ledger.store().is_used(&series, number)?)
    }

    /// The documents of an interchange that was sent.
    fn documents_sent(&self, partner: &Partner, number: &str) -> Result<Vec<String>, Error> {
        let Ok(number) = number.trim().parse() else { return Ok(Vec::new()) };
        let store = self.ledger.store();
        let noted = store.purchase_order(&sent_interchange(&partner.name, number))?;
        let noted = noted.unwrap_or_default();
        if let Some(Ok(list)) = noted.strip_prefix("list ").map(str::parse) {
            return self.listed(list);
        }
        Ok(noted.lines().map(str::to_owned).collect())
    }
}
