//! Grammar files read line by line (`docs/grammar-language.md`). A bad line never hides the next one.
//!
//! It looks no name up: whether a segment or a code list exists is for the loader to say.

mod blocks;
pub(crate) mod facts;
mod places;
pub(crate) mod syntax;
pub(crate) mod words;

use std::sync::Arc;

pub use self::syntax::ParsedFile;
use self::syntax::{At, Blocks, Body, Named, SetSyntax};
use self::words::{Fault, Read, Token, Words, split};
use super::Area;
use super::error::LineError;
use super::suggest;
use crate::x12::Tag;

/// The release's dictionaries of codes are the largest files, at about 100 KB.
const FILE_BYTES_MAX: usize = 4 << 20;
/// Lines are written for people; lists of codes are broken into several.
const LINE_BYTES_MAX: usize = 4096;
/// More errors than this help nobody; the rest of the file is left unread.
const ERRORS_MAX: usize = 500;
/// Longer than any message of ours.
const MESSAGE_CHARS_MAX: usize = 240;

const FIRST_WORDS: [&str; 2] = ["set", "dictionary"];
const KEYWORDS: [&str; 12] = [
    "heading",
    "detail",
    "summary",
    "loop",
    "end",
    "segment",
    "composite",
    "codes",
    "note",
    "also",
    "set",
    "dictionary",
];

/// Reads a grammar file. `file` is the path that errors and rules name. Any text may be given: what cannot be
/// read is told in the errors, in the order of the lines, and left out.
#[must_use]
pub fn parse_file(file: &str, text: &str) -> (ParsedFile, Vec<LineError>) {
    let mut reader = Reader::new(Arc::from(file));
    if text.len() > FILE_BYTES_MAX {
        let at = At { line: 1, column: 1 };
        reader.error(at, &format!("the file has more than {FILE_BYTES_MAX} bytes"), "split it");
        return reader.finish();
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tokens = Vec::new();
    let mut number = 0;
    for line in text.lines() {
        number += 1;
        reader.line(number, line, &mut tokens);
        if reader.gave_up {
            break;
        }
    }
    reader.close_file(number + 1);
    reader.finish()
}

/// What the next line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Nothing yet: the next line says what kind of file this is.
    Start,
    /// The places of a set.
    Places,
    /// A dictionary, before its first block.
    Dictionary,
    /// The last segment of the blocks.
    Segment,
    /// The last composite of the blocks.
    Composite,
    /// The last code list of the blocks.
    Codes,
}

#[derive(Debug)]
struct Reader {
    file: Arc<str>,
    errors: Vec<LineError>,
    gave_up: bool,
    within: Within,
    is_set: bool,
    set: SetSyntax,
    release: Named,
    blocks: Blocks,
    area: Option<Area>,
    /// The area was not opened; that is reported once.
    area_assumed: bool,
    /// Indices of the open loops, outermost first.
    open: Vec<usize>,
}

impl Reader {
    fn new(file: Arc<str>) -> Self {
        Self {
            file,
            errors: Vec::new(),
            gave_up: false,
            within: Within::Start,
            is_set: false,
            set: SetSyntax::default(),
            release: Named::default(),
            blocks: Blocks::default(),
            area: None,
            area_assumed: false,
            open: Vec::new(),
        }
    }

    fn error(&mut self, at: At, message: &str, mend: &str) {
        if self.errors.len() < ERRORS_MAX {
            let file = Arc::clone(&self.file);
            let (message, mend) = (printable(message), printable(mend));
            self.errors.push(LineError { file, line: at.line, column: at.column, message, mend });
        } else {
            self.gave_up = true;
        }
    }

    fn line<'a>(&mut self, number: u32, line: &'a str, tokens: &mut Vec<Token<'a>>) {
        let locate = |offset: usize| At { line: number, column: column(line, offset) };
        let read = if line.len() > LINE_BYTES_MAX {
            tokens.clear();
            Err(Fault::new(
                0,
                format!("the line has more than {LINE_BYTES_MAX} bytes"),
                "break it up",
            ))
        } else {
            split(line, tokens)
        };
        let read = read.and_then(|()| match tokens.first() {
            Some(&first) => self.fact(first, &mut Words::new(tokens), &locate),
            None => Ok(()),
        });
        if let Err(fault) = read {
            self.mark_broken();
            self.error(locate(fault.offset), &fault.message, &fault.mend);
        }
    }

    /// A line of the open block could not be read: what is missing there is no news.
    fn mark_broken(&mut self) {
        if let Some(block) = self.open_block_mut() {
            block.broken = true;
        }
    }

    fn fact(
        &mut self,
        first: Token<'_>,
        words: &mut Words<'_, '_>,
        locate: facts::Locate<'_>,
    ) -> Read<()> {
        if self.within == Within::Start {
            return self.first_line(words, locate);
        }
        if self.within == Within::Codes && words.is_word_and_title() {
            return self.code(words);
        }
        let at = locate(first.offset);
        if first.quoted {
            let mend = "write what it is the title of in front of it";
            return Err(Fault::new(first.offset, "a line cannot begin with a title", mend));
        }
        match first.text {
            "set" | "dictionary" => {
                let message = format!("a second `{}`", first.text);
                Err(Fault::new(first.offset, message, "put it into a file of its own"))
            }
            "heading" | "detail" | "summary" => self.area(words),
            "loop" => self.open_loop(words, at),
            "end" => self.close_loop(words),
            "segment" | "composite" => self.open_block(words, at),
            "codes" => self.open_codes(words, at),
            "also" => self.also(words, locate),
            "note" => self.note(words, at, locate),
            _ => self.named_line(first, words, locate),
        }
    }

    fn first_line(&mut self, words: &mut Words<'_, '_>, locate: facts::Locate<'_>) -> Read<()> {
        let token = words.word("`set` or `dictionary`")?;
        let meant = if FIRST_WORDS.contains(&token.text) {
            Some(token.text)
        } else {
            suggest::nearest(token.text, FIRST_WORDS)
        };
        self.is_set = match meant {
            Some("set") => true,
            Some(_) => false,
            None => {
                self.gave_up = true;
                let message = format!("a grammar file cannot begin with `{}`", token.text);
                let mend = "begin with `set SET \"title\" group GS01 release RELEASE` or \
                            `dictionary release RELEASE`";
                return Err(Fault::new(token.offset, message, mend));
            }
        };
        self.within = if self.is_set { Within::Places } else { Within::Dictionary };
        if meant != Some(token.text) {
            let message = format!("a grammar file cannot begin with `{}`", token.text);
            return Err(Fault::new(
                token.offset,
                message,
                suggest::mend(token.text, FIRST_WORDS, ""),
            ));
        }
        if self.is_set {
            self.set.head = Some(facts::set(words, locate)?);
        } else {
            self.release = facts::release(words, locate)?;
        }
        Ok(())
    }

    /// A line that begins with no keyword: a place, an element, or a slip.
    fn named_line(
        &mut self,
        first: Token<'_>,
        words: &mut Words<'_, '_>,
        locate: facts::Locate<'_>,
    ) -> Read<()> {
        let starts = |f: fn(&u8) -> bool| first.text.as_bytes().first().is_some_and(f);
        let is_element = starts(u8::is_ascii_digit);
        match self.within {
            Within::Segment | Within::Composite if is_element => {
                let element = facts::element(words, locate)?;
                if let Some(block) = self.open_block_mut() {
                    block.elements.push(element);
                }
                Ok(())
            }
            Within::Places if starts(u8::is_ascii_uppercase) => self.place(words, locate),
            Within::Places if starts(u8::is_ascii_lowercase) => {
                let message = format!("a line cannot begin with `{}` here", first.text);
                let upper = first.text.to_uppercase();
                let mend = if Tag::new(upper.as_bytes()).is_well_formed() {
                    format!("did you mean `{upper}`?")
                } else {
                    suggest::mend(first.text, KEYWORDS, expected(Within::Places))
                };
                Err(Fault::new(first.offset, message, mend))
            }
            Within::Codes => {
                let message = format!("`{}` without its meaning", first.text);
                let otherwise =
                    "write `CODE \"meaning\"`, or `also CODE …` for codes without words";
                Err(Fault::new(
                    first.offset,
                    message,
                    suggest::mend(first.text, KEYWORDS, otherwise),
                ))
            }
            within => {
                let message = format!("a line cannot begin with `{}` here", first.text);
                let mend = suggest::mend(first.text, KEYWORDS, expected(within));
                Err(Fault::new(first.offset, message, mend))
            }
        }
    }

    fn close_file(&mut self, line: u32) {
        if self.gave_up {
            return;
        }
        if self.within == Within::Start && self.errors.is_empty() {
            let mend = "begin with `set …` or `dictionary …`, or remove the file";
            self.error(At { line, column: 1 }, "the file says nothing", mend);
        }
        self.report_open_loops("at the end of the file");
    }

    fn finish(mut self) -> (ParsedFile, Vec<LineError>) {
        self.errors.sort_by_key(|e| (e.line, e.column));
        let body = if self.within == Within::Start {
            Body::Unknown
        } else if self.is_set {
            self.set.blocks = self.blocks;
            Body::Set(self.set)
        } else {
            Body::Dictionary { release: self.release, blocks: self.blocks }
        };
        (ParsedFile { path: self.file, body }, self.errors)
    }
}

fn expected(within: Within) -> &'static str {
    match within {
        Within::Places => "write an area, a `loop`, an `end`, a segment or a block",
        Within::Segment | Within::Composite => {
            "write an element (`01 …`), a `note` or the next block"
        }
        _ => "write `segment`, `composite` or `codes`",
    }
}

/// Errors quote what stands in the file, which may be anything: without control characters, and not endless.
pub(crate) fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut cut: String = text.chars().take(MESSAGE_CHARS_MAX).map(clean).collect();
    if cut.len() < text.len() && text.chars().nth(MESSAGE_CHARS_MAX).is_some() {
        cut.push('…');
    }
    cut
}

/// 1-based column of a byte offset, in characters.
pub(crate) fn column(line: &str, offset: usize) -> u32 {
    let before = line.get(..offset).unwrap_or(line).chars().count();
    u32::try_from(before).map_or(u32::MAX, |c| c + 1)
}
