//! Places of which `unmapped` knows something: kept segments stand where they stood, kept elements fill in.

use super::super::laid::At;
use super::super::plan::{Block, GroupKind, Slot};
use super::super::shape::FieldId;
use super::super::steps::{Marked, STEPS_MAX};
use super::{Given, Pass, What};

/// What one position of a run is written from.
#[derive(Clone, Copy)]
struct Claim {
    group: u16,
    entry: At,
}

impl<'w> Pass<'w> {
    /// A block that keeps something in `unmapped`: the places that this speaks of are written apart.
    pub(super) fn with_rest(&mut self, what: &What<'w, '_>, marked: &mut Marked, rest: At) {
        let (block, steps) = (what.block, &what.block.steps);
        let mut noted = self.noted(block, rest);
        let long = steps.all.len() > STEPS_MAX;
        if long {
            noted.fill(true);
            *marked = Marked::none();
        }
        let base = self.base;
        for (local, _) in noted.iter().enumerate().filter(|(_, noted)| **noted) {
            let Some(range) = steps.of_place(local) else {
                // What is written apart: the trailer, and the levels, which have a step.
                let nested = self.map.levels.as_ref().filter(|l| usize::from(l.local) == local);
                if let (true, Some(nested), Some(levels)) = (long, nested, what.levels) {
                    self.write_levels(nested, levels);
                }
                continue;
            };
            self.steps(what, marked, range.start);
            marked.clear(range);
            let given = if local == 0 { what.given } else { &[] };
            // The values of this block's steps stay what they are.
            self.base = base + steps.all.len();
            self.place_with_rest(block, local, what.object, given, rest);
            self.base = base;
        }
        self.steps(what, marked, steps.all.len());
    }

    /// For each place of a block, whether `unmapped` has something for it.
    fn noted(&self, block: &Block, rest: At) -> Vec<bool> {
        let mut noted = vec![false; block.places.len()];
        let mut note = |key: &str| {
            if let Some(local) = block.places.iter().position(|place| place.key == key) {
                noted[local] = true;
            }
        };
        let fields = self.map.rest;
        self.entries(rest, fields.absent).for_each(|at| note(self.values.text(at)));
        let lists = [
            (fields.segments.0, fields.segment[0]),
            (fields.elements.0, fields.partial[0]),
            (fields.as_sent.0, fields.partial[0]),
            (fields.order.0, fields.permutation[0]),
            (fields.unplaced.0, fields.stray[0]),
        ];
        for (list, name) in lists {
            for at in self.entries(rest, list) {
                note(self.values.get(at, name).map_or("", |key| self.values.text(key)));
            }
        }
        noted
    }

    /// A place of a block that keeps something in `unmapped`, at this place or another.
    fn place_with_rest(
        &mut self,
        block: &'w Block,
        local: usize,
        object: At,
        given: Given<'_>,
        rest: At,
    ) {
        let place = &block.places[local];
        let fields = self.map.rest;
        let absent = self.entries(rest, fields.absent).any(|e| self.values.text(e) == place.key);
        let claims = self.claims(block, local, object, absent);
        let claims = self.ordered(claims, &place.key, rest);
        let kept = self.of_place(rest, fields.segments.0, fields.segment[0], &place.key);
        let elements = self.of_place(rest, fields.elements.0, fields.partial[0], &place.key);
        let sent = self.of_place(rest, fields.as_sent.0, fields.partial[0], &place.key);
        let strays = self.of_place(rest, fields.unplaced.0, fields.stray[0], &place.key);
        let mut claims = claims.into_iter();
        let mut kept = kept.into_iter().peekable();
        let mut nth = 0;
        loop {
            nth += 1;
            let here = kept.next_if(|&e| self.nth(e, fields.segment[1]) <= nth);
            if let Some(entry) = here {
                self.kept_segment(entry);
            } else if let Some(claim) = claims.next() {
                let find = |list: &[At]| {
                    let entry = list.iter().find(|&&e| self.nth(e, fields.partial[1]) == nth)?;
                    self.values.get(*entry, fields.partial[2])
                };
                let (extra, hint) = (find(&elements), find(&sent));
                self.write_claim(block, local, claim, object, given, extra, hint);
            } else if let Some(entry) = kept.next() {
                self.kept_segment(entry);
            } else {
                break;
            }
            for &stray in &strays {
                if self.nth(stray, fields.stray[1]) == nth {
                    let tag =
                        self.values.get(stray, fields.stray[2]).map_or("", |e| self.values.text(e));
                    let elements = self.values.get(stray, fields.stray[3]);
                    self.kept(tag, elements);
                }
            }
        }
    }

    /// What the fields write at a place, in the usual order.
    fn claims(&self, block: &Block, local: usize, object: At, absent: bool) -> Vec<Claim> {
        let mut claims = Vec::new();
        for &index in &block.places[local].groups {
            let mut claim = |entry| claims.push(Claim { group: index, entry });
            match &block.groups[usize::from(index)].kind {
                GroupKind::Elements(set) => {
                    if index == 0 || self.present(&set.slots, object) {
                        claim(object);
                    }
                }
                GroupKind::Object { field, list, always, .. } => {
                    let value = self.values.get(object, *field);
                    if *list {
                        value.into_iter().flat_map(|v| self.values.within(v)).for_each(claim);
                    } else if let Some(value) =
                        value.or_else(|| (*always && !absent).then_some(At::NOTHING))
                    {
                        claim(value);
                    }
                }
                GroupKind::Texts { field, .. } => {
                    let list = self.values.get(object, *field);
                    list.into_iter().flat_map(|v| self.values.within(v)).for_each(claim);
                }
            }
        }
        claims
    }

    /// The claims in the order that was noted, where it still is one of so many.
    fn ordered(&self, claims: Vec<Claim>, key: &str, rest: At) -> Vec<Claim> {
        let fields = self.map.rest;
        let Some(&note) = self.of_place(rest, fields.order.0, fields.permutation[0], key).first()
        else {
            return claims;
        };
        let order: Vec<At> = self.entries(note, fields.permutation[1]).collect();
        let mut placed: Vec<Option<Claim>> = vec![None; claims.len()];
        if order.len() != claims.len() {
            return claims;
        }
        for (claim, position) in claims.iter().zip(order) {
            let position = self.values.ordinal(position).unwrap_or(0) as usize;
            match placed.get_mut(position.wrapping_sub(1)) {
                Some(slot) if slot.is_none() => *slot = Some(*claim),
                _ => return claims,
            }
        }
        placed.into_iter().flatten().collect()
    }

    #[allow(clippy::too_many_arguments)]
    fn write_claim(
        &mut self,
        block: &'w Block,
        local: usize,
        claim: Claim,
        object: At,
        given: Given<'_>,
        extra: Option<At>,
        hint: Option<At>,
    ) {
        let node = block.places[local].node;
        let group = &block.groups[usize::from(claim.group)];
        match &group.kind {
            GroupKind::Elements(set) => self.segment(node, set, object, given, extra, hint),
            GroupKind::Object { block, .. } => self.object(*block, node, claim.entry, extra, hint),
            GroupKind::Texts { field, set } => {
                self.text_segment(node, set, *field, claim.entry, extra, hint);
            }
        }
    }

    /// A whole segment or loop.
    fn kept_segment(&mut self, entry: At) {
        let fields = self.map.rest;
        let key = self.values.get(entry, fields.segment[0]).map_or("", |e| self.values.text(e));
        let tag = key.split('#').next().unwrap_or(key);
        self.kept(tag, self.values.get(entry, fields.segment[2]));
        for inner in self.entries(entry, fields.segment[3]) {
            let tag = self.values.get(inner, fields.inside[0]).map_or("", |e| self.values.text(e));
            self.kept(tag, self.values.get(inner, fields.inside[1]));
        }
    }

    /// The entries of a list field.
    fn entries(&self, object: At, field: FieldId) -> impl Iterator<Item = At> + use<'w> {
        let values = self.values;
        values.get(object, field).into_iter().flat_map(|list| values.within(list))
    }

    /// The entries of a list of `unmapped` that are about a place.
    fn of_place(&self, rest: At, list: FieldId, name: FieldId, key: &str) -> Vec<At> {
        let about = |e: &At| self.values.get(*e, name).is_some_and(|n| self.values.text(n) == key);
        self.entries(rest, list).filter(about).collect()
    }

    fn nth(&self, entry: At, field: FieldId) -> u32 {
        let nth = self.values.get(entry, field);
        nth.and_then(|nth| self.values.ordinal(nth)).unwrap_or(1)
    }

    /// How many whole segments or loops `unmapped` keeps for a place.
    pub(super) fn kept_at(&self, block: &Block, object: At, local: usize) -> usize {
        let fields = self.map.rest;
        let Some(rest) = block.rest.and_then(|field| self.values.get(object, field)) else {
            return 0;
        };
        let Some(place) = block.places.get(local) else { return 0 };
        self.of_place(rest, fields.segments.0, fields.segment[0], &place.key).len()
    }

    /// Whether any field that these slots hold is there.
    fn present(&self, slots: &[Slot], object: At) -> bool {
        slots.iter().any(|slot| match slot {
            Slot::Value(scalar) => self.values.get(object, scalar.field).is_some(),
            Slot::Range(range) => self.values.get(object, range.field).is_some(),
            Slot::Composite(parts) => self.present(parts, object),
            Slot::Unread | Slot::Fixed(..) | Slot::Elsewhere | Slot::InRange | Slot::Count(_) => {
                false
            }
        })
    }
}
