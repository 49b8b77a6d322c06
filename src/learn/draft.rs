//! The draft: texts for the folder of a profile, each line with its evidence.

use std::fmt::Write as _;

use super::agreement;
use super::evidence::Confidence;
use super::facts::{Fact, Topic};
use super::{Counted, Learner, SheetKey};
use crate::findings::Severity;
use crate::overlay::Direction;

/// Where the evidence of a rule stands in its line.
const EVIDENCE_COLUMN: usize = 44;
/// Characters of a line of paths.
const LINE_CHARS_MAX: usize = 110;

/// A draft of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The files of its folder; the first is `partner.toml`.
    pub files: Vec<DraftFile>,
}

/// A file of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftFile {
    /// Its name in the folder.
    pub name: String,
    /// What stands in it.
    pub text: String,
    /// Of an overlay, what it is for.
    pub of: Option<SheetKey>,
    /// Rules in force, and rules that are commented out.
    pub rules: (usize, usize),
}

pub(super) fn draft(learner: &Learner, name: &str) -> Draft {
    let text = agreement::text(learner, name);
    let mut files = vec![DraftFile { name: "partner.toml".into(), text, of: None, rules: (0, 0) }];
    for (key, counted) in &learner.counted {
        let is_document = counted.kind.as_deref().is_some_and(|kind| !agreement::is_answer(kind));
        if counted.learned > 0 && is_document {
            let facts = learner.facts(key);
            files.push(overlay(name, key, counted, &facts, learner));
        }
    }
    Draft { files }
}

/// `in`, `out`
pub(super) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

fn overlay(
    name: &str,
    key: &SheetKey,
    counted: &Counted,
    facts: &[Fact],
    learner: &Learner,
) -> DraftFile {
    let (set, release, direction) = key;
    let word = direction_word(*direction);
    let several = learner.sheets.keys().filter(|(s, _, d)| s == set && d == direction).count() > 1;
    let file = if several {
        format!("{set}-{release}-{word}.overlay")
    } else {
        format!("{set}-{word}.overlay")
    };
    let documents = counted.learned;
    let plural = if documents == 1 { "document" } else { "documents" };
    let who = match direction {
        Direction::In => "they send",
        Direction::Out => "we send them",
    };
    let mut text = format!(
        "# A draft: the {set} {release} that {who}, learned from {documents} {plural}.\n\
         # Behind each rule stands what shows it, and how sure that is: high from 30 documents on, medium from 10.\n\
         # What is commented out was so too, and is the reader's choice. Hold each line against the partner's guide,\n\
         # and name page and date of the guide behind it: `source \"Guide 3.1, p. 12, 2026-02\"`.\n\n\
         overlay {name} on {set} {release} {word}\n\
         source \"Learned from {documents} sample {plural}, not yet confirmed\"\n"
    );
    let mut topic = None;
    let mut rules = (0, 0);
    // Writing to a text cannot fail.
    let (told, unused) = facts.split_at(facts.partition_point(|f| f.topic < Topic::Unused));
    for fact in told {
        if topic != Some(fact.topic) {
            let _ = writeln!(text, "\n# {}", title(fact.topic));
            topic = Some(fact.topic);
        }
        text.push_str(&line(fact));
        text.push('\n');
        let count = if fact.active.is_some() { &mut rules.0 } else { &mut rules.1 };
        *count += 1;
    }
    never(unused, &mut text);
    DraftFile { name: file, text, of: Some(key.clone()), rules }
}

fn line(fact: &Fact) -> String {
    let rule = match fact.active {
        None => format!("# {}", fact.rule),
        Some(Severity::Warning) => format!("{} as warning", fact.rule),
        Some(_) => fact.rule.clone(),
    };
    let remark = if fact.remark.is_empty() { String::new() } else { format!("; {}", fact.remark) };
    let confidence = fact.confidence.word();
    format!("{rule:<EVIDENCE_COLUMN$}  # {} ({confidence}){remark}", fact.evidence)
}

/// What is never there, together by its evidence: each by itself would bury the rest.
fn never(unused: &[Fact], text: &mut String) {
    if !unused.is_empty() {
        let _ = writeln!(text, "\n# {}", title(Topic::Unused));
    }
    for together in unused.chunk_by(|a, b| a.evidence == b.evidence) {
        let mut line = String::from("#");
        for path in together.iter().filter_map(|fact| fact.rule.strip_prefix("forbid ")) {
            if line.len() + path.len() >= LINE_CHARS_MAX {
                text.push_str(&line);
                text.push('\n');
                line = String::from("#  ");
            }
            line.push(' ');
            line.push_str(path);
        }
        text.push_str(&line);
        text.push('\n');
        let confidence = together.first().map_or("", |fact| fact.confidence.word());
        let evidence = together.first().map(|fact| fact.evidence.to_string()).unwrap_or_default();
        let _ = writeln!(text, "#     {evidence} ({confidence})");
    }
}

fn title(topic: Topic) -> &'static str {
    match topic {
        Topic::Allowed => "Used, though the release has it not",
        Topic::Levels => "The order of the levels",
        Topic::Numbers => "Counts, sums and check digits",
        Topic::Required => "What is always there (not sure: as warning)",
        Topic::Conditions => {
            "What is always or never there in some kinds of documents, and otherwise in others"
        }
        Topic::Lengths => "Values that are all of one length",
        Topic::Codes => "Codes and constant values",
        Topic::Limits => "How often things come at most",
        Topic::Unused => "What is never there: write `forbid` in front of what the guide forbids",
    }
}

/// A comment of evidence, as it stands in `partner.toml`.
pub(super) fn shown(held: u64, of: u64, what: &str) -> String {
    format!("# in {held} of {of} {what} ({})", Confidence::of(of).word())
}
