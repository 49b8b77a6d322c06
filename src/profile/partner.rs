//! `partner.toml`: everything that is agreed with one trading partner.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::envelope::{ControlNumbers, Envelope};
use super::sections::{Problem, Sections};
use crate::acks::AckPolicy;

/// The agreement with a trading partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Its name: that of its folder. Small letters, digits and `-`.
    pub name: String,
    /// `title`: how people call it.
    pub title: String,
    /// `state`: `live`, or `off`: then its mailbox is not looked at.
    pub state: State,
    /// `usage`: ISA15 of what we send, and which identities it is sent with.
    pub usage: Usage,
    /// `[identity.production]` and `[identity.test]`: by them an interchange is known to be this partner's.
    pub identity: IdentityPair,
    /// `[envelope]`: how our interchanges look.
    pub envelope: Envelope,
    /// `[control_numbers]`: where their numbers come from.
    pub control_numbers: ControlNumbers,
    /// `[acknowledgements]`: what is answered, and until when answers are expected.
    pub acknowledgements: Acknowledgements,
    /// `[duplicates]`: what becomes of what comes twice.
    pub duplicates: Duplicates,
    /// `[documents.order]` and so on, by the canonical kind: what flows in which direction.
    pub documents: BTreeMap<String, DocumentFlow>,
    /// `[mailbox]`: where files are exchanged.
    pub mailbox: Mailbox,
    /// `endpoint`: name of the warehouse endpoint, as `crossdock.toml` has it.
    pub endpoint: String,
    /// `test_endpoint`: the endpoint for documents of test interchanges (ISA15 `T`). Without it they are set
    /// aside: a test order never reaches the production endpoint.
    pub test_endpoint: Option<String>,
}

/// Whether something is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing of it is done.
    Off,
    /// In force.
    #[default]
    Live,
}

/// ISA15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// `T`
    Test,
    /// `P`
    #[default]
    Production,
}

/// Who somebody is in an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// ISA05 or ISA07: two characters, `08`, `ZZ`.
    pub qualifier: String,
    /// ISA06 or ISA08: up to fifteen characters.
    pub id: String,
    /// GS02 or GS03; where it is not given, the same as `id`.
    #[serde(default)]
    pub group: Option<String>,
}

impl Identity {
    /// GS02 or GS03.
    #[must_use]
    pub fn group_code(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.id)
    }

    /// Whether these elements of an ISA name it; blanks around them do not count.
    #[must_use]
    pub fn matches(&self, qualifier: &str, id: &str) -> bool {
        self.qualifier.trim() == qualifier.trim() && self.id.trim() == id.trim()
    }
}

/// Both sides of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// The partner.
    pub partner: Identity,
    /// We.
    pub own: Identity,
}

/// The identities of production and, where they differ, of test.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityPair {
    /// In production.
    pub production: Sides,
    /// In test; where it is not given, as in production.
    #[serde(default)]
    pub test: Option<Sides>,
}

impl IdentityPair {
    /// Those that are used for test or production.
    #[must_use]
    pub fn of(&self, usage: Usage) -> &Sides {
        match (usage, &self.test) {
            (Usage::Test, Some(test)) => test,
            _ => &self.production,
        }
    }
}

/// What answers a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Each group is answered with a 997 or 999.
    #[default]
    Always,
    /// None is.
    Never,
}

/// `[acknowledgements]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Acknowledgements {
    /// `answer`: whether groups are answered: `always` or `never`.
    pub answer: Answer,
    /// `kind` (`997`, `999`), `release`, `report_accepted`, `errors_as`, `ta1`: what answers look like.
    pub policy: AckPolicy,
    /// Whether the partner acknowledges what we send.
    pub expected: bool,
    /// Hours after which its acknowledgement is overdue.
    pub due_hours: u32,
}

impl Default for Acknowledgements {
    fn default() -> Self {
        Self { answer: Answer::Always, policy: AckPolicy::default(), expected: true, due_hours: 24 }
    }
}

/// `[duplicates]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Duplicates {
    /// Whether an interchange that comes again with the same bytes is acknowledged again, with the bytes of the
    /// first acknowledgement.
    pub acknowledge_again: bool,
    /// Whether a document whose number was seen before is delivered nevertheless. Else it is recorded only.
    pub deliver_documents: bool,
}

/// Where a kind of document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the partner to the warehouse.
    In,
    /// From the warehouse to the partner.
    Out,
}

/// `[documents.KIND]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentFlow {
    /// `in` or `out`.
    pub direction: Direction,
    /// `live`, or `off`: then such a document is set aside for a person.
    #[serde(default)]
    pub state: State,
    /// The release by which it is written, where it is not that of the envelope. Outbound only.
    #[serde(default)]
    pub release: Option<String>,
    /// Levels of an 856 from the outermost, by their names in the map: `["shipment", "order", "tare", "pack",
    /// "item"]`. Outbound shipments only; empty: as the document says.
    #[serde(default)]
    pub hierarchy: Vec<String>,
}

/// `[mailbox]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// The folder that holds `inbound`, `outbound`, `archive` and `quarantine`. Relative to `crossdock.toml`.
    /// Several partners may share one, as in a value-added network's mailbox.
    pub folder: String,
    /// Seconds from one look to the next; where it is not given, as `crossdock.toml` says.
    #[serde(default)]
    pub poll_seconds: Option<u32>,
}

impl Partner {
    /// Reads a `partner.toml`. `name` is the name of its folder, `file` how problems name it.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn read(name: &str, file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut sections = Sections::parse(file, text);
        let title: String = sections.optional("title");
        let state = sections.optional("state");
        let usage = sections.optional("usage");
        let identity: Option<IdentityPair> = sections.required("identity");
        let envelope: Envelope = sections.optional("envelope");
        let control_numbers: ControlNumbers = sections.optional("control_numbers");
        let acknowledgements: Acknowledgements = sections.optional("acknowledgements");
        let duplicates = sections.optional("duplicates");
        let documents: BTreeMap<String, DocumentFlow> = sections.optional("documents");
        let mailbox: Option<Mailbox> = sections.required("mailbox");
        let endpoint: Option<String> = sections.required("endpoint");
        let test_endpoint = sections.read("test_endpoint");

        let usable = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(usable) {
            sections.problem(
                None,
                format!("the folder's name {name:?} is not one of small letters, digits and `-`"),
            );
        }
        check_identity(&mut sections, identity.as_ref());
        for (field, words) in envelope.problems() {
            let place = sections.place(&["envelope", field]);
            sections.problem(place, format!("envelope: `{field}` {words}"));
        }
        check_numbers(&mut sections, control_numbers);
        check_acknowledgements(&mut sections, &acknowledgements);
        check_documents(&mut sections, &documents);
        let problems = sections.finish();
        match (identity, mailbox, endpoint) {
            (Some(identity), Some(mailbox), Some(endpoint)) if problems.is_empty() => Ok(Self {
                name: name.to_owned(),
                title: if title.is_empty() { name.to_owned() } else { title },
                state,
                usage,
                identity,
                envelope,
                control_numbers,
                acknowledgements,
                duplicates,
                documents,
                mailbox,
                endpoint,
                test_endpoint,
            }),
            _ => Err(problems),
        }
    }

    /// The flow of a kind of document in a direction, if it is agreed and in force.
    #[must_use]
    pub fn flow(&self, kind: &str, direction: Direction) -> Option<&DocumentFlow> {
        self.documents
            .get(kind)
            .filter(|flow| flow.direction == direction && flow.state == State::Live)
    }
}

fn check_identity(sections: &mut Sections, identity: Option<&IdentityPair>) {
    let Some(identity) = identity else { return };
    let pairs = [("production", Some(&identity.production)), ("test", identity.test.as_ref())];
    for (usage, sides) in pairs {
        let Some(sides) = sides else { continue };
        for (side, who) in [("partner", &sides.partner), ("own", &sides.own)] {
            let fits = |text: &str, max: usize| {
                !text.is_empty()
                    && text.len() <= max
                    && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
            };
            let place = |field: &str| ["identity", usage, side, field].map(str::to_owned);
            let mut wrong = |field: &str, words: &str| {
                let path = place(field);
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let span = sections.place(&path);
                sections.problem(span, format!("identity.{usage}.{side}: `{field}` {words}"));
            };
            if who.qualifier.len() != 2 || !fits(&who.qualifier, 2) {
                wrong("qualifier", "is two characters, such as 08 or ZZ");
            }
            if !fits(&who.id, 15) {
                wrong("id", "is one to fifteen characters of plain ASCII");
            }
            if !(fits(who.group_code(), 15) && who.group_code().len() >= 2) {
                wrong(
                    "group",
                    "(or `id` in its stead) is two to fifteen characters of plain ASCII",
                );
            }
        }
    }
}

fn check_numbers(sections: &mut Sections, numbers: ControlNumbers) {
    let ranges =
        [("interchange", numbers.interchange), ("group", numbers.group), ("set", numbers.set)];
    for (level, range) in ranges {
        if !range.is_usable() {
            let place = sections.place(&["control_numbers", level]);
            sections.problem(
                place,
                format!(
                    "control_numbers.{level}: {} to {} is no range between 1 and 999999999",
                    range.first, range.last
                ),
            );
        }
    }
}

fn check_acknowledgements(sections: &mut Sections, acknowledgements: &Acknowledgements) {
    if acknowledgements.due_hours == 0 {
        let place = sections.place(&["acknowledgements", "due_hours"]);
        sections.problem(place, "acknowledgements: `due_hours` is at least 1");
    }
}

fn check_documents(sections: &mut Sections, documents: &BTreeMap<String, DocumentFlow>) {
    for (kind, flow) in documents {
        if let Some(release) = &flow.release
            && (release.len() != 6 || !release.bytes().all(|b| b.is_ascii_digit()))
        {
            let place = sections.place(&["documents", kind, "release"]);
            sections.problem(
                place,
                format!("documents.{kind}: `release` is six digits, such as 004010"),
            );
        }
        if flow.hierarchy.iter().any(String::is_empty) {
            let place = sections.place(&["documents", kind, "hierarchy"]);
            sections.problem(
                place,
                format!("documents.{kind}: `hierarchy` is a list of levels, such as shipment, order, pack, item"),
            );
        }
    }
}
