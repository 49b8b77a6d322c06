//! Signatures and ciphers, both ways between ours and `openssl cms`.

use std::fs;
use std::process::Command;

use crossdock::transport::as2::cms::{Cipher, Digest, Identity, Padding, open, seal, sign, verify};
use jiff::Timestamp;

use super::{CONTENT, identity};

/// A folder with our key and a content in it, where openssl runs.
struct Desk {
    folder: tempfile::TempDir,
    identity: Identity,
}

impl Desk {
    /// Nothing where there is no openssl, which is said.
    fn open() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("skipped: there is no openssl on the path (apt install openssl)");
            return None;
        }
        let desk = Self { folder: tempfile::tempdir().unwrap(), identity: identity("ours.pem") };
        let certificate = desk.identity.certificate().x509().to_pem().unwrap();
        desk.put("key.pem", &desk.identity.to_pem().unwrap());
        desk.put("certificate.pem", &certificate);
        desk.put("content", CONTENT);
        Some(desk)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// `openssl cms` with these words.
    fn run(&self, words: &str) {
        let mut command = Command::new("openssl");
        command.current_dir(&self.folder).arg("cms").args(words.split(' '));
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "openssl cms {words}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn digest_name(digest: Digest) -> String {
        digest.name().replace('-', "")
    }
}

#[test]
fn openssl_verifies_our_signatures_and_we_verify_its() {
    let Some(desk) = Desk::open() else { return };
    let certificates = [desk.identity.certificate().clone()];
    for digest in Digest::ALL {
        let name = Desk::digest_name(digest);
        let ours = sign(&digest.of(CONTENT).unwrap(), digest, &desk.identity, Timestamp::now());
        desk.put("ours", &ours.unwrap());
        desk.run("-verify -binary -inform DER -in ours -content content -CAfile certificate.pem -purpose any -no_check_time -out verified");
        assert_eq!(desk.get("verified"), CONTENT);

        for more in [
            "-nocerts",
            "-stream",
            "-keyid",
            "-noattr",
            "-noattr -stream",
            "-keyopt rsa_padding_mode:pss",
            "-keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:8",
        ] {
            desk.run(&format!(
                "-sign -binary -md {name} -in content -signer certificate.pem -inkey key.pem -outform DER -out theirs {more}"
            ));
            let verified = verify(&desk.get("theirs"), CONTENT, &certificates);
            assert_eq!(verified.unwrap().digest, digest, "{more}");
            assert!(verify(&desk.get("theirs"), b"ISA", &certificates).is_err(), "{more}");
        }
    }
}

#[test]
fn openssl_decrypts_what_we_encrypt_and_we_decrypt_its() {
    let Some(desk) = Desk::open() else { return };
    let own = [desk.identity.clone()];
    for cipher in Cipher::ALL {
        let name = cipher.name();
        for padding in [Padding::Pkcs1, Padding::Oaep(Digest::Sha1), Padding::Oaep(Digest::Sha256)]
        {
            let ours = seal(CONTENT, cipher, padding, &[desk.identity.certificate()]).unwrap();
            desk.put("ours", &ours);
            desk.run("-decrypt -binary -inform DER -in ours -recip certificate.pem -inkey key.pem -out decrypted");
            assert_eq!(desk.get("decrypted"), CONTENT, "{name} {padding:?}");
        }
        for more in [
            "",
            " -stream",
            " -keyid",
            " -keyopt rsa_padding_mode:oaep",
            " -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha512",
        ] {
            desk.run(&format!(
                "-encrypt -binary -{name} -in content -outform DER -out theirs -recip certificate.pem{more}"
            ));
            let opened = open(&desk.get("theirs"), &own).unwrap();
            assert_eq!((opened.cipher, &opened.content[..]), (cipher, CONTENT), "{more}");
        }
    }
}
