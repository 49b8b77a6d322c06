//! What a connector does with documents: the steps of handing one over, and what it fetches.

use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, Meanings, is_true, one};
use super::jq::{Input, Program, Stop, Variable};
use super::request::Request;

/// What programs see besides their input, in this order; see [`Scope`].
pub(super) const VARIABLES: [&str; 8] =
    ["$settings", "$partner", "$id", "$document", "$results", "$cursor", "$orders", "$headers"];

/// How documents of one kind are handed over.
#[derive(Debug)]
pub struct Handling {
    pub(super) check: Option<Program>,
    /// One after the other.
    pub steps: Vec<Step>,
}

impl Handling {
    /// What is asked of a document before the first call.
    ///
    /// # Errors
    /// Why it is not handed over.
    pub fn check(&self, scope: &Scope) -> Result<(), Stop> {
        self.check
            .as_ref()
            .map_or(Ok(()), |check| check.run(&scope.document, &scope.variables()).map(|_| ()))
    }
}

/// Why a call may be made twice without an effect of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idempotency {
    /// It changes nothing there.
    Read,
    /// The server knows the header `Idempotency-Key`.
    Header,
    /// The server knows the document by what stands in it, and takes it once.
    NaturalKey,
    /// It is looked for before it is made.
    Search,
}

/// One step of handing a document over.
#[derive(Debug)]
pub struct Step {
    /// Its name: `$results` has its result under it.
    pub name: String,
    pub(super) call: Program,
    /// Why it may be repeated.
    pub idempotency: Idempotency,
    /// The header of the key, with [`Idempotency::Header`].
    pub header: String,
    /// The search before it.
    pub search: Option<Search>,
    pub(super) result: Option<Program>,
    /// What answers mean.
    pub meanings: Meanings,
}

/// A search for what a step would make.
#[derive(Debug)]
pub struct Search {
    pub(super) call: Program,
    pub(super) found: Program,
}

impl Search {
    /// The call that looks for it.
    ///
    /// # Errors
    /// What the program throws, or gives instead of a call.
    pub fn request(&self, scope: &Scope) -> Result<Option<Request>, Stop> {
        request(&self.call, scope)
    }

    /// What was found; nothing where it is not there.
    ///
    /// # Errors
    /// What the program throws.
    pub fn found(&self, answer: &Answer, scope: &Scope) -> Result<Option<Value>, Stop> {
        let found = of_answer(&self.found, answer, scope)?;
        Ok(found.filter(|value| !value.is_null()))
    }
}

impl Step {
    /// The call of this step; nothing where the document needs none.
    ///
    /// # Errors
    /// What the program throws, or gives instead of a call.
    pub fn request(&self, scope: &Scope) -> Result<Option<Request>, Stop> {
        request(&self.call, scope)
    }

    /// What is kept of an answer.
    ///
    /// # Errors
    /// What the program throws.
    pub fn result(&self, answer: &Answer, scope: &Scope) -> Result<Value, Stop> {
        match &self.result {
            None => Ok(answer.body.clone()),
            Some(result) => Ok(of_answer(result, answer, scope)?.unwrap_or_default()),
        }
    }
}

/// How documents of a kind are made of what comes.
#[derive(Debug)]
pub struct Reading {
    /// The canonical kind.
    pub kind: String,
    pub(super) items: Program,
    pub(super) orders: Option<Program>,
    pub(super) document: Program,
}

/// What is fetched again and again: documents of a kind.
#[derive(Debug)]
pub struct Poll {
    /// What answers are made of.
    pub reading: Reading,
    pub(super) call: Program,
    pub(super) cursor: Program,
    pub(super) more: Option<Program>,
    /// At least so long from one look to the next.
    pub every_seconds: u32,
    /// What answers mean.
    pub meanings: Meanings,
}

impl Reading {
    /// The records of an answer.
    ///
    /// # Errors
    /// What the program throws.
    pub fn items(&self, answer: &Answer, scope: &Scope) -> Result<Vec<Value>, Stop> {
        self.items.run(&answer.body, &scope.variables_with(answer))
    }

    /// The numbers of the orders that a record is for.
    ///
    /// # Errors
    /// What the program throws, or gives instead of texts.
    pub fn orders(&self, item: &Value, scope: &Scope) -> Result<Vec<String>, Stop> {
        let Some(orders) = &self.orders else { return Ok(Vec::new()) };
        let numbers = orders.run(item, &scope.variables())?.into_iter().map(|value| match value {
            Value::String(number) => Ok(number),
            other => Err(Stop::Error(format!("{other} is no number of an order"))),
        });
        numbers.collect()
    }

    /// The canonical document of a record; nothing where it is none yet.
    ///
    /// # Errors
    /// What the program throws.
    pub fn document(&self, item: &Value, scope: &Scope) -> Result<Option<Value>, Stop> {
        one(self.document.run(item, &scope.variables())?)
    }
}

impl Poll {
    /// The call for what has come since the cursor.
    ///
    /// # Errors
    /// What the program throws, or gives instead of a call.
    pub fn request(&self, scope: &Scope) -> Result<Option<Request>, Stop> {
        request(&self.call, scope)
    }

    /// The cursor after an answer.
    ///
    /// # Errors
    /// What the program throws.
    pub fn cursor(&self, answer: &Answer, scope: &Scope) -> Result<Value, Stop> {
        let next = of_answer(&self.cursor, answer, scope)?;
        Ok(next.unwrap_or_else(|| scope.cursor.clone()))
    }

    /// Whether more waits behind an answer.
    ///
    /// # Errors
    /// What the program throws.
    pub fn more(&self, answer: &Answer, scope: &Scope) -> Result<bool, Stop> {
        let Some(more) = &self.more else { return Ok(false) };
        Ok(of_answer(more, answer, scope)?.is_some_and(|value| is_true(&value)))
    }
}

/// What programs see.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The settings of the endpoint, without secrets.
    pub settings: Value,
    /// The partner.
    pub partner: Value,
    /// The document's id.
    pub id: Value,
    /// The document.
    pub document: Input,
    /// What the steps before gave, by their names.
    pub results: Value,
    /// How far a poll is; null at first.
    pub cursor: Value,
    /// The orders that a record says it is for, by their numbers, as they were received.
    pub orders: Value,
    /// The headers of the answer, their names in lower case.
    pub headers: Value,
}

impl Scope {
    pub(super) fn variables(&self) -> [Variable<'_>; 8] {
        self.variables_and(&self.headers)
    }

    /// The same, with the headers of an answer.
    pub(super) fn variables_with<'a>(&'a self, answer: &'a Answer) -> [Variable<'a>; 8] {
        self.variables_and(&answer.headers)
    }

    fn variables_and<'a>(&'a self, headers: &'a Value) -> [Variable<'a>; 8] {
        let Self { settings, partner, id, document, results, cursor, orders, headers: _ } = self;
        let [settings, partner, id] = [settings, partner, id].map(Variable::Value);
        let [results, cursor, orders] = [results, cursor, orders].map(Variable::Value);
        let (document, headers) = (Variable::Input(document), Variable::Value(headers));
        [settings, partner, id, document, results, cursor, orders, headers]
    }

    /// Notes the result of a step.
    pub fn keep(&mut self, step: &str, result: Value) {
        if !self.results.is_object() {
            self.results = Value::Object(serde_json::Map::new());
        }
        if let Value::Object(results) = &mut self.results {
            results.insert(step.to_owned(), result);
        }
    }
}

fn of_answer(program: &Program, answer: &Answer, scope: &Scope) -> Result<Option<Value>, Stop> {
    one(program.run(&answer.body, &scope.variables_with(answer))?)
}

fn request(program: &Program, scope: &Scope) -> Result<Option<Request>, Stop> {
    let mut given = program.run_without(Request::BODY, &scope.document, &scope.variables())?;
    if given.len() > 1 {
        return one(given.into_iter().map(|(value, _)| value).collect()).map(|_| None);
    }
    let given = given.pop().filter(|(value, _)| !value.is_null());
    given.map(|(value, body)| Request::read(value, body)).transpose().map_err(Stop::Error)
}
