//! How what comes in is answered, what becomes of what comes twice, and how far a fault reaches.

use std::time::Duration;

use super::agreement::Known;
use super::section::{Section, Words};
use crate::acks::{AckKind, AckPolicy, ErrorsAs, Ta1Policy};

/// What answers a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// Each group is answered with a 997 or 999.
    #[default]
    Always,
    /// None is.
    Never,
}

impl Words for Answer {
    const WORDS: &'static [(&'static str, Self)] =
        &[("always", Self::Always), ("never", Self::Never)];
}

/// What goes into one interchange of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerBatch {
    /// The answer to one group.
    Group,
    /// The answers to all groups of an interchange.
    #[default]
    Interchange,
}

impl Words for AnswerBatch {
    const WORDS: &'static [(&'static str, Self)] =
        &[("interchange", Self::Interchange), ("group", Self::Group)];
}

/// What becomes of an acknowledgement of what was not sent, or was acknowledged before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfSequence {
    /// It is applied where it can be, and noted.
    #[default]
    Accept,
    /// It is set aside for a person, and changes nothing.
    Hold,
}

/// What tells what of ours an acknowledgement answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AckMatch {
    /// The group's number (AK102), and in it the set's (AK202).
    #[default]
    Group,
    /// The set's number alone, where no group of that number was sent and only one set waits under its own.
    Set,
}

impl Words for AckMatch {
    const WORDS: &'static [(&'static str, Self)] = &[("group", Self::Group), ("set", Self::Set)];
}

impl Words for OutOfSequence {
    const WORDS: &'static [(&'static str, Self)] =
        &[("accept", Self::Accept), ("hold", Self::Hold)];
}

impl Words for AckKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("997", Self::Functional), ("999", Self::Implementation)];
}

impl Words for ErrorsAs {
    const WORDS: &'static [(&'static str, Self)] =
        &[("accepted", Self::Accepted), ("rejected", Self::Rejected)];
}

impl Words for Ta1Policy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("as_requested", Self::AsRequested), ("always", Self::Always), ("never", Self::Never)];
}

/// `[acknowledgements]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgements {
    /// Whether groups are answered.
    pub answer: Answer,
    /// `kind`, `release`, `report_accepted`, `errors_as`, `ta1`: what answers look like.
    pub policy: AckPolicy,
    /// What goes into one interchange of answers.
    pub batch: AnswerBatch,
    /// Our promise: ours leave within.
    pub within: Option<Duration>,
    /// Whether the partner acknowledges what we send.
    pub expected: bool,
    /// After so long its acknowledgement is overdue.
    pub due: Duration,
    /// So long before that a warning is given.
    pub warn: Duration,
    /// What tells what of ours an acknowledgement answers.
    pub matching: AckMatch,
    /// What becomes of an acknowledgement that does not fit what was sent.
    pub out_of_sequence: OutOfSequence,
}

impl Acknowledgements {
    pub(super) fn read(section: &mut Section<'_>, known: &Known<'_>) -> Self {
        let answer = section.choice("answer", Answer::default());
        let usual = AckPolicy::default();
        let kind = section.choice("kind", usual.kind);
        let release = section.text("release").map(str::to_owned);
        if let Some(release) = &release
            && known.grammars.grammar(kind.set(), release).is_none()
        {
            let releases = known.releases_of(kind.set()).join("`, `");
            let words = format!(
                "cannot be {release:?}: there is no {} of it; there is one of `{releases}`",
                kind.set()
            );
            section.wrong_key("release", words);
        }
        let policy = AckPolicy {
            kind,
            release,
            report_accepted: section.flag("report_accepted", usual.report_accepted),
            errors_as: section.choice("errors_as", usual.errors_as),
            ta1: section.choice("ta1", usual.ta1),
        };
        let batch = section.choice("batch", AnswerBatch::default());
        let within = section.duration("within");
        let expected = section.flag("expected", true);
        let due = section.duration_or("due", Duration::from_hours(24));
        let warn = section.duration_or("warn", due / 4);
        if warn > due {
            section.wrong_key("warn", "cannot be longer than `due`: the warning comes before it");
        } else if warn == due {
            section
                .warn_key("warn", "is as long as `due`: everything is warned of once it is sent");
        }
        let matching = section.choice("match", AckMatch::default());
        let out_of_sequence = section.choice("out_of_sequence", OutOfSequence::default());
        if answer == Answer::Never {
            for key in ["kind", "release", "report_accepted", "batch", "within"] {
                section.idle(key, "nothing is answered (`answer`)");
            }
        }
        if !expected {
            for key in ["due", "warn", "match"] {
                section.idle(key, "none is expected (`expected`)");
            }
        }
        Self { answer, policy, batch, within, expected, due, warn, matching, out_of_sequence }
    }
}

/// What becomes of an interchange that comes again with the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateInterchange {
    /// It is recorded, and nothing is done again.
    #[default]
    Ignore,
    /// It is recorded, and answered with the bytes of the first answer.
    AcknowledgeAgain,
    /// It is set aside for a person.
    Quarantine,
}

impl Words for DuplicateInterchange {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("ignore", Self::Ignore),
        ("acknowledge-again", Self::AcknowledgeAgain),
        ("quarantine", Self::Quarantine),
    ];
}

/// What becomes of a number that was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateNumber {
    /// It means nothing.
    #[default]
    Ignore,
    /// It is a finding, and is accepted.
    Finding,
    /// What bears it is rejected.
    Reject,
}

impl Words for DuplicateNumber {
    const WORDS: &'static [(&'static str, Self)] =
        &[("ignore", Self::Ignore), ("finding", Self::Finding), ("reject", Self::Reject)];
}

/// What becomes of a document whose number was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicateDocument {
    /// It is recorded, not delivered.
    #[default]
    Record,
    /// It is delivered all the same.
    Deliver,
}

impl Words for DuplicateDocument {
    const WORDS: &'static [(&'static str, Self)] =
        &[("record", Self::Record), ("deliver", Self::Deliver)];
}

/// `[duplicates]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Duplicates {
    /// The same interchange with the same bytes. With other bytes it is always set aside.
    pub interchange: DuplicateInterchange,
    /// GS06.
    pub group: DuplicateNumber,
    /// ST02.
    pub set: DuplicateNumber,
    /// For how many days numbers count as seen; 0 = for ever.
    pub days: u32,
    /// A PO's number, and that of any other document.
    pub documents: DuplicateDocument,
}

/// Ten years: longer than anybody keeps numbers.
const DAYS_MAX: u64 = 3660;

impl Duplicates {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            interchange: section.choice("interchange", DuplicateInterchange::default()),
            group: section.choice("group", DuplicateNumber::default()),
            set: section.choice("set", DuplicateNumber::default()),
            days: u32::try_from(section.number("days", 0, (0, DAYS_MAX))).unwrap_or_default(),
            documents: section.choice("documents", DuplicateDocument::default()),
        }
    }
}

/// Whether a group may be taken in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupUnity {
    /// Its good sets are taken, the others rejected.
    #[default]
    Split,
    /// One rejected set rejects its group.
    Whole,
}

impl Words for GroupUnity {
    const WORDS: &'static [(&'static str, Self)] =
        &[("split", Self::Split), ("whole", Self::Whole)];
}

/// How far an error reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// The set alone.
    #[default]
    Set,
    /// All of its interchange: nothing of it is delivered until a person has looked.
    Interchange,
}

impl Words for OnError {
    const WORDS: &'static [(&'static str, Self)] =
        &[("set", Self::Set), ("interchange", Self::Interchange)];
}

/// What is written of the empty elements at the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailingSeparators {
    /// Nothing.
    #[default]
    Trim,
    /// The separators of all the elements that the release gives the segment.
    Keep,
}

impl Words for TrailingSeparators {
    const WORDS: &'static [(&'static str, Self)] = &[("trim", Self::Trim), ("keep", Self::Keep)];
}

/// What becomes of the blanks at the end of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrailingSpaces {
    /// They belong to no value; only those stay that its least length needs.
    #[default]
    Trim,
    /// They stay as they stand.
    Keep,
}

impl Words for TrailingSpaces {
    const WORDS: &'static [(&'static str, Self)] = &[("trim", Self::Trim), ("keep", Self::Keep)];
}

/// What is made of separators at the end of a segment that a partner sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeparatorsFound {
    /// Nothing.
    Ignore,
    /// Advice.
    #[default]
    Advice,
    /// A warning.
    Warning,
    /// An error.
    Error,
}

impl Words for SeparatorsFound {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("ignore", Self::Ignore),
        ("advice", Self::Advice),
        ("warning", Self::Warning),
        ("error", Self::Error),
    ];
}

/// `[processing]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Processing {
    /// Whether a group may be taken in part.
    pub group: GroupUnity,
    /// How far a rejected set reaches.
    pub on_error: OnError,
    /// What is written of empty elements at the end of a segment.
    pub trailing_separators: TrailingSeparators,
    /// What is made of them where the partner sends them.
    pub separators_found: SeparatorsFound,
    /// What becomes of the blanks at the end of a value, in both directions.
    pub trailing_spaces: TrailingSpaces,
}

impl Processing {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            group: section.choice("group", GroupUnity::default()),
            on_error: section.choice("on_error", OnError::default()),
            trailing_separators: section
                .choice("trailing_separators", TrailingSeparators::default()),
            separators_found: section.choice("separators_found", SeparatorsFound::default()),
            trailing_spaces: section.choice("trailing_spaces", TrailingSpaces::default()),
        }
    }
}
