//! What is shown of a set, as data.

use std::sync::Arc;

use serde::Serialize;

use super::ShowOptions;
use crate::grammar::{
    Area, CodeList, CompositeDef, DataType, Dictionary, ElementDef, ElementShape, Grammar, Node,
    NodeId, NodeKind, NoteKind, Requirement, SegmentDef, SyntaxNote,
};

/// A set: its places in order, and its segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetView {
    /// `850`
    pub set: String,
    /// Title.
    pub title: String,
    /// GS01.
    pub group: String,
    /// `004010`
    pub release: String,
    /// File and line where it is written.
    pub rule: String,
    /// Loops and segments in the order of the set.
    pub places: Vec<PlaceView>,
    /// Each segment once, in order of first use; empty where no elements were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentView>,
}

/// A segment or a loop of the set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceView {
    /// Number of the segment in the set as listed, from 1; none for a loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Path of loops, ending in its own name: `PO1/SLN/PID`.
    pub path: String,
    /// Tag, or name of the loop.
    pub name: String,
    /// Whether it is a loop.
    #[serde(rename = "loop")]
    pub is_loop: bool,
    /// In how many loops it stands.
    pub depth: u32,
    /// `heading`, `detail` or `summary`.
    pub area: &'static str,
    /// Title at this place.
    pub title: String,
    /// `M` or `O`.
    pub requirement: &'static str,
    /// Max use of a segment, repeat of a loop; none = no limit.
    pub max_use: Option<u32>,
    /// Whether its instances form a tree.
    pub nested: bool,
    /// File and line where it is written.
    pub rule: String,
}

/// A segment with its elements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentView {
    /// `PO1`
    pub segment: String,
    /// Title.
    pub title: String,
    /// Its elements in order.
    pub elements: Vec<ElementView>,
    /// Its syntax notes in words.
    pub notes: Vec<String>,
    /// File and line where it is written.
    pub rule: String,
}

/// An element or a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElementView {
    /// `PO102`, or `MEA04-1` for a component.
    pub reference: String,
    /// Element number or composite.
    pub element: String,
    /// Title.
    pub title: String,
    /// `M`, `O` or `X`.
    pub requirement: &'static str,
    /// `AN`, `N2`, `composite`, …
    #[serde(rename = "type")]
    pub data_type: String,
    /// Least and greatest length; none for a composite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<(u32, u32)>,
    /// How often it may be repeated, none = no limit.
    pub repeat: Option<u32>,
    /// Its code list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codes: Option<CodesView>,
    /// Components of a composite.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ElementView>,
    /// Notes among the components, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A code list, as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodesView {
    /// Its name.
    pub list: String,
    /// How many codes it has.
    pub count: usize,
    /// Its codes in order; empty where they were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<CodeView>,
}

/// A code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeView {
    /// As it is sent.
    pub code: String,
    /// What it means, where the grammar says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
}

/// What the elements of a segment refer to by number.
#[derive(Clone, Copy)]
struct Parts<'a> {
    composites: &'a [CompositeDef],
    codes: &'a [Arc<CodeList>],
}

/// Gathers what is shown of a dictionary: its segments, or the one that is asked for.
#[must_use]
pub fn dictionary_view(dictionary: &Dictionary, options: &ShowOptions) -> Vec<SegmentView> {
    let parts = Parts { composites: &dictionary.composites, codes: &dictionary.codes };
    let shown = dictionary.segments.iter().filter(|s| wanted(s, options));
    shown.map(|s| segment(parts, s, options)).collect()
}

/// Gathers the places of an element or composite (`98`, `C040`) in the segments of a dictionary, components among
/// them.
#[must_use]
pub fn element_view(dictionary: &Dictionary, id: &str, options: &ShowOptions) -> Vec<ElementView> {
    let mut found = Vec::new();
    for segment in dictionary_view(dictionary, options) {
        for mut element in segment.elements {
            let components = if element.element == id {
                Vec::new()
            } else {
                std::mem::take(&mut element.components)
            };
            let all = std::iter::once(element).chain(components);
            found.extend(all.filter(|e| e.element == id));
        }
    }
    found
}

fn wanted(segment: &SegmentDef, options: &ShowOptions) -> bool {
    options.segment.as_ref().is_none_or(|s| s.eq_ignore_ascii_case(&segment.tag.to_string()))
}

/// Gathers what is shown of a set. With [`ShowOptions::segment`], only the places of that segment and only it.
#[must_use]
pub fn view(grammar: &Grammar, options: &ShowOptions) -> SetView {
    let mut number = 0;
    let mut places = Vec::new();
    for index in 1..grammar.nodes.len() {
        let node = &grammar.nodes[index];
        if node.kind == NodeKind::Segment {
            number += 1;
        }
        let shown = options.segment.is_none() || node.kind == NodeKind::Segment;
        if shown && wanted(&grammar.segments[usize::from(node.segment.0)], options) {
            places.push(place(grammar, node, number));
        }
    }
    let elements = options.elements || options.segment.is_some();
    let segments = grammar.segments.iter().filter(|s| elements && wanted(s, options));
    let parts = Parts { composites: &grammar.composites, codes: &grammar.codes };
    SetView {
        set: grammar.set.clone(),
        title: grammar.title.clone(),
        group: grammar.group.clone(),
        release: grammar.release.clone(),
        rule: format!("{}:{}", grammar.rule.file, grammar.rule.line),
        places,
        segments: segments.map(|s| segment(parts, s, options)).collect(),
    }
}

fn place(grammar: &Grammar, node: &Node, number: u32) -> PlaceView {
    let mut depth = 0;
    let mut parent = node.parent;
    while parent != NodeId::ROOT {
        depth += 1;
        parent = grammar.node(parent).parent;
    }
    PlaceView {
        number: (node.kind == NodeKind::Segment).then_some(number),
        path: node.path.clone(),
        name: node.key.split('#').next().unwrap_or_default().to_owned(),
        is_loop: node.kind == NodeKind::Loop,
        depth,
        area: match node.area {
            Area::Heading => "heading",
            Area::Detail => "detail",
            Area::Summary => "summary",
        },
        title: node.title.clone(),
        requirement: requirement(node.requirement),
        max_use: node.max_use,
        nested: node.nested.is_some(),
        rule: format!("{}:{}", node.rule.file, node.rule.line),
    }
}

fn segment(parts: Parts<'_>, segment: &SegmentDef, options: &ShowOptions) -> SegmentView {
    let tag = segment.tag.to_string();
    let elements = segment
        .elements
        .iter()
        .map(|e| element(parts, e, format!("{tag}{:02}", e.position), options))
        .collect();
    SegmentView {
        elements,
        notes: segment.notes.iter().map(|n| note_in_words(&tag, n)).collect(),
        title: segment.title.clone(),
        rule: format!("{}:{}", segment.rule.file, segment.rule.line),
        segment: tag,
    }
}

fn element(
    parts: Parts<'_>,
    element: &ElementDef,
    reference: String,
    options: &ShowOptions,
) -> ElementView {
    let mut shown = ElementView {
        reference,
        element: element.id.clone(),
        title: element.title.clone(),
        requirement: requirement(element.requirement),
        data_type: String::new(),
        length: None,
        repeat: element.repeat,
        codes: None,
        components: Vec::new(),
        notes: Vec::new(),
    };
    match element.shape {
        ElementShape::Simple { data_type, min, max, codes: list } => {
            shown.data_type = type_name(data_type);
            shown.length = Some((min, max));
            shown.codes = list.map(|id| codes(&parts.codes[usize::from(id.0)], options));
        }
        ElementShape::Composite(id) => {
            let composite = &parts.composites[usize::from(id.0)];
            "composite".clone_into(&mut shown.data_type);
            let name = format!("{}-", shown.reference);
            for component in &composite.components {
                let reference = format!("{name}{}", component.position);
                shown.components.push(self::element(parts, component, reference, options));
            }
            shown.notes = composite.notes.iter().map(|n| note_in_words(&name, n)).collect();
        }
    }
    shown
}

fn codes(list: &CodeList, options: &ShowOptions) -> CodesView {
    let mut codes = Vec::new();
    if options.codes {
        codes.extend(list.codes.iter().map(|(code, meaning)| CodeView {
            code: String::from_utf8_lossy(code).into_owned(),
            meaning: meaning.clone(),
        }));
    }
    codes.sort_by(|a, b| a.code.cmp(&b.code));
    CodesView { list: list.id.clone(), count: list.codes.len(), codes }
}

fn requirement(requirement: Requirement) -> &'static str {
    match requirement {
        Requirement::Mandatory => "M",
        Requirement::Optional => "O",
        Requirement::Conditional => "X",
    }
}

/// The type of an element as it is printed: `AN`, `N2`.
#[must_use]
pub fn type_name(data_type: DataType) -> String {
    match data_type {
        DataType::An => "AN".to_owned(),
        DataType::Id => "ID".to_owned(),
        DataType::Dt => "DT".to_owned(),
        DataType::Tm => "TM".to_owned(),
        DataType::R => "R".to_owned(),
        DataType::N(decimals) => format!("N{decimals}"),
        DataType::B => "B".to_owned(),
    }
}

/// A syntax note of the segment `tag` in words: `If PO103 is there, PO102 must be there too.`
#[must_use]
pub fn note_in_words(tag: &str, note: &SyntaxNote) -> String {
    let names: Vec<String> = note
        .positions
        .iter()
        .map(|p| if tag.ends_with('-') { format!("{tag}{p}") } else { format!("{tag}{p:02}") })
        .collect();
    let (first, others) = names.split_first().map_or(("", &[][..]), |(f, o)| (f.as_str(), o));
    match note.kind {
        NoteKind::Paired => format!("{} stand together: all of them or none.", list(&names, "and")),
        NoteKind::Required => format!("At least one of {} must be there.", list(&names, "and")),
        NoteKind::Exclusive => format!("At most one of {} may be there.", list(&names, "and")),
        NoteKind::Conditional => {
            format!("If {first} is there, {} must be there too.", list(others, "and"))
        }
        NoteKind::ListConditional => {
            format!("If {first} is there, {} must be there too.", list(others, "or"))
        }
    }
}

/// `A`, `A and B`, `A, B and C`.
fn list(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}
