//! Certificates that end soon: a person is told 30, 14 and 3 days before, and once they have ended; those that are revoked,
//! and lists of these that are old.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use crate::exceptions::Kind;
use crate::gateway::config::Config;
use crate::gateway::in_force::InForce;
use crate::gateway::ledger::Draft;
use crate::gateway::live::Live;
use crate::gateway::raising::{About, Trouble};
use crate::gateway::{Error, Gateway, Problems};
use crate::store::{Change, PurchaseOrderKey};
use crate::translate::Engine;
use crate::transport::as2::Keys;
use crate::transport::as2::cms::{Certificate, RevocationList};

/// How many days before its end a certificate is told of.
const DAYS: [i64; 4] = [0, 3, 14, 30];
/// How often they are looked at.
const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// A certificate of an AS2 partner, or of ours towards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct As2Certificate {
    /// The partner.
    pub partner: String,
    /// `ours`, `the partner's`, or `ours, for TLS`.
    pub whose: &'static str,
    /// Its name.
    pub subject: String,
    /// Its fingerprint.
    pub sha256: String,
    /// From when on it is in force.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Whether a list of the profile's says that it is revoked.
    pub revoked: bool,
}

/// The certificates of all AS2 partners of a configuration. The store is not opened. Call it within a tokio runtime.
///
/// # Errors
/// Everything that is wrong, where no profile can be used.
pub fn as2_certificates(config: &Config, engine: &Engine) -> Result<Vec<As2Certificate>, Problems> {
    let live = Live::open(config, engine, (None, &InForce::new())).map_err(Problems)?;
    let mut found = Vec::new();
    for partner in live.working() {
        let peer = live.mailboxes.of(partner).and_then(|binding| binding.peer());
        let Some(Ok(keys)) = peer.map(|peer| peer.keys()) else { continue };
        let own = keys.own.iter().map(|identity| ("ours", identity.certificate()));
        let theirs = keys.partner.iter().map(|one| ("the partner's", one));
        let client = peer.and_then(|peer| peer.client_certificate());
        let client = client.iter().map(|one| ("ours, for TLS", one));
        for (whose, certificate) in own.chain(theirs).chain(client) {
            let (from, until) = certificate.window();
            found.push(As2Certificate {
                partner: partner.to_owned(),
                whose,
                subject: certificate.subject(),
                sha256: certificate.fingerprint(),
                from,
                until,
                revoked: keys.revoked_by(certificate).is_some(),
            });
        }
    }
    Ok(found)
}

impl Gateway {
    /// Looks at the certificates of AS2 partners, once an hour.
    pub(in crate::gateway) fn look_at_certificates(&self, now: Timestamp) -> Result<(), Error> {
        {
            let mut looked = self.as2.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if looked.is_some_and(|at| now.duration_since(at) < EVERY) {
                return Ok(());
            }
            *looked = Some(now);
        }
        let live = self.live();
        for partner in live.working() {
            let Some(peer) = live.mailboxes.of(partner).and_then(|binding| binding.peer()) else {
                continue;
            };
            // Where they cannot be read, whatever needs them tells.
            let Ok(keys) = peer.keys() else { continue };
            // Of several of the partner's only the one that ends last counts: that is what rollover is for.
            let last = keys.partner.iter().max_by_key(|one| one.window().1);
            let own = keys.own.first().map(crate::transport::as2::cms::Identity::certificate);
            let client = peer.client_certificate();
            let all = [
                ("our certificate", own),
                ("the partner's certificate", last),
                ("our TLS client certificate", client.as_ref()),
            ];
            for (what, certificate) in all {
                let Some(certificate) = certificate else { continue };
                self.look_at(partner, what, ending(what, certificate, now), now)?;
            }
            self.look_at(partner, REVOKED, revoked(&keys), now)?;
            self.look_at(partner, LISTS, old(&keys, now), now)?;
        }
        Ok(())
    }

    /// Tells what is wrong with something, once, and that it no longer is.
    fn look_at(
        &self,
        partner: &str,
        what: &str,
        seen: Result<Wrong, String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let noted = PurchaseOrderKey {
            partner: partner.to_owned(),
            kind: "certificate".to_owned(),
            number: what.to_owned(),
        };
        let state = seen.as_ref().map_or_else(|_| String::new(), |wrong| wrong.state.clone());
        let before = self.ledger.store().purchase_order(&noted)?.unwrap_or_default();
        if before == state {
            return Ok(());
        }
        let about = format!("certificate {partner} {what}");
        let mut draft = Draft::new();
        draft.push(Change::Noted(noted, state));
        match seen {
            Err(words) => draft.mend(about, now, &words),
            Ok(Wrong { kind, words, due, .. }) => {
                let trouble = Trouble {
                    kind,
                    partner,
                    cause: what,
                    place: what,
                    words: &words,
                    mend: "",
                    about: About::condition(about, what),
                };
                self.raise_due(&mut draft, trouble, now, due);
            }
        }
        Ok(self.ledger.commit(draft)?)
    }
}

const REVOKED: &str = "revoked certificates";
const LISTS: &str = "lists of revoked certificates";
/// Names in words for people.
const NAMED_MAX: usize = 5;

/// What is wrong with a certificate or a list.
struct Wrong {
    kind: Kind,
    /// As long as it is the same, it is not told again.
    state: String,
    words: String,
    due: Option<Timestamp>,
}

/// Whether a certificate ends soon; if not, the words for that.
fn ending(what: &str, certificate: &Certificate, now: Timestamp) -> Result<Wrong, String> {
    let until = certificate.window().1;
    let left = until.duration_since(now);
    let near = DAYS.into_iter().find(|days| left <= SignedDuration::from_hours(24 * days));
    let day = until.strftime("%Y-%m-%d");
    let Some(days) = near else { return Err(format!("{what} is in force until {day}")) };
    let words = if days == 0 {
        format!("{what} has ended on {day}")
    } else {
        format!("{what} ends on {day}, in less than {days} days")
    };
    let (kind, state) = (Kind::CertificateExpires, format!("{until} {days}"));
    Ok(Wrong { kind, state, words, due: Some(until.max(now)) })
}

/// The partner's certificates that are revoked.
fn revoked(keys: &Keys) -> Result<Wrong, String> {
    let all = keys.partner.iter().filter_map(|one| Some((one, keys.revoked_by(one)?)));
    let words = all.map(|(one, file)| {
        format!("{} (SHA-256 {}) is revoked by {file}", one.subject(), one.fingerprint())
    });
    told(Kind::CertificateRevoked, words, "no certificate of the partner's is revoked")
}

/// The lists that say to be old.
fn old(keys: &Keys, now: Timestamp) -> Result<Wrong, String> {
    let ended = |list: &RevocationList| list.until().filter(|until| *until < now);
    let all = keys.lists.iter().filter_map(|(file, list)| Some((file, ended(list)?)));
    let words = all.map(|(file, until)| {
        format!("{file} has ended on {}, and is used all the same", until.strftime("%Y-%m-%d"))
    });
    told(Kind::RevocationListOld, words, "no list of revoked certificates is old")
}

fn told(kind: Kind, words: impl Iterator<Item = String>, otherwise: &str) -> Result<Wrong, String> {
    let words: Vec<String> = words.take(NAMED_MAX).collect();
    let words = words.join("; ");
    if words.is_empty() {
        return Err(otherwise.to_owned());
    }
    Ok(Wrong { kind, state: words.clone(), words, due: None })
}
