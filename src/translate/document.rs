//! Between walked sets and canonical documents, by the maps.

use std::collections::HashMap;

use super::{ACKNOWLEDGEMENT_GROUP, CheckedSet};
use crate::acks;
use crate::canonical::Document;
use crate::findings::{Code, Finding, Place, Severity};
use crate::grammar::Walked;
use crate::map::{self, Map, Reader, Reading};

/// Reads a set into its document. `None` where none can be made of it.
pub(super) fn read(
    map: &Map,
    walked: &Walked<'_>,
    reader: &mut Reader,
) -> (Option<Document>, Vec<Finding>) {
    let reading = reader.read(walked, map);
    let mut findings = reading.findings().to_vec();
    match document_of(&reading) {
        Ok(document) => (Some(document), findings),
        // A field that the document must have and the set does not say; the check has mostly said so already.
        Err(error) => {
            let place = Place {
                offset: walked.segments.offset(),
                segment: "ST".to_owned(),
                segment_position: 1,
                ..Place::default()
            };
            let says = format!("No {} can be made of it: {error}.", reading.document());
            findings.push(Finding::new(
                Code::NotTranslatable,
                place,
                says,
                "Mend what is missing.".to_owned(),
            ));
            (None, findings)
        }
    }
}

/// The typed document of what was read.
///
/// # Errors
/// Where a value is none that its field may have.
pub fn document_of(reading: &Reading<'_>) -> Result<Document, map::Error> {
    Ok(match reading.document() {
        "order" => Document::Order(Box::new(reading.to()?)),
        "order_change" => Document::OrderChange(Box::new(reading.to()?)),
        "shipment" => Document::Shipment(Box::new(reading.to()?)),
        "invoice" => Document::Invoice(Box::new(reading.to()?)),
        "inventory" => Document::Inventory(Box::new(reading.to()?)),
        "acknowledgement" => Document::Acknowledgement(Box::new(reading.to()?)),
        other => return Err(map::Error::Type(format!("`{other}` is no kind of document"))),
    })
}

/// Adds to the findings of a checked set what only its meaning tells: values that its map cannot translate, totals that
/// do not agree, acknowledgements that cannot be matched. Names in each finding the canonical field.
pub fn add_meaning(set: &mut CheckedSet<'_>, reader: &mut Reader) {
    let Some(walked) = &set.walked else { return };
    if walked.grammar.group == ACKNOWLEDGEMENT_GROUP {
        set.findings.extend(acks::read(set.segments, Some(walked.grammar)).findings);
    }
    if let Some(map) = set.map {
        add_new(&mut set.findings, reader.read(walked, map).findings().to_vec());
    }
    if !set.findings.is_empty() {
        if let Some(map) = set.map {
            name_fields(map, walked, &mut set.findings);
        }
        set.findings.sort_by_key(|f| (f.place.offset, f.place.element));
    }
}

/// Adds what the map finds, except where the check has found a fault at the same place: its words are nearer to what was
/// sent, and an acknowledgement should name an element once. The weight is that of the weightier: what cannot be
/// translated is not accepted, however slight its fault of form.
pub(super) fn add_new(findings: &mut Vec<Finding>, more: Vec<Finding>) {
    if more.is_empty() {
        return;
    }
    let spot = |f: &Finding| (f.place.offset, f.place.element, f.place.component);
    let judged = findings.iter().enumerate();
    let judged = judged.filter(|(_, f)| f.severity >= Severity::Error && f.place.element > 0);
    let told: HashMap<_, usize> = judged.map(|(index, f)| (spot(f), index)).collect();
    for finding in more {
        match told.get(&spot(&finding)).and_then(|&index| findings.get_mut(index)) {
            Some(before) => before.severity = before.severity.max(finding.severity),
            None => findings.push(finding),
        }
    }
}

/// Notes in each finding the field of the canonical document that its value goes to.
pub(super) fn name_fields(map: &Map, walked: &Walked<'_>, findings: &mut [Finding]) {
    for finding in findings
        .iter_mut()
        .filter(|f| f.field.is_none() && f.severity > Severity::Advice && f.place.element > 0)
        // Where a level stands is in no field.
        .filter(|f| f.code != Code::HierarchyNotAgreed)
    {
        let index = (finding.place.segment_position as usize).checked_sub(1);
        let placed = index.and_then(|index| walked.tree.segments.get(index));
        finding.field =
            placed.and_then(|p| map.field_of(p.node, finding.place.element)).map(str::to_owned);
    }
}
