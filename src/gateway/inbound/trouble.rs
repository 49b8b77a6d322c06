//! What of an inbound interchange a person has to look at: all of it, or sets of it.

use std::fmt::Write as _;
use std::sync::Arc;

use super::document::Tally;
use super::{Arriving, Decision};
use crate::exceptions::Kind;
use crate::findings::{Finding, Severity};
use crate::gateway::acknowledgement::Source;
use crate::gateway::ledger::Draft;
use crate::gateway::parts::Header;
use crate::gateway::raising::{
    About, Trouble, about_bytes, about_interchange, about_set, cause_of, in_words,
};
use crate::gateway::standing::{about_number, own_number};
use crate::gateway::translation::{Received, ReceivedSet};
use crate::gateway::{Error, Gateway};
use crate::profile::{OutOfSequence, Partner};
use crate::store::{self, Event, InterchangeKey, PayloadId, Subject};

/// What is wrong with an interchange as a whole.
pub(super) struct Whole {
    kind: Kind,
    /// What makes repeats of it one; empty: each is one for itself.
    cause: String,
    words: String,
    mend: String,
    findings: Option<PayloadId>,
}

impl Whole {
    pub(super) fn of(kind: Kind, words: &str) -> Self {
        let (cause, mend, words) = (String::new(), String::new(), words.to_owned());
        Self { kind, cause, words, mend, findings: None }
    }
}

/// What is wrong with a set.
pub(super) struct OfSet {
    pub(super) kind: Kind,
    pub(super) cause: String,
    pub(super) words: String,
    mend: String,
    findings: Option<PayloadId>,
    acceptable: bool,
}

impl OfSet {
    /// One that cannot go on as it is.
    pub(super) fn plain(kind: Kind, words: &str, cause: String) -> Self {
        let (words, mend) = (words.to_owned(), String::new());
        Self { kind, cause, words, mend, findings: None, acceptable: false }
    }

    /// One that could.
    pub(super) fn acceptable(kind: Kind, words: &str, cause: String) -> Self {
        Self { acceptable: true, ..Self::plain(kind, words, cause) }
    }
}

/// The key of a set: by the number of its document, so that a corrected one is known, else by its place. (A change is
/// corrected by one with its own number, never by its order or another change.)
pub(super) fn about(
    partner: &Partner,
    header: &Header,
    (index, set): (usize, &ReceivedSet),
) -> String {
    let own = set.document.as_ref().map(|document| (document.kind(), own_number(document)));
    match own.filter(|(_, number)| !number.is_empty()) {
        Some((kind, number)) => {
            let test = if header.test { "test " } else { "" };
            about_number(&partner.name, &format!("{test}{kind}"), &number)
        }
        None => about_place(partner, header, (index, set)),
    }
}

/// The key of a set by its number and what it says: two changes of one number are two, however alike they look.
pub(super) fn about_contents(
    partner: &Partner,
    header: &Header,
    place: (usize, &ReceivedSet),
    says: PayloadId,
) -> String {
    about_set(&format!("{}\n{says}", about(partner, header, place)))
}

/// Both keys of a set that says something: by its number, and by its number and that.
pub(super) fn keys(
    partner: &Partner,
    header: &Header,
    place: (usize, &ReceivedSet),
    says: PayloadId,
) -> [String; 2] {
    [about(partner, header, place), about_contents(partner, header, place, says)]
}

/// What a set says: its document as it came, whatever becomes of it. Without one there is no number either, and its
/// place says all.
pub(super) fn says(set: &ReceivedSet) -> PayloadId {
    let document = set.document.as_ref();
    let json = document.map(|document| serde_json::to_vec_pretty(document).unwrap_or_default());
    PayloadId::of(&json.unwrap_or_default())
}

/// The key of a set by its place.
fn about_place(partner: &Partner, header: &Header, (index, set): (usize, &ReceivedSet)) -> String {
    let (name, group, number) = (&partner.name, &set.group, &set.number);
    about_set(&format!("{name}\n{}\n{group}\n{number}\n{index}", header.key()))
}

impl Gateway {
    /// One set: an acknowledgement is applied, a document goes on, or it is rejected or set aside.
    pub(super) fn decide_set(
        &self,
        draft: &mut Draft,
        partner: &Arc<Partner>,
        (arriving, header, received): (&Arriving, &Header, &Received),
        (index, set): (usize, &ReceivedSet),
        tally: &mut Tally,
    ) -> Result<(), Error> {
        let accept = arriving.accepts(index);
        // Of an acknowledgement whatever could be read counts: many are not as the standard wants them.
        if set.is_acknowledgement && !set.outcomes.is_empty() {
            if let Some(words) = self.held(partner, set)?.filter(|_| !accept) {
                tally.set_aside += 1;
                let event = Event::DocumentQuarantined;
                draft.journal(arriving.now, event, &partner.name, &set.label(), &words);
                // Writing into a String cannot fail.
                let _ = writeln!(tally.notes, "{}: {words}", set.label());
                let cause = set.label();
                let trouble = OfSet::acceptable(Kind::AcknowledgementHeld, &words, cause);
                self.raise_set(draft, partner, (arriving, header), (index, set), &trouble);
                return Ok(());
            }
            tally.applied += 1;
            for outcome in &set.outcomes {
                let source = source(arriving, u32::try_from(index).ok(), set.label());
                self.apply_acknowledgement(draft, partner, outcome, &source)?;
            }
            return Ok(());
        }
        let goes = set.accepted || (accept && set.document.is_some());
        if goes && !set.is_acknowledgement {
            let place = (index, set);
            return self.decide_document(draft, partner, arriving, header, place, tally);
        }
        tally.rejected += 1;
        // What is wrong with all of it is told once.
        if received.accepted {
            let heavy = |finding: &&Finding| finding.severity >= Severity::Error;
            let mut findings: Vec<&Finding> = set.findings.iter().collect();
            if !findings.iter().any(heavy) {
                findings.extend(received.findings.iter().filter(heavy));
            }
            let acceptable = set.document.is_some();
            let mut trouble = self.of_findings(Kind::DocumentRejected, &findings, acceptable)?;
            trouble.cause = format!("{} {}", set.set, trouble.cause);
            trouble.words = format!("{}: {}", set.label(), trouble.words);
            self.raise_set(draft, partner, (arriving, header), (index, set), &trouble);
        }
        Ok(())
    }

    /// Why an acknowledgement is set aside and not applied, where that is agreed.
    fn held(&self, partner: &Partner, set: &ReceivedSet) -> Result<Option<String>, Error> {
        if partner.acknowledgements.out_of_sequence == OutOfSequence::Accept {
            return Ok(None);
        }
        for outcome in &set.outcomes {
            if let Some(words) = self.out_of_sequence(partner, outcome)? {
                return Ok(Some(words));
            }
        }
        Ok(None)
    }

    /// What keeps a set back, from what was found in it.
    pub(super) fn of_findings(
        &self,
        kind: Kind,
        findings: &[&Finding],
        acceptable: bool,
    ) -> Result<OfSet, store::Error> {
        let (words, mend) = in_words(findings);
        let cause = cause_of(findings);
        let findings = self.keep_findings(findings)?;
        Ok(OfSet { kind, cause, words, mend, findings, acceptable })
    }

    /// What is wrong with an interchange of which nothing is taken.
    pub(super) fn rejected_whole(&self, received: &Received) -> Result<Whole, store::Error> {
        let mut findings: Vec<&Finding> = received.findings.iter().collect();
        let cause = cause_of(&findings);
        findings.extend(received.sets.iter().flat_map(|set| &set.findings));
        let (words, mend) = in_words(&findings);
        let findings = self.keep_findings(&findings)?;
        Ok(Whole { kind: Kind::InterchangeRejected, cause, words, mend, findings })
    }

    /// Raises what is wrong with an interchange as a whole; where nothing is, what was wrong with it mends itself.
    pub(super) fn raise_whole(
        &self,
        draft: &mut Draft,
        arriving: &Arriving,
        key: Option<&InterchangeKey>,
        decision: &Decision,
    ) {
        let now = arriving.now;
        let Some(whole) = &decision.trouble else {
            if let Some(key) = key {
                draft.mend(about_interchange(key), now, "it came and was taken");
            }
            return;
        };
        let file = &arriving.receipt.file;
        let about = match (whole.kind, key) {
            (Kind::ProgramFailed, _) | (_, None) => about_bytes(arriving.payload),
            (Kind::InterchangeNumberReused | Kind::InterchangeRepeated, Some(key)) => {
                format!("{} {}", about_interchange(key), arriving.payload)
            }
            (_, Some(key)) => about_interchange(key),
        };
        let cause = match (whole.kind, key) {
            (Kind::InterchangeUnknown, Some(key)) => {
                format!("{} {} {}", file.mailbox, key.sender, key.receiver)
            }
            (Kind::InterchangePartnerOff | Kind::InterchangeUnreadable, _) => file.mailbox.clone(),
            (Kind::InterchangeRejected, _) => whole.cause.clone(),
            _ => about.clone(),
        };
        let kinds = [Kind::InterchangeNumberReused, Kind::InterchangeRejected];
        let label = key.map_or_else(|| file.name.clone(), |key| format!("interchange {key}"));
        let trouble = Trouble {
            kind: whole.kind,
            partner: &decision.partner,
            cause: &cause,
            place: &file.mailbox,
            words: &whole.words,
            mend: &whole.mend,
            about: About {
                key: about,
                subject: subject(arriving, None, label),
                payload: Some(arriving.payload),
                findings: whole.findings,
                acceptable: kinds.contains(&whole.kind),
            },
        };
        self.raise(draft, trouble, now);
    }

    /// Raises what is wrong with a set.
    pub(super) fn raise_set(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        (arriving, header): (&Arriving, &Header),
        (index, set): (usize, &ReceivedSet),
        trouble: &OfSet,
    ) {
        let about = match trouble.kind {
            // The one that had the number before says nothing of this one.
            Kind::DocumentNumberReused => about_place(partner, header, (index, set)),
            Kind::OrderChangeHeld | Kind::OrderCancellationHeld => {
                about_contents(partner, header, (index, set), says(set))
            }
            _ => about(partner, header, (index, set)),
        };
        let label = match &set.document {
            Some(document) => {
                format!("{} {} ({})", document.kind(), document.number().trim(), set.label())
            }
            None => set.label(),
        };
        let trouble = Trouble {
            kind: trouble.kind,
            partner: &partner.name,
            cause: &trouble.cause,
            place: &arriving.receipt.file.mailbox,
            words: &trouble.words,
            mend: &trouble.mend,
            about: About {
                key: about,
                subject: subject(arriving, u32::try_from(index).ok(), label),
                payload: Some(arriving.payload),
                findings: trouble.findings,
                acceptable: trouble.acceptable,
            },
        };
        self.raise(draft, trouble, arriving.now);
    }
}

impl Gateway {
    /// An interchange that is not answered, since no number is left for the answer.
    pub(super) fn raise_unanswered(
        &self,
        draft: &mut Draft,
        partner: &Partner,
        (arriving, header): (&Arriving, &Header),
        words: &str,
    ) {
        let key = header.key();
        let label = format!("interchange {key}");
        let trouble = Trouble {
            kind: Kind::AnswerNotWritten,
            partner: &partner.name,
            cause: words,
            place: &arriving.receipt.file.mailbox,
            words: &format!("{label} is not answered: {words}"),
            mend: "",
            about: About {
                key: format!("answer to {}", about_interchange(&key)),
                subject: subject(arriving, None, label.clone()),
                payload: Some(arriving.payload),
                findings: None,
                acceptable: false,
            },
        };
        self.raise(draft, trouble, arriving.now);
    }
}

/// Where an acknowledgement stands.
pub(super) fn source(arriving: &Arriving, set: Option<u32>, label: String) -> Source {
    let (payload, now) = (arriving.payload, arriving.now);
    Source { subject: subject(arriving, set, label), payload, now }
}

/// An interchange that came, or a set of it, to be handed on.
fn subject(arriving: &Arriving, set: Option<u32>, label: String) -> Subject {
    let file = &arriving.receipt.file;
    Subject::Interchange {
        id: arriving.id,
        mailbox: file.mailbox.clone(),
        name: file.name.clone(),
        set,
        label,
    }
}
