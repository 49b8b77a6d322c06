//! The keys and certificates that two partners have agreed on.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::cms::{Certificate, Identity, RevocationList};
use crate::profile::{As2, Secret};
use crate::secrets::{read_secret, read_secret_bytes};

/// The keys of both sides.
#[derive(Debug, Default)]
pub struct Keys {
    /// Ours; the first signs.
    pub own: Vec<Identity>,
    /// The partner's certificates, in force or not.
    pub partner: Vec<Certificate>,
    /// Lists of revoked certificates, each with the file that it is in.
    pub lists: Vec<(String, RevocationList)>,
}

impl Keys {
    /// The partner's certificates that are in force, and not revoked.
    #[must_use]
    pub fn in_force(&self, now: Timestamp) -> Vec<Certificate> {
        self.used(now).cloned().collect()
    }

    /// The one to encrypt for: of those in force the one that began last.
    pub(super) fn newest(&self, now: Timestamp) -> Option<&Certificate> {
        self.used(now).max_by_key(|one| one.window().0)
    }

    /// The file of the list by which a certificate is revoked; nothing where it is not.
    #[must_use]
    pub fn revoked_by(&self, certificate: &Certificate) -> Option<&str> {
        let list = self.lists.iter().find(|(_, list)| list.revokes(certificate));
        list.map(|(file, _)| file.as_str())
    }

    fn used(&self, now: Timestamp) -> impl Iterator<Item = &Certificate> {
        let in_force = self.partner.iter().filter(move |one| one.is_in_force(now));
        in_force.filter(|one| self.revoked_by(one).is_none())
    }

    /// Makes them of what was read of the files, in the order of [`texts`].
    pub(super) fn of(settings: &As2, texts: &[Vec<u8>]) -> Result<Self, String> {
        let As2 { key, other_keys, certificates, crl, crl_issuers, .. } = settings;
        let mut texts = texts.iter();
        let mut next = || texts.next().map(Vec::as_slice).unwrap_or_default();
        let passphrase = String::from_utf8_lossy(next()).into_owned();
        let mut own = Vec::new();
        for secret in std::iter::once(key).chain(other_keys) {
            let identity = Identity::read(next(), &passphrase);
            own.push(identity.map_err(|e| format!("key {secret}: {e}"))?);
        }
        let mut read = |file: &String| {
            Certificate::read(next()).map_err(|e| format!("certificate {file}: {e}"))
        };
        let partner: Vec<_> = certificates.iter().map(&mut read).collect::<Result<_, _>>()?;
        let issuers: Vec<_> = crl_issuers.iter().map(&mut read).collect::<Result<_, _>>()?;
        let mut lists = Vec::new();
        for file in crl {
            let list = RevocationList::read(next()).map_err(|e| format!("crl {file}: {e}"))?;
            if !issuers.is_empty() && !list.is_signed_by(&issuers) {
                return Err(format!("crl {file}: it is not signed by any of `crl_issuers`"));
            }
            lists.push((file.clone(), list));
        }
        Ok(Self { own, partner, lists })
    }
}

/// All that keys are made of: passphrase, keys, certificates, lists of revoked ones and their issuers.
pub(super) fn texts(settings: &As2, base: &Path) -> Result<Vec<Vec<u8>>, String> {
    let As2 { key, key_passphrase, other_keys, certificates, crl, crl_issuers, .. } = settings;
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
    for file in certificates.iter().chain(crl_issuers).chain(crl) {
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
