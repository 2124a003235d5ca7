//! Automata of an expression and of its parts tell where a part that begins at a place can end, in time
//! that grows with the text times the size of the part.
//!
//! They are made when first asked for. Every step takes fuel, so that neither a pattern nor a text can
//! keep a thread.

use super::class::is_word;
use super::found::Invalid;
use super::tree::{Assertion, Id, Node, Tree};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::OnceLock;

/// Steps of one automaton: nested bounds multiply.
const STATES_MAX: usize = 50_000;

/// What may still be computed for the matches of one batch of rows.
pub(crate) struct Fuel(Cell<u64>);

/// The fuel is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooComplex;

impl Default for Fuel {
    /// For one batch: some seconds of a processor.
    fn default() -> Self {
        Self(Cell::new(400_000_000))
    }
}

impl Fuel {
    /// Takes some of it.
    ///
    /// # Errors
    /// When there is none left.
    pub(super) fn take(&self, steps: usize) -> Result<(), TooComplex> {
        self.0.set(self.0.get().checked_sub(steps as u64).ok_or(TooComplex)?);
        Ok(())
    }
}

/// A text that is matched, with what look-arounds were found to say of its places.
pub(super) struct Subject<'a> {
    pub(super) letters: &'a [char],
    pub(super) fuel: &'a Fuel,
    ahead: RefCell<HashMap<(Id, usize), bool>>,
    behind: RefCell<HashMap<Id, Vec<bool>>>,
}

impl<'a> Subject<'a> {
    /// For one text.
    pub(super) fn new(letters: &'a [char], fuel: &'a Fuel) -> Self {
        Self { letters, fuel, ahead: RefCell::default(), behind: RefCell::default() }
    }

    /// Whether an assertion holds before the letter at a place.
    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.letters.get(before)).copied();
        let behind = self.letters.get(at).copied();
        let (was, is) = (before.is_some_and(is_word), behind.is_some_and(is_word));
        match assertion {
            Assertion::TextStart => before.is_none(),
            Assertion::TextEnd => behind.is_none(),
            Assertion::LineStart => before.is_none_or(|letter| letter == '\n'),
            Assertion::LineEnd => behind.is_none_or(|letter| letter == '\n'),
            Assertion::WordStart => !was && is,
            Assertion::WordEnd => was && !is,
            Assertion::WordEdge => was != is,
            Assertion::NoWordEdge => was == is,
        }
    }
}

/// One step of an automaton.
#[derive(Debug, Clone, Copy)]
enum Step {
    Letter(char),
    Set(usize),
    Assert(Assertion),
    Look {
        ahead: bool,
        negated: bool,
        node: Id,
    },
    /// Goes on at both; the second may be missing.
    Fork(usize, usize),
    End,
}

/// The automaton of one node. Each step but a fork goes on at `next`.
#[derive(Debug)]
struct Automaton {
    steps: Vec<(Step, usize)>,
    start: usize,
}

/// The automata of an expression.
pub(super) struct Automata {
    tree: Tree,
    made: Vec<OnceLock<Automaton>>,
}

impl Automata {
    /// Checks that the whole expression is small enough; its parts are then as well.
    pub(super) fn new(tree: Tree) -> Result<Self, Invalid> {
        let made = tree.nodes.iter().map(|_| OnceLock::new()).collect();
        let automata = Self { tree, made };
        let whole = automata.make(automata.tree.root).ok_or(Invalid("regular expression is too complex"))?;
        for id in 0..automata.tree.nodes.len() {
            if let Node::Look { node, .. } = automata.tree.node(id) {
                automata.make(*node).ok_or(Invalid("regular expression is too complex"))?;
            }
        }
        if let Some(place) = automata.made.get(automata.tree.root) {
            let _ = place.set(whole);
        }
        Ok(automata)
    }

    /// The expression.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn of(&self, id: Id) -> &Automaton {
        static NOTHING: Automaton = Automaton { steps: Vec::new(), start: 0 };
        match self.made.get(id) {
            Some(place) => place.get_or_init(|| self.make(id).unwrap_or(Automaton { steps: Vec::new(), start: 0 })),
            None => &NOTHING,
        }
    }

    fn make(&self, id: Id) -> Option<Automaton> {
        let mut steps = vec![(Step::End, 0)];
        let start = build(&self.tree, id, 0, &mut steps)?;
        Some(Automaton { steps, start })
    }

    /// The last place at which a node that begins at `begin` can end, not behind `limit`.
    pub(super) fn longest(
        &self,
        id: Id,
        subject: &Subject<'_>,
        begin: usize,
        limit: usize,
    ) -> Result<Option<usize>, TooComplex> {
        let mut found = None;
        self.walk(id, subject, begin, limit, |at| {
            found = Some(at);
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The first place at which a node that begins at `begin` can end, between `least` and `limit`.
    pub(super) fn shortest(
        &self,
        id: Id,
        subject: &Subject<'_>,
        begin: usize,
        least: usize,
        limit: usize,
    ) -> Result<Option<usize>, TooComplex> {
        let mut found = None;
        self.walk(id, subject, begin, limit, |at| {
            if at < least {
                return ControlFlow::Continue(());
            }
            found = Some(at);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Whether a node that begins at `begin` can end at `end`.
    pub(super) fn fits(&self, id: Id, subject: &Subject<'_>, begin: usize, end: usize) -> Result<bool, TooComplex> {
        Ok(self.shortest(id, subject, begin, end, end)?.is_some())
    }

    /// Calls `ends` with each place at which the node can end, in order.
    fn walk(
        &self,
        id: Id,
        subject: &Subject<'_>,
        begin: usize,
        limit: usize,
        mut ends: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<(), TooComplex> {
        let automaton = self.of(id);
        let mut now = Threads::new(automaton.steps.len());
        let mut then = Threads::new(automaton.steps.len());
        self.follow(automaton, subject, automaton.start, begin, begin, &mut now)?;
        let mut at = begin;
        loop {
            if now.ended.is_some() && ends(at).is_break() {
                return Ok(());
            }
            let Some(letter) = subject.letters.get(at).copied().filter(|_| at < limit && !now.list.is_empty()) else {
                return Ok(());
            };
            then.clear();
            self.advance(automaton, subject, letter, at + 1, &now, &mut then)?;
            std::mem::swap(&mut now, &mut then);
            at += 1;
        }
    }

    /// The first place from `from` on at which a match of the whole expression begins.
    pub(super) fn leftmost(&self, subject: &Subject<'_>, from: usize) -> Result<Option<usize>, TooComplex> {
        let automaton = self.of(self.tree.root);
        let mut now = Threads::new(automaton.steps.len());
        let mut then = Threads::new(automaton.steps.len());
        let mut best: Option<usize> = None;
        let mut at = from;
        loop {
            // Threads are in the order in which they began, so what begins here comes last.
            if best.is_none() {
                self.follow(automaton, subject, automaton.start, at, at, &mut now)?;
            }
            if let Some(start) = now.ended {
                best = Some(best.map_or(start, |best| best.min(start)));
            }
            if let Some(best) = best {
                now.list.retain(|(_, start)| *start < best);
            }
            if best.is_some() && now.list.is_empty() {
                return Ok(best);
            }
            let Some(letter) = subject.letters.get(at).copied() else { return Ok(best) };
            then.clear();
            self.advance(automaton, subject, letter, at + 1, &now, &mut then)?;
            std::mem::swap(&mut now, &mut then);
            at += 1;
        }
    }

    /// Takes all threads over one letter.
    fn advance(
        &self,
        automaton: &Automaton,
        subject: &Subject<'_>,
        letter: char,
        at: usize,
        now: &Threads,
        then: &mut Threads,
    ) -> Result<(), TooComplex> {
        subject.fuel.take(now.list.len() + 1)?;
        for (place, start) in &now.list {
            let Some((step, next)) = automaton.steps.get(*place) else { continue };
            let goes_on = match step {
                Step::Letter(wanted) => *wanted == letter,
                Step::Set(set) => self.tree.sets.get(*set).is_some_and(|set| set.has(letter)),
                _ => false,
            };
            if goes_on {
                self.follow(automaton, subject, *next, *start, at, then)?;
            }
        }
        Ok(())
    }

    /// Adds a thread at a step, and at all that follow from it without a letter.
    fn follow(
        &self,
        automaton: &Automaton,
        subject: &Subject<'_>,
        step: usize,
        start: usize,
        at: usize,
        threads: &mut Threads,
    ) -> Result<(), TooComplex> {
        let mut open = vec![step];
        while let Some(place) = open.pop() {
            let Some(seen) = threads.seen.get_mut(place) else { continue };
            if *seen == threads.turn {
                continue;
            }
            *seen = threads.turn;
            subject.fuel.take(1)?;
            let Some((step, next)) = automaton.steps.get(place) else { continue };
            match step {
                Step::End => threads.ended = Some(threads.ended.map_or(start, |ended| ended.min(start))),
                Step::Fork(first, second) => open.extend([*second, *first]),
                Step::Assert(assertion) if subject.holds(*assertion, at) => open.push(*next),
                Step::Assert(_) => {}
                Step::Look { ahead, negated, node } => {
                    if self.looks(subject, *ahead, *node, at)? != *negated {
                        open.push(*next);
                    }
                }
                Step::Letter(_) | Step::Set(_) => threads.list.push((place, start)),
            }
        }
        Ok(())
    }

    /// Whether what a look-around wants stands behind a place, or before it.
    fn looks(&self, subject: &Subject<'_>, ahead: bool, node: Id, at: usize) -> Result<bool, TooComplex> {
        if ahead {
            if let Some(known) = subject.ahead.borrow().get(&(node, at)) {
                return Ok(*known);
            }
            let found = self.shortest(node, subject, at, at, subject.letters.len())?.is_some();
            subject.ahead.borrow_mut().insert((node, at), found);
            return Ok(found);
        }
        if let Some(known) = subject.behind.borrow().get(&node) {
            return Ok(known.get(at).copied().unwrap_or(false));
        }
        let ends = self.ends(node, subject)?;
        let found = ends.get(at).copied().unwrap_or(false);
        subject.behind.borrow_mut().insert(node, ends);
        Ok(found)
    }

    /// For each place, whether a match of a node ends there, wherever it begins.
    fn ends(&self, id: Id, subject: &Subject<'_>) -> Result<Vec<bool>, TooComplex> {
        let automaton = self.of(id);
        let mut now = Threads::new(automaton.steps.len());
        let mut then = Threads::new(automaton.steps.len());
        let mut ends = Vec::with_capacity(subject.letters.len() + 1);
        for at in 0..=subject.letters.len() {
            self.follow(automaton, subject, automaton.start, at, at, &mut now)?;
            ends.push(now.ended.is_some());
            let Some(letter) = subject.letters.get(at).copied() else { break };
            then.clear();
            self.advance(automaton, subject, letter, at + 1, &now, &mut then)?;
            std::mem::swap(&mut now, &mut then);
        }
        Ok(ends)
    }
}

/// Where an automaton may be.
struct Threads {
    /// Steps that wait for a letter, each with the place where its match began.
    list: Vec<(usize, usize)>,
    /// Steps that were added, by the turn in which they were.
    seen: Vec<usize>,
    turn: usize,
    /// The first place at which a match that ends here began.
    ended: Option<usize>,
}

impl Threads {
    fn new(steps: usize) -> Self {
        Self { list: Vec::new(), seen: vec![0; steps], turn: 1, ended: None }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.turn += 1;
        self.ended = None;
    }
}

/// Adds the steps of a node that goes on at `next`, and gives its first; `None` when there are too many.
fn build(tree: &Tree, id: Id, next: usize, steps: &mut Vec<(Step, usize)>) -> Option<usize> {
    if steps.len() > STATES_MAX {
        return None;
    }
    let step = match tree.node(id) {
        Node::Empty => return Some(next),
        Node::Letter(letter) => Step::Letter(*letter),
        Node::Set(set) => Step::Set(*set),
        Node::Assert(assertion) => Step::Assert(*assertion),
        Node::Look { ahead, negated, node } => Step::Look { ahead: *ahead, negated: *negated, node: *node },
        Node::Group(_, inside) => return build(tree, *inside, next, steps),
        Node::Pair(left, right) => {
            // Long runs of letters lean to the right; walked in a loop, they take no stack.
            let mut parts = vec![*left];
            let mut rest = *right;
            while let Node::Pair(left, right) = tree.node(rest) {
                parts.push(*left);
                rest = *right;
            }
            let mut next = build(tree, rest, next, steps)?;
            for part in parts.into_iter().rev() {
                next = build(tree, part, next, steps)?;
            }
            return Some(next);
        }
        Node::Either(branches) => {
            let mut start = None;
            for branch in branches.iter().rev() {
                let branch = build(tree, *branch, next, steps)?;
                start = Some(match start {
                    None => branch,
                    Some(other) => push(steps, Step::Fork(branch, other), 0),
                });
            }
            return start;
        }
        Node::Repeat { node, min, max } => return repeated(tree, *node, (*min, *max), next, steps),
        Node::Again { number, min, max } => {
            let inside = tree.insides.get(*number).copied().flatten()?;
            return repeated(tree, inside, (*min, *max), next, steps);
        }
    };
    Some(push(steps, step, next))
}

/// The steps of a node so many times.
fn repeated(
    tree: &Tree,
    node: Id,
    (min, max): (u32, Option<u32>),
    next: usize,
    steps: &mut Vec<(Step, usize)>,
) -> Option<usize> {
    let mut start = next;
    match max {
        None => {
            start = push(steps, Step::Fork(next, next), 0);
            let inside = build(tree, node, start, steps)?;
            if let Some((step, _)) = steps.get_mut(start) {
                *step = Step::Fork(inside, next);
            }
        }
        Some(max) => {
            for _ in min..max {
                let inside = build(tree, node, start, steps)?;
                start = push(steps, Step::Fork(inside, next), 0);
            }
        }
    }
    for _ in 0..min {
        start = build(tree, node, start, steps)?;
    }
    Some(start)
}

fn push(steps: &mut Vec<(Step, usize)>, step: Step, next: usize) -> usize {
    steps.push((step, next));
    steps.len() - 1
}
