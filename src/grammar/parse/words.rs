//! A line split into words and titles, and a cursor that reads it word by word and says what is wrong with one.

use nom::branch::alt;
use nom::bytes::complete::{is_not, take_while1};
use nom::character::complete::{anychar, char};
use nom::combinator::{cut, recognize, value};
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Offset, Parser};

use crate::grammar::suggest;

/// A title longer than this is no title.
const TITLE_CHARS_MAX: usize = 200;

/// A word, or a title in double quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// Byte offset in the line.
    pub offset: usize,
    /// As it stands there; of a title, what is between the quotes.
    pub text: &'a str,
    /// Whether it stands in quotes.
    pub quoted: bool,
}

/// What is wrong with a line, at which byte of it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub offset: usize,
    pub message: String,
    pub mend: String,
}

pub(crate) type Read<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn new(offset: usize, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { offset, message: message.into(), mend: mend.into() }
    }
}

/// Splits a line into `tokens`, which are cleared first. A `#` at the start of a word begins a comment.
pub(crate) fn split<'a>(line: &'a str, tokens: &mut Vec<Token<'a>>) -> Read<()> {
    tokens.clear();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() || rest.starts_with('#') {
            return Ok(());
        }
        let offset = line.offset(rest);
        let Ok((after, (text, quoted))) = token(rest) else {
            return Err(Fault::new(offset, "the title is not closed", "add the closing `\"`"));
        };
        tokens.push(Token { offset, text, quoted });
        if !after.is_empty() && !after.starts_with(is_blank) {
            let at = line.offset(after);
            return Err(Fault::new(
                at,
                "no blank between a title and what is beside it",
                "add one",
            ));
        }
        rest = after;
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn token(input: &str) -> IResult<&str, (&str, bool)> {
    alt((quoted.map(|t| (t, true)), word.map(|t| (t, false)))).parse(input)
}

fn word(input: &str) -> IResult<&str, &str> {
    take_while1(|c| !is_blank(c) && c != '"')(input)
}

fn quoted(input: &str) -> IResult<&str, &str> {
    let escaped = value((), preceded(char('\\'), anychar));
    let plain = value((), is_not("\"\\"));
    let inside = recognize(many0_count(alt((plain, escaped))));
    delimited(char('"'), inside, cut(char('"'))).parse(input)
}

/// A cursor over the tokens of one line.
#[derive(Debug)]
pub(crate) struct Words<'t, 'a> {
    tokens: &'t [Token<'a>],
    next: usize,
    /// Byte offset just past the last token: where what is missing should have stood.
    end: usize,
}

impl<'t, 'a> Words<'t, 'a> {
    pub(crate) fn new(tokens: &'t [Token<'a>]) -> Self {
        let end = tokens.last().map_or(0, |t| t.offset + t.text.len() + 2 * usize::from(t.quoted));
        Self { tokens, next: 0, end }
    }

    /// Offset of the next token, or of the end of the line.
    pub(crate) fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |t| t.offset)
    }

    pub(crate) fn peek_word(&self) -> Option<&'a str> {
        self.tokens.get(self.next).filter(|t| !t.quoted).map(|t| t.text)
    }

    /// Whether the line is a word and a title, and nothing else.
    pub(crate) fn is_word_and_title(&self) -> bool {
        matches!(self.tokens, [word, title] if !word.quoted && title.quoted)
    }

    /// The next word; `what` is what should stand there ("a segment, like `PO1`").
    pub(crate) fn word(&mut self, what: &str) -> Read<Token<'a>> {
        match self.tokens.get(self.next) {
            Some(t) if !t.quoted => {
                self.next += 1;
                Ok(*t)
            }
            Some(t) => Err(Fault::new(
                t.offset,
                format!("a title where {what} should stand"),
                "put it in front",
            )),
            None => Err(Fault::new(
                self.end,
                format!("{what} is missing"),
                "add it at the end of the line",
            )),
        }
    }

    /// The next word, which must be `keyword`.
    pub(crate) fn keyword(&mut self, keyword: &str) -> Read<()> {
        let token = self.word(&format!("the word `{keyword}`"))?;
        if token.text == keyword {
            return Ok(());
        }
        let message = format!("`{}` where the word `{keyword}` should stand", token.text);
        let otherwise = format!("write `{keyword}`");
        Err(Fault::new(token.offset, message, suggest::mend(token.text, [keyword], &otherwise)))
    }

    /// The title, where one stands there.
    pub(crate) fn optional_title(&mut self) -> Read<Option<String>> {
        match self.tokens.get(self.next) {
            Some(t) if t.quoted => {
                self.next += 1;
                title(t).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The title, which must stand there.
    pub(crate) fn title(&mut self) -> Read<String> {
        let offset = self.offset();
        self.optional_title()?.ok_or_else(|| {
            let mend = match self.peek_word() {
                Some(word) => format!("write it in double quotes in front of `{word}`"),
                None => "add it in double quotes".to_owned(),
            };
            Fault::new(offset, "the title is missing", mend)
        })
    }

    /// A number from 1 to `max`.
    pub(crate) fn number(&mut self, what: &str, max: u32) -> Read<u32> {
        let token = self.word(what)?;
        number(token, what, max)
    }

    /// A number from 1, or `*` for no limit.
    pub(crate) fn limit(&mut self, what: &str) -> Read<Option<u32>> {
        if self.peek_word() == Some("*") {
            self.next += 1;
            return Ok(None);
        }
        self.number(what, u32::MAX).map(Some).map_err(|fault| Fault {
            mend: "write a number, at least 1, or `*` for no limit".to_owned(),
            ..fault
        })
    }

    /// Nothing more may stand in the line.
    pub(crate) fn finish(&self) -> Read<()> {
        match self.tokens.get(self.next) {
            None => Ok(()),
            Some(t) => Err(Fault::new(
                t.offset,
                format!("`{}` is more than this line may hold", t.text),
                "take it out, or put `#` in front of a comment",
            )),
        }
    }
}

/// The token as a number from 1 to `max`.
pub(crate) fn number(token: Token<'_>, what: &str, max: u32) -> Read<u32> {
    let is_number = token.text.bytes().all(|b| b.is_ascii_digit());
    match token.text.parse::<u32>() {
        Ok(n) if is_number && (1..=max).contains(&n) => Ok(n),
        _ if is_number => Err(Fault::new(
            token.offset,
            format!("{} is out of range for {what}", token.text),
            format!("write a number from 1 to {max}"),
        )),
        _ => Err(Fault::new(
            token.offset,
            format!("`{}` where {what} should stand", token.text),
            "write a number",
        )),
    }
}

fn title(token: &Token<'_>) -> Read<String> {
    let mut text = String::with_capacity(token.text.len());
    let mut chars = token.text.char_indices();
    while let Some((i, c)) = chars.next() {
        let c = if c == '\\' { chars.next().map_or('\\', |(_, c)| c) } else { c };
        let escape_unknown = token.text.as_bytes()[i] == b'\\' && c != '"' && c != '\\';
        if escape_unknown || c.is_control() {
            return Err(Fault::new(
                token.offset + 1 + i,
                "a character that cannot stand in a title",
                "use printable ones; `\\\"` and `\\\\` are the only escapes",
            ));
        }
        text.push(c);
    }
    if text.trim().is_empty() {
        return Err(Fault::new(token.offset, "the title is empty", "say what it is"));
    }
    if text.chars().count() > TITLE_CHARS_MAX {
        let message = format!("the title has more than {TITLE_CHARS_MAX} characters");
        return Err(Fault::new(token.offset, message, "shorten it"));
    }
    Ok(text)
}
