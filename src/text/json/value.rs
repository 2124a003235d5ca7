//! A JSON value in memory, as `jsonb` keeps it.

use super::number;
use super::parse::Invalid;
use super::write::quote;

/// A value. Numbers are texts, so that none loses digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// The word `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text without its quotes and escapes.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// An object; sorted by its keys, each of them once, when it is normal.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value as `jsonb` keeps it: numbers are written out, and of several members of one name the
    /// last is kept. Shorter names come first.
    ///
    /// # Errors
    /// A number beyond PostgreSQL's `numeric`, or a text with a zero byte, which it cannot hold.
    pub(crate) fn normal(self) -> Result<Self, Invalid> {
        Ok(match self {
            Self::Number(written) => Self::Number(number::written_out(&written).ok_or(Invalid::OutOfRange)?),
            Self::Text(text) if text.contains('\0') => return Err(Invalid::Letter),
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::normal).collect::<Result<_, _>>()?),
            Self::Object(members) => {
                let mut normal = Vec::with_capacity(members.len());
                for (name, value) in members {
                    if name.contains('\0') {
                        return Err(Invalid::Letter);
                    }
                    normal.push((name, value.normal()?));
                }
                Self::object(normal)
            }
            other => other,
        })
    }

    /// An object of members in any order; of several of one name the last is kept.
    pub(crate) fn object(mut members: Vec<(String, Self)>) -> Self {
        members.sort_by(|(one, _), (two, _)| (one.len(), one.as_bytes()).cmp(&(two.len(), two.as_bytes())));
        let mut kept: Vec<(String, Self)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            match kept.last_mut() {
                Some((last, kept)) if *last == name => *kept = value,
                _ => kept.push((name, value)),
            }
        }
        Self::Object(kept)
    }

    /// Writes the value as `jsonb` shows it: `{"a": 1, "b": [1, 2]}`.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => quote(text, out),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    quote(name, out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Writes the value over several lines, four blanks for each level, as `jsonb_pretty` does.
    pub(crate) fn write_pretty(&self, level: usize, out: &mut String) {
        let line = |level: usize, out: &mut String| {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', 4 * level));
        };
        match self {
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    line(level + 1, out);
                    element.write_pretty(level + 1, out);
                }
                line(level, out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    line(level + 1, out);
                    quote(name, out);
                    out.push_str(": ");
                    value.write_pretty(level + 1, out);
                }
                line(level, out);
                out.push('}');
            }
            other => other.write(out),
        }
    }

    /// Writes the value without blanks, as `json_strip_nulls` does.
    pub(crate) fn write_compact(&self, out: &mut String) {
        match self {
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    element.write_compact(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    quote(name, out);
                    out.push(':');
                    value.write_compact(out);
                }
                out.push('}');
            }
            other => other.write(out),
        }
    }

    /// The value without members that are null, at every level.
    pub(crate) fn without_nulls(self) -> Self {
        match self {
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::without_nulls).collect()),
            Self::Object(members) => {
                let members = members.into_iter().filter(|(_, value)| *value != Self::Null);
                Self::Object(members.map(|(name, value)| (name, value.without_nulls())).collect())
            }
            other => other,
        }
    }

    /// The value of a member; `None` when it is no object, or has none of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(own, _)| own == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Whether two normal values are equal: numbers by their value.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => number::key(one) == number::key(two),
            (Self::Array(one), Self::Array(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Self::Object(one), Self::Object(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.0 == two.0 && one.1.same(&two.1))
            }
            (one, two) => one == two,
        }
    }

    /// Whether a normal value contains another one, as `@>` has it: members and elements of the other
    /// are all in this one, wherever they stand.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.contains_at(other, true)
    }

    fn contains_at(&self, other: &Self, outermost: bool) -> bool {
        match (self, other) {
            (Self::Object(_), Self::Object(members)) => {
                members.iter().all(|(name, wanted)| self.member(name).is_some_and(|own| own.contains_at(wanted, false)))
            }
            (Self::Array(own), Self::Array(wanted)) => {
                wanted.iter().all(|wanted| own.iter().any(|own| own.contains_at(wanted, false)))
            }
            // An array contains a plain value that is one of its elements.
            (Self::Array(own), wanted) if outermost && !matches!(wanted, Self::Object(_)) => {
                own.iter().any(|own| own.same(wanted))
            }
            (own, wanted) => own.same(wanted),
        }
    }
}
