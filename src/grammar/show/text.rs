//! A set as a table for people, at most 100 columns wide.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::view::{
    CodesView, ElementView, PlaceView, SegmentView, SetView, dictionary_view, element_view, view,
};
use super::{CodeView, ShowOptions};
use crate::grammar::{Dictionary, Grammar};

/// Room for the name of a segment, indented by its loops.
const NAME_COLUMNS: usize = 16;
/// Room for a title.
const TITLE_COLUMNS: usize = 46;
/// Width of a line of codes.
const LINE_COLUMNS: usize = 100;

/// The set as a table, one place a line, and then its segments where they were asked for.
#[must_use]
pub fn set(grammar: &Grammar, options: &ShowOptions) -> String {
    let view = view(grammar, options);
    let mut out = String::new();
    heading(&mut out, &view);
    places(&mut out, &view.places, options.segment.is_some());
    for shown in &view.segments {
        out.push('\n');
        segment_to(&mut out, shown);
    }
    out
}

/// The segments of a dictionary with their elements (the envelope's, or a release's), or the one asked for.
#[must_use]
pub fn dictionary(dictionary: &Dictionary, options: &ShowOptions) -> String {
    let mut out = String::new();
    for shown in &dictionary_view(dictionary, options) {
        if !out.is_empty() {
            out.push('\n');
        }
        segment_to(&mut out, shown);
    }
    out
}

/// The places of an element or composite in the segments of a dictionary.
#[must_use]
pub fn element(dictionary: &Dictionary, id: &str, options: &ShowOptions) -> String {
    let mut out = String::new();
    let places = element_view(dictionary, id, options);
    line(&mut out, format_args!("{id} in release {}", dictionary.release));
    let mut lists = BTreeMap::new();
    for shown in &places {
        element_to(&mut out, shown, 2, &mut lists);
    }
    out
}

/// Writes a line; writing to a string does not fail. Blanks at its end are dropped.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let start = out.len();
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a string takes any text");
    out.truncate(start + out[start..].trim_end().len());
    out.push('\n');
}

fn heading(out: &mut String, view: &SetView) {
    let SetView { set, title, release, group, rule, .. } = view;
    line(out, format_args!("{set} {title}, release {release}, group {group}   ({rule})"));
}

/// One segment alone is named by its path, since its loops are not shown.
fn places(out: &mut String, places: &[PlaceView], by_path: bool) {
    line(out, format_args!(""));
    let (name, title) = (NAME_COLUMNS, TITLE_COLUMNS);
    line(
        out,
        format_args!("{:>4}  {:name$}  {:title$}  Req  Max use  Repeat", "No", "Segment", "Title"),
    );
    let mut area = "";
    for place in places {
        if place.area != area {
            area = place.area;
            line(out, format_args!("\n      {}", area.to_uppercase()));
        }
        let indent = 2 * usize::try_from(place.depth).unwrap_or_default();
        let label = if by_path {
            place.path.clone()
        } else if place.is_loop {
            format!("{:indent$}loop {}", "", place.name)
        } else {
            format!("{:indent$}{}", "", place.name)
        };
        let number = place.number.map_or_else(String::new, |n| n.to_string());
        let max = place.max_use.map_or_else(|| "no limit".to_owned(), |n| n.to_string());
        let (max, repeat) = if place.is_loop { (String::new(), max) } else { (max, String::new()) };
        let nested = if place.nested { " (levels)" } else { "" };
        let PlaceView { title: words, requirement, .. } = place;
        line(
            out,
            format_args!(
                "{number:>4}  {label:name$}  {words:title$}  {requirement:<3}  {max:<8} {repeat}{nested}"
            ),
        );
    }
}

fn segment_to(out: &mut String, shown: &SegmentView) {
    line(out, format_args!("{} {}   ({})", shown.segment, shown.title, shown.rule));
    let mut lists = BTreeMap::new();
    for element in &shown.elements {
        element_to(out, element, 2, &mut lists);
    }
    for note in &shown.notes {
        line(out, format_args!("  {note}"));
    }
}

/// `lists` says where a code list has been written already, so that a segment shows each once.
fn element_to<'a>(
    out: &mut String,
    shown: &'a ElementView,
    indent: usize,
    lists: &mut BTreeMap<&'a str, &'a str>,
) {
    let ElementView { reference, element, title, requirement, data_type, .. } = shown;
    let attributes = match shown.length {
        Some((min, max)) => format!("{data_type} {min}/{max}"),
        None => data_type.clone(),
    };
    let repeat = match shown.repeat {
        Some(1) => String::new(),
        Some(n) => format!("  up to {n} times"),
        None => "  any number of times".to_owned(),
    };
    let label = format!("{:indent$}{reference}", "");
    line(
        out,
        format_args!("{label:<12}  {element:<5} {requirement}  {attributes:<10} {title}{repeat}"),
    );
    if let Some(codes) = shown.codes.as_ref().filter(|c| !c.codes.is_empty()) {
        if let Some(before) = lists.get(codes.list.as_str()) {
            line(out, format_args!("{:23}codes as at {before}", ""));
        } else {
            lists.insert(&codes.list, reference);
            codes_to(out, codes);
        }
    }
    for component in &shown.components {
        element_to(out, component, indent + 2, lists);
    }
    for note in &shown.notes {
        line(out, format_args!("{:indent$}  {note}", ""));
    }
}

/// The codes that have words, one a line; the others in running lines.
fn codes_to(out: &mut String, shown: &CodesView) {
    for CodeView { code, meaning } in &shown.codes {
        if let Some(meaning) = meaning {
            line(out, format_args!("{:23}{code:<5} {meaning}", ""));
        }
    }
    let mut row = String::new();
    for CodeView { code, .. } in shown.codes.iter().filter(|c| c.meaning.is_none()) {
        if row.len() + code.len() + 24 > LINE_COLUMNS {
            line(out, format_args!("{:23}{row}", ""));
            row.clear();
        }
        row.push_str(code);
        row.push(' ');
    }
    if !row.is_empty() {
        line(out, format_args!("{:23}{row}", ""));
    }
}
