//! Programs in jq, bounded: a program gets a value and variables and nothing else (no files, no environment, no clock,
//! no further input), and ends after so many steps, so deep, with so much output.
//!
//! What is not bounded is how large, and how deep, one value inside a program grows; see `docs/connectors.md`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bytes::Bytes;
use jaq_core::data::HasLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::native::{Fun, bome};
use jaq_core::{Compiler, Ctx, DataT, Filter, Lut, Native, Vars};
use jaq_json::Val;
use serde_json::{Map, Value};

use super::shared;
use super::values::{from_jq, name, to_jq, write_json};
use crate::profile::Problem;

/// Most steps of one run; a step is one term of the program. An order with 10,000 lines takes two million.
pub const STEPS_MAX: u64 = 20_000_000;
/// How deep definitions may call each other, in bytes of the stack: a quarter of what a thread has.
const STACK_BYTES_MAX: usize = 512 << 10;
/// Most values that one run gives.
const VALUES_MAX: usize = 10_000;
/// Most bytes of text and keys in all that one run gives.
const OUTPUT_BYTES_MAX: usize = 16 << 20;
/// How deep what it gives may be nested: as deep as the reader of JSON goes, by whom it is read again.
pub(super) const DEPTH_MAX: usize = 127;

/// What jq has and the interpreter leaves out: `@csv`, `@tsv`.
const FORMATS: &str = include_str!("formats.jq");

/// Why a run came to no end of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The program said so, with `error`, or did something that jq does not allow.
    #[error("{0}")]
    Error(String),
    /// It takes too many steps.
    #[error("the program does not end: more than {STEPS_MAX} steps")]
    Endless,
    /// Its definitions call each other too deeply.
    #[error("the program calls itself too deeply")]
    Deep,
    /// It gives too much.
    #[error(
        "the program gives too much: more than {VALUES_MAX} values or {OUTPUT_BYTES_MAX} bytes, or nested more than {DEPTH_MAX} deep"
    )]
    Large,
}

/// A fault in the text of a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where in the text, in bytes.
    pub at: usize,
    /// What is wrong.
    pub words: String,
}

impl Fault {
    /// The same as a problem of the file that has the program; `text` is that of the file.
    #[must_use]
    pub fn in_file(self, file: &str, text: &str) -> Problem {
        let at = self.at.min(text.trim_end().len());
        let before = text.get(..at).unwrap_or(text);
        let mut problem = Problem::whole(file, self.words);
        problem.line = before.matches('\n').count() + 1;
        problem.column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        problem
    }
}

/// A value as programs see it, made ready once for several runs.
#[derive(Clone, Default)]
pub struct Input(Val);

impl Input {
    /// Reads a document. Its texts are parts of one copy of it.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, String> {
        shared::read(&Bytes::copy_from_slice(bytes)).map(Self)
    }
}

impl From<&Value> for Input {
    fn from(value: &Value) -> Self {
        Self(to_jq(value))
    }
}

impl From<&Self> for Input {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a variable stands for; made ready only where a program names it.
#[derive(Debug, Clone, Copy)]
pub enum Variable<'a> {
    /// A value.
    Value(&'a Value),
    /// One that is ready.
    Input(&'a Input),
}

impl Variable<'_> {
    fn ready(self) -> Input {
        match self {
            Self::Value(value) => value.into(),
            Self::Input(input) => input.into(),
        }
    }
}

/// A program that can be run.
pub struct Program {
    filter: Filter<Bounded>,
    /// Which variables its text names: the others are not made ready for a run.
    named: Vec<bool>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Program")
    }
}

impl Program {
    /// Reads a program that may use these variables, each with its `$`.
    ///
    /// # Errors
    /// Everything that is wrong with its text.
    pub fn compile(text: &str, variables: &[&'static str]) -> Result<Self, Vec<Fault>> {
        let arena = Arena::default();
        let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let formats = load::parse(FORMATS, |parser| parser.defs()).unwrap_or_default();
        let loaded =
            Loader::new(definitions.chain(formats)).load(&arena, File { code: text, path: () });
        let modules = loaded.map_err(|errors| {
            let of_each = errors.into_iter().flat_map(|(file, error)| unread(file.code, error));
            faults(of_each.collect())
        })?;
        let compiler = Compiler::default().with_funs(natives());
        let compiled = compiler.with_global_vars(variables.iter().copied()).compile(modules);
        let filter = compiled.map_err(|errors| {
            let of_each = errors.into_iter().flat_map(|(file, undefined)| {
                undefined.into_iter().map(move |(name, what)| Fault {
                    at: load::span(file.code, name).start,
                    words: format!("there is no {} `{name}`", what.as_str()),
                })
            });
            faults(of_each.collect())
        })?;
        let named = variables.iter().map(|name| text.contains(name)).collect();
        Ok(Self { filter, named })
    }

    /// Runs it on a value, with a value for each variable that it was compiled with.
    ///
    /// # Errors
    /// The program's own `error`; a bound that was met.
    pub fn run(
        &self,
        input: impl Into<Input>,
        variables: &[Variable<'_>],
    ) -> Result<Vec<Value>, Stop> {
        let value = |value: &Val, room: &mut usize| from_jq(value, room, 0);
        self.run_within(STEPS_MAX, input.into(), variables, value)
    }

    /// The same; of an object that it gives a member is taken out, as JSON.
    ///
    /// # Errors
    /// As with [`Program::run`].
    pub fn run_without(
        &self,
        member: &str,
        input: impl Into<Input>,
        variables: &[Variable<'_>],
    ) -> Result<Vec<(Value, Option<String>)>, Stop> {
        let divided = |value: &Val, room: &mut usize| {
            let Val::Obj(members) = value else { return Ok((from_jq(value, room, 0)?, None)) };
            let (mut object, mut taken) = (Map::new(), None);
            for (key, value) in members.iter() {
                let key = name(key)?;
                if key == member {
                    let mut json = Vec::new();
                    write_json(value, &mut json, room, 1)?;
                    taken = String::from_utf8(json).ok();
                } else {
                    object.insert(key.into_owned(), from_jq(value, room, 1)?);
                }
            }
            Ok((Value::Object(object), taken))
        };
        self.run_within(STEPS_MAX, input.into(), variables, divided)
    }

    fn run_within<T>(
        &self,
        steps: u64,
        input: Input,
        variables: &[Variable<'_>],
        take: impl Fn(&Val, &mut usize) -> Result<T, Stop>,
    ) -> Result<Vec<T>, Stop> {
        let run = AssertUnwindSafe(|| self.run_on(steps, input, variables, take));
        match catch_unwind(run) {
            Ok(result) => result,
            Err(thrown) => match thrown.downcast::<Stop>() {
                Ok(stop) => Err(*stop),
                // A defect of the interpreter: our caller deals with it like with any other.
                Err(other) => resume_unwind(other),
            },
        }
    }

    fn run_on<T>(
        &self,
        steps: u64,
        Input(input): Input,
        variables: &[Variable<'_>],
        take: impl Fn(&Val, &mut usize) -> Result<T, Stop>,
    ) -> Result<Vec<T>, Stop> {
        let base = std::ptr::from_ref(&self).addr();
        let meter = Meter { lut: &self.filter.lut, left: Cell::new(steps), base };
        let variables = variables.iter().zip(&self.named);
        let vars = variables.map(|(one, named)| if *named { one.ready().0 } else { Val::Null });
        let vars = Vars::new(vars);
        let ctx = Ctx::<Bounded>::new(Data(&meter), vars);
        let mut given = Vec::new();
        let mut room = OUTPUT_BYTES_MAX;
        for value in self.filter.id.run((ctx, input)) {
            let value = value.map_err(|thrown| match thrown.get_err() {
                Ok(error) => Stop::Error(words(&error.into_val())),
                Err(_) => Stop::Error("the program halts; say `empty` or `error`".to_owned()),
            })?;
            if given.len() == VALUES_MAX {
                return Err(Stop::Large);
            }
            given.push(take(&value, &mut room)?);
        }
        Ok(given)
    }
}

/// What programs work with: values of JSON, and a meter beside the table of terms.
struct Bounded;

impl DataT for Bounded {
    type V<'a> = Val;
    type Data<'a> = Data<'a>;
}

/// Each term looks the table up, and thereby passes the meter.
#[derive(Clone, Copy)]
struct Data<'a>(&'a Meter<'a>);

impl<'a> HasLut<'a, Bounded> for Data<'a> {
    fn lut(&self) -> &'a Lut<Bounded> {
        self.0.step();
        self.0.lut
    }
}

struct Meter<'a> {
    lut: &'a Lut<Bounded>,
    left: Cell<u64>,
    /// Where the stack stood at the beginning.
    base: usize,
}

impl Meter<'_> {
    /// Counts a step. The interpreter knows no way to be stopped but this one: it is unwound, without a word of the
    /// panic hook, up to [`Program::run`].
    #[inline(never)]
    fn step(&self) {
        let left = self.left.get();
        if left == 0 {
            resume_unwind(Box::new(Stop::Endless));
        }
        self.left.set(left - 1);
        let here = std::ptr::from_ref(&left).addr();
        if here.abs_diff(self.base) > STACK_BYTES_MAX {
            resume_unwind(Box::new(Stop::Deep));
        }
    }
}

/// What programs may call besides definitions: all but what looks out of the program, or runs on unmetered.
fn natives() -> impl Iterator<Item = Fun<Bounded>> {
    let all = jaq_core::funs::<Bounded>().chain(jaq_std::funs()).chain(jaq_json::funs());
    all.map(|(name, arguments, native)| match name {
        "env" | "now" | "localtime" | "strflocaltime" | "debug_empty" | "stderr_empty" => {
            (name, arguments, refused())
        }
        "range" => (name, arguments, metered_range()),
        _ => (name, arguments, native),
    })
}

fn refused() -> Native<Bounded> {
    Native::new(|_| {
        let words = "a connector's program sees no clock, environment or log";
        bome(Err(jaq_core::Error::str(words)))
    })
}

/// `range(from; upto; by)`: the interpreter's own counts without looking the table up.
fn metered_range() -> Native<Bounded> {
    Native::new(|mut cv| {
        let (by, to, mut from) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
        let meter = cv.0.data().0;
        let zero = Val::from(0_isize);
        let mut ended = by == zero;
        Box::new(std::iter::from_fn(move || {
            meter.step();
            let within = if by > zero { from < to } else { from > to };
            if ended || !within {
                return None;
            }
            match from.clone() + by.clone() {
                Ok(next) => Some(Ok(std::mem::replace(&mut from, next))),
                Err(error) => {
                    ended = true;
                    Some(Err(error.into()))
                }
            }
        }))
    })
}

/// What the text of a program cannot be read of.
fn unread(code: &str, error: load::Error<&str>) -> Vec<Fault> {
    let at = |part: &str| {
        let whole = code.as_bytes().as_ptr_range();
        // The end of the text is told by an empty part of no text at all.
        let inside = whole.contains(&part.as_ptr()) || part.as_ptr() == whole.end;
        if inside { load::span(code, part).start } else { code.len() }
    };
    match error {
        load::Error::Io(modules) => modules
            .into_iter()
            .map(|(name, _)| Fault {
                at: at(name),
                words: "a connector's program includes no other file".to_owned(),
            })
            .collect(),
        load::Error::Lex(errors) => errors
            .into_iter()
            .map(|(expected, found)| Fault {
                at: at(found),
                words: format!("{} is expected here", expected.as_str()),
            })
            .collect(),
        load::Error::Parse(errors) => errors
            .into_iter()
            .map(|(expected, found)| {
                let instead = match found {
                    "" => "the text ends".to_owned(),
                    found => format!("there is `{}`", found.chars().take(40).collect::<String>()),
                };
                Fault {
                    at: at(found),
                    words: format!("{} is expected, and {instead}", expected.as_str()),
                }
            })
            .collect(),
    }
}

fn faults(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort();
    faults.dedup();
    faults
}

/// A thrown value in words.
fn words(value: &Val) -> String {
    match value {
        Val::TStr(text) | Val::BStr(text) => String::from_utf8_lossy(text).into_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(text: &str, input: &Value) -> Result<Vec<Value>, Stop> {
        Program::compile(text, &["$settings"]).unwrap().run_within(
            // Enough for what is right; the interpreter is slow where nothing is optimised.
            400_000,
            input.into(),
            &[Variable::Value(&json!({"a": 1}))],
            |value, room| from_jq(value, room, 0),
        )
    }

    #[test]
    fn rows_are_written_as_jq_writes_them() {
        let row = json!(["a \"b\",c", 1.50, null, true, "d\te\\\nf"]);
        let csv = json!("\"a \"\"b\"\",c\",1.5,,true,\"d\te\\\nf\"");
        assert_eq!(run("@csv", &row).unwrap(), [csv]);
        assert_eq!(run("@tsv", &row).unwrap(), [json!("a \"b\",c\t1.5\t\ttrue\td\\te\\\\\\nf")]);
        let told = run("@csv", &json!([[1]])).unwrap_err();
        assert_eq!(told.to_string(), "a field is a text or a number, not [1]");
        assert_eq!(run("@tsv", &json!(1)).unwrap_err().to_string(), "a row is a list, not 1");
    }

    #[test]
    fn a_program_gives_values_and_keeps_the_digits_of_decimals() {
        let input = json!({"price": 12.50, "lines": [{"sku": "A"}, {"sku": "B"}]});
        assert_eq!(run(".lines[].sku", &input).unwrap(), [json!("A"), json!("B")]);
        assert_eq!(run("[.price, $settings.a] | tojson", &input).unwrap(), [json!("[12.5,1]")]);
        assert_eq!(run("[range(0; 5; 2)], [range(3; 0; -1)]", &input).unwrap().len(), 2);
        assert_eq!(run("[1.50, 2]", &Value::Null).unwrap(), [json!([1.5, 2])]);
    }

    #[test]
    fn a_document_is_the_same_to_programs_however_it_is_read() {
        let text = r#"{"price": 12.50, "many": 12345678901234567890.10, "e": 1e3, "no": null,
            "text": "\u00e9 \ud83d\ude00 \n", "lines": [{"sku": "A", "is": true}, []], "": {}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let read = Input::from_json(text.as_bytes()).unwrap();
        let program = Program::compile("., $settings", &["$settings"]).unwrap();
        let by_value = program.run(&value, &[Variable::Value(&value)]).unwrap();
        assert_eq!(program.run(&read, &[Variable::Input(&read)]).unwrap(), by_value);
        let digits = Program::compile("[.price, .many] | tojson", &[]).unwrap();
        assert_eq!(digits.run(&read, &[]).unwrap(), [json!("[12.50,12345678901234567890.10]")]);
        assert!(Input::from_json(b"{").is_err());
    }

    #[test]
    fn what_a_program_throws_is_told_in_its_words() {
        let thrown = run(r#"error("item X has no location")"#, &Value::Null).unwrap_err();
        assert_eq!(thrown, Stop::Error("item X has no location".to_owned()));
        assert!(matches!(run(r#"1 + "a""#, &Value::Null), Err(Stop::Error(_))));
        assert!(matches!(run("halt", &Value::Null), Err(Stop::Error(_))));
    }

    #[test]
    fn no_program_is_endless_deep_or_large() {
        let bounded = [
            ("def f: f; f", Stop::Endless),
            ("last(repeat(1))", Stop::Endless),
            ("[range(1; 1000000000000)] | length", Stop::Endless),
            ("last(range(0; 1000000000000; 1))", Stop::Endless),
            ("reduce range(1000000000000) as $i (0; . + $i)", Stop::Endless),
            ("until(false; . )", Stop::Endless),
            ("def f: 1 + f; f", Stop::Deep),
            ("def f: [f]; f", Stop::Deep),
            ("repeat(1)", Stop::Large),
            ("range(10001)", Stop::Large),
            (r#"reduce range(21) as $i ("0123456789abcdef"; . + .)"#, Stop::Large),
            ("reduce range(200) as $i (0; [.])", Stop::Large),
        ];
        for (text, stop) in bounded {
            assert_eq!(run(text, &Value::Null).unwrap_err(), stop, "{text}");
        }
    }

    #[test]
    fn a_program_sees_nothing_but_its_input() {
        for text in ["env", "now", "localtime", "debug", "stderr"] {
            let thrown = run(text, &json!(0)).unwrap_err();
            assert!(matches!(&thrown, Stop::Error(words) if words.contains("no clock")), "{text}");
        }
        for text in ["input", "inputs", "$ENV", r#"include "a"; 1"#, r#"import "a" as a; 1"#] {
            assert!(Program::compile(text, &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let told = |text: &str| Program::compile(text, &[]).map(|_| ()).unwrap_err();
        let faults = told("def a: b;\ndef c: $d;\na, c");
        assert_eq!(faults.iter().map(|fault| fault.at).collect::<Vec<_>>(), [7, 17], "{faults:?}");
        assert!(faults[0].words.contains("`b`"), "{faults:?}");
        assert_eq!(told("{a: (1}").len(), 1);
        assert_eq!(told("1 +")[0].at, 3);
    }
}
