//! Nested loops: levels, their entries and rows.

use super::super::plan::{LevelPlan, Levels, StructureFields, Target};
use super::super::shape::{FieldId, Kind, ShapeId};
use super::super::syntax::{self, Spot, Word};
use super::Compiler;
use super::blocks::{On, Use};
use crate::grammar::{Nested, NodeId, suggest};

impl Compiler<'_> {
    pub(super) fn levels(&mut self, levels: &syntax::Levels) -> Option<Levels> {
        let node = self.grammar.child(NodeId::ROOT, &levels.place.text);
        let Some((node, nested)) = node.and_then(|n| Some((n, self.grammar.node(n).nested?)))
        else {
            let message = format!("the set has no nested loop `{}`", levels.place.text);
            self.fault(levels.place.at, message, "name the loop that the grammar calls `nested`");
            return None;
        };
        self.used.insert(levels.at);
        let rows = levels.each.iter().find_map(|l| match &l.target {
            syntax::Target::Rows { list } => Some(list),
            _ => None,
        });
        let Some(rows) = rows else {
            self.fault(levels.at, "no level makes rows", "write `level I item rows LIST`");
            return None;
        };
        let rows_field = self.field(0, rows)?;
        let row_shape = self.shape_of(0, rows_field, rows.at)?;
        let plans: Vec<LevelPlan> = levels
            .each
            .iter()
            .filter_map(|level| self.level(level, node, nested, row_shape))
            .collect();
        let other = levels.other.as_ref().and_then(|level| {
            let syntax::Target::List { list, .. } = &level.target else { return None };
            let field = self.field(0, list)?;
            let shape = self.shape_of(0, field, list.at)?;
            let block = self.level_block(level, shape, &list.text, node, nested)?;
            Some((field, block))
        });
        let hierarchy =
            levels.hierarchy.iter().filter_map(|word| self.plan_of(word, &plans)).collect();
        let structure = self.structure(levels.at)?;
        let split = levels.split.iter().map(|w| w.text.clone()).collect();
        let local = self.local.get(node.index()).map_or(0, |l| l.1);
        Some(Levels {
            local,
            node,
            nested,
            plans,
            hierarchy,
            other,
            rows: rows_field,
            row_shape,
            split,
            structure,
        })
    }

    fn plan_of(&mut self, word: &Word, plans: &[LevelPlan]) -> Option<u16> {
        let found = plans.iter().position(|p| p.code.as_ref() == word.text.as_bytes());
        if found.is_none() {
            let codes = plans.iter().filter_map(|p| std::str::from_utf8(&p.code).ok());
            let mend = suggest::mend(&word.text, codes, "add a `level` for it");
            self.fault(word.at, format!("there is no level `{}`", word.text), mend);
        }
        found.and_then(|i| u16::try_from(i).ok())
    }

    fn level(
        &mut self,
        level: &syntax::Level,
        node: NodeId,
        nested: Nested,
        row_shape: ShapeId,
    ) -> Option<LevelPlan> {
        let (target, shape, prefix) = match &level.target {
            syntax::Target::Document => (Target::Document, 0, String::new()),
            syntax::Target::Rows { list } => (Target::Rows, row_shape, format!("{}.", list.text)),
            syntax::Target::List { list, reference, nested } => {
                let field = self.field(0, list)?;
                let shape = self.shape_of(0, field, list.at)?;
                let reference = self.field(row_shape, reference.as_ref()?)?;
                let nested = match nested {
                    Some(nested) => Some(self.field(shape, nested)?),
                    None => None,
                };
                let many = self.shapes.field(row_shape, reference).list;
                (
                    Target::List { list: field, reference, many, nested },
                    shape,
                    format!("{}.", list.text),
                )
            }
        };
        let block = self.level_block(level, shape, prefix.trim_end_matches('.'), node, nested)?;
        Some(LevelPlan {
            code: level.code.as_bytes().into(),
            name: level.name.clone(),
            target,
            block,
        })
    }

    fn level_block(
        &mut self,
        level: &syntax::Level,
        shape: ShapeId,
        prefix: &str,
        node: NodeId,
        nested: Nested,
    ) -> Option<u16> {
        self.used.insert(level.at);
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        let elsewhere = vec![nested.id, nested.parent, nested.level, nested.child];
        let at = Use {
            shape,
            on: On::Loop(node),
            fixed: None,
            prefix,
            selected: true,
            depth: 0,
            elsewhere,
        };
        self.block(&level.lines, at)
    }

    /// The field `structure` of the document, which tells how the levels were nested.
    fn structure(&mut self, at: Spot) -> Option<StructureFields> {
        let mut missing = None;
        let mut find = |shape: ShapeId, name: &'static str| -> FieldId {
            let found = self.shapes.get(shape).find(name);
            if found.is_none() {
                missing = Some(name);
            }
            found.unwrap_or(0)
        };
        let mut fields =
            StructureFields { field: find(0, "structure"), ..StructureFields::default() };
        if let Some(Kind::Object(shape)) =
            self.shapes.get(0).fields.get(usize::from(fields.field)).map(|f| f.kind)
        {
            fields.hierarchy = find(shape, "hierarchy");
            fields.child_codes = find(shape, "child_codes");
            fields.levels = find(shape, "levels");
            if let Kind::Object(level) = self.shapes.field(shape, fields.levels).kind {
                fields.level =
                    ["code", "entry", "within", "id", "parent", "child"].map(|n| find(level, n));
            } else {
                missing = Some("levels");
            }
        } else {
            missing = Some("structure");
        }
        if let Some(name) = missing {
            let message =
                format!("the document lacks the field `{name}` for the structure of its levels");
            self.fault(at, message, "add it to the canonical model");
            return None;
        }
        Some(fields)
    }
}
