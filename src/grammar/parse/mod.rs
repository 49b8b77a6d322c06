//! Grammar files read line by line (`docs/grammar-language.md`). A bad line never hides the next one.
//!
//! It looks no name up: whether a segment or a code list exists is for the loader to say.

mod facts;
pub(crate) mod syntax;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

pub use self::syntax::ParsedFile;
use self::syntax::{At, Block, Blocks, Body, CodesBlock, Named, Place, SetSyntax};
use self::words::{Fault, Read, Token, Words, split};
use super::error::LineError;
use super::suggest;
use super::{Area, CodeList, Requirement, RuleLine};

/// The release's dictionaries of codes are the largest files, at about 100 KB.
const FILE_BYTES_MAX: usize = 4 << 20;
/// Lines are written for people; lists of codes are broken into several.
const LINE_BYTES_MAX: usize = 4096;
/// The deepest loops of X12 are five deep.
const LOOPS_DEEP_MAX: usize = 16;
/// More errors than this help nobody; the rest of the file is left unread.
const ERRORS_MAX: usize = 500;

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
        reader.error(
            at,
            format!("the file has more than {FILE_BYTES_MAX} bytes"),
            "split it".into(),
        );
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
            open: Vec::new(),
        }
    }

    fn error(&mut self, at: At, message: String, mend: String) {
        if self.errors.len() < ERRORS_MAX {
            let file = Arc::clone(&self.file);
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
            self.error(locate(fault.offset), fault.message, fault.mend);
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
        let first = if first.quoted { words.word("a word")? } else { first };
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

    fn area(&mut self, words: &mut Words<'_, '_>) -> Read<()> {
        let token = words.word("an area")?;
        let area = match token.text {
            "heading" => Area::Heading,
            "detail" => Area::Detail,
            _ => Area::Summary,
        };
        self.in_places(token)?;
        if let Some(&open) = self.open.last() {
            let name = self.set.places[open].name.clone();
            self.open.clear();
            self.area = Some(area);
            let message = format!("`{}` inside the loop {name}", token.text);
            return Err(Fault::new(token.offset, message, format!("close it first: `end {name}`")));
        }
        if self.area.is_some_and(|before| before >= area) {
            let message = format!("`{}` comes too late", token.text);
            let mend = "each area stands once: heading, detail, summary";
            return Err(Fault::new(token.offset, message, mend));
        }
        self.area = Some(area);
        words.finish()
    }

    /// Fails where places cannot stand.
    fn in_places(&self, token: Token<'_>) -> Read<()> {
        if self.within == Within::Places {
            return Ok(());
        }
        let message = format!("`{}` cannot stand here", token.text);
        let mend = if self.is_set {
            "put it in front of the first `segment`, `composite` or `codes`"
        } else {
            "areas, loops and places belong into the file of a set"
        };
        Err(Fault::new(token.offset, message, mend))
    }

    fn open_loop(&mut self, words: &mut Words<'_, '_>, at: At) -> Read<()> {
        let keyword = words.word("a loop")?;
        self.in_places(keyword)?;
        // Opened even where the line is bad, so that its `end` has something to close.
        let index = self.push_place(String::new(), true, at);
        self.open.push(index);
        let token = words.word("the loop's name, like `N1`")?;
        self.set.places[index].name = facts::tag(token)?;
        if self.open.len() > LOOPS_DEEP_MAX {
            let message = format!("more than {LOOPS_DEEP_MAX} loops inside each other");
            return Err(Fault::new(keyword.offset, message, "is an `end` missing above?"));
        }
        self.place_facts(index, words)?;
        self.in_area(token)
    }

    fn place_facts(&mut self, index: usize, words: &mut Words<'_, '_>) -> Read<()> {
        let place = &mut self.set.places[index];
        let facts = facts::place(words, place.is_loop)?;
        place.requirement = facts.requirement;
        place.max_use = facts.max_use;
        place.title = facts.title;
        place.nested = facts.nested;
        place.broken = false;
        Ok(())
    }

    fn in_area(&mut self, token: Token<'_>) -> Read<()> {
        if self.area.is_some() {
            return Ok(());
        }
        self.area = Some(Area::Heading);
        let message = format!("`{}` stands in no area", token.text);
        Err(Fault::new(token.offset, message, "open one in front of it: `heading`"))
    }

    fn push_place(&mut self, name: String, is_loop: bool, at: At) -> usize {
        self.set.places.push(Place {
            at,
            parent: self.open.last().copied(),
            is_loop,
            name,
            requirement: Requirement::Optional,
            max_use: Some(1),
            title: None,
            nested: None,
            area: self.area.unwrap_or(Area::Heading),
            broken: true,
        });
        self.set.places.len() - 1
    }

    fn close_loop(&mut self, words: &mut Words<'_, '_>) -> Read<()> {
        let keyword = words.word("an end")?;
        self.in_places(keyword)?;
        let token = words.word("the name of the loop that ends")?;
        let Some(&open) = self.open.last() else {
            let message = format!("`end {}` where no loop is open", token.text);
            return Err(Fault::new(keyword.offset, message, "take it out"));
        };
        let expected = self.set.places[open].name.clone();
        // Where an outer loop has that name, the ends between are missing; else the name is misspelled.
        let matching = self.open.iter().rposition(|&o| self.set.places[o].name == token.text);
        self.open.truncate(matching.unwrap_or(self.open.len() - 1));
        if expected != token.text && !expected.is_empty() {
            let message = format!("`end {}` where the loop {expected} is open", token.text);
            let mend = match matching {
                Some(_) => format!("close it first: `end {expected}`"),
                None => format!("did you mean `end {expected}`?"),
            };
            return Err(Fault::new(token.offset, message, mend));
        }
        words.finish()
    }

    fn open_block(&mut self, words: &mut Words<'_, '_>, at: At) -> Read<()> {
        let keyword = words.word("a block")?;
        self.report_open_loops("where the segments begin");
        let block = Block {
            at,
            name: String::new(),
            title: String::new(),
            elements: Vec::new(),
            notes: Vec::new(),
            broken: false,
        };
        let (within, blocks) = match keyword.text {
            "segment" => (Within::Segment, &mut self.blocks.segments),
            _ => (Within::Composite, &mut self.blocks.composites),
        };
        self.within = within;
        blocks.push(block);
        let Some(block) = blocks.last_mut() else { return Ok(()) };
        block.name = match within {
            Within::Segment => facts::tag(words.word("the segment, like `PO1`")?)?,
            _ => facts::name(words.word("the composite, like `C001`")?, "a composite")?,
        };
        block.title = words.title()?;
        words.finish()
    }

    fn open_codes(&mut self, words: &mut Words<'_, '_>, at: At) -> Read<()> {
        words.keyword("codes")?;
        self.report_open_loops("where the code lists begin");
        self.within = Within::Codes;
        let rule = RuleLine { file: Arc::clone(&self.file), line: at.line };
        let list =
            CodeList { id: String::new(), title: String::new(), codes: HashMap::new(), rule };
        self.blocks.codes.push(CodesBlock { at, list });
        let Some(CodesBlock { list, .. }) = self.blocks.codes.last_mut() else { return Ok(()) };
        list.id = facts::name(words.word("the code list, like `355`")?, "a code list")?;
        list.title = words.title()?;
        words.finish()
    }

    fn report_open_loops(&mut self, place: &str) {
        for open in std::mem::take(&mut self.open) {
            let (name, at) = (self.set.places[open].name.clone(), self.set.places[open].at);
            let message = format!("the loop {name} is still open {place}");
            self.error(at, message, format!("close it: `end {name}`"));
        }
    }

    fn also(&mut self, words: &mut Words<'_, '_>, locate: facts::Locate<'_>) -> Read<()> {
        let keyword = words.word("also")?;
        match self.within {
            Within::Codes => {
                while words.peek_word().is_some() {
                    let token = words.word("a code")?;
                    self.add_code(token, None)?;
                }
            }
            Within::Dictionary => {
                while words.peek_word().is_some() {
                    let token = words.word("a segment")?;
                    let at = Some(locate(token.offset));
                    self.blocks.also.push(Named { name: facts::tag(token)?, at });
                }
            }
            _ => {
                let mend = "put it below `codes`, or in a dictionary in front of its first block";
                return Err(Fault::new(keyword.offset, "`also` cannot stand here", mend));
            }
        }
        words.finish()
    }

    fn code(&mut self, words: &mut Words<'_, '_>) -> Read<()> {
        let token = words.word("a code")?;
        let meaning = words.title()?;
        self.add_code(token, Some(meaning))
    }

    fn add_code(&mut self, token: Token<'_>, meaning: Option<String>) -> Read<()> {
        let code = facts::code(token)?;
        let Some(CodesBlock { list, .. }) = self.blocks.codes.last_mut() else { return Ok(()) };
        if list.codes.contains_key(code) {
            let message = format!("the code `{}` stands twice in the list", token.text);
            return Err(Fault::new(token.offset, message, "take one of them out"));
        }
        list.codes.insert(code.into(), meaning);
        Ok(())
    }

    fn note(&mut self, words: &mut Words<'_, '_>, at: At, locate: facts::Locate<'_>) -> Read<()> {
        let keyword = words.word("note")?;
        let note = match self.within {
            Within::Segment | Within::Composite => facts::note(words, at, locate)?,
            _ => {
                let mend = "put it below the `segment` or `composite` that it is about";
                return Err(Fault::new(keyword.offset, "`note` cannot stand here", mend));
            }
        };
        if let Some(block) = self.open_block_mut() {
            block.notes.push(note);
        }
        Ok(())
    }

    fn open_block_mut(&mut self) -> Option<&mut Block> {
        match self.within {
            Within::Segment => self.blocks.segments.last_mut(),
            Within::Composite => self.blocks.composites.last_mut(),
            _ => None,
        }
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

    fn place(&mut self, words: &mut Words<'_, '_>, locate: facts::Locate<'_>) -> Read<()> {
        let token = words.word("a segment")?;
        let index = self.push_place(String::new(), false, locate(token.offset));
        self.set.places[index].name = facts::tag(token)?;
        self.place_facts(index, words)?;
        self.in_area(token)
    }

    fn close_file(&mut self, line: u32) {
        if self.gave_up {
            return;
        }
        if self.within == Within::Start {
            let mend = "begin with `set …` or `dictionary …`, or remove the file".to_owned();
            self.error(At { line, column: 1 }, "the file says nothing".to_owned(), mend);
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

/// 1-based column of a byte offset, in characters.
fn column(line: &str, offset: usize) -> u32 {
    let before = line.get(..offset).unwrap_or(line).chars().count();
    u32::try_from(before).map_or(u32::MAX, |c| c + 1)
}
