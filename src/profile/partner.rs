//! Everything that is agreed with one trading partner, resolved and ready for use.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::agreement::{Agreement, Direction, Known, State};
use super::cross_references::CrossReferences;
use super::documents::{Deadline, DocumentFlow, Moment};
use super::envelope::Envelope;
use super::identity::{Contact, Identities, Usage};
use super::mailbox::Mailbox;
use super::node::{Entries, Node, Value, merge};
use super::numbers::ControlNumbers;
use super::policies::{Acknowledgements, Answer, Duplicates, Processing, TrailingSpaces};
use super::problem::{Origin, Problem};
use super::row::Row;
use super::rules::{self, Overlays};
use super::section::{Log, Section};
use crate::crosswalk::Crosswalks;
use crate::exceptions::{Kind, Policy, Severity};

/// The agreement with a trading partner.
#[derive(Debug, Clone)]
pub struct Partner {
    /// Its name: that of its folder. Small letters, digits and `-`.
    pub name: String,
    /// How people call it.
    pub title: String,
    /// The profiles that it rests on: itself, what it extends, and so on.
    pub chain: Vec<Arc<str>>,
    /// `live`; `shadow`: everything is translated and recorded, nothing leaves; or `off`: its mailbox is not
    /// looked at.
    pub state: State,
    /// ISA15 of what we send, and which identities it is sent with.
    pub usage: Usage,
    /// Whom to ask.
    pub contacts: Vec<Contact>,
    /// By whom an interchange is known to be this partner's.
    pub identity: Identities,
    /// How our interchanges look.
    pub envelope: Arc<Envelope>,
    /// How those with a certain set look, where that is different.
    pub envelopes: BTreeMap<Arc<str>, Arc<Envelope>>,
    /// Where control numbers come from.
    pub control_numbers: ControlNumbers,
    /// What becomes of what comes twice.
    pub duplicates: Duplicates,
    /// What is answered, and until when answers are expected.
    pub acknowledgements: Acknowledgements,
    /// How far a fault reaches.
    pub processing: Processing,
    /// What flows, by the canonical kind.
    pub documents: BTreeMap<Arc<str>, Arc<DocumentFlow>>,
    /// What it calls things, and what we call them.
    pub crosswalks: Crosswalks,
    /// Until when documents are expected.
    pub deadlines: Vec<Deadline>,
    /// Whose exceptions are, and until when somebody should have looked at them.
    pub exceptions: Policy,
    /// Where files are exchanged.
    pub mailbox: Mailbox,
    /// Name of the endpoint, as `crossdock.toml` has it.
    pub endpoint: String,
    /// The endpoint for documents of test interchanges (ISA15 `T`). Without it they are set aside: a test order
    /// never reaches the production endpoint.
    pub test_endpoint: Option<String>,
    pub(super) agreements: Vec<Agreement>,
    pub(super) settings: Box<[Row]>,
}

impl Partner {
    /// The flow of a kind of document in a direction, if it is agreed.
    #[must_use]
    pub fn flow(&self, kind: &str, direction: Direction) -> Option<&Arc<DocumentFlow>> {
        self.documents.get(kind).filter(|flow| flow.direction == direction)
    }

    /// The agreement for a set in a direction and release; the release may be a whole GS08.
    #[must_use]
    pub fn agreement(&self, direction: Direction, set: &str, release: &str) -> Option<&Agreement> {
        let release = release.get(..6).unwrap_or(release);
        let mut of_set = self.agreements.iter().filter(|a| a.set() == set);
        of_set.find(|a| a.direction == direction && a.release() == release)
    }

    /// The agreement by which a kind of document is written.
    #[must_use]
    pub fn outbound(&self, kind: &str) -> Option<&Agreement> {
        let mut out = self.agreements.iter().filter(|a| a.direction == Direction::Out);
        out.find(|agreement| agreement.kind.as_ref() == kind)
    }

    /// Every agreement, by kind, set and release.
    #[must_use]
    pub fn agreements(&self) -> &[Agreement] {
        &self.agreements
    }

    /// How an interchange of ours with a set looks.
    #[must_use]
    pub fn envelope_of(&self, set: &str) -> &Arc<Envelope> {
        self.envelopes.get(set).unwrap_or(&self.envelope)
    }

    /// All that is in force, row by row: settings, those among them that nobody wrote too, then the rules of each
    /// agreement.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = self.settings.to_vec();
        rows.extend(self.agreements.iter().flat_map(rules::rows));
        rows
    }

    /// Where a setting stands; nothing where nobody wrote it.
    #[must_use]
    pub fn origin(&self, section: &str, subject: &str) -> Option<&Origin> {
        let mut rows = self.settings.iter().filter(|row| row.section.as_ref() == section);
        rows.find(|row| row.subject == subject)?.origin.as_ref()
    }
}

/// What a profile is read from.
pub(super) struct Draft<'a, 's> {
    pub name: &'a str,
    pub chain: Vec<Arc<str>>,
    pub entries: &'a Entries,
    pub is_base: bool,
    pub known: Known<'a>,
    pub overlays: &'a mut Overlays,
    pub crosswalks: &'a mut CrossReferences<'s>,
}

impl Draft<'_, '_> {
    /// Reads the whole of a profile; `None` where something that must be there is not.
    pub(super) fn read(self, log: &mut Log) -> Option<Partner> {
        let Self { name, chain, entries, is_base, known, overlays, crosswalks } = self;
        let mut whole = Section::whole(entries, log);
        for key in ["extends", "base"] {
            whole.node(key);
        }
        let title = title(&mut whole, name);
        let state = whole.choice("state", State::default());
        let usage = whole.choice("usage", Usage::default());
        let (endpoint, test_endpoint) = endpoints(&mut whole, is_base);
        let contacts = contacts(&mut whole);
        let identity = read_section(&mut whole, "identity", |section| {
            Identities::read(section, &known, is_base)
        });
        let envelope = read_section(&mut whole, "envelope", |section| {
            section.names("sets");
            Arc::new(Envelope::read(section, &known))
        });
        let envelopes = envelopes(entries, &known, whole.log);
        if let Some(identity) = &identity {
            let all = std::iter::once(&envelope).chain(envelopes.values());
            delimiters_in_identities(identity, all, whole.log);
        }
        let control_numbers = read_section(&mut whole, "control_numbers", ControlNumbers::read);
        let duplicates = read_section(&mut whole, "duplicates", Duplicates::read);
        control_numbers.for_days(duplicates.days, &mut whole.section("control_numbers"));
        let acknowledgements = read_section(&mut whole, "acknowledgements", |section| {
            Acknowledgements::read(section, &known)
        });
        let processing = read_section(&mut whole, "processing", Processing::read);
        let documents = documents(&mut whole, &known);
        let crosswalks = read_section(&mut whole, "crosswalks", |s| crosswalks.read(s, &known));
        let due = Some(acknowledgements.due).filter(|_| acknowledgements.expected);
        let deadlines = read_section(&mut whole, "deadlines", |s| Deadline::read(s, due));
        let exceptions = read_section(&mut whole, "exceptions", exceptions);
        of_nothing(&documents, &deadlines, is_base, whole.log);
        let mailbox = Mailbox::read(&mut whole, is_base);
        let mut agreements = agreements(&documents, &envelope, &envelopes, &known, &mut whole);
        if !is_base {
            let known = envelopes.keys().filter(|set| !known.releases_of(set).is_empty());
            of_no_set(known, &agreements, &acknowledgements, whole.log);
        }
        let keep_blanks = processing.trailing_spaces == TrailingSpaces::Keep;
        lay_rules(&mut agreements, &chain, overlays, (known, keep_blanks, is_base), whole.log);
        whole.end();
        Some(Partner {
            name: name.to_owned(),
            title,
            chain,
            state,
            usage,
            contacts,
            identity: identity?,
            envelope,
            envelopes,
            control_numbers,
            duplicates,
            acknowledgements,
            processing,
            documents,
            crosswalks,
            deadlines,
            exceptions,
            mailbox: mailbox?,
            endpoint: endpoint?,
            test_endpoint,
            agreements,
            settings: std::mem::take(&mut log.rows).into(),
        })
    }
}

/// Agreements without a document that they are about.
fn of_nothing(
    documents: &BTreeMap<Arc<str>, Arc<DocumentFlow>>,
    deadlines: &[Deadline],
    is_base: bool,
    log: &mut Log,
) {
    if is_base {
        return;
    }
    if documents.is_empty() {
        let words = "no document flows: say which in [documents.order], [documents.shipment] or [documents.invoice]";
        log.problems.push(Problem::whole("", words).warning());
    }
    for deadline in deadlines {
        let (key, kind) = match deadline.of {
            Moment::ShipNotice => ("ship_notice", "shipment"),
            _ => ("invoice", "invoice"),
        };
        let section = format!("deadlines.{key}");
        let row = log.rows.iter().find(|row| row.section.as_ref() == section);
        if let Some(origin) = row.and_then(|row| row.origin.clone())
            && !documents.contains_key(kind)
        {
            let words =
                format!("{section}: has no effect: no such document flows (documents.{kind})");
            log.problems.push(Problem::at(&origin, words).warning());
        }
    }
}

/// Looks of sets of which none flows.
fn of_no_set<'a>(
    sets: impl Iterator<Item = &'a Arc<str>>,
    agreements: &[Agreement],
    acknowledgements: &Acknowledgements,
    log: &mut Log,
) {
    let answered = acknowledgements.answer == Answer::Always;
    for set in sets {
        let answers = answered && acknowledgements.policy.kind.set() == set.as_ref();
        let section = format!("envelope.sets.{set}");
        let row = log.rows.iter().find(|row| row.section.as_ref() == section);
        if let Some(origin) = row.and_then(|row| row.origin.clone())
            && !answers
            && agreements.iter().all(|agreement| agreement.set() != set.as_ref())
        {
            let words = format!("{section}: has no effect: no {set} flows");
            log.problems.push(Problem::at(&origin, words).warning());
        }
    }
}

fn read_section<T>(
    whole: &mut Section<'_>,
    key: &'static str,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> T {
    let mut section = whole.section(key);
    let value = read(&mut section);
    section.end();
    value
}

fn title(whole: &mut Section<'_>, name: &str) -> String {
    let title = whole.text_or("title", name);
    if title.trim().is_empty() {
        whole.wrong_key("title", "is how people call the partner");
    }
    title
}

/// `endpoint` and `test_endpoint`.
fn endpoints(whole: &mut Section<'_>, is_base: bool) -> (Option<String>, Option<String>) {
    let (endpoint, of_test) = (endpoint_of(whole, "endpoint"), endpoint_of(whole, "test_endpoint"));
    if endpoint.is_none() && !is_base && !whole.has("endpoint") {
        whole.missing("endpoint");
    }
    if of_test.is_some() && of_test == endpoint {
        let words = "is the endpoint of production: a test order would be delivered as a real one";
        whole.warn_key("test_endpoint", words);
    }
    (endpoint, of_test)
}

fn endpoint_of(whole: &mut Section<'_>, key: &'static str) -> Option<String> {
    let name = whole.text(key)?;
    if name.trim().is_empty() {
        whole.wrong_key(key, "is the name of an endpoint");
    }
    Some(name.to_owned())
}

fn contacts(whole: &mut Section<'_>) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for node in whole.tables("contacts") {
        let mut section = Section::of("contacts".into(), Some(node), whole.log);
        contacts.extend(Contact::read(&mut section));
        section.end();
    }
    contacts
}

/// `[exceptions]`
fn exceptions(section: &mut Section<'_>) -> Policy {
    let owner = section.text("owner").map(str::to_owned);
    let mut policy = Policy { owner, ..Policy::default() };
    for severity in Severity::ALL {
        policy.within.extend(section.duration(severity.name()).map(|span| (severity, span)));
    }
    for pair in Severity::ALL.windows(2) {
        if let [graver, other] = pair
            && let (Some(span), Some(least)) = (policy.within.get(graver), policy.within.get(other))
            && span > least
        {
            let words = format!("may wait longer than `{}`, which is less grave", other.name());
            section.warn_key(graver.name(), words);
        }
    }
    let mut owners = section.section("owners");
    for entry in Kind::all() {
        let owner = owners.text(entry.name).map(str::to_owned);
        policy.owners.extend(owner.map(|owner| (entry.kind, owner)));
    }
    owners.end();
    policy
}

fn documents(whole: &mut Section<'_>, known: &Known<'_>) -> BTreeMap<Arc<str>, Arc<DocumentFlow>> {
    let mut documents = BTreeMap::new();
    for (kind, node) in whole.names("documents") {
        if let Some(flow) = DocumentFlow::read(&kind, node, known, whole.log) {
            documents.insert(kind, Arc::new(flow));
        }
    }
    documents
}

/// Gives each agreement its rules, and its map the lines that they lay on top.
fn lay_rules(
    agreements: &mut [Agreement],
    chain: &[Arc<str>],
    overlays: &mut Overlays,
    (known, keep_blanks, is_base): (Known<'_>, bool, bool),
    log: &mut Log,
) {
    for agreement in agreements.iter_mut() {
        let (direction, grammar) = (agreement.direction, &agreement.grammar);
        let problems = &mut log.problems;
        agreement.overlay = overlays.compile(chain, direction, grammar, problems);
        let overlay = agreement.overlay.as_deref();
        let map = overlays.map(grammar, overlay, keep_blanks, known, problems);
        if let Some(map) = map {
            agreement.map = map;
        }
        if rules::hierarchies_differ(&agreement.flow, agreement.overlay.as_deref()) {
            let section = format!("documents.{}", agreement.kind);
            let words = format!("{section}: `hierarchy` is another than that of the overlay");
            let mut rows = log.rows.iter().filter(|row| row.section.as_ref() == section);
            let row = rows.find(|row| row.subject == "hierarchy");
            let origin = row.and_then(|row| row.origin.clone());
            log.problems.extend(origin.map(|origin| Problem::at(&origin, words)));
        }
    }
    log.problems.extend(agreements.iter().flat_map(rules::not_compared));
    log.problems.extend(overlays.idle(chain, agreements, is_base));
}

/// `[envelope.sets.N]`: the envelope with what is said otherwise for a set.
fn envelopes(
    entries: &Entries,
    known: &Known<'_>,
    log: &mut Log,
) -> BTreeMap<Arc<str>, Arc<Envelope>> {
    let mut envelopes = BTreeMap::new();
    let table = |node: Option<&Arc<Node>>| match node.map(|node| &node.value) {
        Some(Value::Table(entries)) => Some(entries.clone()),
        _ => None,
    };
    let Some(mut common) = table(entries.get("envelope")) else { return envelopes };
    let sets = common.remove("sets");
    for (set, node) in table(sets.as_ref()).unwrap_or_default() {
        let Some(own) = table(Some(&node)) else { continue };
        let path: Arc<str> = format!("envelope.sets.{set}").into();
        let releases = known.releases_of(&set);
        if set.as_ref() != "source" && releases.is_empty() {
            let mut section = Section::of(Arc::clone(&path), Some(&node), log);
            let sets: Vec<&str> = known.grammars.sets().map(|g| g.set.as_str()).collect();
            section.unknown_name(&node.key, &set, "set that there is a grammar of", &sets);
        }
        let all = Node {
            value: Value::Table(merge(&common, &own)),
            origin: node.origin.clone(),
            key: node.key.clone(),
            source: node.source.clone(),
        };
        let before = log.rows.len();
        let faults = log.problems.len();
        let mut section = Section::of(Arc::clone(&path), Some(&all), log);
        section.own = Some(&own);
        let envelope = Envelope::read(&mut section, known);
        section.end();
        // What it shares with the others is told, and blamed, there.
        let is_own = |origin: &Origin| own.values().any(|node| covers(node, origin));
        let rows = log.rows.split_off(before);
        log.rows.extend(rows.into_iter().filter(|row| row.origin.as_ref().is_some_and(is_own)));
        let found = log.problems.split_off(faults);
        let here = |problem: &Problem| own.values().any(|node| stands_in(node, problem));
        for problem in found {
            let of_all = problem.message.replacen(path.as_ref(), "envelope", 1);
            if here(&problem) {
                log.problems.push(problem);
            } else if problem.is_error() && !log.problems.iter().any(|p| p.message == of_all) {
                // What nobody wrote here, and is wrong only here.
                log.problems.push(Problem::at(&node.key, problem.message));
            }
        }
        envelopes.insert(set, Arc::new(envelope));
    }
    envelopes
}

/// Whether a place belongs to a node or what is in it.
fn covers(node: &Node, origin: &Origin) -> bool {
    node.key == *origin
        || match &node.value {
            Value::Table(entries) => entries.values().any(|inner| covers(inner, origin)),
            _ => false,
        }
}

fn stands_in(node: &Node, problem: &Problem) -> bool {
    let is_there = |origin: &Origin| {
        origin.line as usize == problem.line && origin.file.as_ref() == problem.file
    };
    is_there(&node.key)
        || is_there(&node.origin)
        || match &node.value {
            Value::Table(entries) => entries.values().any(|inner| stands_in(inner, problem)),
            _ => false,
        }
}

/// Identities that hold one of our delimiters: what stands in ISA and GS would fall apart there.
fn delimiters_in_identities<'a>(
    identity: &Identities,
    envelopes: impl Iterator<Item = &'a Arc<Envelope>>,
    log: &mut Log,
) {
    let mut delimiters: Vec<u8> = Vec::new();
    for envelope in envelopes {
        let used = envelope.style().delimiters;
        delimiters.extend([used.element, used.component, used.segment]);
        delimiters.extend(used.repetition);
    }
    let pairs = identity.all().map(|(_, pair)| pair);
    let texts = pairs.flat_map(|pair| [&pair.partner, &pair.own]).flat_map(|who| {
        let group = who.group.as_deref().map(|group| ("group", group));
        [("qualifier", who.qualifier.as_str()), ("id", who.id.as_str())].into_iter().chain(group)
    });
    for (key, text) in texts {
        let Some(found) = text.bytes().find(|b| delimiters.contains(b)) else { continue };
        let words = format!("`{key}` has {:?} in it, a delimiter of ours", char::from(found));
        let row = log.rows.iter().find(|row| {
            row.section.starts_with("identity.") && row.subject == key && row.value == text
        });
        let Some((section, origin)) =
            row.and_then(|row| Some((Arc::clone(&row.section), row.origin.clone()?)))
        else {
            continue;
        };
        let problem = Problem::at(&origin, format!("{section}: {words}"));
        if !log.problems.contains(&problem) {
            log.problems.push(problem);
        }
    }
}

/// An agreement for each set and release that a flow can have.
fn agreements(
    documents: &BTreeMap<Arc<str>, Arc<DocumentFlow>>,
    envelope: &Arc<Envelope>,
    envelopes: &BTreeMap<Arc<str>, Arc<Envelope>>,
    known: &Known<'_>,
    whole: &mut Section<'_>,
) -> Vec<Agreement> {
    let mut agreements = Vec::new();
    for (kind, flow) in documents {
        let maps: Vec<_> = known
            .document_maps()
            .filter(|map| map.document() == kind.as_ref())
            .filter(|map| flow.set.as_ref().is_none_or(|set| set == map.set()))
            .collect();
        let mut sets: Vec<&str> = maps.iter().map(|map| map.set()).collect();
        sets.sort_unstable();
        sets.dedup();
        let envelope_of = |set: &str| envelopes.get(set).unwrap_or(envelope);
        let release_of = |set: &str| match (&flow.release, flow.direction) {
            (Some(release), _) => Some(release.clone()),
            (None, Direction::Out) => Some(envelope_of(set).release.clone()),
            (None, Direction::In) => None,
        };
        let before = agreements.len();
        for map in &maps {
            let release = release_of(map.set());
            let grammar = known.grammars.grammar(map.set(), map.release());
            let fits = release.as_ref().is_none_or(|release| release == map.release());
            let Some(grammar) = grammar.filter(|_| fits) else { continue };
            agreements.push(Agreement {
                direction: flow.direction,
                kind: Arc::clone(kind),
                flow: Arc::clone(flow),
                grammar: Arc::clone(grammar),
                map: Arc::clone(map),
                overlay: None,
                envelope: Arc::clone(envelope_of(map.set())),
            });
        }
        let found = agreements.len() - before;
        let words = match (sets.as_slice(), found, flow.direction) {
            ([set], 0, _) => {
                let release = release_of(set).unwrap_or_default();
                if !known.releases().contains(&release.as_str()) {
                    continue;
                }
                let releases: Vec<&str> = maps.iter().map(|map| map.release()).collect();
                format!(
                    "there is no grammar and map of the {set} in release {release}; there are for `{}`",
                    releases.join("`, `")
                )
            }
            ([_, ..], 2.., Direction::Out) => {
                format!("several sets say it, {}: choose one with `set`", sets.join(" and "))
            }
            _ => continue,
        };
        let place =
            whole.log.rows.iter().find(|row| row.section.as_ref() == format!("documents.{kind}"));
        if let Some(origin) = place.and_then(|row| row.origin.clone()) {
            whole.wrong(&origin, format!("documents.{kind}: {words}"));
        }
    }
    agreements
}
