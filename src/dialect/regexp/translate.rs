//! An expression in the words of the crate `regex`, for those that it can say.
//!
//! The crate takes another one of the matches that begin at a place, so it is only asked whether and
//! where one begins.

use super::class::Set;
use super::tree::{Assertion, Id, Node, Tree};
use std::fmt::Write;

/// Bytes that a translated expression may take when it is compiled.
pub(super) const SIZE_MAX: usize = 4 << 20;
/// Letters of a translation; longer ones are left to the automata.
const LENGTH_MAX: usize = 20_000;

/// The expression as the crate `regex` reads it; `None` for what it does not have: look-around, what a
/// group matched coming again, and words as PostgreSQL parts them.
pub(super) fn translate(tree: &Tree) -> Option<String> {
    let mut text = String::new();
    say(tree, tree.root, &mut text)?;
    Some(text)
}

fn say(tree: &Tree, id: Id, text: &mut String) -> Option<()> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    match tree.node(id) {
        Node::Empty => text.push_str("(?:)"),
        Node::Letter(letter) => letters(*letter, text)?,
        Node::Set(set) => say_set(tree.sets.get(*set)?, text)?,
        Node::Assert(assertion) => text.push_str(match assertion {
            Assertion::TextStart => r"\A",
            Assertion::TextEnd => r"\z",
            Assertion::LineStart => "(?m:^)",
            Assertion::LineEnd => "(?m:$)",
            Assertion::WordStart | Assertion::WordEnd | Assertion::WordEdge | Assertion::NoWordEdge => return None,
        }),
        Node::Look { .. } | Node::Again { .. } => return None,
        Node::Group(_, inside) => say(tree, *inside, text)?,
        Node::Pair(left, right) => {
            let mut rest = *right;
            say(tree, *left, text)?;
            while let Node::Pair(left, right) = tree.node(rest) {
                say(tree, *left, text)?;
                rest = *right;
            }
            say(tree, rest, text)?;
        }
        Node::Either(branches) => {
            text.push_str("(?:");
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    text.push('|');
                }
                say(tree, *branch, text)?;
            }
            text.push(')');
        }
        Node::Repeat { node, min, max } => {
            text.push_str("(?:");
            say(tree, *node, text)?;
            text.push(')');
            match (min, max) {
                (0, None) => text.push('*'),
                (1, None) => text.push('+'),
                (min, None) => write!(text, "{{{min},}}").ok()?,
                (min, Some(max)) => write!(text, "{{{min},{max}}}").ok()?,
            }
        }
    }
    Some(())
}

fn letters(letter: char, text: &mut String) -> Option<()> {
    match letter {
        letter if letter.is_ascii_alphanumeric() => text.push(letter),
        letter => write!(text, r"\u{{{:x}}}", u32::from(letter)).ok()?,
    }
    Some(())
}

fn say_set(set: &Set, text: &mut String) -> Option<()> {
    if set.no_newline {
        let plain = Set { no_newline: false, ..set.clone() };
        if plain.ranges.is_empty() && plain.classes.is_empty() {
            text.push_str(r"[^\n]");
            return Some(());
        }
        text.push_str(r"[[^\n]&&");
        say_set(&plain, text)?;
        text.push(']');
        return Some(());
    }
    if set.ranges.is_empty() && set.classes.is_empty() {
        text.push_str(if set.negated { "(?s:.)" } else { r"[^\x00-\u{10ffff}]" });
        return Some(());
    }
    text.push_str(if set.negated { "[^" } else { "[" });
    for (from, to) in &set.ranges {
        letters(*from, text)?;
        text.push('-');
        letters(*to, text)?;
    }
    for (class, negated) in &set.classes {
        text.push_str(if *negated { "[^" } else { "[" });
        text.push_str(class.translated()?);
        text.push(']');
    }
    text.push(']');
    Some(())
}
