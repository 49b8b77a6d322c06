//! Which documents flow, which way, since when, and until when answers and documents are expected.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::agreement::{Direction, Known, State};
use super::node::Node;
use super::section::{Log, Section, Words};
use crate::grammar::suggest;
use crate::map::Map;

/// `[documents.KIND]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFlow {
    /// `in` or `out`.
    pub direction: Direction,
    /// `live`; `shadow`: translated and recorded only; or `off`: then such a document is set aside for a person.
    pub state: State,
    /// The first day on which it flows.
    pub from: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
    /// Outbound: the release by which it is written, where it is not that of the envelope. Inbound: the only one
    /// that is taken; any that is known where it is not given.
    pub release: Option<String>,
    /// The set, where several say this kind of document.
    pub set: Option<String>,
    /// Levels of a ship notice from the outermost, by their names in the map. Outbound only; empty: as the
    /// document says.
    pub hierarchy: Vec<String>,
    /// How documents are put together into interchanges. Outbound only.
    pub batch: Batch,
}

impl DocumentFlow {
    /// The state on a day: off before it begins and after it ends.
    #[must_use]
    pub fn state_on(&self, day: Date) -> State {
        let begun = self.from.is_none_or(|from| from <= day);
        let over = self.until.is_some_and(|until| until < day);
        if begun && !over { self.state } else { State::Off }
    }
}

/// `batch`: documents of one kind that go into one interchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// At most so many.
    pub sets: u32,
    /// The first of them waits at most so long for others; nothing: it does not wait.
    pub every: Option<Duration>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { sets: 1, every: None }
    }
}

/// Documents of one interchange: more than any partner takes, and few enough to hold in memory.
const BATCH_SETS_MAX: u64 = 1000;

impl DocumentFlow {
    /// Reads a section; `None` where nothing can be made of it.
    pub(super) fn read(kind: &str, node: &Node, known: &Known<'_>, log: &mut Log) -> Option<Self> {
        let mut section = Section::of(format!("documents.{kind}").into(), Some(node), log);
        if !section.is_there() {
            return None;
        }
        let kinds = known.kinds();
        if !kinds.contains(&kind) {
            section.unknown_name(&node.key, kind, "kind of document", &kinds);
        }
        if !section.has("direction") {
            section.missing("direction");
        }
        let direction = section.choice("direction", Direction::In);
        let state = section.choice("state", State::default());
        let (from, until) = (section.date("from"), section.date("until"));
        if let (Some(from), Some(until)) = (from, until)
            && from > until
        {
            section.wrong_key("from", format!("{from} is after `until`, {until}: it never flows"));
        }
        let set = section.text("set").map(str::to_owned);
        let release = section.text("release").map(str::to_owned);
        if let Some(release) = &release {
            known.check_release(&mut section, "release", release);
        }
        let maps: Vec<&Arc<Map>> =
            known.document_maps().filter(|map| map.document() == kind).collect();
        check_set(&mut section, set.as_deref(), &maps);
        let hierarchy = section.texts("hierarchy");
        check_hierarchy(&mut section, &hierarchy, &maps);
        let batch = read_batch(&mut section);
        if direction == Direction::In {
            section.idle("hierarchy", "it says how we write; this is what they write");
            section.idle("batch", "it says how we send; this is what they send");
        }
        section.end();
        Some(Self { direction, state, from, until, release, set, hierarchy, batch })
    }
}

fn check_set(section: &mut Section<'_>, set: Option<&str>, maps: &[&Arc<Map>]) {
    let Some(set) = set.filter(|set| maps.iter().all(|map| map.set() != *set)) else { return };
    let mut sets: Vec<&str> = maps.iter().map(|map| map.set()).collect();
    sets.dedup();
    if !sets.is_empty() {
        let otherwise = format!("it is `{}`", sets.join("` or `"));
        let mend = suggest::mend(set, sets.iter().copied(), &otherwise);
        section.wrong_key(
            "set",
            format!("cannot be {set:?}: no map makes this document of it; {mend}"),
        );
    }
}

fn check_hierarchy(section: &mut Section<'_>, hierarchy: &[String], maps: &[&Arc<Map>]) {
    if hierarchy.is_empty() {
        let words = "names no level: without the key the levels are as the document says";
        section.warn_key("hierarchy", words);
        return;
    }
    let levels: Vec<&str> = maps.first().map_or(Vec::new(), |map| map.level_names().collect());
    if levels.is_empty() {
        let words = "has no meaning here: the set of this document has no levels";
        section.wrong_key("hierarchy", words);
        return;
    }
    for (index, level) in hierarchy.iter().enumerate() {
        if !levels.contains(&level.as_str()) {
            let otherwise = format!("levels are `{}`", levels.join("`, `"));
            let mend = suggest::mend(level, levels.iter().copied(), &otherwise);
            section.wrong_key("hierarchy", format!("has no level `{level}`; {mend}"));
        } else if hierarchy.iter().take(index).any(|before| before == level) {
            section.wrong_key("hierarchy", format!("has the level `{level}` twice"));
        }
    }
}

fn read_batch(section: &mut Section<'_>) -> Batch {
    if !section.has("batch") {
        section.node("batch");
        return Batch::default();
    }
    let mut batch = section.section("batch");
    let sets = batch.number("sets", 1, (1, BATCH_SETS_MAX));
    let every = batch.duration("every");
    match (sets, every) {
        (1, Some(_)) => batch.idle("every", "with one document in an interchange none waits"),
        (1, None) => {}
        (_, None) => batch.wrong_key("sets", "needs `every`: how long the first waits for others"),
        _ => {}
    }
    batch.end();
    Batch { sets: u32::try_from(sets).unwrap_or(1), every }
}

/// A business event that starts a deadline, or that one asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// An order came, or was sent.
    Order,
    /// Goods left.
    Shipment,
    /// The ship notice was sent, or came.
    ShipNotice,
    /// The invoice was sent, or came.
    Invoice,
    /// Goods arrived.
    Delivery,
}

impl Words for Moment {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("order", Self::Order),
        ("shipment", Self::Shipment),
        ("ship-notice", Self::ShipNotice),
        ("invoice", Self::Invoice),
        ("delivery", Self::Delivery),
    ];
}

/// `[deadlines]`: until when a document is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The document that is expected.
    pub of: Moment,
    /// What starts the clock.
    pub after: Moment,
    /// Until when.
    pub within: Duration,
}

impl Deadline {
    /// Reads the section. `acknowledged` is until when a partner's acknowledgement is expected, if one is.
    pub(super) fn read(section: &mut Section<'_>, acknowledged: Option<Duration>) -> Vec<Self> {
        let documents = [("ship_notice", Moment::ShipNotice), ("invoice", Moment::Invoice)];
        let mut deadlines = Vec::new();
        for (key, of) in documents {
            if !section.has(key) {
                section.node(key);
                continue;
            }
            let mut section = section.section(key);
            for key in ["after", "within"] {
                if !section.has(key) {
                    section.missing(key);
                }
            }
            let after = section.choice("after", Moment::Shipment);
            let within = section.duration("within");
            if after == of {
                section.wrong_key("after", "is the document itself");
            }
            if let (Some(within), Some(acknowledged)) = (within, acknowledged)
                && within < acknowledged
            {
                let words = format!(
                    "is over before their acknowledgement is due ({}): a rejection may come too late to send it again. Expect it sooner (acknowledgements.due)",
                    super::section::in_words(acknowledged)
                );
                section.warn_key("within", words);
            }
            section.end();
            deadlines.extend(within.map(|within| Self { of, after, within }));
        }
        if let [notice, invoice] = deadlines.as_slice()
            && notice.after == invoice.of
            && invoice.after == notice.of
        {
            section.wrong_key("ship_notice", "and `invoice` wait for each other");
        }
        deadlines
    }
}
