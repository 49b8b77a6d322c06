//! A map held against a grammar and the shapes of the canonical model: paths become places, names become numbers.

mod blocks;
mod elements;
mod levels;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::extra::Values;
use super::parse::Faults;
use super::plan::{Block, BlockId, Levels, Map, RestShapes, Table, Target};
use super::ready::prepare;
use super::shape::{FieldId, Kind, ShapeId, Shapes, TAG_FIELD};
use super::stamp::Stamp;
use super::steps::Steps;
use super::syntax::{MapSource, Spot, Word};
use crate::grammar::{Grammar, LineError, NodeId, suggest};

/// Makes a map ready for one grammar. `used` collects the lines that found their place, so that the caller can
/// tell those that find it in no release.
pub(super) fn compile(
    source: &MapSource,
    grammar: &Grammar,
    shapes: &Arc<Shapes>,
    values: &Values,
    used: &mut BTreeSet<Spot>,
) -> Result<Map, Vec<LineError>> {
    let faults = Faults { files: source.files.clone(), errors: Vec::new() };
    let mut compiler = Compiler {
        source,
        grammar,
        shapes,
        values,
        used,
        faults,
        blocks: Vec::new(),
        owns: Vec::new(),
        words: Vec::new(),
        tables: Vec::new(),
        table_ids: HashMap::new(),
        fields: HashMap::new(),
        local: local_indices(grammar),
    };
    let rest = compiler.rest_shapes();
    let root = compiler.root();
    let levels = source.levels.as_ref().and_then(|levels| compiler.levels(levels));
    let Compiler { mut blocks, owns, words, tables, fields, local, mut faults, .. } = compiler;
    if !faults.errors.is_empty() {
        faults.errors.sort();
        faults.errors.dedup();
        return Err(faults.errors);
    }
    for (i, (block, own)) in blocks.iter_mut().zip(owns).enumerate() {
        let is_root = i == usize::from(root);
        let nested = levels.as_ref().filter(|_| is_root).map(|l| l.local);
        block.steps = Steps::of(block, own, grammar, nested, is_root);
        let first = if is_root { None } else { of_levels(levels.as_ref(), i) };
        prepare(block, first.as_deref(), shapes);
    }
    Ok(Map {
        set: grammar.set.clone(),
        release: grammar.release.clone(),
        document: source.document.text.clone(),
        tag: format!("{{\"{TAG_FIELD}\":{}", serde_json::Value::from(&*source.document.text)),
        shapes: Arc::clone(shapes),
        rest,
        blocks,
        tables,
        stamps: words.iter().map(|word| Stamp::word(word)).collect(),
        words,
        local,
        root,
        levels,
        fields,
    })
}

/// The fields that reading levels adds to a block; `None` where it may add them anywhere.
fn of_levels(levels: Option<&Levels>, block: usize) -> Option<Vec<FieldId>> {
    let found = levels.iter().flat_map(|l| &l.plans).find(|plan| usize::from(plan.block) == block);
    match found.map(|plan| plan.target) {
        None => Some(Vec::new()),
        Some(Target::Document) => None,
        Some(Target::List { nested, .. }) => Some(nested.into_iter().collect()),
        Some(Target::Rows) => Some(levels?.references().map(|(field, _)| field).collect()),
    }
}

struct Compiler<'a> {
    source: &'a MapSource,
    grammar: &'a Grammar,
    shapes: &'a Shapes,
    values: &'a Values,
    used: &'a mut BTreeSet<Spot>,
    faults: Faults,
    blocks: Vec<Block>,
    /// The segment that each of them begins with, or is.
    owns: Vec<NodeId>,
    words: Vec<Box<str>>,
    tables: Vec<Table>,
    table_ids: HashMap<String, u16>,
    fields: HashMap<(NodeId, u16), String>,
    local: Vec<(NodeId, u16)>,
}

/// For each node, its parent and its place among the parent's children.
fn local_indices(grammar: &Grammar) -> Vec<(NodeId, u16)> {
    let mut local = vec![(NodeId::NONE, 0); grammar.nodes.len()];
    for node in &grammar.nodes {
        for (i, child) in node.children.iter().enumerate() {
            if let (Some(slot), Ok(i)) = (local.get_mut(child.index()), u16::try_from(i)) {
                *slot = (grammar.node(*child).parent, i);
            }
        }
    }
    local
}

impl Compiler<'_> {
    fn fault(&mut self, at: Spot, message: impl Into<String>, mend: impl Into<String>) {
        self.faults.add(at, message, mend);
    }

    /// The field of that name; a fault where there is none.
    fn field(&mut self, shape: ShapeId, name: &Word) -> Option<FieldId> {
        let known = self.shapes.get(shape);
        let found = known.find(&name.text);
        if found.is_none() {
            let fields = known.fields.iter().map(|f| f.name.as_str());
            let mend = suggest::mend(
                &name.text,
                fields,
                "see `crossdock schema` for the fields that there are",
            );
            let message = format!("`{}` has no field `{}`", known.name, name.text);
            self.fault(name.at, message, mend);
        }
        found
    }

    /// The shape of a field's objects.
    fn shape_of(&mut self, shape: ShapeId, field: FieldId, at: Spot) -> Option<ShapeId> {
        let field = self.shapes.field(shape, field);
        if let Kind::Object(inner) = field.kind {
            return Some(inner);
        }
        let message = format!("field `{}` is a single value", field.name);
        self.fault(at, message, "name the element that it comes from");
        None
    }

    fn word(&mut self, word: &str) -> u32 {
        let found = self.words.iter().position(|w| w.as_ref() == word);
        let index = found.unwrap_or_else(|| {
            self.words.push(word.into());
            self.words.len() - 1
        });
        super::laid::small(index)
    }

    /// The table of that name, made on its first use.
    fn table(&mut self, name: &Word) -> Option<u16> {
        if let Some(&id) = self.table_ids.get(&name.text) {
            return Some(id);
        }
        let Some(source) = self.source.tables.get(&name.text) else {
            let tables = self.source.tables.keys().map(String::as_str);
            let mend = suggest::mend(
                &name.text,
                tables,
                "add it: `codes NAME` with lines of code and word",
            );
            self.fault(name.at, format!("there is no code table `{}`", name.text), mend);
            return None;
        };
        let mut entries = Vec::new();
        for (code, word) in &source.entries {
            let index = self.word(word);
            entries.push((code.as_bytes().into(), index, word.as_str().into()));
        }
        let id = u16::try_from(self.tables.len()).ok()?;
        self.tables.push(Table::new(entries));
        self.table_ids.insert(name.text.clone(), id);
        Some(id)
    }

    /// Adds a block; `None` past the most that fit, which no map comes near.
    fn add(&mut self, block: Block) -> Option<BlockId> {
        let id = BlockId::try_from(self.blocks.len()).ok()?;
        self.blocks.push(block);
        Some(id)
    }

    /// The fields of `unmapped`, which every document has.
    fn rest_shapes(&mut self) -> RestShapes {
        let mut missing = Vec::new();
        let mut rest = RestShapes::default();
        let root = self.shapes.get(0);
        let unmapped = root.find("unmapped").map(|f| self.shapes.field(0, f).kind);
        if let Some(Kind::Object(unmapped)) = unmapped {
            let mut field = |shape: ShapeId, name: &str| {
                let found = self.shapes.get(shape).find(name);
                if found.is_none() {
                    missing.push(name.to_owned());
                }
                let field = found.unwrap_or(0);
                let fields = &self.shapes.get(shape).fields;
                let inner = match fields.get(usize::from(field)).map(|f| f.kind) {
                    Some(Kind::Object(inner)) => inner,
                    _ => shape,
                };
                (field, inner)
            };
            rest.segments = field(unmapped, "segments");
            rest.elements = field(unmapped, "elements");
            rest.as_sent = field(unmapped, "as_sent");
            rest.order = field(unmapped, "order");
            rest.absent = field(unmapped, "absent").0;
            rest.unplaced = field(unmapped, "unplaced");
            let segment = rest.segments.1;
            let inside = field(segment, "inside");
            rest.segment = ["segment", "nth", "elements", "inside"].map(|n| field(segment, n).0);
            rest.inside = ["segment", "elements"].map(|n| field(inside.1, n).0);
            rest.partial = ["segment", "nth", "elements"].map(|n| field(rest.elements.1, n).0);
            rest.permutation = ["segment", "order"].map(|n| field(rest.order.1, n).0);
            rest.stray =
                ["after", "nth", "segment", "elements"].map(|n| field(rest.unplaced.1, n).0);
        } else {
            missing.push("unmapped".to_owned());
        }
        for name in missing {
            let at = self.source.document.at;
            let message = format!(
                "document `{}` lacks the field `{name}` for what is not mapped",
                self.source.document.text
            );
            self.fault(at, message, "add it to the canonical model");
        }
        rest
    }
}
