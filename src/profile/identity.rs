//! Who a partner is in an envelope, and who we are to it.

use super::agreement::{Known, State};
use super::section::{Section, Words};
use crate::grammar::{CodeList, suggest};

/// ISA15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Usage {
    /// `T`
    Test,
    /// `P`
    #[default]
    Production,
}

impl Words for Usage {
    const WORDS: &'static [(&'static str, Self)] =
        &[("production", Self::Production), ("test", Self::Test)];
}

/// Who somebody is in an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// ISA05 or ISA07: two characters, `08`, `ZZ`.
    pub qualifier: String,
    /// ISA06 or ISA08: up to fifteen characters.
    pub id: String,
    /// GS02 or GS03; where it is not given, the same as `id`.
    pub group: Option<String>,
}

impl Identity {
    /// GS02 or GS03.
    #[must_use]
    pub fn group_code(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.id)
    }
}

/// Both sides of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The partner.
    pub partner: Identity,
    /// We.
    pub own: Identity,
}

/// The pairs of identities of production or test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// The pair that we send with, and that inbound is known by.
    pub main: Pair,
    /// `also`: further pairs that inbound may use.
    pub also: Vec<Pair>,
}

impl Sides {
    /// All pairs, the main one first.
    pub fn pairs(&self) -> impl Iterator<Item = &Pair> {
        std::iter::once(&self.main).chain(&self.also)
    }
}

/// `[identity.production]` and, where they differ, `[identity.test]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identities {
    /// In production.
    pub production: Sides,
    /// In test; where it is not given, as in production.
    pub test: Option<Sides>,
}

impl Identities {
    /// The pair that is used for sending test or production.
    #[must_use]
    pub fn of(&self, usage: Usage) -> &Pair {
        match (usage, &self.test) {
            (Usage::Test, Some(test)) => &test.main,
            _ => &self.production.main,
        }
    }

    /// Every pair by which inbound is known, with what it is used for.
    pub fn all(&self) -> impl Iterator<Item = (Usage, &Pair)> {
        let production = self.production.pairs().map(|pair| (Usage::Production, pair));
        production.chain(self.test.iter().flat_map(Sides::pairs).map(|pair| (Usage::Test, pair)))
    }

    /// Reads the section; `None` where it cannot be used. A base needs none.
    pub(super) fn read(
        section: &mut Section<'_>,
        known: &Known<'_>,
        is_base: bool,
    ) -> Option<Self> {
        let there = section.has("production");
        let qualifiers = known.grammars.envelope().code_list_named(QUALIFIERS).map(AsRef::as_ref);
        let production = sides(section, "production", qualifiers);
        let test = sides(section, "test", qualifiers);
        if !there && !is_base {
            section.missing("production");
        }
        Some(Self { production: production?, test })
    }
}

/// The codes of ISA05 and ISA07.
const QUALIFIERS: &str = "I05";

fn sides(
    section: &mut Section<'_>,
    key: &'static str,
    qualifiers: Option<&CodeList>,
) -> Option<Sides> {
    let mut section = section.section(key);
    if !section.is_there() {
        return None;
    }
    let main = pair(&mut section, qualifiers);
    let mut also = Vec::new();
    for node in section.tables("also") {
        let path = format!("{}.also", section.path).into();
        let mut further = Section::of(path, Some(node), section.log);
        also.extend(pair(&mut further, qualifiers));
        further.end();
    }
    section.end();
    Some(Sides { main: main?, also })
}

fn pair(section: &mut Section<'_>, qualifiers: Option<&CodeList>) -> Option<Pair> {
    let partner = identity(section, "partner", qualifiers);
    let own = identity(section, "own", qualifiers);
    if let (Some(a), Some(b)) = (&partner, &own)
        && a.qualifier.trim() == b.qualifier.trim()
        && a.id.trim() == b.id.trim()
    {
        section.wrong_key(
            "own",
            "is the identity of the partner: who sends and who receives cannot be told apart",
        );
    }
    Some(Pair { partner: partner?, own: own? })
}

fn identity(
    section: &mut Section<'_>,
    key: &'static str,
    qualifiers: Option<&CodeList>,
) -> Option<Identity> {
    if !section.has(key) {
        section.missing(key);
        return None;
    }
    let mut section = section.section(key);
    let qualifier = section.required("qualifier").map(str::to_owned);
    let id = section.required("id").map(str::to_owned);
    let group = section.text("group").map(str::to_owned);
    let fits = |text: &str, max: usize| {
        !text.trim().is_empty()
            && !text.starts_with(' ')
            && text.len() <= max
            && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
    };
    if qualifier.as_ref().is_some_and(|q| q.len() != 2 || !fits(q, 2)) {
        section.wrong_key("qualifier", "is two characters, such as 08 or ZZ");
    } else if let (Some(qualifier), Some(list)) = (&qualifier, qualifiers)
        && !list.codes.contains_key(qualifier.as_bytes())
    {
        let usual = ["01", "08", "12", "14", "ZZ"];
        let otherwise = format!("most are one of `{}`", usual.join("`, `"));
        let mend = suggest::mend(qualifier, usual, &otherwise);
        section.warn_key("qualifier", format!("{qualifier} is none of the codes of ISA05; {mend}"));
    }
    if id.as_ref().is_some_and(|id| !fits(id, 15)) {
        section.wrong_key("id", "is one to fifteen characters of plain ASCII, the first no blank");
    }
    let code = group.as_ref().or(id.as_ref());
    let is_new = group.is_some() || id.as_ref().is_some_and(|id| fits(id, 15));
    if is_new && code.is_some_and(|code| !(fits(code, 15) && code.len() >= 2)) {
        let key = if group.is_some() { "group" } else { "id" };
        section.wrong_key(
            key,
            "stands in GS too: two to fifteen characters of plain ASCII, the first no blank",
        );
    }
    section.end();
    Some(Identity { qualifier: qualifier?, id: id?, group })
}

/// `[[contacts]]`: whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The person or desk.
    pub name: String,
    /// What for: `EDI`, `accounts payable`.
    pub role: String,
    /// E-mail address; empty where none is known.
    pub email: String,
    /// Telephone number; empty where none is known.
    pub phone: String,
}

impl Contact {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let name = section.required("name").map(str::to_owned);
        let [role, email, phone] =
            ["role", "email", "phone"].map(|key| section.text(key).unwrap_or_default().to_owned());
        if !email.is_empty() && !email.contains('@') {
            section.wrong_key("email", "is an address with an @");
        }
        Some(Self { name: name?, role, email, phone })
    }
}

impl Words for State {
    const WORDS: &'static [(&'static str, Self)] =
        &[("live", Self::Live), ("shadow", Self::Shadow), ("off", Self::Off)];
}
