//! A line split into its words, and the paths among them read with nom.

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{char, u16 as number};
use nom::combinator::{all_consuming, map, opt, verify};
use nom::multi::many0;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use super::super::syntax::{Path, Place, Selector, Spot, Word};

/// Splits a line into its words; what follows a `#` at the start of a word is a comment.
pub(in crate::map) fn split(line: &str, file: u16, number: u32) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    for part in line.split([' ', '\t']) {
        if part.starts_with('#') {
            break;
        }
        if !part.is_empty() {
            let column = line.get(..at).map_or(0, |before| before.chars().count());
            let column = u32::try_from(column + 1).unwrap_or(u32::MAX);
            words.push(Word { text: part.to_owned(), at: Spot { file, line: number, column } });
        }
        at += part.len() + 1;
    }
    words
}

/// A path, and the last position of a range (`PO106..PO125`).
pub(super) fn path(word: &Word) -> Option<(Path, Option<u16>)> {
    let (_, (mut path, last)) = all_consuming(path_and_range).parse(word.text.as_str()).ok()?;
    path.at = word.at;
    Some((path, last))
}

fn path_and_range(input: &str) -> IResult<&str, (Path, Option<u16>)> {
    let bare = map(element, |e| Path { element: Some(e), ..Path::default() });
    let short = map(tag_and_element, |(key, e)| Path {
        place: Some(Place { key: key.to_owned(), ..Place::default() }),
        element: Some(e),
        ..Path::default()
    });
    let long = map((place, opt(preceded(char('/'), last_element))), |(place, e)| Path {
        place: Some(place),
        element: e,
        ..Path::default()
    });
    let range = preceded((char('.'), char('.')), map(last_element, |(position, _)| position));
    (alt((bare, short, long)), opt(range)).parse(input)
}

/// `02` or `REF02`, with a component.
fn last_element(input: &str) -> IResult<&str, (u16, u16)> {
    alt((element, map(tag_and_element, |(_, e)| e))).parse(input)
}

/// `02`, `05.1`: two digits, and perhaps a component.
fn element(input: &str) -> IResult<&str, (u16, u16)> {
    let two = verify(take_while(|c: char| c.is_ascii_digit()), |d: &str| d.len() == 2);
    let position = map(two, |d: &str| d.parse().unwrap_or(0));
    let component = opt(preceded(char('.'), verify(number, |&n| n > 0)));
    let (rest, (position, component)) = (verify(position, |&p| p > 0), component).parse(input)?;
    Ok((rest, (position, component.unwrap_or(0))))
}

/// `REF02`: a tag of two or three characters, then two digits.
fn tag_and_element(input: &str) -> IResult<&str, (&str, (u16, u16))> {
    let (_, word) =
        take_while1(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()).parse(input)?;
    let tag_length = word.len().checked_sub(2).filter(|n| (2..=3).contains(n));
    let split = tag_length.filter(|&n| word.as_bytes()[n..].iter().all(u8::is_ascii_digit));
    let Some(length) = split.filter(|_| word.starts_with(|c: char| c.is_ascii_uppercase())) else {
        return Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Digit)));
    };
    let (rest, e) = element(&input[length..])?;
    Ok((rest, (&word[..length], e)))
}

/// `REF`, `REF#2`, `N1[ST]`, `SAC[02=D240]`, `N3:2`.
fn place(input: &str) -> IResult<&str, Place> {
    let tag =
        verify(take_while1(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()), |t: &str| {
            t.len() <= 3 && t.starts_with(|c: char| c.is_ascii_uppercase())
        });
    let nth = opt(preceded(char('#'), number));
    let selector = opt(delimited(char('['), selector, char(']')));
    let label = opt(preceded(char(':'), number));
    let (rest, (tag, nth, selector, label)) = (tag, nth, selector, label).parse(input)?;
    let key = nth.map_or_else(|| tag.to_owned(), |n| format!("{tag}#{n}"));
    Ok((rest, Place { key, selector, label: label.unwrap_or(0) }))
}

fn selector(input: &str) -> IResult<&str, Selector> {
    let at = opt(terminated(element, char('=')));
    let code = take_while1(|c: char| c != ']' && c != '=' && !c.is_control());
    let (rest, (at, code)) = (at, code).parse(input)?;
    let (position, component) = at.unwrap_or((1, 0));
    Ok((rest, Selector { position, component, code: code.to_owned() }))
}

/// Whether a word may name a field, section or table: small letters, digits and `_` or `-`.
pub(super) fn is_name(text: &str) -> bool {
    let word =
        take_while1(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    let mut whole = all_consuming(map(many0(word), |_: Vec<&str>| ()));
    let result: IResult<&str, ()> = whole.parse(text);
    result.is_ok() && text.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Place, element and component, last element.
    type Read = (Option<String>, Option<(u16, u16)>, Option<u16>);

    fn read(text: &str) -> Option<Read> {
        let word = Word { text: text.to_owned(), at: Spot::default() };
        path(&word).map(|(p, last)| (p.place.map(|p| p.key), p.element, last))
    }

    #[test]
    fn paths_are_read_in_all_their_forms() {
        let key = |k: &str| Some(k.to_owned());
        assert_eq!(read("02"), Some((None, Some((2, 0)), None)));
        assert_eq!(read("05.1"), Some((None, Some((5, 1)), None)));
        assert_eq!(read("N301"), Some((key("N3"), Some((1, 0)), None)));
        assert_eq!(read("PO106..PO125"), Some((key("PO1"), Some((6, 0)), Some(25))));
        assert_eq!(read("G61"), Some((key("G61"), None, None)));
        assert_eq!(read("REF[DP]/REF02"), Some((key("REF"), Some((2, 0)), None)));
        assert_eq!(read("N3:2/01"), Some((key("N3"), Some((1, 0)), None)));
        assert_eq!(read("REF#2"), Some((key("REF#2"), None, None)));
        assert_eq!(read("ref02"), None);
        assert_eq!(read("REF["), None);
        assert_eq!(read("00"), None);
    }
}
