//! What the gateway does with what comes in: what goes out, what is set aside.

use std::fs;

use crossdock::exceptions::Kind;
use crossdock::gateway::{Config, Gateway};
use crossdock::store::{DocumentState, Event, Outcome};
use crossdock::translate::Engine;

#[cfg(feature = "http")]
use super::house::warehouse;
use super::house::{CONFIG, House, PROFILE, multi, order};

#[test]
fn an_order_is_answered_and_delivered_once_whatever_is_repeated() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("first.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        let orders = house.names("warehouse/harbor-and-pine/orders");
        assert_eq!(orders.len(), 1);
        assert_eq!(house.names_below("mailboxes/harbor-and-pine/archive"), ["1-first.edi"]);

        // The same interchange under another name.
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        house.wait(Event::InterchangeDuplicate).await;
        // The same order in a new interchange: it is acknowledged, and makes no second order.
        house.drop_inbound("repeat.edi", &order(2, "PO-1"));
        house.wait(Event::DocumentDuplicate).await;
        house.wait(Event::InterchangeSent).await;
        // The same number with other contents.
        house.drop_inbound("other.edi", &order(1, "PO-2"));
        house.wait(Event::InterchangeQuarantined).await;

        assert_eq!(
            house.outcomes(),
            [Outcome::Accepted, Outcome::Duplicate, Outcome::Duplicate, Outcome::Quarantined]
        );
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), orders);
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound").len(), 2);
        house.close().await;
    });
}

#[test]
fn what_belongs_to_nobody_is_set_aside_with_the_reason() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound(
            "stranger.edi",
            &order(1, "PO-1").replace("08*6125550100 ", "08*9995550100 "),
        );
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("08:9995550100"), "{}", record.entry.note);
        house.drop_inbound("page.html", "<html>503</html>");
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("No interchange"), "{}", record.entry.note);
        house.drop_inbound("large.edi", &"x".repeat((1 << 20) + 1));
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("limit"), "{}", record.entry.note);
        assert_eq!(house.outcomes(), [Outcome::Quarantined, Outcome::Quarantined]);
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound"), [""; 0]);
        let names = |house: &House| house.names("mailboxes/harbor-and-pine/quarantine");
        house.until(|house| names(house).iter().any(|name| name.ends_with("-large.edi"))).await;
        assert!(names(&house).iter().any(|name| name.ends_with("-large.edi.findings.txt")));
        house.close().await;
    });
}

#[test]
fn an_interchange_whose_isa_is_damaged_is_not_lost_behind_a_good_one() {
    multi().block_on(async {
        let mut house = House::open();
        let damaged = order(2, "PO-2").replacen("ISA*", "IXA*", 1);
        house.drop_inbound("two.edi", &format!("{}{damaged}", order(1, "PO-1")));
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("No interchange"), "{}", record.entry.note);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted, Outcome::Quarantined]);
        house.close().await;
    });
}

#[test]
fn an_interchange_that_was_cut_off_may_be_sent_again_under_its_number() {
    multi().block_on(async {
        let mut house = House::open();
        let text = order(1, "PO-1");
        house.drop_inbound("cut.edi", &text[..text.len() - 40]);
        house.wait(Event::InterchangeRejected).await;
        house.drop_inbound("whole.edi", &text);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Rejected, Outcome::Accepted]);
        house.close().await;
    });
}

#[test]
fn a_group_whose_codes_cannot_be_sent_back_is_answered_all_the_same() {
    multi().block_on(async {
        let mut house = House::open();
        let text = order(1, "PO-1");
        let start = text.find("GS*PO*").unwrap() + 6;
        let end = start + text[start..].find('*').unwrap();
        house.drop_inbound("order.edi", &format!("{}{}", &text[..start], &text[end..]));
        house.wait(Event::InterchangeSent).await;
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted]);
        house.close().await;
    });
}

#[test]
fn two_sets_with_the_same_numbers_and_order_stay_two_documents() {
    multi().block_on(async {
        let mut house = House::open();
        let text = order(1, "PO-1");
        let (start, end) = (text.find("ST*850").unwrap(), text.find("GE*").unwrap());
        let set = &text[start..end];
        let second = set.replace("PO1*1*", "PO1*9*");
        assert_ne!(set, second);
        let trailer = text[end..].replacen("GE*1*", "GE*2*", 1);
        house.drop_inbound("twice.edi", &format!("{}{set}{second}{trailer}", &text[..start]));
        let first = house.wait(Event::DocumentReceived).await;
        // It has the number of the first, and does not say the same.
        house.wait(Event::DocumentQuarantined).await;
        assert_eq!(house.raised().await.kind, Kind::DocumentNumberReused);
        house.wait(Event::DocumentDelivered).await;
        let names = house.names("warehouse/harbor-and-pine/orders");
        assert_eq!(names.len(), 1);
        let order =
            fs::read(house.path("warehouse/harbor-and-pine/orders").join(&names[0])).unwrap();
        let kept = house.gateway.store().payload(first.entry.payload.unwrap()).unwrap();
        assert_eq!(order, kept, "the first is the one that is delivered");
        house.close().await;
    });
}

#[test]
fn a_rejected_order_is_acknowledged_as_such_and_explained_to_our_people() {
    multi().block_on(async {
        let mut house = House::open();
        let broken: String =
            order(1, "PO-1").lines().filter(|line| !line.starts_with("BEG")).collect();
        house.drop_inbound("broken.edi", &broken);
        let record = house.wait(Event::InterchangeRejected).await;
        assert!(record.entry.note.contains("BEG"), "{}", record.entry.note);
        let sent = house.wait(Event::InterchangeSent).await;
        let answer = house.gateway.store().payload(sent.entry.payload.unwrap()).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("AK5*R"), "{answer}");
        assert_eq!(house.outcomes(), [Outcome::Rejected]);
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), [""; 0]);
        house.close().await;
    });
}

#[test]
fn a_test_order_never_reaches_the_production_endpoint() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("test.edi", &order(1, "PO-1").replace("*0*P*>", "*0*T*>"));
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("test_endpoint"), "{}", record.entry.note);
        house.wait(Event::InterchangeQuarantined).await;
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), [""; 0]);
        house.close().await;

        let config = format!("{CONFIG}\n[endpoints.rehearsal]\nfolder = \"rehearsal\"\n");
        let profile = format!("test_endpoint = \"rehearsal\"\n{PROFILE}");
        let mut house = House::with(&config, &profile);
        house.drop_inbound("test.edi", &order(1, "PO-1").replace("*0*P*>", "*0*T*>"));
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names("rehearsal/harbor-and-pine/orders").len(), 1);
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), [""; 0]);
        house.close().await;
    });
}

pub const INVOICE: &str = r#"{"document":"invoice","date":"2026-11-20","number":"INV-1","order":"PO-1",
    "order_date":"2026-11-19","lines":[{"number":"1","quantity":"2","unit":"each","price":"1.50",
    "items":[{"kind":"vendor","value":"A-1"}]}],"total":"3.00"}"#;

#[test]
fn an_invoice_is_sent_once_and_closed_by_its_acknowledgement() {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_outbound("invoices", "a.json", INVOICE);
        let sent = house.wait(Event::InterchangeSent).await;
        let id = sent.entry.note.clone();
        house.drop_outbound("invoices", "b.json", INVOICE);
        house.wait(Event::DocumentDuplicate).await;
        house.drop_outbound("invoices", "c.json", &INVOICE.replace("3.00", "4.00"));
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("other contents"), "{}", record.entry.note);

        let state = |house: &House| house.gateway.store().document(&id).unwrap().unwrap().state;
        assert_eq!(state(&house), DocumentState::Sent);
        house.drop_inbound("unknown.edi", &acknowledgement(1, 77, "A"));
        house.wait(Event::AcknowledgementUnmatched).await;
        assert_eq!(state(&house), DocumentState::Sent);
        house.drop_inbound("known.edi", &acknowledgement(2, 1000, "R"));
        house.wait(Event::DocumentAcknowledged).await;
        assert_eq!(state(&house), DocumentState::Rejected);
        // An acknowledgement is not acknowledged.
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound").len(), 1);
        house.close().await;
    });
}

/// A 997 from the sample retailer that stops at AK9, as many do.
pub fn acknowledgement(number: u32, group: u32, verdict: &str) -> String {
    format!(
        "ISA*00*          *00*          *08*6125550100     *ZZ*NORTHDOCK3PL   *261120*0830*U*00401*{number:09}*0*P*>~\
         GS*FA*6125550100*NORTHDOCK3PL*20261120*0830*{number}*X*004010~ST*997*0001~AK1*IN*{group}~\
         AK9*{verdict}*1*1*{}~SE*4*0001~GE*1*{number}~IEA*1*{number:09}~",
        u8::from(verdict != "R")
    )
}

#[test]
fn a_document_that_cannot_be_written_goes_back_with_the_reasons() {
    multi().block_on(async {
        let mut house = House::open();
        // Longer than any element that could hold it.
        let number = "N".repeat(40);
        house.drop_outbound("invoices", "long.json", &INVOICE.replace("INV-1", &number));
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("BIG"), "{}", record.entry.note);
        house.drop_outbound("invoices", "prose.json", "two mugs, as agreed");
        house.wait(Event::DocumentQuarantined).await;
        house.drop_outbound("shipments", "wrong.json", INVOICE);
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("not shipment"), "{}", record.entry.note);
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound"), [""; 0]);
        house.close().await;
    });
}

#[test]
fn everything_wrong_with_the_configuration_is_told_at_once() {
    let text =
        "data = 5\npoll_seconds = 0\nprofile = \"x\"\n\n[endpoints.wms]\nbearer = \"hunter2\"\n";
    let problems = Config::parse("crossdock.toml", text, ".".as_ref()).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let all = lines.join("\n");
    for part in [
        "crossdock.toml: `profiles` is missing",
        "crossdock.toml:1:8: data:",
        "crossdock.toml:2:16: `poll_seconds` is at least 1",
        "crossdock.toml:3:1: `profile` is not known here",
        "endpoints.wms: needs `folder` or `url`",
        "env:NAME or file:path",
    ] {
        assert!(all.contains(part), "{part} in\n{all}");
    }
    assert!(!all.contains("hunter2"), "a secret is never shown:\n{all}");
}

#[test]
fn everything_wrong_with_a_profile_is_told_with_its_place() {
    let text = PROFILE
        .replace("\"08\", id = \"6125550100\"", "\"8\", id = \"6125550100\"")
        .replace("release = \"004010\"", "release = \"4010\"\nsegment_terminator = \"*\"")
        .replace("due = \"24h\"", "due = \"0h\"")
        .replace("first = 1000, last = 999999999", "first = 5, last = 4")
        .replace("direction = \"in\"", "direction = \"up\"");
    let problems = crate::profiles::problems_of(&text);
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(crate::profiles::problems_of(PROFILE), []);
}

#[cfg(feature = "http")]
#[test]
fn a_call_over_http_is_repeated_with_the_same_key_until_it_is_taken() {
    let (address, requests) =
        warehouse(&["503 Busy\r\nretry-after: 1", "200 OK", "422 Unprocessable"]);
    multi().block_on(async {
        let secret = tempfile::NamedTempFile::new().unwrap();
        fs::write(secret.path(), "s3cret\n").unwrap();
        let endpoint = format!(
            "url = \"http://{address}/api\"\nbearer = \"file:{}\"\nreturns = \"warehouse\"",
            secret.path().display()
        );
        let config = CONFIG.replace("folder = \"warehouse\"", &endpoint);
        let mut house = House::with(&config, PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::AttemptFailed).await;
        let delivered = house.wait(Event::DocumentDelivered).await;
        let (first, second) = (requests.recv().unwrap(), requests.recv().unwrap());
        assert_eq!(first, second, "a repeated call is the same call");
        let first = first.to_ascii_lowercase();
        assert!(first.starts_with("post /api/orders http/1.1\r\n"), "{first}");
        assert!(first.contains("authorization: bearer s3cret\r\n"), "{first}");
        let key = delivered.entry.subject.to_ascii_lowercase();
        assert!(first.contains(&format!("idempotency-key: {key}\r\n")), "{first}");
        assert!(first.contains("crossdock-partner: harbor-and-pine\r\n"), "{first}");

        // A refusal is not repeated: a person has to look.
        house.drop_inbound("refused.edi", &order(2, "PO-2"));
        let parked = house.wait(Event::WorkParked).await;
        assert!(parked.entry.note.contains("422"), "{}", parked.entry.note);
        assert_eq!(house.gateway.store().parked(10).unwrap().len(), 1);
        house.close().await;
    });
}

/// A store in which a file waits whose bytes are gone.
pub fn with_a_lost_file(folder: &std::path::Path) {
    use crossdock::store::{
        Change, EmbeddedStore, FileKey, NewWork, PayloadId, Receipt, Records, Task, Transaction,
    };
    let now = jiff::Timestamp::now();
    let store = EmbeddedStore::open(&folder.join("data")).unwrap();
    let mailbox = "mailboxes/harbor-and-pine".to_owned();
    let payload = PayloadId::of(b"never stored");
    let file =
        FileKey { mailbox, name: "lost.edi".into(), size: 1, modified_nanoseconds: 1, payload };
    let receipt = Receipt { id: store.next_receipt().unwrap(), file, at: now, done: false };
    let (lane, order) = ("receive mailboxes/harbor-and-pine".to_owned(), "m".to_owned());
    let task = Task::Translate { receipt: receipt.id, again: None };
    let take = Transaction::new()
        .with(Change::Queue(NewWork { lane, order, task, due: now }))
        .with(Change::TakeFile(receipt));
    store.commit(take).unwrap();
}

#[test]
fn a_file_on_which_the_program_fails_is_set_aside_and_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    with_a_lost_file(folder.path());
    multi().block_on(async {
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.drop_inbound("sound.edi", &order(1, "PO-1"));
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("Crossdock failed on this file"), "{record:?}");
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Quarantined, Outcome::Accepted]);
        house.close().await;
    });
}

#[cfg(feature = "http")]
#[test]
fn a_slow_endpoint_holds_up_no_other_partner() {
    // It takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let runtime = multi();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let slow = folder.path().join("partners/slow");
        fs::create_dir_all(&slow).unwrap();
        let profile = PROFILE
            .replace("6125550100", "7775550100")
            .replace("mailboxes/harbor-and-pine", "mailboxes/slow")
            .replace("endpoint = \"warehouse\"", "endpoint = \"silent\"");
        fs::write(slow.join("partner.toml"), profile).unwrap();
        let config = format!(
            "{CONFIG}\n[endpoints.silent]\nurl = \"http://{address}\"\nreturns = \"returns\"\ntimeout_seconds = 3600\n"
        );
        let mut house = House::within(folder, &config, PROFILE);
        let theirs = order(1, "PO-1").replace("6125550100", "7775550100");
        house.put("mailboxes/slow/inbound", "slow.edi", &theirs);
        house.wait_for(Event::DocumentReceived, |r| r.entry.partner == "slow").await;
        for number in 1..=5 {
            house.drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO-{number}")));
        }
        for _ in 1..=5 {
            house.wait_for(Event::DocumentDelivered, |r| r.entry.partner != "slow").await;
        }
    });
    // The call to the silent one is still under way; nobody waits for it here.
    runtime.shutdown_background();
}

/// A second partner, with the identity `7775550100`.
fn second(folder: &std::path::Path, mailbox: &str, state: &str) {
    let profile = PROFILE
        .replace("6125550100", "7775550100")
        .replace("mailboxes/harbor-and-pine", mailbox)
        .replace("state = \"live\"", &format!("state = \"{state}\""));
    let partner = folder.join("partners/second");
    fs::create_dir_all(&partner).unwrap();
    fs::write(partner.join("partner.toml"), profile).unwrap();
}

#[test]
fn two_spellings_of_a_folder_are_one_mailbox() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        second(folder.path(), "./partners/../mailboxes//harbor-and-pine/", "live");
        let mut house = House::within(folder, CONFIG, PROFILE);
        let theirs = order(1, "PO-1").replace("6125550100", "7775550100");
        house.drop_inbound("ours.edi", &order(1, "PO-1"));
        house.drop_inbound("theirs.edi", &theirs);
        for _ in 0..2 {
            house.wait(Event::DocumentDelivered).await;
            house.wait(Event::InterchangeSent).await;
        }
        assert_eq!(house.outcomes(), [Outcome::Accepted, Outcome::Accepted]);
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound").len(), 2);
        house.close().await;
    });
}

#[cfg(unix)]
#[test]
fn a_link_to_a_mailbox_is_that_mailbox_and_two_with_one_inbound_are_a_problem() {
    use std::os::unix::fs::symlink;
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("mailboxes/harbor-and-pine")).unwrap();
        symlink("harbor-and-pine", folder.path().join("mailboxes/linked")).unwrap();
        second(folder.path(), "mailboxes/linked", "live");
        let mut house = House::within(folder, CONFIG, PROFILE);
        let theirs = order(1, "PO-1").replace("6125550100", "7775550100");
        house.drop_inbound("theirs.edi", &theirs);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted]);
        let folder = house.close().await;

        let other = folder.path().join("mailboxes/other");
        fs::create_dir_all(&other).unwrap();
        symlink("../harbor-and-pine/inbound", other.join("inbound")).unwrap();
        second(folder.path(), "mailboxes/other", "live");
        let config = Config::read(&folder.path().join("crossdock.toml")).unwrap();
        // Its partner is left out.
        let gateway = Gateway::open(config, Engine::embedded()).unwrap();
        let problems: Vec<String> = gateway.left_out().iter().map(ToString::to_string).collect();
        assert!(problems[0].contains("one and the same `inbound`"), "{problems:?}");
        assert_eq!(gateway.partners().len(), 1);
    });
}

#[test]
fn what_comes_for_a_partner_that_is_off_into_a_shared_mailbox_is_set_aside_until_it_is_live() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        second(folder.path(), "mailboxes/harbor-and-pine", "off");
        let mut house = House::within(folder, CONFIG, PROFILE);
        let theirs = order(1, "PO-1").replace("6125550100", "7775550100");
        house.drop_inbound("early.edi", &theirs);
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("is off"), "{}", record.entry.note);
        assert_eq!(record.entry.partner, "second");
        let folder = house.close().await;

        second(folder.path(), "mailboxes/harbor-and-pine", "live");
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.drop_inbound("mended.edi", &theirs);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Quarantined, Outcome::Accepted]);
        house.close().await;
    });
}

#[test]
fn a_file_that_is_too_large_is_told_of_before_it_leaves_and_however_often_that_fails() {
    multi().block_on(async {
        let mut house = House::open();
        let (inbound, quarantine) =
            ("mailboxes/harbor-and-pine/inbound", "mailboxes/harbor-and-pine/quarantine");
        // Nothing can be set aside for now.
        fs::remove_dir(house.path(quarantine)).unwrap();
        fs::write(house.path(quarantine), "in the way").unwrap();
        house.drop_inbound("large.edi", &"x".repeat((1 << 20) + 1));
        house.wait(Event::InterchangeQuarantined).await;
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.names(inbound), ["large.edi"]);

        fs::remove_file(house.path(quarantine)).unwrap();
        fs::create_dir(house.path(quarantine)).unwrap();
        house.until(|house| house.names(inbound).is_empty()).await;
        let names = house.names(quarantine);
        assert_eq!(names.len(), 2, "{names:?}");
        let told = house.gateway.store().journal(0, 1000).unwrap();
        let told = told.iter().filter(|r| r.entry.event == Event::InterchangeQuarantined);
        assert_eq!(told.count(), 1);
        house.close().await;
    });
}

#[test]
fn files_of_one_name_are_all_kept_apart_by_their_receipts() {
    multi().block_on(async {
        let mut house = House::open();
        for number in 1..=3 {
            house.drop_inbound("orders.edi", &order(number, &format!("PO-{number}")));
            house.wait(Event::DocumentDelivered).await;
            house.until(|house| house.names("mailboxes/harbor-and-pine/inbound").is_empty()).await;
        }
        let kept = house.names_below("mailboxes/harbor-and-pine/archive");
        assert_eq!(kept, ["1-orders.edi", "2-orders.edi", "3-orders.edi"]);
        // One folder a day, two where midnight comes between.
        assert!(house.names("mailboxes/harbor-and-pine/archive").len() <= 2);
        house.close().await;
    });
}
