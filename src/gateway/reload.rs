//! Taking changed profiles over while documents flow, partner by partner: one whose change cannot be used stays as it
//! was, and is named. Nothing becomes looser without being told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::in_force::{InForce, last_in_force};
use super::ledger::Draft;
use super::live::Live;
use super::raising::{ABOUT_PROFILES, About, Trouble, about_profile};
use super::{Error, Gateway, lanes};
use crate::exceptions::Kind;
use crate::folders::{Fingerprint, fingerprint};
use crate::profile::{Difference, Partner, Problem, Row, State, differences};
use crate::store::{self, Event};

/// What the watcher of the profiles remembers from one look to the next.
#[derive(Default)]
pub(super) struct Watched {
    /// The last look.
    seen: Fingerprint,
    /// What was judged last: taken over, or refused.
    judged: Fingerprint,
}

/// Profiles that were changed and cannot be used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refused {
    /// When they were refused.
    pub at: Timestamp,
    /// Everything that is wrong with them.
    pub problems: Vec<String>,
}

/// Differences that the note of a journal record shows; its payload has all.
const DIFFERENCES_SHOWN: usize = 5;

/// How far waiting work of a lane is counted.
const COUNT_MAX: usize = 10_000;

impl Watched {
    /// What lies there now is what the gateway was opened with.
    pub(super) fn begin(gateway: &Gateway) -> Self {
        let judged = gateway.live().fingerprint.clone();
        Self { seen: judged.clone(), judged }
    }
}

impl Gateway {
    /// Looks whether the profiles have changed. A change is judged once it has come to rest, so that half of one is
    /// never taken for the whole. Tells whether one is still to come to rest.
    pub(super) fn look_at_profiles(&self, watched: &mut Watched) -> Result<bool, Error> {
        let now = fingerprint(&self.config.profiles);
        if now == watched.judged {
            watched.seen = now;
            return Ok(false);
        }
        if now != watched.seen {
            watched.seen = now;
            return Ok(true);
        }
        let before = self.live();
        // Who was left out at the start comes back, and is compared with what was in force before that.
        let mut last = last_in_force(self.ledger.store())?.unwrap_or_default();
        for partner in before.profiles.iter() {
            last.insert(partner.name.clone(), partner.rows());
        }
        match Live::open(&self.config, self.translator.engine(), (Some(&before), &last)) {
            Ok(live) if live.digest == before.digest && live.errors == before.errors => {
                if live.errors.is_empty() {
                    let mut draft = Draft::new();
                    self.mend_profiles(&mut draft, &live)?;
                    if !draft.is_empty() {
                        self.ledger.commit(draft)?;
                    }
                    self.note_refused(None);
                }
            }
            Ok(live) => self.take_over(&before, live, &last)?,
            Err(problems) => self.refuse_profiles(&problems)?,
        }
        watched.judged = now;
        Ok(false)
    }

    /// What was refused last, where nothing has been taken over since.
    pub(super) fn refused_profiles(&self) -> Option<Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_refused(&self, refused: Option<Refused>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// Notes for the status what is wrong.
    pub(super) fn refused_at(&self, at: Timestamp, problems: &[Problem]) {
        let problems = problems.iter().map(ToString::to_string).collect();
        self.note_refused(Some(Refused { at, problems }));
    }

    fn refuse_profiles(&self, problems: &[Problem]) -> Result<(), Error> {
        let now = Timestamp::now();
        let mut draft = Draft::new();
        self.note_problems(&mut draft, "what was in force stays so", problems, now)?;
        self.ledger.commit(draft)?;
        self.refused_at(now, problems);
        Ok(())
    }

    /// Everything that is wrong, in the log and as one record.
    fn note_problems(
        &self,
        draft: &mut Draft,
        what: &str,
        problems: &[Problem],
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut text = String::new();
        for problem in problems {
            tracing::error!("{problem}");
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{problem}");
        }
        let payload = self.ledger.store().put_payload(text.as_bytes())?;
        let note = format!("{what}. {}", text.trim_end());
        let event = Event::ProfilesRefused;
        draft.journal_with(now, event, "", "profiles", &note, Some(payload));
        let about = About {
            payload: Some(payload),
            ..About::condition(ABOUT_PROFILES.to_owned(), "profiles")
        };
        let trouble = Trouble {
            kind: Kind::ProfilesRefused,
            partner: "",
            cause: "",
            place: &self.config.profiles.display().to_string(),
            words: text.trim_end(),
            mend: "",
            about,
        };
        self.raise(draft, trouble, now);
        Ok(())
    }

    /// Puts what was read in force; the record of it comes first. What of it cannot be used is named.
    fn take_over(&self, before: &Live, live: Live, last: &InForce) -> Result<(), Error> {
        let now = Timestamp::now();
        let errors = live.errors.clone();
        for warning in live.warnings.iter().filter(|warning| !before.warnings.contains(warning)) {
            tracing::warn!("{warning}");
        }
        let mut draft = Draft::new();
        if !errors.is_empty() {
            let list =
                |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
            let what = match (live.kept.is_empty(), live.profiles.left_out().is_empty()) {
                (true, true) => "nobody is concerned".to_owned(),
                (false, true) => format!("as before: {}", list(&live.kept)),
                (true, false) => format!("left out: {}", list(live.profiles.left_out())),
                (false, false) => format!(
                    "as before: {}; left out: {}",
                    list(&live.kept),
                    list(live.profiles.left_out())
                ),
            };
            self.note_problems(&mut draft, &what, &errors, now)?;
            for name in live.profiles.left_out().difference(before.profiles.left_out()) {
                self.raise_left_out(&mut draft, &live, name);
            }
        }
        self.note_differences(&mut draft, last, &live)?;
        self.keep_in_force(&mut draft, &live, last)?;
        self.mend_profiles(&mut draft, &live)?;
        {
            // Held over the commit: who hears of it finds it in force, and nothing is in force without its record.
            let mut in_force = self.live.write().unwrap_or_else(PoisonError::into_inner);
            self.ledger.commit(draft)?;
            *in_force = Arc::new(live);
        }
        if errors.is_empty() {
            self.note_refused(None);
        } else {
            self.refused_at(now, &errors);
        }
        self.reloaded.notify_one();
        Ok(())
    }

    /// What was wrong with profiles, and is so no more.
    pub(super) fn mend_profiles(&self, draft: &mut Draft, live: &Live) -> Result<(), store::Error> {
        let now = Timestamp::now();
        for open in self.ledger.store().open_exceptions(0, COUNT_MAX)? {
            let item = match open.kind {
                Kind::ProfilesRefused if live.errors.is_empty() => ABOUT_PROFILES.to_owned(),
                Kind::ProfileLeftOut if !live.profiles.left_out().contains(&open.partner) => {
                    about_profile(&open.partner)
                }
                _ => continue,
            };
            draft.mend(item, now, "the profiles are in force");
        }
        Ok(())
    }

    /// What is in force now and was not so last, partner by partner.
    pub(super) fn note_differences(
        &self,
        draft: &mut Draft,
        last: &InForce,
        live: &Live,
    ) -> Result<(), Error> {
        for partner in live.profiles.iter() {
            if let Some(old) = last.get(&partner.name) {
                self.note_changes(draft, old, partner)?;
                continue;
            }
            let note = format!("{} is a partner from now on", partner.title);
            note_profile(draft, Event::ProfileAdded, &partner.name, &note, None);
        }
        let is_gone = |name: &&String| {
            live.profiles.partner(name).is_none()
                && !live.profiles.left_out().contains(*name)
                && !live.renamed.values().any(|old| old == *name)
        };
        for name in last.keys().filter(is_gone) {
            let note = format!("its profile is gone. {}", self.left_behind(name)?);
            note_profile(draft, Event::ProfileRemoved, name, note.trim(), None);
        }
        Ok(())
    }

    /// Three records at most: what makes a check looser or may do so, what makes it stricter, and the rest.
    fn note_changes(&self, draft: &mut Draft, old: &[Row], new: &Partner) -> Result<(), Error> {
        let after = new.rows();
        let all = differences(old, &after);
        let was_off = old
            .iter()
            .any(|row| row.section.is_empty() && row.subject == "state" && row.value == "off");
        let mut by_event = [
            (Event::ProfileLoosened, Vec::new()),
            (Event::ProfileTightened, Vec::new()),
            (Event::ProfileChanged, Vec::new()),
        ];
        for difference in &all {
            let place = match difference {
                _ if difference.may_loosen() => 0,
                _ if difference.tightens() => 1,
                _ => 2,
            };
            by_event[place].1.push(difference);
        }
        for (event, found) in by_event.into_iter().filter(|(_, found)| !found.is_empty()) {
            let payload = self.ledger.store().put_payload(list(&found, usize::MAX).as_bytes())?;
            let mut note = list(&found, DIFFERENCES_SHOWN);
            if !was_off && new.state == State::Off {
                note.push_str(&self.left_behind(&new.name)?);
            }
            note_profile(draft, event, &new.name, note.trim_end(), Some(payload));
        }
        Ok(())
    }

    /// What waits for a partner that is not worked for any more.
    fn left_behind(&self, name: &str) -> Result<String, store::Error> {
        let mut waiting = 0;
        let calls = [lanes::call(name, false), lanes::call(name, true)];
        for lane in calls.into_iter().chain([lanes::render(name), lanes::send(name)]) {
            waiting += self.ledger.store().queued(&lane, COUNT_MAX)?.len();
        }
        Ok(match waiting {
            0 => String::new(),
            _ => format!("{waiting} pieces of its work wait until it is back"),
        })
    }
}

pub(super) fn note_profile(
    draft: &mut Draft,
    event: Event,
    partner: &str,
    note: &str,
    payload: Option<store::PayloadId>,
) {
    draft.journal_with(Timestamp::now(), event, partner, "profile", note, payload);
}

fn list(found: &[&Difference<'_>], most: usize) -> String {
    let mut text = String::new();
    for difference in found.iter().take(most) {
        let _ = writeln!(text, "{difference}");
    }
    if let Some(more) = found.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(text, "and {more} more");
    }
    text
}
