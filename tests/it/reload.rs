//! Profiles that change while the gateway runs: taken over partner by partner, never silently looser, and no document
//! waits for it.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use crossdock::store::{Event, JournalRecord, Outcome};

use crate::gateway::{INVOICE, acknowledgement};
use crate::house::{CONFIG, House, PROFILE, multi, order};

const SECOND: &str = "extends = \"harbor-and-pine\"\ntitle = \"Second\"\n
[identity.production]
partner = { qualifier = \"12\", id = \"SECOND\" }
[identity.test]
partner = { qualifier = \"12\", id = \"SECONDT\" }
[mailbox]
folder = \"mailboxes/second\"\n";

impl House {
    /// Writes a file of a profile as an editor does, under another name first.
    fn edit(&self, file: &str, text: &str) {
        self.put(&format!("partners/{}", folder_of(file)), name_of(file), text);
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.path(&format!("partners/{file}"))).unwrap();
        self.gateway.look_now();
    }

    fn all_of(&self, record: &JournalRecord) -> String {
        let bytes = self.gateway.store().payload(record.entry.payload.unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Sends an order in and waits until it has been handed over.
    async fn trade(&mut self, number: u32) {
        self.drop_inbound(&format!("{number}.edi"), &order(number, &format!("PO-{number}")));
        self.wait(Event::DocumentDelivered).await;
    }
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').unwrap().0
}

fn name_of(file: &str) -> &str {
    file.rsplit_once('/').unwrap().1
}

#[test]
fn a_change_is_taken_over_without_a_restart() {
    multi().block_on(async {
        let mut house = House::open();
        house.trade(1).await;
        let changed = PROFILE.replace("\"997\"", "\"997\"\nreport_accepted = false");
        house.edit("harbor-and-pine/partner.toml", &changed);
        let record = house.wait(Event::ProfileChanged).await;
        assert_eq!(record.entry.partner, "harbor-and-pine");
        assert!(house.all_of(&record).contains("report_accepted from yes to no"), "{record:?}");
        house.wait(Event::InterchangeSent).await;
        house.trade(2).await;
        let sent = house.wait(Event::InterchangeSent).await;
        let answer = house.all_of(&sent);
        assert!(answer.contains("AK9*A") && !answer.contains("AK5*"), "{answer}");
        house.close().await;
    });
}

#[test]
fn a_change_that_cannot_be_used_is_named_and_the_old_one_stays_in_force() {
    multi().block_on(async {
        let mut house = House::open();
        let mut broken = PROFILE.replace("\"in\"", "\"inn\"");
        broken.push_str("\n[mailboxx]\n");
        house.edit("harbor-and-pine/partner.toml", &broken);
        let record = house.wait(Event::ProfilesRefused).await;
        let problems = house.all_of(&record);
        for part in ["partner.toml:", "did you mean `in`?", "`mailboxx` is not known here"] {
            assert!(problems.contains(part), "{part} in\n{problems}");
        }
        house.trade(1).await;

        // The status names it too, until it is mended.
        let folder = house.close().await;
        let status = fs::read_to_string(folder.path().join("data/status.json")).unwrap();
        assert!(status.contains("did you mean `in`?"), "{status}");
    });
}

#[test]
fn a_mended_profile_is_taken_over_after_it_was_refused() {
    multi().block_on(async {
        let mut house = House::open();
        house.edit("harbor-and-pine/partner.toml", "nonsense");
        house.wait(Event::ProfilesRefused).await;
        let mended = PROFILE.replace("title = \"", "title = \"The new ");
        house.edit("harbor-and-pine/partner.toml", &mended);
        house.wait(Event::ProfileChanged).await;
        assert!(house.gateway.partners()[0].title.starts_with("The new "));
        let folder = house.close().await;
        let status = fs::read_to_string(folder.path().join("data/status.json")).unwrap();
        assert!(!status.contains("refused"), "{status}");
    });
}

#[test]
fn a_bad_change_of_one_partner_keeps_back_no_other() {
    multi().block_on(async {
        let mut house = House::within_two(tempfile::tempdir().unwrap(), PROFILE);
        let bad = PROFILE.replace("\"997\"", "\"997\"\nerrors_as = \"rejected\"\nnonsense = 1");
        let good = fs::read_to_string(house.path("partners/second/partner.toml")).unwrap();
        fs::write(house.path("partners/harbor-and-pine/partner.toml"), bad).unwrap();
        house.edit("second/partner.toml", &good.replace(title_of(PROFILE), "Renamed"));
        let record = house.wait(Event::ProfilesRefused).await;
        let told = house.all_of(&record);
        assert!(told.contains("nonsense") && !told.contains("second/"), "{told}");
        assert!(record.entry.note.contains("as before: harbor-and-pine."), "{record:?}");
        let changed = house.wait(Event::ProfileChanged).await;
        assert_eq!(changed.entry.partner, "second");
        house.until(|house| house.gateway.partners()[1].title == "Renamed").await;
        // The old agreement is in force: the bad one has changed nothing.
        let rows = house.gateway.partners()[0].rows();
        let errors_as = rows.iter().find(|row| row.subject == "errors_as");
        assert_eq!(errors_as.map(|row| row.value.as_str()), Some("accepted"));
        house.trade(1).await;
        let folder = house.close().await;
        let status = fs::read_to_string(folder.path().join("data/status.json")).unwrap();
        assert!(status.contains("refused") && status.contains("nonsense"), "{status}");
    });
}

fn title_of(profile: &str) -> &str {
    let line = profile.lines().find(|line| line.starts_with("title = ")).unwrap();
    line.split('"').nth(1).unwrap()
}

#[test]
fn a_new_partner_that_is_bad_is_left_out_until_it_is_mended() {
    multi().block_on(async {
        let mut house = House::open();
        house.edit("second/partner.toml", &SECOND.replace("folder", "fodler"));
        let record = house.wait(Event::ProfilesRefused).await;
        assert!(record.entry.note.contains("left out: second"), "{record:?}");
        assert_eq!(house.gateway.partners().len(), 1);
        house.trade(1).await;
        house.edit("second/partner.toml", SECOND);
        house.wait(Event::ProfileAdded).await;
        assert!(house.gateway.left_out().is_empty());
        house.close().await;
    });
}

#[test]
fn who_takes_the_identities_of_another_is_refused_and_the_other_goes_on() {
    multi().block_on(async {
        let mut house = House::open();
        house.edit("second/partner.toml", SECOND);
        house.wait(Event::ProfileAdded).await;
        house.edit(
            "second/partner.toml",
            &SECOND.replace("12\", id = \"SECOND\"", "08\", id = \"6125550100\""),
        );
        let record = house.wait(Event::ProfilesRefused).await;
        assert!(house.all_of(&record).contains("are those of `second` too"), "{record:?}");
        house.trade(1).await;
        let text = order(2, "PO-2").replace("08*6125550100 ", "12*SECOND     ");
        house.put("mailboxes/second/inbound", "its.edi", &text);
        house.wait_for(Event::DocumentDelivered, |r| r.entry.partner == "second").await;
        house.close().await;
    });
}

#[test]
fn a_mailbox_that_cannot_be_opened_keeps_its_partner_where_it_was() {
    multi().block_on(async {
        let mut house = House::open();
        fs::write(house.path("file"), "no folder").unwrap();
        let folder = "folder = \"mailboxes/harbor-and-pine\"";
        assert!(PROFILE.contains(folder));
        house.edit(
            "harbor-and-pine/partner.toml",
            &PROFILE.replace(folder, "folder = \"file/box\""),
        );
        let record = house.wait(Event::ProfilesRefused).await;
        assert!(house.all_of(&record).contains("mailbox: "), "{record:?}");
        house.trade(1).await;
        house.close().await;
    });
}

#[test]
fn a_file_that_cannot_be_read_leaves_out_its_partner_alone() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let second = folder.path().join("partners/second");
        fs::create_dir_all(&second).unwrap();
        fs::write(second.join("partner.toml"), SECOND).unwrap();
        // Not text: it might hold a rule.
        fs::write(second.join("850.overlay"), [0xFF, 0xFE, 0x00]).unwrap();
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.wait_for(Event::ProfileLeftOut, |r| r.entry.partner == "second").await;
        assert!(house.gateway.left_out()[0].to_string().contains("cannot be read"));
        house.trade(1).await;

        // While it runs, one that cannot be read any more stays as it was.
        house
            .edit("second/850.overlay", "overlay second on 850 004010\nsource \"G\"\nforbid SAC\n");
        house.wait(Event::ProfileAdded).await;
        fs::write(house.path("partners/second/850.overlay"), [0xFF; 7]).unwrap();
        house.gateway.look_now();
        let record =
            house.wait_for(Event::ProfilesRefused, |r| r.entry.note.contains("second")).await;
        assert!(record.entry.note.contains("as before: second"), "{record:?}");
        let rows =
            house.gateway.partners().into_iter().find(|p| p.name == "second").unwrap().rows();
        assert!(rows.iter().any(|row| row.subject == "SAC"), "the rule is in force");
        house.close().await;
    });
}

#[test]
fn a_new_partner_is_worked_for_and_a_removed_one_is_not_without_a_restart() {
    multi().block_on(async {
        let mut house = House::open();
        house.edit("second/partner.toml", SECOND);
        let record = house.wait(Event::ProfileAdded).await;
        assert_eq!(record.entry.partner, "second");
        let text = order(1, "PO-1").replace("08*6125550100 ", "12*SECOND     ");
        house.put("mailboxes/second/inbound", "first.edi", &text);
        house.wait(Event::DocumentDelivered).await;
        house.wait_for(Event::InterchangeSent, |r| r.entry.partner == "second").await;
        assert_eq!(house.names("warehouse/second/orders").len(), 1);

        fs::remove_dir_all(house.path("partners/second")).unwrap();
        house.gateway.look_now();
        let record = house.wait(Event::ProfileRemoved).await;
        assert_eq!(record.entry.partner, "second");
        house.put("mailboxes/second/inbound", "later.edi", &order(2, "PO-2"));
        house.trade(3).await;
        assert_eq!(house.names("mailboxes/second/inbound"), ["later.edi"]);

        // It comes back, and so does what lay there meanwhile.
        house.edit("second/partner.toml", SECOND);
        house.wait(Event::ProfileAdded).await;
        house.wait_for(Event::FileReceived, |r| r.entry.subject == "later.edi").await;
        house.close().await;
    });
}

#[test]
fn a_folder_that_is_called_otherwise_is_refused_and_its_partner_goes_on() {
    multi().block_on(async {
        let mut house = House::open();
        house.edit("second/partner.toml", SECOND);
        house.wait(Event::ProfileAdded).await;
        let of_second = |number: u32| {
            let text = order(number, &format!("PO-{number}"));
            text.replace("08*6125550100 ", "12*SECOND     ")
        };
        fs::rename(house.path("partners/second"), house.path("partners/other")).unwrap();
        house.gateway.look_now();
        let record = house.wait(Event::ProfilesRefused).await;
        assert!(record.entry.note.contains("as before: second; left out: other"), "{record:?}");
        let told = house.all_of(&record);
        assert!(told.contains("other/partner.toml: has the identities of `second`"), "{told}");
        house.put("mailboxes/second/inbound", "1.edi", &of_second(1));
        house.wait_for(Event::DocumentDelivered, |r| r.entry.partner == "second").await;

        // So at a start: nothing of it is done until it has its name again.
        let folder = house.close().await;
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.wait_for(Event::ProfileLeftOut, |r| r.entry.partner == "other").await;
        assert_eq!(house.gateway.partners().len(), 1);
        let folder = house.close().await;
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.wait_for(Event::ProfileLeftOut, |r| r.entry.partner == "other").await;
        fs::rename(house.path("partners/other"), house.path("partners/second")).unwrap();
        house.put("mailboxes/second/inbound", "2.edi", &of_second(2));
        house.wait_for(Event::DocumentDelivered, |r| r.entry.partner == "second").await;

        // Taken away for good it may begin anew under any name.
        fs::rename(house.path("partners/second"), house.path("away")).unwrap();
        house.gateway.look_now();
        house.wait_for(Event::ProfileRemoved, |r| r.entry.partner == "second").await;
        fs::rename(house.path("away"), house.path("partners/other")).unwrap();
        house.gateway.look_now();
        house.wait_for(Event::ProfileAdded, |r| r.entry.partner == "other").await;
        house.close().await;
    });
}

#[test]
fn the_end_of_all_profiles_is_taken_for_a_lost_folder() {
    multi().block_on(async {
        let mut house = House::open();
        fs::rename(house.path("partners"), house.path("elsewhere")).unwrap();
        fs::create_dir(house.path("partners")).unwrap();
        house.gateway.look_now();
        let record = house.wait(Event::ProfilesRefused).await;
        assert!(record.entry.note.contains("holds no partner"), "{}", record.entry.note);
        house.trade(1).await;
        house.close().await;
    });
}

#[test]
fn a_rule_that_goes_is_never_silent() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/harbor-and-pine");
        fs::create_dir_all(&partner).unwrap();
        let overlay = "overlay harbor-and-pine on 850 004010\nsource \"Guide, p. 1, 2026\"\nrequire REF[DP] \"They route by it\"\n";
        fs::write(partner.join("850.overlay"), overlay).unwrap();
        let strict = PROFILE.replace("\"997\"", "\"997\"\nerrors_as = \"rejected\"");
        let mut house = House::within(folder, CONFIG, &strict);
        house.edit("harbor-and-pine/partner.toml", PROFILE);
        let record = house.wait(Event::ProfileLoosened).await;
        assert!(record.entry.note.contains("errors_as from rejected to accepted"), "{record:?}");

        house.remove("harbor-and-pine/850.overlay");
        let record = house.wait(Event::ProfileLoosened).await;
        assert!(house.all_of(&record).contains("removed"), "{record:?}");
        house.close().await;
    });
}

#[test]
fn traffic_goes_on_while_profiles_change() {
    multi().block_on(async {
        let mut house = House::open();
        for round in 1..=5u32 {
            let text = PROFILE.replace("title = \"", &format!("title = \"{round} "));
            let text = if round % 2 == 0 { "broken".to_owned() } else { text };
            house.edit("harbor-and-pine/partner.toml", &text);
            house.trade(round).await;
            let event = if round % 2 == 0 { Event::ProfilesRefused } else { Event::ProfileChanged };
            house.wait(event).await;
        }
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait(Event::DocumentRendered).await;
        house.drop_inbound("answer.edi", &acknowledgement(90, 1005, "A"));
        house.wait(Event::DocumentAcknowledged).await;
        assert!(house.outcomes().iter().all(|outcome| *outcome == Outcome::Accepted));
        house.close().await;
    });
}

/// Files are opened and read before their turn comes; what came into force meanwhile counts for all but the one that is
/// being decided.
#[test]
fn what_was_read_under_replaced_profiles_is_read_again() {
    const ORDERS: usize = 192;
    multi().block_on(async {
        let mut house = House::open();
        let inbound = house.path("mailboxes/harbor-and-pine/inbound");
        fs::create_dir_all(&inbound).unwrap();
        for number in 1..=u32::try_from(ORDERS).unwrap() {
            let text = order(number, &format!("PO-{number}"));
            fs::write(inbound.join(format!("{number:03}.edi")), text).unwrap();
        }
        house.gateway.look_now();
        house.wait(Event::InterchangeAccepted).await;
        let changed = PROFILE.replace("\"997\"", "\"997\"\nreport_accepted = false");
        house.edit("harbor-and-pine/partner.toml", &changed);
        let change = house.wait(Event::ProfileChanged).await.sequence;
        let gateway = Arc::clone(&house.gateway);
        let accepted = || {
            let journal = gateway.store().journal(0, usize::MAX).unwrap().into_iter();
            journal.filter(|record| record.entry.event == Event::InterchangeAccepted)
        };
        while accepted().count() < ORDERS {
            house.wait(Event::InterchangeAccepted).await;
        }
        let numbers = |(key, answer)| (key, gateway.store().payload(answer).unwrap());
        let interchanges = gateway.store().interchanges(None, usize::MAX).unwrap();
        let answers: HashMap<String, Vec<u8>> = interchanges
            .into_iter()
            .map(|(_, record)| numbers((record.key.unwrap().number, record.answer.unwrap().0)))
            .collect();
        let as_before = |record: &JournalRecord| {
            let number = record.entry.subject.split(' ').next().unwrap();
            let answer = String::from_utf8_lossy(&answers[number]);
            answer.contains("AK5*")
        };
        let (before, after): (Vec<_>, Vec<_>) = accepted().partition(|r| r.sequence < change);
        assert!(before.len() < ORDERS, "it came into force too late to show anything");
        assert!(before.iter().all(as_before));
        let late = after.iter().filter(|record| as_before(record)).count();
        assert!(late <= 1, "{late} of {} were decided under the profile of before", after.len());
        house.close().await;
    });
}

#[test]
fn a_bad_profile_at_a_start_is_left_out_and_loses_nothing() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let second = folder.path().join("partners/second");
        fs::create_dir_all(&second).unwrap();
        // It shares the mailbox of the first.
        let shared = SECOND.replace("mailboxes/second", "mailboxes/harbor-and-pine");
        fs::write(second.join("partner.toml"), shared.replace("[mailbox]", "[mailboxx]")).unwrap();
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.wait_for(Event::ProfileLeftOut, |r| r.entry.partner == "second").await;
        assert!(!house.gateway.left_out().is_empty());
        let of_second = |number| {
            let text = order(number, &format!("PO-{number}"));
            text.replace("08*6125550100 ", "12*SECOND     ")
        };
        house.drop_inbound("second.edi", &of_second(1));
        house.wait(Event::InterchangeHeld).await;
        // The others are worked for, also behind it in the same mailbox.
        house.trade(2).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted]);

        // Still so after another start.
        let folder = house.close().await;
        let status = fs::read_to_string(folder.path().join("data/status.json")).unwrap();
        assert!(status.contains("left_out") && status.contains("mailboxx"), "{status}");
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.wait(Event::ProfileLeftOut).await;
        house.trade(3).await;

        house.edit("second/partner.toml", &shared);
        house.wait_for(Event::ProfileAdded, |r| r.entry.partner == "second").await;
        house.wait_for(Event::DocumentDelivered, |r| r.entry.partner == "second").await;
        assert_eq!(house.names("warehouse/second/orders").len(), 1);
        assert!(house.outcomes().iter().all(|outcome| *outcome == Outcome::Accepted));
        house.close().await;
    });
}

#[test]
fn without_any_usable_partner_it_does_not_start() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/one");
        fs::create_dir_all(&partner).unwrap();
        fs::write(partner.join("partner.toml"), "nonsense").unwrap();
        let config = crossdock::gateway::Config::parse("crossdock.toml", CONFIG, folder.path());
        let engine = crossdock::translate::Engine::embedded();
        assert!(crossdock::gateway::Gateway::open(config.unwrap(), engine).is_err());
    });
}

#[test]
fn what_became_looser_while_it_stood_still_is_told_at_the_next_start() {
    multi().block_on(async {
        let strict = PROFILE.replace("\"997\"", "\"997\"\nerrors_as = \"rejected\"");
        let mut house = House::with(CONFIG, &strict);
        house.trade(1).await;
        let folder = house.close().await;
        let mut house = House::within(folder, CONFIG, PROFILE);
        let record = house.wait(Event::ProfileLoosened).await;
        assert!(record.entry.note.contains("errors_as from rejected to accepted"), "{record:?}");
        let folder = house.close().await;

        // And what became stricter is told apart.
        let mut house = House::within(folder, CONFIG, &strict);
        let record = house.wait(Event::ProfileTightened).await;
        assert!(record.entry.note.contains("errors_as from accepted to rejected"), "{record:?}");
        let folder = house.close().await;

        // What is left out is compared with what it was before, when it comes back.
        let mut house = House::within_two(folder, "nonsense");
        house.wait(Event::ProfileLeftOut).await;
        house.edit("harbor-and-pine/partner.toml", PROFILE);
        house.wait(Event::ProfileLoosened).await;
        house.close().await;
    });
}

impl House {
    /// With a good partner beside the first.
    fn within_two(folder: tempfile::TempDir, first: &str) -> Self {
        let second = folder.path().join("partners/second");
        fs::create_dir_all(&second).unwrap();
        let whole = PROFILE.replace("08\", id = \"6125550100", "12\", id = \"SECOND");
        let whole = whole.replace("\"08\", id = \"", "\"12\", id = \"S");
        fs::write(second.join("partner.toml"), whole.replace("= 5 ", "= 1 ")).unwrap();
        Self::within(folder, CONFIG, first)
    }
}

/// What `serve --check` says of two partners of which this one has such a file.
fn checked(file: &str, bytes: &[u8]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    for (partner, profile) in [("harbor-and-pine", PROFILE), ("second", SECOND)] {
        let own = folder.path().join("partners").join(partner);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("partner.toml"), profile).unwrap();
    }
    fs::write(folder.path().join("partners/second").join(file), bytes).unwrap();
    let config = folder.path().join("crossdock.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"));
    let output = command.args(["serve", "--check", "--config"]).arg(config).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn serve_check_fails_where_a_partner_would_be_left_out() {
    let good = "overlay second on 850 004010\nsource \"G\"\nrequire REF[DP]\n";
    let (passes, told) = checked("850.overlay", good.as_bytes());
    assert!(passes, "{told}");
    for (file, bytes, words) in [
        ("850.overlay", &b"overlay second on 850 004010\nrequire QQQ\n"[..], "850.overlay:2"),
        ("850.overlay", &[0xFF, 0xFE], "cannot be read"),
        ("partner.toml", b"extends = \"nobody\"", "names no profile"),
        ("partner.toml", &[0xC3, 0x28], "cannot be read"),
    ] {
        let (passes, told) = checked(file, bytes);
        assert!(!passes && told.contains(words), "{words} in\n{told}");
    }
}
