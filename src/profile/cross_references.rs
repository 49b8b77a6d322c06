//! `[crosswalks]`: the cross-references of profiles. Each file is read once, however many partners rest on it, and
//! they share its rows.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::agreement::Known;
use super::node::{Node, Value};
use super::problem::Problem;
use super::profiles::ProfileSource;
use super::section::Section;
use crate::crosswalk::{Crosswalks, Kind, Words};
use crate::grammar::suggest;
use crate::map;

/// The folder of cross-references within a profile's.
const FOLDER: &str = "crosswalks/";

/// The files of all profiles, and what was made of those that somebody names.
#[derive(Default)]
pub(super) struct CrossReferences<'a> {
    of: HashMap<&'a str, &'a ProfileSource>,
    read: HashMap<(Kind, &'a str, &'a str), Reading>,
    named: BTreeSet<(&'a str, &'a str)>,
}

/// A file that was read, or what is wrong with it: it is told of everybody who rests on it.
#[derive(Clone)]
struct Reading {
    crosswalks: Result<Crosswalks, Vec<Problem>>,
    /// The start of the SHA-256 of its text: a change of it is a change of the agreement.
    fingerprint: String,
}

impl<'a> CrossReferences<'a> {
    /// The files of a profile.
    pub(super) fn add(&mut self, source: &'a ProfileSource) {
        self.of.insert(&source.name, source);
    }

    /// Reads `[crosswalks]` of a partner. A file lies in the folder of the profile that names it.
    pub(super) fn read(&mut self, section: &mut Section<'_>, known: &Known<'_>) -> Crosswalks {
        let mut all = Crosswalks::default();
        for kind in Kind::ALL {
            let mut inner = section.section(kind.name());
            if !inner.is_there() {
                continue;
            }
            if !inner.has("file") {
                inner.missing("file");
            }
            if let Some(node) = inner.node("file") {
                all.put(self.read_file(&mut inner, kind, node, known).unwrap_or_default());
            }
            inner.end();
        }
        section.log.problems.extend(all.contradictions().into_iter().map(Problem::from));
        let doubts = all.doubts().into_iter().map(|row| Problem::from(row).warning());
        section.log.problems.extend(doubts);
        all
    }

    fn read_file(
        &mut self,
        inner: &mut Section<'_>,
        kind: Kind,
        node: &Node,
        known: &Known<'_>,
    ) -> Option<Crosswalks> {
        let Value::Text(path) = &node.value else {
            inner.wrong(&node.origin, "`file` is a text: \"crosswalks/items.csv\"");
            return None;
        };
        let source = *self.of.get(node.origin.profile.as_ref())?;
        let Some(file) = source.files.iter().find(|file| file.path.as_ref() == path.as_str())
        else {
            let files = source.files.iter().map(|file| file.path.as_ref());
            let files: Vec<&str> = files.filter(|path| path.starts_with(FOLDER)).collect();
            let otherwise = format!("in it are `{}`", files.join("`, `"));
            let otherwise =
                if files.is_empty() { "it has none in crosswalks/" } else { &otherwise };
            let mend = suggest::mend(path, files.iter().copied(), otherwise);
            let words = format!("there is no file `{path}` in the folder of the profile; {mend}");
            inner.wrong(&node.origin, words);
            return None;
        };
        self.named.insert((&source.name, &file.path));
        let shown = format!("{}/{path}", source.folder);
        let key = (kind, source.name.as_str(), file.path.as_ref());
        let reading = self.read.entry(key).or_insert_with(|| read(kind, &shown, &file.text, known));
        let fingerprint = &reading.fingerprint;
        inner.row("file", format!("{path} ({fingerprint})"), Some(node));
        match &reading.crosswalks {
            Ok(crosswalks) => Some(crosswalks.clone()),
            Err(problems) => {
                inner.log.problems.extend(problems.iter().cloned());
                None
            }
        }
    }

    /// Files that lie there and that nobody names. What is shipped is proved by a test.
    pub(super) fn idle(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for source in self.of.values().filter(|source| !source.to_extend) {
            let files = source.files.iter().map(|file| file.path.as_ref());
            let named = |path: &&str| self.named.contains(&(source.name.as_str(), *path));
            for path in files.filter(|path| path.starts_with(FOLDER)).filter(|path| !named(path)) {
                let words = "no profile names this file in `[crosswalks]`: it has no effect";
                let shown = format!("{}/{path}", source.folder);
                problems.push(Problem::whole(&shown, words).warning());
            }
        }
        problems
    }
}

/// The code tables of the maps, whose words stand in cross-references.
struct MapWords<'a>(&'a map::Library);

impl Words for MapWords<'_> {
    fn word(&self, table: &str, code: &str) -> Option<String> {
        self.0.word(table, code).map(str::to_owned)
    }

    fn all(&self, table: &str) -> Vec<String> {
        self.0.words(table).into_iter().map(str::to_owned).collect()
    }
}

fn read(kind: Kind, shown: &str, text: &str, known: &Known<'_>) -> Reading {
    let (crosswalks, errors) =
        Crosswalks::from_sources([(kind, shown, text)], &MapWords(known.maps));
    let mut fingerprint = String::new();
    for byte in Sha256::digest(text).iter().take(4) {
        // Writing into a String cannot fail.
        let _ = write!(fingerprint, "{byte:02x}");
    }
    let errors: Vec<Problem> = errors.into_iter().map(Problem::from).collect();
    let crosswalks = if errors.is_empty() { Ok(crosswalks) } else { Err(errors) };
    Reading { crosswalks, fingerprint }
}
