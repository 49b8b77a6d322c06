//! The program as a person or a script meets it: arguments, output, exit codes.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A purchase order without a fault.
const ORDER: &str = "fixtures/cli/order.edi";

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("CROSSDOCK_GRAMMARS")
        .env_remove("CROSSDOCK_MAPS");
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// Standard output, standard error and exit code in one text.
fn shown(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let err = if err.is_empty() { String::new() } else { format!("--- stderr\n{err}") };
    format!("{out}{err}--- exit code {}", output.status.code().unwrap_or(-1))
}

/// The text without the line numbers of rules, which any new line in a grammar changes.
fn without_lines(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) =
        [".grammar:", "\"line\":"].iter().filter_map(|m| Some(rest.find(m)? + m.len())).min()
    {
        out.push_str(&rest[..at]);
        out.push('#');
        rest = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // A program that has seen enough closes its input early.
    let _ = feeder.join().unwrap();
    output
}

macro_rules! snapshot {
    ($output:expr) => {
        insta::with_settings!({ snapshot_path => "snapshots/cli", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(without_lines(&shown(&$output)));
        })
    };
}

#[test]
fn help_is_short_and_names_every_command() {
    snapshot!(run(&["-h"]));
}

#[test]
fn every_command_has_help_with_an_example_where_it_reads_files() {
    for command in [
        "inspect",
        "validate",
        "translate",
        "ack",
        "explain",
        "grammar",
        "partner",
        "schema",
        "connector",
        "completions",
    ] {
        let output = run(&[command, "--help"]);
        assert!(output.status.success(), "{command}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("Usage: crossdock") && !text.contains("[env: CROSSDOCK_GRAMMARS=/"),
            "{command}:\n{text}"
        );
    }
}

/// Every `$ crossdock …` in a console block of the README prints what stands below it; `[…]` stands for the rest.
#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let blocks: Vec<&str> = readme.split("```console\n").skip(1).collect();
    assert!(blocks.len() >= 4, "the README has its examples");
    for block in blocks {
        let (shown, _) = block.split_once("```").unwrap();
        let (command, expected) = shown.split_once('\n').unwrap();
        let arguments: Vec<&str> =
            command.strip_prefix("$ crossdock ").unwrap().split(' ').collect();
        let printed = without_lines(&String::from_utf8(run(&arguments).stdout).unwrap());
        let expected = without_lines(expected);
        let is_true = match expected.strip_suffix("[…]\n") {
            Some(beginning) => printed.starts_with(beginning),
            None => printed.trim_end() == expected.trim_end(),
        };
        assert!(is_true, "{command} prints\n{printed}");
    }
}

#[test]
fn explain_tells_what_a_code_means() {
    snapshot!(run(&["explain", "s03"]));
}

#[test]
fn explain_suggests_what_was_meant() {
    snapshot!(run(&["explain", "segment-mising"]));
}

#[test]
fn the_catalogue_in_docs_is_the_one_of_the_program() {
    let printed = String::from_utf8(run(&["explain", "--all"]).stdout).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/finding-codes.md");
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(printed == kept, "run `cargo run -- explain --all > docs/finding-codes.md`");
}

#[test]
fn wrong_arguments_are_our_failure() {
    assert_eq!(run(&["explane"]).status.code(), Some(2));
    assert_eq!(run(&["inspect", "no-such-file.edi"]).status.code(), Some(2));
    assert_eq!(run(&["inspect", "no-such-*.edi"]).status.code(), Some(2));
    // What is there is read all the same.
    let output = run(&["inspect", "no-such-*.edi", ORDER]);
    assert_eq!(output.status.code(), Some(2));
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("interchange") && err.contains("no-such-*.edi: no file matches"), "{err}");
    assert_eq!(run(&["grammar", "show", "850", "--release", "003010"]).status.code(), Some(2));
    assert_eq!(run(&["--grammars", "no-such-folder", "grammar", "list"]).status.code(), Some(2));
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success() && output.stdout.len() > 1000, "{shell}");
    }
}

#[test]
fn inspect_shows_the_envelope_tree() {
    snapshot!(run(&["inspect", ORDER]));
}

#[test]
fn inspect_in_json_is_one_object_a_line() {
    let output = run(&["inspect", "--format", "json", ORDER]);
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["type"].is_string(), "{line}");
    }
}

#[test]
fn validate_shows_the_segment_the_value_the_mend_and_the_rule() {
    snapshot!(run(&["validate", "fixtures/004010/850/many-things-wrong-at-once.edi"]));
}

#[test]
fn validate_shows_the_faults_of_the_envelope() {
    snapshot!(run(&[
        "validate",
        "fixtures/envelope/all-trailers-are-missing.edi",
        "fixtures/envelope/date-and-time-of-the-header-are-impossible.edi",
        "fixtures/envelope/not-an-interchange-at-all.edi",
    ]));
}

/// As `ack` answers it: a set whose group or interchange is rejected is not accepted.
#[test]
fn validate_counts_the_sets_of_a_rejected_group_as_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let order = std::fs::read_to_string(ORDER).unwrap();
    for trailer in ["GE*", "IEA*"] {
        let file = folder.path().join("order.edi");
        let at = order.rfind(trailer).unwrap();
        let end = at + order[at..].find('~').unwrap() + 1;
        std::fs::write(&file, format!("{}{}", &order[..at], &order[end..])).unwrap();
        let output = run(&["validate", file.to_str().unwrap()]);
        assert!(shown(&output).contains("0 accepted, 1 rejected"), "{}", shown(&output));
    }
}

#[test]
fn validate_in_json_has_the_same_findings() {
    snapshot!(run(&["validate", "--format", "json", "fixtures/004010/850/quantity-is-a-word.edi"]));
}

#[test]
fn an_order_becomes_a_document_in_json_and_xml() {
    insta::with_settings!({ snapshot_path => "snapshots/cli", prepend_module_to_snapshot => false }, {
        let json = run(&["translate", ORDER, "--to", "json", "--pretty"]);
        insta::assert_snapshot!("an_order_in_json", shown(&json));
        let xml = run(&["translate", ORDER, "--to", "xml", "--pretty"]);
        insta::assert_snapshot!("an_order_in_xml", shown(&xml));
    });
}

#[test]
fn what_is_translated_and_translated_back_is_the_same_file() {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER)).unwrap();
    assert_eq!(run(&["translate", ORDER, "--to", "x12"]).stdout, bytes);
    // By way of JSON the sets are the same; the envelope is a new one.
    let sets = |text: &[u8]| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        text[text.find("ST*").unwrap()..text.find("GE*").unwrap()].to_owned()
    };
    for how in [&["--lines"][..], &["--array"], &["--array", "--pretty"], &["--pretty"]] {
        let json = run(&[&["translate", ORDER, ORDER, "--to", "json"], how].concat());
        let written = fed(&[&["translate", "--to", "x12"], &AT[..]].concat(), &json.stdout);
        let second = sets(&bytes).replace("*0001~", "*0002~");
        assert_eq!(sets(&written.stdout), format!("{}{second}", sets(&bytes)), "{how:?}");
    }
}

/// A file of the fixtures.
fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)).unwrap()
}

/// ST to SE of all sets of the first group.
fn sets_of(bytes: &[u8]) -> &[u8] {
    let find = |what: &[u8]| bytes.windows(what.len()).position(|w| w == what).unwrap();
    &bytes[find(b"ST*")..find(b"GE*")]
}

#[test]
fn xml_is_read_like_json() {
    let file = "fixtures/004010/850/one-good-order-and-one-bad.edi";
    for how in [&["--lines"][..], &["--pretty"]] {
        let json = run(&[&["translate", ORDER, file, "--to", "json"], how].concat()).stdout;
        let xml = run(&[&["translate", ORDER, file, "--to", "xml"], &how[..how.len()]].concat());
        let again = fed(&[&["translate", "--to", "json"], how].concat(), &xml.stdout);
        assert_eq!(
            String::from_utf8(again.stdout).unwrap(),
            String::from_utf8(json.clone()).unwrap()
        );
        let to_x12 = [&["translate", "--to", "x12"], &AT[..]].concat();
        assert_eq!(fed(&to_x12, &xml.stdout).stdout, fed(&to_x12, &json).stdout);
    }
    let wrong = fed(&["translate", "--to", "x12"], b"<?xml version=\"1.0\"?><PurchaseOrder/>");
    assert_eq!(wrong.status.code(), Some(2));
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(said.contains("`PurchaseOrder`; expected order"), "{said}");
}

#[test]
fn by_way_of_json_the_bytes_of_the_agreed_character_set_come_back() {
    for (file, charset) in [("text-in-latin-1", "latin-1"), ("text-in-utf-8", "utf-8")] {
        let path = format!("fixtures/envelope/{file}.edi");
        let json = run(&["translate", &path, "--to", "json"]).stdout;
        let arguments = ["translate", "--to", "x12", "--charset", charset];
        let written = fed(&[&arguments, &AT[..]].concat(), &json);
        assert_eq!(written.status.code(), Some(0), "{}", shown(&written));
        let given = fixture(&format!("envelope/{file}.edi"));
        assert_eq!(sets_of(&written.stdout), sets_of(&given), "{file}");
    }
    let greek = br#"{"document":"order","number":"\u0391"}"#;
    let refused = fed(&["translate", "--to", "x12", "--charset", "latin-1"], greek);
    assert!(String::from_utf8(refused.stderr).unwrap().contains("[M05]"));
}

#[test]
fn a_set_in_two_encodings_is_told_rather_than_written_in_one() {
    let given = fixture("envelope/text-in-latin-1.edi");
    let at = given.windows(6).position(|six| six == b"*UP*01").unwrap();
    let mixed = [&given[..at], &b"*VN*CAF\xC3\x89"[..], &given[at..]].concat();
    let written = fed(&["translate", "--to", "x12"], &mixed);
    assert_eq!(written.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&written.stderr).contains("[M05]"), "{}", shown(&written));
    let bytes = &written.stdout;
    assert!(!bytes.windows(3).any(|three| three == b"PO1"), "nothing of it is written");
}

#[test]
fn the_delimiters_of_what_is_written_can_be_chosen() {
    let json = run(&["translate", ORDER, "--to", "json"]).stdout;
    let written = |look: &[&str]| {
        fed(&[&["translate", "--to", "x12", "--release", "005010"], &AT[..], look].concat(), &json)
    };
    let output = written(&["--element-separator", "|", "--segment-terminator", "LF"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("|^|00501|") && text.contains("\nST|850|0001\nBEG|"), "{text}");
    assert_eq!(fed(&["validate"], &output.stdout).status.code(), Some(0));
    let output = written(&[
        "--element-separator",
        "0x1D",
        "--segment-terminator",
        "^",
        "--line-break",
        "crlf",
    ]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("ST\u{1D}850\u{1D}0001^\r\nBEG"), "{text}");
    assert_eq!(fed(&["validate"], &output.stdout).status.code(), Some(0));
    for wrong in
        [["--element-separator", ">"], ["--segment-terminator", "X"], ["--charset", "ebcdic"]]
    {
        assert_eq!(written(&wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn an_interchange_that_is_lost_is_a_fault_of_the_file() {
    let file = "fixtures/envelope/second-interchange-with-a-damaged-header.edi";
    let output = run(&["validate", file]);
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(shown(&output).contains("1 accepted"), "{}", shown(&output));
    let answer = run(&[&["ack", file], &AT[..]].concat());
    assert_eq!(answer.status.code(), Some(1));
    assert!(
        shown(&answer).contains("AK5*A~") && !shown(&answer).contains("TA1"),
        "{}",
        shown(&answer)
    );
}

/// As `ack` answers it: nothing but the interchange can answer for a set outside any group.
#[test]
fn validate_rejects_what_ack_rejects() {
    let order = String::from_utf8(fixture("cli/order.edi")).unwrap();
    let set = &order[order.find("ST*").unwrap()..order.find("GE*").unwrap()];
    let outside = set.replace("*0001~", "*0002~");
    let both = order.replace("IEA*1", &format!("{outside}IEA*1"));
    let output = fed(&["validate"], both.as_bytes());
    assert!(shown(&output).contains("0 accepted, 2 rejected"), "{}", shown(&output));
    let answer = shown(&fed(&["ack"], both.as_bytes()));
    assert!(answer.contains("*R*022~") && !answer.contains("ST*997"), "{answer}");
    // A set that has lost its ST is one of the group's.
    let headless = order.replace("GE*1", &format!("{}GE*2", &set[set.find("BEG*").unwrap()..]));
    let output = fed(&["validate"], headless.as_bytes());
    assert!(shown(&output).contains("1 accepted, 1 rejected"), "{}", shown(&output));
    assert!(shown(&fed(&["ack"], headless.as_bytes())).contains("AK9*P*2*2*1"));
}

#[test]
fn ack_answers_what_names_itself_badly() {
    let order = String::from_utf8(fixture("cli/order.edi")).unwrap();
    let answer = |text: String| {
        let answer = fed(&[&["ack"], &AT[..]].concat(), text.as_bytes());
        let checked = fed(&["validate", "--show", "advice"], &answer.stdout);
        assert_eq!(checked.status.code(), Some(0), "{}\n{}", shown(&answer), shown(&checked));
        String::from_utf8(answer.stdout).unwrap()
    };
    // An identity that is too long is cut to what ISA has room for.
    let long = answer(order.replace("*HARBORANDPINE  *01*", "*HARBORANDPINEANDSONS*01*"));
    assert!(long.contains("*ZZ*HARBORANDPINEAN*"), "{long}");
    // AK102 is mandatory.
    let unnumbered = order.replace("*1405*7*X*", "*1405**X*").replace("GE*1*7~", "GE*1~");
    let unnumbered = answer(unnumbered);
    assert!(
        unnumbered.contains("AK1*PO*0~") && unnumbered.contains("AK9*E*1*1*1*6"),
        "{unnumbered}"
    );
    let nameless = answer(order.replace("GS*PO*", "GS**"));
    assert!(nameless.contains("AK1*PO*7~"), "{nameless}");
    // The answer is of no newer release than what it answers, as far as there is one.
    for (release, of_answer) in [("004030", "004010"), ("003010", "004010"), ("006020", "005010")] {
        let text = answer(order.replace("*X*004010~", &format!("*X*{release}~")));
        assert!(text.contains(&format!("*X*{of_answer}~")), "{release}: {text}");
    }
}

#[test]
fn grammar_shows_the_envelope_segments_and_elements() {
    insta::with_settings!({ snapshot_path => "snapshots/cli", prepend_module_to_snapshot => false }, {
        let envelope = run(&["grammar", "show", "envelope", "--segment", "GS"]);
        insta::assert_snapshot!("grammar_show_envelope", without_lines(&shown(&envelope)));
        let segment = run(&["grammar", "show", "segment", "ctt", "--release", "004010"]);
        insta::assert_snapshot!("grammar_show_segment", without_lines(&shown(&segment)));
        let element = run(&["grammar", "show", "element", "366", "--release", "004010VICS"]);
        insta::assert_snapshot!("grammar_show_element", without_lines(&shown(&element)));
    });
    assert!(run(&["grammar", "show", "segment", "ISA"]).status.success());
    for (wrong, says) in [
        (&["segment"][..], "name the segment"),
        (&["segment", "N1"], "--release 004010 or 005010"),
        (&["850"], "--release 004010 or 005010"),
        (&["segment", "N11", "--release", "004010"], "did you mean N1?"),
        (&["element", "99999", "--release", "004010"], "no segment of release 004010"),
        (&["elemnt", "98", "--release", "004010"], "did you mean element?"),
        (&["segment", "N1", "--release", "003010"], "there are 004010 and 005010"),
    ] {
        let output = run(&[&["grammar", "show"], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{wrong:?}: {said}");
    }
}

#[test]
fn a_set_that_would_have_to_be_guessed_is_left_out_and_said_so() {
    snapshot!(run(&["translate", "--to", "json", "fixtures/004010/850/quantity-is-a-word.edi"]));
}

#[test]
fn a_shipment_is_written_in_another_hierarchy_and_another_release() {
    let json =
        run(&["translate", "--to", "json", "fixtures/004010/856/shipment-order-pack-item.edi"]);
    let arguments = [
        "translate",
        "--to",
        "x12",
        "--release",
        "005010",
        "--hierarchy",
        "shipment order item pack",
    ];
    let written = fed(&[&arguments, &AT[..]].concat(), &json.stdout);
    let checked = fed(&["validate", "--strict"], &written.stdout);
    assert_eq!(checked.status.code(), Some(0), "{}", shown(&checked));
    snapshot!(written);
}

#[test]
fn what_is_no_document_is_our_failure_with_its_place() {
    let output = fed(&["translate", "--to", "x12"], b"{\"document\":\"parcel\"}");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("line 1"));
}

/// The moment of the answers, so that they are the same every time.
const AT: [&str; 2] = ["--at", "2026-03-02T10:00"];

#[test]
fn ack_answers_what_is_right_and_what_is_wrong() {
    let file = "fixtures/004010/850/one-good-order-and-one-bad.edi";
    snapshot!(run(&[&["ack", file], &AT[..]].concat()));
}

#[test]
fn ack_rejects_an_interchange_by_its_ta1_alone() {
    let file = "fixtures/envelope/three-interchanges-the-second-broken.edi";
    snapshot!(run(&[&["ack", file], &AT[..]].concat()));
}

#[test]
fn what_ack_prints_is_valid() {
    for set in ["997", "999"] {
        let answer = run(&[
            "ack",
            "--as",
            set,
            "fixtures/005010/850/three-orders-of-which-two-are-rejected.edi",
        ]);
        assert_eq!(answer.status.code(), Some(1), "{set}: two of three are rejected");
        let checked = fed(&["validate", "--strict"], &answer.stdout);
        assert_eq!(checked.status.code(), Some(0), "{}", shown(&checked));
    }
}

#[test]
fn findings_make_the_exit_code() {
    let code = |arguments: &[&str]| run(arguments).status.code();
    assert_eq!(code(&["validate", ORDER]), Some(0));
    assert_eq!(code(&["validate", "fixtures/004010/850/quantity-is-a-word.edi"]), Some(1));
    let warned = "fixtures/004010/850/codes-that-no-list-has.edi";
    assert_eq!(code(&["validate", warned]), Some(0));
    assert_eq!(code(&["validate", "--strict", warned]), Some(1));
    assert_eq!(code(&["validate", ORDER, "no-such-file.edi"]), Some(2));
}

#[test]
fn standard_input_a_pattern_and_a_folder_are_read_like_a_file() {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER)).unwrap();
    let last = |output: Output| {
        String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned()
    };
    let file = last(run(&["inspect", ORDER]));
    assert_eq!(last(fed(&["inspect", "-"], &bytes)), file);
    assert_eq!(last(fed(&["inspect"], &bytes)), file);
    assert_eq!(last(run(&["inspect", "fixtures/cli/orde?.edi"])), file);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::write(folder.path().join("below/a.edi"), &bytes).unwrap();
    std::fs::write(folder.path().join(".hidden"), "not read").unwrap();
    assert_eq!(last(run(&["inspect", folder.path().to_str().unwrap()])), file);
}

#[test]
fn a_reader_that_goes_away_ends_us_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let large: PathBuf = folder.path().join("large.edi");
    let order = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(ORDER)).unwrap();
    std::fs::write(&large, order.repeat(2000)).unwrap();
    let mut child = program()
        .args(["inspect", large.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 64];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn colour_is_there_when_asked_for_and_never_in_a_pipe() {
    let coloured = program().args(["--color", "always", "explain", "S03"]).output().unwrap().stdout;
    assert!(coloured.contains(&0x1B));
    let plain = program().env_remove("NO_COLOR").args(["explain", "S03"]).output().unwrap().stdout;
    assert!(!plain.contains(&0x1B));
}

#[test]
fn a_folder_of_grammars_takes_the_place_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars/004010/850.grammar");
    let text = std::fs::read_to_string(ours).unwrap();
    std::fs::create_dir(folder.path().join("004010")).unwrap();
    let file = folder.path().join("004010/850.grammar");
    std::fs::write(&file, text.replacen("\"Purchase order\"", "\"Their order\"", 1)).unwrap();
    let path = folder.path().to_str().unwrap();
    let listed = String::from_utf8(run(&["--grammars", path, "grammar", "list"]).stdout).unwrap();
    assert!(listed.contains("Their order"), "{listed}");
    assert_eq!(run(&["grammar", "lint", path]).status.code(), Some(0));

    std::fs::write(&file, text.replacen("  BEG ", "  BEGG ", 1)).unwrap();
    let output = run(&["grammar", "lint", path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("004010/850.grammar:"));
    assert_eq!(run(&["--grammars", path, "grammar", "list"]).status.code(), Some(2));
}
