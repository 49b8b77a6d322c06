//! A JSON object on a line of its own, its members in the order in which they are written down.

/// `json_line!(out, "type" => "set", "bytes" => 512)` writes `{"type":"set","bytes":512}` and a line end.
/// What the output reports comes as an [`std::io::Error`].
macro_rules! json_line {
    ($out:expr, $($name:literal => $value:expr),+ $(,)?) => {{
        let write = |out: &mut dyn std::io::Write| -> std::io::Result<()> {
            use serde::ser::{SerializeMap, Serializer};
            let mut json = serde_json::Serializer::new(&mut *out);
            let mut map = json.serialize_map(None)?;
            $(map.serialize_entry($name, &$value)?;)+
            SerializeMap::end(map)?;
            out.write_all(b"\n")
        };
        write(&mut *$out)
    }};
}

pub(super) use json_line;
