//! A document that went to a partner, written once more.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::difference::{Shown, findings, lines, segments};
use super::verdict::Accepted;
use super::{Against, Item, Replay, Replayed, Selection, Source, Stand, Step};
use crate::canonical;
use crate::gateway::Error;
use crate::gateway::rehearsal::{Leaving, Standing};
use crate::profile::Profiles;
use crate::store::{Document, DocumentState};
use crate::x12::{Event, Interchange, Reader};

/// What one side makes of a document.
struct Side {
    stand: Option<Stand>,
    /// Nothing where they were not kept.
    findings: Option<Vec<crate::findings::Finding>>,
    /// What is written; nothing where nothing is, or that is not known.
    written: Option<Vec<String>>,
}

impl Replay<'_> {
    /// Nothing where it was not written in the time that was selected.
    pub(super) fn document(
        &self,
        selection: &Selection,
        record: &Document,
    ) -> Result<Option<Step>, Error> {
        if !selection.concerns(std::slice::from_ref(&record.partner)) {
            return Ok(None);
        }
        let rendered = record.rendered.map(|id| self.records.payload(id)).transpose()?;
        let at = rendered.as_deref().and_then(written_at).unwrap_or(record.at);
        // What has not been written yet is written by the profile in force, whatever that is then.
        if !selection.covers(at) || record.state == DocumentState::Queued {
            return Ok(None);
        }
        let json = self.records.payload(record.payload)?;
        let document: canonical::Document = match serde_json::from_slice(&json) {
            Ok(document) => document,
            Err(e) => return Ok(Some(Step::Unreadable(format!("document {}: {e}", record.id)))),
        };
        let (after, before) = match &self.against {
            Against::Record => {
                let after = self.written_by(&self.profiles, record, &document, Shown::Sent)?;
                let ours = after.written.as_deref().unwrap_or_default();
                let then = rendered.map(|bytes| nearest(&segments(&bytes, Shown::Sent), ours));
                let stand = Some(Stand::new(standing_then(record.state), ""));
                (after, Side { stand, findings: None, written: then })
            }
            Against::Profiles(profiles) => (
                self.written_by(&self.profiles, record, &document, Shown::Numbered)?,
                self.written_by(profiles, record, &document, Shown::Numbered)?,
            ),
        };
        let found = after.findings.clone().unwrap_or_default();
        let mut replayed = compare(record, before, after);
        let key = Accepted::Document(record.id.clone());
        self.heed(&mut replayed, &[key], &found.iter().collect::<Vec<_>>())?;
        Ok(Some(Step::Item(Box::new(Item {
            partner: record.partner.clone(),
            at,
            source: Source::Endpoint,
            documents: vec![replayed],
            answer: Vec::new(),
            is_answered: false,
        }))))
    }

    fn written_by(
        &self,
        profiles: &Profiles,
        record: &Document,
        document: &canonical::Document,
        shown: Shown,
    ) -> Result<Side, Error> {
        let Some(partner) = profiles.partner(&record.partner) else {
            let words = "set aside: the partner has no profile";
            let stand = Some(Stand::new(Standing::Held, words));
            return Ok(Side { stand, findings: Some(Vec::new()), written: None });
        };
        let with = (document, record.id.as_str());
        let Leaving { standing, fate, findings, bytes } =
            self.rehearsal.leave(self.records, with, partner, self.now)?;
        Ok(Side {
            stand: Some(Stand::new(standing, &fate)),
            findings: Some(findings),
            written: bytes.map(|bytes| segments(&bytes, shown)),
        })
    }
}

fn compare(record: &Document, before: Side, after: Side) -> Replayed {
    let after_stand = after.stand.unwrap_or_else(|| Stand::new(Standing::Held, "set aside"));
    let fails = after_stand.standing.fails();
    let failed = before.stand.as_ref().is_some_and(|stand| stand.standing.fails());
    let new = after.findings.unwrap_or_default();
    Replayed {
        label: format!("{} {}", record.kind, record.number),
        kind: record.kind.clone(),
        number: record.number.clone(),
        id: Some(record.id.clone()),
        before: before.stand,
        after: after_stand,
        findings: match before.findings {
            Some(old) => findings(&old, &new),
            // They were not kept: what there is now says why it stops.
            None if fails && !failed => findings(&[], &new),
            None => Vec::new(),
        },
        document: Vec::new(),
        answer: Vec::new(),
        accepted: None,
        written: match (before.written, after.written) {
            (Some(old), Some(new)) => lines(&old, &new),
            _ => Vec::new(),
        },
        set: 0,
        record: Some(record.clone()),
    }
}

fn standing_then(state: DocumentState) -> Standing {
    match state {
        DocumentState::Quarantined => Standing::Held,
        DocumentState::Shadowed => Standing::Shadow,
        _ => Standing::Goes,
    }
}

/// Of an interchange that holds several sets, the one that is most like the only one of another, with the envelope.
fn nearest(all: &[String], ours: &[String]) -> Vec<String> {
    let is = |line: &str, tag: &str| {
        line.strip_prefix(tag).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let first = all.iter().position(|line| is(line, "ST")).unwrap_or(all.len());
    let last = all.iter().rposition(|line| is(line, "SE")).map_or(first, |at| at + 1);
    let (head, sets, end) = (&all[..first], &all[first..last], &all[last..]);
    let likeness = |set: &&[String]| set.iter().filter(|line| ours.contains(line)).count();
    let best = sets.split_inclusive(|line| is(line, "SE")).max_by_key(likeness);
    [head, best.unwrap_or_default(), end].concat()
}

/// When an interchange of ours was written, by its ISA: to the minute.
fn written_at(bytes: &[u8]) -> Option<Timestamp> {
    let mut reader = Reader::new(bytes);
    while let Ok(Some(event)) = reader.next() {
        if let Event::Interchange(interchange) = event {
            return stamped(interchange);
        }
    }
    None
}

fn stamped(interchange: &Interchange) -> Option<Timestamp> {
    let (date, time) = (interchange.element(9), interchange.element(10));
    let pair = |text: &str, at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    // No gateway of ours wrote before 2000.
    let year = 2000 + i16::from(pair(&date, 0)?);
    let date = Date::new(year, pair(&date, 2)?, pair(&date, 4)?).ok()?;
    let time = Time::new(pair(&time, 0)?, pair(&time, 2)?, 0, 0).ok()?;
    let moment = DateTime::from_parts(date, time).to_zoned(TimeZone::system()).ok()?;
    Some(moment.timestamp())
}
