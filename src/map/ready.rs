//! Slots made ready for reading: for each element of a plain segment one entry that has everything at hand, so that
//! most values are a look at eight bytes and two copies of a fixed length.
//!
//! Whatever is out of the ordinary is not read here but by its slot.

use super::form::{Form, is_day};
use super::plan::{Block, ElementSet, GroupKind, Range, Scalar, Slot};
use super::shape::{Field, FieldId, Kind, Shapes};
use super::stamp::{Stamp, WIDE};

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Its slot tells.
    BySlot,
    /// A range begins.
    Range,
    /// Nothing.
    Pass,
    Text,
    /// A word of this table.
    Code(u16),
    Decimal,
    /// So many places after the point that is not there.
    Implied(u8),
    Integer,
    Date,
    Time,
}

/// One element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    /// What comes before the value: `,"name":"`.
    pub key: [u8; WIDE],
    /// Length of the key, less than [`WIDE`].
    pub named: u8,
    pub how: How,
    /// Shorter values are out of the ordinary.
    pub min: u16,
    pub field: FieldId,
    /// Whether it may have to be moved, so that where it begins is noted.
    pub marked: bool,
}

impl Cell {
    fn of(slot: &Slot, fields: &[Field], marked: bool) -> Self {
        let cell = Self { key: [0; WIDE], named: 0, how: How::BySlot, min: 0, field: 0, marked };
        match slot {
            Slot::Fixed(..) | Slot::Elsewhere => Self { how: How::Pass, ..cell },
            Slot::Range(_) => Self { how: How::Range, ..cell },
            Slot::Value(Scalar { field, form }) => {
                let (how, min) = match *form {
                    Form::Text { min } => (How::Text, min),
                    Form::Code { table, min } => (How::Code(table), min),
                    Form::Decimal { min } if min <= 1 => (How::Decimal, min),
                    Form::Implied { places: places @ 1.., min } => (How::Implied(places), min),
                    Form::Integer { min } => (How::Integer, min),
                    Form::Date { six: false } => (How::Date, 8),
                    Form::Time => (How::Time, 4),
                    _ => return cell,
                };
                let item = Stamp::item();
                let stamp = fields.get(usize::from(*field)).map_or(&item, |f| &f.json);
                match (stamp.wide(), u8::try_from(stamp.len())) {
                    (Some(key), Ok(named)) if usize::from(named) < WIDE => {
                        Self { key: *key, named, how, min, field: *field, marked }
                    }
                    _ => cell,
                }
            }
            _ => cell,
        }
    }
}

/// Makes a block's elements ready. `first` are fields that others write right after its constants; `None` where others
/// write at any place.
pub(super) fn prepare(block: &mut Block, first: Option<&[FieldId]>, shapes: &Shapes) {
    let marked = !first.is_some_and(|first| is_ordered(block, first));
    let fields = &shapes.get(block.shape).fields;
    for group in &mut block.groups {
        match &mut group.kind {
            GroupKind::Elements(set) => prepare_set(set, fields, marked, shapes),
            // Items of a list have no order to keep.
            GroupKind::Texts { set, .. } => prepare_set(set, &[], false, shapes),
            GroupKind::Object { .. } => {}
        }
    }
    for place in &mut block.places {
        place.alone = match place.groups.as_slice() {
            &[group] => block.groups[usize::from(group)].selector.is_none(),
            _ => false,
        };
    }
}

fn prepare_set(set: &mut ElementSet, fields: &[Field], marked: bool, shapes: &Shapes) {
    set.ready = set.slots.iter().map(|slot| Cell::of(slot, fields, marked)).collect();
    for slot in &mut set.slots {
        if let Slot::Range(range) = slot {
            let inner = match fields.get(usize::from(range.field)).map(|field| field.kind) {
                Some(Kind::Object(inner)) => shapes.get(inner).fields.as_slice(),
                _ => &[],
            };
            let marked = !range.step.iter().flat_map(fields_of).is_sorted();
            range.ready = range.step.iter().map(|slot| Cell::of(slot, inner, marked)).collect();
        }
    }
}

/// The fields that a slot writes, in their order.
fn fields_of(slot: &Slot) -> Vec<FieldId> {
    match slot {
        Slot::Value(Scalar { field, .. }) | Slot::Range(Range { field, .. }) => vec![*field],
        Slot::Composite(parts) => parts.iter().flat_map(fields_of).collect(),
        Slot::Unread | Slot::Fixed(..) | Slot::Elsewhere | Slot::InRange | Slot::Count(_) => {
            Vec::new()
        }
    }
}

/// Whether the order in which reading comes upon the fields of a block is that of its shape, so that none of them has
/// to be moved and nobody has to note where they begin.
fn is_ordered(block: &Block, first: &[FieldId]) -> bool {
    let of_group = |group: &u16| match &block.groups[usize::from(*group)].kind {
        GroupKind::Elements(set) => set.slots.iter().flat_map(fields_of).collect(),
        GroupKind::Object { field, .. } | GroupKind::Texts { field, .. } => vec![*field],
    };
    let constants = block.constants.iter().map(|constant| constant.0).chain(first.iter().copied());
    let own: Vec<FieldId> = match block.places.as_slice() {
        [] => (0..block.groups.len().min(1)).flat_map(|_| of_group(&0)).collect(),
        places => places.iter().flat_map(|place| &place.groups).flat_map(of_group).collect(),
    };
    constants.chain(own).chain(block.rest).is_sorted()
}

/// Eight bytes as digits: the bytes, and the highest bit of each of the first `length` that is none.
#[inline]
fn digits(wide: &[u8; WIDE], length: usize) -> Option<(u64, u64)> {
    let (head, _) = wide.split_first_chunk::<8>()?;
    if !(1..=8).contains(&length) {
        return None;
    }
    let bytes = u64::from_le_bytes(*head);
    let values = bytes ^ 0x3030_3030_3030_3030;
    let others = ((values & !HIGHEST) + 0x7676_7676_7676_7676) | values;
    Some((bytes, others & HIGHEST & (u64::MAX >> (64 - 8 * length))))
}

const HIGHEST: u64 = 0x8080_8080_8080_8080;

/// Whether these are up to eight digits that begin with no zero.
#[inline]
pub(super) fn is_whole(wide: &[u8; WIDE], length: usize) -> bool {
    digits(wide, length).is_some_and(|(_, others)| others == 0) && matches!(wide[0], b'1'..=b'9')
}

/// Whether these are up to eight digits that begin with no zero, perhaps with a point between them.
#[inline]
pub(super) fn is_decimal(wide: &[u8; WIDE], length: usize) -> bool {
    let Some((bytes, others)) = digits(wide, length) else { return false };
    if !matches!(wide[0], b'1'..=b'9') {
        return false;
    }
    if others == 0 {
        return true;
    }
    let shift = others.trailing_zeros() & 0x38;
    let last = usize::from(wide[(length - 1) & 7]);
    others.is_power_of_two()
        && (bytes >> shift) & 0xFF == u64::from(b'.')
        && last != usize::from(b'.')
}

/// The text of eight digits that are a day.
#[inline]
pub(super) fn day(wide: &[u8; WIDE]) -> Option<[u8; 10]> {
    let (&[a, b, c, d, e, f, g, h], _) = wide.split_first_chunk::<8>()?;
    let all = digits(wide, 8).is_some_and(|(_, others)| others == 0);
    if !all {
        return None;
    }
    let two = |tens: u8, ones: u8| (tens & 15) * 10 + (ones & 15);
    let (month, day) = (two(e, f), two(g, h));
    // Any month has 28 days.
    let usual = (1..=12).contains(&month) && (1..=28).contains(&day);
    (usual || is_day(&[a, b, c, d, e, f, g, h])).then_some([a, b, c, d, b'-', e, f, b'-', g, h])
}

/// The text of four digits that are a time of day.
#[inline]
pub(super) fn time(wide: &[u8; WIDE]) -> Option<[u8; 5]> {
    let &[a, b, c, d, ..] = wide;
    let all = digits(wide, 4).is_some_and(|(_, others)| others == 0);
    let two = |tens: u8, ones: u8| (tens & 15) * 10 + (ones & 15);
    (all && two(a, b) < 24 && two(c, d) < 60).then_some([a, b, b':', c, d])
}

#[cfg(test)]
mod tests {
    use super::super::form::{Decoded, decode};
    use super::*;

    /// What is taken for usual is what the long way finds, and would be written as it was sent.
    #[test]
    fn short_ways_agree_with_the_long_one() {
        let values = "0 1 7 10 010 12.5 .5 5. 1.2.3 -3 +3 1E2 12345678 1234567. 123456.8 9 99 00 \
                      12/5 1:2 20260229 20240229 20260431 20260430 20261301 20260100 20261231 \
                      2026 2359 2400 1260 0000 235A 1é 2026123A";
        for value in values.split_whitespace().map(str::as_bytes) {
            let mut wide = [b'9'; WIDE];
            wide[..value.len()].copy_from_slice(value);
            let length = value.len();
            let long = |form| decode(form, value, &[], &mut String::new());
            if is_decimal(&wide, length) {
                assert_eq!(long(Form::Decimal { min: 1 }), (Decoded::Same(length), true));
            }
            if is_whole(&wide, length) {
                assert!(matches!(long(Form::Integer { min: 1 }), (Decoded::Integer(_), true)));
            }
            if length == 8 {
                let is_day = matches!(long(Form::Date { six: false }), (Decoded::Short(..), true));
                assert_eq!(day(&wide).is_some(), is_day, "{value:?}");
            }
            if length == 4 {
                let is_time = matches!(long(Form::Time), (Decoded::Short(..), true));
                assert_eq!(time(&wide).is_some(), is_time, "{value:?}");
            }
        }
        let usual = |text: &[u8; 8]| {
            let mut wide = [b' '; WIDE];
            wide[..8].copy_from_slice(text);
            (is_decimal(&wide, 4), is_decimal(&wide, 8), is_whole(&wide, 8))
        };
        assert_eq!(usual(b"12.50000"), (true, true, false));
        assert_eq!(usual(b"12345678"), (true, true, true));
        assert_eq!(usual(b"123.5.78"), (false, false, false));
    }
}
