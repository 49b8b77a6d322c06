use std::sync::LazyLock;

use jiff::{Timestamp, ToSpan as _};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::X509;
use proptest::prelude::*;

use super::ber::{CONSTRUCTED, OCTET_STRING, Reader};
use super::*;

const CONTENT: &[u8] = b"Content-Type: application/edi-x12\r\n\r\nISA*00*~\x00\xff\n";

fn identity(name: &str) -> Identity {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/as2");
    Identity::read(&std::fs::read(folder.join(name)).unwrap(), "").unwrap()
}

static ONE: LazyLock<Identity> = LazyLock::new(|| identity("ours.pem"));
static OTHER: LazyLock<Identity> = LazyLock::new(|| identity("theirs.pem"));

/// The same identity with a key on a curve.
fn on_a_curve() -> Identity {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let like = ONE.certificate().x509();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(like.subject_name()).unwrap();
    builder.set_issuer_name(like.issuer_name()).unwrap();
    builder.set_not_before(like.not_before()).unwrap();
    builder.set_not_after(like.not_after()).unwrap();
    builder.set_serial_number(like.serial_number()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    Identity::new(Certificate::new(builder.build()).unwrap(), key).unwrap()
}

fn signed(signer: &Identity, digest: Digest) -> Vec<u8> {
    let at = "2026-03-04T05:06:07Z".parse().unwrap();
    sign(&digest.of(CONTENT).unwrap(), digest, signer, at).unwrap()
}

/// The same message as streaming writers make it: lengths indefinite, strings in pieces of 20 bytes.
fn in_pieces(der: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = Reader::new(der);
    while let Some(value) = reader.next().unwrap() {
        if value.tag & CONSTRUCTED != 0 {
            out.extend([value.tag, 0x80]);
            out.extend(in_pieces(value.content));
            out.extend([0, 0]);
        } else if [OCTET_STRING, 0x80].contains(&value.tag) {
            out.extend([value.tag | CONSTRUCTED, 0x80]);
            for piece in value.content.chunks(20) {
                out.extend(der::tlv(OCTET_STRING, &[piece]));
            }
            out.extend([0, 0]);
        } else {
            out.extend(value.whole);
        }
    }
    out
}

#[test]
fn a_signature_is_verified_with_every_digest_and_kind_of_key() {
    let curve = on_a_curve();
    for signer in [&*ONE, &curve] {
        for digest in Digest::ALL {
            let certificates = [OTHER.certificate.clone(), signer.certificate.clone()];
            for signature in [signed(signer, digest), in_pieces(&signed(signer, digest))] {
                assert_eq!(Kind::of(&signature).unwrap(), Kind::Signed);
                let verified = verify(&signature, CONTENT, &certificates).unwrap();
                assert_eq!((verified.certificate, verified.digest), (1, digest));
                assert_eq!(verified.content_digest, digest.of(CONTENT).unwrap());
                let altered = verify(&signature, b"ISA*01*", &certificates);
                assert!(matches!(altered, Err(Error::Altered)), "{altered:?}");
                let unknown = verify(&signature, CONTENT, &certificates[..1]);
                assert!(matches!(unknown, Err(Error::UnknownSigner(_))), "{unknown:?}");
                assert!(verify(&signature, CONTENT, &[]).is_err());
            }
        }
    }
    // Another key under the same issuer and serial number is another signer.
    let unknown =
        verify(&signed(&curve, Digest::Sha256), CONTENT, std::slice::from_ref(&ONE.certificate));
    assert!(matches!(unknown, Err(Error::UnknownSigner(_))), "{unknown:?}");
}

#[test]
fn a_content_is_opened_with_every_cipher_and_padding() {
    let own = [OTHER.clone(), ONE.clone()];
    for cipher in Cipher::ALL {
        for padding in [Padding::Pkcs1, Padding::Oaep(Digest::Sha1), Padding::Oaep(Digest::Sha256)]
        {
            let sealed = seal(CONTENT, cipher, padding, &[&ONE.certificate]).unwrap();
            for message in [in_pieces(&sealed), sealed] {
                let opened = open(&message, &own).unwrap();
                assert_eq!((opened.cipher, opened.identity), (cipher, 1));
                assert_eq!(opened.content, CONTENT);
                let not_for_us = open(&message, &own[..1]);
                assert!(matches!(not_for_us, Err(Error::NotForUs(_))), "{not_for_us:?}");
            }
        }
    }
    let sealed =
        seal(CONTENT, Cipher::Aes128Cbc, Padding::Pkcs1, &[&ONE.certificate, &OTHER.certificate]);
    for own in [&*ONE, &*OTHER] {
        assert_eq!(
            open(sealed.as_ref().unwrap(), std::slice::from_ref(own)).unwrap().content,
            CONTENT
        );
    }
    let curve = on_a_curve();
    assert!(matches!(
        seal(CONTENT, Cipher::Aes128Cbc, Padding::Pkcs1, &[&curve.certificate]),
        Err(Error::Key(_))
    ));
}

#[test]
fn a_key_is_kept_with_its_certificate() {
    let der = |identity: &Identity| identity.certificate.x509().to_der().unwrap();
    for bytes in [ONE.to_pem().unwrap(), ONE.to_pkcs12("one", "secret").unwrap()] {
        assert_eq!(der(&Identity::read(&bytes, "secret").unwrap()), der(&ONE));
    }
    let file = ONE.to_pkcs12("one", "secret").unwrap();
    let (key, other) = (ONE.to_pem().unwrap(), OTHER.certificate.x509().to_pem().unwrap());
    for (bytes, passphrase) in [
        (file, "another"),
        ([&key[..key.len() / 2], &other[..]].concat(), ""),
        (other, ""),
        (b"hello".to_vec(), ""),
    ] {
        assert!(matches!(Identity::read(&bytes, passphrase), Err(Error::Key(_))));
    }
}

#[test]
fn a_certificate_that_vouches_for_itself_is_made() {
    let from: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
    let made = Identity::self_signed("Harbor, \"Pine\"", 2048, from, from + 24.hours()).unwrap();
    let certificate = made.certificate().x509();
    assert!(certificate.verify(made.certificate().key()).unwrap());
    assert_eq!(certificate.not_after().to_string(), "Mar  5 05:06:07 2026 GMT");
    let signature = signed(&made, Digest::Sha256);
    assert!(verify(&signature, CONTENT, std::slice::from_ref(made.certificate())).is_ok());
    assert!(Identity::self_signed("weak", 1024, from, from + 24.hours()).is_err());
}

#[test]
fn what_was_altered_on_its_way_is_not_opened_as_what_it_was() {
    let own = [ONE.clone()];
    for cipher in Cipher::ALL {
        let sealed = seal(CONTENT, cipher, Padding::Pkcs1, &[&ONE.certificate]).unwrap();
        // The content and, with GCM, its tag stand last.
        for back in 1..60 {
            let mut altered = sealed.clone();
            let at = altered.len() - back;
            altered[at] ^= 0x40;
            match open(&altered, &own) {
                Ok(opened) => assert!(!cipher.is_authenticated() && opened.content != CONTENT),
                Err(error) => {
                    assert!(matches!(error, Error::Undecryptable | Error::Malformed(_)), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_compressed_content_has_a_limit() {
    let content = CONTENT.repeat(1000);
    let message = compress(&content).unwrap();
    assert!(message.len() < content.len() / 20);
    for message in [in_pieces(&message), message] {
        assert_eq!(decompress(&message, content.len()).unwrap(), content);
        let too_large = decompress(&message, content.len() - 1);
        assert!(matches!(too_large, Err(Error::TooLarge(_))), "{too_large:?}");
    }
    assert_eq!(decompress(&compress(b"").unwrap(), 0).unwrap(), b"");
    // A thousandfold, and no more is made of it than the limit.
    let bomb = compress(&vec![0; 5_000_000]).unwrap();
    assert!(bomb.len() < 10_000);
    assert!(matches!(decompress(&bomb, 1_000_000), Err(Error::TooLarge(1_000_000))));
}

#[test]
fn a_message_cut_short_is_none() {
    let own = [ONE.clone()];
    let certificates = [ONE.certificate.clone()];
    let sealed = seal(CONTENT, Cipher::Aes256Gcm, Padding::Pkcs1, &[&ONE.certificate]).unwrap();
    for message in [signed(&ONE, Digest::Sha256), sealed, compress(CONTENT).unwrap()] {
        for message in [in_pieces(&message), message] {
            for length in 0..message.len() {
                let cut = &message[..length];
                assert!(Kind::of(cut).is_err() || length + 2 >= message.len());
                assert!(verify(cut, CONTENT, &certificates).is_err());
                assert!(open(cut, &own).is_err());
                assert!(decompress(cut, 1000).is_err());
            }
        }
    }
}

#[test]
fn depth_and_lengths_have_bounds() {
    let deep = [0x30, 0x80].repeat(100_000);
    let tall = [&[0x30, 0x88][..], &[0xff; 8]].concat();
    for bytes in [&deep[..], &tall, &[0x30, 0x89], &[0x1f, 0x01, 0x00], &[0x04, 0x80, 0, 0]] {
        assert!(matches!(Kind::of(bytes), Err(Error::Malformed(_))));
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        which in 0..6_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        static MESSAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
            let sealed = seal(CONTENT, Cipher::Aes128Gcm, Padding::Oaep(Digest::Sha256), &[&ONE.certificate]);
            let plain = [signed(&ONE, Digest::Sha256), sealed.unwrap(), compress(CONTENT).unwrap()];
            plain.iter().flat_map(|message| [in_pieces(message), message.clone()]).collect()
        });
        let mut message = MESSAGES[which].clone();
        for (index, byte) in changes {
            let at = index.index(message.len());
            message[at] = byte;
        }
        let _ = verify(&message, CONTENT, std::slice::from_ref(&ONE.certificate));
        let _ = open(&message, std::slice::from_ref(&*ONE));
        let _ = decompress(&message, 1000);
    }
}
