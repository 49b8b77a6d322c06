//! What serde says of a value that does not fit, in the words of whoever wrote the value.
//!
//! Pure: it knows messages, and nothing of what they are about.

/// A message of serde, of TOML or of JSON, in plain words. `nested` is how fields within braces are called there:
/// `a table`, `an object`. What is not known is left as it is.
///
/// ```
/// use crossdock::wording::in_words;
/// let said = in_words("invalid type: string \"5\", expected u32", "a table");
/// assert_eq!(said, "the text \"5\" stands where a whole number of 0 or more is expected");
/// ```
#[must_use]
pub fn in_words(message: &str, nested: &str) -> String {
    let message = message.trim();
    let (message, place) = match message.rfind(" at line ") {
        Some(at) => message.split_at(at),
        None => (message, ""),
    };
    let kinds = ["invalid type: ", "invalid value: ", "invalid length "];
    let unfit = kinds.iter().find_map(|start| message.strip_prefix(start));
    let words = if let Some((is, expected)) = unfit.and_then(|rest| rest.rsplit_once(", expected "))
    {
        let (is, expected) = (self::is(is, nested), self::expected(expected, nested));
        format!("{is} stands where {expected} is expected")
    } else if let Some(field) = message.strip_prefix("missing field ") {
        format!("{field} is missing")
    } else if let Some(field) = message.strip_prefix("duplicate field ") {
        format!("{field} stands there twice")
    } else if message == "invalid socket address syntax" {
        format!("{ADDRESS} is expected")
    } else if message == "wanted string or table" {
        "a word in quotes is expected".to_owned()
    } else if message.starts_with("data did not match any variant") {
        "it is none of the forms that are known here".to_owned()
    } else {
        message.to_owned()
    };
    format!("{words}{place}")
}

const ADDRESS: &str = "an address with its port, such as \"127.0.0.1:8080\",";

/// What stands there.
fn is(unexpected: &str, nested: &str) -> String {
    let quoted = |start: &str| unexpected.strip_prefix(start).map(|rest| rest.trim_matches('`'));
    let number = ["boolean ", "integer ", "floating point "].into_iter().find_map(quoted);
    if let Some(number) = number {
        return number.to_owned();
    }
    if let Some(text) = unexpected.strip_prefix("string ") {
        return format!("the text {text}");
    }
    match unexpected {
        "sequence" => "a list".to_owned(),
        "map" => nested.to_owned(),
        "null" | "unit value" => "nothing".to_owned(),
        count if count.bytes().all(|byte| byte.is_ascii_digit()) => format!("a list of {count}"),
        other => other.to_owned(),
    }
}

/// What is expected, as it is told before "is expected".
fn expected(expected: &str, nested: &str) -> String {
    let most = |most: u64| format!("a whole number from 0 to {most}");
    match expected {
        "u8" => most(u8::MAX.into()),
        "u16" => most(u16::MAX.into()),
        "u32" | "u64" | "u128" | "usize" => "a whole number of 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" | "string" | "a borrowed string" => "a text in quotes".to_owned(),
        "path string" => "a path in quotes".to_owned(),
        "a sequence" => "a list in brackets".to_owned(),
        "a map" => nested.to_owned(),
        "socket address" => ADDRESS.trim_end_matches(',').to_owned(),
        "variant identifier" | "string or table" => "a word in quotes".to_owned(),
        text if text.starts_with("struct ") => nested.to_owned(),
        text if text.contains("Decimal") => "a number, such as \"12.50\",".to_owned(),
        text if text.starts_with("enum ") => "one of the words that are known".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn what_serde_says_is_said_without_its_jargon() {
        let cases = [
            ("invalid value: integer `-1`, expected u32", "-1 stands where a whole number of 0 or"),
            ("invalid type: sequence, expected path string", "a list stands where a path in quo"),
            ("invalid type: map, expected a string", "a table stands where a text in quotes is"),
            ("invalid type: string \"a, expected b\", expected struct Table", "the text \"a, exp"),
            ("invalid length 1, expected tuple of 2 elements", "a list of 1 stands where tuple"),
            (
                "invalid socket address syntax",
                "an address with its port, such as \"127.0.0.1:8080\"",
            ),
            ("missing field `to`", "`to` is missing"),
            ("wanted string or table", "a word in quotes is expected"),
            ("it is Tuesday", "it is Tuesday"),
        ];
        for (message, words) in cases {
            let said = in_words(message, "a table");
            assert!(said.starts_with(words), "{said}");
        }
        let decimal = "invalid type: map, expected a Decimal type representing a fixed-point number \
            at line 3 column 4";
        let words =
            "an object stands where a number, such as \"12.50\", is expected at line 3 column 4";
        assert_eq!(in_words(decimal, "an object"), words);
    }
}
