//! Alerts: told once, counted while it is quiet, kept over a restart, and sent as webhook and mail to servers that are
//! really there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use crossdock::gateway::Config;
use crossdock::store::{Event, JournalRecord};
use serde_json::Value;

use crate::house::{CONFIG, House, PROFILE, multi, order};

/// A request as it came: its head in small letters, and its body.
struct Posted {
    head: String,
    body: Value,
}

impl Posted {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        Self { head: head.to_lowercase(), body: serde_json::from_str(body).unwrap() }
    }

    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} is not in {}", self.head))
    }

    fn detail(&self, name: &str) -> &Value {
        &self.body["details"][name]
    }
}

/// What a mail server was told: the lines of the conversation, and the mail.
#[derive(Debug, Default)]
struct Mailed {
    lines: Vec<String>,
    mail: String,
}

/// A small mail server on loopback. It takes one mail after another, until the test ends.
fn mail_server() -> (SocketAddr, Receiver<Mailed>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, mails) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if converse(stream.unwrap(), &sender).is_err() {
                break;
            }
        }
    });
    (address, mails)
}

fn converse(mut stream: TcpStream, mails: &Sender<Mailed>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut mailed = Mailed::default();
    write!(stream, "220 sink ESMTP\r\n")?;
    while let Some(line) = lines.next() {
        let line = line?;
        mailed.lines.push(line.clone());
        let word = line.split(' ').next().unwrap_or_default().to_uppercase();
        match word.as_str() {
            "EHLO" => write!(stream, "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n")?,
            "AUTH" => write!(stream, "235 welcome\r\n")?,
            "DATA" => {
                write!(stream, "354 go on\r\n")?;
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    mailed.mail += &line;
                    mailed.mail.push('\n');
                }
                write!(stream, "250 taken\r\n")?;
            }
            "QUIT" => {
                write!(stream, "221 bye\r\n")?;
                break;
            }
            _ => write!(stream, "250 ok\r\n")?,
        }
    }
    mails.send(mailed).map_err(std::io::Error::other)
}

/// A configuration with destinations and rules.
fn with(rest: &str) -> String {
    format!("{CONFIG}\n{rest}")
}

/// A file of nobody: the sender's identity is another one.
#[cfg(feature = "http")]
fn of_a_stranger(number: u32) -> String {
    order(number, "PO-1").replace("6125550100", "9999999999")
}

impl House {
    /// Waits until so many messages were taken.
    async fn sent(&self, count: usize) {
        let is_sent = |record: &JournalRecord| record.entry.event == Event::MessageSent;
        let all = |house: &Self| house.gateway.store().journal(0, 1000).unwrap();
        self.until(|house| all(house).iter().filter(|r| is_sent(r)).count() >= count).await;
    }
}

#[cfg(feature = "http")]
mod webhooks {
    use super::*;
    use crate::house::warehouse;

    fn webhook(name: &str, address: SocketAddr, more: &str) -> String {
        format!("[notify.{name}]\nurl = \"http://{address}/hook\"\n{more}\n")
    }

    const STRANGERS: &str = "[[alerts]]\nname = \"strangers\"\nto = [\"ops\"]\n\
        exceptions = [\"interchange-unknown\"]\nquiet = \"1s\"\nsettled = true\n";

    #[test]
    fn an_exception_is_told_once_then_its_repeats_in_one_message_and_that_it_is_over() {
        let (address, requests) = warehouse(&["200 OK", "200 OK", "200 OK"]);
        multi().block_on(async {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("key"), "a secret\n").unwrap();
            let config =
                with(&format!("{}{STRANGERS}", webhook("ops", address, "secret = \"file:key\"")));
            let mut house = House::within(folder, &config, PROFILE);
            house.drop_inbound("one.edi", &of_a_stranger(1));
            house.sent(1).await;
            let first = Posted::of(&requests.recv().unwrap());
            assert_eq!(first.detail("reason"), "first");
            assert_eq!(first.detail("kind"), "interchange-unknown");
            assert_eq!(first.detail("rule"), "strangers");
            assert_eq!(first.body["type"], "alert");
            let text = first.body["text"].as_str().unwrap();
            assert!(text.contains("crossdock exceptions show 1"), "{text}");
            assert_eq!(first.header("webhook-id"), first.body["id"]);
            assert!(first.header("webhook-signature").starts_with("v1,"), "{}", first.head);

            let three: String = (2..5).map(of_a_stranger).collect();
            house.drop_inbound("three.edi", &three);
            house.sent(2).await;
            let repeats = Posted::of(&requests.recv().unwrap());
            assert_eq!(repeats.detail("reason"), "repeats");
            assert_eq!(repeats.detail("times"), 3);
            assert_ne!(repeats.body["id"], first.body["id"]);

            let (_, code) = house.command(&[
                "exceptions",
                "dismiss",
                "1",
                "--who",
                "dana",
                "--reason",
                "not for us",
            ]);
            assert_eq!(code, 0);
            house.sent(3).await;
            let over = Posted::of(&requests.recv().unwrap());
            assert_eq!(over.detail("reason"), "over");
            assert!(over.body["text"].as_str().unwrap().contains("not for us"), "{}", over.body);
            house.until(|house| house.gateway.store().alerts(10).unwrap().is_empty()).await;
            house.wait(Event::ExceptionDismissed).await;
            house.close().await;
        });
    }

    #[test]
    fn a_destination_that_hangs_harms_nothing_and_its_alert_survives_a_restart() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let hangs = silent.local_addr().unwrap();
        let (address, requests) = warehouse(&["200 OK"]);
        let (again, later) = warehouse(&["503 Busy\r\nretry-after: 0", "200 OK"]);
        let rules = "[[alerts]]\nname = \"orders\"\nto = [\"slow\"]\nevents = [\"document_delivered\"]\ndocuments = [\"850\"]\n\
            [[alerts]]\nname = \"queues\"\nto = [\"ops\", \"slow\"]\nqueue_depth = 0\npartners = [\"harbor-and-pine\"]\n\
            [[alerts]]\nname = \"messages\"\nto = [\"ops\", \"slow\"]\nexceptions = [\"work-stuck\"]\n";
        let config = |slow: SocketAddr| {
            let slow = webhook("slow", slow, "timeout_seconds = 1");
            with(&format!("{slow}{}{rules}", webhook("ops", address, "")))
        };
        multi().block_on(async {
            let mut house = House::with(&config(hangs), PROFILE);
            house.drop_inbound("order.edi", &order(1, "PO-1"));
            house.wait(Event::DocumentDelivered).await;
            house
                .wait_for(Event::AttemptFailed, |record| record.entry.subject == "message to slow")
                .await;
            house.drop_inbound("another.edi", &order(2, "PO-2"));
            house.wait(Event::DocumentDelivered).await;
            let folder = house.close().await;

            let mut house = House::within(folder, &config(again), PROFILE);
            house.wait(Event::MessageSent).await;
            let told = Posted::of(&later.recv().unwrap());
            let taken = Posted::of(&later.recv().unwrap());
            assert_eq!(told.body, taken.body);
            assert_eq!(taken.detail("rule"), "orders");
            assert_eq!(taken.detail("event"), "document_delivered");
            assert_eq!(taken.detail("partner"), "harbor-and-pine");
            // The second order is a repeat, which is counted only.
            let [state] = &house.gateway.store().alerts(10).unwrap()[..] else { panic!() };
            assert_eq!((state.rule.as_str(), state.repeats), ("orders", 1));
            assert!(state.more[0].contains("order-PO-2"), "{state:?}");
            assert!(requests.try_recv().is_err(), "the queue of messages is nobody's");
            house.close().await;
        });
    }

    #[test]
    fn a_queue_and_an_acknowledgement_that_wait_too_long_are_told() {
        let (address, requests) = warehouse(&["200 OK"; 8]);
        let rules = "[[alerts]]\nname = \"queues\"\nto = [\"ops\"]\nqueue_depth = 0\npartners = [\"harbor-and-pine\"]\n\
            [[alerts]]\nname = \"waiting\"\nto = [\"ops\"]\nacknowledgement_age = \"1s\"\ndocuments = [\"invoice\"]\n\
            [[alerts]]\nname = \"others\"\nto = [\"ops\"]\nacknowledgement_age = \"1s\"\ndocuments = [\"856\"]\n";
        multi().block_on(async {
            let folder = crate::retries::with_a_call_that_has_failed(3);
            let config = with(&format!("{}{rules}", webhook("ops", address, "")));
            // The warehouse's folder is a file: the call fails.
            std::fs::write(folder.path().join("warehouse"), "").unwrap();
            let mut house = House::within(folder, &config, PROFILE);
            house.sent(1).await;
            let queue = Posted::of(&requests.recv().unwrap());
            assert_eq!(queue.detail("queue"), "call harbor-and-pine");
            assert_eq!(queue.detail("waiting"), 1);
            std::fs::remove_file(house.path("warehouse")).unwrap();
            house.drop_outbound("invoices", "1.json", crate::gateway::INVOICE);
            house.wait(Event::DocumentRendered).await;
            // Queues pass the threshold too, for a moment.
            let mut all = requests.iter().map(|text| Posted::of(&text));
            let age = tokio::task::block_in_place(|| {
                all.find(|posted| posted.detail("rule") != "queues").unwrap()
            });
            assert_eq!(age.detail("rule"), "waiting");
            assert_eq!(age.detail("waiting"), 1);
            house.close().await;
        });
    }

    #[test]
    fn a_test_message_says_whether_it_was_taken_and_shows_no_secret() {
        let (address, requests) = warehouse(&["200 OK", "500 No"]);
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("crossdock.toml");
        let address_file = format!("http://{address}/services/a-token");
        std::fs::write(folder.path().join("address"), address_file).unwrap();
        let notify = "[notify.ops]\nurl = \"file:address\"\n[[alerts]]\nname = \"heavy\"\nto = [\"ops\"]\nseverity = \"high\"\n";
        std::fs::write(&config, with(notify)).unwrap();
        let test = |name: &str| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
                .args(["alerts", "test", name, "--config"])
                .arg(&config)
                .env("RUST_LOG", "trace")
                .output()
                .unwrap();
            let said = [output.stdout, output.stderr].concat();
            (String::from_utf8(said).unwrap(), output.status.code().unwrap())
        };
        assert_eq!(test("ops"), ("ops: taken\n".to_owned(), 0));
        let posted = Posted::of(&requests.recv().unwrap());
        assert_eq!(posted.body["type"], "test");
        assert!(posted.head.starts_with("post /services/a-token "), "{}", posted.head);
        let (said, code) = test("heavy");
        assert_eq!(code, 1);
        assert!(said.contains("500") && !said.contains("a-token"), "{said}");
        requests.recv().unwrap();
        // Nobody listens any more.
        let (said, code) = test("ops");
        assert_eq!(code, 1);
        assert!(!said.contains("a-token") && !said.contains("services"), "{said}");
        let (said, code) = test("opps");
        assert_eq!((code, said.contains("`ops`, `heavy`")), (2, true), "{said}");
    }
}

#[cfg(feature = "smtp")]
#[test]
fn an_event_is_told_by_mail_to_whom_it_is_for() {
    let (address, mails) = mail_server();
    let config = with(&format!(
        "[notify.desk]\nsmtp = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nuser = \"crossdock\"\npassword = \"file:password\"\n\
         from = \"Crossdock <edi@northdock.example>\"\nto = [\"dana@northdock.example\", \"lee@northdock.example\"]\n\
         [[alerts]]\nname = \"orders\"\nto = [\"desk\"]\nevents = [\"document_delivered\"]\npartners = [\"harbor-and-pine\"]\n\
         [[alerts]]\nname = \"of-others\"\nto = [\"desk\"]\nevents = [\"document_delivered\"]\npartners = [\"big-box\"]\n",
        address.port()
    ));
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "hush\n").unwrap();
        let mut house = House::within(folder, &config, PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.sent(1).await;
        let Mailed { lines, mail } = mails.recv().unwrap();
        // "\0crossdock\0hush"
        assert!(lines.contains(&"AUTH PLAIN AGNyb3NzZG9jawBodXNo".to_owned()), "{lines:?}");
        assert!(lines.contains(&"RCPT TO:<lee@northdock.example>".to_owned()), "{lines:?}");
        for part in [
            "From: Crossdock <edi@northdock.example>\n",
            "Subject: [Crossdock] Document delivered: order-PO-1-",
            "Message-ID: <alert-",
            "Auto-Submitted: auto-generated\n",
            "Rule: orders\n",
        ] {
            assert!(mail.contains(part), "{part} is not in\n{mail}");
        }
        assert!(mails.try_recv().is_err());
        house.close().await;
    });
}

/// What `config check` says of a configuration and a profile.
fn config_checked(folder: &std::path::Path, config: &str, profile: &str) -> (String, i32) {
    let place = folder.join("partners/harbor-and-pine");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(folder.join("crossdock.toml"), config).unwrap();
    std::fs::write(place.join("partner.toml"), profile).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .args(["config", "check", "--config", "crossdock.toml"])
        .current_dir(folder)
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

#[cfg(all(feature = "api", feature = "as2"))]
#[test]
fn config_check_looks_at_certificates_keys_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokens.toml"), "garbage = [").unwrap();
    std::fs::write(folder.path().join("own.pem"), "no certificate").unwrap();
    let tls = "certificate = \"own.pem\"\nkey = \"file:own.pem\"\n";
    let config = |listen: &str| {
        let (api, as2) = (format!("[api]\n{listen}"), format!("[as2]\n{listen}"));
        with(&format!("{api}tokens = \"tokens.toml\"\n{tls}{as2}{tls}"))
    };
    let (said, code) =
        config_checked(folder.path(), &config("listen = \"127.0.0.1:0\"\n"), PROFILE);
    assert_eq!(code, 1);
    for part in ["api.tokens: tokens.toml: ", "api.key: no key in PEM", "as2.key: no key in PEM"] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    // Where nobody listens they are not needed.
    let (said, code) = config_checked(folder.path(), &config(""), PROFILE);
    assert_eq!((said.ends_with("All is well.\n"), code), (true, 0), "{said}");
}

#[test]
fn config_check_tells_what_is_wrong_with_the_configuration_and_the_profiles_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let check = |config: &str, profile: &str| config_checked(folder.path(), config, profile);
    let (said, code) = check(CONFIG, PROFILE);
    assert_eq!((said.ends_with("All is well.\n"), code), (true, 0), "{said}");
    assert!(!folder.path().join("data").exists());
    let config =
        with("[notify.ops]\nurl = \"https://ops.example\"\nsecret = \"file:nothing\"\n[logg]\n");
    let (said, code) =
        check(&config, &PROFILE.replace("endpoint = \"warehouse\"", "endpoint = \"depot\""));
    assert_eq!(code, 1);
    for part in [
        "crossdock.toml:17:2: `logg` is not known here; did you mean `log`?",
        "nothing: No such file",
        "partner.toml",
        "depot",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    // Values that do not fit, and folders that are not there, are told with their keys and in plain words.
    let config = with(
        "[service]\nlisten = \"localhost\"\n[log]\nformat = 3\n[endpoints.web]\n\
         url = \"https://wms.example\"\nreturns = \"crossdock.toml/in\"\ntimeout_seconds = \"9\"\n\
         [audit]\nkey = \"file:nokey\"\n",
    );
    let (said, code) = check(&config, PROFILE);
    assert_eq!(code, 1);
    for part in [
        ": service.listen: an address with its port, such as \"127.0.0.1:8080\", is expected",
        ": log.format: a word in quotes is expected",
        ": endpoints.web.timeout_seconds: the text \"9\" stands where a whole number of 0 or more is expected",
        "crossdock.toml: endpoints.web: `returns`: the folder crossdock.toml/in is not there and cannot be made: ",
        "crossdock.toml: audit.key: nokey: No such file",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    let elsewhere = CONFIG.replace("profiles = \"partners\"", "profiles = \"partner\"");
    let (said, _) = check(&elsewhere, PROFILE);
    let words = "crossdock.toml: profiles: the folder partner is not there: make it";
    assert!(said.contains(words), "{said}");
    let listen = "[service]\nlisten = \"127.0.0.1:9180\"\n[api]\nlisten = \"127.0.0.1:9180\"\n";
    std::fs::write(folder.path().join("data"), "a file").unwrap();
    let (said, code) = check(&with(listen), PROFILE);
    assert_eq!(code, 1);
    assert!(said.contains("127.0.0.1:9180 is the address of [service] already"), "{said}");
    assert!(said.contains("data is no folder"), "{said}");
}

#[test]
fn everything_wrong_with_alerts_and_destinations_is_told_with_its_line() {
    let text = include_str!("alerts.toml");
    let problems = Config::parse("crossdock.toml", text, ".".as_ref()).unwrap_err();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
