//! An endpoint that a connector describes: documents go there step by step, and others are fetched from it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::api::{Api, Told};
use super::files::Files;
use super::sign::verify;
use super::{
    Call, DirectoryEndpoint, Endpoint, Error, Half, Heard, HookCall, Polled, PolledDocument, Since,
    Steps, Unheard,
};
use crate::connector::jq::Input;
use crate::connector::{
    Answer, Connector, Idempotency, Judgement, Meanings, Poll, Reading, Request, Scope, Settings,
    Step, Stop,
};
use crate::disk::{Limits, trial};

/// One connector with the settings of an endpoint.
pub struct ConnectorEndpoint {
    connector: Arc<Connector>,
    settings: Settings,
    reach: Reach,
    /// A folder for documents that people put there, and for copies of those that are refused.
    returns: Option<DirectoryEndpoint>,
    /// Since when it is there: calls that were begun before may be under way there still.
    made: Timestamp,
    /// By key, until when the server may be at a call that it gave no answer of its own to.
    unsettled: Mutex<HashMap<String, Instant>>,
    /// When each partner's documents of a kind were last looked for.
    looked: Mutex<HashMap<(String, String), Instant>>,
}

/// Where calls go.
enum Reach {
    /// To a server.
    Api(Box<Api>),
    /// Into a folder.
    Files(Files),
}

impl ConnectorEndpoint {
    /// Makes it ready; nothing is called. Where its address is a folder, that is one below `base`, and `limits` bounds what
    /// is read there.
    ///
    /// # Errors
    /// In words: an address that is none, certificates that cannot be read.
    pub fn new(
        connector: Arc<Connector>,
        settings: Settings,
        (base, limits): (&Path, Limits),
        returns: Option<DirectoryEndpoint>,
        runtime: Handle,
    ) -> Result<Self, String> {
        let reach = match connector.folder(&settings) {
            Some(folder) if folder.as_os_str().is_empty() => {
                return Err("the address of the connector says no folder".to_owned());
            }
            Some(folder) => Reach::Files(Files::new(base.join(folder), limits)),
            None => Reach::Api(Box::new(Api::new(&connector, settings.clone(), runtime)?)),
        };
        let (made, unsettled, looked) = (Timestamp::now(), Mutex::default(), Mutex::default());
        Ok(Self { connector, settings, reach, returns, made, unsettled, looked })
    }

    fn scope(&self, partner: &str) -> Scope {
        Scope {
            settings: self.settings.plain.clone(),
            partner: Value::String(partner.to_owned()),
            ..Scope::default()
        }
    }

    /// Makes a call of a step, and judges its answer.
    fn call(
        &self,
        request: &Request,
        key: Option<(&str, &str)>,
        meanings: &Meanings,
        scope: &Scope,
    ) -> Result<Told, Error> {
        trial::step("call.before");
        let told = match &self.reach {
            Reach::Api(api) => api.call(request, key)?,
            Reach::Files(files) => files.call(request)?,
        };
        trial::step("call.after");
        let named = |words: String| format!("{} {}: {words}", request.method, request.path);
        match meanings.judge(&told.answer, scope).map_err(|stop| refused(&stop))? {
            Judgement::Ok => Ok(told),
            Judgement::Refused(words) => Err(Error::Refused { reason: named(words) }),
            Judgement::Retry(words) => {
                // What gave up does not know how long the server is still at it: the longer pause holds.
                let retry_after = told.retry_after.max(told.unsettled);
                Err(Error::Transient { reason: named(words), retry_after })
            }
        }
    }

    /// Notes that the server may be at a call for a while.
    fn leave_unsettled(&self, key: &str, wait: Duration) {
        let now = Instant::now();
        let mut unsettled = self.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        unsettled.retain(|_, until| *until > now);
        unsettled.extend(now.checked_add(wait).map(|until| (key.to_owned(), until)));
    }

    /// A call that the server may still be at is not found, whoever wants it tried again at once. Nor is one that was
    /// made before a restart, until the time has passed that the server takes at the longest; `since` is when the step may
    /// first have been begun.
    fn is_settled(&self, key: &str, since: Timestamp) -> Result<(), Error> {
        let unsettled = self.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        let until = unsettled.get(key).copied();
        drop(unsettled);
        let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
        if let Some(rest) = rest.filter(|rest| !rest.is_zero()) {
            let reason = "the call before may still be under way there".to_owned();
            return Err(Error::Transient { reason, retry_after: Some(rest) });
        }
        let longest = Duration::from_secs(u64::from(self.connector.timeout_seconds));
        let passed = Timestamp::now().duration_since(self.made);
        let passed = Duration::try_from(passed).unwrap_or_default();
        if since >= self.made || passed >= longest {
            return Ok(());
        }
        let reason = "a call from before the restart may still be under way there".to_owned();
        Err(Error::Transient { reason, retry_after: Some(longest.saturating_sub(passed)) })
    }

    /// Makes a step, or finds that it was made; tells what it gave, and how.
    fn step(
        &self,
        step: &Step,
        key: &str,
        scope: &Scope,
        since: Timestamp,
    ) -> Result<(Value, String), Error> {
        let key = format!("{key}-{}", step.name);
        if let Some(search) = &step.search
            && let Some(request) = search.request(scope).map_err(|stop| refused(&stop))?
        {
            self.is_settled(&key, since)?;
            let told = self.call(&request, None, &Meanings::default(), scope)?;
            if let Some(found) = search.found(&told.answer, scope).map_err(|stop| refused(&stop))? {
                return Ok((found, format!("it was there: {} {}", request.method, request.path)));
            }
        }
        let Some(request) = step.request(scope).map_err(|stop| refused(&stop))? else {
            return Ok((Value::Null, "nothing to call".to_owned()));
        };
        let header = (step.idempotency == Idempotency::Header).then_some((&*step.header, &*key));
        let told = self.call(&request, header, &step.meanings, scope);
        if let (Err(Error::Transient { retry_after: Some(wait), .. }), Some(_)) =
            (&told, &step.search)
        {
            self.leave_unsettled(&key, *wait);
        }
        let told = told?;
        let result = step.result(&told.answer, scope).map_err(|stop| refused(&stop))?;
        let Request { method, path, .. } = &request;
        Ok((result, format!("{method} {path}: {}", told.answer.status)))
    }

    /// Whether it is time to look for documents of a kind again.
    fn is_time(&self, poll: &Poll, partner: &str) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, key) = (Instant::now(), (partner.to_owned(), poll.reading.kind.clone()));
        let pause = Duration::from_secs(u64::from(poll.every_seconds));
        let is_time = looked.get(&key).is_none_or(|last| now.duration_since(*last) >= pause);
        if is_time {
            looked.insert(key, now);
        }
        is_time
    }

    fn fetch_since(&self, poll: &Poll, since: &Since<'_>) -> Result<Polled, Error> {
        let mut scope = self.scope(since.partner);
        if let Some(cursor) = since.cursor {
            scope.cursor = serde_json::from_str(cursor).map_err(|e| strange(&e))?;
        }
        let Some(request) = poll.request(&scope).map_err(|stop| refused(&stop))? else {
            return Ok(Polled { cursor: scope.cursor.to_string(), ..Polled::default() });
        };
        let told = self.call(&request, None, &poll.meanings, &scope)?;
        let items = poll.reading.items(&told.answer, &scope).map_err(|stop| refused(&stop))?;
        let mut documents = Vec::with_capacity(items.len());
        for item in items {
            documents.extend(read_record(&poll.reading, &item, &mut scope, since)?);
        }
        let next = poll.cursor(&told.answer, &scope).map_err(|stop| refused(&stop))?;
        let goes_on = next != scope.cursor
            && poll.more(&told.answer, &scope).map_err(|stop| refused(&stop))?;
        let more = told.more || goes_on;
        Ok(Polled { documents, cursor: next.to_string(), more })
    }
}

impl Endpoint for ConnectorEndpoint {
    fn deliver(&self, call: &Call, steps: &dyn Steps) -> Result<Option<Half>, Error> {
        let Some(handling) = self.connector.handling(call.kind) else {
            let kinds: Vec<&str> = self.connector.kinds().collect();
            let reason = format!(
                "the connector {} takes no {} documents; it takes {}",
                self.connector.name,
                call.kind,
                kinds.join(", ")
            );
            return Err(Error::Refused { reason });
        };
        let mut scope = self.scope(call.partner);
        scope.id = Value::String(call.idempotency_key.to_owned());
        scope.document = Input::from_json(call.json).map_err(|reason| Error::Refused { reason })?;
        let (mut begun, mut since) = (false, steps.queued());
        for (at, step) in handling.steps.iter().enumerate() {
            let is_last = at + 1 == handling.steps.len();
            if let Some((kept, at)) = steps.result(&step.name)? {
                (begun, since) = (true, at);
                scope.keep(&step.name, serde_json::from_slice(&kept).map_err(|e| strange(&e))?);
                continue;
            }
            if !begun {
                handling.check(&scope).map_err(|stop| refused(&stop))?;
                begun = true;
            }
            let (result, note) = self.step(step, call.idempotency_key, &scope, since).map_err(
                |error| match error {
                    Error::Refused { reason } => {
                        Error::Refused { reason: format!("step {}: {reason}", step.name) }
                    }
                    Error::Transient { reason, retry_after } => {
                        let reason = format!("step {}: {reason}", step.name);
                        Error::Transient { reason, retry_after }
                    }
                },
            )?;
            steps.keep(&step.name, result.to_string().as_bytes(), &note, is_last)?;
            since = Timestamp::now();
            scope.keep(&step.name, result);
        }
        Ok(None)
    }

    fn is_remote(&self) -> bool {
        matches!(self.reach, Reach::Api(_))
    }

    fn poll(&self, since: &Since<'_>) -> Result<Option<Polled>, Error> {
        let Since { partner, kind, .. } = *since;
        let Some(poll) = self.connector.polls.iter().find(|poll| poll.reading.kind == kind) else {
            return Ok(None);
        };
        if !self.is_time(poll, partner) {
            return Ok(None);
        }
        let polled = self.fetch_since(poll, since)?;
        if polled.more {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            looked.remove(&(partner.to_owned(), kind.to_owned()));
        }
        Ok(Some(polled))
    }

    fn hear(&self, call: &HookCall<'_>) -> Result<Heard, Unheard> {
        let hook = self.connector.hooks.get(call.hook).ok_or(Unheard::Unknown)?;
        verify(&hook.signature, &self.settings, call)?;
        let unreadable = |stop: &Stop| Unheard::Unreadable(stop.to_string());
        let body = serde_json::from_slice(call.body)
            .map_err(|e| Unheard::Unreadable(format!("the body is no JSON: {e}")))?;
        let scope = Scope { headers: headers_of(call), ..self.scope("") };
        let answer = Answer { status: 200, headers: scope.headers.clone(), body };
        let items = hook.reading.items(&answer, &scope).map_err(|stop| unreadable(&stop))?;
        let records = items.into_iter().map(|item| {
            let partner = hook.partner(&item, &scope).map_err(|stop| unreadable(&stop))?;
            Ok((partner, item))
        });
        let kind = hook.reading.kind.clone();
        Ok(Heard { kind, records: records.collect::<Result<_, Unheard>>()? })
    }

    fn heard_document(
        &self,
        call: &HookCall<'_>,
        record: &Value,
        since: &Since<'_>,
    ) -> Result<Option<PolledDocument>, Error> {
        let Some(hook) = self.connector.hooks.get(call.hook) else { return Ok(None) };
        let mut scope = Scope { headers: headers_of(call), ..self.scope(since.partner) };
        read_record(&hook.reading, record, &mut scope, since)
    }

    /// Where there is none, the exception that was raised has the bytes of what is set aside.
    fn returns(&self) -> Option<&DirectoryEndpoint> {
        self.returns.as_ref()
    }
}

/// A program that stops refuses its document: the next run would stop as well.
fn refused(stop: &Stop) -> Error {
    Error::Refused { reason: stop.to_string() }
}

fn headers_of(call: &HookCall<'_>) -> Value {
    let headers = call.headers.iter();
    Value::Object(headers.map(|(name, value)| (name.clone(), value.clone().into())).collect())
}

/// The document of a record; nothing where it is none yet. One of which none can be made comes as it is.
fn read_record(
    reading: &Reading,
    item: &Value,
    scope: &mut Scope,
    since: &Since<'_>,
) -> Result<Option<PolledDocument>, Error> {
    let made = match reading.orders(item, scope) {
        Ok(numbers) => {
            scope.orders = orders(&numbers, since)?;
            reading.document(item, scope)
        }
        Err(stop) => Err(stop),
    };
    Ok(match made {
        Ok(None) => None,
        Ok(Some(document)) => {
            let number = document.get("number").and_then(Value::as_str);
            let name = format!("{} {}", reading.kind, number.unwrap_or_default());
            Some(PolledDocument { name, json: pretty(&document), unusable: None })
        }
        Err(stop) => Some(PolledDocument {
            name: format!("{} that cannot be read", reading.kind),
            json: pretty(item),
            unusable: Some(stop.to_string()),
        }),
    })
}

/// Orders by their numbers; those that were not received are left out.
fn orders(numbers: &[String], since: &Since<'_>) -> Result<Value, Error> {
    let mut found = Map::new();
    for number in numbers {
        if let Some(json) = since.orders.order(number)? {
            let order = serde_json::from_slice(&json).map_err(|e| strange(&e))?;
            found.insert(number.clone(), order);
        }
    }
    Ok(Value::Object(found))
}

/// What was kept cannot be read.
fn strange(error: &serde_json::Error) -> Error {
    Error::Transient { reason: format!("what was kept is no JSON: {error}"), retry_after: None }
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}
