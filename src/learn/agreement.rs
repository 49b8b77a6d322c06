//! `partner.toml`: who both are and how their envelopes look, each line with its evidence.

use super::Learner;
use super::draft::{direction_word, shown};
use super::envelopes::{Parties, Party, Traffic, Trait};
use crate::overlay::Direction;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Where the evidence of an entry stands in its line.
const EVIDENCE_COLUMN: usize = 44;
/// The greatest control number.
const NUMBER_MAX: u32 = 999_999_999;

/// Whether a kind of document answers others, so that `[acknowledgements]` speaks of it.
#[must_use]
pub fn is_answer(kind: &str) -> bool {
    kind == "acknowledgement"
}

pub(super) fn text(learner: &Learner, name: &str) -> String {
    let [inbound, outbound] = &learner.traffic;
    let mut text = format!(
        "# A draft, learned from samples: {} interchanges from the partner, {} to it.\n\
         # Behind each entry stands what shows it, and how sure that is. What only you know is marked TODO.\n\
         # Every field is described in docs/profiles.md.\n\n",
        inbound.interchanges, outbound.interchanges
    );
    let mut out = Lines(&mut text);
    out.entry("title", &quoted(name), "# TODO: how people call the partner");
    out.entry(
        "source",
        "\"TODO: their guide, page, date\"",
        "# what follows was learned from samples",
    );
    out.entry("state", "\"shadow\"", "# nothing is sent or delivered; `live` when it is right");
    out.entry("endpoint", "\"TODO\"", "# TODO: an endpoint of crossdock.toml");
    if learner.traffic[0].has_tests() {
        out.entry(
            "test_endpoint",
            "\"TODO\"",
            "# TODO: an endpoint for tests (ISA15 = T); without this line they are set aside",
        );
    }
    identities(learner, &mut out);
    envelope(learner, &mut out);
    control_numbers(learner, &mut out);
    acknowledgements(learner, &mut out);
    documents(learner, &mut out);
    out.section("mailbox");
    out.entry("folder", &quoted(&format!("mailboxes/{name}")), "# TODO: where files are exchanged");
    text
}

struct Lines<'a>(&'a mut String);

impl Lines<'_> {
    fn section(&mut self, name: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "\n[{name}]");
    }

    fn entry(&mut self, key: &str, value: &str, comment: &str) {
        let entry = format!("{key} = {value}");
        let line = format!("{entry:<EVIDENCE_COLUMN$}  {comment}");
        let _ = writeln!(self.0, "{}", line.trim_end());
    }

    fn comment(&mut self, words: &str) {
        let _ = writeln!(self.0, "# {words}");
    }
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn identities(learner: &Learner, out: &mut Lines<'_>) {
    let mut pairs: BTreeMap<Parties, u64> = BTreeMap::new();
    for (parties, count) in learner.traffic.iter().flat_map(|traffic| &traffic.parties) {
        *pairs.entry(parties.clone()).or_default() += count;
    }
    let of = |test: bool| {
        let mut found: Vec<(&Parties, u64)> =
            pairs.iter().filter(|(p, _)| p.test == test).map(|(p, n)| (p, *n)).collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        found
    };
    let (production, mut test) = (of(false), of(true));
    let same = |a: &Parties, b: &Parties| a.partner == b.partner && a.own == b.own;
    test.retain(|(t, _)| !production.iter().any(|(p, _)| same(p, t)));
    let groups: u64 = pairs.values().sum();
    if production.is_empty() {
        sides(&test, "production", groups, out);
        out.comment("Only test interchanges (ISA15 = T) were among the samples: those of production may differ.");
        return;
    }
    sides(&production, "production", groups, out);
    if !test.is_empty() {
        sides(&test, "test", groups, out);
    }
}

fn sides(pairs: &[(&Parties, u64)], usage: &str, groups: u64, out: &mut Lines<'_>) {
    let Some(((main, count), further)) = pairs.split_first() else { return };
    out.section(&format!("identity.{usage}"));
    out.entry("partner", &party(&main.partner), &shown(*count, groups, "groups"));
    out.entry("own", &party(&main.own), "");
    let further: Vec<_> = further.iter().filter(|(p, _)| differs(p, main)).collect();
    if further.is_empty() {
        return;
    }
    let _ = writeln!(out.0, "also = [");
    for (pair, count) in further {
        let (partner, own) = (party(&pair.partner), party(&pair.own));
        let evidence = shown(*count, groups, "groups");
        let _ = writeln!(out.0, "    {{ partner = {partner}, own = {own} }},  {evidence}");
    }
    let _ = writeln!(out.0, "]");
}

/// Whether ISA tells two pairs apart, so that both can stand in a profile.
fn differs(a: &Parties, b: &Parties) -> bool {
    let isa = |p: &Party| (p.qualifier.clone(), p.id.clone());
    (isa(&a.partner), isa(&a.own)) != (isa(&b.partner), isa(&b.own))
}

fn party(party: &Party) -> String {
    let Party { qualifier, id, group } = party;
    let group = match group {
        group if group == id || group.is_empty() => String::new(),
        group => format!(", group = {}", quoted(group)),
    };
    format!("{{ qualifier = {}, id = {}{group} }}", quoted(qualifier), quoted(id))
}

/// What shows how ours look: what we have sent, or else what they send.
fn model(learner: &Learner) -> (&Traffic, Direction) {
    let [inbound, outbound] = &learner.traffic;
    if outbound.interchanges > 0 { (outbound, Direction::Out) } else { (inbound, Direction::In) }
}

fn envelope(learner: &Learner, out: &mut Lines<'_>) {
    let (traffic, direction) = model(learner);
    out.section("envelope");
    if direction == Direction::In {
        out.comment("How ours look is not among the samples: these are as theirs.");
    }
    let usual = |of| traffic.usual(of);
    let mut plain = |key: &str, of: Trait, what: &str| {
        if let Some((value, held, all)) = usual(of) {
            out.entry(key, &quoted(value), &shown(held, all, what));
        }
    };
    plain("interchange_version", Trait::Version, "interchanges: ISA12");
    plain("element_separator", Trait::Elements, "interchanges");
    plain("component_separator", Trait::Components, "interchanges: ISA16");
    // Before 00402 ISA11 is no separator.
    if usual(Trait::Version).is_some_and(|(version, ..)| version >= "00402") {
        plain("repetition_separator", Trait::Repetitions, "interchanges: ISA11");
    }
    plain("segment_terminator", Trait::Terminator, "interchanges");
    plain("line_break", Trait::LineBreak, "interchanges");
    plain("agency", Trait::Agency, "groups: GS07");
    plain("group_date", Trait::GroupDate, "groups: GS04");
    plain("group_time", Trait::GroupTime, "groups: GS05");
    if let Some((value, held, all)) = usual(Trait::RequestsTa1) {
        out.entry("request_ta1", value, &shown(held, all, "interchanges: ISA14"));
    }
    standards(traffic, out);
    release(learner, traffic, out);
    credentials(traffic, out);
}

/// ISA11, where it is not as its version has it.
fn standards(traffic: &Traffic, out: &mut Lines<'_>) {
    let (Some((value, held, all)), Some((version, ..))) =
        (traffic.usual(Trait::StandardsId), traffic.usual(Trait::Version))
    else {
        return;
    };
    let repeats = version.parse().is_ok_and(|version: u32| version >= 402);
    let word = match (value == "U", repeats) {
        (true, true) => "\"U\"",
        (false, false) if !value.chars().all(char::is_alphanumeric) => "\"separator\"",
        _ => "\"auto\"",
    };
    out.entry("isa11", word, &shown(held, all, &format!("interchanges: ISA11 = {value}")));
}

fn release(learner: &Learner, traffic: &Traffic, out: &mut Lines<'_>) {
    let Some((version, held, all)) = traffic.usual(Trait::Release) else { return };
    let release: String = version.chars().take(6).collect();
    let suffix: String = version.chars().skip(6).collect();
    let mut read = learner.counted.iter().filter(|(_, counted)| counted.is_read());
    let known = read.any(|((_, known, _), _)| *known == release);
    let evidence = shown(held, all, &format!("groups: GS08 = {version}"));
    let mark = if known { "" } else { "# " };
    out.entry(&format!("{mark}release"), &quoted(&release), &evidence);
    if !suffix.is_empty() {
        out.entry("release_suffix", &quoted(&suffix), &evidence);
    }
}

fn credentials(traffic: &Traffic, out: &mut Lines<'_>) {
    if let Some((value, held, all)) = traffic.usual(Trait::Authorisation) {
        let (qualifier, information) = value.split_once(' ').unwrap_or((value, ""));
        if qualifier != "00" {
            let value = format!(
                "{{ qualifier = {}, information = {} }}",
                quoted(qualifier),
                quoted(information.trim())
            );
            out.entry("authorisation", &value, &shown(held, all, "interchanges: ISA01, ISA02"));
        }
    }
    if let Some((qualifier, held, all)) = traffic.usual(Trait::SecurityQualifier)
        && qualifier != "00"
    {
        let evidence = shown(held, all, "interchanges: ISA03; the password stays out of files");
        let value = format!("{{ qualifier = {}, information = \"env:ISA04\" }}", quoted(qualifier));
        out.entry("# security", &value, &evidence);
    }
}

fn control_numbers(learner: &Learner, out: &mut Lines<'_>) {
    let [inbound, outbound] = &learner.traffic;
    if outbound.interchanges > 0 {
        out.section("control_numbers");
        let range = |last: u32| {
            let first = if last < NUMBER_MAX { last + 1 } else { 1 };
            format!("{{ first = {first}, last = {NUMBER_MAX} }}")
        };
        let steps = &outbound.interchange_numbers;
        let words = format!("# ours were up to {}", steps.greatest);
        out.entry("interchange", &range(steps.greatest), &words);
        let words = format!("# ours were up to {}", outbound.group_numbers.greatest);
        out.entry("group", &range(outbound.group_numbers.greatest), &words);
        if let Some((&width, &count)) = outbound.set_widths.iter().max_by_key(|(_, n)| **n) {
            let sets: u64 = outbound.set_widths.values().sum();
            let width = width.clamp(4, 9);
            let value = format!("{{ first = 1, last = {NUMBER_MAX}, width = {width} }}");
            out.entry("set", &value, &shown(count, sets, "sets: length of ST02"));
        }
    }
    if inbound.interchanges == 0 {
        return;
    }
    let _ = writeln!(out.0);
    let steps = &inbound.interchange_numbers;
    let after = steps.seen.saturating_sub(1);
    if after > 0 {
        out.comment(&format!(
            "Their ISA13 is the one before it and 1 in {} of {after} cases (in the order of the files).",
            steps.by_one
        ));
    }
    let widths: Vec<String> = inbound.set_widths.keys().map(ToString::to_string).collect();
    let words = match inbound.set_words {
        0 => "all of them numbers".to_owned(),
        n => format!("{n} of them no plain numbers"),
    };
    if !widths.is_empty() {
        out.comment(&format!("Their ST02 has {} characters, {words}.", widths.join(" or ")));
    }
}

fn acknowledgements(learner: &Learner, out: &mut Lines<'_>) {
    let answers = |direction: Direction| {
        let found = learner.counted.iter().filter(|((_, _, d), _)| *d == direction);
        let found = found.filter(|(_, c)| c.kind.as_deref().is_some_and(is_answer));
        found.map(|((set, ..), c)| (set.as_str(), c.learned + c.repeated + c.rejected)).next_back()
    };
    out.section("acknowledgements");
    match (answers(Direction::Out), answers(Direction::In)) {
        (Some((set, count)), _) => {
            out.entry("answer", "\"always\"", "# TODO: as agreed");
            out.entry("kind", &quoted(set), &format!("# {count} of ours among the samples"));
        }
        (None, Some((set, _))) => {
            out.entry(
                "kind",
                &quoted(set),
                "# theirs are of this kind; none of ours was among the samples",
            );
        }
        (None, None) => {
            out.entry("kind", "\"997\"", "# TODO: no acknowledgement was among the samples");
        }
    }
    report_accepted(learner, out);
    match answers(Direction::In) {
        Some((_, count)) => {
            out.entry("expected", "true", &format!("# {count} of theirs among the samples"));
        }
        None => out.entry("expected", "true", "# TODO: none of theirs was among the samples"),
    }
    out.entry("due", "\"24h\"", "# TODO: deadlines cannot be learned");
}

/// Whether accepted sets are named, as our answers show it, or else theirs.
fn report_accepted(learner: &Learner, out: &mut Lines<'_>) {
    let [theirs, ours] = learner.answered;
    let ((named, all), whose) = if ours.1 > 0 { (ours, "ours") } else { (theirs, "theirs") };
    if all == 0 {
        return;
    }
    let (word, held, what) = if named * 2 > all {
        ("true", named, "name accepted sets")
    } else {
        ("false", all - named, "name none that is accepted")
    };
    out.entry("report_accepted", word, &shown(held, all, &format!("groups: {whose} {what}")));
}

fn documents(learner: &Learner, out: &mut Lines<'_>) {
    let mut kinds: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    let mut unproved: BTreeMap<&str, u64> = BTreeMap::new();
    let mut releases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((_, release, direction), counted) in &learner.counted {
        let Some(kind) = counted.kind.as_deref().filter(|kind| !is_answer(kind)) else { continue };
        releases.entry(kind).or_default().insert(release);
        let all = counted.learned + counted.repeated + counted.rejected;
        *unproved.entry(kind).or_default() +=
            if counted.learned > 0 { 0 } else { counted.rejected };
        kinds.entry(kind).or_default()[usize::from(*direction == Direction::Out)] += all;
    }
    for (kind, [from, to]) in kinds {
        out.section(&format!("documents.{kind}"));
        let (direction, most, least) =
            if from >= to { (Direction::In, from, to) } else { (Direction::Out, to, from) };
        let word = direction_word(direction);
        out.entry("direction", &quoted(word), &format!("# {most} among the samples"));
        let mut agreed = releases.get(kind).into_iter().flatten();
        if let (Some(release), None) = (agreed.next(), agreed.next()) {
            out.entry("release", &quoted(release), "# the only one among the samples");
        }
        let unproved = unproved.get(kind).copied().unwrap_or(0);
        if unproved > 0 {
            out.comment(&format!(
                "No rules: the grammar rejects {unproved} of them. `crossdock validate` says why."
            ));
        }
        if least > 0 {
            out.comment(&format!(
                "{least} went the other way: a kind of document has one direction."
            ));
        }
    }
}
