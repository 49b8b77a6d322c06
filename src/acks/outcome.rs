//! What a partner's acknowledgement says, as plain data.

use serde::Serialize;

/// What became of a document, a group or an interchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// `A`
    Accepted,
    /// `E`: accepted, but errors were noted.
    AcceptedWithErrors,
    /// `P`: of a group, at least one set was rejected.
    PartiallyAccepted,
    /// `R`, and `M`, `W`, `X`: rejected for a failed authentication, assurance or decryption.
    Rejected,
    /// The acknowledgement does not say, or says it with a code that does not exist.
    Unknown,
}

impl Verdict {
    /// The code of AK501, AK901 and TA104, in any case; anything else is [`Verdict::Unknown`].
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code.trim() {
            "A" | "a" => Self::Accepted,
            "E" | "e" => Self::AcceptedWithErrors,
            "P" | "p" => Self::PartiallyAccepted,
            "R" | "M" | "W" | "X" | "r" | "m" | "w" | "x" => Self::Rejected,
            _ => Self::Unknown,
        }
    }

    /// The code that says it; `None` for [`Verdict::Unknown`].
    #[must_use]
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("A"),
            Self::AcceptedWithErrors => Some("E"),
            Self::PartiallyAccepted => Some("P"),
            Self::Rejected => Some("R"),
            Self::Unknown => None,
        }
    }
}

/// A code of an acknowledgement, with what it means.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Words {
    /// The code as it stands there.
    pub code: String,
    /// What it means, where the grammar says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
}

/// What an element is blamed for (AK4, IK4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ElementNote {
    /// Position in the segment, as stated; 0 where it says none.
    pub position: u32,
    /// Component; 0 = none.
    pub component: u32,
    /// Repetition; 0 = none.
    pub repetition: u32,
    /// Element number (`330`); empty where it says none.
    pub element_id: String,
    /// What is wrong.
    pub error: Words,
    /// The bad value, copied; empty where it is not.
    pub value: String,
}

/// What a segment is blamed for (AK3, IK3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SegmentNote {
    /// Its tag.
    pub segment: String,
    /// Position in the set, ST = 1; 0 where it says none.
    pub position: u32,
    /// The loop; empty where it says none.
    pub loop_id: String,
    /// What is wrong; its code is empty where it says nothing.
    pub error: Words,
    /// Its elements.
    pub elements: Vec<ElementNote>,
    /// What CTX says of it (999), as it stands there.
    pub context: Vec<String>,
}

/// What became of a transaction set (AK2 to AK5, IK5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetOutcome {
    /// ST01 of the set that it answers.
    pub set: String,
    /// ST02 of the set that it answers.
    pub control_number: String,
    /// What became of it; [`Verdict::Unknown`] where AK5 is missing.
    pub verdict: Verdict,
    /// The code of AK501; empty where AK5 is missing.
    pub status: Words,
    /// AK502 to AK506.
    pub errors: Vec<Words>,
    /// AK3 loops.
    pub segments: Vec<SegmentNote>,
}

/// What became of a functional group (AK1 to AK9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupOutcome {
    /// GS01 of the group that it answers.
    pub functional_id: String,
    /// GS06 of the group that it answers.
    pub control_number: String,
    /// What became of it. Where AK9 is missing: what its sets say, or [`Verdict::Unknown`].
    pub verdict: Verdict,
    /// The code of AK901; empty where AK9 is missing.
    pub status: Words,
    /// AK902: sets that the trailer of the group stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<u32>,
    /// AK903: sets received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u32>,
    /// AK904: sets accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u32>,
    /// AK905 to AK909.
    pub errors: Vec<Words>,
    /// The sets that it speaks of; many partners list none, or only those with errors.
    pub sets: Vec<SetOutcome>,
}

impl GroupOutcome {
    /// What became of one set that we sent in this group, listed or not.
    ///
    /// A set that is not listed shares the group's fate; in a group that is partially accepted, or accepted with
    /// errors, it is accepted if the sets that are listed account for that, and unknown otherwise. Control
    /// numbers are compared as numbers where both are: partners drop leading zeros.
    #[must_use]
    pub fn verdict_of(&self, set: &str, control_number: &str) -> Verdict {
        let listed = self.sets.iter().find(|outcome| {
            outcome.set == set && same_number(&outcome.control_number, control_number)
        });
        if let Some(outcome) = listed.filter(|outcome| outcome.verdict != Verdict::Unknown) {
            return outcome.verdict;
        }
        let explained = self.sets.iter().any(|outcome| match self.verdict {
            Verdict::PartiallyAccepted => outcome.verdict == Verdict::Rejected,
            _ => outcome.verdict == Verdict::AcceptedWithErrors,
        });
        match self.verdict {
            Verdict::PartiallyAccepted | Verdict::AcceptedWithErrors
                if explained && listed.is_none() =>
            {
                Verdict::Accepted
            }
            Verdict::PartiallyAccepted => Verdict::Unknown,
            verdict => verdict,
        }
    }
}

/// What became of an interchange (TA1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InterchangeOutcome {
    /// ISA13 of the interchange that it answers.
    pub control_number: String,
    /// ISA09 of it.
    pub date: String,
    /// ISA10 of it.
    pub time: String,
    /// What became of it.
    pub verdict: Verdict,
    /// TA104.
    pub status: Words,
    /// TA105.
    pub note: Words,
}

/// Whether two control numbers are the same, leading zeros aside: partners drop them.
#[must_use]
pub fn same_number(a: &str, b: &str) -> bool {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|byte| byte.is_ascii_digit());
    a == b || (digits(a) && digits(b) && a.trim_start_matches('0') == b.trim_start_matches('0'))
}
