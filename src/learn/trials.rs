//! Rules that are tried on each document: sums, counts, check digits, what never comes twice.

use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::findings::Findings;
use crate::grammar::{Grammar, Walked};
use crate::overlay::{Overlay, parse_overlay};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/hypotheses");

/// Rules for one set.
const RULES_MAX: usize = 64;

/// The files of hypotheses: the set, and its lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Hypotheses(Vec<(String, &'static str)>);

impl Hypotheses {
    pub fn embedded() -> Self {
        let files = EMBEDDED.files().filter_map(|file| {
            let set = file.path().file_stem()?.to_str()?.to_owned();
            Some((set, file.contents_utf8()?))
        });
        Self(files.collect())
    }

    /// Those for a set that can be meant in its release.
    pub fn of(&self, grammar: &Arc<Grammar>) -> Vec<Trial> {
        let texts = self.0.iter().filter(|(set, _)| *set == grammar.set);
        let lines = texts.flat_map(|(_, text)| text.lines());
        let lines = lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.take(RULES_MAX).filter_map(|line| Trial::new(line, grammar)).collect()
    }
}

/// A rule, and in how many documents it held.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    rule: Overlay,
    /// Is broken by the documents that the rule can be tried on.
    open: Overlay,
    pub tried: u64,
    pub held: u64,
}

impl Trial {
    /// `RULE`, or `RULE | RULE`.
    fn new(line: &str, grammar: &Arc<Grammar>) -> Option<Self> {
        let (rule, open) = line.split_once('|').map_or((line, None), |(r, o)| (r, Some(o)));
        let rule = overlay(rule, grammar)?;
        let path = rule.rules().next()?.path().to_owned();
        let open = open.map_or_else(|| format!("forbid {path}"), str::to_owned);
        Some(Self { rule, open: overlay(&open, grammar)?, tried: 0, held: 0 })
    }

    pub fn take(&mut self, walked: &Walked<'_>) {
        let breaks = |overlay: &Overlay| {
            let mut findings = Findings::default();
            overlay.check(walked, &mut findings);
            !findings.is_empty()
        };
        if breaks(&self.open) {
            self.tried += 1;
            self.held += u64::from(!breaks(&self.rule));
        }
    }

    /// What it says: the kind and path that only one rule may have, and the whole line.
    pub fn text(&self) -> Option<(String, String)> {
        let rule = self.rule.rules().next()?;
        let subject = format!("{} {}", rule.kind().word(), rule.path());
        let line = format!("{subject} {}", rule.what());
        Some((subject, line.trim_end().to_owned()))
    }
}

fn overlay(rule: &str, grammar: &Arc<Grammar>) -> Option<Overlay> {
    let text = format!("overlay hypothesis on {} {}\n{rule}\n", grammar.set, grammar.release);
    let (source, errors) = parse_overlay("hypotheses", &text);
    Overlay::compile(&[&source], grammar).ok().filter(|_| errors.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Library;

    #[test]
    fn every_hypothesis_can_be_meant_in_a_release() {
        let library = Library::embedded();
        let hypotheses = Hypotheses::embedded();
        assert_eq!(hypotheses.0.len(), 3);
        for (set, text) in &hypotheses.0 {
            let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).count();
            let grammars = library.sets().filter(|g| g.set == *set);
            let tried = grammars.map(|g| hypotheses.of(g).len()).max();
            assert_eq!(tried, Some(lines), "{set}");
        }
    }
}
