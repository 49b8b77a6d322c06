//! The rows last in force, kept in the store: what was changed while the gateway stood still is told at the next
//! start, as a reload tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::Draft;
use super::live::Live;
use super::raising::{About, Trouble, about_profile};
use super::reload::note_profile;
use super::{Error, Gateway};
use crate::exceptions::Kind;
use crate::profile::{Problem, Profiles, Row};
use crate::store::{Change, Event, PurchaseOrderKey, Store};

/// A row as it is kept: where it stands does not count.
#[derive(Serialize, Deserialize)]
struct Kept {
    section: String,
    subject: String,
    value: String,
    rule: bool,
}

/// Rows of every partner, by name.
pub(super) type InForce = BTreeMap<String, Vec<Row>>;

fn key() -> PurchaseOrderKey {
    PurchaseOrderKey {
        partner: String::new(),
        kind: "profiles".to_owned(),
        number: "in force".to_owned(),
    }
}

/// What was in force last; `None` before the first start, and where it cannot be read.
pub(super) fn last_in_force(store: &dyn Store) -> Result<Option<InForce>, Error> {
    let Some(id) = store.purchase_order(&key())? else { return Ok(None) };
    let read = id.parse().map_err(|e| Error::Defect(format!("{id}: {e}"))).and_then(|id| {
        let kept: BTreeMap<String, Vec<Kept>> = serde_json::from_slice(&store.payload(id)?)
            .map_err(|e| Error::Defect(e.to_string()))?;
        Ok(kept)
    });
    match read {
        Ok(kept) => {
            let rows = |kept: Vec<Kept>| kept.into_iter().map(row).collect();
            Ok(Some(kept.into_iter().map(|(name, kept)| (name, rows(kept))).collect()))
        }
        Err(e) if super::lanes::is_lasting(&e) => Err(e),
        Err(e) => {
            tracing::error!("what was in force before cannot be read, nor compared: {e}");
            Ok(None)
        }
    }
}

/// Partners that were in force under another name, which is gone, and that name: they have its identities. Control
/// numbers and orders are kept under the name, and would begin anew.
pub(super) fn renamed(profiles: &Profiles, last: &InForce) -> BTreeMap<String, String> {
    let is_gone =
        |name: &str| profiles.partner(name).is_none() && !profiles.left_out().contains(name);
    let gone: Vec<_> = last.iter().filter(|(name, _)| is_gone(name)).collect();
    if gone.is_empty() {
        return BTreeMap::new();
    }
    let new = profiles.iter().filter(|partner| !last.contains_key(&partner.name));
    new.filter_map(|partner| {
        let own = pairs(&partner.rows());
        let (old, _) = gone.iter().find(|(_, rows)| !own.is_disjoint(&pairs(rows)))?;
        Some((partner.name.clone(), (*old).clone()))
    })
    .collect()
}

/// The identities of production and test, as rows have them.
fn pairs(rows: &[Row]) -> BTreeSet<[String; 4]> {
    let of = |usage: &str| {
        let value = |side: &str, key: &str| {
            let section = format!("identity.{usage}.{side}");
            let mut rows = rows.iter().filter(|row| *row.section == *section);
            rows.find(|row| row.subject == key).map(|row| row.value.clone())
        };
        Some([
            value("partner", "qualifier")?,
            value("partner", "id")?,
            value("own", "qualifier")?,
            value("own", "id")?,
        ])
    };
    ["production", "test"].into_iter().filter_map(of).collect()
}

impl Gateway {
    /// Keeps what is in force from this draft on. Of partners that are left out what was in force last is kept, so
    /// that they are compared with it when they come back.
    pub(super) fn keep_in_force(
        &self,
        draft: &mut Draft,
        live: &Live,
        last: &InForce,
    ) -> Result<(), Error> {
        let rows = |rows: &[Row]| rows.iter().map(kept).collect::<Vec<Kept>>();
        let mut all: BTreeMap<&str, Vec<Kept>> = BTreeMap::new();
        // And of those whose profile has another name now, until it has its own again.
        for name in live.profiles.left_out().iter().chain(live.renamed.values()) {
            all.extend(last.get(name).map(|last| (name.as_str(), rows(last))));
        }
        for partner in live.profiles.iter() {
            all.insert(&partner.name, rows(&partner.rows()));
        }
        let json = serde_json::to_vec(&all).map_err(|e| Error::Defect(e.to_string()))?;
        let payload = self.ledger.store().put_payload(&json)?;
        draft.push(Change::Noted(key(), payload.to_string()));
        Ok(())
    }

    /// Before anything is done: tells who is left out, and what differs from what was in force last.
    pub(super) fn begin(&self) -> Result<(), Error> {
        let live = self.live();
        let last = last_in_force(self.ledger.store())?;
        let mut draft = Draft::new();
        for name in live.profiles.left_out() {
            let note = "its profile cannot be used: nothing of it is done until it is mended";
            note_profile(&mut draft, Event::ProfileLeftOut, name, note, None);
            self.raise_left_out(&mut draft, &live, name);
        }
        if let Some(last) = &last {
            self.note_differences(&mut draft, last, &live)?;
        }
        self.keep_in_force(&mut draft, &live, &last.unwrap_or_default())?;
        self.mend_profiles(&mut draft, &live)?;
        self.ledger.commit(draft)?;
        if !live.errors.is_empty() {
            self.refused_at(Timestamp::now(), &live.errors);
        }
        Ok(())
    }
}

impl Gateway {
    pub(super) fn raise_left_out(&self, draft: &mut Draft, live: &Live, name: &str) {
        let folder = self.config.profiles.join(name);
        let own = |problem: &&Problem| Path::new(&problem.file).starts_with(&folder);
        let first = live.errors.iter().find(own).or(live.errors.first());
        let words = first.map_or_else(String::new, ToString::to_string);
        let trouble = Trouble {
            kind: Kind::ProfileLeftOut,
            partner: name,
            cause: "",
            place: &folder.display().to_string(),
            words: &words,
            mend: "",
            about: About::condition(about_profile(name), name),
        };
        self.raise(draft, trouble, Timestamp::now());
    }
}

fn kept(row: &Row) -> Kept {
    Kept {
        section: row.section.to_string(),
        subject: row.subject.clone(),
        value: row.value.clone(),
        rule: row.rule,
    }
}

fn row(kept: Kept) -> Row {
    Row {
        section: kept.section.into(),
        subject: kept.subject,
        value: kept.value,
        origin: None,
        source: None,
        reason: None,
        rule: kept.rule,
    }
}
