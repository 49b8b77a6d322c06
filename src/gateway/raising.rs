//! Raising exceptions: what a person has to look at, said in the commit of what causes it, and taken back in the
//! commit of what mends it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ledger::{Draft, Failure, STUCK_ATTEMPTS, subject};
use super::{Error, Gateway, lanes};
use crate::exceptions::{Kind, Policy};
use crate::findings::{Finding, Severity};
use crate::store::{
    self, Change, ExceptionItem, InterchangeKey, Parcel, PayloadId, Raise, Subject, Task, Work,
};

/// Findings that are kept with an exception.
pub(super) const FINDINGS_MAX: usize = 200;
/// Longest names in the key of an item, in characters.
const KEY_CHARS_MAX: usize = 200;

/// Something that a person has to look at.
pub(super) struct Trouble<'a> {
    pub(super) kind: Kind,
    /// The partner; empty where it is nobody's.
    pub(super) partner: &'a str,
    /// What makes repeats of it one, among those of this kind and partner.
    pub(super) cause: &'a str,
    pub(super) place: &'a str,
    pub(super) words: &'a str,
    /// How to mend it; empty: as the catalogue says.
    pub(super) mend: &'a str,
    pub(super) about: About,
}

/// What it is about.
pub(super) struct About {
    pub(super) key: String,
    pub(super) subject: Subject,
    pub(super) payload: Option<PayloadId>,
    pub(super) findings: Option<PayloadId>,
    pub(super) acceptable: bool,
}

impl About {
    /// A piece of work that a person can have tried again.
    pub(super) fn work(work: &Work, label: String, payload: Option<PayloadId>) -> Self {
        let subject = Subject::Work { lane: work.lane.clone(), work: work.id, label };
        Self { key: about_work(work), subject, payload, findings: None, acceptable: false }
    }

    /// Nothing that could be handed on.
    pub(super) fn condition(key: String, label: &str) -> Self {
        let subject = Subject::Condition { label: label.to_owned() };
        Self { key, subject, payload: None, findings: None, acceptable: false }
    }
}

impl Gateway {
    /// Raises an exception with the commit of this draft.
    pub(super) fn raise(&self, draft: &mut Draft, trouble: Trouble<'_>, now: Timestamp) {
        self.raise_due(draft, trouble, now, None);
    }

    /// The same of what is due at a moment that was agreed. Where nobody is named for it, it is the first contact's of
    /// the profile.
    pub(super) fn raise_due(
        &self,
        draft: &mut Draft,
        trouble: Trouble<'_>,
        now: Timestamp,
        due: Option<Timestamp>,
    ) {
        let Trouble { kind, partner, cause, place, words, mend, about } = trouble;
        let entry = kind.entry();
        let live = self.live();
        let own = live.profiles.partner(partner).map(|partner| &partner.exceptions);
        let common = &self.config.exceptions;
        let contact = live.profiles.partner(partner).filter(|_| due.is_some());
        let contact = contact.and_then(|partner| partner.contacts.first());
        let contact = contact.map(|one| if one.email.is_empty() { &one.name } else { &one.email });
        let owner = own.and_then(|own| own.owner_of(kind));
        let owner = owner.or(contact.map(String::as_str)).or_else(|| common.owner_of(kind));
        let within = own.and_then(|own| own.within(entry.severity));
        let within = within.or_else(|| common.within(entry.severity));
        let within = within.unwrap_or_else(|| Policy::usual(entry.severity));
        let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        draft.push(Change::Raise(Box::new(Raise {
            kind,
            partner: partner.to_owned(),
            owner: owner.unwrap_or_default().to_owned(),
            cause: format!("{} {partner} {}", entry.name, PayloadId::of(cause.as_bytes())),
            place: place.to_owned(),
            words: words.trim().to_owned(),
            mend: if mend.is_empty() { entry.mend } else { mend }.to_owned(),
            at: now,
            due: due.or_else(|| now.saturating_add(within).ok()).unwrap_or(Timestamp::MAX),
            item: ExceptionItem {
                key: about.key,
                // The store gives it.
                number: 0,
                at: now,
                subject: about.subject,
                payload: about.payload,
                findings: about.findings,
                acceptable: about.acceptable,
                settled: false,
                dismissed: false,
                accepted: false,
            },
        })));
    }

    /// Keeps findings where an exception finds them again.
    pub(super) fn keep_findings(
        &self,
        findings: &[&Finding],
    ) -> Result<Option<PayloadId>, store::Error> {
        if findings.is_empty() {
            return Ok(None);
        }
        let noted: Vec<NotedFinding> =
            findings.iter().take(FINDINGS_MAX).map(|finding| NotedFinding::of(finding)).collect();
        let json = serde_json::to_vec(&noted).map_err(|e| store::Error::Record {
            key: "findings".to_owned(),
            reason: e.to_string(),
        })?;
        self.ledger.store().put_payload(&json).map(Some)
    }
}

impl Gateway {
    /// Work that does not succeed, once that is for a person.
    pub(super) fn raise_failed(
        &self,
        draft: &mut Draft,
        work: &Work,
        failure: &Failure,
    ) -> Result<(), store::Error> {
        let attempts = work.attempts.saturating_add(1);
        let kind = match failure {
            Failure { for_good: true, .. } => Kind::WorkParked,
            Failure { store: true, .. } => Kind::StoreTrouble,
            _ if failure.stuck || attempts >= STUCK_ATTEMPTS => Kind::WorkStuck,
            _ => return Ok(()),
        };
        let payload = match &work.task {
            Task::Call { document } | Task::Render { document, .. } => {
                self.ledger.store().document(document)?.map(|record| record.payload)
            }
            Task::Send { parcel: Parcel { payload, .. }, .. }
            | Task::Quarantine { payload, .. }
            | Task::SendReceipt { payload, .. }
            | Task::Notify { payload, .. }
            | Task::Webhook { payload, .. } => Some(*payload),
            Task::Translate { .. } | Task::Deadline { .. } | Task::AwaitReceipt { .. } => None,
        };
        let reason = &failure.reason;
        let cause = match kind {
            Kind::WorkParked => format!("{} {reason}", work.lane),
            _ => work.lane.clone(),
        };
        let label = subject(&work.task);
        let trouble = Trouble {
            kind,
            partner: &self.partner_of(work),
            cause: &cause,
            place: &work.lane,
            words: &format!("{label}: {reason}"),
            mend: "",
            about: About::work(work, label, payload),
        };
        self.raise(draft, trouble, Timestamp::now());
        Ok(())
    }

    /// Raises what is wrong with something that is looked at again and again, unless that is open already, and takes it
    /// back when it is well.
    pub(super) fn stands(
        &self,
        kind: Kind,
        about: String,
        place: &str,
        error: Option<Error>,
    ) -> Result<(), Error> {
        let now = Timestamp::now();
        let open = self.ledger.store().exception_about(&about)?.is_some();
        let mut draft = Draft::new();
        match error {
            Some(e) if lanes::is_lasting(&e) => return Err(e),
            Some(e) if !open => {
                let words = format!("{place}: {e}");
                let about = About::condition(about, place);
                let trouble = Trouble {
                    kind,
                    partner: "",
                    cause: place,
                    place,
                    words: &words,
                    mend: "",
                    about,
                };
                self.raise(&mut draft, trouble, now);
            }
            None if open => draft.mend(about, now, "it is well again"),
            _ => return Ok(()),
        }
        Ok(self.ledger.commit(draft)?)
    }
}

impl Draft {
    /// What was wrong with something is so no more.
    pub(super) fn mend(&mut self, item: String, now: Timestamp, words: &str) {
        self.push(Change::Mend { item, at: now, words: words.to_owned() });
    }
}

/// A finding as it was when an exception was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedFinding {
    /// `E05`; `crossdock explain` tells more of it.
    pub code: String,
    /// `advice`, `warning`, `error` or `fatal`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mend: String,
    /// The field of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule: file and line, reason, source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// Position of the segment in its set; 0 outside one.
    pub position: u32,
    /// Its place in the bytes of the interchange.
    pub offset: u64,
    /// How many bytes it is about.
    pub length: u32,
    /// Whether it is about a place in the bytes.
    pub is_placed: bool,
}

impl NotedFinding {
    pub(super) fn of(finding: &Finding) -> Self {
        let rule = finding.rule.as_ref().map(|rule| {
            let place = format!("{}:{}", rule.file, rule.line);
            let said = [Some(&place), rule.reason.as_ref(), rule.source.as_ref()];
            said.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
        });
        Self {
            code: finding.code.to_string(),
            severity: word(finding.severity).to_owned(),
            message: finding.message.clone(),
            mend: finding.mend.clone(),
            field: finding.field.clone(),
            rule: rule.unwrap_or_default(),
            position: finding.place.segment_position,
            offset: finding.place.offset,
            length: finding.place.length,
            is_placed: !finding.place.segment.is_empty(),
        }
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Advice => "advice",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Fatal => "fatal",
    }
}

/// The findings that keep something back, in words: the first, and how many more there are.
pub(super) fn in_words(findings: &[&Finding]) -> (String, String) {
    let heavy: Vec<_> = findings.iter().filter(|f| f.severity >= Severity::Error).collect();
    let first = heavy.first().copied().or(findings.first());
    let (mut words, mend) = first.map_or_else(Default::default, |finding| {
        let place = match (finding.place.segment_position, finding.place.segment.as_str()) {
            (_, "") => String::new(),
            (0, segment) => format!("{segment}: "),
            (position, segment) => format!("segment {position} {segment}: "),
        };
        (format!("{place}{}", finding.message), finding.mend.clone())
    });
    if heavy.len() > 1 {
        words = format!("{words} (and {} more)", heavy.len() - 1);
    }
    (words, mend)
}

/// What makes documents with the same faults one exception: what is wrong, and where, but not with which value of
/// theirs; of what is missing in a cross-reference, which value.
pub(super) fn cause_of(findings: &[&Finding]) -> String {
    let causes: BTreeSet<String> = findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Error)
        .map(|finding| {
            let place = &finding.place;
            let rule = finding.rule.as_ref().map(|rule| format!("{}:{}", rule.file, rule.line));
            let value = finding.value.as_ref().filter(|_| place.segment.is_empty());
            format!(
                "{} {}{:02} {} {}",
                finding.code,
                place.segment,
                place.element,
                rule.unwrap_or_default(),
                value.map_or("", String::as_str)
            )
        })
        .collect();
    causes.into_iter().collect::<Vec<_>>().join("\n")
}

/// Keys of what exceptions are about.
pub(super) fn about_interchange(key: &InterchangeKey) -> String {
    format!("interchange {key}")
}

pub(super) fn about_bytes(payload: PayloadId) -> String {
    format!("bytes {payload}")
}

pub(super) fn about_set(fingerprint: &str) -> String {
    format!("set {}", PayloadId::of(fingerprint.as_bytes()))
}

/// The open exception about a document, by the number of the one and the id of the other.
///
/// # Errors
/// Where the records cannot be read.
pub fn exception_about_document(
    records: &dyn store::Records,
    id: &str,
) -> Result<Option<u64>, store::Error> {
    records.exception_about(&about_document(id))
}

pub(super) fn about_document(id: &str) -> String {
    format!("document {id}")
}

pub(super) fn about_acknowledgement(partner: &str, group: u64, set: u64) -> String {
    format!("acknowledgement {partner} {group} {set}")
}

pub(super) fn about_work(work: &Work) -> String {
    format!("work {} {}", work.lane, work.id)
}

/// An acknowledgement of ours that is on its way.
pub(super) fn about_answer(work: &Work) -> String {
    format!("answer {} {}", work.lane, work.id)
}

pub(super) fn about_place(place: &str) -> String {
    let place: String = place.chars().take(KEY_CHARS_MAX).collect();
    format!("place {place}")
}

pub(super) fn about_profile(partner: &str) -> String {
    format!("profile {partner}")
}

/// A change of the profiles that was refused.
pub(super) const ABOUT_PROFILES: &str = "profiles";

/// What the gateway does for its own store every few seconds.
pub(super) fn about_upkeep(what: &str) -> String {
    format!("upkeep {what}")
}
