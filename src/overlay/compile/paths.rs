//! Paths become places of one grammar.

use super::super::plan::{Allowed, Code, ElementSpot, LoopStep, Place, Qualifier};
use super::super::source::{ElementSource, PathSource, SelectorSource, Spot, StepSource};
use super::Compiler;
use crate::grammar::{ElementShape, NodeId, NodeKind, SegmentDef, suggest};
use crate::x12::Tag;

/// How far a path has been followed.
struct Walk {
    scope: Vec<LoopStep>,
    current: NodeId,
    segment: Option<(NodeId, Option<Qualifier>)>,
}

impl Compiler<'_> {
    /// The place of a path; a fault where the grammar has none.
    pub(super) fn place(&mut self, path: &PathSource) -> Option<Place> {
        let (walk, rest) = self.follow(path);
        if let Some(step) = rest {
            self.unknown_step(step, &walk);
            return None;
        }
        let walk = walk.filter_faults(self)?;
        match &path.element {
            Some(element) => self.element_place(element, walk),
            None => Some(self.last_place(path, walk)),
        }
    }

    /// What `allow` speaks of: the last step may be a segment that the grammar does not have there.
    pub(super) fn allowed(&mut self, path: &PathSource) -> Option<Allowed> {
        let (walk, rest) = self.follow(path);
        let Some(step) = rest else {
            let place = self.place(path)?;
            let tag = self.grammar.segment_at(place.node).tag;
            let (scope, qualifier) = (place.scope.clone(), place.qualifier.clone());
            return Some(Allowed { scope, tag, qualifier, place: Some(place) });
        };
        let is_last = path.steps.last().is_some_and(|last| last.at == step.at);
        if !is_last || path.element.is_some() || walk.segment.is_some() || step.key.contains('#') {
            self.unknown_step(step, &walk);
            return None;
        }
        let tag = Tag::new(step.key.as_bytes());
        let qualifier = step.selector.as_ref().map(|s| {
            let (position, component) = s.position.unwrap_or((1, 0));
            Qualifier { position, component, codes: set(&s.codes) }
        });
        Some(Allowed { scope: walk.scope.into(), tag, qualifier, place: None })
    }

    /// Follows the steps as far as the grammar has them; the first that it lacks is given back.
    fn follow<'p>(&mut self, path: &'p PathSource) -> (Walk, Option<&'p StepSource>) {
        let mut walk = Walk { scope: Vec::new(), current: NodeId::ROOT, segment: None };
        for step in &path.steps {
            if walk.segment.is_some() {
                return (walk, Some(step));
            }
            let Some(child) = self.grammar.child(walk.current, &step.key) else {
                return (walk, Some(step));
            };
            let node = self.grammar.node(child);
            let in_level = self.grammar.node(walk.current).nested.is_some();
            let is_bare = step.selector.is_none() && path.element.is_some();
            if in_level && child == self.opening(walk.current) && !is_bare {
                // A level lies below another in the document, not in the grammar.
                let message = format!("levels are not nested in paths: `{}`", path.text);
                let own = path.text.get(step.offset_in(path)..).unwrap_or(&step.key);
                self.fault(step.at, message, format!("write `{own}`, or `hierarchy …`"));
                return (walk, None);
            }
            let position = node.nested.map_or(1, |nested| nested.level);
            let opening = if node.kind == NodeKind::Loop { self.opening(child) } else { child };
            let qualifier =
                step.selector.as_ref().and_then(|s| self.qualifier(s, position, opening, step.at));
            if node.kind == NodeKind::Loop {
                walk.scope.push(LoopStep { node: child, qualifier });
                walk.current = child;
            } else {
                walk.segment = Some((child, qualifier));
            }
        }
        (walk, None)
    }

    fn opening(&self, node: NodeId) -> NodeId {
        self.grammar.node(node).children.first().copied().unwrap_or(node)
    }

    fn qualifier(
        &mut self,
        selector: &SelectorSource,
        usual: u16,
        node: NodeId,
        at: Spot,
    ) -> Option<Qualifier> {
        let (position, component) = selector.position.unwrap_or((usual, 0));
        let definition = self.grammar.segment_at(node);
        self.element_exists(definition, position, component, at)?;
        if component == 0 && is_composite(definition, position) {
            let message = format!(
                "{}{position:02} is a composite, which has no value of its own",
                definition.tag
            );
            let code = selector.codes.first().map_or("", String::as_str);
            let mend = format!("name a component, like `[{position:02}.1={code}]`");
            self.fault(at, message, mend);
            return None;
        }
        Some(Qualifier { position, component, codes: set(&selector.codes) })
    }

    /// A path that ends with a loop or segment.
    fn last_place(&self, _: &PathSource, mut walk: Walk) -> Place {
        if let Some((node, qualifier)) = walk.segment {
            let scope = walk.scope.into();
            return Place { scope, node, opens: false, qualifier, element: None, each: false };
        }
        let node = self.opening(walk.current);
        let qualifier = walk.scope.pop().and_then(|step| step.qualifier);
        Place { scope: walk.scope.into(), node, opens: true, qualifier, element: None, each: false }
    }

    fn element_place(&mut self, element: &ElementSource, walk: Walk) -> Option<Place> {
        let grammar = self.grammar;
        let (node, opens, qualifier, each) = match walk.segment {
            Some((node, qualifier)) => {
                let tag = grammar.segment_at(node).tag.to_string();
                if !element.tag.is_empty() && element.tag != tag {
                    let message = format!("{} is no element of {tag}", element.tag);
                    let mend = format!("write `{tag}{:02}`", element.position);
                    self.fault(element.at, message, mend);
                    return None;
                }
                (node, false, qualifier, true)
            }
            None if element.tag.is_empty() && walk.current == NodeId::ROOT => {
                let message = format!("`{:02}` names no segment", element.position);
                let mend =
                    format!("write the segment in front of it, like `BEG{:02}`", element.position);
                self.fault(element.at, message, mend);
                return None;
            }
            None if element.tag.is_empty() => (self.opening(walk.current), false, None, false),
            None => {
                let Some(child) = grammar.child(walk.current, &element.tag) else {
                    let step =
                        StepSource { key: element.tag.clone(), selector: None, at: element.at };
                    self.unknown_step(&step, &walk);
                    return None;
                };
                let is_loop = grammar.node(child).kind == NodeKind::Loop;
                (if is_loop { self.opening(child) } else { child }, is_loop, None, false)
            }
        };
        let definition = grammar.segment_at(node);
        self.element_exists(definition, element.position, element.component, element.at)?;
        if element.last > 0 {
            self.element_exists(definition, element.last, 0, element.at)?;
            if element.last <= element.position
                || (element.last - element.position).is_multiple_of(2)
            {
                let message = format!(
                    "{:02} to {:02} are no pairs of qualifier and value",
                    element.position, element.last
                );
                let mend = "name the first qualifier and the last value, like `PO106..PO125[UP]`";
                self.fault(element.at, message, mend);
                return None;
            }
            if let Some(position) = no_qualifier(definition, element.position, element.last) {
                let message = format!(
                    "{}{position:02} is no qualifier with a value behind it",
                    definition.tag
                );
                let mend = "name the first qualifier and the last value, like `PO106..PO125[UP]`";
                self.fault(element.at, message, mend);
                return None;
            }
        }
        let element = ElementSpot {
            position: element.position,
            component: element.component,
            last: element.last,
            qualifiers: set(&element.qualifiers),
            implied: 0,
        };
        let scope = walk.scope.into();
        Some(Place { scope, node, opens, qualifier, element: Some(element), each })
    }

    /// Whether the segment has this element; a fault where it has not.
    fn element_exists(
        &mut self,
        definition: &SegmentDef,
        position: u16,
        component: u16,
        at: Spot,
    ) -> Option<()> {
        let tag = definition.tag;
        let Some(element) = definition.elements.get(usize::from(position).wrapping_sub(1)) else {
            let last = definition.elements.len();
            let message = format!("{tag} has no element {position:02} in this release");
            self.fault(at, message, format!("its last is {tag}{last:02}"));
            return None;
        };
        let parts = match element.shape {
            ElementShape::Composite(id) => self.grammar.composite(id).components.len(),
            ElementShape::Simple { .. } => 0,
        };
        if usize::from(component) > parts {
            let message = format!("{tag}{position:02} has no component {component}");
            let mend = match parts {
                0 => "it is no composite: leave the component out".to_owned(),
                _ => format!("it has {parts}"),
            };
            self.fault(at, message, mend);
            return None;
        }
        Some(())
    }

    /// Says that the grammar has no such step, and what may have been meant.
    fn unknown_step(&mut self, step: &StepSource, walk: &Walk) {
        let grammar = self.grammar;
        let set = format!("set {} of release {}", grammar.set, grammar.release);
        let around = grammar.node(walk.current);
        let message = match &walk.segment {
            Some((node, _)) => {
                format!(
                    "{} is a segment: `{}` cannot stand in it",
                    grammar.node(*node).key,
                    step.key
                )
            }
            None if walk.current == NodeId::ROOT => {
                format!("{set} has no `{}` outside of its loops", step.key)
            }
            None => format!("the loop {} of {set} has no `{}`", around.path, step.key),
        };
        // The same name elsewhere in the set is more likely meant than another name here.
        let elsewhere: Vec<&str> = grammar
            .nodes
            .iter()
            .filter(|n| n.key == step.key && n.parent != walk.current && !n.path.is_empty())
            .filter(|n| grammar.node(n.parent).key != n.key)
            .map(|n| n.path.as_str())
            .take(3)
            .collect();
        let mend = if elsewhere.is_empty() {
            let here = around.children.iter().map(|&c| grammar.node(c).key.as_str());
            suggest::mend(&step.key, here, "see `crossdock grammar show` for what it has")
        } else {
            format!("it stands at {}", quoted(&elsewhere))
        };
        self.fault(step.at, message, mend);
    }
}

impl Walk {
    /// `None` where a fault was told of its steps already.
    fn filter_faults(self, compiler: &Compiler<'_>) -> Option<Self> {
        compiler.clean.then_some(self)
    }
}

fn quoted(paths: &[&str]) -> String {
    let quoted: Vec<String> = paths.iter().map(|p| format!("`{p}`")).collect();
    quoted.join(" or ")
}

/// Qualifiers: in whatever order they were written, the same are meant.
fn set(codes: &[String]) -> Box<[Code]> {
    let mut codes: Vec<Code> = bytes(codes).into_vec();
    codes.sort_unstable();
    codes.dedup();
    codes.into()
}

/// The first position of a range at which no qualifier of its pairs stands: those are all one element, with a list of
/// codes, and not the values of pairs that begin one further on.
fn no_qualifier(definition: &SegmentDef, first: u16, last: u16) -> Option<u16> {
    let at = |position: u16| definition.elements.get(usize::from(position).wrapping_sub(1));
    let id = at(first).map(|element| &element.id);
    let has_codes = |position: u16| {
        at(position).is_some_and(|e| matches!(e.shape, ElementShape::Simple { codes: Some(_), .. }))
    };
    let shifted = has_codes(first + 1)
        && at(first + 1).map(|value| &value.id) == at(first + 3).map(|value| &value.id);
    let is_one = |position: &u16| has_codes(*position) && at(*position).map(|e| &e.id) == id;
    let mut positions = (first..last).step_by(2);
    if shifted { Some(first) } else { positions.find(|position| !is_one(position)) }
}

fn is_composite(definition: &SegmentDef, position: u16) -> bool {
    let element = definition.elements.get(usize::from(position).wrapping_sub(1));
    element.is_some_and(|e| matches!(e.shape, ElementShape::Composite(_)))
}

pub(super) fn bytes<S: AsRef<str>>(codes: &[S]) -> Box<[Code]> {
    codes.iter().map(|c| c.as_ref().as_bytes().into()).collect()
}
