//! What a person has accepted although it stopped: that stands, as long as nothing more is found.

use std::collections::HashMap;

use super::difference::Found;
use super::{Against, Replay, Replayed, Stand};
use crate::findings::{Finding, Severity};
use crate::gateway::raising::{FINDINGS_MAX, NotedFinding};
use crate::gateway::rehearsal::{SetTrial, Standing, Trial};
use crate::gateway::{Error, PayloadId, Records};
use crate::store::{self, Exception, ExceptionItem, ExceptionState, Subject};

/// Exceptions that are read at a time.
const PAGE: usize = 1000;
/// Verdicts that are heeded at the most: 20 MB of them. Of more, the older half is forgotten.
const VERDICTS_MAX: usize = 100_000;

/// What a person accepted.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Accepted {
    /// An interchange by its bytes, or one of its sets by its place.
    Bytes(PayloadId, Option<u32>),
    /// A document of ours by its id.
    Document(String),
}

/// A verdict, and on what.
struct Verdict {
    exception: u64,
    findings: Option<PayloadId>,
    /// Why it stopped, where nothing was found.
    words: String,
}

impl Verdict {
    /// Whether it was for a reason in which nothing was found.
    fn says(&self, words: &str) -> bool {
        !self.words.is_empty() && words.ends_with(&self.words)
    }
}

/// What people have decided.
#[derive(Default)]
pub(super) struct Verdicts {
    accepted: HashMap<Accepted, Verdict>,
    /// Interchanges that they had come again, by their bytes, and the exception in which.
    again: HashMap<PayloadId, u64>,
}

impl Verdicts {
    fn read(records: &dyn Records) -> Result<Self, store::Error> {
        let mut all = Self::default();
        let mut after = 0;
        loop {
            let page = records.exceptions(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(all) };
            after = last.id;
            all.forget();
            for exception in page.iter().filter(|one| one.open_items < one.items) {
                all.take(exception, records.exception_items(exception.id)?);
            }
        }
    }

    /// Forgets the older half of too many.
    fn forget(&mut self) {
        let accepted = self.accepted.values().map(|verdict| verdict.exception);
        let mut exceptions: Vec<u64> = accepted.chain(self.again.values().copied()).collect();
        if exceptions.len() < VERDICTS_MAX {
            return;
        }
        let middle = exceptions.len() / 2;
        let (_, &mut middle, _) = exceptions.select_nth_unstable(middle);
        self.accepted.retain(|_, verdict| verdict.exception > middle);
        self.again.retain(|_, exception| *exception > middle);
    }

    fn take(&mut self, exception: &Exception, items: Vec<ExceptionItem>) {
        // Of an older version, only all of it says so.
        let all = exception.state == ExceptionState::Accepted && !items.iter().any(|i| i.accepted);
        for item in items.into_iter().filter(|item| item.settled && !item.dismissed) {
            if let (Subject::Interchange { set: None, .. }, Some(bytes)) =
                (&item.subject, item.payload)
            {
                self.again.insert(bytes, exception.id);
            }
            if !item.accepted && !all {
                continue;
            }
            let accepted = match (item.subject, item.payload) {
                (Subject::Interchange { set, .. }, Some(bytes)) => Accepted::Bytes(bytes, set),
                (Subject::Document { document }, _) => Accepted::Document(document),
                _ => continue,
            };
            let findings = item.findings;
            let words = match (&findings, &accepted) {
                (Some(_), _) => "",
                (None, Accepted::Bytes(..)) => &exception.words,
                // Before them stands which document it is.
                (None, Accepted::Document(_)) => {
                    exception.words.split_once(": ").map_or(&*exception.words, |(_, rest)| rest)
                }
            };
            let words = words.to_owned();
            self.accepted.insert(accepted, Verdict { exception: exception.id, findings, words });
        }
    }
}

impl Replay<'_> {
    /// A set that would stop now goes on where a person accepted it with what is found in it.
    pub(super) fn heed_of_set(
        &self,
        document: &mut Replayed,
        bytes: PayloadId,
        (trial, set): (&Trial, &SetTrial),
    ) -> Result<(), Error> {
        let own = match set.standing {
            Standing::Held => &set.findings[set.findings.len() - set.of_document..],
            _ => &set.findings[..],
        };
        let whole = set.standing == Standing::Rejected && (!trial.accepted || !any_heavy(own));
        let of_whole = trial.findings.iter().filter(|_| whole);
        let found: Vec<&Finding> = own.iter().chain(of_whole).collect();
        let of_set = Accepted::Bytes(bytes, Some(document.set));
        self.heed(document, &[of_set, Accepted::Bytes(bytes, None)], &found)
    }

    /// The same of what would stop for what is found in it.
    pub(super) fn heed(
        &self,
        document: &mut Replayed,
        keys: &[Accepted],
        found: &[&Finding],
    ) -> Result<(), Error> {
        if !matches!(self.against, Against::Record) || !document.newly_fails() {
            return Ok(());
        }
        let verdicts = self.verdicts()?;
        let Some(verdict) = keys.iter().find_map(|key| verdicts.accepted.get(key)) else {
            return Ok(());
        };
        let new = match verdict.findings {
            Some(id) => self.beyond(id, found)?,
            None => found.iter().copied().filter(heavy).collect(),
        };
        let exception = verdict.exception;
        let stand = |words: String| Stand { standing: Standing::Goes, words };
        let words = format!("accepted by a person (exception {exception})");
        if !new.is_empty() {
            document.before = Some(stand(words));
            let told = new.into_iter().map(NotedFinding::of);
            document.findings = told.map(|finding| Found { is_new: true, finding }).collect();
        } else if found.iter().any(heavy) || verdict.says(&document.after.words) {
            document.after = stand(words);
            document.findings.clear();
            document.accepted = Some(exception);
        }
        Ok(())
    }

    /// The findings that keep something back and are not among those that were kept.
    fn beyond<'f>(
        &self,
        kept: PayloadId,
        found: &[&'f Finding],
    ) -> Result<Vec<&'f Finding>, Error> {
        let json = self.records.payload(kept)?;
        let noted: Vec<NotedFinding> = serde_json::from_slice(&json).map_err(|e| {
            Error::Store(store::Error::Record { key: kept.to_string(), reason: e.to_string() })
        })?;
        // No more than that were kept; of the rest nothing is known.
        let known = if noted.len() < FINDINGS_MAX { found.len() } else { FINDINGS_MAX };
        let mut left: HashMap<_, u32> = HashMap::new();
        for one in &noted {
            *left.entry((one.code.clone(), one.position, one.message.clone())).or_default() += 1;
        }
        let is_new = |one: &&Finding| {
            let key = (one.code.to_string(), one.place.segment_position, one.message.clone());
            match left.get_mut(&key) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    false
                }
                _ => true,
            }
        };
        Ok(found.iter().copied().take(known).filter(heavy).filter(is_new).collect())
    }

    /// Whether a person had an interchange come again.
    pub(super) fn came_again(&self, bytes: PayloadId) -> Result<bool, Error> {
        Ok(self.verdicts()?.again.contains_key(&bytes))
    }

    /// Read when they are asked for first.
    fn verdicts(&self) -> Result<&Verdicts, store::Error> {
        if let Some(verdicts) = self.verdicts.get() {
            return Ok(verdicts);
        }
        let verdicts = Verdicts::read(self.records)?;
        Ok(self.verdicts.get_or_init(|| verdicts))
    }
}

fn heavy(finding: &&Finding) -> bool {
    finding.severity >= Severity::Error
}

fn any_heavy(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| heavy(&finding))
}
