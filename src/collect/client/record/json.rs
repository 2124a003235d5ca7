//! Values of named fields in JSON text, which may be cut off, damaged or no JSON at all: everything else stays as it is,
//! byte for byte. It walks the text once and builds no tree.

/// What stands in place of what was removed.
pub(super) const REMOVED: &str = "***";

/// The text with every value of a field that is `secret` replaced, at whatever depth it stands. `found` gets the texts that
/// were values of such a field themselves.
pub(super) fn without(text: &str, secret: impl Fn(&str) -> bool, mut found: impl FnMut(String)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let (before, string) = rest.split_at(at);
        out.push_str(before);
        let (quoted, after) = split_string(string);
        out.push_str(quoted);
        let (colon, value) = split_colon(after);
        out.push_str(colon);
        rest = value;
        if colon.is_empty() || !secret(&unquoted(quoted)) {
            continue;
        }
        if value.starts_with('"') {
            found(unquoted(split_string(value).0));
        }
        rest = remove(value, &mut out);
    }
    out.push_str(rest);
    out
}

/// Takes a value off the text, and puts it out with its texts and numbers replaced. What is left of the text.
fn remove<'a>(text: &'a str, out: &mut String) -> &'a str {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => {
                let (quoted, after) = split_string(rest);
                let is_name = depth > 0 && !split_colon(after).0.is_empty();
                if is_name {
                    out.push_str(quoted)
                } else {
                    put_removed(out)
                }
                rest = after;
            }
            '-' | '0'..='9' => {
                put_removed(out);
                rest = rest.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
            }
            // The end of what the value stands in.
            ',' | '}' | ']' if depth == 0 => return rest,
            other => {
                match other {
                    '{' | '[' => depth += 1,
                    '}' | ']' => depth -= 1,
                    _ => {}
                }
                out.push(other);
                rest = rest.get(other.len_utf8()..).unwrap_or_default();
            }
        }
        if depth == 0 && !rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return rest;
        }
    }
    rest
}

fn put_removed(out: &mut String) {
    out.push('"');
    out.push_str(REMOVED);
    out.push('"');
}

/// A text that begins with a quotation mark, parted behind the string; where that has no end, all of it is the string.
fn split_string(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return text.split_at(at + 1),
            _ => {}
        }
    }
    (text, "")
}

/// The colon that a text begins with, with the space around it; nothing where it begins otherwise.
fn split_colon(text: &str) -> (&str, &str) {
    match text.trim_ascii_start().strip_prefix(':') {
        Some(after) => text.split_at(text.len() - after.trim_ascii_start().len()),
        None => ("", text),
    }
}

/// What a string says; one that does not read, as it is written.
fn unquoted(quoted: &str) -> String {
    serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str, told: &[&str]) {
        let mut found = Vec::new();
        let without = without(text, |name| name.ends_with("token"), |text| found.push(text));
        assert_eq!((without.as_str(), found), (expected, told.iter().map(|text| (*text).to_owned()).collect()));
    }

    #[test]
    fn values_of_a_name_go_and_all_else_stays() {
        check(
            r#"{ "a" : "token", "token" : "hu\"sh" ,"b":[1.50,{"x":"y"}]}"#,
            r#"{ "a" : "token", "token" : "***" ,"b":[1.50,{"x":"y"}]}"#,
            &["hu\"sh"],
        );
        check(r#"{"my-token":12345,"n":-1}"#, r#"{"my-token":"***","n":-1}"#, &[]);
        check(r#"{"token":null,"token":true,"a":1}"#, r#"{"token":null,"token":true,"a":1}"#, &[]);
        check(
            r#"[{"token":{"value":"a","of":["b",-2e+5,null],"n":{"m":"c"}},"z":"d"}]"#,
            r#"[{"token":{"value":"***","of":["***","***",null],"n":{"m":"***"}},"z":"d"}]"#,
            &[],
        );
        check(r#"{"\u0074oken":"a"}"#, r#"{"\u0074oken":"***"}"#, &["a"]);
    }

    #[test]
    fn what_is_no_json_loses_its_secrets_too() {
        check(r#"{"token":"cut of"#, r#"{"token":"***""#, &["cut of"]);
        check(r#"{"token":{"value":"cut"#, r#"{"token":{"value":"***""#, &[]);
        check(r#"{"token":"#, r#"{"token":"#, &[]);
        check(r#"{"token""#, r#"{"token""#, &[]);
        check("<a href=\"token\">\u{e9}</a>", "<a href=\"token\">\u{e9}</a>", &[]);
        check(r#"{"token":}},"token":"a"}"#, r#"{"token":}},"token":"***"}"#, &["a"]);
        check("", "", &[]);
    }
}
