//! What a profile says holds in the running gateway: each field shows in what is sent, taken or set aside.

use crossdock::exceptions::Kind;
use crossdock::store::{DocumentState, Event, JournalRecord, Outcome};

use crate::gateway::{INVOICE, acknowledgement};
use crate::house::{CONFIG, House, PROFILE, multi, order};

/// The sample profile with something said otherwise.
fn with(from: &str, to: &str) -> String {
    assert!(PROFILE.contains(from), "{from}");
    PROFILE.replace(from, to)
}

impl House {
    fn bytes(&self, record: &JournalRecord) -> String {
        let bytes = self.gateway.store().payload(record.entry.payload.unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn invoice(&self, number: u32) {
        let json = INVOICE.replace("INV-1", &format!("INV-{number}"));
        self.drop_outbound("invoices", &format!("{number}.json"), &json);
    }

    async fn send_invoice(&mut self, number: u32) -> String {
        self.invoice(number);
        let sent = self.wait(Event::InterchangeSent).await;
        self.bytes(&sent)
    }
}

/// An order in which a set that must be rejected follows a good one.
fn half_good(number: u32) -> String {
    let text = order(number, &format!("PO-{number}"));
    let (start, end) = (text.find("ST*850").unwrap(), text.find("GE*").unwrap());
    let set = &text[start..end];
    let st02 = set.split('*').nth(2).unwrap().split(['~', '\n']).next().unwrap().to_owned();
    let bad: String = set.split_inclusive('~').filter(|s| !s.trim().starts_with("BEG")).collect();
    let bad = bad.replace(&format!("*{st02}"), "*0099");
    let trailer = text[end..].replacen("GE*1*", "GE*2*", 1);
    format!("{}{set}{bad}{trailer}", &text[..start])
}

#[test]
fn the_envelope_is_written_as_it_was_agreed() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "S3SAME\n").unwrap();
        let envelope = format!(
            "authorisation = {{ qualifier = \"01\", information = \"CODE\" }}\n\
             security = {{ qualifier = \"01\", information = \"file:{}\" }}\n\
             group_date = \"yymmdd\"\ngroup_time = \"hhmmssdd\"\nagency = \"T\"\nrequest_ta1 = true\n\
             [envelope.sets.810]\nrelease_suffix = \"UCS\"\nelement_separator = \"|\"\n",
            secret.display()
        );
        let profile = with("line_break = \"lf\"", &format!("line_break = \"lf\"\n{envelope}\n#"));
        let mut house = House::within(folder, CONFIG, &profile);
        let text = house.send_invoice(1).await;
        assert!(text.starts_with("ISA|01|CODE      |01|S3SAME    |ZZ|"), "{text}");
        let gs: Vec<&str> = text.lines().nth(1).unwrap().trim_end_matches('~').split('|').collect();
        assert_eq!((gs[4].len(), gs[5].len(), gs[7], gs[8]), (6, 8, "T", "004010UCS"), "{text}");
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let sent = house.wait(Event::InterchangeSent).await;
        let text = house.bytes(&sent);
        assert!(text.starts_with("ISA*01*CODE      *01*S3SAME"), "{text}");
        house.close().await;
    });
}

#[test]
fn a_secret_that_cannot_stand_there_is_never_shown() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "much too long for ISA04").unwrap();
        let line = format!(
            "security = {{ qualifier = \"01\", information = \"file:{}\" }}",
            secret.display()
        );
        let mut house = House::within(folder, CONFIG, &with("line_break = \"lf\"", &line));
        house.invoice(1);
        let record = house.wait(Event::AttemptFailed).await;
        assert!(record.entry.note.contains("cannot stand in ISA04"), "{}", record.entry.note);
        assert!(!record.entry.note.contains("much too long"), "{}", record.entry.note);
        house.close().await;
    });
}

#[test]
fn characters_outside_the_agreed_set_keep_a_document_back() {
    multi().block_on(async {
        let mut house = House::with(CONFIG, &with("line_break = \"lf\"", "charset = \"basic\""));
        house.send_invoice(1).await;
        house.drop_outbound(
            "invoices",
            "small.json",
            &INVOICE.replace("A-1", "a-1").replace("INV-1", "INV-2"),
        );
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(
            record.entry.note.contains("'a', which is not in the character set"),
            "{}",
            record.entry.note
        );
        house.close().await;
    });
}

#[test]
fn set_numbers_have_their_prefix_and_are_known_again_in_the_answer() {
    multi().block_on(async {
        let profile = with(
            "set = { first = 1001, last = 999999999 }",
            "set = { first = 7, last = 99, prefix = \"HP\", width = 3 }",
        );
        let mut house = House::with(CONFIG, &profile);
        let text = house.send_invoice(1).await;
        assert!(text.contains("ST*810*HP007~"), "{text}");
        let answer = acknowledgement(1, 1000, "P")
            .replace("AK9*P", "AK2*810*HP007~AK5*R~AK9*P")
            .replace("SE*4", "SE*6");
        house.drop_inbound("answer.edi", &answer);
        let record = house.wait(Event::DocumentAcknowledged).await;
        assert!(record.entry.note.starts_with("rejected"), "{}", record.entry.note);
        house.close().await;
    });
}

#[test]
fn numbers_begin_anew_and_are_never_used_twice() {
    multi().block_on(async {
        let profile = with(
            "interchange = { first = 1000, last = 999999999 }",
            "interchange = { first = 1, last = 2 }",
        );
        let mut house = House::with(CONFIG, &profile);
        house.send_invoice(1).await;
        house.send_invoice(2).await;
        house.invoice(3);
        let record = house.wait(Event::AttemptFailed).await;
        assert!(record.entry.note.contains("used up"), "{}", record.entry.note);
        assert_eq!(record.entry.partner, "harbor-and-pine");
        // Waiting mends nothing: a person is told at once.
        house.wait(Event::ExceptionRaised).await;
        let open = house.gateway.store().open_exceptions(0, 9).unwrap();
        assert_eq!(open[0].kind, Kind::WorkStuck, "{open:#?}");
        house.close().await;
    });
}

#[test]
fn we_answer_under_our_own_code_whoever_we_were_taken_for() {
    multi().block_on(async {
        let mut house = House::open();
        let agreed = "GS*PO*6125550100*NORTHDOCK3PL*";
        let text = order(1, "PO-1");
        assert!(text.contains(agreed), "{text}");
        house.drop_inbound("order.edi", &text.replace(agreed, "GS*PO*WRONG*NOTUS*"));
        house.wait(Event::DocumentDelivered).await;
        let sent = house.wait(Event::InterchangeSent).await;
        let text = house.bytes(&sent);
        assert!(text.contains("GS*FA*NORTHDOCK3PL*WRONG*"), "{text}");
        house.close().await;
    });
}

#[test]
fn an_interchange_that_repeats_goes_to_a_person_where_that_is_agreed() {
    multi().block_on(async {
        let mut house =
            House::with(CONFIG, &with("interchange = \"ignore\"", "interchange = \"quarantine\""));
        house.drop_inbound("first.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("again.edi", &order(1, "PO-1"));
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("byte for byte"), "{}", record.entry.note);
        house.close().await;
    });
}

#[test]
fn group_and_set_numbers_that_repeat_are_judged_as_agreed() {
    multi().block_on(async {
        for (key, action) in [("group", "reject"), ("set", "reject"), ("group", "finding")] {
            let line = format!("interchange = \"ignore\"\n{key} = \"{action}\"\ndays = 30\n#");
            let mut house = House::with(CONFIG, &with("interchange = \"ignore\"", &line));
            house.drop_inbound("first.edi", &order(1, "PO-1"));
            house.wait(Event::DocumentDelivered).await;
            // Another interchange, with the numbers of the first inside.
            let second = order(1, "PO-2").replace("000000001", "000000002");
            house.drop_inbound("second.edi", &second);
            if action == "reject" {
                let record = house.wait(Event::InterchangeRejected).await;
                assert!(
                    record.entry.note.contains("was received before: interchange 1"),
                    "{}",
                    record.entry.note
                );
            } else {
                house.wait(Event::DocumentDelivered).await;
            }
            house.close().await;
        }
    });
}

#[test]
fn each_group_is_answered_apart_where_that_is_agreed() {
    multi().block_on(async {
        let mut house =
            House::with(CONFIG, &with("kind = \"997\"", "kind = \"997\"\nbatch = \"group\""));
        let text = order(1, "PO-1");
        let (start, end) = (text.find("GS*").unwrap(), text.find("IEA*").unwrap());
        let second = order(2, "PO-2");
        let group = &second[second.find("GS*").unwrap()..second.find("IEA*").unwrap()];
        let trailer = text[end..].replacen("IEA*1*", "IEA*2*", 1);
        house.drop_inbound(
            "two.edi",
            &format!("{}{}{group}{trailer}", &text[..start], &text[start..end]),
        );
        let first = house.wait(Event::InterchangeSent).await;
        let second = house.wait(Event::InterchangeSent).await;
        for (sent, number) in [(first, 1), (second, 2)] {
            let text = house.bytes(&sent);
            assert!(
                text.contains(&format!("AK1*PO*{number}~")) && text.contains("IEA*1*"),
                "{text}"
            );
        }
        house.close().await;
    });
}

#[test]
fn an_acknowledgement_out_of_sequence_is_held_where_that_is_agreed() {
    multi().block_on(async {
        let profile = with("kind = \"997\"", "kind = \"997\"\nout_of_sequence = \"hold\"");
        let mut house = House::with(CONFIG, &profile);
        house.invoice(1);
        let sent = house.wait(Event::InterchangeSent).await;
        let state = |house: &House| {
            house.gateway.store().document(&sent.entry.note).unwrap().unwrap().state
        };
        house.drop_inbound("unknown.edi", &acknowledgement(1, 77, "A"));
        let record = house.wait(Event::InterchangeQuarantined).await;
        assert!(record.entry.note.contains("nothing of the number 77"), "{}", record.entry.note);
        house.drop_inbound("known.edi", &acknowledgement(2, 1000, "A"));
        house.wait(Event::DocumentAcknowledged).await;
        // One that says the contrary afterwards changes nothing.
        house.drop_inbound("late.edi", &acknowledgement(3, 1000, "R"));
        house.wait(Event::InterchangeQuarantined).await;
        assert_eq!(state(&house), DocumentState::Accepted);
        house.close().await;
    });
}

#[test]
fn a_group_is_kept_whole_where_that_is_agreed() {
    multi().block_on(async {
        let mut house =
            House::with(CONFIG, &format!("{PROFILE}\n[processing]\ngroup = \"whole\"\n"));
        house.drop_inbound("half.edi", &half_good(1));
        let sent = house.wait(Event::InterchangeSent).await;
        let answer = house.bytes(&sent);
        assert!(answer.contains("AK9*R*2*2*0") && !answer.contains("AK5*A"), "{answer}");
        assert_eq!(house.outcomes(), [Outcome::Rejected]);
        house.close().await;

        // As it is without: the good one is taken.
        let mut house = House::open();
        house.drop_inbound("half.edi", &half_good(1));
        house.wait(Event::DocumentDelivered).await;
        house.close().await;
    });
}

#[test]
fn an_interchange_is_held_back_for_one_of_its_sets_where_that_is_agreed() {
    multi().block_on(async {
        let profile = format!("{PROFILE}\n[processing]\non_error = \"interchange\"\n");
        let mut house = House::with(CONFIG, &profile);
        house.drop_inbound("half.edi", &half_good(1));
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("holds all of it back"), "{}", record.entry.note);
        let sent = house.wait(Event::InterchangeSent).await;
        assert!(house.bytes(&sent).contains("AK9*P*2*2*1"));
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), [""; 0]);
        house.close().await;
    });
}

#[test]
fn an_acknowledgement_of_ours_that_is_late_is_told() {
    multi().block_on(async {
        let line = "kind = \"997\"\nwithin = \"1s\"";
        let mut house = House::with(CONFIG, &with("kind = \"997\"", line));
        let outbound = house.path("mailboxes/harbor-and-pine/outbound");
        std::fs::remove_dir_all(&outbound).unwrap();
        std::fs::write(&outbound, "no folder any more").unwrap();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let record = house.wait(Event::AcknowledgementLate).await;
        assert_eq!(record.entry.subject, "harbor-and-pine-997-000001000.edi");
        let of_it = |record: &crossdock::store::JournalRecord| {
            record.entry.facts["kind"] == "acknowledgement-late"
        };
        house.wait_for(Event::ExceptionRaised, of_it).await;
        std::fs::remove_file(&outbound).unwrap();
        std::fs::create_dir(&outbound).unwrap();
        house.wait(Event::InterchangeSent).await;
        house.wait_for(Event::ExceptionMended, of_it).await;
        house.close().await;
    });
}

/// The sample profile with a line of `[processing]`.
fn processing(line: &str) -> String {
    format!("{PROFILE}\n[processing]\n{line}\n")
}

#[test]
fn separators_at_the_end_are_written_where_that_is_agreed() {
    multi().block_on(async {
        for (line, ends) in [("", "*PO-1~"), ("trailing_separators = \"keep\"", "*PO-1******~")] {
            let mut house = House::with(CONFIG, &processing(line));
            let text = house.send_invoice(1).await;
            let big = text.lines().find(|line| line.starts_with("BIG*")).unwrap();
            assert!(big.ends_with(ends), "{line}: {big}");
            house.close().await;
        }
    });
}

#[test]
fn separators_at_the_end_that_come_weigh_what_is_agreed() {
    multi().block_on(async {
        for (word, rejected) in [("advice", false), ("ignore", false), ("error", true)] {
            let profile = processing(&format!("separators_found = \"{word}\""));
            let profile =
                profile.replace("kind = \"997\"", "kind = \"997\"\nerrors_as = \"rejected\"");
            let mut house = House::with(CONFIG, &profile);
            let text = order(1, "PO-1");
            let beg = text.lines().find(|line| line.starts_with("BEG*")).unwrap();
            let longer = beg.replace('~', "***~");
            house.drop_inbound("order.edi", &text.replace(beg, &longer));
            if rejected {
                let record = house.wait(Event::InterchangeRejected).await;
                assert!(record.entry.note.contains("BEG ends with"), "{record:?}");
            } else {
                house.wait(Event::DocumentDelivered).await;
            }
            house.close().await;
        }
    });
}

#[test]
fn blanks_at_the_end_are_dropped_or_kept_as_is_agreed() {
    multi().block_on(async {
        for (word, received, sent) in
            [("trim", "\"PO-1\"", "*PO-1~"), ("keep", "\"PO-1  \"", "*PO-1  ~")]
        {
            let profile = processing(&format!("trailing_spaces = \"{word}\""));
            let mut house = House::with(CONFIG, &profile);
            house.drop_outbound(
                "invoices",
                "a.json",
                &INVOICE.replace("\"order\":\"PO-1\"", "\"order\":\"PO-1  \""),
            );
            let record = house.wait(Event::InterchangeSent).await;
            let text = house.bytes(&record);
            let big = text.lines().find(|line| line.starts_with("BIG*")).unwrap();
            assert!(big.ends_with(sent), "{word}: {big}");
            house.drop_inbound("order.edi", &order(1, "PO-1  "));
            let record = house.wait(Event::DocumentReceived).await;
            let json = house.bytes(&record);
            assert!(json.contains(&format!("\"number\": {received}")), "{word}: {json}");
            house.close().await;
        }
    });
}

#[test]
fn numbers_are_read_and_written_with_the_decimals_that_are_agreed() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/harbor-and-pine");
        std::fs::create_dir_all(&partner).unwrap();
        for (set, rule) in [("850", "type PO1/PO104 N2"), ("810", "type IT1/IT104 N2")] {
            let text = format!(
                "overlay harbor-and-pine on {set} 004010\nsource \"Guide 3.1, p. 9, 2026-02\"\n{rule} \"Prices in cents\"\n"
            );
            std::fs::write(partner.join(format!("{set}.overlay")), text).unwrap();
        }
        let mut house = House::within(folder, CONFIG, PROFILE);
        let text = house.send_invoice(1).await;
        assert!(text.contains("IT1*1*2*EA*150*"), "{text}");
        let text = order(1, "PO-1");
        let in_cents = |line: &str| {
            let mut elements: Vec<&str> = line.split('*').collect();
            if elements[0] == "PO1" {
                elements[4] = "1999";
            }
            elements.join("*") + "\n"
        };
        house.drop_inbound("order.edi", &text.lines().map(in_cents).collect::<String>());
        let record = house.wait(Event::DocumentReceived).await;
        let json = house.bytes(&record);
        assert!(json.contains("\"price\": \"19.99\""), "{json}");
        house.close().await;
    });
}

#[test]
fn in_shadow_everything_is_translated_and_nothing_leaves() {
    multi().block_on(async {
        let mut house = House::with(CONFIG, &with("state = \"live\"", "state = \"shadow\""));
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let record = house.wait(Event::DocumentShadowed).await;
        assert!(house.bytes(&record).contains("\"PO-1\""));
        house.invoice(1);
        let record = house.wait(Event::DocumentShadowed).await;
        assert!(house.bytes(&record).contains("BIG*"));
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound"), [""; 0]);
        assert_eq!(house.names("warehouse/harbor-and-pine/orders"), [""; 0]);
        assert_eq!(house.outcomes(), [Outcome::Accepted]);
        house.close().await;

        // One kind alone.
        let profile = with("direction = \"in\"", "direction = \"in\"\nstate = \"shadow\"");
        let mut house = House::with(CONFIG, &profile);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentShadowed).await;
        house.send_invoice(1).await;
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound").len(), 1);
        house.close().await;
    });
}

#[test]
fn documents_flow_on_the_days_and_in_the_release_that_are_agreed() {
    multi().block_on(async {
        let cases = [
            ("from = 2999-01-01", "on this day"),
            ("until = 2001-01-01", "on this day"),
            ("release = \"005010\"", "in release 004010"),
        ];
        for (line, words) in cases {
            let agreed = "direction = \"in\"\nrelease = \"004010\"";
            let profile = with(agreed, &format!("direction = \"in\"\n{line}"));
            let mut house = House::with(CONFIG, &profile);
            house.drop_inbound("order.edi", &order(1, "PO-1"));
            let record = house.wait(Event::DocumentQuarantined).await;
            assert!(record.entry.note.contains(words), "{}", record.entry.note);
            house.close().await;
        }
    });
}

#[test]
fn documents_go_together_in_one_interchange_and_one_that_is_bad_keeps_back_no_other() {
    multi().block_on(async {
        let invoice = "[documents.invoice]\ndirection = \"out\"";
        let batch = format!("{invoice}\nbatch = {{ sets = 3, every = \"1h\" }}");
        let mut house = House::with(CONFIG, &with(invoice, &batch));
        house.invoice(1);
        house.wait(Event::DocumentCollected).await;
        let long = INVOICE.replace("INV-1", &"N".repeat(40));
        house.drop_outbound("invoices", "long.json", &long);
        house.wait(Event::DocumentCollected).await;
        assert_eq!(house.names("mailboxes/harbor-and-pine/outbound"), [""; 0]);
        house.invoice(2);
        house.wait(Event::DocumentQuarantined).await;
        let sent = house.wait(Event::InterchangeSent).await;
        let text = house.bytes(&sent);
        assert!(
            text.contains("GE*2*") && text.contains("*INV-1") && text.contains("*INV-2"),
            "{text}"
        );
        house.drop_inbound(
            "answer.edi",
            &acknowledgement(1, 1000, "A").replace("*A*1*1*1", "*A*2*2*2"),
        );
        house.wait(Event::DocumentAcknowledged).await;
        house.wait(Event::DocumentAcknowledged).await;
        house.close().await;
    });
}

#[test]
fn a_batch_leaves_when_the_first_has_waited_long_enough() {
    multi().block_on(async {
        let invoice = "[documents.invoice]\ndirection = \"out\"";
        let batch = format!("{invoice}\nbatch = {{ sets = 3, every = \"1s\" }}");
        let mut house = House::with(CONFIG, &with(invoice, &batch));
        let text = house.send_invoice(1).await;
        assert!(text.contains("GE*1*"), "{text}");
        house.close().await;
    });
}

#[test]
fn further_identities_are_known_and_those_of_test_are_a_test_whatever_isa15_says() {
    multi().block_on(async {
        let own = "own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" }";
        let also = format!(
            "{own}\nalso = [{{ partner = {{ qualifier = \"12\", id = \"HARBOR\" }}, {own} }}]"
        );
        let mut house = House::with(CONFIG, &with(own, &also));
        let other = order(1, "PO-1").replace("08*6125550100 ", "12*HARBOR     ");
        house.drop_inbound("other.edi", &other);
        house.wait(Event::DocumentDelivered).await;
        let sent = house.wait(Event::InterchangeSent).await;
        assert!(house.bytes(&sent).contains("*12*HARBOR "), "{}", house.bytes(&sent));
        let test = order(2, "PO-2")
            .replace("08*6125550100 ", "08*6125550100T")
            .replace("ZZ*NORTHDOCK3PL ", "ZZ*NORTHDOCK3PLT");
        house.drop_inbound("test.edi", &test);
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("test_endpoint"), "{}", record.entry.note);
        house.close().await;
    });
}

#[test]
fn the_rules_and_map_lines_of_an_overlay_hold_in_what_comes_and_in_what_goes() {
    multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let partner = folder.path().join("partners/harbor-and-pine");
        std::fs::create_dir_all(&partner).unwrap();
        let source = "source \"Vendor guide 3.1, p. 12, 2026-02\"\n";
        let inbound = format!(
            "overlay harbor-and-pine on 850 004010 in\n{source}forbid N1[SF] \"Never their own warehouse\"\nmap department REF[IA]/REF02\n"
        );
        let outbound = format!(
            "overlay harbor-and-pine on 810 004010 out\n{source}require REF[DP] \"Accounts payable files by it\"\n"
        );
        std::fs::write(partner.join("850.overlay"), inbound).unwrap();
        std::fs::write(partner.join("810.overlay"), outbound).unwrap();
        let strict = with("kind = \"997\"", "kind = \"997\"\nerrors_as = \"rejected\"");
        let mut house = House::within(folder, CONFIG, &strict);
        house.drop_inbound("good.edi", &order(1, "PO-1"));
        let received = house.wait(Event::DocumentReceived).await;
        let json = house.bytes(&received);
        assert!(json.contains("\"department\": \"77120\""), "{json}");

        let bad = order(2, "PO-2").replace("N1*ST*", "N1*SF*");
        house.drop_inbound("bad.edi", &bad);
        let record = house.wait(Event::InterchangeRejected).await;
        assert!(record.entry.note.contains("Never their own warehouse"), "{}", record.entry.note);

        house.invoice(1);
        let record = house.wait(Event::DocumentQuarantined).await;
        assert!(record.entry.note.contains("Accounts payable files by it"), "{}", record.entry.note);
        house.close().await;
    });
}

#[test]
fn group_codes_that_were_not_agreed_are_told_and_not_answered_with() {
    multi().block_on(async {
        let mut house = House::open();
        let text = order(1, "PO-1").replacen("*NORTHDOCK3PL*", "*NOTUS*", 1);
        assert!(text.contains("GS*PO*6125550100*NOTUS*"), "{text}");
        house.drop_inbound("order.edi", &text);
        house.wait(Event::DocumentDelivered).await;
        house.until(|house| !house.names("mailboxes/harbor-and-pine/outbound").is_empty()).await;
        let file = house.path("mailboxes/harbor-and-pine/outbound");
        let file = file.join(&house.names("mailboxes/harbor-and-pine/outbound")[0]);
        let answer = std::fs::read_to_string(file).unwrap();
        assert!(answer.contains("GS*FA*NORTHDOCK3PL*"), "{answer}");
        std::fs::write(house.path("order.edi"), &text).unwrap();
        let (config, file) = (house.path("crossdock.toml"), house.path("order.edi"));
        let (config, file) = (config.to_str().unwrap(), file.to_str().unwrap());
        let (said, _) =
            house.command(&["partner", "try", "harbor-and-pine", file, "--config", config]);
        assert!(said.contains("G09"), "{said}");
        house.close().await;
    });
}
