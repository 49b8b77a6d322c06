//! The overlays of a draft, held against the samples that it was learned from.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::Error;
use crate::cli::input::Source;
use crate::cli::scene::{self, Depth, Met};
use crate::findings::Finding;
use crate::grammar::SourceFile;
use crate::learn::{Draft, SheetKey, is_rejected};
use crate::overlay::{Direction, Overlay, OverlaySource, parse_overlay};
use crate::profile::{Problem, ProfileSource, Profiles};
use crate::translate::{Engine, Options, Overlays};

/// The overlays of a draft by what they are for.
#[derive(Debug)]
pub struct Drafted(BTreeMap<SheetKey, Overlay>);

impl Drafted {
    /// Reads and compiles them.
    ///
    /// # Errors
    /// Lines that cannot be used; a defect of ours.
    pub fn read(draft: &Draft, engine: &Engine) -> Result<Self, Error> {
        let mut overlays = BTreeMap::new();
        let wrong = |lines: Vec<String>| Error::Definitions(lines.join("\n"));
        for file in &draft.files {
            let Some(key) = &file.of else { continue };
            let (source, errors): (OverlaySource, _) = parse_overlay(&file.name, &file.text);
            if !errors.is_empty() {
                return Err(wrong(errors.iter().map(ToString::to_string).collect()));
            }
            let Some(grammar) = engine.grammars().grammar(&key.0, &key.1) else { continue };
            let overlay = Overlay::compile(&[&source], grammar)
                .map_err(|errors| wrong(errors.iter().map(ToString::to_string).collect()))?;
            overlays.insert(key.clone(), overlay);
        }
        Ok(Self(overlays))
    }
}

/// What is wrong with the draft as a profile: nothing, unless the samples hold what no profile can say.
pub fn problems(draft: &Draft, name: &str, folder: &Path, engine: &Engine) -> Vec<Problem> {
    let files = draft
        .files
        .iter()
        .map(|file| SourceFile { path: file.name.as_str().into(), text: file.text.clone() });
    let source = ProfileSource {
        name: name.to_owned(),
        folder: folder.display().to_string(),
        files: files.collect(),
        to_extend: false,
    };
    let (_, mut problems) = Profiles::from_sources(&[source], engine.grammars(), engine.maps());
    problems.retain(Problem::is_error);
    problems
}

impl Overlays for Drafted {
    fn overlay(&self, set: &str, version: &str, direction: Direction) -> Option<&Overlay> {
        let release = version.get(..6).unwrap_or(version);
        self.0.get(&(set.to_owned(), release.to_owned(), direction))
    }
}

/// What the samples are under the draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Documents that were learned from, their repetitions counted.
    pub documents: u64,
    /// Among them, without any finding of the draft's rules.
    pub passed: u64,
    /// What the rules find in others; the first few in words.
    pub broken: Vec<String>,
    /// What is wrong with the draft as a profile.
    pub problems: Vec<Problem>,
    /// Other findings of errors or more, by the documents that have them: they are there without the draft too.
    pub with_errors: u64,
}

impl Proof {
    /// Whether nothing speaks against the draft; that there is something to fill in does not.
    pub fn is_clean(&self) -> bool {
        self.documents > 0
            && self.passed == self.documents
            && self.problems.iter().all(Problem::is_to_fill_in)
    }
}

/// Findings that are told.
const BROKEN_MAX: usize = 10;

/// Reads the samples again, this time under the draft. `direction` says which way an interchange goes; `None`: it is
/// not one of the partner.
///
/// # Errors
/// Samples that cannot be read any more.
pub fn prove(
    drafted: &Drafted,
    engine: &Engine,
    sources: &[Source],
    direction: &dyn Fn(&crate::x12::Interchange) -> Option<Direction>,
) -> Result<Proof, Error> {
    let mut proof = Proof::default();
    for source in sources {
        for wanted in [Direction::In, Direction::Out] {
            let options =
                Options { overlays: Some(drafted), direction: wanted, ..Options::default() };
            let mut here = false;
            let input = source.open()?;
            scene::read(engine, input, source, options, Depth::Form, |met, findings, scene| {
                match met {
                    Met::Interchange(header) => here = direction(header) == Some(wanted),
                    Met::Set(set) if here => {
                        let known = drafted.overlay(&set.id, set.version, wanted).is_some();
                        if known && set.walked.is_some() {
                            proof.document(findings, scene.file);
                        }
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
    }
    Ok(proof)
}

impl Proof {
    fn document(&mut self, findings: &[Finding], file: &str) {
        let ours = |finding: &&Finding| {
            finding.rule.as_ref().is_some_and(|rule| rule.file.ends_with(".overlay"))
        };
        let others: Vec<Finding> = findings.iter().filter(|f| !ours(f)).cloned().collect();
        if is_rejected(&others) {
            return;
        }
        self.documents += 1;
        let errors = |f: &&Finding| f.severity >= crate::findings::Severity::Error;
        self.with_errors += u64::from(others.iter().any(|f| errors(&f)));
        let mut broken = findings.iter().filter(ours).peekable();
        self.passed += u64::from(broken.peek().is_none());
        let room = BROKEN_MAX.saturating_sub(self.broken.len());
        self.broken.extend(broken.take(room).map(|f| format!("{file}: {}", f.message)));
    }
}
