//! One line read as one rule.

use super::LineText;
use super::path::path;
use crate::findings::Severity;
use crate::grammar::digits::Scheme;
use crate::grammar::parse::facts;
use crate::grammar::parse::words::{Fault, Read, Token, Words, number};
use crate::grammar::suggest;
use crate::overlay::source::{
    Body, ConditionSource, Kind, PathSource, RuleSource, Spot, TermSource, TestSource, WaiveSource,
    Word,
};

/// Codes of one line.
const CODES_MAX: usize = 500;
/// Conditions of one `when`.
const CONDITIONS_MAX: usize = 8;
/// Terms of a sum; an invoice has a dozen kinds of amounts.
const TERMS_MAX: usize = 16;
/// Factors of a term: quantity, price, pack.
const FACTORS_MAX: usize = 4;
/// Levels of a hierarchy.
const LEVELS_MAX: usize = 16;
/// Of a limit.
const LIMIT_MAX: u32 = 1_000_000;

const LINES: [&str; 4] = ["when", "waive", "source", "overlay"];

/// `[when CONDITION …] RULE … ["reason"] [source "…"] [as SEVERITY]`
pub(super) fn rule(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<RuleSource> {
    let at = line.spot(words.offset());
    let mut conditions = Vec::new();
    let mut condition = String::new();
    if words.peek_word() == Some("when") {
        words.keyword("when")?;
        let from = words.offset();
        conditions = when(words, line)?;
        condition = line.between(from, words.offset());
    }
    let first = words.word("a rule, like `require`")?;
    let Some(kind) = Kind::of(first.text) else {
        return Err(no_rule(first, !conditions.is_empty()));
    };
    if !conditions.is_empty() && matches!(kind, Kind::Hierarchy | Kind::Against | Kind::Map) {
        let message = format!("`{}` cannot stand behind `when`", first.text);
        return Err(Fault::new(first.offset, message, "write it without a condition"));
    }
    let from = words.offset();
    let body = body(kind, words, line)?;
    let text = line.between(from, words.offset());
    let (subject, what) = match kind {
        Kind::Hierarchy | Kind::Against | Kind::Map => ("", text.as_str()),
        _ => text.split_once(' ').unwrap_or((&text, "")),
    };
    let mut rule = RuleSource {
        at,
        conditions,
        body,
        path: subject.to_owned(),
        what: what.to_owned(),
        condition,
        reason: None,
        source: None,
        severity: None,
    };
    closing(words, &mut rule)?;
    Ok(rule)
}

fn no_rule(first: Token<'_>, conditional: bool) -> Fault {
    let kinds = Kind::ALL.iter().map(|k| k.word());
    let others = LINES.into_iter().filter(|_| !conditional);
    let message = format!("`{}` begins no rule", first.text);
    let mend = suggest::mend(
        first.text,
        kinds.chain(others),
        "write `require`, `forbid`, `limit`, `length`, `codes` …; see docs/overlay-language.md",
    );
    Fault::new(first.offset, message, mend)
}

/// What may end each rule: its reason, its source, its severity.
fn closing(words: &mut Words<'_, '_>, rule: &mut RuleSource) -> Read<()> {
    loop {
        let offset = words.offset();
        if let Some(reason) = words.optional_title()? {
            if rule.reason.replace(reason).is_some() {
                return Err(Fault::new(offset, "a second reason", "write one text in quotes"));
            }
            continue;
        }
        match words.peek_word() {
            Some("source") if rule.source.is_none() => {
                words.keyword("source")?;
                rule.source = Some(words.title()?.into());
            }
            Some("as") if rule.severity.is_none() => {
                words.keyword("as")?;
                let token = words.word("the weight, like `warning`")?;
                rule.severity = Some(severity(token)?);
            }
            Some(other) => {
                let message = format!("`{other}` cannot stand here");
                let otherwise = "only \"a reason\", `source \"…\"` and `as SEVERITY` end a rule";
                let mend = suggest::mend(other, ["source", "as"], otherwise);
                return Err(Fault::new(offset, message, mend));
            }
            None => return Ok(()),
        }
    }
}

fn severity(token: Token<'_>) -> Read<Severity> {
    Ok(match token.text {
        "advice" => Severity::Advice,
        "warning" => Severity::Warning,
        "error" => Severity::Error,
        "fatal" => Severity::Fatal,
        other => {
            let message = format!("`{other}` is no weight");
            let known = ["advice", "warning", "error", "fatal"];
            let otherwise = "write `advice`, `warning`, `error` or `fatal`";
            return Err(Fault::new(token.offset, message, suggest::mend(other, known, otherwise)));
        }
    })
}

fn when(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<Vec<ConditionSource>> {
    let mut conditions = Vec::new();
    loop {
        let path = a_path(words, line, "the path that the condition looks at")?;
        let token = words.word("`=`, `!=`, `present` or `absent`")?;
        let test = match token.text {
            "present" => TestSource::Present,
            "absent" => TestSource::Absent,
            "=" | "!=" if path.element.is_none() => {
                let message = format!("`{}` is no element, so it has no value", path.text);
                let mend = "name the element, like `BEG02`, or write `present` or `absent`";
                return Err(Fault::new(token.offset, message, mend));
            }
            "=" => TestSource::Is(condition_codes(words, line)?),
            "!=" => TestSource::IsNot(condition_codes(words, line)?),
            other => {
                let message = format!("`{other}` is no condition");
                let otherwise = "write `= CODE …`, `!= CODE …`, `present` or `absent`";
                let mend = suggest::mend(other, ["present", "absent"], otherwise);
                return Err(Fault::new(token.offset, message, mend));
            }
        };
        conditions.push(ConditionSource { path, test });
        if words.peek_word() != Some("and") {
            return Ok(conditions);
        }
        let offset = words.offset();
        words.keyword("and")?;
        if conditions.len() >= CONDITIONS_MAX {
            let message = format!("more than {CONDITIONS_MAX} conditions");
            return Err(Fault::new(offset, message, "make rules of their own of some"));
        }
    }
}

fn condition_codes(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<Vec<Word>> {
    let ends = |word: &str| word == "and" || Kind::of(word).is_some();
    codes(words, line, &ends)
}

/// Whether a value can stand as a code in `codes` and in conditions: it is no word of the language, nor like one.
pub(in crate::overlay) fn is_code(text: &str) -> bool {
    let token = Token { offset: 0, text, quoted: false };
    let is_word = matches!(text, "source" | "as" | "and" | "+") || Kind::of(text).is_some();
    !is_word && !is_prose(text) && !text.is_empty() && facts::code(token).is_ok()
}

/// Rather a word than a code: a slip that is told where it stands.
fn is_prose(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_lowercase()) && text.len() > 3
}

/// Codes up to what ends a rule, or what `ends` says.
fn codes(
    words: &mut Words<'_, '_>,
    line: &LineText<'_>,
    ends: &dyn Fn(&str) -> bool,
) -> Read<Vec<Word>> {
    let mut found: Vec<Word> = Vec::new();
    while let Some(next) = words.peek_word() {
        if matches!(next, "source" | "as") || ends(next) {
            break;
        }
        let token = words.word("a code")?;
        facts::code(token)?;
        if is_prose(token.text) {
            let message = format!("`{}` where a code should stand", token.text);
            let known = Kind::ALL.iter().map(|k| k.word()).chain(["and", "source", "as"]);
            let mend = suggest::mend(token.text, known, "codes are of capital letters and digits");
            return Err(Fault::new(token.offset, message, mend));
        }
        if found.iter().any(|w| w.text == token.text) {
            let message = format!("the code `{}` stands there twice", token.text);
            return Err(Fault::new(token.offset, message, "take one of them out"));
        }
        if found.len() >= CODES_MAX {
            let message = format!("more than {CODES_MAX} codes");
            return Err(Fault::new(token.offset, message, "put them into a code list"));
        }
        found.push(line.word(token));
    }
    if found.is_empty() {
        return Err(Fault::new(words.offset(), "a code is missing", "add at least one code"));
    }
    Ok(found)
}

fn a_path(words: &mut Words<'_, '_>, line: &LineText<'_>, what: &str) -> Read<PathSource> {
    let token = words.word(what)?;
    path(token, &|offset| line.spot(offset))
}

fn body(kind: Kind, words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<Body> {
    let subject = |words: &mut Words<'_, '_>| a_path(words, line, "the path, like `N1[ST]/N104`");
    Ok(match kind {
        Kind::Require => Body::Require(subject(words)?),
        Kind::Forbid => Body::Forbid(subject(words)?),
        Kind::Allow => Body::Allow(subject(words)?),
        Kind::Limit => {
            let path = subject(words)?;
            let token = words.word("how often it may come")?;
            if token.text == "0" {
                let mend = format!("write `forbid {}`", path.text);
                return Err(Fault::new(token.offset, "a limit of 0 forbids", mend));
            }
            Body::Limit(path, number(token, "how often it may come", LIMIT_MAX)?)
        }
        Kind::Length => {
            let path = element(subject(words)?, line, words)?;
            let (min, max) = facts::lengths(words.word("the length, like `4/4`")?)?;
            Body::Length(path, min, max)
        }
        Kind::Type => {
            let path = element(subject(words)?, line, words)?;
            Body::Type(path, facts::data_type(words.word("the type, like `N0`")?)?)
        }
        Kind::Codes => {
            let path = element(subject(words)?, line, words)?;
            let besides = words.peek_word() == Some("+");
            if besides {
                words.keyword("+")?;
            }
            Body::Codes { path, besides, codes: codes(words, line, &|_| false)? }
        }
        Kind::Unique => {
            let path = element(subject(words)?, line, words)?;
            let mut within = None;
            if words.peek_word() == Some("within") {
                words.keyword("within")?;
                within = Some(a_path(words, line, "the loop, like `HL[P]`")?);
            }
            Body::Unique { path, within }
        }
        Kind::Count => {
            let path = element(subject(words)?, line, words)?;
            words.keyword("=")?;
            Body::Count { path, of: a_path(words, line, "what is counted, like `HL`")? }
        }
        Kind::Sum => sum(words, line)?,
        Kind::Digits => {
            let path = element(subject(words)?, line, words)?;
            Body::Digits(path, scheme(words.word("the kind of number, like `sscc`")?)?)
        }
        Kind::Hierarchy => Body::Hierarchy(levels(words, line)?),
        Kind::Against => {
            let document = words.word("the document, like `order`")?;
            let what = words.word("what is compared, like `quantity`")?;
            Body::Against { document: line.word(document), what: line.word(what) }
        }
        Kind::Map => map_line(words, line)?,
    })
}

/// The rule speaks of values, so its path must end with an element.
fn element(path: PathSource, line: &LineText<'_>, words: &Words<'_, '_>) -> Read<PathSource> {
    if path.element.is_some() {
        return Ok(path);
    }
    let upto = line.text.get(..words.offset()).unwrap_or(line.text);
    let offset = upto.rfind(path.text.as_str()).unwrap_or(0);
    let message = format!("`{}` names a segment or loop, and the rule needs an element", path.text);
    let last = path.steps.last().map_or("", |s| s.key.split('#').next().unwrap_or(&s.key));
    Err(Fault::new(offset, message, format!("add it, like `{}/{last}02`", path.text)))
}

fn scheme(token: Token<'_>) -> Read<Scheme> {
    Ok(match token.text {
        "sscc" => Scheme::Sscc,
        "gtin" => Scheme::Gtin,
        "upc" => Scheme::Upc,
        "gln" => Scheme::Gln,
        other => {
            let message = format!("`{other}` is no number with a check digit");
            let known = ["sscc", "gtin", "upc", "gln"];
            let mend = suggest::mend(other, known, "write `sscc`, `gtin`, `upc` or `gln`");
            return Err(Fault::new(token.offset, message, mend));
        }
    })
}

/// `PATH = [-] PATH [* PATH …] [+|- …] [scale N]`
fn sum(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<Body> {
    let what = "what is summed, like `PO1/PO102`";
    let a_value = |words: &mut Words<'_, '_>, what: &str| {
        let path = a_path(words, line, what)?;
        element(path, line, words)
    };
    let path = a_value(words, "the path, like `CTT02`")?;
    words.keyword("=")?;
    let mut terms: Vec<TermSource> = Vec::new();
    let mut minus = words.peek_word() == Some("-");
    if minus {
        words.keyword("-")?;
    }
    let mut scale = None;
    loop {
        let mut factors = vec![a_value(words, what)?];
        while words.peek_word() == Some("*") {
            let offset = words.offset();
            words.keyword("*")?;
            if factors.len() >= FACTORS_MAX {
                let message = format!("more than {FACTORS_MAX} factors");
                return Err(Fault::new(offset, message, "multiply fewer"));
            }
            factors.push(a_value(words, what)?);
        }
        terms.push(TermSource { minus, factors });
        match words.peek_word() {
            Some(sign @ ("+" | "-")) if terms.len() < TERMS_MAX => {
                minus = sign == "-";
                words.keyword(sign)?;
            }
            Some("+" | "-") => {
                let message = format!("more than {TERMS_MAX} terms");
                return Err(Fault::new(words.offset(), message, "sum fewer"));
            }
            Some("scale") => {
                words.keyword("scale")?;
                let token = words.word("how many decimals")?;
                scale = Some(if token.text == "0" {
                    0
                } else {
                    number(token, "how many decimals", 9)?
                });
                break;
            }
            _ => break,
        }
    }
    Ok(Body::Sum { path, terms, scale })
}

fn levels(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<Vec<Word>> {
    let mut levels: Vec<Word> = Vec::new();
    while words.peek_word().is_some_and(|w| !matches!(w, "source" | "as")) {
        let token = words.word("a level, like `pack`")?;
        if levels.iter().any(|l| l.text == token.text) || levels.len() >= LEVELS_MAX {
            let message = format!("the level `{}` stands there twice", token.text);
            return Err(Fault::new(token.offset, message, "name each level once"));
        }
        levels.push(line.word(token));
    }
    if levels.len() < 2 {
        let mend = "name them from the outermost, like `hierarchy shipment order pack item`";
        return Err(Fault::new(words.offset(), "a hierarchy has at least two levels", mend));
    }
    Ok(levels)
}

/// `map [in NAME] FIELD PATH …`
fn map_line(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<Body> {
    let mut within = None;
    if words.peek_word() == Some("in") {
        words.keyword("in")?;
        let token = words.word("a section, level or list of the map, like `party`")?;
        within = Some(line.word(token));
    }
    let from = words.offset();
    let field = line.word(words.word("the field, like `department`")?);
    words.word("where it stands, like `REF[IA]/02`")?;
    while words.peek_word().is_some_and(|w| !matches!(w, "source" | "as")) {
        words.word("a word")?;
    }
    let text = line.text.get(from..words.offset()).unwrap_or_default().trim().to_owned();
    Ok(Body::Map { within, field, text })
}

/// `waive KIND PATH`
pub(super) fn waive(words: &mut Words<'_, '_>, line: &LineText<'_>) -> Read<WaiveSource> {
    let at: Spot = line.spot(words.offset());
    words.keyword("waive")?;
    let from = words.offset();
    let first = words.word("the kind of rule, like `require`")?;
    let Some(kind) = Kind::of(first.text) else {
        let message = format!("`{}` is no kind of rule", first.text);
        let otherwise = format!("name the kind too, like `waive require {}`", first.text);
        let mend = suggest::mend(first.text, Kind::ALL.iter().map(|k| k.word()), &otherwise);
        return Err(Fault::new(first.offset, message, mend));
    };
    let path = match kind {
        Kind::Hierarchy => None,
        Kind::Against => {
            words.word("the document, like `order`")?;
            words.word("what is compared, like `quantity`")?;
            None
        }
        Kind::Map => {
            words.word("the field, like `department`")?;
            None
        }
        _ => Some(a_path(words, line, "the path of the rule")?),
    };
    let text = line.between(from, words.offset());
    words.finish().map_err(|fault| Fault {
        mend: "a `waive` is a kind of rule and its path, and nothing else".to_owned(),
        ..fault
    })?;
    Ok(WaiveSource { at, kind, path, text })
}
