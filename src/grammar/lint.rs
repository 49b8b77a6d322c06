//! What an author of grammars wants to know beyond what keeps them from being used.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::library::{Library, SourceFile};
use super::{
    Dictionary, ElementDef, ElementShape, Grammar, LineError, NoteKind, Requirement, RuleLine,
    SyntaxNote,
};

/// What is wrong with grammar files, and what is odd about them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Lint {
    /// Faults: with one of these the files cannot be used.
    pub errors: Vec<LineError>,
    /// Oddities: probably slips, but the files can be used. Only looked for where there are no errors.
    pub advice: Vec<LineError>,
}

/// Looks through grammar files. Later sources replace earlier ones of the same path, as in
/// [`Library::from_sources`]; put what is embedded first to lint a folder that overlays it.
#[must_use]
pub fn lint(sources: &[SourceFile]) -> Lint {
    let library = match Library::from_sources(sources) {
        Ok(library) => library,
        Err(error) => return Lint { errors: error.lines, advice: Vec::new() },
    };
    let mut advice = Vec::new();
    for dictionary in library.dictionaries() {
        requirements(dictionary, &mut advice);
        unused_codes(dictionary, &library, &mut advice);
    }
    advice.sort();
    advice.dedup();
    Lint { errors: Vec::new(), advice }
}

fn advise(advice: &mut Vec<LineError>, rule: &RuleLine, message: String, mend: &str) {
    let (file, line) = (Arc::clone(&rule.file), rule.line);
    advice.push(LineError { file, line, column: 1, message, mend: mend.to_owned() });
}

/// `X` says that a note can ask for the element; without such a note it is a slip, and the other way round.
fn requirements(dictionary: &Dictionary, advice: &mut Vec<LineError>) {
    let segments = dictionary.segments.iter().map(|s| (s.tag.to_string(), &s.elements, &s.notes));
    let composites = dictionary.composites.iter().map(|c| (c.id.clone(), &c.components, &c.notes));
    for (name, elements, notes) in segments.chain(composites) {
        for element in elements {
            requirement(&name, element, notes, advice);
        }
    }
}

fn requirement(
    name: &str,
    element: &ElementDef,
    notes: &[SyntaxNote],
    advice: &mut Vec<LineError>,
) {
    let position = element.position;
    let governed = notes.iter().any(|n| match n.kind {
        NoteKind::Paired | NoteKind::Required | NoteKind::Exclusive => {
            n.positions.contains(&position)
        }
        NoteKind::Conditional | NoteKind::ListConditional => {
            n.positions.iter().skip(1).any(|&p| p == position)
        }
    });
    match (element.requirement, governed) {
        (Requirement::Conditional, false) => {
            let message =
                format!("{name}{position:02} is `X`, and no note says when it must be there");
            advise(advice, &element.rule, message, "add the note, or make it `O`");
        }
        (Requirement::Optional, true) => {
            let message =
                format!("{name}{position:02} is `O`, and a note says when it must be there");
            advise(advice, &element.rule, message, "make it `X`");
        }
        _ => {}
    }
}

/// Code lists that no element of the release, or of a set's own segments, names.
fn unused_codes(dictionary: &Dictionary, library: &Library, advice: &mut Vec<LineError>) {
    let mut used: BTreeSet<&str> = library
        .sets()
        .filter(|g| g.release == dictionary.release)
        .flat_map(|g: &Arc<Grammar>| g.codes.iter().map(|c| c.id.as_str()))
        .collect();
    let components = dictionary.composites.iter().flat_map(|c| &c.components);
    for element in dictionary.segments.iter().flat_map(|s| &s.elements).chain(components) {
        if let ElementShape::Simple { codes: Some(id), .. } = element.shape {
            used.insert(&dictionary.code_list(id).id);
        }
    }
    for list in dictionary.codes.iter().filter(|c| !used.contains(c.id.as_str())) {
        let message = format!("the code list {} is used by no element", list.id);
        advise(advice, &list.rule, message, "name it behind an element: `codes LIST`");
    }
}
