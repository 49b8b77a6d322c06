//! The mailboxes that the profiles name: folders and servers, each opened once however many partners share it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Zoned;

use super::config::Config;
use super::live::Live;
use crate::profile::{As2, Partner, Problem, Profiles, Schedule, Sftp, State};
use crate::transport::{DirectoryMailbox, Mailbox};

/// A mailbox, and when it is looked into.
pub(super) struct MailboxBinding {
    /// Its key in the store: its folder without links and detours, or its address.
    pub(super) key: String,
    pub(super) mailbox: Arc<dyn Mailbox>,
    /// The AS2 partner that it is.
    peer: Option<Arc<Peer>>,
    /// Those of all partners that share it.
    schedules: BTreeSet<Schedule>,
    /// How long it takes at the soonest until a file that is seen now is finished.
    pub(super) settle: Duration,
    place: Place,
}

/// Where a mailbox is, and all that is said of it.
#[derive(Clone, PartialEq)]
enum Place {
    /// A folder, and where its `inbound` is.
    Folder(PathBuf),
    /// A server, and our folder beside it.
    Server(Arc<Sftp>, PathBuf),
    /// An AS2 partner, and our folder beside it.
    Partner(Arc<As2>, PathBuf),
}

impl MailboxBinding {
    /// How long it is until the next look.
    pub(super) fn wait(&self, now: &Zoned) -> Duration {
        self.schedules.iter().map(|schedule| schedule.wait(now)).min().unwrap_or(Duration::MAX)
    }

    /// The AS2 partner that it is; nothing where it is something else.
    #[cfg(feature = "as2")]
    pub(super) fn peer(&self) -> Option<&Arc<Peer>> {
        self.peer.as_ref()
    }

    /// Whether the first look is at once.
    pub(super) fn begins_at_once(&self) -> bool {
        self.schedules.iter().any(Schedule::begins_at_once)
    }
}

/// All of them.
pub(super) struct Mailboxes {
    by_key: BTreeMap<String, Arc<MailboxBinding>>,
    /// The key of each partner's mailbox, by its name; of those that are off too, where others share it.
    of: BTreeMap<String, String>,
    servers: Servers,
}

impl Mailboxes {
    /// Opens what the profiles name; also tells the partners whose mailbox cannot be opened. Mailboxes of `before` stay
    /// open: they know which files have settled.
    pub(super) fn open(
        config: &Config,
        profiles: &Profiles,
        before: Option<&Live>,
        problems: &mut Vec<Problem>,
    ) -> (Self, Vec<String>) {
        let servers =
            before.map_or_else(|| Servers::new(config), |live| live.mailboxes.servers.clone());
        let mut opened: BTreeMap<String, MailboxBinding> = BTreeMap::new();
        let mut of = BTreeMap::new();
        let mut unopened = Vec::new();
        // Those whose mailbox was in force before come first: whoever is in the way of one is blamed, not that one.
        let on: Vec<_> = profiles.iter().filter(|partner| partner.state != State::Off).collect();
        let (old, new): (Vec<_>, Vec<_>) =
            on.into_iter().partition(|partner| was(partner, before).is_some());
        for partner in old.into_iter().chain(new) {
            match add(partner, config, before, &servers, &mut opened) {
                Ok(key) => {
                    of.insert(partner.name.clone(), key);
                }
                Err(words) => {
                    unopened.push(partner.name.clone());
                    let words = format!("mailbox: {words}");
                    problems.push(match origin(partner) {
                        Some(origin) => Problem::at(origin, words),
                        None => Problem::whole(&partner.name, words),
                    });
                }
            }
        }
        // A mailbox of partners that are all off is not looked at. In one that is shared, what comes for one that is
        // off is set aside under its name.
        for partner in profiles.iter().filter(|partner| partner.state == State::Off) {
            if let Ok((key, _)) = place(partner, config) {
                of.insert(partner.name.clone(), key);
            }
        }
        let by_key = opened.into_iter().map(|(key, binding)| (key, Arc::new(binding))).collect();
        (Self { by_key, of, servers }, unopened)
    }

    /// A mailbox by its key.
    pub(super) fn get(&self, key: &str) -> Option<&Arc<MailboxBinding>> {
        self.by_key.get(key)
    }

    /// Every key.
    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.by_key.keys()
    }

    /// The mailbox of a partner.
    pub(super) fn of(&self, partner: &str) -> Option<&Arc<MailboxBinding>> {
        self.by_key.get(self.of.get(partner)?)
    }
}

impl Live {
    /// The partner whose mailbox it is; nothing where several share it, or somebody whose it may be is left out.
    pub(super) fn only_partner_of(&self, mailbox: &str) -> Option<&str> {
        let mut named = self.mailboxes.of.iter().filter(|(_, key)| *key == mailbox);
        let first = named.next().filter(|_| self.profiles.left_out().is_empty());
        first.filter(|_| named.next().is_none()).map(|(name, _)| name.as_str())
    }
}

/// Where the mailbox of a partner is said to be.
fn origin(partner: &Partner) -> Option<&crate::profile::Origin> {
    let of_server = partner.mailbox.sftp.as_ref().and(partner.origin("mailbox.sftp", "host"));
    let of_peer =
        || partner.mailbox.as2.as_ref().and(partner.origin("mailbox.as2", "partner_name"));
    of_server.or_else(of_peer).or_else(|| partner.origin("mailbox", "folder"))
}

/// The mailbox of a partner that was in force before, where it says the same of it now.
fn was<'a>(partner: &Partner, before: Option<&'a Live>) -> Option<&'a Arc<MailboxBinding>> {
    let (live, now) = (before?, &partner.mailbox);
    let old = &live.profiles.partner(&partner.name)?.mailbox;
    let same = old.folder == now.folder && old.sftp == now.sftp && old.as2 == now.as2;
    live.mailboxes.of(&partner.name).filter(|_| same)
}

/// Opens a partner's mailbox, or joins it to the one that others have already. Tells its key.
fn add(
    partner: &Partner,
    config: &Config,
    before: Option<&Live>,
    servers: &Servers,
    opened: &mut BTreeMap<String, MailboxBinding>,
) -> Result<String, String> {
    let mailbox = &partner.mailbox;
    let usual = || Schedule::Every(config.poll);
    let schedule = mailbox.schedule.clone().unwrap_or_else(usual);
    let folder = config.base.join(&mailbox.folder);
    // Folders that are missing are made, and only then have a place.
    let new = match (&mailbox.sftp, &mailbox.as2) {
        (None, None) => DirectoryMailbox::open(&folder, config.arrivals()).map(Some),
        _ => Ok(None),
    };
    let new = new.map_err(|e| e.to_string());
    let found = new.and_then(|new| Ok((new, place(partner, config).map_err(|e| e.to_string())?)));
    let (new, (key, place)) = match (found, was(partner, before)) {
        (Ok(found), _) => found,
        // One that was open is looked into all the same, and tells by itself what is wrong.
        (Err(_), Some(open)) => (None, (open.key.clone(), open.place.clone())),
        (Err(words), None) => return Err(words),
    };
    if let Some(shared) = opened.get_mut(&key) {
        if shared.place != place {
            return Err(format!("another partner says something else of {key}"));
        }
        shared.schedules.insert(schedule);
        return Ok(key);
    }
    if let Some(other) = opened.values().find(|other| other.place == place) {
        return Err(format!("{key} and {} have one and the same `inbound`", other.key));
    }
    let settle = mailbox.sftp.as_ref().map_or(config.settle, |sftp| Servers::settle(sftp));
    let kept = before.and_then(|live| live.mailboxes.get(&key)).filter(|kept| kept.place == place);
    let (mailbox, peer): (Arc<dyn Mailbox>, _) = match (kept, new) {
        (Some(kept), _) => (Arc::clone(&kept.mailbox), kept.peer.clone()),
        (None, Some(new)) => (Arc::new(new), None),
        (None, None) => match (&mailbox.sftp, &mailbox.as2) {
            (Some(sftp), _) => (servers.open(sftp, &folder, config)?, None),
            (None, Some(as2)) => open_peer(as2, &folder, config)?,
            (None, None) => return Err(format!("{key} is open no more")),
        },
    };
    let schedules = [schedule].into();
    let binding = MailboxBinding { key: key.clone(), mailbox, peer, schedules, settle, place };
    opened.insert(key.clone(), binding);
    Ok(key)
}

/// The key of a mailbox, and where it is. Two spellings of a folder are one mailbox; below the folder of the
/// configuration its key is relative to it, so that all may move.
fn place(partner: &Partner, config: &Config) -> io::Result<(String, Place)> {
    let folder = config.base.join(&partner.mailbox.folder);
    if let Some(sftp) = &partner.mailbox.sftp {
        return Ok((sftp.address(), Place::Server(Arc::clone(sftp), folder)));
    }
    if let Some(as2) = &partner.mailbox.as2 {
        return Ok((as2.address(), Place::Partner(Arc::clone(as2), folder)));
    }
    let (key, inbound) = resolve(&config.base, &folder)?;
    Ok((key, Place::Folder(inbound)))
}

#[cfg(feature = "as2")]
use crate::transport::as2::Peer;
/// Without the feature there is none.
#[cfg(not(feature = "as2"))]
#[derive(Debug)]
enum Peer {}

/// What is opened for an AS2 partner.
type OpenedPeer = (Arc<dyn Mailbox>, Option<Arc<Peer>>);

#[cfg(feature = "as2")]
fn open_peer(as2: &Arc<As2>, folder: &Path, config: &Config) -> Result<OpenedPeer, String> {
    let peer = Arc::new(Peer::open(as2, &config.base, folder, config.as2.url.as_deref())?);
    Ok((Arc::clone(&peer) as Arc<dyn Mailbox>, Some(peer)))
}

#[cfg(not(feature = "as2"))]
fn open_peer(_: &Arc<As2>, _: &Path, _: &Config) -> Result<OpenedPeer, String> {
    Err("it is an AS2 partner, and this program was built without the feature `as2`".to_owned())
}

fn resolve(base: &Path, folder: &Path) -> io::Result<(String, PathBuf)> {
    let base = base.join(".").canonicalize()?;
    let folder = folder.canonicalize()?;
    let key = folder.strip_prefix(&base).unwrap_or(&folder).display().to_string();
    Ok((key, folder.join("inbound").canonicalize()?))
}

/// What all mailboxes on servers have in common.
#[derive(Clone)]
struct Servers {
    #[cfg(feature = "sftp")]
    sessions: crate::transport::sftp::Sessions,
}

#[cfg(feature = "sftp")]
impl Servers {
    fn new(config: &Config) -> Self {
        let max = config.limits.sftp_sessions as usize;
        Self { sessions: crate::transport::sftp::Sessions::new(max) }
    }

    fn settle(sftp: &Sftp) -> Duration {
        crate::transport::sftp::SftpMailbox::settle(sftp)
    }

    fn open(
        &self,
        sftp: &Arc<Sftp>,
        folder: &Path,
        config: &Config,
    ) -> Result<Arc<dyn Mailbox>, String> {
        use crate::transport::sftp::{Pauses, SftpMailbox};
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let pauses = Pauses {
            first: seconds(config.limits.retry_seconds_first),
            longest: seconds(config.limits.retry_seconds_max),
        };
        let (settings, sessions) = (Arc::clone(sftp), self.sessions.clone());
        let opened = SftpMailbox::open(settings, folder, config.arrivals(), sessions, pauses);
        opened.map(|mailbox| -> Arc<dyn Mailbox> { Arc::new(mailbox) }).map_err(|e| e.to_string())
    }
}

#[cfg(not(feature = "sftp"))]
impl Servers {
    fn new(_: &Config) -> Self {
        Self {}
    }

    fn settle(_: &Sftp) -> Duration {
        Duration::ZERO
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    fn open(&self, _: &Arc<Sftp>, _: &Path, _: &Config) -> Result<Arc<dyn Mailbox>, String> {
        Err("it is on a server, and this program was built without the feature `sftp`".to_owned())
    }
}
