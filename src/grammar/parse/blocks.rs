//! The lines of a dictionary: segments, composites and code lists.

use std::collections::HashMap;
use std::sync::Arc;

use super::facts::{self, Locate};
use super::syntax::{At, Block, CodesBlock, Named};
use super::words::{Fault, Read, Token, Words};
use super::{Reader, Within};
use crate::grammar::{CodeList, RuleLine};

impl Reader {
    pub(super) fn open_block(&mut self, words: &mut Words<'_, '_>, at: At) -> Read<()> {
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

    pub(super) fn open_codes(&mut self, words: &mut Words<'_, '_>, at: At) -> Read<()> {
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

    pub(super) fn also(&mut self, words: &mut Words<'_, '_>, locate: Locate<'_>) -> Read<()> {
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

    pub(super) fn code(&mut self, words: &mut Words<'_, '_>) -> Read<()> {
        let token = words.word("a code")?;
        let meaning = words.title()?;
        self.add_code(token, Some(meaning))
    }

    pub(super) fn add_code(&mut self, token: Token<'_>, meaning: Option<String>) -> Read<()> {
        let code = facts::code(token)?;
        let Some(CodesBlock { list, .. }) = self.blocks.codes.last_mut() else { return Ok(()) };
        if list.codes.insert(code.into(), meaning).is_some() {
            let message = format!("the code `{}` stands twice in the list", token.text);
            return Err(Fault::new(token.offset, message, "take one of them out"));
        }
        Ok(())
    }

    pub(super) fn note(
        &mut self,
        words: &mut Words<'_, '_>,
        at: At,
        locate: Locate<'_>,
    ) -> Read<()> {
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

    pub(super) fn open_block_mut(&mut self) -> Option<&mut Block> {
        match self.within {
            Within::Segment => self.blocks.segments.last_mut(),
            Within::Composite => self.blocks.composites.last_mut(),
            _ => None,
        }
    }
}
