//! Rules that can never fire, and rules that rest on no source: warnings for their author.

use super::super::plan::Rule;
use super::Compiler;

impl Compiler<'_> {
    pub(super) fn dead(&mut self, rules: &[Rule]) {
        for rule in rules {
            if rule.written.source.is_none() {
                let mend = "name document, page and date: `source \"Guide 3.1, p. 12, 2026-02\"`";
                self.warn(rule, rule.written.at, "the rule names no source", mend);
            }
            if let Some(by) = self.forbidden_by(rule, rules) {
                self.dead_under(rule, by);
            }
        }
    }
}
