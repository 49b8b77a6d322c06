//! An authority of the tests: it vouches for servers and clients.

use std::fs;
use std::process::Command;

use crossdock::transport::as2::cms::{Certificate, Identity};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};

/// A certificate with its key.
pub struct Made {
    pub certificate: X509,
    pub key: PKey<Private>,
}

impl Made {
    pub fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().unwrap()
    }

    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }

    /// What it makes with an RSA key, for messages.
    pub fn vouch_rsa(&self, name: &str, serial: u32) -> Identity {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let made = make(name, serial, key, Some(self));
        Identity::new(Certificate::new(made.certificate).unwrap(), made.key).unwrap()
    }

    /// Its list of the certificates that it has taken back, by their numbers, in PEM, made by `openssl ca`; the newest
    /// until so many days from now.
    pub fn list(&self, serials: &[u32], days: i64) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("ca.pem", &[self.certificate_pem(), self.key_pem()].concat());
        write("ca.cnf", b"[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\ndefault_md = sha256\n");
        let moment = |days: i64| {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
            at.strftime("%y%m%d%H%M%SZ").to_string()
        };
        let (until, at) = (moment(300), moment(-30));
        let lines = serials.iter().map(|serial| {
            format!("R\t{until}\t{at}\t{serial:02X}\tunknown\t/CN=Harbor {serial}\n")
        });
        write("index.txt", lines.collect::<Vec<_>>().concat().as_bytes());
        let made = Command::new("openssl")
            .args(["ca", "-gencrl", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.pem"])
            .args(["-crl_lastupdate", &at, "-crl_nextupdate", &moment(days)])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    }

    /// What it makes with a key on an elliptic curve, for TLS on 127.0.0.1.
    pub fn vouch(&self, name: &str) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        make(name, 2, key, Some(self))
    }
}

pub fn authority(name: &str) -> Made {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    make(name, 1, key, None)
}

fn make(name: &str, serial: u32, key: PKey<Private>, issuer: Option<&Made>) -> Made {
    let mut of = X509Name::builder().unwrap();
    of.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    let of = of.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(serial).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&of).unwrap();
    builder.set_issuer_name(issuer.map_or(&*of, |by| by.certificate.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(300).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    if let Some(by) = issuer {
        let context = builder.x509v3_context(Some(&by.certificate), None);
        let host = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
        builder.append_extension(host).unwrap();
    } else {
        let constraints = BasicConstraints::new().critical().ca().build().unwrap();
        builder.append_extension(constraints).unwrap();
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
        builder.append_extension(usage).unwrap();
    }
    builder.sign(issuer.map_or(&key, |by| &by.key), MessageDigest::sha256()).unwrap();
    Made { certificate: builder.build(), key }
}
