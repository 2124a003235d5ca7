//! The tree of a regular expression. Its nodes carry what decides how a match is shared out.

use super::class::Set;

/// The number of a node in its tree.
pub(super) type Id = usize;

/// One part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Nothing: it matches the empty text.
    Empty,
    /// One letter.
    Letter(char),
    /// A letter of a set, by its number.
    Set(usize),
    /// A place.
    Assert(Assertion),
    /// What stands behind a place, or before it, matches or does not.
    Look { ahead: bool, negated: bool, node: Id },
    /// A group that is told of, from 1.
    Group(usize, Id),
    /// One part and then the other.
    Pair(Id, Id),
    /// One of several.
    Either(Vec<Id>),
    /// A part so many times; without a most for ever.
    Repeat { node: Id, min: u32, max: Option<u32> },
    /// What a group has matched, so many times more.
    Again { number: usize, min: u32, max: Option<u32> },
}

/// A condition on a place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assertion {
    /// The beginning of the text.
    TextStart,
    /// The end of the text.
    TextEnd,
    /// The beginning of a line.
    LineStart,
    /// The end of a line.
    LineEnd,
    /// The beginning of a word.
    WordStart,
    /// The end of a word.
    WordEnd,
    /// The beginning or the end of a word.
    WordEdge,
    /// Neither the beginning nor the end of a word.
    NoWordEdge,
}

/// Which of several possible ends a part takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preference {
    /// The last.
    Longest,
    /// The first.
    Shortest,
}

/// What is said of a part by what it consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// Which end it takes; `None` has no say, and takes the longest.
    pub(super) preference: Option<Preference>,
    /// It holds parts of both preferences.
    pub(super) mixed: bool,
    /// It holds a group that is told of.
    pub(super) groups: bool,
    /// It holds what a group has matched.
    pub(super) again: bool,
}

impl Traits {
    /// A part that only prefers.
    pub(super) fn prefers(preference: Option<Preference>) -> Self {
        Self { preference, ..Self::default() }
    }

    /// The traits of two parts together: the first with a preference decides.
    pub(super) fn with(self, other: Self) -> Self {
        let clash = matches!((self.preference, other.preference), (Some(one), Some(two)) if one != two);
        Self {
            preference: self.preference.or(other.preference),
            mixed: self.mixed || other.mixed || clash,
            groups: self.groups || other.groups,
            again: self.again || other.again,
        }
    }

    /// Whether it is a part of its own when a match is shared out.
    pub(super) fn apart(self) -> bool {
        self.mixed || self.groups || self.again
    }

    /// Whether how it matches tells anything beyond where.
    pub(super) fn tells(self) -> bool {
        self.groups || self.again
    }
}

/// A whole expression.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// Its nodes, parts before the whole.
    pub(super) nodes: Vec<(Node, Traits)>,
    /// Its sets of letters.
    pub(super) sets: Vec<Set>,
    /// The node that is all of it.
    pub(super) root: Id,
    /// How many groups it has.
    pub(super) groups: usize,
    /// The insides of the groups, by number from 1; index 0 is not used.
    pub(super) insides: Vec<Option<Id>>,
}

impl Tree {
    /// A node.
    pub(super) fn node(&self, id: Id) -> &Node {
        self.nodes.get(id).map_or(&Node::Empty, |(node, _)| node)
    }

    /// What is said of a node.
    pub(super) fn traits(&self, id: Id) -> Traits {
        self.nodes.get(id).map(|(_, traits)| *traits).unwrap_or_default()
    }
}
