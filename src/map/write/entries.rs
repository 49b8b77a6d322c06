//! What rows are grouped by: the lists whose entries become levels, and the fields of rows that refer to them.

use super::super::laid::{At, Laid};
use super::super::plan::{LevelPlan, Levels, Target};
use super::super::shape::FieldId;

/// No node, entry or parent.
pub(super) const NONE: u32 = u32::MAX;

/// Where an entry was put last.
#[derive(Clone, Copy)]
pub(super) struct Put {
    pub parent: u32,
    pub node: u32,
}

impl Put {
    const NOWHERE: Self = Self { parent: NONE, node: NONE };
}

/// The entries of a list that levels are made of.
pub(super) struct Entries {
    pub list: FieldId,
    pub at: Vec<At>,
    pub put: Vec<Put>,
    /// Which plan each of them has.
    pub plans: Vec<Option<usize>>,
}

impl Entries {
    /// Those of each list that there is: of levels, of rows, of levels that no plan knows.
    pub(super) fn of(levels: &Levels, values: &Laid) -> Vec<Self> {
        let mut lists: Vec<FieldId> = levels.plans.iter().filter_map(list_of).collect();
        lists.push(levels.rows);
        lists.extend(levels.other.map(|(list, _)| list));
        lists.sort_unstable();
        lists.dedup();
        let entries = lists.into_iter().map(|list| {
            let mut at = Vec::new();
            if let Some(found) = values.get(At::ROOT, list) {
                at.reserve(values.items(found) as usize);
                at.extend(values.within(found));
            }
            Self { list, at, put: Vec::new(), plans: Vec::new() }
        });
        entries.collect()
    }

    /// Takes the plan of each, and back where it was put.
    pub(super) fn plan(&mut self, plans: Vec<Option<usize>>) {
        self.put = vec![Put::NOWHERE; plans.len()];
        self.plans = plans;
    }

    /// Where the entry of that number, from 1, was put last.
    pub(super) fn put(&self, number: u32) -> Option<Put> {
        let put = self.put.get((number as usize).wrapping_sub(1)).copied();
        put.filter(|put| put.node != NONE)
    }
}

/// A field of a row that refers to entries of a list.
#[derive(Clone, Copy)]
pub(super) struct Reference {
    pub list: FieldId,
    pub field: FieldId,
    pub many: bool,
    pub nested: Option<FieldId>,
}

impl Reference {
    /// The fields of a row that refer to entries, each once.
    pub(super) fn of(levels: &Levels) -> Vec<Self> {
        let mut references: Vec<Self> = Vec::new();
        for plan in &levels.plans {
            if let Target::List { list, reference: field, many, nested } = plan.target
                && references.iter().all(|r| r.field != field)
            {
                references.push(Self { list, field, many, nested });
            }
        }
        references
    }
}

/// The list that a level makes entries of.
pub(super) fn list_of(plan: &LevelPlan) -> Option<FieldId> {
    match plan.target {
        Target::List { list, .. } => Some(list),
        Target::Document | Target::Rows => None,
    }
}
