//! Every file of `fixtures/` against the expectations beside it. `CROSSDOCK_BLESS=1` writes them anew; the
//! difference is then to be read as an EDI analyst would read it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crossdock::findings::{Code, Finding};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All `.edi` files, in order.
fn inputs() -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "edi") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// One finding a line: code, severity, place, value, words, mend, rule. The rule's line number is left out, so that
/// a new line in a grammar does not touch every expectation.
fn line(finding: &Finding) -> String {
    let place = &finding.place;
    let mut out = format!("{} {:?}", finding.code, finding.severity).to_lowercase();
    out[..3].make_ascii_uppercase();
    let _ = write!(out, " @{}", place.offset);
    if place.length > 0 {
        let _ = write!(out, "+{}", place.length);
    }
    let _ = write!(out, " {}", place.segment);
    if place.segment_position > 0 {
        let _ = write!(out, "[{}]", place.segment_position);
    }
    if place.element > 0 {
        let _ = write!(out, " {:02}", place.element);
    }
    if place.component > 0 {
        let _ = write!(out, ".{}", place.component);
    }
    if place.repetition > 0 {
        let _ = write!(out, " repetition {}", place.repetition);
    }
    if !place.loop_path.is_empty() {
        let _ = write!(out, " in {}", place.loop_path);
    }
    if let Some(value) = &finding.value {
        let _ = write!(out, " {value:?}");
    }
    let _ = write!(out, "\n    {}", finding.message);
    if !finding.mend.is_empty() {
        let _ = write!(out, "\n    {}", finding.mend);
    }
    if let Some(rule) = &finding.rule {
        let _ = write!(out, "\n    {}", rule.file);
    }
    out
}
