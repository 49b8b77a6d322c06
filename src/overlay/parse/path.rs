//! Paths, read with nom: loops, then a segment or an element.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, u16 as number};
use nom::combinator::{all_consuming, map, opt, verify};
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Offset, Parser};

use super::super::source::{ElementSource, PathSource, SelectorSource, Spot, StepSource};
use crate::grammar::parse::words::{Fault, Read, Token};

/// Steps of a path: loops stand at most 16 deep.
const STEPS_MAX: usize = 18;
/// Qualifiers in one pair of brackets.
const QUALIFIERS_MAX: usize = 32;

/// Reads a path; `locate` gives the spot of a byte of the line.
pub(super) fn path(token: Token<'_>, locate: &dyn Fn(usize) -> Spot) -> Read<PathSource> {
    let mut path = PathSource {
        at: locate(token.offset),
        text: token.text.to_owned(),
        ..PathSource::default()
    };
    let mut rest = token.text;
    loop {
        let offset = token.offset + token.text.offset(rest);
        let at = locate(offset);
        if path.element.is_some() || path.steps.len() >= STEPS_MAX {
            let message = format!("nothing can stand behind an element in `{}`", token.text);
            return Err(Fault::new(offset, message, "the element is the last step of a path"));
        }
        let after = match step(rest) {
            Ok((after, Step::Place { key, selector })) => {
                path.steps.push(StepSource { key, selector, at });
                after
            }
            Ok((after, Step::Element(element))) => {
                path.element = Some(ElementSource { at, ..element });
                after
            }
            Err(_) => return Err(no_step(rest, offset)),
        };
        let Some(next) = after.strip_prefix('/') else {
            if after.is_empty() {
                return Ok(path);
            }
            return Err(no_step(after, token.offset + token.text.offset(after)));
        };
        rest = next;
    }
}

fn no_step(rest: &str, offset: usize) -> Fault {
    let shown: String = rest.chars().take(40).collect();
    let upper = shown.to_uppercase();
    let mend = if upper != shown && all_consuming(step).parse(upper.as_str()).is_ok() {
        format!("did you mean `{upper}`?")
    } else {
        "write it like `N1[ST]/N104`, `REF[DP]`, `SAC[02=D240]/SAC05` or `PO1/PO106..PO125[UP]`"
            .to_owned()
    };
    let message = if shown.is_empty() {
        "the path ends too early".to_owned()
    } else {
        format!("`{shown}` is no step of a path")
    };
    Fault::new(offset, message, mend)
}

enum Step {
    Place { key: String, selector: Option<SelectorSource> },
    Element(ElementSource),
}

fn step(input: &str) -> IResult<&str, Step> {
    alt((map(element_step, Step::Element), place)).parse(input)
}

/// `N104`, `02`, `SLN05.1`, `PO106..PO125[UP]`
fn element_step(input: &str) -> IResult<&str, ElementSource> {
    let range = preceded(tag(".."), named_element);
    let (rest, ((name, position, component), range, qualifiers)) =
        (named_element, opt(range), opt(codes)).parse(input)?;
    let last = range.map_or(0, |(_, last, _)| last);
    let qualifiers = qualifiers.unwrap_or_default();
    if (last == 0) != qualifiers.is_empty() {
        return error(input);
    }
    let element = ElementSource {
        tag: name.to_owned(),
        position,
        component,
        last,
        qualifiers,
        at: Spot::default(),
    };
    Ok((rest, element))
}

/// `02`, `PO102`, `SLN05.1`: the tag (empty where there is none), the position, the component.
fn named_element(input: &str) -> IResult<&str, (&str, u16, u16)> {
    let (_, word) = take_while1(is_name)(input)?;
    let tag_length = word.len() - word.len().min(2);
    let (name, digits) = word.split_at(tag_length);
    let is_tag = name.is_empty()
        || ((2..=3).contains(&tag_length) && name.starts_with(|c: char| c.is_ascii_uppercase()));
    let position = digits.parse().unwrap_or(0);
    if !is_tag || digits.len() != 2 || position == 0 || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return error(input);
    }
    let component = preceded(char('.'), verify(number, |&n| n > 0));
    let (rest, component) = opt(component).parse(&input[word.len()..])?;
    Ok((rest, (name, position, component.unwrap_or(0))))
}

/// `REF`, `REF#2`, `N1[ST]`, `SAC[02=D240]`
fn place(input: &str) -> IResult<&str, Step> {
    let name = verify(take_while_m_n(2, 3, is_name), |t: &str| {
        t.starts_with(|c: char| c.is_ascii_uppercase())
    });
    let nth = opt(preceded(char('#'), verify(number, |&n| n > 1)));
    let (rest, (name, nth, selector)) = (name, nth, opt(selector)).parse(input)?;
    if rest.starts_with(is_name) {
        return error(input);
    }
    let key = nth.map_or_else(|| name.to_owned(), |n| format!("{name}#{n}"));
    Ok((rest, Step::Place { key, selector }))
}

fn selector(input: &str) -> IResult<&str, SelectorSource> {
    let at = map(named_element, |(_, position, component)| (position, component));
    let inside = (opt(terminated(at, char('='))), code_list);
    let (rest, (position, codes)) = delimited(char('['), inside, char(']')).parse(input)?;
    Ok((rest, SelectorSource { position, codes }))
}

fn codes(input: &str) -> IResult<&str, Vec<String>> {
    delimited(char('['), code_list, char(']')).parse(input)
}

fn code_list(input: &str) -> IResult<&str, Vec<String>> {
    let code = take_while(|c: char| c.is_ascii_graphic() && !"[],=/".contains(c));
    let code = verify(code, |c: &str| !c.is_empty() && c.len() <= 30);
    let (rest, codes) = separated_list1(char(','), code).parse(input)?;
    if codes.len() > QUALIFIERS_MAX {
        return error(input);
    }
    Ok((rest, codes.into_iter().map(str::to_owned).collect()))
}

fn is_name(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

fn error<T>(input: &str) -> IResult<&str, T> {
    Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps, and the element: its segment, positions and component.
    type Read = (Vec<String>, Option<(String, u16, u16, u16)>);

    fn read(text: &str) -> Option<Read> {
        let token = Token { offset: 0, text, quoted: false };
        let path = path(token, &|o| Spot { line: 1, column: u32::try_from(o).unwrap() }).ok()?;
        let steps = path.steps.iter().map(|s| match &s.selector {
            Some(q) => format!("{} {:?} {}", s.key, q.position, q.codes.join("+")),
            None => s.key.clone(),
        });
        let element = path.element.map(|e| (e.tag, e.position, e.component, e.last));
        Some((steps.collect(), element))
    }

    #[test]
    fn paths_are_read_in_all_their_forms() {
        let e = |t: &str, p, c, l| Some((t.to_owned(), p, c, l));
        assert_eq!(read("BEG02"), Some((vec![], e("BEG", 2, 0, 0))));
        assert_eq!(read("N1[ST]/N104"), Some((vec!["N1 None ST".into()], e("N1", 4, 0, 0))));
        assert_eq!(read("REF[DP,IA]/02"), Some((vec!["REF None DP+IA".into()], e("", 2, 0, 0))));
        assert_eq!(read("SAC[02=D240]"), Some((vec!["SAC Some((2, 0)) D240".into()], None)));
        assert_eq!(read("SLN05.1"), Some((vec![], e("SLN", 5, 1, 0))));
        assert_eq!(read("PO1/PO106..PO125[UP]"), Some((vec!["PO1".into()], e("PO1", 6, 0, 25))));
        assert_eq!(read("REF#2"), Some((vec!["REF#2".into()], None)));
        for bad in [
            "ref",
            "N1[",
            "N1[]",
            "N1/",
            "/N1",
            "N100",
            "PO106..PO125",
            "N104[ST]",
            "BEG02/N1",
            "N1[S T]",
            "TOOLONG",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
