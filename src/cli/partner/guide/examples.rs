//! Examples: documents made by the writer and judged by the agreement, as those that are sent. One in which anything
//! is found is not shown.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::canonical::Document;
use crate::cli::partner::fixtures;
use crate::findings::Severity;
use crate::gateway::Rehearsal;
use crate::grammar::{ElementShape, NodeId};
use crate::profile::{Agreement, Direction, Partner};
use crate::translate::{Options, Session, Step};
use crate::x12::{Reader, decode};

/// A document as it is sent.
pub(super) struct Example {
    /// Where it comes from.
    pub words: String,
    /// The interchange, a segment a line.
    pub text: String,
    /// Which elements are filled at which places.
    pub places: HashSet<(NodeId, u16)>,
    /// Codes that are sent: segment, position, code.
    pub codes: Vec<(String, u16, String)>,
}

/// Made up for the case that a profile has no sample of its own.
const MADE_UP: [&str; 4] = [
    include_str!("order.json"),
    include_str!("shipment.json"),
    include_str!("invoice.json"),
    include_str!("inventory.json"),
];

/// Examples of one document: more say nothing new.
const EXAMPLES_MAX: usize = 2;

/// Largest file that is looked at.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The examples for an agreement: from the samples and fixtures of the profile, else one that is made up. Where there
/// is none, the words say why.
pub(super) fn examples(
    rehearsal: &Rehearsal,
    partner: &Partner,
    agreement: &Agreement,
    folder: Option<&Path>,
) -> (Vec<Example>, String) {
    let now = Timestamp::now();
    let (mut found, mut reasons) = (Vec::new(), Vec::new());
    let own = folder.map(|folder| samples(rehearsal, partner, agreement, folder));
    let own = own.unwrap_or_default().into_iter().map(|document| (document, true));
    let made_up = MADE_UP.iter().filter_map(|text| serde_json::from_str(text).ok());
    let all = own.chain(made_up.map(|document| (document, false)));
    for (document, is_own) in all.filter(|(d, _)| d.kind() == agreement.kind.as_ref()) {
        if found.len() == EXAMPLES_MAX || (!is_own && !found.is_empty()) {
            break;
        }
        let number = document.number();
        let (bytes, findings) = match rehearsal.write(&document, partner, agreement, now) {
            Ok(written) => written,
            Err(words) => {
                reasons.push(format!("{number} cannot be written: {words}"));
                continue;
            }
        };
        if let Some(worst) = findings.iter().find(|f| f.severity >= Severity::Warning) {
            reasons.push(format!("{number} is not as agreed: {}", worst.message));
            continue;
        }
        let whence = if is_own { "from our samples" } else { "made up" };
        let words = format!("Number {number}, {whence}:");
        found.push(example(rehearsal, partner, agreement, &bytes, words));
    }
    // Those of our own stand before what is made up.
    (found, reasons.into_iter().next().unwrap_or_default())
}

/// The documents in the samples of a profile, and in the fixtures that are without fault.
fn samples(
    rehearsal: &Rehearsal,
    partner: &Partner,
    agreement: &Agreement,
    folder: &Path,
) -> Vec<Document> {
    let mut files: Vec<PathBuf> = Vec::new();
    for part in ["samples", "fixtures"] {
        // What is not there, or cannot be read, gives no example.
        let mut here: Vec<PathBuf> = fs::read_dir(folder.join(part))
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| fs::metadata(path).is_ok_and(|data| data.len() <= FILE_BYTES_MAX))
            .collect();
        here.sort();
        files.extend(here);
    }
    let mut documents = Vec::new();
    for file in files {
        let Ok(bytes) = fs::read(&file) else { continue };
        match file.extension().and_then(|ending| ending.to_str()) {
            Some("json") => documents.extend(serde_json::from_slice::<Document>(&bytes).ok()),
            Some("edi") => {
                let judged = fixtures::judge(rehearsal.engine(), partner, &bytes);
                let Some((_, received)) =
                    judged.filter(|(direction, _)| *direction == agreement.direction)
                else {
                    continue;
                };
                let interchanges = received.interchanges.into_iter();
                let sets = interchanges.flat_map(|i| i.groups).flat_map(|group| group.sets);
                documents.extend(sets.filter_map(|set| set.document).map(|mut document| {
                    // As the warehouse would say it; where something is not mapped it stays as it is.
                    if agreement.direction == Direction::Out {
                        partner.crosswalks.inbound(&mut document);
                    }
                    document
                }));
            }
            _ => {}
        }
    }
    documents
}

fn example(
    rehearsal: &Rehearsal,
    partner: &Partner,
    agreement: &Agreement,
    bytes: &[u8],
    words: String,
) -> Example {
    let options =
        Options { overlays: Some(partner), direction: agreement.direction, ..Options::default() };
    let mut example =
        Example { words, text: lines(bytes), places: HashSet::new(), codes: Vec::new() };
    let mut session = Session::of_slice(rehearsal.engine(), bytes, options);
    // Reading from memory cannot fail.
    while let Ok(Some(step)) = session.next() {
        let Step::Set(set) = step else { continue };
        let Some(walked) = &set.walked else { continue };
        for (index, placed) in walked.tree.segments.iter().enumerate() {
            let Some(segment) = walked.segments.get(index) else { continue };
            if placed.node == NodeId::NONE {
                continue;
            }
            let definition = walked.grammar.segment_at(placed.node);
            example.places.insert((placed.node, 0));
            for element in &definition.elements {
                let value = decode(segment.element(usize::from(element.position))).into_owned();
                if value.is_empty() {
                    continue;
                }
                example.places.insert((placed.node, element.position));
                if let ElementShape::Simple { codes: Some(_), .. } = element.shape {
                    example.codes.push((definition.tag.to_string(), element.position, value));
                }
            }
        }
    }
    example
}

/// A segment a line, whatever the terminator.
fn lines(bytes: &[u8]) -> String {
    let mut reader = Reader::new(bytes);
    let mut terminator = b'~';
    while let Ok(Some(event)) = reader.next() {
        if let crate::x12::Event::Interchange(header) = event {
            terminator = header.delimiters.segment;
            break;
        }
    }
    let shown = if terminator.is_ascii_graphic() {
        char::from(terminator).to_string()
    } else {
        String::new()
    };
    let segments = bytes.split(|b| *b == terminator).map(<[u8]>::trim_ascii);
    let mut text = String::new();
    for segment in segments.filter(|segment| !segment.is_empty()) {
        text.push_str(&decode(segment));
        text.push_str(&shown);
        text.push('\n');
    }
    text
}
