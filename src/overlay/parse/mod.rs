//! Overlay files read line by line (`docs/overlay-language.md`). A bad line never hides the next one.
//!
//! It looks no name up: whether a segment or a code exists is for the compiler to say.

mod path;
mod rules;

pub(super) use rules::is_code;

use std::sync::Arc;

use super::source::{Direction, OverlaySource, Spot, Word};
use crate::grammar::parse::words::{Fault, Read, Token, Words, split};
use crate::grammar::parse::{column, printable};
use crate::grammar::{LineError, suggest};

/// A thousand rules of a hundred bytes, and room for comments.
const FILE_BYTES_MAX: usize = 256 << 10;
/// As in grammars: lines are written for people.
const LINE_BYTES_MAX: usize = 4096;
/// More errors than this help nobody; the rest of the file is left unread.
const ERRORS_MAX: usize = 500;
/// Rules in one file. The largest guides make about two hundred.
pub(super) const RULES_MAX: usize = 1000;
/// Releases in the first line.
const RELEASES_MAX: usize = 16;

/// Reads an overlay file. `file` is the path that errors and rules name. Any text may be given: what cannot be read
/// is told in the errors, in the order of the lines, and left out.
#[must_use]
pub fn parse_overlay(file: &str, text: &str) -> (OverlaySource, Vec<LineError>) {
    let mut reader = Reader {
        source: OverlaySource {
            file: Arc::from(file),
            partner: Word::default(),
            set: Word::default(),
            releases: Vec::new(),
            direction: None,
            rules: Vec::new(),
            waived: Vec::new(),
        },
        stated: None,
        begun: false,
        errors: Vec::new(),
    };
    if text.len() > FILE_BYTES_MAX {
        let at = Spot { line: 1, column: 1 };
        reader.error(at, &format!("the file has more than {FILE_BYTES_MAX} bytes"), "split it");
        return (reader.source, reader.errors);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        reader.line(number, line, &mut tokens);
        if reader.errors.len() >= ERRORS_MAX {
            break;
        }
    }
    if !reader.begun && reader.errors.is_empty() {
        let at = Spot { line: 1, column: 1 };
        reader.error(at, "the file says nothing", HEAD_MEND);
    }
    (reader.source, reader.errors)
}

const HEAD_MEND: &str = "begin it with `overlay PARTNER on SET RELEASE …`";

struct Reader {
    source: OverlaySource,
    /// What the last `source` line said.
    stated: Option<Arc<str>>,
    begun: bool,
    errors: Vec<LineError>,
}

/// One line while it is read.
pub(super) struct LineText<'a> {
    pub number: u32,
    pub text: &'a str,
}

impl LineText<'_> {
    pub(super) fn spot(&self, offset: usize) -> Spot {
        Spot { line: self.number, column: column(self.text, offset) }
    }

    pub(super) fn word(&self, token: Token<'_>) -> Word {
        Word { text: token.text.to_owned(), at: self.spot(token.offset) }
    }

    /// What stands between two offsets, with single blanks.
    pub(super) fn between(&self, from: usize, to: usize) -> String {
        let part = self.text.get(from..to.max(from)).unwrap_or_default();
        part.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl Reader {
    fn error(&mut self, at: Spot, message: &str, mend: &str) {
        let error = self.source.error(at, printable(message), printable(mend));
        self.errors.push(error);
    }

    fn line<'a>(&mut self, number: u32, text: &'a str, tokens: &mut Vec<Token<'a>>) {
        let line = LineText { number, text };
        let read = if text.len() > LINE_BYTES_MAX {
            tokens.clear();
            let message = format!("the line has more than {LINE_BYTES_MAX} bytes");
            Err(Fault::new(0, message, "break it up"))
        } else {
            split(text, tokens)
        };
        let read = read.and_then(|()| match tokens.first() {
            Some(&first) => self.fact(first, &mut Words::new(tokens), &line),
            None => Ok(()),
        });
        if let Err(fault) = read {
            self.error(line.spot(fault.offset), &fault.message, &fault.mend);
        }
    }

    fn fact(
        &mut self,
        first: Token<'_>,
        words: &mut Words<'_, '_>,
        line: &LineText<'_>,
    ) -> Read<()> {
        if first.quoted {
            let mend = "write the rule that it explains in front of it";
            return Err(Fault::new(first.offset, "a line cannot begin with a text", mend));
        }
        if !self.begun {
            self.begun = true;
            if first.text != "overlay" {
                let message = format!("an overlay cannot begin with `{}`", first.text);
                let mend = suggest::mend(first.text, ["overlay"], HEAD_MEND);
                return Err(Fault::new(first.offset, message, mend));
            }
            return self.head(words, line);
        }
        match first.text {
            "overlay" => {
                let message = "a second `overlay`";
                Err(Fault::new(first.offset, message, "put it into a file of its own"))
            }
            "source" => {
                words.keyword("source")?;
                self.stated = Some(words.title()?.into());
                words.finish()
            }
            "waive" => {
                let waived = rules::waive(words, line)?;
                self.source.waived.push(waived);
                Ok(())
            }
            _ => {
                if self.source.rules.len() >= RULES_MAX {
                    let message = format!("the file has more than {RULES_MAX} rules");
                    return Err(Fault::new(first.offset, message, "split it by set and release"));
                }
                let mut rule = rules::rule(words, line)?;
                if rule.source.is_none() {
                    rule.source.clone_from(&self.stated);
                }
                self.source.rules.push(Arc::new(rule));
                Ok(())
            }
        }
    }

    /// `overlay PARTNER on SET RELEASE … [in|out]`
    fn head(&mut self, words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<()> {
        words.keyword("overlay")?;
        let partner = words.word("the partner, like `harbor-and-pine`")?;
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if !partner.text.chars().all(named) || partner.text.len() > 64 {
            let message = format!("`{}` is no name of a partner", partner.text);
            let mend = "write small letters, digits and `-`, as its folder is named";
            return Err(Fault::new(partner.offset, message, mend));
        }
        words.keyword("on")?;
        let set = words.word("the set, like `850`")?;
        if set.text.len() > 10 || !set.text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            let message = format!("`{}` is no set", set.text);
            return Err(Fault::new(set.offset, message, "write it like `850`"));
        }
        let mut releases: Vec<Word> = Vec::new();
        let mut direction = None;
        while words.peek_word().is_some() {
            let token = words.word("a release, like `004010`")?;
            if matches!(token.text, "in" | "out") && !releases.is_empty() {
                direction = Some(if token.text == "in" { Direction::In } else { Direction::Out });
                break;
            }
            let is_release =
                token.text.len() == 6 && token.text.bytes().all(|b| b.is_ascii_digit());
            if !is_release || releases.len() >= RELEASES_MAX {
                let message = format!("`{}` is no release", token.text);
                let otherwise = "write six digits, like `004010`, and `in` or `out` last";
                let mend = suggest::mend(token.text, ["in", "out"], otherwise);
                return Err(Fault::new(token.offset, message, mend));
            }
            if releases.iter().any(|r| r.text == token.text) {
                let message = format!("release {} stands there twice", token.text);
                return Err(Fault::new(token.offset, message, "take one of them out"));
            }
            releases.push(line.word(token));
        }
        if releases.is_empty() {
            let message = "the release is missing";
            return Err(Fault::new(words.offset(), message, "add it: `… on 850 004010`"));
        }
        words.finish()?;
        self.source.partner = line.word(partner);
        self.source.set = line.word(set);
        self.source.releases = releases;
        self.source.direction = direction;
        Ok(())
    }
}
