//! What can be shown afterwards: receipts beside acknowledgements, and signed receipts that hold elsewhere; and certificates
//! that are exchanged and end.

use std::fs;
use std::path::Path;
use std::process::Command;

use crossdock::exceptions::Kind;
use crossdock::store::Event;
use crossdock::transport::as2::cms::Digest;
use crossdock::transport::as2::cms::Identity;
use crossdock::transport::as2::mdn::Disposition;
use crossdock::transport::as2::message::ReceiptRequest;
use jiff::{SignedDuration, Timestamp};

use super::partner::{Service, Taker, not_authentic, pem};
use crate::house::{multi, order};

const INVOICE: &str = r#"{"document":"invoice","date":"2026-11-20","number":"INV-1","order":"PO-1","order_date":"2026-11-19",
"lines":[{"number":"1","quantity":"2","unit":"each","price":"1.50","items":[{"kind":"vendor","value":"A-1"}]}],"total":"3.00"}"#;

#[test]
fn a_signed_receipt_stands_beside_the_997_and_holds_before_openssl_alone() {
    multi().block_on(async {
        let mut service = Service::open("").await;
        let taker = Taker::good(&service.partner);
        service.partner.answer(move |request| taker.answer(request));
        let asked = ReceiptRequest::signed("x", Digest::Sha256);
        let text = order(1, "PO-1");
        let message = service.partner.message("1@them", text.as_bytes(), Some(&asked));
        assert_eq!(service.post(&message).status(), 200);
        service.house.wait(Event::DocumentDelivered).await;
        service.house.drop_outbound("invoices", "a.json", INVOICE);
        let sent = |record: &crossdock::store::JournalRecord| record.entry.note.contains("invoice");
        service.house.wait_for(Event::InterchangeSent, sent).await;

        let (acks, _) = service.house.command(&["acks"]);
        assert!(acks.contains("left; signed MDN after"), "{acks}");
        let (acks, _) = service.house.command(&["acks", "--format", "json"]);
        assert!(acks.contains("\"receipt\":{\"message_id\":\"crossdock-"), "{acks}");
        assert!(acks.contains("\"features\":\"multiple-attachments\""), "{acks}");
        let (trace, _) = service.house.command(&["trace", "PO-1"]);
        assert!(trace.contains("receipt       signed MDN after"), "{trace}");

        // What was told last is signed when the gateway ends.
        let folder = service.close().await;
        let to = folder.path().join("dossier");
        let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .env("CROSSDOCK_CONFIG", folder.path().join("crossdock.toml"))
            .args(["audit", "export", "--po", "PO-1", "--to"])
            .arg(&to)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let contents = fs::read_to_string(to.join("contents.txt")).unwrap();
        for held in ["the partner's signed receipt", "our signed receipt", "sent: header and body"]
        {
            assert!(contents.contains(held), "{held}: {contents}");
        }
        let readme = fs::read_to_string(to.join("README.txt")).unwrap();
        let commands: Vec<&str> =
            readme.lines().filter(|line| line.starts_with("    openssl cms")).collect();
        // That for the invoice, and that for the 997 which answers the order.
        assert_eq!(commands.len(), 2, "{readme}");
        assert!(commands.iter().all(|command| verifies(&to, command)));
        // An altered receipt does not.
        let receipt = commands[0].split(' ').find(|word| word.starts_with("bytes/")).unwrap();
        let text = fs::read_to_string(to.join(receipt)).unwrap();
        fs::write(to.join(receipt), text.replacen("processed", "Processed", 1)).unwrap();
        assert!(!verifies(&to, commands[0]));
    });
}

/// Runs a command of the README, as it stands there.
fn verifies(folder: &Path, command: &str) -> bool {
    let command = ["-c", command.trim()];
    let output = Command::new("sh").args(command).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    output.status.success() && said.contains("disposition-notification")
}

fn self_signed(days_from: i64, days_until: i64) -> Identity {
    let day = |days| Timestamp::now() + SignedDuration::from_hours(24 * days);
    Identity::self_signed("Partner AS2", 2048, day(days_from), day(days_until)).unwrap()
}

#[test]
fn certificates_are_exchanged_without_a_pause_and_told_of_before_they_end() {
    multi().block_on(async {
        let mut service = Service::open("receipt = \"none\"").await;
        let (old, new, ended) = (self_signed(-700, 10), self_signed(-1, 700), self_signed(-9, -1));
        let file = service.house.path("keys/them.pem");
        let mut answer = |number, with| service.answer_to(number, with);
        // Files are read at each use.
        fs::write(&file, pem(&old)).unwrap();
        assert_eq!(answer(1, &old), Disposition::Processed);
        assert_eq!(answer(2, &new), not_authentic());
        fs::write(&file, pem(&ended)).unwrap();
        assert_eq!(answer(3, &ended), not_authentic());

        // The new one stands beside the old one: both count, and we encrypt for the new one.
        fs::write(&file, pem(&old)).unwrap();
        fs::write(service.house.path("keys/new.pem"), pem(&new)).unwrap();
        let (listed, code) = service.house.command(&["cert", "expire"]);
        assert!(listed.contains("9 days") && code == 1, "{listed}");
        service.change("\"keys/them.pem\"]", "\"keys/them.pem\", \"keys/new.pem\"]").await;
        assert_eq!(service.answer_to(4, &old), Disposition::Processed);
        assert_eq!(service.answer_to(5, &new), Disposition::Processed);
        let taker = Taker { theirs: new.clone(), ..Taker::good(&service.partner) };
        let last = std::iter::repeat_with(|| service.request()).take(3).last().unwrap();
        assert!(taker.receipt(&last).1.starts_with(b"ISA"));
        service.close().await;
    });
}

#[test]
fn a_certificate_that_ends_soon_is_for_a_person_before_it_ends() {
    multi().block_on(async {
        let ours = self_signed(-700, 10);
        let service = Service::with_key("receipt = \"none\"", &ours).await;
        let words = service.told(Kind::CertificateExpires).await;
        assert!(words.contains("our certificate ends on") && words.contains("14 days"), "{words}");
        service.close().await;
    });
}

#[test]
fn keys_are_made_and_brought_from_form_to_form() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .env("LOCK", "secret words")
            .arg("cert")
            .args(arguments)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (String::from_utf8(text).unwrap(), output.status.code().unwrap())
    };
    let (made, code) = run(&["new", "--name", "Northdock AS2", "--to", "us.pem", "--days", "90"]);
    assert_eq!(code, 0, "{made}");
    // What is there is not written over.
    assert_eq!(run(&["new", "--name", "Northdock AS2", "--to", "us.pem"]).1, 2);
    let commands: [&[&str]; 4] = [
        &["export", "us.pem", "--to", "us.crt.pem"],
        &["export", "us.pem", "--pkcs12", "env:LOCK", "--to", "us.p12"],
        &["import", "us.p12", "--passphrase", "env:LOCK", "--to", "again.pem"],
        &["show", "us.crt.pem", "again.pem", "us.pem"],
    ];
    for arguments in commands {
        let (shown, code) = run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {shown}");
    }
    let print = |text: &str| text.split("SHA-256").nth(1).unwrap().trim()[..95].to_owned();
    let (shown, _) = run(&["show", "us.crt.pem", "again.pem"]);
    assert_eq!(shown.matches(&print(&made)).count(), 2, "{shown}");
    assert!(shown.contains("us.crt.pem: certificate\n"), "{shown}");
    assert!(shown.contains("again.pem: certificate with its key\n"), "{shown}");
    let exported = fs::read_to_string(folder.path().join("us.crt.pem")).unwrap();
    assert!(!exported.contains("PRIVATE"));
    assert_eq!(run(&["show", "us.p12"]).1, 2, "locked");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("us.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    let openssl = Command::new("openssl")
        .args(["x509", "-in", "us.crt.pem", "-noout", "-fingerprint", "-sha256"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&openssl.stdout).contains(&print(&made)));
}
