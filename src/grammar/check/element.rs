//! Checks the elements of one segment: presence, relations, values.

use super::plan::{ELEMENTS_MAX, ElementPlan, Kind, Plan, Plans, bit};
use super::report::{Reporter, Spot};
use super::value;
use crate::findings::Code;
use crate::x12::{Delimiters, Segment};

/// Everything that the check of a segment looks at.
pub(super) struct ElementCheck<'a> {
    pub plans: &'a Plans,
    pub delimiters: Delimiters,
}

impl ElementPlan {
    /// Whether blanks are a value: of binary data, and of text of one length (ISA02), which they fill.
    fn may_be_blank(&self) -> bool {
        self.kind == Kind::Binary || (self.kind == Kind::Text && self.min == self.max)
    }
}

/// Whether there are nothing but blanks.
#[inline]
fn is_blank(value: &[u8]) -> bool {
    value.first() == Some(&b' ') && value.iter().all(|&b| b == b' ')
}

impl ElementCheck<'_> {
    /// Checks a segment against the plan of its definition.
    #[inline]
    pub fn segment(&self, plan: &Plan, segment: Segment<'_>, reporter: &mut Reporter<'_, '_>) {
        let count = segment.len();
        let mut present = 0u128;
        let unusual = !segment.is_plain();
        for (at, value) in segment.elements().enumerate().take(ELEMENTS_MAX) {
            if value.is_empty() {
                continue;
            }
            let element = plan.elements.get(at);
            if is_blank(value) && element.is_none_or(|e| !e.may_be_blank()) {
                // Blanks alone say nothing; of what must be there it is told that it is missing.
                if plan.mandatory & (2 << at) == 0 {
                    reporter.value(Code::Padding, Spot::element(at + 1), value);
                }
                continue;
            }
            present |= 2 << at;
            let Some(element) = element else { continue };
            if unusual || matches!(element.kind, Kind::Composite(_)) {
                self.parts(element, value, Spot::element(at + 1), reporter);
            } else {
                self.value(element, value, Spot::element(at + 1), reporter);
            }
        }
        if present & plan.mandatory != plan.mandatory
            || present & !plan.known != 0
            || present == 0
            || count > ELEMENTS_MAX
        {
            Self::presence(plan, present, Spot::default(), reporter);
        }
        for (at, note) in plan.notes.iter().enumerate() {
            // Of a segment without data that is all there is to say.
            if !note.holds(present) && present != 0 {
                reporter.note(at, present, Spot::default());
            }
        }
        if count > 0 && present != 0 && segment.element(count).is_empty() && count <= ELEMENTS_MAX {
            reporter.trailing(present);
        }
    }

    #[cold]
    fn presence(plan: &Plan, present: u128, spot: Spot, reporter: &mut Reporter<'_, '_>) {
        if present == 0 && spot.element == 0 && plan.mandatory == 0 {
            reporter.empty();
        }
        for (at, _) in plan.elements.iter().enumerate() {
            let position = u16::try_from(at + 1).unwrap_or(u16::MAX);
            if plan.mandatory & !present & bit(position) != 0 {
                reporter.missing(spot.below(at + 1));
            }
        }
        let extra = present & !plan.known;
        if extra != 0 {
            reporter.too_many(spot, plan.elements.len(), extra.trailing_zeros());
        }
    }

    /// An element that may be made of repetitions and components.
    fn parts(
        &self,
        element: &ElementPlan,
        value: &[u8],
        spot: Spot,
        reporter: &mut Reporter<'_, '_>,
    ) {
        if element.kind == Kind::Binary {
            return;
        }
        let repetition = self.delimiters.repetition.filter(|r| {
            element.repeat > 1 || matches!(element.kind, Kind::Composite(_)) || value.contains(r)
        });
        let Some(separator) = repetition.filter(|r| value.contains(r)) else {
            self.one(element, value, spot, reporter);
            return;
        };
        let count = value.split(|&b| b == separator).count();
        if count > element.repeat as usize {
            let code =
                if element.repeat == 1 { Code::InvalidCharacter } else { Code::TooManyRepetitions };
            reporter.value(code, spot, value);
        }
        for (at, one) in value.split(|&b| b == separator).enumerate().take(1000) {
            if !one.is_empty() {
                self.one(
                    element,
                    one,
                    Spot { repetition: u16::try_from(at + 1).unwrap_or(u16::MAX), ..spot },
                    reporter,
                );
            }
        }
    }

    fn one(
        &self,
        element: &ElementPlan,
        value: &[u8],
        spot: Spot,
        reporter: &mut Reporter<'_, '_>,
    ) {
        let Kind::Composite(id) = element.kind else {
            if value.contains(&self.delimiters.component) {
                reporter.value(Code::InvalidCharacter, spot, value);
                return;
            }
            self.value(element, value, spot, reporter);
            Self::characters(value, spot, reporter);
            return;
        };
        let Some(plan) = self.plans.composites.get(usize::from(id)) else { return };
        let mut present = 0u128;
        for (at, component) in
            value.split(|&b| b == self.delimiters.component).enumerate().take(ELEMENTS_MAX)
        {
            if component.is_empty() || is_blank(component) {
                continue;
            }
            present |= 2 << at;
            let Some(part) = plan.elements.get(at) else { continue };
            let spot = spot.below(at + 1);
            self.value(part, component, spot, reporter);
            Self::characters(component, spot, reporter);
        }
        if present & plan.mandatory != plan.mandatory || present & !plan.known != 0 {
            Self::presence(plan, present, spot, reporter);
        }
        for (at, note) in plan.notes.iter().enumerate() {
            if !note.holds(present) {
                reporter.note(at, present, spot);
            }
        }
    }

    /// Control characters are faults; bytes outside ASCII are worth knowing.
    fn characters(value: &[u8], spot: Spot, reporter: &mut Reporter<'_, '_>) {
        if value.iter().any(u8::is_ascii_control) {
            reporter.value(Code::InvalidCharacter, spot, value);
        } else if !value.is_ascii() {
            reporter.value(Code::NotAscii, spot, value);
        }
    }

    /// One value without parts.
    #[inline]
    fn value(
        &self,
        element: &ElementPlan,
        value: &[u8],
        spot: Spot,
        reporter: &mut Reporter<'_, '_>,
    ) {
        let length = value.len();
        let fits = length >= element.min as usize && length <= element.max as usize;
        match element.kind {
            Kind::Text => {
                if !fits || value[length - 1] == b' ' {
                    Self::text(element, value, spot, reporter);
                }
            }
            Kind::Code(list) => {
                if !fits || value[length - 1] == b' ' {
                    Self::text(element, value, spot, reporter);
                }
                if fits && !self.plans.codes.contains(list, value) {
                    self.unknown_code(list, value, spot, reporter);
                }
            }
            Kind::Decimal | Kind::Integer => {
                match value::number_digits(value, element.kind == Kind::Decimal) {
                    Some(digits) if digits >= element.min && digits <= element.max => {}
                    digits => Self::number(element, digits, value, spot, reporter),
                }
            }
            Kind::Date if !fits || !value::is_date(value) => {
                reporter.value(Code::InvalidDate, spot, value);
            }
            Kind::Time if !fits || !value::is_time(value) => {
                reporter.value(Code::InvalidTime, spot, value);
            }
            Kind::Date | Kind::Time | Kind::Binary | Kind::Composite(_) => {}
        }
    }

    /// A code may be padded to the length that its element had in another release.
    #[cold]
    fn unknown_code(&self, list: u16, value: &[u8], spot: Spot, reporter: &mut Reporter<'_, '_>) {
        if !self.plans.codes.contains(list, value.trim_ascii_end()) {
            reporter.value(Code::InvalidCode, spot, value);
        }
    }

    #[cold]
    fn text(element: &ElementPlan, value: &[u8], spot: Spot, reporter: &mut Reporter<'_, '_>) {
        let trimmed = value.trim_ascii_end();
        // Lengths are of characters; only UTF-8 has fewer of them than bytes.
        let characters = |bytes: &[u8]| {
            std::str::from_utf8(bytes).map_or(bytes.len(), |text| text.chars().count())
        };
        let (with, without) = (characters(value), characters(trimmed));
        if without > element.max as usize {
            reporter.value(Code::ElementTooLong, spot, value);
        } else if with < element.min as usize {
            reporter.value(Code::ElementTooShort, spot, value);
        } else if without < with && with > element.min as usize {
            reporter.value(Code::Padding, spot, value);
        }
    }

    #[cold]
    fn number(
        element: &ElementPlan,
        digits: Option<u32>,
        value: &[u8],
        spot: Spot,
        reporter: &mut Reporter<'_, '_>,
    ) {
        let trimmed = value.trim_ascii();
        let padded = digits.is_none()
            && value::number_digits(trimmed, element.kind == Kind::Decimal).is_some();
        let code = match digits {
            // What the number is can be told all the same.
            None if padded => Code::InvalidCharacter,
            None => Code::InvalidNumber,
            Some(digits) if digits < element.min => Code::ElementTooShort,
            Some(_) => Code::ElementTooLong,
        };
        reporter.value(code, spot, value);
    }
}
