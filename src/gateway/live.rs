//! What the profiles make of the gateway: the agreements in force and the mailboxes that they name. It never changes; a
//! reload puts another in its place, in which a partner whose change cannot be used stands as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::config::Config;
use super::in_force::{InForce, renamed};
use super::mailboxes::Mailboxes;
use crate::folders::{Fingerprint, fingerprint, profile_sources};
use crate::profile::{PARTNER_FILE, Partner, Problem, ProfileSource, Profiles, State, Weight};
use crate::store::PayloadId;
use crate::translate::Engine;

/// What is in force.
pub(super) struct Live {
    pub(super) profiles: Profiles,
    pub(super) mailboxes: Mailboxes,
    /// What is worth knowing of the profiles, and keeps them from nothing.
    pub(super) warnings: Vec<Problem>,
    /// What is wrong with the partners that are left out, or stand as they were.
    pub(super) errors: Vec<Problem>,
    /// Names of those that stand as they were because their change cannot be used.
    pub(super) kept: BTreeSet<String>,
    /// Partners that are left out because they were in force under another name, and that name.
    pub(super) renamed: BTreeMap<String, String>,
    /// What the files looked like from outside just before they were read.
    pub(super) fingerprint: Fingerprint,
    /// SHA-256 of all that stands in them.
    pub(super) digest: PayloadId,
}

impl Live {
    /// Reads the profiles and opens what they name. Mailboxes of `before` stay open: they know which files have
    /// settled. Partners that cannot be used stay as they were in `before`; where they were not in force, or nothing was
    /// before, they are left out. So is who was in force `last` under another name.
    ///
    /// # Errors
    /// Everything that is wrong, where no partner is left, or no profile can be read at all.
    pub(super) fn open(
        config: &Config,
        engine: &Engine,
        (before, last): (Option<&Self>, &InForce),
    ) -> Result<Self, Vec<Problem>> {
        if !config.profiles.exists() {
            let words = format!(
                "profiles: the folder {} is not there: make it, with a folder for each partner in it, or name another",
                config.profiles.display()
            );
            return Err(vec![Problem::whole(&config.file, words)]);
        }
        let fingerprint = fingerprint(&config.profiles);
        let (own, mut problems) = profile_sources(&config.profiles);
        let digest = digest(&own);
        // A folder that is empty of a sudden is a lost mount rather than the end of all business.
        if own.is_empty() && problems.is_empty() {
            let folder = config.profiles.display().to_string();
            problems.push(Problem::whole(&folder, "holds no partner: PARTNER/partner.toml"));
        }
        if own.is_empty() {
            return Err(problems);
        }
        let unread = unread(&own, &problems);
        let mut sources = Profiles::shipped();
        sources.extend(own.iter().cloned());
        let (mut profiles, found) =
            Profiles::from_sources(&sources, engine.grammars(), engine.maps());
        problems.extend(found);
        let mut unusable = check_endpoints(&profiles, config, &mut problems);
        // A profile of which a file cannot be read may lack a rule.
        let rests = |partner: &Partner| partner.chain.iter().any(|name| unread.contains(&**name));
        unusable.extend(profiles.iter().filter(|p| rests(p)).map(|p| p.name.clone()));
        let (warnings, mut errors): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.weight == Weight::Warning);
        for name in &unusable {
            profiles.leave_out(name);
        }
        let mut again =
            before.map_or_else(Vec::new, |live| refused(&profiles, live, &own, &errors));
        let renamed = refuse_renamed(&mut profiles, last, &own, &mut errors);
        again.extend(renamed.values().cloned());
        let mut kept = BTreeSet::new();
        let mailboxes = loop {
            if let Some(before) = before {
                kept.extend(profiles.put_back(again, &before.profiles, &mut errors));
            }
            let (mailboxes, unopened) = Mailboxes::open(config, &profiles, before, &mut errors);
            for name in &unopened {
                profiles.leave_out(name);
            }
            // What was in force before can be opened beside all others that were; whoever is in its way is left out.
            again = unopened;
            if again.is_empty() || before.is_none() {
                break mailboxes;
            }
        };
        errors.sort();
        errors.dedup();
        if !errors.is_empty() && profiles.iter().next().is_none() {
            return Err(errors);
        }
        Ok(Self { profiles, mailboxes, warnings, errors, kept, renamed, fingerprint, digest })
    }

    /// Names of the partners that are worked for.
    pub(super) fn working(&self) -> impl Iterator<Item = &str> {
        let working = self.profiles.iter().filter(|partner| partner.state != State::Off);
        working.map(|partner| partner.name.as_str())
    }
}

/// The profiles as they lie in their folder; those that cannot be used are not among them.
pub(super) fn profiles_of(config: &Config, engine: &Engine) -> Profiles {
    let (own, _) = profile_sources(&config.profiles);
    let mut sources = Profiles::shipped();
    sources.extend(own);
    Profiles::from_sources(&sources, engine.grammars(), engine.maps()).0
}

/// Partners in force whose change cannot be used. One whose folder is gone is not among them; one that says that it is a
/// base now is, where anything is wrong with it.
fn refused(
    profiles: &Profiles,
    before: &Live,
    own: &[ProfileSource],
    errors: &[Problem],
) -> Vec<String> {
    let is_faulty = |name: &str| {
        let mut sources = own.iter().filter(|source| source.name == name);
        sources.any(|source| errors.iter().any(|e| Path::new(&e.file).starts_with(&source.folder)))
    };
    let names = before.profiles.iter().map(|partner| partner.name.clone());
    names
        .filter(|name| profiles.partner(name).is_none())
        .filter(|name| profiles.left_out().contains(name) || is_faulty(name))
        .collect()
}

/// Leaves out who was in force under another name, and tells that name.
fn refuse_renamed(
    profiles: &mut Profiles,
    last: &InForce,
    own: &[ProfileSource],
    errors: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let renamed = renamed(profiles, last);
    for (new, old) in &renamed {
        profiles.leave_out(new);
        let folder = own.iter().find(|source| source.name == *new).map(|source| &source.folder);
        let file = format!("{}/{PARTNER_FILE}", folder.unwrap_or(new));
        let words = format!(
            "has the identities of `{old}`, which is gone: control numbers and orders are kept under that name. Call the folder `{old}` again, and change `title`; or, to begin anew, take the folder away until the gateway has told that `{old}` is gone"
        );
        errors.push(Problem::whole(&file, words));
    }
    renamed
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
            let known = match &names[..] {
                [] => format!("add [endpoints.{name}]"),
                names => format!("known are `{}`", names.join("`, `")),
            };
            let words = format!("the endpoint `{name}` is not in crossdock.toml; {known}");
            problems.push(match partner.origin("", key) {
                Some(origin) => Problem::at(origin, words),
                None => Problem::whole(&partner.name, words),
            });
            unusable.push(partner.name.clone());
        }
    }
    unusable
}
