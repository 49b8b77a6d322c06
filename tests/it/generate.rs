//! Makes transaction sets from a grammar: whatever it allows, with values of the right types and lengths.
//!
//! All choices come from a string of bytes, so that proptest can make a failing set smaller: where the bytes end,
//! the least choice is taken.

use crossdock::grammar::{
    DataType, ElementDef, ElementShape, Grammar, NodeId, NodeKind, NoteKind, Requirement,
    SyntaxNote,
};
use crossdock::x12::Delimiters;
use std::fmt::Write as _;

/// A source of choices.
pub struct Choices<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// Below `n`, 0 where the choices have ended.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = usize::from(self.byte()) << 8 | usize::from(self.byte());
        wide % n.max(1)
    }

    /// True in so many of 256 cases; false where the choices have ended.
    pub fn chance(&mut self, of_256: u8) -> bool {
        let byte = self.byte();
        byte != 0 && byte <= of_256
    }

    fn ended(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

/// A segment: its tag and elements, each of repetitions of components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub tag: String,
    pub elements: Vec<Vec<String>>,
    pub node: NodeId,
}

/// Makes a set. Loops that form a tree get numbers by `tree`.
pub struct Maker<'g, 'c, 'a> {
    pub grammar: &'g Grammar,
    pub choices: &'c mut Choices<'a>,
    /// Segments at most, or nearly so.
    pub segments_max: usize,
    /// Codes that levels of a nested loop may have.
    pub level_codes: &'g [&'g str],
    pub delimiters: Delimiters,
    levels: usize,
    out: Vec<Made>,
}

impl<'g, 'c, 'a> Maker<'g, 'c, 'a> {
    pub fn new(grammar: &'g Grammar, choices: &'c mut Choices<'a>, delimiters: Delimiters) -> Self {
        let level_codes = &["S", "O", "T", "P", "I", "Q", "K"];
        Self {
            grammar,
            choices,
            segments_max: 60,
            level_codes,
            delimiters,
            levels: 0,
            out: Vec::new(),
        }
    }

    /// The segments from ST to SE, with right counts in SE01 and, where there is one, CTT01.
    pub fn set(mut self) -> Vec<Made> {
        self.instance(NodeId::ROOT);
        let lines = match self.grammar.set.as_str() {
            "850" => "PO1",
            "860" => "POC",
            "810" => "IT1",
            "846" => "LIN",
            _ => "HL",
        };
        let count = self.out.iter().filter(|s| s.tag == lines).count();
        let total = self.out.len();
        for segment in &mut self.out {
            match segment.tag.as_str() {
                "CTT" => segment.elements[0] = vec![count.to_string()],
                "ST" => {
                    segment.elements[0] = vec![self.grammar.set.clone()];
                    segment.elements[1] = vec!["0001".to_owned()];
                }
                "SE" => segment.elements = vec![vec![total.to_string()], vec!["0001".to_owned()]],
                _ => {}
            }
        }
        self.out
    }

    fn instance(&mut self, node: NodeId) {
        for &child in &self.grammar.node(node).children {
            let place = self.grammar.node(child);
            let opening = place.kind == NodeKind::Segment
                && node != NodeId::ROOT
                && self.grammar.node(node).children.first() == Some(&child);
            let least = usize::from(place.requirement == Requirement::Mandatory);
            let mut times = least;
            let most = place.max_use.map_or(4, |m| m.min(4) as usize);
            // Fewer and fewer, the deeper and the longer it gets.
            let chance = if self.out.len() > self.segments_max { 0 } else { 56 };
            while !opening && times < most && self.choices.chance(chance) {
                times += 1;
            }
            for _ in 0..times {
                match place.kind {
                    NodeKind::Segment => self.segment(child),
                    NodeKind::Loop => self.instance(child),
                }
            }
        }
    }

    fn segment(&mut self, node: NodeId) {
        let definition = self.grammar.segment_at(node);
        let mut elements = self.values(&definition.elements, &definition.notes);
        let parent = self.grammar.node(self.grammar.node(node).parent);
        if let Some(nested) = parent.nested
            && parent.children.first() == Some(&node)
        {
            let at = |p: u16| usize::from(p) - 1;
            let length = [nested.id, nested.parent, nested.level, nested.child]
                .into_iter()
                .max()
                .unwrap_or(0);
            elements.resize(usize::from(length), Vec::new());
            self.levels += 1;
            let odd = self.choices.chance(6);
            let id = if odd { format!("X{}", self.levels) } else { self.levels.to_string() };
            elements[at(nested.id)] = vec![id];
            let parent = self.choices.below(self.levels);
            let ids: Vec<String> = self
                .out
                .iter()
                .filter(|s| s.node == node)
                .map(|s| s.elements[at(nested.id)][0].clone())
                .collect();
            // Mostly the last but one or two.
            let parent = if parent.is_multiple_of(3) {
                ids.len().checked_sub(1)
            } else {
                parent.checked_sub(1)
            };
            elements[at(nested.parent)] =
                parent.and_then(|p| ids.get(p).cloned()).into_iter().collect();
            let code = self.level_codes[self.choices.below(self.level_codes.len())];
            elements[at(nested.level)] = vec![code.to_owned()];
            elements[at(nested.child)] = match self.choices.below(8) {
                1 => vec!["1".to_owned()],
                2 => vec!["0".to_owned()],
                _ => Vec::new(),
            };
        }
        if elements.iter().all(Vec::is_empty)
            && let Some(first) = definition.elements.first()
        {
            elements = vec![self.element(first)];
        }
        self.out.push(Made { tag: definition.tag.to_string(), elements, node });
    }

    /// Values for elements or components, so that requirements and notes are met.
    fn values(&mut self, definitions: &[ElementDef], notes: &[SyntaxNote]) -> Vec<Vec<String>> {
        let mandatory = |d: &ElementDef| d.requirement == Requirement::Mandatory;
        let mut present: Vec<bool> = definitions
            .iter()
            .map(|d| mandatory(d) || (!self.choices.ended() && self.choices.chance(90)))
            .collect();
        for _ in 0..8 {
            for note in notes {
                let positions: Vec<usize> = note
                    .positions
                    .iter()
                    .map(|p| usize::from(*p) - 1)
                    .filter(|p| *p < present.len())
                    .collect();
                let any = positions.iter().any(|p| present[*p]);
                let first = positions.first().is_some_and(|p| present[*p]);
                match note.kind {
                    NoteKind::Paired if any => positions.iter().for_each(|p| present[*p] = true),
                    NoteKind::Required if !any => present[positions[0]] = true,
                    NoteKind::Exclusive => {
                        let keep = positions
                            .iter()
                            .find(|p| mandatory(&definitions[**p]))
                            .or(positions.iter().find(|p| present[**p]))
                            .copied();
                        for p in positions.iter().filter(|p| Some(**p) != keep) {
                            present[*p] = false;
                        }
                    }
                    NoteKind::Conditional if first => {
                        for &p in &positions {
                            present[p] = true;
                        }
                    }
                    NoteKind::ListConditional
                        if first && !positions[1..].iter().any(|p| present[*p]) =>
                    {
                        present[positions[1]] = true;
                    }
                    _ => {}
                }
            }
        }
        definitions
            .iter()
            .zip(present)
            .map(|(d, there)| if there { self.element(d) } else { Vec::new() })
            .collect()
    }

    fn element(&mut self, definition: &ElementDef) -> Vec<String> {
        match definition.shape {
            ElementShape::Simple { data_type, min, max, codes } => {
                let repeat =
                    definition.repeat.is_none_or(|r| r > 1) && self.delimiters.repetition.is_some();
                let times = if repeat && self.choices.chance(60) { 2 } else { 1 };
                let separator = self.delimiters.repetition.map_or(' ', char::from);
                let values: Vec<String> = (0..times)
                    .map(|_| self.value(data_type, min as usize, max as usize, codes))
                    .collect();
                vec![values.join(&separator.to_string())]
            }
            ElementShape::Composite(id) => {
                let composite = self.grammar.composite(id);
                let parts = self.values(&composite.components, &composite.notes);
                let mut parts: Vec<String> = parts.into_iter().map(|p| p.concat()).collect();
                while parts.last().is_some_and(String::is_empty) {
                    parts.pop();
                }
                let separator = char::from(self.delimiters.component).to_string();
                let text = parts.join(&separator);
                if text.is_empty() { Vec::new() } else { vec![text] }
            }
        }
    }

    fn value(
        &mut self,
        data_type: DataType,
        min: usize,
        max: usize,
        codes: Option<crossdock::grammar::CodeListId>,
    ) -> String {
        let length = min + self.choices.below((max - min + 1).min(12));
        match data_type {
            DataType::Id if codes.is_some() => {
                let list = self.grammar.code_list(codes.unwrap());
                let mut all: Vec<&[u8]> = list
                    .codes
                    .keys()
                    .map(AsRef::as_ref)
                    .filter(|c| (min..=max).contains(&c.len()))
                    .collect();
                all.sort_unstable();
                let code = all.get(self.choices.below(all.len())).copied().unwrap_or(b"ZZ");
                String::from_utf8_lossy(code).into_owned()
            }
            DataType::An => self.text(length.max(1), b"ABC xyz019-/.#>\\^<&'\"()"),
            DataType::Id | DataType::B => self.text(length.max(1), b"ABCXYZ0189"),
            DataType::R => self.decimal(length.max(1)),
            DataType::N(_) => {
                let sign = if self.choices.chance(20) { "-" } else { "" };
                let digits = self.digits(length.clamp(1, 9));
                if digits == "0" { digits } else { format!("{sign}{digits}") }
            }
            DataType::Dt => {
                let (year, month, day) = (
                    1950 + self.choices.below(99),
                    1 + self.choices.below(12),
                    1 + self.choices.below(28),
                );
                if max >= 8 {
                    format!("{year:04}{month:02}{day:02}")
                } else {
                    format!("{:02}{month:02}{day:02}", year % 100)
                }
            }
            DataType::Tm => {
                let mut time =
                    format!("{:02}{:02}", self.choices.below(24), self.choices.below(60));
                let more = self.choices.below(4);
                if more > 0 && max >= 6 {
                    write!(time, "{:02}", self.choices.below(60)).expect("text takes it");
                }
                if more > 1 && max >= 8 {
                    write!(time, "{}", self.choices.below(10)).expect("text takes it");
                }
                if more > 2 && max >= 8 {
                    write!(time, "{}", self.choices.below(10)).expect("text takes it");
                }
                time
            }
        }
    }

    fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        let delimiters = self.delimiters;
        let mut text: String = (0..length)
            .map(|_| alphabet[self.choices.below(alphabet.len())])
            .map(|b| if delimiters.contains(b) { 'D' } else { char::from(b) })
            .collect();
        // Blanks at the end would be padding.
        if text.ends_with(' ') {
            text.pop();
            text.push('E');
        }
        text
    }

    fn digits(&mut self, length: usize) -> String {
        let mut digits: String =
            (0..length).map(|_| char::from(b"0123456789"[self.choices.below(10)])).collect();
        if digits.len() > 1 && digits.starts_with('0') {
            digits.replace_range(..1, "7");
        }
        digits
    }

    fn decimal(&mut self, length: usize) -> String {
        let digits = self.digits(length.min(15));
        let sign = if self.choices.chance(20) { "-" } else { "" };
        match self.choices.below(5) {
            1 if digits.len() > 1 => {
                let at = 1 + self.choices.below(digits.len() - 1);
                format!("{sign}{}.{}", &digits[..at], &digits[at..])
            }
            2 => format!("{sign}.{digits}"),
            3 if digits.len() > 1 => format!("{sign}0.{}", &digits[1..]),
            4 if digits.len() > 1 => format!("{sign}{}.0", &digits[1..].replace('0', "1")),
            _ => format!("{sign}{digits}"),
        }
    }
}

/// The segments as bytes.
pub fn bytes(set: &[Made], delimiters: Delimiters) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in set {
        out.extend_from_slice(segment.tag.as_bytes());
        let last = segment.elements.iter().rposition(|e| !e.is_empty()).map_or(0, |i| i + 1);
        for element in &segment.elements[..last] {
            out.push(delimiters.element);
            out.extend_from_slice(element.concat().as_bytes());
        }
        out.push(delimiters.segment);
    }
    out
}

/// A set in an envelope.
pub fn interchange(set: &[u8], group: &str, release: &str, delimiters: Delimiters) -> Vec<u8> {
    let e = char::from(delimiters.element);
    let t = char::from(delimiters.segment);
    let repetition = delimiters.repetition.map_or('U', char::from);
    let version = if release == "005010" { "00501" } else { "00401" };
    let isa = format!(
        "ISA{e}00{e}          {e}00{e}          {e}ZZ{e}SENDER         {e}ZZ{e}RECEIVER       {e}260101{e}1200{e}{repetition}{e}{version}{e}000000001{e}0{e}T{e}{}{t}",
        char::from(delimiters.component)
    );
    let gs = format!("GS{e}{group}{e}SENDER{e}RECEIVER{e}20260101{e}1200{e}1{e}X{e}{release}{t}");
    let end = format!("GE{e}1{e}1{t}IEA{e}1{e}000000001{t}");
    [isa.as_bytes(), gs.as_bytes(), set, end.as_bytes()].concat()
}
