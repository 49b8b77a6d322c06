//! An interchange that came, read once more.

use std::collections::BTreeMap;

use serde_json::Value;

use super::difference::{Shown, fields, findings, lines, segments};
use super::{Against, Item, Origin, Replay, Replayed, Selection, Source, Stand, Step, Taken};
use crate::gateway::Error;
use crate::gateway::inbound::has_left;
use crate::gateway::parts::{Part, split};
use crate::gateway::rehearsal::{SetTrial, Standing, Trial};
use crate::profile::{Partner, Profiles};
use crate::store::{Document, DocumentState, InterchangeId, InterchangeRecord, Outcome};

/// What one side makes of an interchange.
struct Side {
    sets: Vec<Seen>,
    /// The interchanges that answer it; nothing where that is not known.
    answer: Option<Vec<String>>,
}

/// What one side makes of a set.
struct Seen {
    stand: Option<Stand>,
    /// Nothing where they were not kept.
    findings: Option<Vec<crate::findings::Finding>>,
    document: Option<Value>,
    answer: Option<Vec<String>>,
}

/// An interchange and what is known of it.
struct Stored<'a> {
    id: InterchangeId,
    record: &'a InterchangeRecord,
    taken: Taken,
    bytes: &'a [u8],
    part: &'a Part,
}

impl Replay<'_> {
    /// Nothing where it is none of those that are asked for.
    pub(super) fn interchange(
        &self,
        selection: &Selection,
        id: InterchangeId,
        record: &InterchangeRecord,
    ) -> Result<Option<Step>, Error> {
        let Some(taken) = self.taken(id, record)? else {
            let concerned = selection.concerns(std::slice::from_ref(&record.partner));
            return Ok(concerned.then_some(Step::Passed));
        };
        let bytes = self.records.payload(record.payload)?;
        let parts = split(&bytes);
        let Some(part) = parts.iter().find(|part| part.header.is_some()) else {
            return Ok(Some(Step::Passed));
        };
        let stored = Stored { id, record, taken, bytes: &bytes, part };
        let now = owner(&self.profiles, part);
        let then = self.before().map(|profiles| (profiles, owner(profiles, part)));
        let name =
            |partner: Option<&Partner>| partner.map_or("", |partner| &partner.name).to_owned();
        let names = [name(now), name(then.and_then(|(_, then)| then)), record.partner.clone()];
        if !selection.concerns(&names) {
            return Ok(None);
        }
        let Some(partner) = now.or(then.and_then(|(_, then)| then)) else {
            return Ok(Some(Step::Passed));
        };
        let new = now.map(|partner| self.trial(&self.profiles, partner, &stored)).transpose()?;
        let old = match then {
            Some((profiles, Some(partner))) => Some(self.trial(profiles, partner, &stored)?),
            _ => None,
        };
        let Some(trial) = new.as_ref().or(old.as_ref()) else { return Ok(Some(Step::Passed)) };
        let own = self.documents_of(trial, &stored)?;
        let after = new.as_ref().map_or_else(nobody, |new| self.side(new));
        let before = match (&self.against, &old) {
            (Against::Record, _) => self.recorded(&stored, trial, &own)?,
            (Against::Profiles(_), Some(old)) => self.side(old),
            (Against::Profiles(_), None) => nobody(),
        };
        let receipt = self.records.receipt(id.receipt)?;
        let answers = before.answer.as_ref().zip(after.answer.as_ref());
        let is_answered = [&before, &after]
            .into_iter()
            .any(|side| side.answer.as_ref().is_some_and(|answer| !answer.is_empty()));
        let mut documents = compare(trial, &before, &after, own);
        for (document, set) in documents.iter_mut().zip(&trial.sets) {
            self.heed_of_set(document, record.payload, (trial, set))?;
        }
        Ok(Some(Step::Item(Box::new(Item {
            partner: partner.name.clone(),
            at: record.at,
            source: Source::Interchange {
                key: record.key.as_ref().map(ToString::to_string).unwrap_or_default(),
                file: receipt.map(|receipt| receipt.file.name).unwrap_or_default(),
                origin: Origin { id, payload: record.payload, taken },
            },
            answer: answers.map_or_else(Vec::new, |(before, after)| lines(before, after)),
            documents,
            is_answered,
        }))))
    }

    /// How an interchange was taken; nothing where it had no effect because it was received before, or says something
    /// else than what was received under its number: what it repeats is replayed.
    fn taken(&self, id: InterchangeId, record: &InterchangeRecord) -> Result<Option<Taken>, Error> {
        let Some(key) = record.key.as_ref().filter(|_| record.outcome != Outcome::Duplicate) else {
            return Ok(None);
        };
        Ok(match self.records.seen(key)? {
            // Its number does not count any more, and nobody knows what became of it.
            None if record.outcome == Outcome::Accepted || record.documents > 0 => None,
            None => Some(Taken::Never),
            Some(seen) if seen.id == id => Some(Taken::First),
            // A person has had other bytes take the place of those that came: they have documents.
            Some(seen) if seen.payload != record.payload && record.documents > 0 => {
                Some(Taken::Instead)
            }
            Some(_) => None,
        })
    }

    fn trial(
        &self,
        profiles: &Profiles,
        partner: &Partner,
        stored: &Stored<'_>,
    ) -> Result<Trial, Error> {
        let with = (profiles, partner);
        self.rehearsal.trial(Some(self.records), with, stored.bytes, stored.part, self.now)
    }

    /// The document that each set became then, and whether it came of this very interchange.
    fn documents_of(
        &self,
        trial: &Trial,
        stored: &Stored<'_>,
    ) -> Result<Vec<Option<(Document, bool)>>, Error> {
        let mut all = Vec::with_capacity(trial.sets.len());
        for set in &trial.sets {
            let found = set.id.as_deref().map(|id| self.records.document(id)).transpose()?;
            all.push(match found.flatten() {
                Some(document) => {
                    let of = document.interchange.unwrap_or(stored.id);
                    let same = of == stored.id || {
                        let other = self.records.interchange(of)?;
                        other.is_some_and(|other| other.payload == stored.record.payload)
                    };
                    Some((document, same))
                }
                None => None,
            });
        }
        Ok(all)
    }

    /// What the profiles make of it.
    fn side(&self, trial: &Trial) -> Side {
        let shown = match &self.against {
            Against::Record => Shown::Sent,
            Against::Profiles(_) => Shown::Numbered,
        };
        let answer = segments(&trial.answers.concat(), shown);
        let mut answers = by_set(&answer);
        let sets = trial.sets.iter().map(|set| {
            let key = (set.group.clone(), set.number.clone());
            Seen {
                answer: Some(answers.remove(&key).unwrap_or_default()),
                stand: Some(Stand::new(set.standing, &set.fate)),
                findings: Some(trial.findings.iter().chain(&set.findings).cloned().collect()),
                document: set.document.as_ref().and_then(|d| serde_json::to_value(d).ok()),
            }
        });
        let sets = sets.collect();
        Side { sets, answer: Some(answer) }
    }

    /// What was recorded of it.
    fn recorded(
        &self,
        stored: &Stored<'_>,
        trial: &Trial,
        own: &[Option<(Document, bool)>],
    ) -> Result<Side, Error> {
        let record = stored.record;
        let is_told = stored.taken == Taken::First || record.outcome == Outcome::Quarantined;
        // A person may have had it come again: then it was answered before that.
        let is_first = trial.answers.is_empty() || !self.came_again(record.payload)?;
        let answer = match &record.answer {
            Some((payload, _)) => Some(segments(&self.records.payload(*payload)?, Shown::Sent)),
            None if is_told && is_first => Some(Vec::new()),
            // What came again was answered when it came first.
            None => None,
        };
        let mut answers = answer.as_deref().map(by_set);
        let mut sets = Vec::new();
        for (set, document) in trial.sets.iter().zip(own) {
            let mut seen = Seen { stand: None, findings: None, document: None, answer: None };
            if !set.is_acknowledgement {
                if !self.has_left(stored, set)? {
                    seen.stand = stand_then(stored, set, document.as_ref());
                }
                if let Some((document, true)) = document {
                    let json = self.records.payload(document.payload)?;
                    seen.document = serde_json::from_slice(&json).ok();
                }
                let key = (set.group.clone(), set.number.clone());
                seen.answer = answers.as_mut().map(|all| all.remove(&key).unwrap_or_default());
            }
            sets.push(seen);
        }
        Ok(Side { sets, answer })
    }

    /// Whether a set became a document that has left the store.
    fn has_left(&self, stored: &Stored<'_>, set: &SetTrial) -> Result<bool, Error> {
        let (Some(header), Some(document), Some(id)) =
            (&stored.part.header, &set.document, &set.id)
        else {
            return Ok(false);
        };
        Ok(has_left(self.records, (&stored.record.partner, header.test), document, id)?)
    }
}

/// Whose an interchange is.
fn owner<'p>(profiles: &'p Profiles, part: &Part) -> Option<&'p Partner> {
    let header = part.header.as_ref()?;
    profiles.sender(&header.sender, &header.receiver).map(|(partner, _)| partner.as_ref())
}

/// What becomes of an interchange that is nobody's.
fn nobody() -> Side {
    Side { sets: Vec::new(), answer: Some(Vec::new()) }
}

fn unknown() -> Stand {
    Stand::new(Standing::Held, "set aside: its identities are nobody's")
}

/// What became of a set by the records; nothing where that is not comparable: it repeats another, or bytes that took
/// the place of these became its document. One whose document has left the store is not to be asked for.
fn stand_then(
    stored: &Stored<'_>,
    set: &SetTrial,
    document: Option<&(Document, bool)>,
) -> Option<Stand> {
    let standing = match document {
        Some((_, false)) => return None,
        Some((document, true)) => match document.state {
            DocumentState::Duplicate => return None,
            DocumentState::Quarantined => Standing::Held,
            DocumentState::Shadowed => Standing::Shadow,
            _ => Standing::Goes,
        },
        // Which of the two it was is not kept.
        None if set.standing.fails() => return None,
        None if stored.record.outcome == Outcome::Quarantined => Standing::Held,
        None => Standing::Rejected,
    };
    Some(Stand::new(standing, ""))
}

/// What answers each set: from its AK2 on, by GS06 and ST02.
fn by_set(answer: &[String]) -> BTreeMap<(String, String), Vec<String>> {
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let (mut group, mut set) = (String::new(), None);
    for line in answer {
        // Our envelope is written with one separator throughout.
        let Some(separator) = line.chars().find(|c| !c.is_ascii_alphanumeric()) else { continue };
        let elements: Vec<&str> = line.split(separator).collect();
        let element = |at: usize| elements.get(at).copied().unwrap_or_default().to_owned();
        match elements.first().copied().unwrap_or_default() {
            "AK1" => (group, set) = (element(2), None),
            "AK2" => set = Some((group.clone(), element(2))),
            "AK9" | "SE" => set = None,
            _ => {}
        }
        if let Some(key) = &set {
            found.entry(key.clone()).or_default().push(line.clone());
        }
    }
    found
}

fn compare(
    trial: &Trial,
    before: &Side,
    after: &Side,
    own: Vec<Option<(Document, bool)>>,
) -> Vec<Replayed> {
    let sets = trial.sets.iter().enumerate().zip(own);
    sets.map(|((index, set), record)| {
        let sides = (before.sets.get(index), after.sets.get(index));
        replayed((index, set), sides, record)
    })
    .collect()
}

fn replayed(
    (index, set): (usize, &SetTrial),
    (old, new): (Option<&Seen>, Option<&Seen>),
    record: Option<(Document, bool)>,
) -> Replayed {
    let both = old.zip(new);
    let found = both.and_then(|(old, new)| old.findings.as_ref().zip(new.findings.as_ref()));
    let answers = both.and_then(|(old, new)| old.answer.as_ref().zip(new.answer.as_ref()));
    let texts = both.map(|(old, new)| (old.document.as_ref(), new.document.as_ref()));
    // Where it stops, no document is handed on: its fate says so.
    let goes = |seen: &Seen| seen.stand.as_ref().is_some_and(|stand| !stand.standing.fails());
    let texts = texts.filter(|_| both.is_some_and(|(old, new)| goes(old) && goes(new)));
    let texts = texts.and_then(|(old, new)| old.zip(new));
    let document = set.document.as_ref();
    Replayed {
        label: set.label.clone(),
        kind: document.map(|d| d.kind().to_owned()).unwrap_or_default(),
        number: document.map(|d| d.number().trim().to_owned()).unwrap_or_default(),
        id: set.id.clone(),
        before: old.map_or_else(|| Some(unknown()), |old| old.stand.clone()),
        after: new.and_then(|new| new.stand.clone()).unwrap_or_else(unknown),
        findings: match (found, new) {
            (Some((old, new)), _) => findings(old, new),
            // They were not kept: what there is now says why it stops.
            (None, Some(new)) if stops(old, new) => {
                findings(&[], new.findings.as_deref().unwrap_or_default())
            }
            _ => Vec::new(),
        },
        document: texts.map_or_else(Vec::new, |(old, new)| fields(Some(old), Some(new))),
        answer: answers.map_or_else(Vec::new, |(old, new)| lines(old, new)),
        written: Vec::new(),
        accepted: None,
        set: u32::try_from(index).unwrap_or(u32::MAX),
        // Bytes that took the place of these made another of it.
        record: record.filter(|(_, same)| *same).map(|(document, _)| document),
    }
}

/// Whether it went on, and does not now.
fn stops(old: Option<&Seen>, new: &Seen) -> bool {
    let fails = |seen: &Seen| seen.stand.as_ref().map(|stand| stand.standing.fails());
    old.and_then(fails) == Some(false) && fails(new) == Some(true)
}
