//! All the maps at hand, by set and release.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use serde_json::Value as Json;

use super::compile::compile;
use super::extra::Values;
use super::parse::{Faults, parse_map};
use super::plan::Map;
use super::shape::Shapes;
use super::syntax::{How, Line, LineKind, MapSource, Spot};
use crate::grammar::{self, LineError, LoadError, SourceFile, suggest};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/maps");

/// Maps by set and release, each made ready for its grammar.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// By release, then by set.
    maps: BTreeMap<String, BTreeMap<String, Arc<Map>>>,
    /// What they were made from, likewise: lines of an agreement are laid on top of it.
    written: BTreeMap<String, BTreeMap<String, Written>>,
}

/// A map before it was held against a grammar.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub source: Arc<MapSource>,
    pub shapes: Arc<Shapes>,
}

impl Library {
    /// Reads maps from files and holds them against the grammars and the JSON Schemas of the canonical documents
    /// (`schema` gives that of a kind: `canonical::schema`). A later source replaces an earlier one of the same
    /// path, so that a folder of one's own overlays what is embedded, file by file.
    ///
    /// # Errors
    /// Every fault of every file, where there is one.
    pub fn from_sources(
        sources: &[SourceFile],
        grammars: &grammar::Library,
        schema: impl Fn(&str) -> Option<Json>,
    ) -> Result<Self, LoadError> {
        let files: BTreeMap<&str, &str> =
            sources.iter().map(|s| (s.path.as_ref(), s.text.as_str())).collect();
        let mut lines = Vec::new();
        let mut library = Self::default();
        let mut shared = MapSource { shared: true, ..MapSource::default() };
        let mut maps = Vec::new();
        for (path, text) in files {
            let (source, faults) = parse_map(path, text);
            lines.extend(faults);
            if source.shared { shared.share(&source) } else { maps.push(source) }
        }
        let clean = lines.is_empty();
        let mut used = BTreeSet::new();
        for source in &mut maps {
            source.share(&shared);
            if !source.set.text.is_empty() {
                lines.extend(library.add(source, grammars, &schema, clean, &mut used));
            }
        }
        if clean && lines.is_empty() && !maps.is_empty() {
            let mut faults = Faults { files: vec![Arc::default()], errors: Vec::new() };
            faults.files.extend(shared.files.iter().cloned());
            unused(&shared, &used, &mut faults);
            lines.extend(faults.errors);
        }
        lines.sort();
        lines.dedup();
        if lines.is_empty() { Ok(library) } else { Err(LoadError { lines }) }
    }

    /// The maps that are part of the program, for the grammars given.
    ///
    /// # Errors
    /// Where grammars of one's own lack what the maps name.
    pub fn embedded(
        grammars: &grammar::Library,
        schema: impl Fn(&str) -> Option<Json>,
    ) -> Result<Self, LoadError> {
        Self::from_sources(&Self::embedded_sources(), grammars, schema)
    }

    /// The files of [`Library::embedded`]: what a folder of one's own is appended to.
    #[must_use]
    pub fn embedded_sources() -> Vec<SourceFile> {
        let mut sources: Vec<SourceFile> = EMBEDDED
            .files()
            .filter_map(|f| {
                Some(SourceFile {
                    path: f.path().to_str()?.into(),
                    text: f.contents_utf8()?.to_owned(),
                })
            })
            .collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        sources
    }

    /// The map of a set (`850`) in a release. The release may be a whole GS08: its first six characters decide.
    #[must_use]
    pub fn map(&self, set: &str, release: &str) -> Option<&Arc<Map>> {
        self.maps.get(release.get(..6).unwrap_or(release))?.get(set)
    }

    /// The word for a code in the code tables that maps have under a name; `None` where none has the code.
    #[must_use]
    pub fn word(&self, table: &str, code: &str) -> Option<&str> {
        let written = self.written.values().flat_map(BTreeMap::values);
        let mut tables = written.filter_map(|written| written.source.tables.get(table));
        tables.find_map(|table| {
            let mut entries = table.entries.iter();
            entries.find(|(known, _)| *known == code).map(|(_, word)| word.as_str())
        })
    }

    /// All words of the code tables that maps have under a name, each once, in alphabetical order.
    #[must_use]
    pub fn words(&self, table: &str) -> Vec<&str> {
        let written = self.written.values().flat_map(BTreeMap::values);
        let tables = written.filter_map(|written| written.source.tables.get(table));
        let words = tables.flat_map(|table| table.entries.iter().map(|(_, word)| word.as_str()));
        words.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// What the map of a set in a release was made from.
    pub(super) fn written(&self, set: &str, release: &str) -> Option<&Written> {
        self.written.get(release.get(..6).unwrap_or(release))?.get(set)
    }

    /// Every map, by release and set.
    pub fn maps(&self) -> impl Iterator<Item = &Arc<Map>> {
        self.maps.values().flat_map(BTreeMap::values)
    }

    fn add(
        &mut self,
        source: &MapSource,
        grammars: &grammar::Library,
        schema: impl Fn(&str) -> Option<Json>,
        clean: bool,
        shared_used: &mut BTreeSet<Spot>,
    ) -> Vec<LineError> {
        let mut faults = Faults { files: source.files.clone(), errors: Vec::new() };
        let document = &source.document;
        let Some(schema) = schema(&document.text) else {
            let message = format!("there is no canonical document `{}`", document.text);
            faults.add(
                document.at,
                message,
                "name one that `crossdock schema` knows: order, shipment, invoice …",
            );
            return faults.errors;
        };
        let shapes = match Shapes::from_schema(&document.text, &schema) {
            Ok(shapes) => Arc::new(shapes),
            Err(error) => {
                faults.add(document.at, error.to_string(), "mend the canonical model");
                return faults.errors;
            }
        };
        let mut used = BTreeSet::new();
        let written = Written { source: Arc::new(source.clone()), shapes: Arc::clone(&shapes) };
        for release in &source.releases {
            let Some(grammar) = grammars.grammar(&source.set.text, release) else {
                let known: Vec<&str> = grammars
                    .sets()
                    .filter(|g| g.set == source.set.text)
                    .map(|g| g.release.as_str())
                    .collect();
                let mend =
                    suggest::mend(release, known, "take the release out, or add a grammar for it");
                let message =
                    format!("there is no grammar of set {} in release {release}", source.set.text);
                faults.add(source.set.at, message, mend);
                continue;
            };
            match compile(source, grammar, &shapes, &Values::default(), &mut used) {
                Ok(map) => {
                    let sources = self.written.entry(release.clone()).or_default();
                    sources.insert(map.set.clone(), written.clone());
                    let of_release = self.maps.entry(release.clone()).or_default();
                    if of_release.insert(map.set.clone(), Arc::new(map)).is_some() {
                        let message =
                            format!("set {} of release {release} has two maps", source.set.text);
                        faults.add(source.set.at, message, "take one of them out");
                    }
                }
                Err(errors) => faults.errors.extend(errors),
            }
        }
        if clean && faults.errors.is_empty() {
            unused(source, &used, &mut faults);
        }
        shared_used.extend(used.into_iter().filter(|spot| spot.file > 0));
        faults.errors
    }
}

/// Lines that found their place in no release.
fn unused(source: &MapSource, used: &BTreeSet<Spot>, faults: &mut Faults) {
    let levels = source
        .levels
        .iter()
        .flat_map(|l| l.each.iter().chain(&l.other))
        .map(|l| l.lines.as_slice());
    let sections = source.sections.values().map(|s| s.lines.as_slice());
    let mut open: Vec<&[Line]> =
        std::iter::once(source.lines.as_slice()).chain(levels).chain(sections).collect();
    while let Some(lines) = open.pop() {
        for line in lines {
            if let LineKind::Field { how: How::Inline(inner), .. } = &line.kind {
                open.push(inner);
            }
            // What maps share is judged once all of them are read.
            let own = line.at.file == 0 || source.shared;
            if own && !used.contains(&line.at) {
                faults.add(
                    line.at,
                    "no place of the set, in no release, has what this line names",
                    "correct the path, or take the line out",
                );
            }
        }
    }
}
