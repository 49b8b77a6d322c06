//! All the grammars at hand, by set and release.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use include_dir::{Dir, include_dir};

use super::dictionary::{Faults, Names};
use super::error::LoadError;
use super::parse::parse_file;
use super::parse::syntax::{Body, SetSyntax};
use super::{Dictionary, Grammar, load, suggest};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/grammars");

/// The name under which the envelope's dictionary stands among the releases.
const ENVELOPE: &str = "envelope";
/// A release is the first six characters of GS08; what follows names an industry's guide.
const RELEASE_BYTES: usize = 6;

/// A grammar file: its path, as errors and rules name it, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the folder of grammars, with `/`: `004010/850.grammar`.
    pub path: Arc<str>,
    /// What stands in it.
    pub text: String,
}

/// Grammars by set and release, and the dictionaries that they rest on.
#[derive(Debug, Clone)]
pub struct Library {
    envelope: Arc<Dictionary>,
    dictionaries: BTreeMap<String, Arc<Dictionary>>,
    /// By release, then by set.
    sets: BTreeMap<String, BTreeMap<String, Arc<Grammar>>>,
}

impl Library {
    /// Reads grammars from files. A later source replaces an earlier one of the same path, so that a folder of
    /// one's own overlays what is embedded, file by file.
    ///
    /// # Errors
    /// Every fault of every file, where there is one.
    pub fn from_sources(sources: &[SourceFile]) -> Result<Self, LoadError> {
        let mut faults = Faults::default();
        let library = build(sources, &mut faults);
        let lines = faults.into_lines();
        if lines.is_empty() { Ok(library) } else { Err(LoadError { lines }) }
    }

    /// The grammars that are part of the program; read once a process.
    ///
    /// # Panics
    /// Never: a test reads all that is embedded.
    #[must_use]
    pub fn embedded() -> Self {
        static READ: OnceLock<Library> = OnceLock::new();
        READ.get_or_init(|| {
            Self::from_sources(&Self::embedded_sources())
                .expect("a test reads the embedded grammars")
        })
        .clone()
    }

    /// The files of [`Library::embedded`]: what a folder of one's own is appended to.
    #[must_use]
    pub fn embedded_sources() -> Vec<SourceFile> {
        let mut sources = Vec::new();
        let mut folders = vec![&EMBEDDED];
        while let Some(folder) = folders.pop() {
            folders.extend(folder.dirs());
            for file in folder.files() {
                if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                    sources.push(SourceFile { path: path.into(), text: text.to_owned() });
                }
            }
        }
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        sources
    }

    /// The grammar of a set (`850`) in a release. The release may be a whole GS08: its first six characters
    /// decide (`004010VICS`, `005010X231`).
    #[must_use]
    pub fn grammar(&self, set: &str, release: &str) -> Option<&Arc<Grammar>> {
        self.sets.get(release_of(release))?.get(set)
    }

    /// The dictionary of a release, found like [`Library::grammar`].
    #[must_use]
    pub fn dictionary(&self, release: &str) -> Option<&Arc<Dictionary>> {
        self.dictionaries.get(release_of(release))
    }

    /// ISA, GS, GE, IEA and TA1.
    #[must_use]
    pub fn envelope(&self) -> &Arc<Dictionary> {
        &self.envelope
    }

    /// Every dictionary: the envelope's, then those of the releases.
    pub fn dictionaries(&self) -> impl Iterator<Item = &Arc<Dictionary>> {
        std::iter::once(&self.envelope).chain(self.dictionaries.values())
    }

    /// Every set, by release and set.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<Grammar>> {
        self.sets.values().flat_map(BTreeMap::values)
    }
}

/// The part of GS08 that names the release.
fn release_of(gs08: &str) -> &str {
    gs08.get(..RELEASE_BYTES).unwrap_or(gs08)
}

fn build(sources: &[SourceFile], faults: &mut Faults) -> Library {
    let mut files: BTreeMap<&str, &str> = BTreeMap::new();
    for source in sources {
        files.insert(&source.path, &source.text);
    }
    let mut names: BTreeMap<String, Names> = BTreeMap::new();
    names.entry(ENVELOPE.to_owned()).or_default();
    let mut sets: Vec<(Arc<str>, SetSyntax)> = Vec::new();
    for (path, text) in files {
        let (parsed, lines) = parse_file(path, text);
        faults.extend(lines);
        match parsed.body {
            Body::Set(set) => sets.push((parsed.path, set)),
            Body::Dictionary { release, blocks } if !release.name.is_empty() => {
                names.entry(release.name).or_default().add(&parsed.path, blocks, faults);
            }
            Body::Unknown | Body::Dictionary { .. } => {}
        }
    }
    let mut dictionaries: BTreeMap<String, Arc<Dictionary>> =
        names.iter().map(|(r, n)| (r.clone(), Arc::new(n.build(r, faults)))).collect();
    let mut grammars: BTreeMap<String, BTreeMap<String, Arc<Grammar>>> = BTreeMap::new();
    for (file, mut set) in sets {
        let Some(head) = set.head.take() else { continue };
        let release = &head.release.name;
        let (Some(names), Some(shared)) = (names.get(release), dictionaries.get(release)) else {
            let message = format!("there is no dictionary of release {release}");
            let known = dictionaries.keys().map(String::as_str).filter(|r| *r != ENVELOPE);
            let otherwise = "add one: a file that begins with `dictionary release …`";
            let mend = suggest::mend(release, known, otherwise);
            faults.add(&file, head.release.at.unwrap_or(head.at), message, mend);
            continue;
        };
        let mut own = Names::default();
        own.add(&file, std::mem::take(&mut set.blocks), faults);
        let merged = (!own.is_empty()).then(|| names.with_own(own).build(release, faults));
        let dictionary = merged.as_ref().unwrap_or(shared);
        let Some(grammar) = load::grammar(&file, &set, &head, dictionary, faults) else { continue };
        let of_release = grammars.entry(release.clone()).or_default();
        if let Some(first) = of_release.get(&grammar.set) {
            let message = format!(
                "set {} of release {release} is there already, at {}:{}",
                grammar.set, first.rule.file, first.rule.line
            );
            faults.add(&file, head.at, message, "take one of them out");
            continue;
        }
        of_release.insert(grammar.set.clone(), Arc::new(grammar));
    }
    let envelope = dictionaries.remove(ENVELOPE).unwrap_or_else(|| Arc::new(empty_envelope()));
    Library { envelope, dictionaries, sets: grammars }
}

fn empty_envelope() -> Dictionary {
    Names::default().build(ENVELOPE, &mut Faults::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_is_read() {
        if let Err(error) = Library::from_sources(&Library::embedded_sources()) {
            panic!("{error}");
        }
    }
}
