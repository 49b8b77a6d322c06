//! An overlay file as it was written: its rules, not yet held against a grammar.

use std::sync::Arc;

use crate::findings::Severity;
use crate::grammar::digits::Scheme;
use crate::grammar::{DataType, LineError, RuleLine};

/// Whether a set comes in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The partner sends it to us.
    In,
    /// We send it to the partner.
    Out,
}

/// Line and column, 1-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Spot {
    pub line: u32,
    pub column: u32,
}

/// A word with its spot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Word {
    pub text: String,
    pub at: Spot,
}

/// One overlay file, read.
#[derive(Debug, Clone)]
pub struct OverlaySource {
    pub(super) file: Arc<str>,
    pub(super) partner: Word,
    pub(super) set: Word,
    pub(super) releases: Vec<Word>,
    pub(super) direction: Option<Direction>,
    pub(super) rules: Vec<Arc<RuleSource>>,
    pub(super) waived: Vec<WaiveSource>,
}

impl OverlaySource {
    /// The file, as the parser was given it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The partner that it names; empty where its first line cannot be read.
    #[must_use]
    pub fn partner(&self) -> &str {
        &self.partner.text
    }

    /// The set that it is for: `850`; empty where its first line cannot be read.
    #[must_use]
    pub fn set(&self) -> &str {
        &self.set.text
    }

    /// The releases that it is for, at least one where its first line can be read.
    pub fn releases(&self) -> impl Iterator<Item = &str> {
        self.releases.iter().map(|r| r.text.as_str())
    }

    /// The direction that it is for; `None` = both.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// Whether it is for this set. `version` may be a whole GS08: its first six characters decide.
    #[must_use]
    pub fn applies(&self, set: &str, version: &str, direction: Direction) -> bool {
        let release = version.get(..6).unwrap_or(version);
        self.set.text == set
            && self.direction.is_none_or(|own| own == direction)
            && self.releases.iter().any(|r| r.text == release)
    }

    /// Whether another is for the same set in a release and direction that this one is for too.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let direction = self.direction.zip(other.direction).is_none_or(|(a, b)| a == b);
        let release = |r: &Word| other.releases.iter().any(|o| o.text == r.text);
        self.set.text == other.set.text && direction && self.releases.iter().any(release)
    }

    /// How many rules are written in it.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// What is wrong with the set and releases of the first line, where no grammar has them. `known` are all sets
    /// with their releases.
    #[must_use]
    pub fn unknown_sets<'k>(
        &self,
        known: impl IntoIterator<Item = (&'k str, &'k str)>,
    ) -> Vec<LineError> {
        let known: Vec<(&str, &str)> = known.into_iter().collect();
        let set = &self.set;
        if set.text.is_empty() {
            return Vec::new();
        }
        let sets = known.iter().map(|&(s, _)| s);
        if !known.iter().any(|&(s, _)| s == set.text) {
            let mend = crate::grammar::suggest::mend(&set.text, sets, "add a grammar for it");
            return vec![self.error(
                set.at,
                format!("there is no grammar of set {}", set.text),
                mend,
            )];
        }
        let missing = |r: &&Word| !known.iter().any(|&(s, k)| s == set.text && k == r.text);
        self.releases
            .iter()
            .filter(missing)
            .map(|r| {
                let releases = known.iter().filter(|(s, _)| *s == set.text).map(|&(_, k)| k);
                let otherwise = "take the release out, or add a grammar for it";
                let mend = crate::grammar::suggest::mend(&r.text, releases, otherwise);
                let message =
                    format!("there is no grammar of set {} in release {}", set.text, r.text);
                self.error(r.at, message, mend)
            })
            .collect()
    }

    pub(super) fn error(
        &self,
        at: Spot,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> LineError {
        LineError {
            file: Arc::clone(&self.file),
            line: at.line,
            column: at.column,
            message: message.into(),
            mend: mend.into(),
        }
    }

    pub(super) fn rule_line(&self, at: Spot) -> RuleLine {
        RuleLine { file: Arc::clone(&self.file), line: at.line }
    }
}

/// What kind of rule, by its first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Must be there.
    Require,
    /// May not be there.
    Forbid,
    /// May come so often.
    Limit,
    /// Has so many characters.
    Length,
    /// Is of this type.
    Type,
    /// Is one of these codes.
    Codes,
    /// May be there though the grammar says otherwise.
    Allow,
    /// No value comes twice.
    Unique,
    /// States how many there are.
    Count,
    /// States a sum.
    Sum,
    /// Ends with a check digit.
    Digits,
    /// The levels stand in this order.
    Hierarchy,
    /// Agrees with another document.
    Against,
    /// A line of the map.
    Map,
}

impl Kind {
    pub(super) const ALL: [Self; 14] = [
        Self::Require,
        Self::Forbid,
        Self::Limit,
        Self::Length,
        Self::Type,
        Self::Codes,
        Self::Allow,
        Self::Unique,
        Self::Count,
        Self::Sum,
        Self::Digits,
        Self::Hierarchy,
        Self::Against,
        Self::Map,
    ];

    /// The word that begins its line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Forbid => "forbid",
            Self::Limit => "limit",
            Self::Length => "length",
            Self::Type => "type",
            Self::Codes => "codes",
            Self::Allow => "allow",
            Self::Unique => "unique",
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Digits => "digits",
            Self::Hierarchy => "hierarchy",
            Self::Against => "against",
            Self::Map => "map",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.word() == word)
    }
}

/// A rule as it was written.
#[derive(Debug, Clone)]
pub(super) struct RuleSource {
    /// Where its first word stands.
    pub at: Spot,
    pub conditions: Vec<ConditionSource>,
    pub body: Body,
    /// What it speaks of, as written; empty where it speaks of no path.
    pub path: String,
    /// What stands behind that, as written.
    pub what: String,
    /// What stands between `when` and the rule, as written; empty for none.
    pub condition: String,
    pub reason: Option<String>,
    /// Its own, or that of the last `source` line.
    pub source: Option<Arc<str>>,
    /// `None` where the line does not say.
    pub severity: Option<Severity>,
}

/// What a rule says.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Require(PathSource),
    Forbid(PathSource),
    Limit(PathSource, u32),
    Length(PathSource, u32, u32),
    Type(PathSource, DataType),
    Codes { path: PathSource, besides: bool, codes: Vec<Word> },
    Allow(PathSource),
    Unique { path: PathSource, within: Option<PathSource> },
    Count { path: PathSource, of: PathSource },
    Sum { path: PathSource, terms: Vec<TermSource>, scale: Option<u32> },
    Digits(PathSource, Scheme),
    Hierarchy(Vec<Word>),
    Against { document: Word, what: Word },
    Map { within: Option<Word>, field: Word, text: String },
}

impl Body {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Require(_) => Kind::Require,
            Self::Forbid(_) => Kind::Forbid,
            Self::Limit(..) => Kind::Limit,
            Self::Length(..) => Kind::Length,
            Self::Type(..) => Kind::Type,
            Self::Codes { .. } => Kind::Codes,
            Self::Allow(_) => Kind::Allow,
            Self::Unique { .. } => Kind::Unique,
            Self::Count { .. } => Kind::Count,
            Self::Sum { .. } => Kind::Sum,
            Self::Digits(..) => Kind::Digits,
            Self::Hierarchy(_) => Kind::Hierarchy,
            Self::Against { .. } => Kind::Against,
            Self::Map { .. } => Kind::Map,
        }
    }
}

/// `+ PATH * PATH`, `- PATH`
#[derive(Debug, Clone)]
pub(super) struct TermSource {
    pub minus: bool,
    pub factors: Vec<PathSource>,
}

/// `waive KIND PATH`
#[derive(Debug, Clone)]
pub(super) struct WaiveSource {
    pub at: Spot,
    pub kind: Kind,
    /// `None` where the kind speaks of no path.
    pub path: Option<PathSource>,
    /// As written.
    pub text: String,
}

/// A condition of a `when`.
#[derive(Debug, Clone)]
pub(super) struct ConditionSource {
    pub path: PathSource,
    pub test: TestSource,
}

#[derive(Debug, Clone)]
pub(super) enum TestSource {
    Present,
    Absent,
    /// `=`
    Is(Vec<Word>),
    /// `!=`: something else stands there.
    IsNot(Vec<Word>),
}

/// `HL[P]/MAN[GM]/MAN02`
#[derive(Debug, Clone, Default)]
pub(super) struct PathSource {
    pub at: Spot,
    pub text: String,
    pub steps: Vec<StepSource>,
    pub element: Option<ElementSource>,
}

/// `N1[ST]`, `REF#2`
#[derive(Debug, Clone)]
pub(super) struct StepSource {
    pub key: String,
    pub selector: Option<SelectorSource>,
    pub at: Spot,
}

impl StepSource {
    /// Where in the text of its path it begins.
    pub fn offset_in(&self, path: &PathSource) -> usize {
        self.at.column.saturating_sub(path.at.column) as usize
    }
}

/// `[ST,BT]`, `[02=D240]`
#[derive(Debug, Clone)]
pub(super) struct SelectorSource {
    /// Position and component (0 = none); `None` = the usual qualifier.
    pub position: Option<(u16, u16)>,
    pub codes: Vec<String>,
}

/// `N104`, `02`, `SLN05.1`, `PO106..PO125[UP]`
#[derive(Debug, Clone)]
pub(super) struct ElementSource {
    /// Empty where only the position is written.
    pub tag: String,
    pub position: u16,
    /// 0 = none.
    pub component: u16,
    /// Last position of a range of pairs; 0 = no range.
    pub last: u16,
    pub qualifiers: Vec<String>,
    pub at: Spot,
}
