//! Profiles: what a folder says, resolved along what it extends, with everything that is wrong told at once.

use std::fmt::Write as _;
use std::sync::Arc;

use crossdock::grammar::SourceFile;
use crossdock::profile::{
    Difference, Direction, Partner, Problem, ProfileSource, Profiles, Schedule, State, Usage,
    differences,
};
use crossdock::translate::Engine;
use crossdock::x12::Identity;

const SAMPLE: &str = include_str!("../../partner-profiles/harbor-and-pine/partner.toml");

/// A profile made of files: path and text of each.
pub fn source(name: &str, files: &[(&str, &str)]) -> ProfileSource {
    let file =
        |(path, text): &(&str, &str)| SourceFile { path: (*path).into(), text: (*text).into() };
    ProfileSource {
        name: name.to_owned(),
        folder: name.to_owned(),
        files: files.iter().map(file).collect(),
        to_extend: false,
    }
}

pub fn read(sources: &[ProfileSource]) -> (Profiles, Vec<Problem>) {
    let engine = Engine::embedded();
    Profiles::from_sources(sources, engine.grammars(), engine.maps())
}

/// Problems of one `partner.toml`.
pub fn problems_of(text: &str) -> Vec<Problem> {
    read(&[source("harbor-and-pine", &[("partner.toml", text)])]).1
}

fn one(text: &str) -> Arc<Partner> {
    let (profiles, problems) = read(&[source("harbor-and-pine", &[("partner.toml", text)])]);
    assert_eq!(problems, []);
    Arc::clone(profiles.partner("harbor-and-pine").unwrap())
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const BASE: &str = r#"base = true
source = "Routing guide 9, p. 1, 2026-01"

[envelope]
release_suffix = "VICS"
line_break = "lf"

[acknowledgements]
due = "12h"

[documents.order]
direction = "in"

[documents.shipment]
direction = "out"
"#;

const BRAND: &str = r#"extends = "big-box"
endpoint = "warehouse"
source = "Mail of 2026-03-01"

[identity.production]
partner = { qualifier = "08", id = "6125550100" }
own = { qualifier = "ZZ", id = "NORTHDOCK3PL" }

[envelope]
line_break = "none"

[documents.shipment]
state = "shadow"
source = "Guide 3.1, p. 12, 2026-02"

[mailbox]
folder = "mailboxes/brand"
"#;

fn family() -> Vec<ProfileSource> {
    vec![source("big-box", &[("partner.toml", BASE)]), source("brand", &[("partner.toml", BRAND)])]
}

#[test]
fn a_profile_is_its_base_and_what_it_says_otherwise() {
    let (profiles, problems) = read(&family());
    assert_eq!(problems, []);
    assert!(profiles.partner("big-box").is_none(), "a base is never in force");
    let brand = profiles.partner("brand").unwrap();
    assert_eq!(brand.chain.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["brand", "big-box"]);
    assert_eq!(brand.title, "brand");
    assert_eq!(brand.envelope.release_suffix, "VICS");
    assert_eq!(brand.envelope.style().suffix, b"");
    assert_eq!(brand.acknowledgements.due.as_secs(), 12 * 3600);
    assert_eq!(brand.documents["shipment"].state, State::Shadow);
    assert_eq!(brand.documents["shipment"].direction, Direction::Out);
    assert!(brand.agreement(Direction::In, "850", "005010").is_some());
    let shipment = brand.agreement(Direction::Out, "856", "004010VICS").unwrap();
    assert_eq!((shipment.version().as_str(), shipment.kind.as_ref()), ("004010VICS", "shipment"));
}

#[test]
fn every_row_knows_where_it_stands_and_who_said_so() {
    let (profiles, _) = read(&family());
    let rows = profiles.partner("brand").unwrap().rows();
    let row = |section: &str, subject: &str| {
        let found = rows.iter().find(|r| r.section.as_ref() == section && r.subject == subject);
        let row = found.unwrap_or_else(|| panic!("{section} {subject}"));
        let origin = row.origin.as_ref().map(ToString::to_string);
        (row.value.clone(), origin, row.source.as_deref().map(str::to_owned))
    };
    let said = |value: &str, origin: &str, source: &str| {
        (value.to_owned(), Some(origin.to_owned()), Some(source.to_owned()))
    };
    assert_eq!(
        row("envelope", "release_suffix"),
        said("VICS", "big-box/partner.toml:5", "Routing guide 9, p. 1, 2026-01")
    );
    assert_eq!(
        row("envelope", "line_break"),
        said("none", "brand/partner.toml:10", "Mail of 2026-03-01")
    );
    assert_eq!(
        row("documents.shipment", "state"),
        said("shadow", "brand/partner.toml:13", "Guide 3.1, p. 12, 2026-02")
    );
    assert_eq!(row("envelope", "release"), ("004010".to_owned(), None, None));
}

#[test]
fn what_two_agreements_differ_in_is_told() {
    let before = one(SAMPLE).rows();
    let after = one(&SAMPLE.replace("line_break = \"lf\"", "charset = \"basic\"")).rows();
    let found: Vec<String> = differences(&before, &after).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "changed envelope line_break from lf to none",
            "changed envelope charset from utf-8 to basic"
        ]
    );
    let stricter = one(&SAMPLE.replace("kind = \"997\"", "errors_as = \"rejected\"")).rows();
    assert!(differences(&stricter, &before).iter().any(Difference::may_loosen));
}

#[test]
fn what_keeps_less_back_is_told_as_looser() {
    let order = "direction = \"in\"\nrelease = \"004010\"";
    let with = |text: &str, more: &str| format!("{text}\n{more}");
    let pair = "{ partner = { qualifier = \"08\", id = \"6125550199\" }, own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" } }";
    let test = "\n[identity.test]";
    let lf = "line_break = \"lf\"";
    for (text, strict, loose) in [
        (order, order.to_owned(), "direction = \"in\"".to_owned()),
        (order, with(order, "until = 2026-11-01"), with(order, "until = 2027-11-01")),
        (order, with(order, "from = 2026-11-01"), order.to_owned()),
        (lf, with(lf, "charset = \"basic\""), lf.to_owned()),
        (test, test.to_owned(), format!("\nalso = [{pair}]\n{test}")),
    ] {
        let rows = |said: &str| one(&SAMPLE.replacen(text, said, 1)).rows();
        let (before, after) = (rows(&strict), rows(&loose));
        let looser = differences(&before, &after);
        assert!(!looser.is_empty() && looser.iter().all(Difference::may_loosen), "{looser:?}");
        let stricter = differences(&after, &before);
        assert!(stricter.iter().all(Difference::tightens), "{stricter:?}");
    }
}

#[test]
fn the_weight_of_what_is_in_no_list_is_shown() {
    let row = |weight: &str| {
        let overlay = format!(
            "overlay harbor-and-pine on 850 004010\nsource \"Guide\"\ncodes PO1/PO103 + Q9{weight}\n"
        );
        let files = [("partner.toml", SAMPLE), ("850.overlay", &overlay)];
        let (profiles, problems) = read(&[source("harbor-and-pine", &files)]);
        assert_eq!(problems, []);
        let rows = profiles.partner("harbor-and-pine").unwrap().rows();
        rows.into_iter().find(|row| row.subject == "PO1/PO103").unwrap()
    };
    let (strict, plain) = (row(" as error"), row(""));
    assert_eq!((&*strict.value, &*plain.value), ("codes + Q9 as error", "codes + Q9"));
    assert!(Difference::Changed(&strict, &plain).may_loosen());
}

#[test]
fn an_interchange_is_known_by_any_pair_that_is_agreed() {
    let text = SAMPLE.replace(
        "own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" }",
        "own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" }\nalso = [{ partner = { qualifier = \"01\", id = \"007\", group = \"HARBOR\" }, own = { qualifier = \"ZZ\", id = \"NORTHDOCK3PL\" } }]",
    );
    let (profiles, problems) = read(&[source("harbor-and-pine", &[("partner.toml", &text)])]);
    assert_eq!(problems, []);
    let who = |qualifier: &str, id: &str| Identity { qualifier: qualifier.into(), id: id.into() };
    let usage = |from: Identity, to: Identity| profiles.sender(&from, &to).map(|(_, usage)| usage);
    let own = who("ZZ", "NORTHDOCK3PL");
    assert_eq!(usage(who("08", "6125550100"), own.clone()), Some(Usage::Production));
    assert_eq!(usage(who("01", "007"), own.clone()), Some(Usage::Production));
    assert_eq!(usage(who("08", "6125550100T"), who("ZZ", "NORTHDOCK3PLT")), Some(Usage::Test));
    assert_eq!(usage(own.clone(), who("08", "6125550100")), None);
}

#[test]
fn one_bad_profile_leaves_the_others_in_force() {
    let mut sources = family();
    sources.push(source("bad", &[("partner.toml", "tittle = 5\n")]));
    sources.push(source("empty", &[]));
    let (profiles, problems) = read(&sources);
    assert!(profiles.partner("brand").is_some() && profiles.partner("bad").is_none());
    insta::assert_snapshot!(lines(&problems));
}

#[test]
fn chains_that_lead_nowhere_are_told() {
    let extends = |name: &str| format!("extends = \"{name}\"\n");
    let mut sources = vec![
        source("self", &[("partner.toml", &extends("self"))]),
        source("one", &[("partner.toml", &extends("two"))]),
        source("two", &[("partner.toml", &extends("one"))]),
        source("lost", &[("partner.toml", &extends("big-bos"))]),
        source("big-box", &[("partner.toml", BASE)]),
    ];
    for depth in 1..=9 {
        let below = if depth == 1 { "big-box".to_owned() } else { format!("deep-{}", depth - 1) };
        sources.push(source(&format!("deep-{depth}"), &[("partner.toml", &extends(&below))]));
    }
    let (_, problems) = read(&sources);
    let text = lines(&problems);
    let chains = text.lines().filter(|line| line.contains("extend"));
    insta::assert_snapshot!(chains.collect::<Vec<_>>().join("\n"));
}

#[test]
fn two_partners_cannot_be_the_same() {
    let mut sources = family();
    sources.push(source("other", &[("partner.toml", BRAND)]));
    let (profiles, problems) = read(&sources);
    // Nobody can tell whose the identities are: neither is used.
    assert_eq!(profiles.iter().count(), 0);
    assert_eq!(profiles.left_out().len(), 2);
    insta::assert_snapshot!(lines(&problems));
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_mend() {
    let text = r#"titel = "Harbor"
state = "lve"
endpoint = "warehouse"
password = "hunter2"

[[contacts]]
name = "EDI desk"
email = "edi.example"

[identity.production]
partner = { qualifier = "8", id = "6125550100" }
own = { qualifer = "ZZ", id = "" }

[envelope]
security = { qualifier = "01", information = "hunter2" }
interchange_version = "401"
release = "004011"
isa11 = "seperator"
element_separator = "~"
delimiter_in_data = "replace"
group_time = "hhmmss "

[envelope.sets.811]
agency = "X"

[control_numbers]
interchange = { first = 5, last = 4 }
set = { prefix = "ABCDEFGHI" }

[duplicates]
days = -1

[acknowledgements]
kind = "999"
release = "004010"
due = "1 fortnight"
within = 5

[documents.ordre]
direction = "in"

[documents.shipment]
direction = "out"
hierarchy = ["shipment", "ordre", "pack", "pack"]
release = "005011"

[documents.invoice]
direction = "upward"
from = 2026-12-02
until = 2026-12-01
batch = { sets = 0 }

[deadlines]
invoice = { after = "invoice", within = "24h" }

[mailbox]
poll_seconds = 0
"#;
    let problems = problems_of(text);
    assert!(!lines(&problems).contains("hunter2"), "a secret is never shown");
    insta::assert_snapshot!(lines(&problems));
}

#[test]
fn what_has_no_effect_or_no_source_is_a_warning() {
    let text = SAMPLE
        .replace("source = \"Harbor & Pine vendor guide 3.1, pages 2 to 9, 2026-02\"\n", "")
        .replace(
            "release_suffix = \"VICS\"",
            "repetition_separator = \"^\"\nreplace_delimiters_by = \" \"",
        )
        .replace("expected = true ", "expected = false")
        .replace("direction = \"in\"", "direction = \"in\"\nbatch = { sets = 1, every = \"1m\" }");
    let problems = problems_of(&text);
    assert!(problems.iter().all(|problem| !problem.is_error()), "{}", lines(&problems));
    insta::assert_snapshot!(lines(&problems));
}

#[test]
fn a_base_needs_no_flows_for_its_overlays() {
    let quiet = BASE.split("[documents.order]").next().unwrap();
    let sources = |base: &str| {
        vec![
            source("big-box", &[("partner.toml", base), ("850.overlay", OVERLAY)]),
            source("brand", &[("partner.toml", BRAND)]),
        ]
    };
    let (_, problems) = read(&sources(quiet));
    assert!(!lines(&problems).contains("no document flows"), "{}", lines(&problems));
    // One that nobody extends is for its own documents.
    let text = SAMPLE.replace("[documents.order]", "[documents.inventory]");
    let (_, problems) =
        read(&[source("harbor-and-pine", &[("partner.toml", &text), ("850.overlay", OVERLAY)])]);
    assert!(lines(&problems).contains("no document flows"), "{}", lines(&problems));
}

#[test]
fn what_is_compared_of_no_such_document_is_told() {
    let file = |set: &str| {
        format!(
            "overlay brand on {set} 004010\nsource \"Mail, 2026-03\"\nagainst order quantity\nagainst shipment quantity\n"
        )
    };
    let (order, shipment) = (file("850"), file("856"));
    let sources = [
        source("big-box", &[("partner.toml", BASE)]),
        source(
            "brand",
            &[("partner.toml", BRAND), ("850.overlay", &order), ("856.overlay", &shipment)],
        ),
    ];
    let (_, problems) = read(&sources);
    let told: Vec<String> =
        problems.iter().map(ToString::to_string).filter(|line| line.contains("against")).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_key_that_cannot_be_judged_is_a_key() {
    let numbers = "[control_numbers]\nset = { prefix = \"ABCDEFGHI\", width = 4 }\n\n[envelope]";
    let told = lines(&problems_of(&SAMPLE.replacen("[envelope]", numbers, 1)));
    assert!(told.contains("leaves no room") && !told.contains("not known"), "{told}");
}

#[test]
fn a_short_date_of_the_group_is_told_where_the_release_has_a_long_one() {
    let text = SAMPLE.replace("[envelope]\n", "[envelope]\ngroup_date = \"yymmdd\"\n");
    let problems = problems_of(&text);
    assert!(problems.iter().all(|problem| !problem.is_error()), "{}", lines(&problems));
    assert!(lines(&problems).contains("eight digits in GS04"), "{}", lines(&problems));
}

const OVERLAY: &str = "overlay big-box on 850 004010\nsource \"Guide 9, p. 4, 2026-01\"\nrequire REF[DP] \"They route by it\"\nlimit N1[ST] 1 \"One ship-to\"\n";

#[test]
fn rules_of_a_base_come_first_and_are_shared() {
    let own = "overlay brand on 850 004010 in\nsource \"Mail, 2026-03\"\nwaive require REF[DP]\nforbid SAC \"Charges belong on the invoice\"\n";
    let mut sources = vec![
        source("big-box", &[("partner.toml", BASE), ("850.overlay", OVERLAY)]),
        source("brand", &[("partner.toml", BRAND), ("850.overlay", own)]),
    ];
    for number in 0..2 {
        let text = BRAND.replace("6125550100", &format!("612555020{number}"));
        sources.push(source(&format!("other-{number}"), &[("partner.toml", &text)]));
    }
    let (profiles, problems) = read(&sources);
    assert!(problems.iter().all(|problem| !problem.is_error()), "{}", lines(&problems));
    let rules = |name: &str| -> Vec<String> {
        let rows = profiles.partner(name).unwrap().rows();
        let rules = rows.iter().filter(|row| row.section.as_ref() == "850 in 004010");
        let words = rules
            .map(|row| format!("{} {} ({})", row.subject, row.value, row.origin.as_ref().unwrap()));
        words.collect()
    };
    assert_eq!(
        rules("brand"),
        ["N1[ST] limit 1 (big-box/850.overlay:4)", "SAC forbid (brand/850.overlay:4)"]
    );
    assert_eq!(
        rules("other-0"),
        ["REF[DP] require (big-box/850.overlay:3)", "N1[ST] limit 1 (big-box/850.overlay:4)"]
    );
    let overlay = |name: &str| {
        let partner = profiles.partner(name).unwrap();
        partner.agreement(Direction::In, "850", "004010").unwrap().overlay.clone().unwrap()
    };
    assert!(Arc::ptr_eq(&overlay("other-0"), &overlay("other-1")));
    assert!(!Arc::ptr_eq(&overlay("other-0"), &overlay("brand")));
}

#[test]
fn an_overlay_that_cannot_be_used_refuses_all_that_rest_on_it() {
    let mut sources = vec![
        source(
            "big-box",
            &[
                ("partner.toml", BASE),
                ("850.overlay", "overlay big-box on 850 004010\nrequire XYZ\n"),
            ],
        ),
        source("brand", &[("partner.toml", BRAND)]),
    ];
    let text = BRAND.replace("6125550100", "6125550200");
    sources.push(source("other", &[("partner.toml", &text)]));
    sources.push(source("apart", &[("partner.toml", &SAMPLE.replace("61255501", "61255503"))]));
    let (profiles, problems) = read(&sources);
    let names: Vec<&str> = profiles.iter().map(|partner| partner.name.as_str()).collect();
    assert_eq!(names, ["apart"]);
    assert!(lines(&problems).contains("big-box/850.overlay:2:"), "{}", lines(&problems));
}

#[test]
fn a_thousand_profiles_share_what_they_rest_on() {
    let mut sources = vec![source("big-box", &[("partner.toml", BASE), ("850.overlay", OVERLAY)])];
    for number in 0..1000 {
        let text = BRAND.replace("6125550100", &format!("612555{number:04}"));
        sources.push(source(&format!("brand-{number}"), &[("partner.toml", &text)]));
    }
    let (profiles, _) = read(&sources);
    assert_eq!(profiles.iter().count(), 1000);
}

const SERVER: &str = r#"
[mailbox.sftp]
host = "sftp.harbor.example"
user = "northdock"
key = "file:/etc/crossdock/harbor"
host_keys = ["SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"]
"#;

#[test]
fn a_mailbox_on_a_server_is_read_with_what_is_usual() {
    let partner = one(&format!("{SAMPLE}{SERVER}"));
    assert_eq!(partner.mailbox.address(), "sftp://northdock@sftp.harbor.example:22/inbound");
    let rows: Vec<String> = partner
        .rows()
        .iter()
        .filter(|row| row.section.starts_with("mailbox"))
        .map(|row| format!("{} {} = {}", row.section, row.subject, row.value))
        .collect();
    insta::assert_snapshot!(rows.join("\n"));
    let scheduled = SAMPLE.replace("poll_seconds = 5", "schedule = \"*/15 6-20 * * MON-FRI\"");
    assert!(matches!(one(&scheduled).mailbox.schedule, Some(Schedule::Times(_))));
}

#[test]
fn whatever_is_wrong_with_a_mailbox_on_a_server_is_told() {
    let mut told = String::new();
    for (old, new) in [
        ("host = \"sftp.harbor.example\"\n", ""),
        ("user = \"northdock\"", "user = \" \""),
        ("key = \"file:/etc/crossdock/harbor\"\n", ""),
        ("key = \"file:/etc/crossdock/harbor\"", "password = \"hunter2\""),
        ("key = ", "key_pasphrase = \"env:P\"\nkey = "),
        ("key = \"file", "password = \"env:P\"\nkey_passphrase = \"env:Q\"\n# \"file"),
        ("SHA256:", "MD5:"),
        ("host_keys = [", "host_keys = [] # ["),
        ("host = ", "port = 0\nhost = "),
        ("host = ", "inbound = \"x/\"\noutbound = \"./x\"\nhost = "),
        ("host = ", "after = \"delete\"\narchive = \"done\"\nhost = "),
        ("host = ", "after = \"remove\"\nhost = "),
        ("host = ", "pattern = \"a***b\"\nhost = "),
        ("host = ", "finished = \"marker\"\nmarker = \"done\"\nsettle = \"1s\"\nhost = "),
        ("host = ", "upload_name = \"out/{name}\"\nhost = "),
        ("host = ", "upload_name = \"order.edi\"\nhost = "),
        ("host = ", "idle_timeout = \"2h\"\nkeepalive = 5\nhost = "),
        ("poll_seconds = 5", "poll_seconds = 5\nschedule = \"* * * * *\""),
        ("poll_seconds = 5", "schedule = \"0 0 30 2 *\""),
        ("poll_seconds = 5", "schedule = \"every day\""),
    ] {
        let text = format!("{SAMPLE}{SERVER}");
        assert!(text.contains(old), "{old}");
        let problems = lines(&problems_of(&text.replacen(old, new, 1)));
        assert_ne!(problems, "", "{new}");
        writeln!(told, "{}\n{problems}\n", new.escape_debug()).unwrap();
    }
    assert!(!told.replace("password = \\\"hunter2", "").contains("hunter2"));
    insta::assert_snapshot!(told);
}

const AS2: &str = r#"
[mailbox.as2]
own_name = "NORTHDOCK"
partner_name = "Harbor & Pine"
url = "https://as2.harbor.example/in"
key = "file:keys/northdock.pem"
certificates = ["keys/harbor-2026.pem", "keys/harbor-2027.pem"]
"#;

#[test]
fn an_as2_partner_is_read_with_what_is_usual() {
    let sample = SAMPLE.replace("poll_seconds = 5\n", "");
    let partner = one(&format!("{sample}{AS2}"));
    assert_eq!(partner.mailbox.address(), "as2:Harbor & Pine/NORTHDOCK");
    let as2 = partner.mailbox.as2.as_ref().unwrap();
    assert!(as2.may_answer("AS2.harbor.example") && !as2.may_answer("elsewhere.example"));
    let rows = partner.rows().into_iter().filter(|row| row.section.starts_with("mailbox"));
    let rows: Vec<String> =
        rows.map(|row| format!("{} {} = {}", row.section, row.subject, row.value)).collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn whatever_is_wrong_with_an_as2_partner_is_told() {
    let mut told = String::new();
    let text = format!("{}{AS2}", SAMPLE.replace("poll_seconds = 5\n", ""));
    for (old, new) in [
        ("own_name = \"NORTHDOCK\"\n", ""),
        ("own_name = \"NORTHDOCK\"", "own_name = \"Harbor & Pine\""),
        ("partner_name = \"Harbor & Pine\"", "partner_name = \"Härbor\""),
        ("url = \"https://", "url = \"as2://"),
        ("url = \"https://", "url = \"https://us:hunter2@"),
        ("key = \"file:keys/northdock.pem\"\n", ""),
        ("key = \"file:keys/northdock.pem\"", "key = \"hunter2\""),
        ("key = ", "other_keys = [\"file:old.pem\", \"hunter2\"]\nkey = "),
        ("key = ", "key_passphrase = \"hunter2\"\nkey = "),
        ("certificates = ", "# "),
        ("certificates = [", "certificates = [] # ["),
        ("certificates = [", "certificates = [\"-----BEGIN CERTIFICATE-----\"] # ["),
        ("key = ", "sign = \"sha1\"\nencrypt = \"des-ede3-cbc\"\nkey = "),
        ("key = ", "legacy = true\nsign = \"sha1\"\nencrypt = \"rc2\"\nkey = "),
        ("key = ", "sign = \"none\"\nencrypt = \"none\"\npadding = \"oaep\"\nkey = "),
        ("key = ", "receipt = \"none\"\nreceipt_signed = true\nretries = 2\nkey = "),
        ("key = ", "receipt = \"async\"\nreceipt_within = \"30d\"\nretries = 1000\nkey = "),
        ("key = ", "receipt_hosts = [\"https://mdn.example/\"]\nproxy = \"proxy:3128\"\nkey = "),
        ("key = ", "user = \"northdock\"\nkey = "),
        ("key = ", "crl = [\"a.crl\"]\nkey = "),
        ("key = ", "crl_issuers = [\"a.pem\"]\nkey = "),
        ("key = ", "crl = [\"-----BEGIN X509 CRL-----\"]\ncrl_issuers = [\"a.pem\"]\nkey = "),
        ("key = ", "login = \"digest\"\nkey = "),
        (
            "url = \"https://",
            "user = \"us\"\npassword = \"env:P\"\nlogin = \"ntlm\"\nurl = \"http://",
        ),
        ("key = ", "client_certificate = \"keys/tls.pem\"\nkey = "),
        ("key = ", "client_key = \"env:K\"\nkey = "),
        (
            "key = ",
            "client_certificate = \"-----BEGIN CERTIFICATE-----\"\nclient_key = \"hunter2\"\nkey = ",
        ),
        (
            "url = \"https://",
            "client_certificate = \"tls.pem\"\nclient_key = \"env:K\"\nurl = \"http://",
        ),
        ("key = ", "password = \"env:P\"\nsubject = \" \"\nkey = "),
        ("key = ", "timeout = \"2h\"\nrequire_signd = false\nkey = "),
        ("[mailbox.as2]", "poll_seconds = 5\n[mailbox.as2]"),
    ] {
        assert!(text.contains(old), "{old}");
        let problems = lines(&problems_of(&text.replacen(old, new, 1)));
        assert_ne!(problems, "", "{new}");
        writeln!(told, "{}\n{problems}\n", new.escape_debug()).unwrap();
    }
    assert!(told.lines().all(|line| !line.starts_with("partner") || !line.contains("hunter2")));
    insta::assert_snapshot!(told);
}
