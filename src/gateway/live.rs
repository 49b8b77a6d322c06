//! What the profiles make of the gateway: the agreements in force and the mailboxes that they name. It is made whole
//! or not at all, and never changes; a reload puts another in its place.

use std::collections::BTreeSet;
use std::path::Path;

use super::config::Config;
use super::mailboxes::Mailboxes;
use crate::folders::{Fingerprint, fingerprint, profile_sources};
use crate::profile::{Partner, Problem, ProfileSource, Profiles, State, Weight};
use crate::store::PayloadId;
use crate::translate::Engine;

/// What is in force.
pub(super) struct Live {
    pub(super) profiles: Profiles,
    pub(super) mailboxes: Mailboxes,
    /// What is worth knowing of the profiles, and keeps them from nothing.
    pub(super) warnings: Vec<Problem>,
    /// What is wrong with the partners that were left out at the start.
    pub(super) errors: Vec<Problem>,
    /// What the files looked like from outside just before they were read.
    pub(super) fingerprint: Fingerprint,
    /// SHA-256 of all that stands in them.
    pub(super) digest: PayloadId,
}

impl Live {
    /// Reads the profiles and opens what they name. Mailboxes of `before` stay open: they know which files have
    /// settled. At a start (nothing was before) partners that cannot be used are left out, and the others are in
    /// force; later nothing may be wrong with any.
    ///
    /// # Errors
    /// Everything that is wrong; at a start only where no partner is left.
    pub(super) fn open(
        config: &Config,
        engine: &Engine,
        before: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let fingerprint = fingerprint(&config.profiles);
        let (own, mut problems) = profile_sources(&config.profiles);
        let digest = digest(&own);
        // A folder that is empty of a sudden is a lost mount rather than the end of all business.
        if own.is_empty() && problems.is_empty() {
            let folder = config.profiles.display().to_string();
            problems.push(Problem::whole(&folder, "holds no partner: PARTNER/partner.toml"));
        }
        let unread = unread(&own, &problems);
        let mut sources = Profiles::shipped();
        sources.extend(own);
        let (mut profiles, found) =
            Profiles::from_sources(&sources, engine.grammars(), engine.maps());
        problems.extend(found);
        let mut unusable = check_endpoints(&profiles, config, &mut problems);
        // A profile of which a file cannot be read may lack a rule.
        let rests = |partner: &Partner| partner.chain.iter().any(|name| unread.contains(&**name));
        unusable.extend(profiles.iter().filter(|p| rests(p)).map(|p| p.name.clone()));
        let (warnings, mut errors): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.weight == Weight::Warning);
        // Folders are made only for what is taken over.
        if !errors.is_empty() && before.is_some() {
            return Err(errors);
        }
        for name in unusable {
            profiles.leave_out(&name);
        }
        let (mailboxes, unopened) =
            Mailboxes::open(config, &profiles, before.map(|live| &live.mailboxes), &mut errors);
        for name in unopened {
            profiles.leave_out(&name);
        }
        if !errors.is_empty() && (before.is_some() || profiles.iter().next().is_none()) {
            return Err(errors);
        }
        Ok(Self { profiles, mailboxes, warnings, errors, fingerprint, digest })
    }

    /// Names of the partners that are worked for.
    pub(super) fn working(&self) -> impl Iterator<Item = &str> {
        let working = self.profiles.iter().filter(|partner| partner.state != State::Off);
        working.map(|partner| partner.name.as_str())
    }
}

/// Names of profiles of which a file cannot be read.
fn unread(own: &[ProfileSource], problems: &[Problem]) -> BTreeSet<String> {
    let of = |source: &ProfileSource| {
        let inside = |problem: &Problem| Path::new(&problem.file).starts_with(&source.folder);
        problems.iter().any(inside)
    };
    own.iter().filter(|source| of(source)).map(|source| source.name.clone()).collect()
}

fn digest(sources: &[ProfileSource]) -> PayloadId {
    let mut of_each = Vec::new();
    for source in sources {
        for file in &source.files {
            let name = format!("{}\0{}\0", source.name, file.path);
            of_each.extend_from_slice(PayloadId::of(name.as_bytes()).as_bytes());
            of_each.extend_from_slice(PayloadId::of(file.text.as_bytes()).as_bytes());
        }
    }
    PayloadId::of(&of_each)
}

/// What only shows when profiles and endpoints are looked at together: a profile that names an endpoint which is not
/// there. Tells whom it concerns.
pub fn check_endpoints(
    profiles: &Profiles,
    config: &Config,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut unusable = Vec::new();
    let known: BTreeSet<&str> = config.endpoints.keys().map(String::as_str).collect();
    for partner in profiles.iter() {
        let named = [
            ("endpoint", Some(&partner.endpoint)),
            ("test_endpoint", partner.test_endpoint.as_ref()),
        ];
        for (key, name) in named {
            let Some(name) = name.filter(|name| !known.contains(name.as_str())) else { continue };
            let names: Vec<&str> = known.iter().copied().collect();
            let words = format!(
                "the endpoint `{name}` is not in crossdock.toml; known are `{}`",
                names.join("`, `")
            );
            problems.push(match partner.origin("", key) {
                Some(origin) => Problem::at(origin, words),
                None => Problem::whole(&partner.name, words),
            });
            unusable.push(partner.name.clone());
        }
    }
    unusable
}
