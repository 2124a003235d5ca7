//! The reader of an advanced regular expression makes a tree of its text.
//!
//! How the parts of a branch are put together decides how a match is shared out among its groups, so it
//! follows PostgreSQL's compiler: parts without groups and of one preference are one part, and each other
//! part is apart from what stands before it and from the rest.

use super::class::Set;
use super::found::Invalid;
use super::options::Options;
use super::read::{Escape, Reader};
use super::tree::{Assertion, Id, Node, Preference, Traits, Tree};

/// Groups within groups; a pattern nested deeper is refused rather than walked.
const DEPTH_MAX: usize = 200;

const BAD_QUANTIFIER: Invalid = Invalid("quantifier operand invalid");
const BAD_BOUND: Invalid = Invalid("invalid repetition count(s)");
const BAD_BRACE: Invalid = Invalid("braces {} not balanced");
const BAD_PAREN: Invalid = Invalid("parentheses () not balanced");
const BAD_REFERENCE: Invalid = Invalid("invalid backreference number");
const BAD_OPTION: Invalid = Invalid("invalid embedded option");
const TOO_COMPLEX: Invalid = Invalid("regular expression is too complex");

/// Reads an expression; options in front of it are added to those given.
///
/// # Errors
/// PostgreSQL's reason why it does not read.
pub(super) fn parse(pattern: &str, options: Options) -> Result<Tree, Invalid> {
    let tree = Tree { nodes: Vec::new(), sets: Vec::new(), root: 0, groups: 0, insides: vec![None] };
    let letters: Vec<char> = pattern.chars().collect();
    let reader = Reader { letters, at: 0, options };
    let mut parser = Parser { reader, tree, depth: 0, in_look: false };
    parser.prefix()?;
    if parser.reader.options.literal {
        let rest = parser.reader.letters.split_off(parser.reader.at);
        let parts = rest.into_iter().map(|letter| parser.letter(letter)).collect();
        parser.tree.root = parser.run(parts);
        return Ok(parser.tree);
    }
    parser.tree.root = parser.either()?;
    match parser.reader.at < parser.reader.letters.len() {
        true => Err(BAD_PAREN),
        false => Ok(parser.tree),
    }
}

struct Parser {
    reader: Reader,
    tree: Tree,
    depth: usize,
    /// Inside of a look-around, where groups are not told of.
    in_look: bool,
}

impl Parser {
    fn add(&mut self, node: Node, traits: Traits) -> Id {
        self.tree.nodes.push((node, traits));
        self.tree.nodes.len() - 1
    }

    /// `***:` and `***=`, and options in parentheses.
    fn prefix(&mut self) -> Result<(), Invalid> {
        if self.reader.options.literal {
            return Ok(());
        }
        if self.reader.eat_all("***=") {
            self.reader.options.literal = true;
            return Ok(());
        }
        if self.reader.eat_all("***:") {
            // What follows is an advanced expression, as it would be anyway.
        } else if self.reader.eat_all("***") {
            return Err(BAD_QUANTIFIER);
        }
        let letter = self.reader.letters.get(self.reader.at + 2).copied();
        if self.reader.letters.get(self.reader.at..self.reader.at + 2) == Some(&['(', '?'])
            && letter.is_some_and(char::is_alphabetic)
        {
            self.reader.at += 2;
            while let Some(letter) = self.reader.peek().filter(|letter| letter.is_alphabetic()) {
                self.reader.options.set(letter).map_err(|_| BAD_OPTION)?;
                self.reader.at += 1;
            }
            if !self.reader.eat(')') {
                return Err(BAD_OPTION);
            }
        }
        Ok(())
    }

    /// Branches with `|` between them.
    fn either(&mut self) -> Result<Id, Invalid> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(TOO_COMPLEX);
        }
        let mut branches = vec![self.branch()?];
        self.reader.skip();
        while self.reader.eat('|') {
            branches.push(self.branch()?);
            self.reader.skip();
        }
        self.depth -= 1;
        if let [only] = branches.as_slice() {
            return Ok(*only);
        }
        let traits = branches
            .iter()
            .fold(Traits::prefers(Some(Preference::Longest)), |all, branch| all.with(self.tree.traits(*branch)));
        Ok(self.add(Node::Either(branches), traits))
    }

    /// Parts that follow each other, up to `|`, `)` or the end.
    fn branch(&mut self) -> Result<Id, Invalid> {
        let mut parts = Vec::new();
        loop {
            self.reader.skip();
            match self.reader.peek() {
                None | Some('|' | ')') => break,
                _ => parts.extend(self.part()?),
            }
        }
        Ok(self.put_together(parts))
    }

    /// Makes one node of the parts of a branch; each comes with whether it stands apart for certain.
    fn put_together(&mut self, parts: Vec<(Id, bool)>) -> Id {
        let mut run = Vec::new();
        let mut traits = Traits::default();
        let mut parts = parts.into_iter();
        while let Some((part, apart)) = parts.next() {
            let own = self.tree.traits(part);
            if !apart && !traits.with(own).apart() {
                traits = traits.with(own);
                run.push(part);
                continue;
            }
            let rest: Vec<_> = parts.collect();
            let mut node = part;
            if !rest.is_empty() {
                let rest = self.put_together(rest);
                node = self.pair(part, rest);
            }
            if run.is_empty() {
                return node;
            }
            let run = self.run(run);
            return self.pair(run, node);
        }
        self.run(run)
    }

    /// Parts of one preference and without groups, as one.
    fn run(&mut self, parts: Vec<Id>) -> Id {
        let mut parts = parts.into_iter().rev();
        let Some(mut node) = parts.next() else { return self.add(Node::Empty, Traits::default()) };
        for part in parts {
            node = self.pair(part, node);
        }
        node
    }

    fn pair(&mut self, left: Id, right: Id) -> Id {
        let traits = self.tree.traits(left).with(self.tree.traits(right));
        self.add(Node::Pair(left, right), traits)
    }

    /// One letter, in both cases when they are alike.
    fn letter(&mut self, letter: char) -> Id {
        if self.reader.options.fold {
            let mut set = Set::default();
            set.add(letter, letter, self.reader.options);
            if set.ranges.len() > 1 {
                return self.set(set);
            }
        }
        self.add(Node::Letter(letter), Traits::default())
    }

    fn set(&mut self, set: Set) -> Id {
        self.tree.sets.push(set);
        self.add(Node::Set(self.tree.sets.len() - 1), Traits::default())
    }

    fn assert(&mut self, assertion: Assertion) -> Id {
        self.add(Node::Assert(assertion), Traits::default())
    }

    /// An atom with its quantifier, or a condition, which takes none. `None` for one that is asked for
    /// no times.
    fn part(&mut self) -> Result<Option<(Id, bool)>, Invalid> {
        let Some(first) = self.reader.peek() else { return Ok(None) };
        self.reader.at += 1;
        let atom = match first {
            '^' if self.reader.options.newline_anchors => return Ok(Some((self.assert(Assertion::LineStart), false))),
            '^' => return Ok(Some((self.assert(Assertion::TextStart), false))),
            '$' if self.reader.options.newline_anchors => return Ok(Some((self.assert(Assertion::LineEnd), false))),
            '$' => return Ok(Some((self.assert(Assertion::TextEnd), false))),
            '*' | '+' | '?' => return Err(BAD_QUANTIFIER),
            '{' if self.reader.peek().is_some_and(|letter| letter.is_ascii_digit()) => return Err(BAD_QUANTIFIER),
            '.' => self.set(Set::any(self.reader.options)),
            '[' if self.reader.eat_all("[:<:]]") => return Ok(Some((self.assert(Assertion::WordStart), false))),
            '[' if self.reader.eat_all("[:>:]]") => return Ok(Some((self.assert(Assertion::WordEnd), false))),
            '[' => {
                let set = self.reader.bracket()?;
                self.set(set)
            }
            '(' => match self.parenthesis()? {
                (node, true) => return Ok(Some((node, false))),
                (node, false) => node,
            },
            '\\' => match self.reader.escape(self.tree.groups)? {
                Escape::Letter(letter) => self.letter(letter),
                Escape::Class(class, negated) => self.set(Set::of(class, negated)),
                Escape::Assert(assertion) => return Ok(Some((self.assert(assertion), false))),
                Escape::Again(number) => {
                    if self.in_look || self.tree.insides.get(number).copied().flatten().is_none() {
                        return Err(BAD_REFERENCE);
                    }
                    self.add(Node::Again { number, min: 1, max: Some(1) }, Traits { again: true, ..Traits::default() })
                }
            },
            letter => self.letter(letter),
        };
        self.quantified(atom)
    }

    /// What stands behind `(`, and whether it is a condition on the place.
    fn parenthesis(&mut self) -> Result<(Id, bool), Invalid> {
        let look = [("?=", (true, false)), ("?!", (true, true)), ("?<=", (false, false)), ("?<!", (false, true))];
        for (start, (ahead, negated)) in look {
            if self.reader.eat_all(start) {
                let outer = std::mem::replace(&mut self.in_look, true);
                let node = self.either()?;
                self.in_look = outer;
                if !self.reader.eat(')') {
                    return Err(BAD_PAREN);
                }
                return Ok((self.add(Node::Look { ahead, negated, node }, Traits::default()), true));
            }
        }
        let told = if self.reader.eat_all("?:") {
            false
        } else if self.reader.peek() == Some('?') {
            return Err(BAD_QUANTIFIER);
        } else {
            !self.in_look
        };
        let number = told.then(|| {
            self.tree.groups += 1;
            self.tree.insides.push(None);
            self.tree.groups
        });
        let inside = self.either()?;
        if !self.reader.eat(')') {
            return Err(BAD_PAREN);
        }
        let Some(number) = number else { return Ok((inside, false)) };
        if let Some(place) = self.tree.insides.get_mut(number) {
            *place = Some(inside);
        }
        let traits = Traits { groups: true, ..self.tree.traits(inside) };
        Ok((self.add(Node::Group(number, inside), traits), false))
    }

    /// An atom and the quantifier behind it.
    fn quantified(&mut self, atom: Id) -> Result<Option<(Id, bool)>, Invalid> {
        self.reader.skip();
        let (min, max, mut preference) = match self.reader.peek() {
            Some('*') => (0, None, Some(Preference::Longest)),
            Some('+') => (1, None, Some(Preference::Longest)),
            Some('?') => (0, Some(1), Some(Preference::Longest)),
            Some('{') if self.reader.letters.get(self.reader.at + 1).is_some_and(char::is_ascii_digit) => {
                self.bound()?
            }
            _ => {
                let traits = self.tree.traits(atom);
                return Ok(Some((atom, traits.apart())));
            }
        };
        self.reader.at += 1;
        if self.reader.eat('?') {
            preference = preference.map(|_| Preference::Shortest);
        }
        self.reader.skip();
        match self.reader.peek() {
            Some('*' | '+' | '?') => return Err(BAD_QUANTIFIER),
            Some('{') if self.reader.letters.get(self.reader.at + 1).is_some_and(char::is_ascii_digit) => {
                return Err(BAD_QUANTIFIER);
            }
            _ => {}
        }
        if (min, max) == (0, Some(0)) {
            return Ok(None);
        }
        let of_atom = self.tree.traits(atom);
        let own = Traits::prefers(preference);
        let traits = own.with(of_atom);
        let node = if let Node::Again { number, .. } = *self.tree.node(atom) {
            self.add(Node::Again { number, min, max }, traits)
        } else if !traits.apart() {
            self.add(Node::Repeat { node: atom, min, max }, traits)
        } else if (min, max) == (1, Some(1)) && !traits.mixed {
            // Once is no repetition, but it may have the preference that the atom has not.
            let before = self.add(Node::Empty, Traits::default());
            self.add(Node::Pair(before, atom), traits)
        } else if min > 0 && !of_atom.again {
            // Only the last time is told of; those before it are one part.
            let before = match (min, max) {
                (1, Some(1)) => Node::Empty,
                _ => Node::Repeat { node: atom, min: min - 1, max: max.map(|max| max - 1) },
            };
            let before = self.add(before, Traits::prefers(traits.preference));
            self.add(Node::Pair(before, atom), traits)
        } else {
            self.add(Node::Repeat { node: atom, min, max }, traits)
        };
        Ok(Some((node, traits.apart())))
    }

    /// `{m}`, `{m,}` or `{m,n}`, up to its last letter.
    fn bound(&mut self) -> Result<(u32, Option<u32>, Option<Preference>), Invalid> {
        self.reader.at += 1;
        let min = self.reader.number()?;
        let mut found = (min, Some(min), None);
        if self.reader.eat(',') {
            let max = match self.reader.peek() {
                Some(digit) if digit.is_ascii_digit() => Some(self.reader.number()?),
                _ => None,
            };
            if max.is_some_and(|max| min > max) {
                return Err(BAD_BOUND);
            }
            found = (min, max, Some(Preference::Longest));
        }
        match self.reader.peek() {
            Some('}') => Ok(found),
            Some(_) => Err(BAD_BOUND),
            None => Err(BAD_BRACE),
        }
    }
}
