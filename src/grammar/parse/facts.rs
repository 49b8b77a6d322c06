//! One line read as one fact. Each function takes the words behind the line's first one, or the whole line where
//! the first word is a name.

use super::syntax::{At, ElementLine, Named, NoteLine, SetHead, ShapeSyntax};
use super::words::{Fault, Read, Token, Words, number};
use crate::grammar::suggest;
use crate::grammar::{DataType, Nested, NoteKind, Requirement};
use crate::x12::Tag;

/// The last position of a segment: references like `PO125` have two digits for it.
const POSITION_MAX: u32 = 99;
/// Longest value that can be asked for: that of a binary element.
const LENGTH_MAX: u32 = 999_999_999;
/// Longest code.
const CODE_BYTES_MAX: usize = 30;
/// Longest name of a set, an element, a composite or a code list.
const NAME_BYTES_MAX: usize = 10;

const TYPES: [&str; 16] =
    ["AN", "ID", "DT", "TM", "R", "B", "N0", "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9"];

/// Finds line and column of a token.
pub(super) type Locate<'l> = &'l dyn Fn(usize) -> At;

/// `set SET "title" group GROUP release RELEASE`
pub(super) fn set(words: &mut Words<'_, '_>, locate: Locate<'_>) -> Read<SetHead> {
    let token = words.word("the set, like `850`")?;
    let set = name(token, "a set")?;
    let title = words.title()?;
    words.keyword("group")?;
    let group = name(words.word("the group's code (GS01), like `PO`")?, "a group's code")?;
    let release = release(words, locate)?;
    Ok(SetHead { at: locate(token.offset), set, title, group, release })
}

/// `release` RELEASE
pub(super) fn release(words: &mut Words<'_, '_>, locate: Locate<'_>) -> Read<Named> {
    words.keyword("release")?;
    let token = words.word("the release, like `004010`")?;
    let is_release = token.text.len() == 6 && token.text.bytes().all(|b| b.is_ascii_digit());
    if !is_release && token.text != "envelope" {
        let message = format!("`{}` is no release", token.text);
        let mend = suggest::mend(token.text, ["envelope"], "write six digits, like `004010`");
        return Err(Fault::new(token.offset, message, mend));
    }
    words.finish()?;
    Ok(Named { name: token.text.to_owned(), at: Some(locate(token.offset)) })
}

/// What stands behind the name of a segment or loop in a set.
pub(super) struct PlaceFacts {
    pub requirement: Requirement,
    pub max_use: Option<u32>,
    pub title: Option<String>,
    pub nested: Option<Nested>,
}

/// `REQUIREMENT MAXUSE ["title"]`, and for a loop `nested ID PARENT LEVEL CHILD` behind it
pub(super) fn place(words: &mut Words<'_, '_>, is_loop: bool) -> Read<PlaceFacts> {
    let requirement = requirement(words, false)?;
    let max_use = words.limit(if is_loop { "the repeat" } else { "the max use" })?;
    let title = words.optional_title()?;
    let nested = match words.peek_word() {
        Some(_) if is_loop => Some(nested(words)?),
        _ => None,
    };
    words.finish()?;
    Ok(PlaceFacts { requirement, max_use, title, nested })
}

fn nested(words: &mut Words<'_, '_>) -> Read<Nested> {
    words.keyword("nested")?;
    let mut position = |what: &str| position(words.word(what)?, what);
    Ok(Nested {
        id: position("the position of a level's own number")?,
        parent: position("the position of the parent's number")?,
        level: position("the position of the kind of level")?,
        child: position("the position that tells whether there are children")?,
    })
}

fn requirement(words: &mut Words<'_, '_>, conditional: bool) -> Read<Requirement> {
    let expected = if conditional { "`M`, `O` or `X`" } else { "`M` or `O`" };
    let token = words.word(&format!("the requirement ({expected})"))?;
    match token.text {
        "M" => Ok(Requirement::Mandatory),
        "O" => Ok(Requirement::Optional),
        "X" if conditional => Ok(Requirement::Conditional),
        other => {
            let known = if conditional { &["M", "O", "X"][..] } else { &["M", "O"][..] };
            let upper = other.to_uppercase();
            let mend = match known.iter().find(|k| **k == upper) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("write {expected}"),
            };
            Err(Fault::new(token.offset, format!("`{other}` is no requirement"), mend))
        }
    }
}

/// The tag of a segment or the name of a loop.
pub(super) fn tag(token: Token<'_>) -> Read<String> {
    if Tag::new(token.text.as_bytes()).is_well_formed() {
        return Ok(token.text.to_owned());
    }
    let upper = token.text.to_uppercase();
    let mend = if Tag::new(upper.as_bytes()).is_well_formed() {
        format!("did you mean `{upper}`?")
    } else {
        "write two or three capital letters or digits, like `N1` or `PO1`".to_owned()
    };
    Err(Fault::new(token.offset, format!("`{}` is no segment", token.text), mend))
}

/// The name of an element, a composite, a code list, a set or a group.
pub(super) fn name(token: Token<'_>, what: &str) -> Read<String> {
    let fits =
        token.text.len() <= NAME_BYTES_MAX && token.text.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits {
        return Ok(token.text.to_owned());
    }
    let message = format!("`{}` is no name of {what}", token.text);
    Err(Fault::new(
        token.offset,
        message,
        format!("write up to {NAME_BYTES_MAX} letters and digits"),
    ))
}

/// `POSITION ID REQUIREMENT TYPE MIN/MAX "title" [codes LIST] [repeat N]`, or
/// `POSITION ID REQUIREMENT composite "title" [repeat N]`
pub(super) fn element(words: &mut Words<'_, '_>, locate: Locate<'_>) -> Read<ElementLine> {
    let at = locate(words.offset());
    let position = position(words.word("the position")?, "the position")?;
    let id = name(words.word("the element number, like `330`")?, "an element")?;
    let requirement = requirement(words, true)?;
    let kind = words.word("the type, like `AN`")?;
    let mut shape = if kind.text == "composite" {
        ShapeSyntax::Composite
    } else {
        let data_type = data_type(kind)?;
        let (min, max) = lengths(words.word("the length, like `1/30`")?)?;
        ShapeSyntax::Simple { data_type, min, max, codes: None }
    };
    let title = words.title()?;
    let mut repeat = None;
    while let Some(option) = words.peek_word() {
        let token = words.word("an option")?;
        match option {
            "repeat" if repeat.is_none() => repeat = Some(words.limit("how often it may repeat")?),
            "codes" => code_list(&mut shape, token, words, locate)?,
            _ => {
                let message = format!("`{option}` cannot stand here");
                let otherwise = "only `codes LIST` and `repeat N` may follow the title, each once";
                let mend = suggest::mend(option, ["codes", "repeat"], otherwise);
                return Err(Fault::new(token.offset, message, mend));
            }
        }
    }
    words.finish()?;
    Ok(ElementLine {
        at,
        position,
        id,
        requirement,
        shape,
        repeat: repeat.unwrap_or(Some(1)),
        title,
    })
}

fn code_list(
    shape: &mut ShapeSyntax,
    option: Token<'_>,
    words: &mut Words<'_, '_>,
    locate: Locate<'_>,
) -> Read<()> {
    let token = words.word("the name of a code list")?;
    match shape {
        ShapeSyntax::Simple {
            data_type: DataType::An | DataType::Id, codes: codes @ None, ..
        } => {
            *codes = Some((name(token, "a code list")?, locate(token.offset)));
            Ok(())
        }
        ShapeSyntax::Simple { codes: Some(_), .. } => {
            Err(Fault::new(option.offset, "a second code list", "name one list"))
        }
        _ => Err(Fault::new(
            option.offset,
            "a code list for what is no code",
            "make the element's type `ID` or `AN`, or take `codes` out",
        )),
    }
}

/// A position, `01` to `99`.
pub(super) fn position(token: Token<'_>, what: &str) -> Read<u16> {
    let position = number(token, what, POSITION_MAX)?;
    Ok(u16::try_from(position).unwrap_or(u16::MAX))
}

pub(crate) fn data_type(token: Token<'_>) -> Read<DataType> {
    Ok(match token.text {
        "AN" => DataType::An,
        "ID" => DataType::Id,
        "DT" => DataType::Dt,
        "TM" => DataType::Tm,
        "R" => DataType::R,
        "B" => DataType::B,
        other => {
            if let [b'N', digit @ b'0'..=b'9'] = other.as_bytes() {
                return Ok(DataType::N(digit - b'0'));
            }
            let upper = other.to_uppercase();
            let mend = match TYPES.iter().find(|t| **t == upper) {
                Some(known) => format!("did you mean `{known}`?"),
                None => suggest::mend(
                    other,
                    ["composite"].into_iter().chain(TYPES),
                    "write `AN`, `ID`, `DT`, `TM`, `R`, `B`, `N0` to `N9` or `composite`",
                ),
            };
            return Err(Fault::new(token.offset, format!("`{other}` is no type"), mend));
        }
    })
}

pub(crate) fn lengths(token: Token<'_>) -> Read<(u32, u32)> {
    let Some((min, max)) = token.text.split_once('/') else {
        let message = format!("`{}` where the length should stand", token.text);
        return Err(Fault::new(
            token.offset,
            message,
            "write least and greatest length, like `1/30`",
        ));
    };
    let max_token = Token { offset: token.offset + min.len() + 1, text: max, quoted: false };
    let min = number(Token { text: min, ..token }, "the least length", LENGTH_MAX)?;
    let max = number(max_token, "the greatest length", LENGTH_MAX)?;
    if min > max {
        let message = format!("the least length {min} is more than the greatest {max}");
        return Err(Fault::new(token.offset, message, format!("did you mean `{max}/{min}`?")));
    }
    Ok((min, max))
}

/// `note` KIND POSITION POSITION…
pub(super) fn note(words: &mut Words<'_, '_>, at: At, locate: Locate<'_>) -> Read<NoteLine> {
    let token = words.word("the kind of note (`P`, `R`, `E`, `C` or `L`)")?;
    let kind = match token.text {
        "P" => NoteKind::Paired,
        "R" => NoteKind::Required,
        "E" => NoteKind::Exclusive,
        "C" => NoteKind::Conditional,
        "L" => NoteKind::ListConditional,
        other => {
            let message = format!("`{other}` is no kind of note");
            let mend = match other.to_uppercase().get(..1) {
                Some(first) if "PRECL".contains(first) => {
                    format!("did you mean `{first}`, with blanks between the positions?")
                }
                _ => "write `P`, `R`, `E`, `C` or `L`".to_owned(),
            };
            return Err(Fault::new(token.offset, message, mend));
        }
    };
    let mut positions: Vec<(u16, At)> = Vec::new();
    while words.peek_word().is_some() {
        let token = words.word("a position")?;
        let position = position(token, "a position")?;
        if positions.iter().any(|&(p, _)| p == position) {
            let message = format!("position {position:02} stands twice in the note");
            return Err(Fault::new(token.offset, message, "name each position once"));
        }
        positions.push((position, locate(token.offset)));
    }
    words.finish()?;
    if positions.len() < 2 {
        let message = "a note relates at least two positions";
        return Err(Fault::new(words.offset(), message, "add the position that is missing"));
    }
    Ok(NoteLine { at, kind, positions })
}

/// A code of a code list.
pub(crate) fn code(token: Token<'_>) -> Read<&[u8]> {
    if token.text.len() <= CODE_BYTES_MAX && token.text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(token.text.as_bytes());
    }
    let message = format!("`{}` is no code", token.text);
    let mend = format!("write up to {CODE_BYTES_MAX} characters of ASCII");
    Err(Fault::new(token.offset, message, mend))
}
