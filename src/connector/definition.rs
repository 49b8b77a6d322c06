//! `connector.toml` and the programs beside it, read and checked: a [`Connector`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::access::{Auth, AuthTable, Breaker, Rate, Template, Tls};
use super::answer::{Meaning, Meanings};
use super::handling::{Handling, Idempotency, Poll, Reading, Search, Step, VARIABLES};
use super::hook::Hook;
use super::jq::Program;
use super::settings::{Declared, Settings};
use super::source::{CONNECTOR_FILE, ConnectorSource};
use crate::canonical::Document;
use crate::grammar::suggest;
use crate::profile::{Problem, Sections};

/// Seconds until a call counts as failed, where nothing is said.
const TIMEOUT_SECONDS: u32 = 30;
/// What the address of a folder begins with.
const FOLDER: &str = "file:";
/// The name under which documents of every other kind are handled.
const ANY: &str = "any";

/// A connector, ready for use.
#[derive(Debug)]
pub struct Connector {
    /// The name of its folder.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// What an endpoint says for it.
    pub settings: BTreeMap<String, Declared>,
    /// Where the API is.
    pub base_url: Template,
    /// How calls sign in.
    pub auth: Auth,
    /// Certificates beyond the usual ones.
    pub tls: Tls,
    /// From the first byte of a call to the last of its answer.
    pub timeout_seconds: u32,
    /// How often it is called at most; nothing: as often as there is something to say.
    pub rate: Option<Rate>,
    /// When it is left alone for a while.
    pub breaker: Breaker,
    documents: BTreeMap<String, Handling>,
    /// What is fetched.
    pub polls: Vec<Poll>,
    /// By which it tells of itself, by name.
    pub hooks: BTreeMap<String, Hook>,
}

impl Connector {
    /// Reads a connector's texts.
    ///
    /// # Errors
    /// Everything that is wrong with them, in the order of files and lines.
    pub fn read(source: &ConnectorSource) -> Result<Self, Vec<Problem>> {
        let Some(file) = source.file(CONNECTOR_FILE) else {
            let words = format!("the folder has no {CONNECTOR_FILE}");
            return Err(vec![Problem::whole(&source.name, words)]);
        };
        let sections = Sections::parse(&file.path, &file.text);
        let (settings, faults) = (BTreeMap::new(), Vec::new());
        let reader = Reader { source, sections, settings, is_folder: false, faults };
        reader.connector()
    }

    /// How documents of a kind are handed over; nothing where the connector knows none.
    #[must_use]
    pub fn handling(&self, kind: &str) -> Option<&Handling> {
        self.documents.get(kind).or_else(|| self.documents.get(ANY))
    }

    /// The folder that calls read and write, where that is what it describes and no API; relative to where the endpoint
    /// is said.
    #[must_use]
    pub fn folder(&self, settings: &Settings) -> Option<PathBuf> {
        if !self.base_url.begins_with(FOLDER) {
            return None;
        }
        self.base_url.fill(settings).strip_prefix(FOLDER).map(PathBuf::from)
    }

    /// The kinds that are handed over; `any` stands for all others.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.documents.keys().map(String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingTable {
    about: String,
    #[serde(default)]
    secret: bool,
    default: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentTable {
    program: Option<String>,
    check: Option<String>,
    #[serde(default)]
    step: Vec<StepTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    name: String,
    call: Option<String>,
    idempotency: Option<Idempotency>,
    header: Option<String>,
    search: Option<String>,
    found: Option<String>,
    result: Option<String>,
    ok: Option<MeaningTable>,
    refused: Option<MeaningTable>,
    retry: Option<MeaningTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PollTable {
    kind: String,
    program: Option<String>,
    call: String,
    items: Option<String>,
    orders: Option<String>,
    document: String,
    cursor: Option<String>,
    more: Option<String>,
    #[serde(default)]
    every_seconds: u32,
    ok: Option<MeaningTable>,
    refused: Option<MeaningTable>,
    retry: Option<MeaningTable>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MeaningTable {
    Statuses(Vec<u16>),
    Program(String),
}

pub(super) struct Reader<'a> {
    source: &'a ConnectorSource,
    pub(super) sections: Sections<'a>,
    pub(super) settings: BTreeMap<String, Declared>,
    /// Whether calls go into a folder.
    is_folder: bool,
    /// Of the programs.
    faults: Vec<Problem>,
}

/// Where an entry of `connector.toml` stands.
pub(super) type Path<'p> = &'p [&'p str];

impl Reader<'_> {
    fn connector(mut self) -> Result<Connector, Vec<Problem>> {
        let title = self.sections.required::<String>("title").unwrap_or_default();
        self.settings = self.declared();
        let base_url = self.base_url();
        let auth = self.auth();
        let tls = self.tls();
        let timeout = self.sections.read::<u32>("timeout_seconds").unwrap_or(TIMEOUT_SECONDS);
        if timeout == 0 {
            self.wrong(&["timeout_seconds"], "`timeout_seconds` is at least 1");
        }
        let rate = self.sections.read::<Rate>("rate");
        if rate.is_some_and(|rate| !(rate.per_second > 0.0 && rate.burst > 0)) {
            self.wrong(&["rate"], "rate: `per_second` is more than 0, `burst` at least 1");
        }
        let breaker: Breaker = self.sections.optional("breaker");
        if breaker.failures == 0 || breaker.pause_seconds == 0 {
            self.wrong(&["breaker"], "breaker: `failures` and `pause_seconds` are at least 1");
        }
        let tables: BTreeMap<String, DocumentTable> = self.sections.optional("documents");
        let documents: BTreeMap<String, Handling> = tables
            .into_iter()
            .map(|(kind, table)| (kind.clone(), self.handling(&kind, table)))
            .collect();
        let polls: Vec<PollTable> = self.sections.optional("poll");
        let polls: Vec<Poll> = polls
            .into_iter()
            .enumerate()
            .filter_map(|(index, table)| self.poll(&index.to_string(), table))
            .collect();
        let hooks = self.hooks();
        let mut named = ["documents", "poll", "webhook"].into_iter();
        if named.all(|section| self.sections.place(&[section]).is_none()) {
            let words = "it takes nothing and fetches nothing: say `[documents.KIND]`, `[[poll]]` or `[webhook.NAME]`";
            self.sections.problem(None, words);
        }
        let Self { source, sections, settings, mut faults, .. } = self;
        let mut problems = sections.finish();
        faults.sort();
        faults.dedup();
        problems.extend(faults);
        let (Some(base_url), Some(auth), true) = (base_url, auth, problems.is_empty()) else {
            return Err(problems);
        };
        let name = source.name.clone();
        Ok(Connector {
            name,
            title,
            settings,
            base_url,
            auth,
            tls,
            timeout_seconds: timeout,
            rate,
            breaker,
            documents,
            polls,
            hooks,
        })
    }

    pub(super) fn wrong(&mut self, path: Path<'_>, words: impl Into<String>) {
        let place = self.sections.place(path);
        self.sections.problem(place, words);
    }

    fn declared(&mut self) -> BTreeMap<String, Declared> {
        let tables: BTreeMap<String, SettingTable> = self.sections.optional("settings");
        let mut declared = BTreeMap::new();
        for (name, SettingTable { about, secret, default }) in tables {
            let default = default.map(|value| serde_json::to_value(value).unwrap_or_default());
            if secret && default.as_ref().is_some_and(|value| value.as_str() != Some("")) {
                let words =
                    format!("settings.{name}: a secret has no default but \"\": none is needed");
                self.wrong(&["settings", &name, "default"], words);
            }
            declared.insert(name, Declared { about, secret, default });
        }
        declared
    }

    fn base_url(&mut self) -> Option<Template> {
        let text: String = self.sections.required("base_url")?;
        let read = Template::read(&text, &self.settings);
        let begins = ["http://", "https://", FOLDER, "{"];
        if !begins.iter().any(|begin| text.starts_with(begin)) {
            let words = "`base_url` begins with http://, https:// or a setting; with file: where it is a folder";
            self.wrong(&["base_url"], words);
        }
        if text.starts_with(FOLDER) {
            self.is_folder();
        }
        read.map_err(|words| self.wrong(&["base_url"], format!("base_url: {words}"))).ok()
    }

    /// What a folder knows nothing of.
    fn is_folder(&mut self) {
        for section in ["auth", "tls", "rate", "breaker", "timeout_seconds"] {
            if self.sections.place(&[section]).is_some() {
                self.wrong(
                    &[section],
                    format!("`{section}` says nothing of a folder: leave it out"),
                );
            }
        }
        self.is_folder = true;
    }

    fn auth(&mut self) -> Option<Auth> {
        let table: AuthTable = self.sections.optional("auth");
        match table.check(&self.settings) {
            Ok(auth) => Some(auth),
            Err(problems) => {
                for (key, words) in problems {
                    self.wrong(&["auth", key], format!("auth: {words}"));
                }
                None
            }
        }
    }

    fn tls(&mut self) -> Tls {
        let tls: Tls = self.sections.optional("tls");
        let named = [("authorities", &tls.authorities), ("identity", &tls.identity)];
        for (key, name) in named {
            let Some(name) = name else { continue };
            if !self.settings.get(name).is_some_and(|setting| setting.secret) {
                let words = format!(
                    "tls: `{key}` names a secret setting, and `{name}` is none: declare it, so that it is given as file:PATH"
                );
                self.wrong(&["tls", key], words);
            }
        }
        tls
    }

    fn handling(&mut self, kind: &str, table: DocumentTable) -> Handling {
        let DocumentTable { program, check, step } = table;
        let base = ["documents", kind];
        if kind != ANY {
            self.is_kind(kind, &base);
        }
        let file = self.program_file(kind, program, &base);
        let check =
            check.and_then(|text| self.program(&file, &text, &["documents", kind, "check"]));
        if step.is_empty() {
            let words = format!("documents.{kind}: has no step: say `[[documents.{kind}.step]]`");
            self.wrong(&base, words);
        }
        let mut names: Vec<String> = Vec::new();
        let mut steps = Vec::new();
        for (index, table) in step.into_iter().enumerate() {
            let index = index.to_string();
            let path = ["documents", kind, "step", &index];
            if names.contains(&table.name) {
                let words = format!("there is a step `{}` before: results have names", table.name);
                self.wrong(&path, words);
            }
            names.push(table.name.clone());
            steps.extend(self.step(&file, &path, table));
        }
        Handling { check, steps }
    }

    fn step(&mut self, file: &str, path: &[&str; 4], table: StepTable) -> Option<Step> {
        let StepTable { name, call, idempotency, header, search, found, result, .. } = table;
        let StepTable { ok, refused, retry, .. } = table;
        if !is_plain(&name) {
            self.wrong(path, format!("step `{name}`: its name has letters, digits and _ only"));
        }
        let at = |key| [path[0], path[1], path[2], path[3], key];
        let searches = idempotency == Some(Idempotency::Search);
        let Some(idempotency) = idempotency else {
            let words = format!(
                "step `{name}`: `idempotency` is missing: what keeps a repeated call from an effect of its own? One of `read`, `header`, `natural-key`, `search`"
            );
            self.wrong(path, words);
            return None;
        };
        if searches != search.is_some() || (found.is_some() && !searches) {
            let words = format!(
                "step `{name}`: `idempotency = \"search\"` and `search` (with `found`) belong together"
            );
            self.wrong(path, words);
        }
        if self.is_folder && matches!(idempotency, Idempotency::Header | Idempotency::Search) {
            let words = format!(
                "step `{name}`: a folder knows no headers, and is not searched; say `natural-key`: a file of the same name takes the place of the one before"
            );
            self.wrong(&at("idempotency"), words);
        }
        if header.is_some() && idempotency != Idempotency::Header {
            self.wrong(&at("header"), "`header` belongs to `idempotency = \"header\"`");
        }
        let call = self.program(file, call.as_deref().unwrap_or(&name), &at("call"));
        let search = search.and_then(|search| {
            let found = found.as_deref().unwrap_or(".[0]");
            let found = self.program(file, found, &at("found"));
            let call = self.program(file, &search, &at("search"));
            Some(Search { call: call?, found: found? })
        });
        let result = result.map(|text| self.program(file, &text, &at("result")));
        let meanings = Meanings {
            ok: self.meaning(file, ok, &at("ok")),
            refused: self.meaning(file, refused, &at("refused")),
            retry: self.meaning(file, retry, &at("retry")),
        };
        let header = header.unwrap_or_else(|| "Idempotency-Key".to_owned());
        let result = match result {
            None => None,
            Some(program) => Some(program?),
        };
        Some(Step { name, call: call?, idempotency, header, search, result, meanings })
    }

    fn poll(&mut self, index: &str, table: PollTable) -> Option<Poll> {
        let PollTable { kind, program, call, items, orders, document, cursor, more, .. } = table;
        let PollTable { every_seconds, ok, refused, retry, .. } = table;
        let base = ["poll", index];
        let at = |key| ["poll", index, key];
        self.is_kind(&kind, &at("kind"));
        let file = self.program_file(&kind, program, &base);
        let call = self.program(&file, &call, &at("call"));
        let items = items.unwrap_or_else(|| ".[]".to_owned());
        let reading = self.reading(&file, &base, (kind, &items, orders, &document));
        let cursor = self.program(&file, cursor.as_deref().unwrap_or("$cursor"), &at("cursor"));
        let more = self.optional(&file, more, &at("more"));
        let meanings = Meanings {
            ok: self.meaning(&file, ok, &at("ok")),
            refused: self.meaning(&file, refused, &at("refused")),
            retry: self.meaning(&file, retry, &at("retry")),
        };
        Some(Poll {
            reading: reading?,
            call: call?,
            cursor: cursor?,
            more: more?,
            every_seconds,
            meanings,
        })
    }

    /// How documents are made of records: their kind, and the programs `items`, `orders`, `document`.
    pub(super) fn reading(
        &mut self,
        file: &str,
        base: &[&str; 2],
        (kind, items, orders, document): (String, &str, Option<String>, &str),
    ) -> Option<Reading> {
        let at = |key| [base[0], base[1], key];
        let items = self.program(file, items, &at("items"));
        let document = self.program(file, document, &at("document"));
        let orders = self.optional(file, orders, &at("orders"));
        Some(Reading { kind, items: items?, orders: orders?, document: document? })
    }

    /// A program that need not be there.
    #[expect(clippy::option_option, reason = "the outer one is a program that cannot be used")]
    pub(super) fn optional(
        &mut self,
        file: &str,
        text: Option<String>,
        path: Path<'_>,
    ) -> Option<Option<Program>> {
        match text {
            None => Some(None),
            Some(text) => self.program(file, &text, path).map(Some),
        }
    }

    /// Whether there are documents of a kind.
    pub(super) fn is_kind(&mut self, kind: &str, path: Path<'_>) {
        if !Document::KINDS.contains(&kind) {
            let otherwise = format!("there are {}", Document::KINDS.join(", "));
            let mend = suggest::mend(kind, Document::KINDS, &otherwise);
            self.wrong(path, format!("there is no kind of document `{kind}`; {mend}"));
        }
    }

    fn meaning(
        &mut self,
        file: &str,
        table: Option<MeaningTable>,
        path: Path<'_>,
    ) -> Option<Meaning> {
        match table? {
            MeaningTable::Statuses(statuses) => {
                let strange = statuses.iter().find(|status| !(100..600).contains(*status));
                if let Some(strange) = strange {
                    self.wrong(path, format!("{strange} is no status of HTTP"));
                }
                Some(Meaning::Statuses(statuses))
            }
            MeaningTable::Program(text) => self.program(file, &text, path).map(Meaning::Program),
        }
    }

    /// The file of programs for a kind: the one that is named, or `KIND.jq`, which need not be there.
    pub(super) fn program_file(
        &mut self,
        kind: &str,
        named: Option<String>,
        path: Path<'_>,
    ) -> String {
        let Some(named) = named else { return format!("{kind}.jq") };
        if self.source.file(&named).is_none() {
            let own = self.source.files.iter().map(|(name, _)| name.as_str());
            let programs: Vec<&str> = own.filter(|name| *name != CONNECTOR_FILE).collect();
            let otherwise = format!("its programs are `{}`", programs.join("`, `"));
            let mend = suggest::mend(&named, programs.iter().copied(), &otherwise);
            let mut path = path.to_vec();
            path.push("program");
            self.wrong(&path, format!("the folder has no file `{named}`; {mend}"));
        }
        named
    }

    /// A program: an expression behind the definitions of a file.
    fn program(&mut self, file: &str, expression: &str, path: Path<'_>) -> Option<Program> {
        let definitions = self.source.file(file);
        if let Some(definitions) = definitions
            && let Err(faults) = Program::compile(&format!("{}\n.", definitions.text), &VARIABLES)
        {
            let (path, text) = (&definitions.path, &definitions.text);
            self.faults.extend(faults.into_iter().map(|fault| fault.in_file(path, text)));
            return None;
        }
        let text = definitions.map_or("", |file| &file.text);
        match Program::compile(&format!("{text}\n{expression}"), &VARIABLES) {
            Ok(program) => Some(program),
            Err(faults) => {
                for fault in faults {
                    let words = format!("`{}`: {}", brief_text(expression), fault.words);
                    let beside = if definitions.is_some() || fault.words.contains("expected") {
                        String::new()
                    } else {
                        format!(" (the folder has no {file})")
                    };
                    self.wrong(path, format!("{words}{beside}"));
                }
                None
            }
        }
    }
}

fn brief_text(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CHARS_MAX {
        return line;
    }
    line.chars().take(CHARS_MAX).chain(['…']).collect()
}

/// Whether a name can stand behind a dot in a program.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
