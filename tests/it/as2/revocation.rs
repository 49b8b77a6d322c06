//! Certificates that are revoked: by lists in files, whose signatures hold or not, new and old.

use std::fs;

use crossdock::exceptions::Kind;
use crossdock::transport::as2::cms::Identity;
use crossdock::transport::as2::mdn::Disposition;

use openssl::x509::X509Crl;

use super::authority::{Made, authority};
use super::partner::{Partner, Service, Taker, not_authentic, pem};
use crate::house::multi;

const CHECKED: &str =
    "receipt = \"none\"\ncrl = [\"keys/list.crl\"]\ncrl_issuers = [\"keys/issuer.pem\"]";

/// A gateway whose partner has the certificates 7 and 8 of an authority; a list takes some back.
async fn service(by: &Made, serials: &[u32], days: i64) -> (Service, [Identity; 2]) {
    let both = [by.vouch_rsa("Harbor 7", 7), by.vouch_rsa("Harbor 8", 8)];
    let files = |folder: &std::path::Path| {
        let keys = folder.join("keys");
        fs::write(keys.join("them.pem"), pem(&both[0])).unwrap();
        fs::write(keys.join("new.pem"), pem(&both[1])).unwrap();
        fs::write(keys.join("issuer.pem"), by.certificate_pem()).unwrap();
        fs::write(keys.join("list.crl"), by.list(serials, days)).unwrap();
    };
    let partner = Partner::open();
    let service = Service::with(partner, files, CHECKED).await;
    (service, both)
}

#[test]
fn a_revoked_certificate_is_not_used_and_told_of() {
    multi().block_on(async {
        let by = authority("Harbor Authority");
        let (mut service, [first, second]) = service(&by, &[], 30).await;
        service.change("\"keys/them.pem\"]", "\"keys/them.pem\", \"keys/new.pem\"]").await;
        assert_eq!(service.answer_to(1, &first), Disposition::Processed);
        assert_eq!(service.answer_to(2, &second), Disposition::Processed);

        // The list is read at each use; in DER too.
        let list = X509Crl::from_pem(&by.list(&[8, 99], 30)).unwrap().to_der().unwrap();
        fs::write(service.house.path("keys/list.crl"), list).unwrap();
        assert_eq!(service.answer_to(3, &first), Disposition::Processed);
        assert_eq!(service.answer_to(4, &second), not_authentic());
        // What leaves is encrypted for the other one.
        let taker = Taker { theirs: first, ..Taker::good(&service.partner) };
        let last = std::iter::repeat_with(|| service.request()).nth(2).unwrap();
        assert!(taker.receipt(&last).1.starts_with(b"ISA"));
        let (listed, code) = service.house.command(&["cert", "expire"]);
        assert!(listed.contains("revoked") && code == 1, "{listed}");
        service.close().await;
    });
}

#[test]
fn a_revoked_certificate_and_an_old_list_are_for_a_person() {
    multi().block_on(async {
        let by = authority("Harbor Authority");
        let (mut service, [first, _]) = service(&by, &[7], -1).await;
        let words = service.told(Kind::CertificateRevoked).await;
        assert!(words.contains("Harbor 7") && words.contains("keys/list.crl"), "{words}");
        let words = service.told(Kind::RevocationListOld).await;
        assert!(words.contains("keys/list.crl has ended on"), "{words}");
        // It counts although it is old.
        assert_eq!(service.answer_to(1, &first), not_authentic());
        service.close().await;
    });
}

#[test]
fn a_list_of_others_says_nothing_and_a_forged_one_is_told() {
    multi().block_on(async {
        let (by, other) = (authority("Harbor Authority"), authority("Other Authority"));
        let (mut service, [first, _]) = service(&by, &[], 30).await;
        let list = service.house.path("keys/list.crl");
        // It names the certificate's number, and has another issuer.
        fs::write(&list, other.list(&[7], 30)).unwrap();
        fs::write(service.house.path("keys/issuer.pem"), other.certificate_pem()).unwrap();
        assert_eq!(service.answer_to(1, &first), Disposition::Processed);

        // The issuer's name, and another's signature.
        let forger = authority("Harbor Authority");
        fs::write(service.house.path("keys/issuer.pem"), by.certificate_pem()).unwrap();
        for (bytes, words) in [
            (forger.list(&[7], 30), "not signed by any of `crl_issuers`"),
            (b"nothing".to_vec(), "no list of revoked certificates"),
        ] {
            fs::write(&list, bytes).unwrap();
            let (told, code) = service.house.command(&["config", "check"]);
            assert!(code != 0 && told.contains(words), "{told}");
        }
        service.close().await;
    });
}
