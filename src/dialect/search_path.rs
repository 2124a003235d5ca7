//! The setting `search_path` names the schemas in which PostgreSQL, and so this server, looks for a
//! table's name without a schema.
//!
//! DataFusion has one default schema and no such list; `rewrite` puts the schema in front of the
//! name.

/// The schemas a path names, in order: names with commas between, folded to lower case unless they
/// are in quotes. `"$user"` is the user's name, whether there is such a schema or not; empty names
/// are dropped.
pub(crate) fn parse(setting: &str, user: &str) -> Vec<String> {
    let mut schemas = Vec::new();
    let mut letters = setting.chars().peekable();
    let mut name = String::new();
    let mut quoted = false;
    let mut add = |name: &mut String| {
        let found = std::mem::take(name);
        if !found.is_empty() {
            schemas.push(if found == "$user" { user.to_owned() } else { found });
        }
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                name.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => add(&mut name),
            letter if quoted => name.push(letter),
            letter if letter.is_whitespace() => {}
            letter => name.extend(letter.to_lowercase()),
        }
    }
    add(&mut name);
    schemas
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_lists_of_names() {
        assert_eq!(parse("\"$user\", public", "ann"), ["ann", "public"]);
        assert_eq!(parse("Live,\"My, Schema\",  public", "ann"), ["live", "My, Schema", "public"]);
        assert_eq!(parse("\"a\"\"b\"", "ann"), ["a\"b"]);
        assert!(parse("", "ann").is_empty());
        assert!(parse("\"\"", "ann").is_empty());
    }
}
