//! A set as written, with its segments looked up in a dictionary, becomes a [`Grammar`].

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::dictionary::{Dictionary, Faults, rule};
use super::parse::syntax::{At, Place, SetHead, SetSyntax};
use super::suggest;
use super::{
    Area, CodeListId, CompositeId, ElementDef, ElementShape, Grammar, Nested, Node, NodeId,
    NodeKind, Requirement, SegmentId,
};
use crate::x12::Tag;

/// Numbers of nodes are 16 bits wide, and two of them are taken: the root, and none.
const PLACES_MAX: usize = u16::MAX as usize - 2;

/// Builds the grammar of a set. What is wrong goes into `faults`; the grammar is of use only where none came.
pub(super) fn grammar(
    file: &Arc<str>,
    set: &SetSyntax,
    head: &SetHead,
    dictionary: &Dictionary,
    faults: &mut Faults,
) -> Option<Grammar> {
    let mut check = Check { file, set, dictionary, faults };
    if set.places.len() > PLACES_MAX {
        let message = format!("the set has more than {PLACES_MAX} places");
        check.faults.add(file, head.at, message, "leave out what nobody uses");
        return None;
    }
    check.frame(head);
    check.loops();
    check.neighbours();
    let mut used = Used::default();
    let mut nodes = vec![root(file, head, used.segment(Tag::new(b"ST")))];
    let mut keys = Keys::new();
    for place in &set.places {
        check.known(place);
        let tag = Tag::new(place.name.as_bytes());
        add_node(&mut nodes, file, place, used.segment(tag), &mut keys, dictionary);
    }
    let mut grammar = Grammar {
        set: head.set.clone(),
        title: head.title.clone(),
        group: head.group.clone(),
        release: head.release.name.clone(),
        nodes,
        segments: Vec::new(),
        composites: Vec::new(),
        codes: Vec::new(),
        rule: rule(file, head.at),
        known_tags: dictionary.known_tags.clone(),
        plans: OnceLock::new(),
    };
    used.fill(&mut grammar, dictionary)?;
    Some(grammar)
}

fn root(file: &Arc<str>, head: &SetHead, segment: SegmentId) -> Node {
    Node {
        kind: NodeKind::Loop,
        key: String::new(),
        path: String::new(),
        segment,
        parent: NodeId::ROOT,
        children: Vec::new(),
        requirement: Requirement::Mandatory,
        max_use: Some(1),
        area: Area::Heading,
        title: head.title.clone(),
        nested: None,
        rule: rule(file, head.at),
    }
}

/// How often a name has come in a loop.
type Keys<'a> = HashMap<(NodeId, &'a str), u32>;

/// Places come in the order of the file, so that place i is node i + 1 and parents come before children.
fn add_node<'a>(
    nodes: &mut Vec<Node>,
    file: &Arc<str>,
    place: &'a Place,
    segment: SegmentId,
    keys: &mut Keys<'a>,
    dictionary: &Dictionary,
) {
    let id = NodeId(u16::try_from(nodes.len()).unwrap_or(u16::MAX));
    let parent = place.parent.and_then(|p| u16::try_from(p + 1).ok()).map_or(NodeId::ROOT, NodeId);
    let count = keys.entry((parent, &place.name)).or_default();
    *count += 1;
    let key = if *count == 1 { place.name.clone() } else { format!("{}#{count}", place.name) };
    let outer = &nodes[parent.index()].path;
    let path = if outer.is_empty() { key.clone() } else { format!("{outer}/{key}") };
    let title = place.title.clone().unwrap_or_else(|| {
        let segment = dictionary.segment(Tag::new(place.name.as_bytes()));
        segment.map_or_else(String::new, |s| s.title.clone())
    });
    nodes[parent.index()].children.push(id);
    nodes.push(Node {
        kind: if place.is_loop { NodeKind::Loop } else { NodeKind::Segment },
        key,
        path,
        segment,
        parent,
        children: Vec::new(),
        requirement: place.requirement,
        max_use: place.max_use,
        area: place.area,
        title,
        nested: place.nested,
        rule: rule(file, place.at),
    });
}

/// What a set needs from the dictionary, renumbered in the order of first use.
#[derive(Debug, Default)]
struct Used {
    segments: Vec<Tag>,
    segment_ids: HashMap<Tag, SegmentId>,
    composite_ids: HashMap<CompositeId, CompositeId>,
    code_ids: HashMap<CodeListId, CodeListId>,
}

impl Used {
    fn segment(&mut self, tag: Tag) -> SegmentId {
        *self.segment_ids.entry(tag).or_insert_with(|| {
            self.segments.push(tag);
            SegmentId(u16::try_from(self.segments.len() - 1).unwrap_or(u16::MAX))
        })
    }

    /// `None` where the dictionary lacks one, which is reported elsewhere.
    fn fill(&mut self, grammar: &mut Grammar, dictionary: &Dictionary) -> Option<()> {
        for tag in &self.segments {
            grammar.segments.push(dictionary.segment(*tag)?.clone());
        }
        for index in 0..grammar.segments.len() {
            let mut elements = std::mem::take(&mut grammar.segments[index].elements);
            for element in &mut elements {
                self.renumber(element, grammar, dictionary)?;
            }
            grammar.segments[index].elements = elements;
        }
        Some(())
    }

    fn renumber(
        &mut self,
        element: &mut ElementDef,
        grammar: &mut Grammar,
        dictionary: &Dictionary,
    ) -> Option<()> {
        match &mut element.shape {
            ElementShape::Simple { codes, .. } => {
                let Some(old) = *codes else { return Some(()) };
                let list = dictionary.codes.get(usize::from(old.0))?;
                *codes = Some(*self.code_ids.entry(old).or_insert_with(|| {
                    grammar.codes.push(Arc::clone(list));
                    CodeListId(u16::try_from(grammar.codes.len() - 1).unwrap_or(u16::MAX))
                }));
            }
            ElementShape::Composite(id) => {
                if let Some(known) = self.composite_ids.get(id) {
                    *id = *known;
                    return Some(());
                }
                let mut composite = dictionary.composites.get(usize::from(id.0))?.clone();
                // Composites hold no composites, so that this goes one level down and no further.
                for component in &mut composite.components {
                    if matches!(component.shape, ElementShape::Simple { .. }) {
                        self.renumber(component, grammar, dictionary)?;
                    }
                }
                let new = CompositeId(u16::try_from(grammar.composites.len()).ok()?);
                grammar.composites.push(composite);
                self.composite_ids.insert(*id, new);
                *id = new;
            }
        }
        Some(())
    }
}

/// What must hold among the places of a set.
struct Check<'a> {
    file: &'a Arc<str>,
    set: &'a SetSyntax,
    dictionary: &'a Dictionary,
    faults: &'a mut Faults,
}

impl Check<'_> {
    fn fault(&mut self, at: At, message: String, mend: impl Into<String>) {
        self.faults.add(self.file, at, message, mend);
    }

    /// A set begins with ST and ends with SE, and has them nowhere else.
    fn frame(&mut self, head: &SetHead) {
        let set = self.set;
        let is = |place: &Place, tag: &str| {
            let once = place.requirement == Requirement::Mandatory && place.max_use == Some(1);
            place.broken || (place.name == tag && !place.is_loop && place.parent.is_none() && once)
        };
        let last = set.places.len().saturating_sub(1);
        match set.places.first() {
            None => {
                return self.fault(
                    head.at,
                    "the set has no places".to_owned(),
                    "add them: `ST M 1` …",
                );
            }
            Some(first) if !is(first, "ST") => {
                let message = "a set begins with ST, once".to_owned();
                self.fault(first.at, message, "write `ST M 1` as its first place");
            }
            Some(_) => {}
        }
        if !is(&set.places[last], "SE") {
            let message = "a set ends with SE, once".to_owned();
            self.fault(
                set.places[last].at,
                message,
                "write `SE M 1` as its last place, outside of any loop",
            );
        }
        for (i, place) in set.places.iter().enumerate() {
            let misplaced = (place.name == "ST" && i != 0) || (place.name == "SE" && i != last);
            if misplaced {
                let message = format!("{} in the middle of the set", place.name);
                self.fault(place.at, message, "ST is the first place and SE the last");
            }
        }
    }

    /// A loop opens with its segment, which is there once; the elements of `nested` must be there.
    fn loops(&mut self) {
        let set = self.set;
        for (i, place) in
            set.places.iter().enumerate().filter(|(_, p)| p.is_loop && !p.name.is_empty())
        {
            let name = &place.name;
            match set.places.get(i + 1).filter(|p| p.parent == Some(i)) {
                None => {
                    let message = format!("the loop {name} has nothing in it");
                    self.fault(place.at, message, format!("write `{name} M 1` below it"));
                }
                Some(first) if first.broken => {}
                Some(first) if first.is_loop || first.name != *name => {
                    let message = format!("the loop {name} does not open with {name}");
                    self.fault(first.at, message, format!("write `{name} M 1` as its first line"));
                }
                Some(first) => {
                    if first.requirement != Requirement::Mandatory || first.max_use != Some(1) {
                        let message = format!("{name} opens a loop and is there exactly once");
                        let mend = format!(
                            "write `{name} M 1`; how often the loop may come stands in its own line"
                        );
                        self.fault(first.at, message, mend);
                    }
                }
            }
            if let Some(nested) = place.nested {
                self.nested(place, nested);
            }
        }
    }

    fn nested(&mut self, place: &Place, nested: Nested) {
        let Some(segment) = self.dictionary.segment(Tag::new(place.name.as_bytes())) else {
            return;
        };
        let last = segment.elements.last().map_or(0, |e| e.position);
        for position in [nested.id, nested.parent, nested.level, nested.child] {
            if position > last {
                let message = format!("{} has no position {position:02}", place.name);
                self.fault(place.at, message, format!("its last is {last:02}"));
            }
        }
    }

    /// Of two places of the same segment side by side, the walk never reaches the second.
    fn neighbours(&mut self) {
        let set = self.set;
        // The last child seen of each loop; the last slot is that of the outermost level.
        let mut before: Vec<Option<usize>> = vec![None; set.places.len() + 1];
        for (i, place) in set.places.iter().enumerate() {
            let slot = place.parent.unwrap_or(set.places.len());
            let Some(other) = before[slot].replace(i).map(|b| &set.places[b]) else { continue };
            if other.name == place.name && !other.broken && !place.broken {
                let message = format!(
                    "{} stands right behind another {}: it can never be reached",
                    place.name, other.name
                );
                self.fault(place.at, message, format!("make them one (line {})", other.at.line));
            }
        }
    }

    fn known(&mut self, place: &Place) {
        // The opening segment of a loop says it for the loop.
        if place.is_loop || place.name.is_empty() || self.faults.is_full() {
            return;
        }
        if self.dictionary.segment(Tag::new(place.name.as_bytes())).is_none() {
            let known: Vec<String> =
                self.dictionary.segments.iter().map(|s| s.tag.to_string()).collect();
            let message =
                format!("release {} has no segment {}", self.dictionary.release, place.name);
            let otherwise = format!("add it: `segment {} \"title\"`", place.name);
            let mend = suggest::mend(&place.name, known.iter().map(String::as_str), &otherwise);
            self.fault(place.at, message, mend);
        }
    }
}
