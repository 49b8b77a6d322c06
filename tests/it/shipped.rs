//! The profiles that are shipped: each document in `fixtures/` of a profile passes under its agreement, and each rule
//! that is in force is broken by an entry of `breaks.edits`. `CROSSDOCK_BLESS=1` writes the expectations anew; the
//! difference is then to be read as an EDI analyst would read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crossdock::acks::ErrorsAs;
use crossdock::canonical::{Document, Order};
use crossdock::crosswalk::{self, Crosswalks};
use crossdock::findings::{Finding, Severity};
use crossdock::grammar::SourceFile;
use crossdock::overlay::{Kind, RuleView};
use crossdock::profile::{Agreement, Direction, Partner, Problem, ProfileSource, Profiles};
use crossdock::translate::{
    Before, Engine, Options, Outbound, Received, ReceivedInterchange, against, answer_group,
    receive, receive_under, write,
};
use crossdock::x12::{Identity, Limits, SetControlNumber};

use crate::fixtures::{all_findings, difference, findings, line};

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::embedded);

/// The least that a profile has to say which rests on a base: what the base is tried with.
const LEAST: &str = r#"extends = "BASE"
source = "made for the test"
endpoint = "warehouse"

[identity.production]
partner = { qualifier = "12", id = "5550102026" }
own = { qualifier = "ZZ", id = "SUPPLIER" }

[mailbox]
folder = "mailboxes/least"
"#;

/// Whether a profile is there to be extended only.
fn is_base(source: &ProfileSource) -> bool {
    let mut files = source.files.iter();
    let agreement = files.find(|file| file.path.as_ref() == "partner.toml");
    agreement.is_some_and(|file| file.text.lines().any(|line| line == "base = true"))
}

/// All that are shipped, in force; for each base a partner of the same fixtures that only extends it.
fn load() -> (Profiles, Vec<Problem>) {
    load_from(Profiles::shipped())
}

fn load_from(mut sources: Vec<ProfileSource>) -> (Profiles, Vec<Problem>) {
    for source in &mut sources {
        source.to_extend = false;
    }
    let bases: Vec<String> =
        sources.iter().filter(|s| is_base(s)).map(|s| s.name.clone()).collect();
    for base in bases {
        let text = LEAST.replace("BASE", &base);
        let name = format!("least-{base}");
        let files = vec![SourceFile { path: "partner.toml".into(), text }];
        sources.push(ProfileSource { folder: name.clone(), name, files, to_extend: false });
    }
    Profiles::from_sources(&sources, ENGINE.grammars(), ENGINE.maps())
}

static PROFILES: LazyLock<Profiles> = LazyLock::new(|| load().0);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("partner-profiles")
}

fn shipped() -> Vec<String> {
    Profiles::shipped().into_iter().map(|source| source.name).collect()
}

/// The partner that the fixtures of a folder are judged by.
fn partner(folder: &str) -> &'static Arc<Partner> {
    partner_of(&PROFILES, folder)
}

fn partner_of<'p>(profiles: &'p Profiles, folder: &str) -> &'p Arc<Partner> {
    let least = format!("least-{folder}");
    let found = profiles.partner(folder).or_else(|| profiles.partner(&least));
    found.unwrap_or_else(|| panic!("{folder} cannot be used"))
}

/// The documents of a part of a profile's folder, by name.
fn documents(profile: &str, part: &str) -> BTreeMap<String, PathBuf> {
    let folder = root().join(profile).join(part);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let edi = paths.filter(|path| path.extension().is_some_and(|e| e == "edi"));
    edi.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path)).collect()
}

/// A document under an agreement.
struct Judged {
    direction: Direction,
    received: Received,
    /// What comparing it with its order has found.
    compared: Vec<Finding>,
}

impl Judged {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        all_findings(&self.received).chain(&self.compared)
    }

    fn shown(&self) -> String {
        let mut out = findings(&self.received);
        for text in self
            .compared
            .iter()
            .flat_map(|f| line(f).lines().map(str::to_owned).collect::<Vec<_>>())
        {
            let _ = writeln!(out, "  compared with its order: {text}");
        }
        out
    }
}

/// The orders among the fixtures of a profile, by number.
fn orders(profile: &str) -> BTreeMap<String, Order> {
    let mut orders = BTreeMap::new();
    for (_, path) in documents(profile, "fixtures") {
        let text = fs::read(&path).expect("a fixture");
        let received = receive(&ENGINE, &text, Limits::default(), &|_| ErrorsAs::Accepted);
        let groups = received.interchanges.into_iter().flat_map(|i| i.groups);
        for document in groups.flat_map(|g| g.sets).filter_map(|set| set.document) {
            if let Document::Order(order) = document {
                orders.insert(order.number.clone(), *order);
            }
        }
    }
    orders
}

/// The orders that a document is about.
fn about(document: &Document) -> Vec<&str> {
    match document {
        Document::Shipment(shipment) => {
            shipment.orders.iter().filter_map(|order| order.number.as_deref()).collect()
        }
        Document::Invoice(invoice) => invoice.order.as_deref().into_iter().collect(),
        _ => Vec::new(),
    }
}

fn compare(
    partner: &Partner,
    direction: Direction,
    received: &Received,
    orders: &BTreeMap<String, Order>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in received.interchanges.iter().flat_map(|i| &i.groups) {
        for set in &group.sets {
            let agreement = partner.agreement(direction, &set.id, &group.header.version());
            let overlay = agreement.and_then(|agreement| agreement.overlay.as_deref());
            let (Some(overlay), Some(document)) = (overlay, &set.document) else { continue };
            for order in about(document).iter().filter_map(|number| orders.get(*number)) {
                findings.extend(against(overlay.against(), document, Before::default(), order));
            }
        }
    }
    findings
}

/// Which way a document goes, by its identities.
fn direction_of(partner: &Partner, text: &str) -> Direction {
    let header: Vec<&str> = text.split(char::from(text.as_bytes()[3])).take(9).collect();
    let identity =
        |at: usize| Identity { qualifier: header[at].to_owned(), id: header[at + 1].to_owned() };
    let (sender, receiver) = (identity(5), identity(7));
    let whose = |a, b| PROFILES.sender(a, b).is_some_and(|(p, _)| p.name == partner.name);
    if whose(&sender, &receiver) {
        return Direction::In;
    }
    assert!(whose(&receiver, &sender), "{sender} and {receiver} are not those of {}", partner.name);
    Direction::Out
}

fn judge(
    partner: &Partner,
    direction: Direction,
    text: &str,
    orders: &BTreeMap<String, Order>,
) -> Judged {
    let options = Options {
        unknown_set: Severity::Fatal,
        overlays: Some(partner),
        direction,
        ..Options::default()
    };
    let errors_as = partner.acknowledgements.policy.errors_as;
    let received = receive_under(&ENGINE, text.as_bytes(), options, &|_| errors_as);
    let compared = compare(partner, direction, &received, orders);
    Judged { direction, received, compared }
}

/// The answers to the groups of an input, where they are ours to give.
fn answers(partner: &Partner, judged: &Judged) -> Option<String> {
    if judged.direction == Direction::Out {
        return None;
    }
    let mut out = String::new();
    let policy = &partner.acknowledgements.policy;
    let style = partner.envelope_of(policy.kind.set()).style();
    for group in judged.received.interchanges.iter().flat_map(|i| &i.groups) {
        let number = SetControlNumber("0001".to_owned());
        let answer = answer_group(&ENGINE, group, policy, &style, &number).expect("an answer");
        let text = String::from_utf8(answer.bytes).expect("what we write is ASCII");
        let end = char::from(style.delimiters.segment);
        let segments = text.split(end).map(str::trim).filter(|segment| !segment.is_empty());
        segments.for_each(|segment| writeln!(out, "{segment}{end}").expect("a String"));
    }
    Some(out.replace("\n\n", "\n"))
}

/// Expectations that differ from what is beside them.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn hold(&mut self, beside: &Path, found: &str) {
        let expected = fs::read_to_string(beside).unwrap_or_default();
        if expected == found {
            return;
        }
        if std::env::var_os("CROSSDOCK_BLESS").is_some_and(|value| value == "1") {
            fs::write(beside, found).expect("the folder can be written");
        } else {
            self.0.push(difference(beside, &expected, found));
        }
    }

    fn end(&self) {
        let words = "expectations differ; CROSSDOCK_BLESS=1 writes them anew";
        assert!(self.0.is_empty(), "{} {words}:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// An entry of `breaks.edits`.
struct Break {
    name: String,
    base: String,
    text: String,
}

/// An entry of `breaks.edits` as written: its name, its file, and what is replaced by what.
type Entry = (String, String, Vec<(String, String)>);

/// Reads `breaks.edits`: `NAME | FILE`, then hunks as in a diff, `...` between them. What a hunk takes away or names
/// around it must stand in the file exactly once. SE01 is put right afterwards, unless the entry changes it.
fn breaks(profile: &str) -> Vec<Break> {
    let file = root().join(profile).join("fixtures/breaks.edits");
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let hunks = entries.last_mut().map(|entry| &mut entry.2);
        match (line.split_at_checked(2), hunks) {
            _ if line.is_empty() || line.starts_with('#') => {}
            _ if line == "..." => hunks_of(&mut entries, number).push(Default::default()),
            (Some((mark @ ("- " | "+ " | "  "), segment)), Some(hunks)) => {
                let hunk = hunks.last_mut().expect("one at least");
                if mark != "+ " {
                    let _ = writeln!(hunk.0, "{segment}");
                }
                if mark != "- " {
                    let _ = writeln!(hunk.1, "{segment}");
                }
            }
            _ => {
                let (name, base) = line.split_once(" | ").unwrap_or_else(|| {
                    panic!("breaks.edits:{number}: neither `NAME | FILE` nor a line of a hunk")
                });
                let entry = (name.to_owned(), base.to_owned(), vec![Default::default()]);
                entries.push(entry);
            }
        }
    }
    let apply = |(name, base, hunks): (String, String, Vec<(String, String)>)| {
        let path = file.with_file_name(&base);
        let mut text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{base}: {e}"));
        let keeps_counts = hunks.iter().any(|(_, new)| new.starts_with("SE"));
        for (old, new) in hunks {
            let times = text.matches(&old).count();
            assert_eq!(times, 1, "{profile}: {name}: stands {times} times in {base}:\n{old}");
            text = text.replace(&old, &new);
        }
        if !keeps_counts {
            text = with_right_counts(&text);
        }
        Break { name, base, text }
    };
    entries.into_iter().map(apply).collect()
}

fn hunks_of(entries: &mut [Entry], number: usize) -> &mut Vec<(String, String)> {
    let last = entries.last_mut();
    &mut last.unwrap_or_else(|| panic!("breaks.edits:{number}: `...` before any entry")).2
}

/// SE01 of each set as its segments are; a segment a line.
fn with_right_counts(text: &str) -> String {
    let separator = char::from(text.as_bytes()[3]);
    let mut out = String::new();
    let mut count = 0;
    for line in text.lines() {
        count = if line.starts_with("ST") { 1 } else { count + 1 };
        let mut parts = line.splitn(3, separator);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("SE"), Some(_), Some(rest)) => {
                let _ = writeln!(out, "SE{separator}{count}{separator}{rest}");
            }
            _ => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

#[test]
fn every_profile_that_is_shipped_is_without_any_problem() {
    let words: Vec<String> = load().1.iter().map(ToString::to_string).collect();
    assert_eq!(words, Vec::<String>::new());
}

#[test]
fn the_program_has_the_profiles_of_the_folder() {
    let (folder, problems) = crossdock::folders::profile_sources(&root());
    assert!(problems.is_empty(), "{problems:?}");
    let texts = |sources: Vec<ProfileSource>| -> BTreeMap<String, String> {
        let files = sources.into_iter().flat_map(|source| {
            let name = source.name;
            source.files.into_iter().map(move |file| (format!("{name}/{}", file.path), file.text))
        });
        files.collect()
    };
    let names = |texts: &BTreeMap<String, String>| texts.keys().cloned().collect::<Vec<_>>();
    let (embedded, folder) = (texts(Profiles::shipped()), texts(folder));
    assert_eq!(names(&embedded), names(&folder), "`touch build.rs`, and build again");
    assert!(embedded == folder, "`touch build.rs`, and build again");
}

#[test]
fn every_fixture_of_a_profile_passes_under_its_agreement() {
    let mut differences = Differences::default();
    for profile in shipped() {
        let (partner, orders) = (partner(&profile), orders(&profile));
        let mut flows: BTreeSet<&str> = partner.agreements().iter().map(Agreement::set).collect();
        for part in ["samples", "fixtures"] {
            for (name, path) in documents(&profile, part) {
                let text = fs::read_to_string(&path).expect("a fixture");
                let judged = judge(partner, direction_of(partner, &text), &text, &orders);
                for finding in judged.findings() {
                    let rule = finding.rule.as_ref();
                    let line = rule.map_or(String::new(), |r| format!(" {}:{}", r.file, r.line));
                    let heavy = finding.severity > Severity::Advice;
                    assert!(!heavy, "{profile}/{part}/{name}: {finding:?}{line}");
                }
                for interchange in &judged.received.interchanges {
                    agrees(partner, judged.direction, interchange, &text, &name);
                    let sets = interchange.groups.iter().flat_map(|g| &g.sets);
                    sets.filter(|_| part == "fixtures").for_each(|s| {
                        flows.remove(s.id.as_str());
                    });
                }
                if part == "fixtures" {
                    expect(&mut differences, partner, &judged, &path);
                }
            }
        }
        assert!(flows.is_empty(), "{profile}: no fixture has {flows:?}");
    }
    differences.end();
}

fn expect(differences: &mut Differences, partner: &Partner, judged: &Judged, path: &Path) {
    differences.hold(&path.with_extension("findings"), &judged.shown());
    if let Some(answers) = answers(partner, judged) {
        let kind = partner.acknowledgements.policy.kind.set();
        differences.hold(&path.with_extension(kind), &answers);
    }
}

/// Each set flows by an agreement; what we send looks as the envelope says, and is what the writer makes of it.
fn agrees(
    partner: &Partner,
    direction: Direction,
    interchange: &ReceivedInterchange,
    text: &str,
    name: &str,
) {
    let whose = &partner.name;
    for group in &interchange.groups {
        for set in &group.sets {
            let version = group.header.version();
            let agreement = partner.agreement(direction, &set.id, &version);
            let agreement = agreement.unwrap_or_else(|| panic!("{whose}: {name} does not flow"));
            assert_eq!(version, agreement.version(), "{whose}: {name}: GS08");
            let document = set.document.as_ref().expect("it can be read");
            let style = agreement.envelope.style();
            if direction == Direction::Out {
                let header = &interchange.header;
                assert_eq!(header.delimiters, style.delimiters, "{whose}: {name}: delimiters");
                let version = &agreement.envelope.interchange_version;
                assert_eq!(&header.element(12), version, "{whose}: {name}: ISA12");
                let outbound = Outbound {
                    set: Some(&set.id),
                    version: &agreement.version(),
                    control_number: &set.control_number.0,
                    style: &style,
                    hierarchy: agreement.hierarchy(),
                    map: Some(&agreement.map),
                };
                let written = write(&ENGINE, document, &outbound).expect("a map");
                assert_eq!(written.findings, [], "{whose}: {name}");
                let written = String::from_utf8_lossy(&written.bytes).into_owned();
                let lines = |text: &str| {
                    let end = char::from(style.delimiters.segment);
                    let segments = text.split(end).map(str::trim).map(str::to_owned);
                    segments.filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("\n")
                };
                assert_eq!(lines(&written), lines(&text[set.bytes.clone()]), "{whose}: {name}");
            }
        }
    }
}

/// The rule that a finding rests on: file and line.
type Place = (String, u32);

fn rules_of<'a>(found: impl Iterator<Item = &'a Finding>) -> BTreeSet<Place> {
    found.filter_map(|f| f.rule.as_ref()).map(|r| (r.file.to_string(), r.line)).collect()
}

/// Rules that find nothing: what is allowed, and how the map reads.
fn is_silent(rule: &RuleView<'_>) -> bool {
    matches!(rule.kind(), Kind::Allow | Kind::Map)
        || (rule.kind() == Kind::Codes && rule.what().starts_with('+'))
}

#[test]
fn every_break_is_found_as_expected() {
    let mut differences = Differences::default();
    for profile in shipped() {
        let (partner, orders) = (partner(&profile), orders(&profile));
        let overlays: BTreeSet<Place> = in_force(partner).map(|rule| place(&rule)).collect();
        let (mut found, mut answered) = (String::new(), String::new());
        for broken in breaks(&profile) {
            let judged = judge(partner, direction_of(partner, &broken.text), &broken.text, &orders);
            let rules = rules_of(judged.findings());
            let name = &broken.name;
            assert!(
                !rules.is_disjoint(&overlays),
                "{profile}: {name} breaks no rule of an overlay"
            );
            let title = format!("# {name} | {}", broken.base);
            let _ = writeln!(found, "{title}\n{}", judged.shown());
            if let Some(answers) = answers(partner, &judged) {
                let _ = writeln!(answered, "{title}\n{answers}");
            }
        }
        let beside = root().join(&profile).join("fixtures/breaks.edits");
        differences.hold(&beside.with_extension("findings"), &found);
        let kind = partner.acknowledgements.policy.kind.set();
        differences.hold(&beside.with_extension(kind), &answered);
    }
    differences.end();
}

fn in_force(partner: &Partner) -> impl Iterator<Item = RuleView<'_>> {
    partner
        .agreements()
        .iter()
        .filter_map(|a| a.overlay.as_deref())
        .flat_map(crossdock::overlay::Overlay::rules)
}

fn place(rule: &RuleView<'_>) -> Place {
    (rule.line().file.to_string(), rule.line().line)
}

/// Its own fixtures, and those of the profiles that it rests on, held against what is in force for it.
#[test]
fn every_rule_in_force_is_broken_by_a_fixture() {
    let mut missing = Vec::new();
    for profile in shipped() {
        let partner = partner(&profile);
        let mut broken = BTreeSet::new();
        for layer in partner.chain.iter().filter(|layer| !layer.starts_with("least-")) {
            let (whose, orders) = (self::partner(layer), orders(layer));
            for entry in breaks(layer) {
                let judged = judge(partner, direction_of(whose, &entry.text), &entry.text, &orders);
                broken.extend(rules_of(judged.findings()));
            }
        }
        for rule in in_force(partner).filter(|rule| !is_silent(rule)) {
            let (file, line) = place(&rule);
            if !broken.contains(&(file.clone(), line)) {
                let (kind, path) = (rule.kind().word(), rule.path());
                missing.push(format!("{profile}: {file}:{line}: {kind} {path} {}", rule.what()));
            }
        }
    }
    assert!(missing.is_empty(), "no fixture breaks\n{}", missing.join("\n"));
}

/// The shipped profiles without the line of one rule.
fn without(rule: &Place) -> Profiles {
    let mut sources = Profiles::shipped();
    let mut found = false;
    for source in &mut sources {
        for file in &mut source.files {
            if format!("{}/{}", source.folder, file.path) == rule.0 {
                let at = rule.1 as usize - 1;
                let kept = file.text.lines().enumerate();
                let kept = kept.map(|(i, line)| if i == at { "" } else { line });
                file.text = kept.collect::<Vec<_>>().join("\n");
                found = true;
            }
        }
    }
    assert!(found, "{rule:?} is in no file");
    load_from(sources).0
}

/// What is found in a document under an agreement, and what is read from it.
fn outcome(partner: &Partner, direction: Direction, text: &str) -> (usize, Vec<String>) {
    let received = judge(partner, direction, text, &BTreeMap::new()).received;
    let groups = received.interchanges.iter().flat_map(|i| &i.groups);
    let read = groups.flat_map(|g| &g.sets).map(|set| format!("{:?}", set.document));
    (all_findings(&received).count(), read.collect())
}

/// A rule that allows something, or has it read otherwise, shows: without its line a fixture of the profile, or of one
/// that it rests on, is judged or read otherwise.
#[test]
fn each_rule_that_allows_or_reads_otherwise_shows() {
    let mut idle = BTreeSet::new();
    let mut shows = BTreeSet::new();
    for profile in shipped() {
        let partner = partner(&profile);
        for rule in in_force(partner).filter(is_silent) {
            let place = place(&rule);
            if shows.contains(&place) {
                continue;
            }
            let others = without(&place);
            let other = partner_of(&others, &profile);
            let layers = partner.chain.iter().filter(|layer| !layer.starts_with("least-"));
            let differs = layers.flat_map(|layer| documents(layer, "fixtures")).any(|(_, path)| {
                let text = fs::read_to_string(&path).expect("a fixture");
                let direction = direction_of(partner, &text);
                outcome(partner, direction, &text) != outcome(other, direction, &text)
            });
            if differs {
                idle.remove(&place);
                shows.insert(place);
            } else {
                idle.insert(place);
            }
        }
    }
    assert!(idle.is_empty(), "nothing shows of {idle:#?}");
    assert!(!shows.is_empty());
}

/// What comes in is said in our words; put into theirs and once more into ours it says the same, and in theirs each line
/// has every item number that came, and places and carriers are as they were; what we send must have come about so. (A unit may come back as another one of the same size: 20 dozen as 240 each.)
#[test]
fn the_cross_references_that_are_shipped_translate_the_fixtures() {
    let (mut translated, mut carried) = (0, 0);
    for source in Profiles::shipped() {
        let of_kind = |kind: &crosswalk::Kind| {
            let path = format!("crosswalks/{}.csv", kind.name());
            source.files.iter().find(|file| *file.path == *path)
        };
        let found = crosswalk::Kind::ALL.into_iter().filter_map(|kind| {
            of_kind(&kind).map(|file| (kind, file.path.as_ref(), file.text.as_str()))
        });
        let (crosswalks, errors) = Crosswalks::from_sources(found, &|_: &str, _: &str| None);
        assert_eq!(errors, [], "{}", source.name);
        if crosswalks.is_empty() {
            continue;
        }
        let partner = partner(&source.name);
        for (name, path) in documents(&source.name, "fixtures") {
            let text = fs::read_to_string(&path).expect("a fixture");
            let direction = direction_of(partner, &text);
            let judged = judge(partner, direction, &text, &BTreeMap::new());
            let groups = judged.received.interchanges.into_iter().flat_map(|i| i.groups);
            for theirs in groups.flat_map(|g| g.sets).filter_map(|set| set.document) {
                let mut document = theirs.clone();
                let whose = format!("{}: {name}", source.name);
                assert_eq!(crosswalks.inbound(&mut document), [], "{whose}");
                let ours = document.clone();
                assert_eq!(crosswalks.outbound(&mut document), [], "{whose}");
                let mut again = document.clone();
                assert_eq!(crosswalks.inbound(&mut again), [], "{whose}");
                let (first, second) = (lines_of(&ours), lines_of(&again));
                assert_eq!(first.len(), second.len(), "{whose}");
                for (first, second) in first.iter().zip(&second) {
                    for part in ["unit", "quantity", "price"] {
                        assert_eq!(first[part], second[part], "{whose}: {part} of {first}");
                    }
                }
                let (came, back) = (lines_of(&theirs), lines_of(&document));
                assert_eq!(came.len(), back.len(), "{whose}");
                for (came, back) in came.iter().zip(&back) {
                    let numbers = |line: &serde_json::Value| {
                        line["items"].as_array().cloned().unwrap_or_default()
                    };
                    let kept = numbers(back);
                    assert!(numbers(came).iter().all(|n| kept.contains(n)), "{whose}: {back}");
                }
                let (came, back) = (json_of(&theirs), json_of(&document));
                for part in ["ship_to", "ship_from", "routing", "carrier"] {
                    assert_eq!(came[part], back[part], "{whose}: {part}");
                }
                carried += usize::from(json_of(&ours)["routing"] != came["routing"]);
                translated += 1;
            }
        }
    }
    assert!(translated > 5, "{translated}");
    assert!(carried > 0, "the carrier of a ship notice is ours in our words");
}

/// The lines of an order or invoice, or the contents of a shipment.
fn lines_of(document: &Document) -> Vec<serde_json::Value> {
    let json = json_of(document);
    let parts = ["lines", "contents"].into_iter().filter_map(|name| json[name].as_array());
    parts.flatten().cloned().collect()
}

fn json_of(document: &Document) -> serde_json::Value {
    serde_json::to_value(document).expect("JSON")
}
