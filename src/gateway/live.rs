//! What the profiles make of the gateway: the agreements in force and the mailboxes that they name. It never changes; a
//! reload puts another in its place, in which a partner whose change cannot be used stands as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use crate::folders::{Fingerprint, fingerprint, profile_sources};
use crate::profile::{Partner, Problem, ProfileSource, Profiles, State, Weight};
use crate::store::PayloadId;
use crate::translate::Engine;
use crate::transport::{DirectoryMailbox, Mailbox};

/// What is in force.
pub(super) struct Live {
    pub(super) profiles: Profiles,
    /// By their key.
    pub(super) mailboxes: BTreeMap<String, Arc<MailboxBinding>>,
    /// The key of each partner's mailbox, by its name; of those that are off too, where others share it.
    mailbox_of: BTreeMap<String, String>,
    /// What is worth knowing of the profiles, and keeps them from nothing.
    pub(super) warnings: Vec<Problem>,
    /// What is wrong with the partners that are left out, or stand as they were.
    pub(super) errors: Vec<Problem>,
    /// Names of those that stand as they were because their change cannot be used.
    pub(super) kept: BTreeSet<String>,
    /// What the files looked like from outside just before they were read.
    pub(super) fingerprint: Fingerprint,
    /// SHA-256 of all that stands in them.
    pub(super) digest: PayloadId,
}

/// A mailbox, and how often it is looked into.
pub(super) struct MailboxBinding {
    /// Its folder without links and detours: its key in the store.
    pub(super) key: String,
    pub(super) mailbox: Arc<dyn Mailbox>,
    pub(super) poll: Duration,
}

impl Live {
    /// Reads the profiles and opens what they name. Mailboxes of `before` stay open: they know which files have
    /// settled. Partners that cannot be used stay as they were in `before`; where they were not in force, or nothing was
    /// before, they are left out.
    ///
    /// # Errors
    /// Everything that is wrong, where no partner is left, or no profile can be read at all.
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
        let mut kept = BTreeSet::new();
        let mut again =
            before.map_or_else(Vec::new, |live| refused(&profiles, live, &own, &errors));
        let (mailboxes, mailbox_of) = loop {
            if let Some(before) = before {
                kept.extend(profiles.put_back(again, &before.profiles, &mut errors));
            }
            let (mailboxes, mailbox_of, unopened) =
                open_mailboxes(config, &profiles, before, &mut errors);
            for name in &unopened {
                profiles.leave_out(name);
            }
            // What was in force before can be opened beside all others that were; whoever is in its way is left out.
            again = unopened;
            if again.is_empty() || before.is_none() {
                break (mailboxes, mailbox_of);
            }
        };
        errors.sort();
        errors.dedup();
        if !errors.is_empty() && profiles.iter().next().is_none() {
            return Err(errors);
        }
        Ok(Self { profiles, mailboxes, mailbox_of, warnings, errors, kept, fingerprint, digest })
    }

    /// The mailbox of a partner.
    pub(super) fn mailbox_of(&self, partner: &str) -> Option<&Arc<MailboxBinding>> {
        self.mailboxes.get(self.mailbox_of.get(partner)?)
    }

    /// Names of the partners that are worked for.
    pub(super) fn working(&self) -> impl Iterator<Item = &str> {
        let working = self.profiles.iter().filter(|partner| partner.state != State::Off);
        working.map(|partner| partner.name.as_str())
    }
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

/// Mailboxes by key, the key of each partner's, and the partners whose mailbox cannot be opened.
type Mailboxes = (BTreeMap<String, Arc<MailboxBinding>>, BTreeMap<String, String>, Vec<String>);

fn open_mailboxes(
    config: &Config,
    profiles: &Profiles,
    before: Option<&Live>,
    problems: &mut Vec<Problem>,
) -> Mailboxes {
    let mut mailboxes: BTreeMap<String, MailboxBinding> = BTreeMap::new();
    let mut mailbox_of = BTreeMap::new();
    let mut inbound: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut unopened = Vec::new();
    // Those whose folder was in force before come first: whoever is in the way of one is blamed, not that one.
    let was = |partner: &Partner| {
        let old = before.and_then(|live| live.profiles.partner(&partner.name));
        old.filter(|old| old.mailbox.folder == partner.mailbox.folder)
            .and_then(|_| before?.mailbox_of(&partner.name))
    };
    let on: Vec<_> = profiles.iter().filter(|partner| partner.state != State::Off).collect();
    let (old, new): (Vec<_>, Vec<_>) = on.into_iter().partition(|partner| was(partner).is_some());
    for partner in old.into_iter().chain(new) {
        let mut wrong = |words: String| {
            let words = format!("mailbox: {words}");
            unopened.push(partner.name.clone());
            problems.push(match partner.origin("mailbox", "folder") {
                Some(origin) => Problem::at(origin, words),
                None => Problem::whole(&partner.name, words),
            });
        };
        let own = partner.mailbox.poll_seconds;
        let poll = own.map_or(config.poll, |seconds| Duration::from_secs(u64::from(seconds)));
        let folder = config.base.join(&partner.mailbox.folder);
        let opened = DirectoryMailbox::open(&folder, config.arrivals());
        let opened = opened.and_then(|mailbox| Ok((mailbox, resolve(&config.base, &folder)?)));
        let (mailbox, (key, place)) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                // One that was open is looked into all the same, and tells by itself what is wrong.
                if let Some(open) = was(partner) {
                    mailbox_of.insert(partner.name.clone(), open.key.clone());
                    let of_before = || MailboxBinding {
                        key: open.key.clone(),
                        mailbox: Arc::clone(&open.mailbox),
                        poll,
                    };
                    mailboxes.entry(open.key.clone()).or_insert_with(of_before);
                } else {
                    wrong(e.to_string());
                }
                continue;
            }
        };
        mailbox_of.insert(partner.name.clone(), key.clone());
        if let Some(shared) = mailboxes.get_mut(&key) {
            shared.poll = shared.poll.min(poll);
            continue;
        }
        if let Some(other) = inbound.insert(place, key.clone()) {
            wrong(format!("{key} and {other} have one and the same `inbound`"));
            mailbox_of.remove(&partner.name);
            continue;
        }
        let open = before.and_then(|live| live.mailboxes.get(&key));
        let mailbox = open.map_or_else(
            || -> Arc<dyn Mailbox> { Arc::new(mailbox) },
            |binding| Arc::clone(&binding.mailbox),
        );
        mailboxes.insert(key.clone(), MailboxBinding { key, mailbox, poll });
    }
    // A mailbox of partners that are all off is not looked at. In one that is shared, what comes for one that is off
    // is set aside under its name.
    for partner in profiles.iter().filter(|partner| partner.state == State::Off) {
        let folder = config.base.join(&partner.mailbox.folder);
        if let Ok((key, _)) = resolve(&config.base, &folder) {
            mailbox_of.insert(partner.name.clone(), key);
        }
    }
    let mailboxes = mailboxes.into_iter().map(|(key, binding)| (key, Arc::new(binding)));
    (mailboxes.collect(), mailbox_of, unopened)
}

/// The key of a mailbox, and where its `inbound` is. The key is the folder without links and detours, so that two
/// spellings are one mailbox; below the folder of the configuration it is relative to it, so that all may move.
fn resolve(base: &Path, folder: &Path) -> io::Result<(String, PathBuf)> {
    let base = base.join(".").canonicalize()?;
    let folder = folder.canonicalize()?;
    let key = folder.strip_prefix(&base).unwrap_or(&folder).display().to_string();
    Ok((key, folder.join("inbound").canonicalize()?))
}
