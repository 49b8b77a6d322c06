//! Whether all is well with a segment, told fast: the usual path of the check.
//!
//! It says yes only where [`super::element`] would find nothing, and no whenever it is not sure: of numbers with a
//! sign or more than eight characters, for instance, and of the 29th of February. What is wrong, and whether anything
//! is, that module tells. Nothing here branches on what a value holds, as long as all is well: how long it is and which
//! code it is are nothing that a processor could foresee.

use super::codes::{Buckets, CODE_MAX, CodeSets, pack};
use super::narrow::Narrowing;
use super::plan::{ElementPlan, Kind, NotePlan, Plan, Plans, bit};
use super::word;
use crate::grammar::digits::{self, Scheme};
use crate::grammar::{DataType, NoteKind};

/// Positions of which a mask has bits; a segment with more elements is never quick.
const POSITIONS_MAX: usize = 32;

/// What a segment must look like. The highest bit of a mask is position 1.
#[derive(Debug, Clone, Default)]
pub(super) struct QuickPlan {
    elements: Box<[QuickElement]>,
    mandatory: u32,
    /// Positions that are there if and only if the next one is.
    pairs: u32,
    /// All other syntax notes.
    relations: Box<[Relations]>,
    /// Codes that are asked for besides the grammar, packed; 0 = none.
    few: Vec<[u32; FEW]>,
}

/// How many codes [`QuickKind::Few`] are at the most.
const FEW: usize = 8;

/// What an element must look like.
#[derive(Debug, Clone, Copy)]
struct QuickElement {
    kind: QuickKind,
    min: u32,
    /// How much longer than `min` it may be.
    more: u32,
    /// Of a kind [`QuickKind::Code`], and of no other.
    codes: Option<Buckets>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QuickKind {
    Text,
    Code,
    Integer,
    Decimal,
    Date,
    Time,
    /// One of a few codes, by their index.
    Few(u8),
    /// A number with a check digit.
    Digits(Scheme),
    /// Whatever stands there.
    Any,
    /// Nothing to be said here.
    Unsure,
}

/// How many relations are looked at together.
const LANES: usize = 4;

/// Relations between elements, so laid out that the compiler looks at all of them at once. Where one of `when` is
/// there, all of `every` must be and nothing else of `settled`, and one of `any`.
#[derive(Debug, Clone, Copy)]
struct Relations {
    when: [u32; LANES],
    every: [u32; LANES],
    settled: [u32; LANES],
    any: [u32; LANES],
}

impl QuickPlan {
    pub fn new(plan: &Plan, plans: &Plans) -> Self {
        if plan.elements.len() > POSITIONS_MAX {
            return Self::default();
        }
        let elements = plan.elements.iter().map(|element| QuickElement::new(element, plans));
        let (pairs, others): (Vec<&NotePlan>, Vec<_>) =
            plan.notes.iter().partition(|note| is_pair(note));
        Self {
            elements: elements.collect(),
            mandatory: mask(plan.mandatory),
            pairs: pairs.into_iter().fold(0, |pairs, note| pairs | mask(note.first)),
            relations: Relations::of_notes(&others).into(),
            few: Vec::new(),
        }
    }

    /// Gives back what room it has too much.
    pub fn shrink(&mut self) {
        self.few.shrink_to_fit();
    }

    /// Asks more of the element at a position; whether that is seen to from now on. Where it is not, the plan is as it
    /// was.
    pub fn ask(&mut self, position: u16, asked: Narrowing<'_>, codes: &CodeSets) -> bool {
        let at = usize::from(position).wrapping_sub(1);
        let Some(element) = self.elements.get_mut(at) else { return false };
        if element.kind == QuickKind::Any || element.kind == QuickKind::Unsure {
            return false;
        }
        match asked {
            Narrowing::Required => {
                self.mandatory |= mask(bit(position));
                true
            }
            Narrowing::Forbidden => {
                (element.kind, element.codes) = (QuickKind::Unsure, None);
                true
            }
            Narrowing::Length { min, max, numeric } => element.ask_length(min, max, numeric),
            Narrowing::Type(data_type) => element.ask_type(data_type),
            Narrowing::Codes(asked) => {
                let Some(few) = element.few(asked, codes) else { return false };
                let Ok(index) = u8::try_from(self.few.len()) else { return false };
                (element.kind, element.codes) = (QuickKind::Few(index), None);
                self.few.push(few);
                true
            }
            Narrowing::Digits(scheme) => {
                let is_text = element.kind == QuickKind::Text;
                if is_text {
                    element.kind = QuickKind::Digits(scheme);
                }
                is_text
            }
        }
    }

    /// Whether there is certainly nothing to say about a segment of plain characters, given the bytes that it lies
    /// in and where its tag and its elements end. Not inlined, so that all it needs has a register.
    #[inline(never)]
    pub fn is_clean(&self, bytes: &[u8], ends: &[u32], codes: &CodeSets) -> bool {
        let Some((&tag_end, ends)) = ends.split_first() else { return false };
        let mut elements = self.elements.iter();
        let mut present = 0u32;
        let mut value = Value { bytes, start: tag_end.wrapping_add(1), length: 0 };
        for &end in ends {
            let Some(element) = elements.next() else { return false };
            value.length = end.wrapping_sub(value.start);
            present <<= 1;
            if value.length != 0 {
                present |= 1;
                if !element.is_clean(value, codes, &self.few) {
                    return false;
                }
            }
            value.start = end.wrapping_add(1);
        }
        // There are 1 to 32 elements; of none, the last length says no.
        let present = present << (POSITIONS_MAX.wrapping_sub(ends.len()) & (POSITIONS_MAX - 1));
        let wrong = (self.mandatory & !present) | ((present ^ (present << 1)) & self.pairs);
        // The last element may not be empty, so that there is one at least.
        wrong == 0
            && value.length != 0
            && (self.relations.is_empty() || self.relations.iter().all(|r| r.hold(present)))
    }
}

/// An element in the bytes of its segment.
#[derive(Clone, Copy)]
struct Value<'a> {
    bytes: &'a [u8],
    start: u32,
    length: u32,
}

impl Value<'_> {
    /// Its last byte.
    #[inline]
    fn last(self) -> u8 {
        let last = self.start.wrapping_add(self.length).wrapping_sub(1);
        self.bytes.get(last as usize).copied().unwrap_or_default()
    }

    /// Whether it is a number of this kind.
    #[inline(never)]
    fn has_check_digit(self, scheme: Scheme) -> bool {
        let start = self.start as usize;
        let digits = self.bytes.get(start..start + self.length as usize);
        digits.is_some_and(|digits| digits::is_right(scheme, digits))
    }
}

impl QuickElement {
    fn new(element: &ElementPlan, plans: &Plans) -> Self {
        let mut quick = Self { kind: QuickKind::Unsure, min: 0, more: 0, codes: None };
        // What is not text is looked at as a word. A number of no digits is none.
        let (min, max) = match element.kind {
            Kind::Text | Kind::Binary | Kind::Composite(_) => (element.min, element.max),
            Kind::Code(_) => (element.min.max(1), element.max.min(CODE_MAX)),
            _ => (element.min.max(1), element.max.min(8)),
        };
        let Some(more) = max.checked_sub(min) else { return quick };
        (quick.min, quick.more) = (min, more);
        quick.kind = match element.kind {
            Kind::Text => QuickKind::Text,
            Kind::Code(list) => match plans.codes.buckets(list) {
                Some(buckets) => {
                    quick.codes = Some(buckets);
                    QuickKind::Code
                }
                None => QuickKind::Text,
            },
            Kind::Integer => QuickKind::Integer,
            Kind::Decimal => QuickKind::Decimal,
            Kind::Date => QuickKind::Date,
            Kind::Time => QuickKind::Time,
            Kind::Binary => QuickKind::Any,
            Kind::Composite(id) => return Self::of_composite(id, plans).unwrap_or(quick),
        };
        quick
    }

    /// A composite that may be sent as its first component alone is like that one.
    fn of_composite(id: u16, plans: &Plans) -> Option<Self> {
        let plan = plans.composites.get(usize::from(id))?;
        let first = plan.elements.first()?;
        let alone = bit(1);
        let suffices = plan.mandatory & !alone == 0 && plan.notes.iter().all(|n| n.holds(alone));
        (suffices && !matches!(first.kind, Kind::Composite(_))).then(|| Self::new(first, plans))
    }

    /// Takes lengths only that lie in this range.
    fn ask_length(&mut self, min: u32, max: u32, numeric: bool) -> bool {
        // The lengths of numbers are told in digits, all others in characters.
        let same = match self.kind {
            QuickKind::Decimal => numeric,
            QuickKind::Integer => true,
            _ => !numeric,
        };
        let (least, most) = (self.min.max(min), self.min.saturating_add(self.more).min(max));
        let fits = same && least <= most;
        if fits {
            (self.min, self.more) = (least, most - least);
        }
        fits
    }

    /// Takes values only that are of this type, too.
    fn ask_type(&mut self, asked: DataType) -> bool {
        // What is not text is looked at as a word.
        let (min, most) = (self.min.max(1), self.min.saturating_add(self.more).min(8));
        let (kind, most) = match (self.kind, asked) {
            (_, DataType::An | DataType::Id | DataType::B)
            | (QuickKind::Integer, DataType::N(_) | DataType::R)
            | (QuickKind::Decimal, DataType::R)
            | (QuickKind::Date, DataType::Dt)
            | (QuickKind::Time, DataType::Tm) => return true,
            (QuickKind::Text | QuickKind::Decimal, DataType::N(_)) => (QuickKind::Integer, most),
            // The point is a character of the text, and no digit.
            (QuickKind::Text, DataType::R) => (QuickKind::Decimal, most.saturating_sub(1)),
            (QuickKind::Text, DataType::Dt) => (QuickKind::Date, most),
            (QuickKind::Text, DataType::Tm) => (QuickKind::Time, most),
            _ => return false,
        };
        let Some(more) = most.checked_sub(min) else { return false };
        (self.kind, self.min, self.more) = (kind, min, more);
        true
    }

    /// Those of some codes that it takes already; nothing where they are too many, or its values are none.
    fn few(&self, asked: &[Box<[u8]>], codes: &CodeSets) -> Option<[u32; FEW]> {
        let mut few = [0; FEW];
        let mut slots = few.iter_mut();
        if !matches!(self.kind, QuickKind::Text | QuickKind::Code) || asked.len() > FEW {
            return None;
        }
        for code in asked {
            let packed = pack(code);
            let fits = u32::try_from(code.len()).is_ok_and(|length| self.fits(length));
            let is_listed = self.codes.is_none_or(|buckets| codes.holds(buckets, packed));
            if packed != 0 && fits && is_listed && code.last() != Some(&b' ') {
                *slots.next()? = packed;
            }
        }
        Some(few)
    }

    /// Whether there is certainly nothing to say about a value that is not empty.
    #[inline]
    fn is_clean(&self, value: Value<'_>, codes: &CodeSets, few: &[[u32; FEW]]) -> bool {
        let length = value.length;
        if let Some(buckets) = self.codes {
            let Some(word) = word::at(value.bytes, value.start) else { return false };
            return self.fits(length) && codes.holds(buckets, word::short(word, length));
        }
        if self.kind == QuickKind::Text {
            return self.fits(length) && value.last() != b' ';
        }
        let Some(word) = word::at(value.bytes, value.start) else { return false };
        match self.kind {
            QuickKind::Integer => self.fits(length) && word::is_digits(word, length),
            QuickKind::Decimal => length <= 8 && self.fits(word::decimal_digits(word, length)),
            QuickKind::Date => self.fits(length) && word::is_date(word, length),
            QuickKind::Time => self.fits(length) && word::is_time(word, length),
            QuickKind::Few(index) => {
                let packed = word::short(word, length);
                let some = few.get(usize::from(index));
                length <= CODE_MAX && self.fits(length) && some.is_some_and(|f| is_one(f, packed))
            }
            QuickKind::Digits(scheme) => self.fits(length) && value.has_check_digit(scheme),
            QuickKind::Any => true,
            QuickKind::Text | QuickKind::Code | QuickKind::Unsure => false,
        }
    }

    #[inline]
    fn fits(&self, length: u32) -> bool {
        length.wrapping_sub(self.min) <= self.more
    }
}

/// Whether it is one of them; a loop would end where the processor does not expect it.
#[inline]
#[allow(clippy::needless_bitwise_bool, reason = "all at once")]
fn is_one(few: &[u32; FEW], packed: u32) -> bool {
    few.iter().fold(false, |found, &one| found | (one == packed))
}

impl Relations {
    /// None at all: they always hold.
    const NONE: Self =
        Self { when: [0; LANES], every: [0; LANES], settled: [0; LANES], any: [u32::MAX; LANES] };

    fn of_notes(notes: &[&NotePlan]) -> Vec<Self> {
        let mut all: Vec<(u32, u32, u32, u32)> = Vec::new();
        for note in notes {
            let (first, positions) = (mask(note.first), mask(note.all));
            match note.kind {
                NoteKind::Paired => all.push((positions, positions, u32::MAX, 0)),
                NoteKind::Required => all.push((u32::MAX, 0, positions, 0)),
                NoteKind::Conditional => all.push((first, positions, u32::MAX, 0)),
                NoteKind::ListConditional => all.push((first, 0, positions & !first, 0)),
                NoteKind::Exclusive => {
                    let each = (0..u32::BITS).map(|bit| 1 << bit & positions);
                    let each = each.filter(|&bit| bit != 0);
                    all.extend(each.map(|bit| (bit, 0, u32::MAX, positions & !bit)));
                }
            }
        }
        let together = all.chunks(LANES).map(|some| {
            let mut relations = Self::NONE;
            for (lane, &(when, every, any, never)) in some.iter().enumerate() {
                relations.when[lane] = when;
                relations.every[lane] = every;
                relations.settled[lane] = every | never;
                relations.any[lane] = any;
            }
            relations
        });
        together.collect()
    }

    /// Whether they hold for the positions that are there, of which there is one at least.
    #[inline]
    fn hold(&self, present: u32) -> bool {
        let all_ones_where = |condition: bool| u32::from(condition).wrapping_neg();
        let mut broken = [0u32; LANES];
        for (lane, broken) in broken.iter_mut().enumerate() {
            let wrong = (present ^ self.every[lane]) & self.settled[lane];
            let none = all_ones_where(self.any[lane] & present == 0);
            let concerned = all_ones_where(self.when[lane] & present != 0);
            *broken = concerned & (wrong | none);
        }
        broken.iter().fold(0, |all, one| all | one) == 0
    }
}

/// Whether a note pairs two positions that follow each other.
fn is_pair(note: &NotePlan) -> bool {
    note.kind == NoteKind::Paired && note.all == note.first | note.first << 1
}

/// A mask of the plans, whose bit n is position n, as one of ours.
fn mask(positions: u128) -> u32 {
    u32::try_from(positions >> 1 & u128::from(u32::MAX)).unwrap_or_default().reverse_bits()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Findings;
    use crate::grammar::check::element::ElementCheck;
    use crate::grammar::check::report::Reporter;
    use crate::grammar::{Checker, Library, SegmentDef};
    use crate::x12::{Event, Limits, Reader};

    const HEADER: &str = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401\
        *000000007*0*P*>~GS*PO*SENDER*RECEIVER*20261121*0915*7*X*004010~ST*850*0001~";

    /// What each way says of a segment: whether it is clean, and whether nothing was found.
    fn judge(checker: &Checker, number: usize, segment: &str) -> (bool, bool) {
        let text = format!("{HEADER}{segment}~SE*3*0001~GE*1*7~IEA*1*000000007~");
        let mut reader = Reader::of_slice(text.as_bytes(), Limits::default());
        while let Some(event) = reader.next().unwrap() {
            let Event::Set(set) = event else { continue };
            let segment = set.segments.get(1).unwrap();
            let (bytes, ends) = segment.bytes_and_ends();
            let clean = segment.is_plain()
                && checker.quick[number].is_clean(bytes, ends, &checker.plans.codes);
            let mut findings = Findings::default();
            let mut reporter = Reporter {
                findings: &mut findings,
                words: checker.words(),
                definition: &checker.grammar.segments[number],
                segment,
                position: 2,
                loop_path: "",
            };
            let delimiters = set.segments.delimiters();
            ElementCheck { plans: &checker.plans, delimiters }.segment(
                &checker.plans.segments[number],
                segment,
                &mut reporter,
            );
            return (clean, findings.is_empty());
        }
        panic!("the set is read");
    }

    /// A value for the element at a position: often one that fits it.
    fn value(
        checker: &Checker,
        segment: &SegmentDef,
        at: usize,
        choice: (u8, u16, &str),
    ) -> String {
        use crate::grammar::{DataType, ElementShape};
        let (kind, number, text) = choice;
        if kind < 5 {
            return String::new();
        }
        if kind < 8 {
            return text.to_owned();
        }
        let mut shape = segment.elements.get(at).map(|e| e.shape);
        if let Some(ElementShape::Composite(id)) = shape {
            shape = checker.grammar.composite(id).components.first().map(|c| c.shape);
        }
        let Some(ElementShape::Simple { data_type, min, codes, .. }) = shape else {
            return String::new();
        };
        let date = format!("2024{:02}{:02}", 1 + number % 12, 1 + number / 12 % 30);
        match (data_type, codes) {
            (_, Some(id)) => {
                let mut codes: Vec<_> = checker.grammar.code_list(id).codes.keys().collect();
                codes.sort();
                String::from_utf8_lossy(codes[usize::from(number) % codes.len()]).into_owned()
            }
            (DataType::Dt, _) => date,
            (DataType::Tm, _) => format!("{:02}{:02}", number % 25, number / 25 % 61),
            (DataType::R, _) => format!("{}.{}", number / 10, number % 10),
            (DataType::N(_), _) => format!("{number}"),
            _ => "A".repeat(min.max(1) as usize),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn says_what_the_close_look_says(
            number in 0usize..1000,
            choices in proptest::collection::vec(
                (0u8..30, any::<u16>(), "[ -)+-=?-}]{0,12}|-?[0-9.]{1,10}|[0-9]{8}"), 0..30),
            whole: bool,
        ) {
            static CHECKERS: std::sync::LazyLock<Vec<Checker>> = std::sync::LazyLock::new(|| {
                Library::embedded().sets().map(|g| Checker::new(g.clone())).collect()
            });
            let checker = &CHECKERS[number % CHECKERS.len()];
            let number = number / CHECKERS.len() % checker.grammar.segments.len();
            let definition = &checker.grammar.segments[number];
            let count = if whole { definition.elements.len() } else { choices.len() };
            let values: Vec<String> = choices
                .iter()
                .take(count)
                .enumerate()
                .map(|(at, (kind, n, text))| value(checker, definition, at, (*kind, *n, text)))
                .collect();
            let segment = format!("{}*{}", definition.tag, values.join("*"));
            // What ends an interchange or a set, or holds data of its own, is not read as a segment here.
            prop_assume!(!["ST", "SE", "GE", "IEA", "GS", "ISA", "BIN", "BDS"].contains(&&*definition.tag.to_string()));
            let (clean, nothing) = judge(checker, number, &segment);
            prop_assert!(nothing || !clean, "{}", segment);
            // Of what is usual it is sure. A blank at the end may be there to reach the least length.
            let unusual = |v: &String| {
                v.contains('-') || v.ends_with(' ') || v.ends_with("0229") || v.len() > 4
            };
            // A period whose form another element tells (1250 and 1251) is left to the close look.
            let told = definition.elements.iter().any(|e| e.id == "1250");
            prop_assert!(clean || !nothing || told || values.iter().any(unusual), "{}", segment);
        }
    }
}
