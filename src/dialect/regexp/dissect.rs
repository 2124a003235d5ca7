//! A match is shared out among the parts of an expression: from left to right each takes as much as it
//! can, or as little where it prefers so, as long as the whole stays what it is.

use super::automaton::{Automata, Subject, TooComplex};
use super::found::Match;
use super::tree::{Id, Node, Preference};
use std::ops::Range;

/// Parts within parts that are walked; deeper ones are refused as too complex.
const DEPTH_MAX: usize = 2_000;

/// The match that begins at a place; `None` when none does.
///
/// # Errors
/// When there is no fuel left.
pub(super) fn at(automata: &Automata, subject: &Subject<'_>, start: usize) -> Result<Option<Match>, TooComplex> {
    let tree = automata.tree();
    let traits = tree.traits(tree.root);
    let length = subject.letters.len();
    let shortest = traits.preference == Some(Preference::Shortest);
    let (mut least, mut limit) = (start, length);
    loop {
        let end = if shortest {
            automata.shortest(tree.root, subject, start, least, length)?
        } else {
            automata.longest(tree.root, subject, start, limit)?
        };
        let Some(end) = end else { return Ok(None) };
        let mut dissection = Dissection { automata, subject, groups: vec![None; tree.groups], depth: 0 };
        if !traits.tells() || dissection.share(tree.root, start, end)? {
            return Ok(Some(Match { whole: start..end, groups: dissection.groups }));
        }
        // What a group has matched did not come again: another end may do.
        if shortest {
            least = end + 1;
            if least > length {
                return Ok(None);
            }
        } else {
            if end == start {
                return Ok(None);
            }
            limit = end - 1;
        }
    }
}

struct Dissection<'a> {
    automata: &'a Automata,
    subject: &'a Subject<'a>,
    groups: Vec<Option<Range<usize>>>,
    depth: usize,
}

impl Dissection<'_> {
    /// Shares out what a node has matched, which its automaton has said it can; false when what a group
    /// matched does not come again.
    fn share(&mut self, id: Id, begin: usize, end: usize) -> Result<bool, TooComplex> {
        let tree = self.automata.tree();
        self.subject.fuel.take(1)?;
        if !tree.traits(id).tells() {
            return Ok(true);
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(TooComplex);
        }
        let shared = match tree.node(id) {
            Node::Group(number, inside) => {
                let shared = self.share(*inside, begin, end)?;
                if shared && let Some(group) = number.checked_sub(1).and_then(|index| self.groups.get_mut(index)) {
                    *group = Some(begin..end);
                }
                shared
            }
            Node::Again { number, min, max } => self.comes_again(*number, (*min, *max), begin..end),
            Node::Pair(left, right) => self.pair(*left, *right, begin, end)?,
            Node::Either(branches) => self.either(branches, begin, end)?,
            Node::Repeat { node, min, max } => {
                let times = (*min as usize, max.map(|max| max as usize));
                // No time at all is the last resort.
                self.repeat(*node, times, begin, end)? || (*min == 0 && begin == end)
            }
            _ => true,
        };
        self.depth -= 1;
        Ok(shared)
    }

    /// Whether a place holds what a group has matched so many times; an empty text any number of times.
    fn comes_again(&self, number: usize, (min, max): (u32, Option<u32>), place: Range<usize>) -> bool {
        let Some(Some(first)) = number.checked_sub(1).and_then(|index| self.groups.get(index)) else { return false };
        let letters = self.subject.letters;
        let (Some(first), Some(all)) = (letters.get(first.clone()), letters.get(place)) else { return false };
        if first.is_empty() || all.is_empty() {
            return all.is_empty() && (first.is_empty() || min == 0);
        }
        let times = all.len() / first.len();
        times * first.len() == all.len()
            && times >= min as usize
            && max.is_none_or(|max| times <= max as usize)
            && all.chunks(first.len()).all(|chunk| chunk == first)
    }

    /// Forgets the groups within a node.
    fn forget(&mut self, id: Id) {
        let tree = self.automata.tree();
        if !tree.traits(id).groups {
            return;
        }
        match tree.node(id) {
            Node::Group(number, inside) => {
                if let Some(group) = number.checked_sub(1).and_then(|index| self.groups.get_mut(index)) {
                    *group = None;
                }
                self.forget(*inside);
            }
            Node::Pair(left, right) => {
                self.forget(*left);
                self.forget(*right);
            }
            Node::Either(branches) => branches.iter().for_each(|branch| self.forget(*branch)),
            Node::Repeat { node, .. } => self.forget(*node),
            _ => {}
        }
    }

    fn pair(&mut self, left: Id, right: Id, begin: usize, end: usize) -> Result<bool, TooComplex> {
        let automata = self.automata;
        let shortest = automata.tree().traits(left).preference == Some(Preference::Shortest);
        let mut middle = if shortest {
            automata.shortest(left, self.subject, begin, begin, end)?
        } else {
            automata.longest(left, self.subject, begin, end)?
        };
        while let Some(at) = middle {
            if automata.fits(right, self.subject, at, end)? {
                if self.share(left, begin, at)? && self.share(right, at, end)? {
                    return Ok(true);
                }
                self.forget(left);
                self.forget(right);
            }
            middle = if shortest {
                if at == end {
                    break;
                }
                automata.shortest(left, self.subject, begin, at + 1, end)?
            } else {
                if at == begin {
                    break;
                }
                automata.longest(left, self.subject, begin, at - 1)?
            };
        }
        Ok(false)
    }

    fn either(&mut self, branches: &[Id], begin: usize, end: usize) -> Result<bool, TooComplex> {
        for branch in branches {
            if self.automata.fits(*branch, self.subject, begin, end)? {
                if self.share(*branch, begin, end)? {
                    return Ok(true);
                }
                self.forget(*branch);
            }
        }
        Ok(false)
    }

    /// Finds ends for each time that a part comes, and shares each out. Empty times are tried only where
    /// there must be that many.
    fn repeat(
        &mut self,
        node: Id,
        (min, max): (usize, Option<usize>),
        begin: usize,
        end: usize,
    ) -> Result<bool, TooComplex> {
        let shortest = self.automata.tree().traits(node).preference == Some(Preference::Shortest);
        if shortest && min == 0 && begin == end {
            return Ok(true);
        }
        let min = min.max(1);
        let most = max.map_or(end - begin, |max| max.min(end - begin)).max(min);
        // Where each time ends, the place of the first beginning in front.
        let mut ends = vec![begin];
        let mut verified = 0;
        // The last place at which the next time may end, or the first when it prefers so.
        let mut bound = if shortest { begin } else { end };
        loop {
            self.subject.fuel.take(1)?;
            let (count, from) = (ends.len(), ends.last().copied().unwrap_or(begin));
            let needless = |at: usize| count >= min || min - count < end - at;
            let found = if shortest {
                if bound == from && bound != end && needless(bound) {
                    bound += 1;
                }
                let least = if count >= most { end } else { bound };
                self.automata.shortest(node, self.subject, from, least, end)?
            } else {
                self.automata.longest(node, self.subject, from, bound)?
            };
            if let Some(at) = found {
                ends.push(at);
                verified = verified.min(count - 1);
                if at == end {
                    if count >= min && self.share_each(node, &ends, &mut verified)? {
                        return Ok(true);
                    }
                } else if count >= most {
                    ends.pop();
                } else if shortest || at > from || !needless(at) {
                    bound = if shortest { at } else { end };
                    continue;
                }
            }
            // Another end for the last time, or for the one before it.
            loop {
                let Some(last) = ends.pop() else { return Ok(false) };
                let Some(before) = ends.last().copied() else { return Ok(false) };
                let count = ends.len();
                if shortest {
                    if last < end {
                        bound = last + 1;
                        break;
                    }
                } else if last > before {
                    bound = last - 1;
                    if bound > before || (count < min && min - count >= end - before) {
                        break;
                    }
                }
            }
        }
    }

    /// Shares out each time between its ends, but those that are known to be well.
    fn share_each(&mut self, node: Id, ends: &[usize], verified: &mut usize) -> Result<bool, TooComplex> {
        for (index, place) in ends.windows(2).enumerate().skip(*verified) {
            let [from, to] = place else { continue };
            self.forget(node);
            if !self.share(node, *from, *to)? {
                return Ok(false);
            }
            *verified = index + 1;
        }
        Ok(true)
    }
}
