//! Certificates and keys, and how a message names them.

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, Private, Public};
use openssl::x509::{X509, X509Name};

use super::ber::{INTEGER, Reader, SEQUENCE, Value, context};
use super::{Digest, Error};

/// A certificate of a partner, or of ours.
#[derive(Debug, Clone)]
pub struct Certificate {
    x509: X509,
    key: PKey<Public>,
    /// The issuer's name, in DER.
    pub(super) issuer: Vec<u8>,
    /// The serial number, in DER.
    pub(super) serial: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
}

impl Certificate {
    /// Takes a certificate, if its key is RSA or on an elliptic curve.
    ///
    /// # Errors
    /// Where its key is of another kind.
    pub fn new(x509: X509) -> Result<Self, Error> {
        let key = x509.public_key()?;
        if !matches!(key.id(), Id::RSA | Id::EC) {
            return Err(Error::Key("a certificate whose key is neither RSA nor EC"));
        }
        let der = x509.to_der()?;
        let mut reader =
            Reader::new(&der).expect(SEQUENCE)?.reader()?.expect(SEQUENCE)?.reader()?;
        reader.optional(context(0))?;
        let serial = reader.expect(INTEGER)?.whole.to_vec();
        reader.expect(SEQUENCE)?;
        let issuer = reader.expect(SEQUENCE)?.whole.to_vec();
        let key_identifier = x509.subject_key_id().map(|id| id.as_slice().to_vec());
        Ok(Self { x509, key, issuer, serial, key_identifier })
    }

    /// Reads one in PEM or DER.
    ///
    /// # Errors
    /// Where it is neither, or its key is of another kind than RSA and EC.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let x509 = X509::from_pem(bytes).or_else(|_| X509::from_der(bytes));
        Self::new(x509.map_err(|_| Error::Key("no certificate in PEM or DER"))?)
    }

    /// The certificate itself.
    #[must_use]
    pub fn x509(&self) -> &X509 {
        &self.x509
    }

    /// Whose it is, for people: its common name, or all of its name.
    #[must_use]
    pub fn subject(&self) -> String {
        let name = self.x509.subject_name();
        let text =
            |entry: &openssl::x509::X509NameEntryRef| entry.data().to_string().unwrap_or_default();
        let common = name.entries_by_nid(openssl::nid::Nid::COMMONNAME).next().map(text);
        common.unwrap_or_else(|| name.entries().map(text).collect::<Vec<_>>().join(", "))
    }

    /// Its SHA-256, as `openssl x509 -fingerprint -sha256` shows it; empty where the library fails.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = self.x509.to_der().and_then(|der| Digest::Sha256.of(&der));
        let digest = digest.unwrap_or_default();
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// From when to when it is in force.
    #[must_use]
    pub fn window(&self) -> (Timestamp, Timestamp) {
        (moment(self.x509.not_before()), moment(self.x509.not_after()))
    }

    /// Whether it is in force at a moment.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        let (from, until) = self.window();
        (from..=until).contains(&now)
    }

    pub(super) fn key(&self) -> &PKey<Public> {
        &self.key
    }

    /// Whether a message means it.
    pub(super) fn is(&self, named: &Named) -> bool {
        match named {
            Named::KeyIdentifier(id) => self.key_identifier.as_ref() == Some(id),
            Named::Issued { issuer, serial } => {
                *serial == self.serial && (*issuer == self.issuer || same(issuer, &self.issuer))
            }
        }
    }
}

/// A moment of a certificate. What cannot be compared is never.
pub(super) fn moment(time: &Asn1TimeRef) -> Timestamp {
    let since = Asn1Time::from_unix(0).and_then(|epoch| epoch.diff(time));
    let seconds = since.map(|span| i64::from(span.days) * 86_400 + i64::from(span.secs));
    seconds.ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or(Timestamp::MIN)
}

/// Whether two names are the same, written with other kinds of strings.
fn same(a: &[u8], b: &[u8]) -> bool {
    let name = |der| X509Name::from_der(der).ok();
    let (Some(a), Some(b)) = (name(a), name(b)) else { return false };
    a.try_cmp(&b).is_ok_and(std::cmp::Ordering::is_eq)
}

/// A certificate of ours with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    pub(super) certificate: Certificate,
    pub(super) key: PKey<Private>,
}

impl Identity {
    /// Brings them together.
    ///
    /// # Errors
    /// Where they do not belong together.
    pub fn new(certificate: Certificate, key: PKey<Private>) -> Result<Self, Error> {
        if !certificate.key.public_eq(&key) {
            return Err(Error::Key("the key is not that of the certificate"));
        }
        Ok(Self { certificate, key })
    }

    /// Reads key and certificate: both in one text (PEM), or in PKCS#12.
    ///
    /// # Errors
    /// Where one of them is missing, the passphrase is wrong, or they do not belong together.
    pub fn read(bytes: &[u8], passphrase: &str) -> Result<Self, Error> {
        if let Ok(file) = Pkcs12::from_der(bytes) {
            let parsed = file.parse2(passphrase);
            let parsed =
                parsed.map_err(|_| Error::Key("the passphrase of the PKCS#12 is wrong"))?;
            let (Some(x509), Some(key)) = (parsed.cert, parsed.pkey) else {
                return Err(Error::Key("a PKCS#12 without a key or its certificate"));
            };
            return Self::new(Certificate::new(x509)?, key);
        }
        // Never asks at the terminal, as the library would.
        let key = PKey::private_key_from_pem_passphrase(bytes, passphrase.as_bytes());
        let key = key.map_err(|_| Error::Key("no key in PEM or PKCS#12, or a wrong passphrase"))?;
        Self::new(Certificate::read(bytes)?, key)
    }

    /// Key and certificate in one text (PEM), the key in the clear.
    ///
    /// # Errors
    /// Where the key cannot be written.
    pub fn to_pem(&self) -> Result<Vec<u8>, Error> {
        Ok([self.key.private_key_to_pem_pkcs8()?, self.certificate.x509.to_pem()?].concat())
    }

    /// Key and certificate in PKCS#12.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn to_pkcs12(&self, name: &str, passphrase: &str) -> Result<Vec<u8>, Error> {
        let mut builder = Pkcs12::builder();
        builder.name(name).pkey(&self.key).cert(&self.certificate.x509);
        Ok(builder.build2(passphrase)?.to_der()?)
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// How a message names a certificate.
pub(super) enum Named {
    Issued { issuer: Vec<u8>, serial: Vec<u8> },
    KeyIdentifier(Vec<u8>),
}

impl Named {
    /// From the choice that signers and recipients share (RFC 5652, 5.3 and 6.2.1).
    pub(super) fn read(value: Value<'_>) -> Result<Self, Error> {
        if value.tag != SEQUENCE {
            return Ok(Self::KeyIdentifier(value.octets()?));
        }
        let mut reader = value.reader()?;
        let issuer = reader.expect(SEQUENCE)?.to_der(SEQUENCE)?;
        let serial = reader.expect(INTEGER)?.to_der(INTEGER)?;
        Ok(Self::Issued { issuer, serial })
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (words, bytes) = match self {
            // Without tag and length.
            Self::Issued { serial, .. } => ("serial", serial.get(2..).unwrap_or_default()),
            Self::KeyIdentifier(id) => ("key", &id[..]),
        };
        f.write_str(words)?;
        f.write_str(" ")?;
        // A serial number has 20 bytes at most (RFC 5280, 4.1.2.2), as has a key identifier by custom.
        bytes.iter().take(20).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
