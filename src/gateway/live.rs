//! What the profiles make of the gateway: the agreements in force and the mailboxes that they name. It is made whole
//! or not at all, and never changes; a reload puts another in its place.

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
    /// What is wrong with the partners that were left out at the start.
    pub(super) errors: Vec<Problem>,
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
        let (mailboxes, mailbox_of, unopened) =
            open_mailboxes(config, &profiles, before, &mut errors);
        for name in unopened {
            profiles.leave_out(&name);
        }
        if !errors.is_empty() && (before.is_some() || profiles.iter().next().is_none()) {
            return Err(errors);
        }
        Ok(Self { profiles, mailboxes, mailbox_of, warnings, errors, fingerprint, digest })
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
    for partner in profiles.iter().filter(|partner| partner.state != State::Off) {
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
                wrong(e.to_string());
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
