//! A gateway whose partner has its mailbox on a server.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crossdock::store::Event;

use super::proxy::Proxy;
use super::server::Server;
use crate::house::{CONFIG, House, PROFILE, multi, order};

/// A gateway with a mailbox on the server.
fn house(server: &Server, port: u16) -> House {
    for folder in ["inbound", "outbound"] {
        fs::create_dir_all(server.home(folder)).unwrap();
    }
    let section = server.section(port, "settle = \"1ms\"");
    House::with(CONFIG, &format!("{PROFILE}\n{section}"))
}

fn trust(profiles: &Path, arguments: &[&str]) -> (String, i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["partner", "trust", "harbor-and-pine", "--profiles"])
        .arg(profiles)
        .args(arguments)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap()).concat();
    (text, output.status.code().unwrap())
}

#[test]
fn an_order_comes_from_a_server_and_its_answer_goes_there() {
    multi().block_on(async {
        let server = Server::start();
        let mut house = house(&server, server.port);
        server.put("inbound/order.edi", order(1, "PO-1"));
        server.put("inbound/bad\nname.edi", order(2, "PO-2"));
        fs::File::create(server.home("inbound/large.edi")).unwrap().set_len(2 << 20).unwrap();
        house.gateway.look_now();
        for name in ["bad\\u{a}name.edi", "large.edi"] {
            house.wait_for(Event::InterchangeQuarantined, |r| r.entry.subject == name).await;
        }
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        house.until(|_| server.names("archive").len() == 1).await;
        assert_eq!(server.names("outbound").len(), 1);
        assert_eq!(server.names("inbound"), ["bad\nname.edi", "large.edi"]);
        let notes = house.names("mailboxes/harbor-and-pine/quarantine");
        assert_eq!(notes.len(), 2, "each is told of once: {notes:?}");
        house.close().await;
    });
}

#[test]
fn a_server_with_another_key_gets_nothing_until_somebody_trusts_it() {
    multi().block_on(async {
        let mut server = Server::start();
        let proxy = Proxy::to(server.port);
        let mut house = house(&server, proxy.port);
        server.put("inbound/1.edi", order(1, "PO-1"));
        house.gateway.look_now();
        house.wait(Event::InterchangeSent).await;
        let before = server.fingerprint();
        server.change_key();
        server.restart();
        // A session that is open was with the server that we trusted.
        proxy.hang_up();
        server.put("inbound/2.edi", order(2, "PO-2"));
        let after = server.fingerprint();
        let status =
            |house: &House| fs::read_to_string(house.path("data/status.json")).unwrap_or_default();
        house
            .until(|house| status(house).contains(&after) && status(house).contains(&before))
            .await;
        assert_eq!(server.names("outbound").len(), 1);

        let (told, code) = trust(&house.path("partners"), &[]);
        assert_eq!(code, 1, "nobody was asked: {told}");
        assert!(told.contains(&before) && told.contains(&after), "{told}");
        let (told, code) = trust(&house.path("partners"), &["--yes"]);
        assert_eq!(code, 0, "{told}");
        let (told, code) = trust(&house.path("partners"), &[]);
        assert_eq!((code, told.contains("trusted already")), (0, true), "{told}");
        let profile =
            fs::read_to_string(house.path("partners/harbor-and-pine/partner.toml")).unwrap();
        let lines = |text: &str| text.lines().filter(|l| l.contains('#')).count();
        assert_eq!(lines(&profile), lines(PROFILE) + 1, "no comment is lost:\n{profile}");
        assert!(profile.contains(&before) && profile.contains(&after), "{profile}");

        house.wait_for(Event::DocumentDelivered, |r| r.entry.subject.contains("PO-2")).await;
        house.until(|_| server.names("outbound").len() == 2).await;
        house.close().await;
    });
}

#[test]
fn a_key_is_written_where_the_server_is_named() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let section = server.section(server.port, "host_keys = []");
    let section = section.replace("host_keys = []", "# shared by all brands");
    let base = format!("base = true\nsource = \"Mail, 2026-11\"\n\n{section}");
    let brand = format!("extends = \"network\"\n{PROFILE}");
    for (name, text) in [("network", &base), ("harbor-and-pine", &brand)] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("partner.toml"), text).unwrap();
    }
    let (told, code) = trust(folder.path(), &["--yes"]);
    assert_eq!(code, 0, "{told}");
    let text = |name: &str| fs::read_to_string(folder.path().join(name).join("partner.toml"));
    assert_eq!(text("harbor-and-pine").unwrap(), brand);
    let written = text("network").unwrap();
    assert!(written.contains(&server.fingerprint()) && written.contains("brands"), "{written}");
    let (told, code) = trust(folder.path(), &["--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((code, told["known"].as_bool()), (0, Some(true)), "{told}");
}
