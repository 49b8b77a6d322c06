//! Certificates of a connector: whom it trusts, and what it shows.

use serde_json::{Value, json};

use super::auth::{connected_with, handed};
use crate::as2::authority::{Made, authority};
use crate::as2::partner::Partner;
use crate::as2::server::tls;

const SETTINGS: &str = r#"
[settings.authority]
about = "who vouches for the server"
secret = true
default = ""
[settings.identity]
about = "our certificate with its key"
secret = true
default = ""
[tls]
authorities = "authority"
identity = "identity"
"#;

/// What comes of an order, with these files as settings, at a server that lets in whom an authority vouches for.
fn outcome(server: &Made, clients: Option<&Made>, files: &[(&str, Vec<u8>)]) -> Result<(), String> {
    let partner = Partner::over(Some(tls(server, clients)));
    partner.answer(|_| ("200 OK".to_owned(), vec![], b"{}".to_vec()));
    let folder = tempfile::tempdir().unwrap();
    let mut given = json!({"url": format!("https://{}", partner.server), "secret": "env:NONE"});
    for (setting, bytes) in files {
        let path = folder.path().join(setting);
        std::fs::write(&path, bytes).unwrap();
        given[*setting] = Value::String(format!("file:{}", path.display()));
    }
    let (done, result) = handed(&connected_with("kind = \"none\"", SETTINGS, &given));
    assert_eq!(done.len() == 2, result.is_ok(), "{done:?}");
    result
}

#[test]
fn a_server_is_trusted_for_the_authority_that_is_named() {
    let ours = authority("Warehouse Authority");
    let server = ours.vouch("wms.example");
    outcome(&server, None, &[("authority", ours.certificate_pem())]).unwrap();
    let other = authority("Other Authority").certificate_pem();
    for files in [vec![], vec![("authority", other)]] {
        let words = outcome(&server, None, &files).unwrap_err();
        assert!(words.contains("step first: GET /a:") && words.contains("certificate"), "{words}");
    }
    let words = outcome(&server, None, &[("authority", b"no certificate".to_vec())]).unwrap_err();
    assert_eq!(words, "tls: the file of the authorities has no certificate (PEM)");
}

#[test]
fn the_certificate_that_is_named_is_shown() {
    let ours = authority("Warehouse Authority");
    let (server, client) = (ours.vouch("wms.example"), ours.vouch("Northdock"));
    let with = |made: Option<&Made>| {
        let mut files = vec![("authority", ours.certificate_pem())];
        files.extend(made.map(|m| ("identity", [m.certificate_pem(), m.key_pem()].concat())));
        outcome(&server, Some(&ours), &files)
    };
    with(Some(&client)).unwrap();
    with(None).unwrap_err();
    with(Some(&authority("Other Authority").vouch("Stranger"))).unwrap_err();
}
