//! Values between JSON and programs, either way; what a program gives is bounded.

use std::borrow::Cow;

use jaq_core::ValT;
use jaq_json::{Num, Val};
use serde_json::{Map, Number, Value};

use super::jq::{DEPTH_MAX, Stop};

/// A value of JSON, as programs see it.
pub(super) fn to_jq(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(is) => Val::Bool(*is),
        // Decimals keep their digits.
        Value::Number(number) => Val::from_num(&number.to_string()).unwrap_or_default(),
        Value::String(text) => Val::from(text.clone()),
        Value::Array(items) => items.iter().map(to_jq).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| (Val::from(key.clone()), to_jq(value)));
            Val::obj(members.collect())
        }
    }
}

/// Takes bytes, and one for the value itself, of the room that there is, and looks how deep it lies.
fn takes(bytes: usize, room: &mut usize, depth: usize) -> Result<(), Stop> {
    *room = room.checked_sub(bytes + 1).ok_or(Stop::Large)?;
    if depth >= DEPTH_MAX { Err(Stop::Large) } else { Ok(()) }
}

/// The name of a member.
pub(super) fn name(key: &Val) -> Result<Cow<'_, str>, Stop> {
    match key {
        Val::TStr(key) | Val::BStr(key) => Ok(String::from_utf8_lossy(key)),
        _ => Err(Stop::Error(format!("{key} is no name of a member: names are texts"))),
    }
}

/// A value that a program gave, as JSON. `room`: how many bytes there may still be.
pub(super) fn from_jq(value: &Val, room: &mut usize, depth: usize) -> Result<Value, Stop> {
    takes(0, room, depth)?;
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(is) => Value::Bool(*is),
        Val::Num(Num::Int(number)) => Value::from(*number),
        Val::Num(number) => Value::Number(number_of(number)?.1),
        Val::TStr(text) | Val::BStr(text) => {
            takes(text.len(), room, depth)?;
            Value::String(String::from_utf8_lossy(text).into_owned())
        }
        Val::Arr(items) => {
            let items = items.iter().map(|item| from_jq(item, room, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Val::Obj(members) => {
            let mut object = Map::new();
            for (key, value) in members.iter() {
                let key = name(key)?;
                takes(key.len(), room, depth)?;
                object.insert(key.into_owned(), from_jq(value, room, depth + 1)?);
            }
            Value::Object(object)
        }
    })
}

/// The same, written as JSON.
pub(super) fn write_json(
    value: &Val,
    json: &mut Vec<u8>,
    room: &mut usize,
    depth: usize,
) -> Result<(), Stop> {
    takes(0, room, depth)?;
    match value {
        Val::Null => json.extend(b"null"),
        Val::Bool(is) => json.extend(if *is { &b"true"[..] } else { b"false" }),
        // As it stands: no digit of a decimal is lost.
        Val::Num(number) => json.extend(number_of(number)?.0.as_bytes()),
        Val::TStr(text) | Val::BStr(text) => {
            takes(text.len(), room, depth)?;
            write_text(&String::from_utf8_lossy(text), json)?;
        }
        Val::Arr(items) => {
            json.push(b'[');
            for (at, item) in items.iter().enumerate() {
                json.extend((at > 0).then_some(b','));
                write_json(item, json, room, depth + 1)?;
            }
            json.push(b']');
        }
        Val::Obj(members) => {
            json.push(b'{');
            for (at, (key, value)) in members.iter().enumerate() {
                json.extend((at > 0).then_some(b','));
                let key = name(key)?;
                takes(key.len(), room, depth)?;
                write_text(&key, json)?;
                json.push(b':');
                write_json(value, json, room, depth + 1)?;
            }
            json.push(b'}');
        }
    }
    Ok(())
}

fn write_text(text: &str, json: &mut Vec<u8>) -> Result<(), Stop> {
    serde_json::to_writer(json, text).map_err(|e| Stop::Error(e.to_string()))
}

/// A number as it stands, and as it is read.
fn number_of(number: &Num) -> Result<(String, Number), Stop> {
    let text = number.to_string();
    // What is no number in JSON (not a number, infinite) is refused rather than made null.
    match serde_json::from_str(&text) {
        Ok(read) => Ok((text, read)),
        Err(_) => Err(Stop::Error(format!("{text} is no number of JSON"))),
    }
}
