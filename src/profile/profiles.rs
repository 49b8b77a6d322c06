//! All profiles: those that are in force, by name and by identity, and what is wrong with the others.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use super::agreement::Known;
use super::cross_references::CrossReferences;
use super::identity::{Pair, Usage};
use super::node::{Entries, Node, Value, merge, parse};
use super::partner::{Draft, Partner};
use super::problem::{Origin, Problem};
use super::rules::Overlays;
use super::section::Log;
use crate::grammar::{self, SourceFile, suggest};
use crate::map;
use crate::x12::Identity;

static SHIPPED: Dir<'_> = include_dir!("$OUT_DIR/partner-profiles");

/// The file of the agreement itself.
pub const PARTNER_FILE: &str = "partner.toml";

/// Profiles that may stand behind one another.
const CHAIN_MAX: usize = 8;

/// Longest name of a profile: it is part of file names.
const NAME_CHARS_MAX: usize = 64;

/// The texts of a profile's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSource {
    /// Its name: that of the folder.
    pub name: String,
    /// The folder, as problems name it.
    pub folder: String,
    /// Its files by their path in the folder, with `/`: `partner.toml`, `850.overlay`, `crosswalks/items.csv`.
    pub files: Vec<SourceFile>,
    /// Whether it is there for others to extend only, whatever it says of itself: those that are shipped.
    pub to_extend: bool,
}

/// All profiles, resolved and ready for use.
#[derive(Debug, Default)]
pub struct Profiles {
    partners: BTreeMap<String, Arc<Partner>>,
    /// By sender and receiver of an inbound interchange.
    identities: HashMap<(Identity, Identity), (Arc<Partner>, Usage)>,
    /// Those that cannot be used, by name; bases are not among them.
    left_out: BTreeSet<String>,
}

impl Profiles {
    /// Reads profiles. One that stands later replaces an earlier one of the same name. The good ones are there,
    /// whatever is wrong with others; every problem of every file is told, in the order of files and lines.
    #[must_use]
    pub fn from_sources(
        sources: &[ProfileSource],
        grammars: &grammar::Library,
        maps: &map::Library,
    ) -> (Self, Vec<Problem>) {
        let known = Known { grammars, maps };
        let mut loader = Loader::parse(sources, known);
        loader.forget_unused();
        let names: Vec<&str> = loader.parsed.keys().copied().collect();
        let (mut partners, mut left_out) = (BTreeMap::new(), BTreeSet::new());
        for name in names {
            if let Some(partner) = loader.read(name, known) {
                partners.insert(name.to_owned(), Arc::new(partner));
            } else if loader.parsed.get(name).is_some_and(|p| !p.is_base && !p.source.to_extend) {
                left_out.insert(name.to_owned());
            }
        }
        loader.problems.extend(loader.crosswalks.idle());
        let mut profiles = Self { partners, identities: HashMap::new(), left_out };
        profiles.index(&mut loader.problems);
        loader.problems.sort();
        loader.problems.dedup();
        (profiles, loader.problems)
    }

    /// The profiles that are part of the program, to be extended or copied.
    #[must_use]
    pub fn shipped() -> Vec<ProfileSource> {
        let mut sources = Vec::new();
        for folder in SHIPPED.dirs() {
            let Some(name) = folder.path().to_str() else { continue };
            let mut files = Vec::new();
            for file in folder.files().chain(folder.dirs().flat_map(Dir::files)) {
                let path = file.path().strip_prefix(folder.path()).ok().and_then(|p| p.to_str());
                if let (Some(path), Some(text)) = (path, file.contents_utf8()) {
                    files.push(SourceFile { path: path.into(), text: text.to_owned() });
                }
            }
            sources.push(ProfileSource {
                name: name.to_owned(),
                folder: format!("partner-profiles/{name}"),
                files,
                to_extend: true,
            });
        }
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        sources
    }

    /// A partner by its name.
    #[must_use]
    pub fn partner(&self, name: &str) -> Option<&Arc<Partner>> {
        self.partners.get(name)
    }

    /// All partners, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.partners.values()
    }

    /// Names of the partners that cannot be used, for what is wrong with them or with what they extend.
    #[must_use]
    pub fn left_out(&self) -> &BTreeSet<String> {
        &self.left_out
    }

    /// Leaves a partner out for what is wrong beyond its profile.
    pub fn leave_out(&mut self, name: &str) {
        if self.partners.remove(name).is_some() {
            self.identities.retain(|_, (partner, _)| partner.name != name);
            self.left_out.insert(name.to_owned());
        }
    }

    /// Puts partners back as they were in force before, together, because their change cannot be used. Who has taken an
    /// identity of one of them meanwhile is left out with that, and put back too where it was in force. Tells the names
    /// of all that were put back.
    pub fn put_back(
        &mut self,
        names: impl IntoIterator<Item = String>,
        before: &Self,
        problems: &mut Vec<Problem>,
    ) -> BTreeSet<String> {
        let mut open: Vec<String> = names.into_iter().collect();
        let mut back = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(old) = before.partner(&name).filter(|_| !back.contains(&name)) else {
                continue;
            };
            self.leave_out(&name);
            for (usage, pair) in old.identity.all() {
                let key = key_of(pair);
                let taken = self.identities.get(&key).map(|(other, its)| (Arc::clone(other), *its));
                if let Some((other, its_usage)) = taken.filter(|(other, _)| other.name != name) {
                    let words = format!("{} to {}", key.0, key.1);
                    problems.push(clash(&other, its_usage, &words, &name));
                    self.leave_out(&other.name);
                    open.push(other.name.clone());
                }
                self.identities.entry(key).or_insert((Arc::clone(old), usage));
            }
            self.left_out.remove(&name);
            self.partners.insert(name.clone(), Arc::clone(old));
            back.insert(name);
        }
        back
    }

    /// Whose an inbound interchange is, by its sender and receiver, and whether they are the identities of test.
    /// Where test has no identities of its own, they are those of production.
    #[must_use]
    pub fn sender(&self, sender: &Identity, receiver: &Identity) -> Option<(&Arc<Partner>, Usage)> {
        let key = (trimmed(sender), trimmed(receiver));
        self.identities.get(&key).map(|(partner, usage)| (partner, *usage))
    }

    fn index(&mut self, problems: &mut Vec<Problem>) {
        let mut refused = Vec::new();
        for partner in self.partners.values() {
            for (usage, pair) in partner.identity.all() {
                let key = key_of(pair);
                let words = format!("{} to {}", key.0, key.1);
                let before = self.identities.entry(key).or_insert((Arc::clone(partner), usage));
                if before.0.name != partner.name {
                    let (first, its_usage) = (&before.0, before.1);
                    problems.push(clash(partner, usage, &words, &first.name));
                    problems.push(clash(first, its_usage, &words, &partner.name));
                    // Nobody can tell whose is right: neither is used.
                    refused.extend([partner.name.clone(), first.name.clone()]);
                }
            }
        }
        for name in refused {
            self.leave_out(&name);
        }
    }
}

/// What an inbound interchange is known by.
fn key_of(pair: &Pair) -> (Identity, Identity) {
    let identity = |who: &super::identity::Identity| {
        trimmed(&Identity { qualifier: who.qualifier.clone(), id: who.id.clone() })
    };
    (identity(&pair.partner), identity(&pair.own))
}

fn clash(partner: &Partner, usage: Usage, pair: &str, other: &str) -> Problem {
    let section = match usage {
        Usage::Production => "identity.production",
        Usage::Test => "identity.test",
    };
    let words = format!("the identities {pair} are those of `{other}` too");
    match partner.origin(&format!("{section}.partner"), "id") {
        Some(origin) => Problem::at(origin, words),
        None => Problem::whole(&partner.name, words),
    }
}

fn trimmed(who: &Identity) -> Identity {
    Identity { qualifier: who.qualifier.trim().to_owned(), id: who.id.trim().to_owned() }
}

/// A profile as it was parsed, by itself.
struct Parsed<'a> {
    source: &'a ProfileSource,
    entries: Entries,
    extends: Option<(String, Origin)>,
    is_base: bool,
    /// Whether it can be read at all.
    sound: bool,
}

/// The profiles on their way.
struct Loader<'a> {
    parsed: BTreeMap<&'a str, Parsed<'a>>,
    /// Entries with those of all that they extend below them.
    merged: HashMap<&'a str, Arc<Entries>>,
    overlays: Overlays,
    crosswalks: CrossReferences<'a>,
    problems: Vec<Problem>,
}

/// Entries that are a profile's own, and that nobody inherits.
const OWN: [&str; 4] = ["title", "extends", "base", "source"];

impl Loader<'_> {
    /// Leaves out those that are there to be extended and that nobody extends, with what is wrong with them.
    fn forget_unused(&mut self) {
        let mut used: Vec<&str> =
            self.parsed.values().filter(|p| !p.source.to_extend).map(|p| &*p.source.name).collect();
        let mut next = 0;
        while let Some(name) = used.get(next).copied() {
            next += 1;
            let extends = self.parsed.get(name).and_then(|p| p.extends.as_ref());
            if let Some((base, _)) = extends
                && let Some((base, _)) = self.parsed.get_key_value(base.as_str())
                && !used.contains(base)
            {
                used.push(base);
            }
        }
        let used: HashSet<String> = used.into_iter().map(str::to_owned).collect();
        let problems = &mut self.problems;
        self.parsed.retain(|name, parsed| {
            let is_used = used.contains(*name);
            if !is_used {
                let folder = format!("{}/", parsed.source.folder);
                problems.retain(|problem| !problem.file.starts_with(&folder));
            }
            is_used
        });
    }
}

impl<'a> Loader<'a> {
    fn parse(sources: &'a [ProfileSource], known: Known<'_>) -> Self {
        let mut loader = Self {
            parsed: BTreeMap::new(),
            merged: HashMap::new(),
            overlays: Overlays::default(),
            crosswalks: CrossReferences::default(),
            problems: Vec::new(),
        };
        let last: BTreeMap<&str, &ProfileSource> =
            sources.iter().map(|source| (source.name.as_str(), source)).collect();
        for (name, source) in last {
            let before = loader.problems.len();
            let entries = loader.parse_one(source);
            loader.overlays.parse(source, known, &mut loader.problems);
            loader.crosswalks.add(source);
            let sound = !loader.problems.iter().skip(before).any(Problem::is_error);
            let extends = entries.get("extends").and_then(|node| match &node.value {
                Value::Text(name) => Some((name.clone(), node.origin.clone())),
                other => {
                    let words = format!("`extends` is the name of a profile, not {}", other.what());
                    loader.problems.push(Problem::at(&node.origin, words));
                    None
                }
            });
            let is_base = match entries.get("base").map(|node| (&node.value, node)) {
                Some((Value::Boolean(flag), _)) => *flag,
                Some((other, node)) => {
                    let words = format!("`base` is true or false, not {}", other.what());
                    loader.problems.push(Problem::at(&node.origin, words));
                    false
                }
                None => false,
            };
            loader.parsed.insert(name, Parsed { source, entries, extends, is_base, sound });
        }
        loader
    }

    fn parse_one(&mut self, source: &ProfileSource) -> Entries {
        let folder = &source.folder;
        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let name = &source.name;
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(usable) {
            let words = format!("the name {name:?} is not one of small letters, digits and `-`");
            self.problems.push(Problem::whole(folder, words));
        }
        let Some(file) = source.files.iter().find(|file| file.path.as_ref() == PARTNER_FILE) else {
            self.problems.push(Problem::whole(folder, format!("holds no {PARTNER_FILE}")));
            return Entries::new();
        };
        let shown: Arc<str> = format!("{folder}/{PARTNER_FILE}").into();
        let before = self.problems.len();
        let entries = parse(&name.as_str().into(), &shown, &file.text, &mut self.problems);
        if entries.is_empty() && self.problems.len() == before {
            let words = "says nothing; it needs at least `endpoint`, `[identity.production]` and `[mailbox]`, or `base = true`";
            self.problems.push(Problem::whole(&shown, words));
        }
        if !source.to_extend {
            warn_of_sources(&entries, &mut self.problems);
        }
        for (key, node) in &entries {
            unfinished(key, node, &mut self.problems);
        }
        entries
    }

    /// Reads one profile; `None` where it is a base, or cannot be used.
    fn read(&mut self, name: &'a str, known: Known<'_>) -> Option<Partner> {
        let chain = self.chain(name)?;
        let sound = chain.iter().all(|name| self.parsed.get(name).is_some_and(|p| p.sound));
        if self.parsed.get(name).is_some_and(|parsed| parsed.entries.is_empty()) {
            return None;
        }
        let entries = self.merged(&chain);
        let parsed = self.parsed.get(name)?;
        let is_base = parsed.is_base || parsed.source.to_extend;
        let mut overlays = std::mem::take(&mut self.overlays);
        let mut crosswalks = std::mem::take(&mut self.crosswalks);
        let draft = Draft {
            name,
            chain: chain.iter().map(|name| (*name).into()).collect(),
            entries: &entries,
            is_base,
            known,
            overlays: &mut overlays,
            crosswalks: &mut crosswalks,
        };
        let mut log = Log::default();
        let partner = draft.read(&mut log);
        (self.overlays, self.crosswalks) = (overlays, crosswalks);
        let parsed = self.parsed.get(name)?;
        let good = sound && !log.problems.iter().any(Problem::is_error);
        // What is shipped is proved by a test, and nobody's task at a start.
        let file = format!("{}/{PARTNER_FILE}", parsed.source.folder);
        self.problems.extend(log.problems.into_iter().map(|problem| {
            if problem.file.is_empty() {
                Problem { file: file.clone(), ..problem }
            } else {
                problem
            }
        }));
        partner.filter(|_| good && !is_base)
    }

    /// The profile and all that it extends, nearest first.
    fn chain(&mut self, name: &'a str) -> Option<Vec<&'a str>> {
        let mut chain = vec![name];
        let mut at = name;
        while let Some((next, origin)) = self.parsed.get(at).and_then(|p| p.extends.clone()) {
            let Some((&found, _)) = self.parsed.get_key_value(next.as_str()) else {
                let names: Vec<&str> = self.parsed.keys().copied().collect();
                let otherwise = format!("there are `{}`", names.join("`, `"));
                let mend = suggest::mend(&next, names.iter().copied(), &otherwise);
                let words = format!("`extends` names no profile: `{next}`; {mend}");
                self.problems.push(Problem::at(&origin, words));
                return None;
            };
            if chain.contains(&found) {
                let words = if found == at {
                    "a profile cannot extend itself".to_owned()
                } else {
                    format!("`extends` goes in a circle: {} → {found}", chain.join(" → "))
                };
                // Only those that are in the circle are blamed, each once.
                if found == name {
                    self.problems.push(Problem::at(&origin, words));
                }
                return None;
            }
            if chain.len() == CHAIN_MAX {
                let words = format!("`extends` is more than {CHAIN_MAX} profiles deep");
                self.problems.push(Problem::at(&origin, words));
                return None;
            }
            chain.push(found);
            at = found;
        }
        Some(chain)
    }

    fn merged(&mut self, chain: &[&'a str]) -> Arc<Entries> {
        let mut below: Option<Arc<Entries>> = None;
        for name in chain.iter().rev() {
            let merged = match self.merged.get(name) {
                Some(merged) => Arc::clone(merged),
                None => Arc::new(match (&below, self.parsed.get(name)) {
                    (Some(below), Some(parsed)) => merge(&inherited(below), &parsed.entries),
                    (None, Some(parsed)) => parsed.entries.clone(),
                    (_, None) => Entries::new(),
                }),
            };
            self.merged.insert(name, Arc::clone(&merged));
            below = Some(merged);
        }
        below.unwrap_or_default()
    }
}

/// What a profile hands on.
fn inherited(entries: &Entries) -> Entries {
    let mut inherited = entries.clone();
    for key in OWN {
        inherited.remove(key);
    }
    inherited
}

/// Sections in which nothing says where it was agreed.
fn warn_of_sources(entries: &Entries, problems: &mut Vec<Problem>) {
    const SECTIONS: [&str; 9] = [
        "identity",
        "envelope",
        "control_numbers",
        "duplicates",
        "acknowledgements",
        "processing",
        "documents",
        "deadlines",
        "crosswalks",
    ];
    for (key, node) in entries.iter().filter(|(key, _)| SECTIONS.contains(&key.as_ref())) {
        let parts = match (&node.value, key.as_ref()) {
            (Value::Table(inner), "identity" | "documents" | "deadlines") => {
                let named = inner.iter().filter(|(name, _)| name.as_ref() != "source");
                named.map(|(name, node)| (format!("{key}.{name}"), node)).collect()
            }
            _ => vec![(key.to_string(), node)],
        };
        for (path, node) in parts.into_iter().filter(|(_, node)| lacks_source(node)) {
            let words = format!(
                "nothing says where `{path}` was agreed; add `source = \"document, page, date\"` to it, or at the top of the file"
            );
            problems.push(Problem::at(&node.key, words).warning());
        }
    }
}

/// What a text begins with that is still to be filled in, as `partner new` writes it.
const TO_DO: &str = "TODO";

/// Texts that are still to be filled in.
fn unfinished(key: &str, node: &Node, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::Text(text) if text.starts_with(TO_DO) => {
            let words = format!("`{key}` {}: {text}", Problem::TO_FILL_IN);
            problems.push(Problem::at(&node.origin, words));
        }
        Value::Table(entries) => {
            for (key, node) in entries {
                unfinished(key, node, problems);
            }
        }
        Value::List(list) => {
            for node in list {
                unfinished(key, node, problems);
            }
        }
        _ => {}
    }
}

fn lacks_source(node: &Node) -> bool {
    node.source.is_none()
        && match &node.value {
            Value::Table(entries) => entries.values().any(|inner| lacks_source(inner)),
            _ => true,
        }
}
