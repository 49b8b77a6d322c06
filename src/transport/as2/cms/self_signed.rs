//! Certificates that vouch for themselves, as AS2 partners exchange them.

use jiff::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Name};

use super::{Certificate, Error, Identity};

/// Two for today, three for what has to last beyond 2030, four where somebody asks for it.
const BITS: [u32; 3] = [2048, 3072, 4096];

impl Identity {
    /// A new RSA key with a certificate of its own, to sign and to be encrypted for.
    ///
    /// # Errors
    /// Where the key is to have another number of bits than 2048, 3072 or 4096, or the name cannot stand in a
    /// certificate.
    pub fn self_signed(
        common_name: &str,
        bits: u32,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Self, Error> {
        if !BITS.contains(&bits) {
            return Err(Error::Key("an RSA key has 2048, 3072 or 4096 bits"));
        }
        let key = PKey::from_rsa(Rsa::generate(bits)?)?;
        let mut name = X509Name::builder()?;
        name.append_entry_by_text("CN", common_name)?;
        let name = name.build();
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_subject_name(&name)?;
        builder.set_issuer_name(&name)?;
        let (from, until) = (time(from)?, time(until)?);
        builder.set_not_before(&from)?;
        builder.set_not_after(&until)?;
        builder.set_pubkey(&key)?;
        let mut serial = BigNum::new()?;
        // Positive in 20 bytes (RFC 5280, 4.1.2.2).
        serial.rand(152, MsbOption::ONE, false)?;
        let serial = serial.to_asn1_integer()?;
        builder.set_serial_number(&serial)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature().non_repudiation().key_encipherment();
        builder.append_extension(usage.data_encipherment().build()?)?;
        let id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Self::new(Certificate::new(builder.build())?, key)
    }
}

fn time(at: Timestamp) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(at.as_second())
}
