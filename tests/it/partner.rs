//! `crossdock partner` as a person or a script meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const OVERLAY: &str = r#"overlay harbor-and-pine on 850 004010 005010
source "Vendor guide 3.1, p. 12, 2026-02"

require  REF[DP]              "Department number is how they route"
forbid   SAC                  "Charges belong on the invoice"
length   N1[ST]/N104   4/4    "Their store number"
when BEG02 = DS        require N1[ST]/N301   "Drop-ship needs a street"
"#;

const NOTICE: &str = r#"overlay harbor-and-pine on 856 004010 out
source "Vendor guide 3.1, p. 20, 2026-02"

require  HL[P]/MAN[GM]        "Every carton is scanned"
digits   HL[P]/MAN[GM]/MAN02  sscc
"#;

const ORDER: &str = "partner-profiles/harbor-and-pine/samples/order.edi";

/// The sample profile with overlays, in a folder of its own.
fn profiles() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("harbor-and-pine");
    fs::create_dir_all(profile.join("samples")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = root.join("partner-profiles/harbor-and-pine/partner.toml");
    fs::copy(shipped, profile.join("partner.toml")).unwrap();
    fs::copy(root.join(ORDER), profile.join("samples/order.edi")).unwrap();
    fs::write(profile.join("850.overlay"), OVERLAY).unwrap();
    fs::write(profile.join("856.overlay"), NOTICE).unwrap();
    folder
}

fn partner(profiles: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CROSSDOCK_GRAMMARS")
        .env_remove("CROSSDOCK_MAPS")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .arg("partner")
        .args(arguments)
        .arg("--profiles")
        .arg(profiles)
        .output()
        .unwrap()
}

/// What it printed, and its exit code; the folder of the test is `PROFILES`.
fn shown(profiles: &Path, arguments: &[&str]) -> (String, i32) {
    let output = partner(profiles, arguments);
    let text = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap()).concat();
    let text = text.replace(profiles.to_str().unwrap(), "PROFILES");
    (text, output.status.code().unwrap())
}

fn edit(file: &Path, find: &str, replace: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(find), "{find:?}");
    fs::write(file, text.replace(find, replace)).unwrap();
}

#[test]
fn a_new_profile_wants_nothing_but_what_only_its_author_knows() {
    let folder = tempfile::tempdir().unwrap();
    let (_, code) = shown(folder.path(), &["new", "north-loop"]);
    assert_eq!(code, 0);
    let (_, code) = shown(folder.path(), &["new", "south-loop", "--from", "north-loop"]);
    assert_eq!(code, 0);
    for name in ["north-loop", "south-loop"] {
        let file = folder.path().join(name).join("partner.toml");
        let before = fs::read_to_string(&file).unwrap();
        let (text, code) = shown(folder.path(), &["new", name]);
        assert!(code == 2 && text.contains("nothing was written"), "{text}");
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
        let (text, code) = shown(folder.path(), &["check", name]);
        assert_eq!(code, 1, "{text}");
        let told =
            text.lines().filter(|line| line.starts_with("error") || line.starts_with("warn"));
        let others: Vec<&str> =
            told.filter(|line| !line.contains("still to be filled in")).collect();
        assert!(others.is_empty(), "{text}");
        let filled = before
            .replace("TODO-THEIRS", &format!("{name}-A"))
            .replace("TODO-OURS", &format!("{name}-B"));
        fs::write(&file, filled.replace("TODO", "warehouse")).unwrap();
    }
    let (text, code) = shown(folder.path(), &["check", "--strict"]);
    assert_eq!(
        (text.as_str(), code),
        ("2 profiles: nothing is wrong (endpoints need --config)\n", 0)
    );
}

#[test]
fn files_that_nobody_reads_and_flows_that_are_over_are_warned_of() {
    let folder = profiles();
    let profile = folder.path().join("harbor-and-pine");
    fs::rename(profile.join("856.overlay"), profile.join("856.overlay.txt")).unwrap();
    edit(&profile.join("partner.toml"), "release = \"004010\"\n\n", "until = 2020-01-01\n\n");
    let (text, code) = shown(folder.path(), &["check", "--strict"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("partner_check_unused", text);
}

#[test]
fn what_is_wrong_is_shown_with_its_line_counted_and_told_by_the_exit_code() {
    let folder = profiles();
    let file = folder.path().join("harbor-and-pine/partner.toml");
    edit(&file, "line_break = \"lf\"", "line_brake = \"lf\"");
    edit(&folder.path().join("harbor-and-pine/850.overlay"), "forbid   SAC ", "require  BEG ");
    let (text, code) = shown(folder.path(), &["check"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("partner_check", text);
    let (text, code) = shown(folder.path(), &["check", "--format", "json"]);
    assert_eq!(code, 1);
    let last = text.lines().last().unwrap();
    let sums: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!((&sums["errors"], &sums["warnings"]), (&1.into(), &1.into()), "{text}");
    let (text, code) = shown(folder.path(), &["check", "harbor-and-pin"]);
    assert!(code == 2 && text.contains("did you mean harbor-and-pine?"), "{text}");
    let (text, code) = shown(folder.path(), &["show", "harbor-and-pine"]);
    assert!(code == 2 && text.contains("partner check harbor-and-pine"), "{text}");
}

#[test]
fn fixtures_prove_a_profile() {
    let folder = profiles();
    let fixtures = folder.path().join("harbor-and-pine/fixtures");
    fs::create_dir_all(&fixtures).unwrap();
    let order = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER)).unwrap();
    fs::write(fixtures.join("good.edi"), &order).unwrap();
    fs::write(fixtures.join("store-of-five.edi"), order.replace("*92*0417", "*92*04170")).unwrap();
    let (text, code) = shown(folder.path(), &["check"]);
    assert!(
        code == 1 && text.contains("store-of-five.edi") && !text.contains("good.edi"),
        "{text}"
    );
    let line = text.split('`').nth(1).unwrap();
    fs::write(fixtures.join("store-of-five.findings"), format!("{line}  # too long\n")).unwrap();
    let (text, code) = shown(folder.path(), &["check"]);
    assert_eq!(
        (text.as_str(), code),
        ("1 profile, 2 fixtures: nothing is wrong (endpoints need --config)\n", 0)
    );
    fs::write(fixtures.join("good.findings"), line).unwrap();
    let (text, code) = shown(folder.path(), &["check"]);
    assert!(code == 1 && text.contains("was expected, and is not found"), "{text}");
}

#[test]
fn the_agreement_is_shown_with_where_it_comes_from() {
    let folder = profiles();
    let (text, code) = shown(folder.path(), &["show", "harbor-and-pine", "850"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("partner_show", text);
    let (text, code) = shown(folder.path(), &["show", "harbor-and-pine", "860"]);
    assert!(code == 2 && text.contains("850 in 004010"), "{text}");
}

#[test]
fn differences_are_told_and_which_way_they_go() {
    let (before, after) = (profiles(), profiles());
    let overlay = after.path().join("harbor-and-pine/850.overlay");
    edit(&overlay, "require  REF[DP] ", "require  REF[IA] ");
    edit(&overlay, "4/4", "4/6");
    edit(&after.path().join("harbor-and-pine/partner.toml"), "due = \"24h\"", "due = \"12h\"");
    let [a, b] = [&before, &after].map(|folder| folder.path().to_str().unwrap().to_owned());
    let output = partner(before.path(), &["diff", &a, &b]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    insta::assert_snapshot!("partner_diff", text);
    let output = partner(before.path(), &["diff", &a, &a]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_would_happen_is_told_and_nothing_happens() {
    let folder = profiles();
    let (text, code) = shown(folder.path(), &["try", "harbor-and-pine", ORDER]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "known as harbor-and-pine",
        "delivered to the endpoint warehouse",
        "\"4500127731\"",
        "AK9*A*1*1*1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let order = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER)).unwrap();
    let foreign = folder.path().join("foreign.edi");
    fs::write(&foreign, order.replace("6125550100", "6125550199").replace("REF*DP*0482~", ""))
        .unwrap();
    let tried = folder.path().join("tried");
    let arguments =
        ["try", "harbor-and-pine", foreign.to_str().unwrap(), "--out", tried.to_str().unwrap()];
    let (text, code) = shown(folder.path(), &arguments);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("nobody's") && text.contains("Department number is how they route"),
        "{text}"
    );
    let answer = fs::read_to_string(tried.join("answer-1-1.edi")).unwrap();
    assert!(answer.contains("AK3*REF"), "{answer}");
}

#[test]
fn what_is_tried_goes_through_the_cross_references_and_is_held_against_no_order() {
    let folder = profiles();
    let profile = folder.path().join("harbor-and-pine");
    fs::create_dir_all(profile.join("crosswalks")).unwrap();
    fs::write(profile.join("crosswalks/items.csv"), "sku,vendor\nTOTE,NP-TOTE-NAT\n").unwrap();
    let against = "overlay harbor-and-pine on 810 004010 out\nsource \"Mail, 2026-02\"\n\
        against order quantity \"What is billed beyond the order is not paid\"\n";
    fs::write(profile.join("810.overlay"), against).unwrap();
    let named = "[crosswalks]\nsource = \"Item list, 2026-02\"\nitems = { file = \"crosswalks/items.csv\" }\n\n[mailbox]";
    edit(&profile.join("partner.toml"), "[mailbox]", named);

    let order = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER)).unwrap();
    let file = folder.path().join("order.edi");
    fs::write(&file, order.replace("GS*PO*6125550100*", "GS*PO*WRONG*")).unwrap();
    let (text, code) = shown(folder.path(), &["try", "harbor-and-pine", file.to_str().unwrap()]);
    assert_eq!(code, 1, "{text}");
    for part in ["set aside: lines[", "No item of ours is vendor", "GS02 is \"WRONG\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let invoice = crate::gateway::INVOICE.replace("vendor", "sku");
    for (item, code, parts) in [
        ("TOTE", 0, ["*VN*NP-TOTE-NAT~", "not compared with order "]),
        ("HAT", 1, ["sku HAT is no item of the partner's", "it would not be sent"]),
    ] {
        let file = folder.path().join("invoice.json");
        fs::write(&file, invoice.replace("A-1", item)).unwrap();
        let (text, is) = shown(folder.path(), &["try", "harbor-and-pine", file.to_str().unwrap()]);
        assert_eq!(is, code, "{text}");
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn what_is_tried_is_compared_with_the_orders_in_the_files_before_it() {
    let folder = profiles();
    let against = "overlay harbor-and-pine on 810 004010 out\nsource \"Mail, 2026-02\"\n\
        against order quantity \"What is billed beyond the order is not paid\"\n";
    fs::write(folder.path().join("harbor-and-pine/810.overlay"), against).unwrap();
    let invoice =
        crate::gateway::INVOICE.replace("A-1", "NP-TOTE-NAT").replace("PO-1", "4500127731");
    let invoice = invoice.replace("\"2\"", "\"20\"").replace("3.00", "30.00");
    let [first, second] = ["INV-1", "INV-2"].map(|number| {
        let file = folder.path().join(format!("{number}.json"));
        fs::write(&file, invoice.replace("INV-1", number)).unwrap();
        file.to_str().unwrap().to_owned()
    });
    let arguments = ["try", "harbor-and-pine", ORDER, &first];
    let (text, code) = shown(folder.path(), &arguments);
    assert!(code == 0 && !text.contains("not compared"), "{text}");
    let (text, code) = shown(folder.path(), &[&arguments[..], &[&second]].concat());
    assert!(code == 1 && !text.contains("not compared"), "{text}");
    assert!(text.contains("R17") && text.contains("it would not be sent"), "{text}");
    // The order behind it comes too late.
    let (text, code) = shown(folder.path(), &["try", "harbor-and-pine", &first, ORDER]);
    assert!(code == 0 && text.contains("not compared with order 4500127731"), "{text}");

    // Ours as X12, and what the partner ships and bills.
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("partner-profiles");
    let of_partner = shipped.join("tidewater-textiles/fixtures");
    let path = |name: &str| of_partner.join(name).to_str().unwrap().to_owned();
    let (order, notice) = (path("order.edi"), path("ship-notice.edi"));
    let text = fs::read_to_string(path("invoice.edi")).unwrap();
    let file = folder.path().join("invoice.edi");
    let dearer = text.replace("*20*DZ*96*", "*20*DZ*108*").replace("TDS*259250", "TDS*283250");
    fs::write(&file, dearer).unwrap();
    let dearer = file.to_str().unwrap();
    let (text, code) =
        shown(&shipped, &["try", "tidewater-textiles", &order, &notice, &path("invoice.edi")]);
    assert!(code == 0 && !text.contains("not compared"), "{text}");
    let (text, code) = shown(&shipped, &["try", "tidewater-textiles", &order, dearer]);
    assert!(
        code == 1 && text.contains("set aside: ") && text.contains("We pay the price"),
        "{text}"
    );
    let (text, code) = shown(&shipped, &["try", "tidewater-textiles", dearer]);
    assert!(code == 0 && text.contains("not compared with order NH2607081"), "{text}");
}

#[test]
fn the_guides_of_what_is_shipped_have_an_example_of_each_document() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("partner-profiles");
    let mut guides = 0;
    for entry in fs::read_dir(&shipped).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let profile = fs::read_to_string(entry.path().join("partner.toml")).unwrap_or_default();
        if profile.is_empty() || profile.lines().any(|line| line == "base = true") {
            continue;
        }
        let output = partner(&shipped, &["guide", &name]);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{name}");
        let text = String::from_utf8(output.stdout).unwrap();
        for set in ["850", "856", "810"] {
            let chapter = text.split("\n## ").find(|chapter| chapter.starts_with(set));
            let chapter = chapter.unwrap_or_else(|| panic!("{name}: no {set}"));
            assert!(chapter.contains(", from our samples:"), "{name}: {set}");
        }
        guides += 1;
    }
    assert_eq!(guides, 7);
}

#[test]
fn a_guide_says_what_is_enforced_and_shows_only_what_passes() {
    let folder = profiles();
    let (text, code) = shown(folder.path(), &["guide", "harbor-and-pine"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "## 850 Purchase order, from you to us",
        "`REF` with `DP`: must be sent.",
        "Vendor guide 3.1, p. 20, 2026-02",
        "~~Loop `SAC`~~",
        "Number 4500127731, from our samples:",
        "an SSCC-18 with a right check digit",
        "MAN*GM*",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (page, code) =
        shown(folder.path(), &["guide", "harbor-and-pine", "--set", "856", "--format", "html"]);
    assert_eq!(code, 0);
    assert!(page.starts_with("<!doctype html>") && page.contains("<nav aria-label=\"Contents\">"));
    assert!(!page.contains("http") && !page.contains("src=") && !page.contains("850 Purchase"));
    let anchors: Vec<&str> =
        page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for anchor in &anchors {
        assert_eq!(page.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
    }
    // Conditions, digits, segments that are asked for by an element, and words of somebody's that look like HTML.
    let overlay = folder.path().join("harbor-and-pine/850.overlay");
    edit(
        &overlay,
        "forbid   SAC ",
        "when BEG02 != SA length BEG03 5/9\nlength PO1/PO102 1/3\nwhen BEG02 = DS codes BEG01 00\nrequire PO1/REF02 \"<b>All</b> R&D\"\nforbid   SAC ",
    );
    let (text, code) = shown(folder.path(), &["guide", "harbor-and-pine", "--set", "850"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "has 5 to 9 characters, under a condition (rule 2)",
        "has 1 to 3 digits (rule 3)",
        "is `00`, under a condition (rule 4)<br>`00` Original",
        "or another code of list 353",
        "| &lt;b>All&lt;/b> R&amp;D |",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let used = |segment: &str| {
        let row = text
            .lines()
            .find(|line| line.trim_start_matches(['|', ' ', '\u{2003}']).starts_with(segment));
        row.and_then(|row| row.split(" | ").nth(2)).map(str::to_owned)
    };
    assert_eq!(used("`N3`").as_deref(), Some("C"), "{text}");
    assert_eq!(used("**Loop `N1`**").as_deref(), Some("**O**"), "{text}");
    assert!(text.contains("\u{2003}`REF` | Reference | R |"), "{text}");
    // Of the lines alone: the heading has references, too.
    assert_eq!(used("`REF02`").as_deref(), Some("C"), "{text}");

    let file = folder.path().join("harbor-and-pine/partner.toml");
    let quiet = fs::read_to_string(&file).unwrap();
    let quiet = quiet.split("[documents.order]").next().unwrap().to_owned()
        + "[mailbox]\nfolder = \"mailboxes/harbor-and-pine\"\n";
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, quiet).unwrap();
    let (text, code) = shown(folder.path(), &["guide", "harbor-and-pine"]);
    assert!(code == 2 && text.contains("say in [documents] of partner.toml which do"), "{text}");
    fs::write(&file, whole).unwrap();

    // A rule that no sample keeps leaves the example out, and says why.
    edit(&overlay, "require  REF[DP] ", "require  REF[ZZ] ");
    let (text, _) = shown(folder.path(), &["guide", "harbor-and-pine", "--set", "850"]);
    assert!(text.contains("There is no example") && text.contains("is not as agreed"), "{text}");
    let (text, code) = shown(folder.path(), &["check", "--format", "html"]);
    assert!(code == 2 && text.contains("partner guide"), "{text}");
}
