//! Lists of certificates that their issuer has taken back (CRL, RFC 5280, 5), read from files. Nothing is fetched.

use jiff::Timestamp;
use openssl::x509::{CrlStatus, X509Crl};

use super::identity::moment;
use super::{Certificate, Error};

/// A list of revoked certificates.
pub struct RevocationList {
    crl: X509Crl,
}

impl RevocationList {
    /// Reads one in PEM or DER.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let crl = X509Crl::from_pem(bytes).or_else(|_| X509Crl::from_der(bytes));
        let crl = crl.map_err(|_| Error::Key("no list of revoked certificates in PEM or DER"))?;
        Ok(Self { crl })
    }

    /// Whether it was signed by one of these, which must have its issuer's name.
    #[must_use]
    pub fn is_signed_by(&self, issuers: &[Certificate]) -> bool {
        let named = issuers.iter().filter(|issuer| {
            let name = issuer.x509().subject_name();
            name.try_cmp(self.crl.issuer_name()).is_ok_and(std::cmp::Ordering::is_eq)
        });
        named.into_iter().any(|issuer| self.crl.verify(issuer.key()).unwrap_or(false))
    }

    /// Until when it says of itself to be the newest; nothing where it does not say.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.crl.next_update().map(moment)
    }

    /// Whether it takes a certificate back. It speaks of those of its own issuer alone.
    #[must_use]
    pub fn revokes(&self, certificate: &Certificate) -> bool {
        let x509 = certificate.x509();
        let order = x509.issuer_name().try_cmp(self.crl.issuer_name());
        order.is_ok_and(std::cmp::Ordering::is_eq)
            && matches!(self.crl.get_by_serial(x509.serial_number()), CrlStatus::Revoked(_))
    }
}

impl std::fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RevocationList").field("until", &self.until()).finish_non_exhaustive()
    }
}
