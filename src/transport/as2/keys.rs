//! The keys and certificates that two partners have agreed on.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::cms::{Certificate, Identity};
use crate::profile::{As2, Secret};
use crate::secrets::{read_secret, read_secret_bytes};

/// The keys of both sides.
#[derive(Debug)]
pub struct Keys {
    /// Ours; the first signs.
    pub own: Vec<Identity>,
    /// The partner's certificates, in force or not.
    pub partner: Vec<Certificate>,
}

impl Keys {
    /// The partner's certificates that are in force.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Vec<Certificate> {
        self.partner.iter().filter(|one| one.is_in_force(now)).cloned().collect()
    }

    /// The one to encrypt for: of those in force the one that began last.
    pub(super) fn newest(&self, now: Timestamp) -> Option<&Certificate> {
        let in_force = self.partner.iter().filter(|one| one.is_in_force(now));
        in_force.max_by_key(|one| one.window().0)
    }

    /// Makes them of what was read of the files, in the order of [`texts`].
    pub(super) fn of(settings: &As2, texts: &[Vec<u8>]) -> Result<Self, String> {
        let As2 { key, other_keys, certificates, .. } = settings;
        let mut texts = texts.iter();
        let mut next = || texts.next().map(Vec::as_slice).unwrap_or_default();
        let passphrase = String::from_utf8_lossy(next()).into_owned();
        let mut own = Vec::new();
        for secret in std::iter::once(key).chain(other_keys) {
            let identity = Identity::read(next(), &passphrase);
            own.push(identity.map_err(|e| format!("key {secret}: {e}"))?);
        }
        let mut partner = Vec::new();
        for file in certificates {
            let certificate = Certificate::read(next());
            partner.push(certificate.map_err(|e| format!("certificate {file}: {e}"))?);
        }
        Ok(Self { own, partner })
    }
}

/// All that keys are made of: passphrase, keys, certificates.
pub(super) fn texts(settings: &As2, base: &Path) -> Result<Vec<Vec<u8>>, String> {
    let As2 { key, key_passphrase, other_keys, certificates, .. } = settings;
    let mut texts = vec![match key_passphrase {
        Some(secret) => read_secret(&based(base, secret))
            .map_err(|words| format!("key_passphrase {secret}: {words}"))?
            .into_bytes(),
        None => Vec::new(),
    }];
    for secret in std::iter::once(key).chain(other_keys) {
        let bytes = read_secret_bytes(&based(base, secret));
        texts.push(bytes.map_err(|words| format!("key {secret}: {words}"))?);
    }
    for file in certificates {
        texts.push(read_file(base, file)?);
    }
    Ok(texts)
}

/// A file that a profile names.
pub(super) fn read_file(base: &Path, file: &str) -> Result<Vec<u8>, String> {
    let path = base.join(file);
    fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A secret whose file is relative to a folder.
pub(super) fn based(base: &Path, secret: &Secret) -> Secret {
    match secret {
        Secret::File(path) => Secret::File(base.join(path)),
        Secret::Environment(_) => secret.clone(),
    }
}
