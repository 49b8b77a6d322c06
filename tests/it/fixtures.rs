//! Every file of `fixtures/` against the expectations beside it. `CROSSDOCK_BLESS=1` writes them anew; the
//! difference is then to be read as an EDI analyst would read it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crossdock::acks::{AckKind, AckPolicy, ErrorsAs, Ta1Policy, Verdict};
use crossdock::canonical::Document;
use crossdock::findings::{Code, Finding};
use crossdock::translate::{
    Engine, Outbound, Received, answer_group, answer_interchange, answer_version, receive, write,
};
use crossdock::x12::{Charset, Delimiters, Limits, SetControlNumber, Style};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All `.edi` files, in order.
fn inputs() -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // Those of the command line have expectations of their own.
                folders.extend(Some(path).filter(|path| !path.ends_with("cli")));
            } else if path.extension().is_some_and(|e| e == "edi") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// One finding a line: code, severity, place, value, words, mend, rule. The rule's line number is left out, so that
/// a new line in a grammar does not touch every expectation.
pub fn line(finding: &Finding) -> String {
    let place = &finding.place;
    let mut out = format!("{} {:?}", finding.code, finding.severity).to_lowercase();
    out[..3].make_ascii_uppercase();
    let _ = write!(out, " @{}", place.offset);
    if place.length > 0 {
        let _ = write!(out, "+{}", place.length);
    }
    let _ = write!(out, " {}", place.segment);
    if place.segment_position > 0 {
        let _ = write!(out, "[{}]", place.segment_position);
    }
    if place.element > 0 {
        let _ = write!(out, " {:02}", place.element);
    }
    if place.component > 0 {
        let _ = write!(out, ".{}", place.component);
    }
    if place.repetition > 0 {
        let _ = write!(out, " repetition {}", place.repetition);
    }
    if !place.loop_path.is_empty() {
        let _ = write!(out, " in {}", place.loop_path);
    }
    if let Some(value) = &finding.value {
        let _ = write!(out, " {value:?}");
    }
    let _ = write!(out, "\n    {}", finding.message);
    if !finding.mend.is_empty() {
        let _ = write!(out, "\n    {}", finding.mend);
    }
    if let Some(rule) = &finding.rule {
        let _ = write!(out, "\n    {}", rule.file);
        if let Some(reason) = &rule.reason {
            let _ = write!(out, ": {reason}");
        }
        if let Some(source) = &rule.source {
            let _ = write!(out, " ({source})");
        }
    }
    out
}

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

/// What is expected of a file: extension and content.
fn judge(bytes: &[u8]) -> [(&'static str, String); 3] {
    let received = receive(&ENGINE, bytes, Limits::default(), &|_| ErrorsAs::Accepted);
    for finding in all_findings(&received) {
        let end = finding.place.offset + u64::from(finding.place.length);
        assert!(end <= bytes.len() as u64, "within the input: {}", line(finding));
    }
    [("findings", findings(&received)), ("json", documents(&received)), ("997", answers(&received))]
}

/// Every finding, wherever it is kept.
pub fn all_findings(received: &Received) -> impl Iterator<Item = &Finding> {
    let groups = received.interchanges.iter().flat_map(|i| &i.groups);
    let sets = groups.clone().flat_map(|g| &g.sets).flat_map(|s| &s.findings);
    let envelopes = received.interchanges.iter().flat_map(|i| &i.findings);
    received.stray.iter().chain(envelopes).chain(groups.flat_map(|g| &g.findings)).chain(sets)
}

/// The findings, below the interchange, group or set that they are about, each with its verdict.
pub fn findings(received: &Received) -> String {
    let mut out = String::new();
    add(&mut out, 0, &received.stray);
    for interchange in &received.interchanges {
        let number = interchange.header.element(13);
        let _ = writeln!(out, "interchange {number}: {}", said(interchange.verdict));
        add(&mut out, 1, &interchange.findings);
        for answer in &interchange.acknowledged {
            let _ = writeln!(out, "  answers {}: {}", answer.control_number, said(answer.verdict));
        }
        for group in &interchange.groups {
            let (kind, number) = (group.header.element(1), group.header.element(6));
            let _ = writeln!(out, "  group {kind} {number}: {}", said(group.verdict));
            add(&mut out, 2, &group.findings);
            for set in &group.sets {
                let number = &set.control_number.0;
                let _ = writeln!(out, "    set {} {number}: {}", set.id, said(set.verdict));
                add(&mut out, 3, &set.findings);
                for outcome in &set.outcomes {
                    let (kind, number) = (&outcome.functional_id, &outcome.control_number);
                    let _ =
                        writeln!(out, "      answers {kind} {number}: {}", said(outcome.verdict));
                    for set in &outcome.sets {
                        let verdict = outcome.verdict_of(&set.set, &set.control_number);
                        let _ = writeln!(
                            out,
                            "        {} {}: {}",
                            set.set,
                            set.control_number,
                            said(verdict)
                        );
                    }
                }
            }
        }
    }
    out
}

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::AcceptedWithErrors => "accepted with errors",
        Verdict::PartiallyAccepted => "partially accepted",
        Verdict::Rejected => "rejected",
        Verdict::Unknown => "unknown",
    }
}

fn add(out: &mut String, depth: usize, findings: &[Finding]) {
    for finding in findings {
        for text in line(finding).lines() {
            let _ = writeln!(out, "{}{text}", "  ".repeat(depth));
        }
    }
}

/// The canonical documents of the sets that are not rejected.
fn documents(received: &Received) -> String {
    let documents: Vec<&Document> = received
        .interchanges
        .iter()
        .flat_map(|interchange| &interchange.groups)
        .flat_map(|group| &group.sets)
        .filter(|set| set.verdict != Verdict::Rejected)
        .filter_map(|set| set.document.as_ref())
        .collect();
    let mut text = serde_json::to_string_pretty(&documents).expect("documents are JSON");
    text.push('\n');
    text
}

/// TA1, and for each group the 997, in 005010 the 999 as well.
fn answers(received: &Received) -> String {
    let mut out = String::new();
    for interchange in &received.interchanges {
        let always = AckPolicy { ta1: Ta1Policy::Always, ..AckPolicy::default() };
        let older = style("004010");
        out.extend(answer_interchange(interchange, &always, &older).map(|bytes| text(&bytes)));
        if interchange.verdict == Verdict::Rejected {
            continue;
        }
        for group in &interchange.groups {
            let newer = group.header.release() == "005010";
            for kind in [AckKind::Functional, AckKind::Implementation]
                .into_iter()
                .take(1 + usize::from(newer))
            {
                let policy = AckPolicy { kind, ..AckPolicy::default() };
                let version = answer_version(&ENGINE, group, &policy).unwrap_or_default();
                let number = SetControlNumber("0001".to_owned());
                let answer = answer_group(&ENGINE, group, &policy, &style(&version), &number);
                let Some(answer) = answer else { continue };
                assert_eq!(answer.verdict, group.verdict, "the group is told what was decided");
                judge_our_own(&answer.bytes, &version);
                out.push_str(&text(&answer.bytes));
            }
        }
    }
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what we write is ASCII")
}

fn style(release: &str) -> Style {
    let repetition = (release > "00402").then_some(b'^');
    Style {
        delimiters: Delimiters { repetition, ..Delimiters::default() },
        suffix: b"\n".to_vec(),
        ..Style::default()
    }
}

/// What we answer has no fault itself, except that it repeats a set's identifiers as they stand.
fn judge_our_own(bytes: &[u8], version: &str) {
    let (eleven, twelve) = if version > "00402" { ("^", "00501") } else { ("U", "00401") };
    let mut input = format!(
        "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*{eleven}*{twelve}*000000007*0*P*>~\n\
         GS*FA*SENDER*RECEIVER*20261121*0915*7*X*{version}~\n"
    )
    .into_bytes();
    input.extend_from_slice(bytes);
    input.extend_from_slice(b"GE*1*7~\nIEA*1*000000007~\n");
    let received = receive(&ENGINE, &input, Limits::default(), &|_| ErrorsAs::Accepted);
    let sets = received.interchanges.iter().flat_map(|i| &i.groups).flat_map(|g| &g.sets);
    let fault = sets
        .flat_map(|s| &s.findings)
        .find(|f| f.place.segment != "AK2" && f.place.segment != "AK1");
    assert!(fault.is_none(), "{}\n{}", fault.map(line).unwrap_or_default(), text(bytes));
}

#[test]
fn every_fixture_is_judged_as_expected() {
    let bless = std::env::var_os("CROSSDOCK_BLESS").is_some_and(|value| value == "1");
    let mut differences = Vec::new();
    for path in inputs() {
        let bytes = std::fs::read(&path).expect("a fixture");
        for (extension, found) in judge(&bytes) {
            let beside = path.with_extension(extension);
            let expected = std::fs::read_to_string(&beside).unwrap_or_default();
            if expected == found {
                continue;
            }
            if bless {
                std::fs::write(&beside, &found).expect("the folder can be written");
            } else {
                differences.push(difference(&beside, &expected, &found));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} expectations differ; CROSSDOCK_BLESS=1 writes them anew:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// The first line that differs.
pub fn difference(path: &Path, expected: &str, found: &str) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path).display();
    let at = expected.lines().zip(found.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
    format!("{path}:{}\n  expected {}\n  found    {}", at + 1, line(expected), line(found))
}

/// The second law of maps, for what people wrote: a set that is read and written is the same set, byte for byte,
/// unless something in it is redundant or wrong.
#[test]
fn every_clean_fixture_is_written_as_it_was_read() {
    let mut compared = 0;
    for path in inputs() {
        let bytes = std::fs::read(&path).expect("a fixture");
        let received = receive(&ENGINE, &bytes, Limits::default(), &|_| ErrorsAs::Accepted);
        for interchange in &received.interchanges {
            let delimiters = interchange.header.delimiters;
            let groups = interchange.groups.iter();
            for (group, set) in groups.flat_map(|g| g.sets.iter().map(move |s| (g, s))) {
                let same = |f: &Finding| {
                    matches!(
                        f.code,
                        Code::NotAscii
                            | Code::InvalidCode
                            | Code::LevelChildWrong
                            | Code::LevelUnknown
                    )
                };
                let (Some(document), true) = (&set.document, set.findings.iter().all(same)) else {
                    continue;
                };
                let raw = &bytes[set.bytes.clone()];
                let utf8 = std::str::from_utf8(raw).is_ok();
                let charset = if utf8 { Charset::Utf8 } else { Charset::Latin1 };
                let style = Style { delimiters, charset, ..Style::default() };
                let outbound = Outbound {
                    set: Some(&set.id),
                    version: &group.header.version(),
                    control_number: &set.control_number.0,
                    style: &style,
                    hierarchy: None,
                    map: None,
                };
                let written = write(&ENGINE, document, &outbound).expect("a map");
                let plain: Vec<u8> = raw
                    .split_inclusive(|&b| b == delimiters.segment)
                    .map(<[u8]>::trim_ascii_start)
                    // A terminator by itself is passed over like a line break.
                    .filter(|segment| *segment != [delimiters.segment])
                    .flatten()
                    .copied()
                    .collect();
                let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('~', "~\n");
                assert_eq!(shown(&written.bytes), shown(&plain), "{}", path.display());
                assert!(written.findings.is_empty(), "{:?} {}", written.findings, path.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "only {compared} sets were compared");
}

#[test]
fn every_fixture_has_its_line_in_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("fixtures/README.md");
    for path in inputs() {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        assert!(
            readme.contains(&format!("- `{name}`: ")),
            "{name} is not described in fixtures/README.md"
        );
    }
}

/// Kinds of finding that no file of a few lines can cause: those of our own writing, of limits, the bound on findings
/// itself, and the answers that are told as outcomes.
const NOT_FROM_A_FIXTURE: [Code; 10] = [
    Code::GroupKeptWhole,
    Code::InterchangeAck,
    // Of identities that were agreed; `agreements` shows it.
    Code::GroupCodes,
    Code::InterchangeTooLarge,
    Code::TooManyFindings,
    Code::SetTooLarge,
    Code::DelimiterInData,
    Code::NotWritable,
    Code::NotEncodable,
    Code::NotTranslatable,
];

#[test]
fn every_kind_of_finding_has_a_fixture() {
    let mut seen = BTreeSet::new();
    for path in inputs() {
        let bytes = std::fs::read(&path).expect("a fixture");
        let received = receive(&ENGINE, &bytes, Limits::default(), &|_| ErrorsAs::Accepted);
        seen.extend(all_findings(&received).map(|f| f.code));
    }
    // Those of agreements need an overlay or a cross-reference: `overlay` and `crosswalk` show each of them.
    let of_agreement = |id: &str| id.starts_with(['R', 'X']);
    let missing: Vec<String> = Code::all()
        .iter()
        .filter(|entry| !seen.contains(&entry.code) && !NOT_FROM_A_FIXTURE.contains(&entry.code))
        .filter(|entry| !of_agreement(entry.id))
        .map(|entry| format!("{} {}", entry.id, entry.name))
        .collect();
    assert!(missing.is_empty(), "no fixture has {missing:?}");
}
