//! Certificates that end soon: a person is told 30, 14 and 3 days before, and once they have ended.

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
use crate::transport::as2::cms::Certificate;

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
            for (whose, certificate) in all {
                let Some(certificate) = certificate else { continue };
                self.look_at_certificate(partner, whose, certificate, now)?;
            }
        }
        Ok(())
    }

    fn look_at_certificate(
        &self,
        partner: &str,
        whose: &str,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<(), Error> {
        let until = certificate.window().1;
        let left = until.duration_since(now);
        let near = DAYS.into_iter().find(|days| left <= SignedDuration::from_hours(24 * days));
        let about = format!("certificate {partner} {whose}");
        let noted = PurchaseOrderKey {
            partner: partner.to_owned(),
            kind: "certificate".to_owned(),
            number: whose.to_owned(),
        };
        let words = near.map(|days| format!("{until} {days}")).unwrap_or_default();
        let store = self.ledger.store();
        let before = store.purchase_order(&noted)?.unwrap_or_default();
        if before == words {
            return Ok(());
        }
        let mut draft = Draft::new();
        draft.push(Change::Noted(noted, words));
        let day = until.strftime("%Y-%m-%d");
        match near {
            None => draft.mend(about, now, &format!("{whose} is in force until {day}")),
            Some(days) => {
                let words = if days == 0 {
                    format!("{whose} has ended on {day}")
                } else {
                    format!("{whose} ends on {day}, in less than {days} days")
                };
                let trouble = Trouble {
                    kind: Kind::CertificateExpires,
                    partner,
                    cause: whose,
                    place: whose,
                    words: &words,
                    mend: "",
                    about: About::condition(about, whose),
                };
                self.raise_due(&mut draft, trouble, now, Some(until.max(now)));
            }
        }
        Ok(self.ledger.commit(draft)?)
    }
}
