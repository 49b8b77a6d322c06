//! Overlays that are named on the command line.

use std::path::PathBuf;
use std::sync::Arc;

use super::Error;
use super::definitions::text_of;
use crate::grammar::LineError;
use crate::map::{ExtraLine, Map, Values, Variants};
use crate::overlay::{Direction, Overlay, OverlaySource, parse_overlay};
use crate::translate::{Engine, Overlays};

/// Overlays by set and release, each made of all files that are for it.
#[derive(Debug)]
pub struct Named {
    overlays: Vec<(Overlay, Option<Arc<Map>>)>,
    /// What their authors should know.
    pub warnings: Vec<LineError>,
}

impl Named {
    /// Reads the files, each laid over those before it.
    ///
    /// # Errors
    /// Files that cannot be read; every bad line of them.
    pub fn read(paths: &[PathBuf], engine: &Engine) -> Result<Self, Error> {
        let mut sources: Vec<OverlaySource> = Vec::new();
        let mut errors = Vec::new();
        let known: Vec<(&str, &str)> =
            engine.grammars().sets().map(|g| (g.set.as_str(), g.release.as_str())).collect();
        for path in paths {
            let (source, faults) = parse_overlay(&path.display().to_string(), &text_of(path)?);
            errors.extend(faults);
            errors.extend(source.unknown_sets(known.iter().copied()));
            sources.push(source);
        }
        let mut named = Self { overlays: Vec::new(), warnings: Vec::new() };
        let mut variants = Variants::default();
        for grammar in engine.grammars().sets() {
            let fits = |s: &&OverlaySource| {
                s.set() == grammar.set && s.releases().any(|release| release == grammar.release)
            };
            let layers: Vec<&OverlaySource> = sources.iter().filter(fits).collect();
            if layers.is_empty() {
                continue;
            }
            match Overlay::compile(&layers, grammar) {
                Ok(overlay) => {
                    named.warnings.extend(overlay.warnings().iter().cloned());
                    let lines: Vec<ExtraLine<'_>> = overlay.map_lines().collect();
                    let implied = overlay.implied().collect();
                    let values = Values { implied, keep_blanks: false };
                    let own = !lines.is_empty() || values != Values::default();
                    let map = match variants.map(engine.maps(), grammar, &lines, &values) {
                        Ok(map) => map.filter(|_| own),
                        Err(faults) => {
                            errors.extend(faults);
                            None
                        }
                    };
                    named.overlays.push((overlay, map));
                }
                Err(faults) => errors.extend(faults),
            }
        }
        if errors.is_empty() {
            // Of a file for several releases each warning is told once.
            named.warnings.sort();
            named.warnings.dedup();
            return Ok(named);
        }
        errors.sort();
        errors.dedup();
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Err(Error::Definitions(lines.join("\n")))
    }

    fn find(&self, set: &str, version: &str) -> Option<&(Overlay, Option<Arc<Map>>)> {
        let release = version.get(..6).unwrap_or(version);
        self.overlays.iter().find(|(overlay, _)| {
            let grammar = overlay.grammar();
            grammar.set == set && grammar.release == release
        })
    }
}

impl Overlays for Named {
    fn overlay(&self, set: &str, version: &str, _: Direction) -> Option<&Overlay> {
        self.find(set, version).map(|(overlay, _)| overlay)
    }

    fn map(&self, set: &str, version: &str, _: Direction) -> Option<&Arc<Map>> {
        self.find(set, version).and_then(|(_, map)| map.as_ref())
    }
}
