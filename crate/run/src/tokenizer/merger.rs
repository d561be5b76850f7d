//! Merging the characters of a text by the scores of a vocabulary.

use super::ScoreVocabulary;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// The parts of a text in which no two neighbours make a token any more.
pub(super) fn merge<'t>(vocabulary: &ScoreVocabulary, text: &'t str) -> Vec<&'t str> {
    Merger::new(vocabulary, text).run()
}

/// A part of the text that is merged already, and its neighbours.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

/// Two neighbours that make a token.
struct Candidate {
    score: f32,
    left: usize,
    right: usize,
    /// The bytes of both when this was found; when they differ, one of them has been merged since.
    bytes: usize,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    /// Best score first, then leftmost.
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

/// Merges the parts of one text.
struct Merger<'v, 't> {
    vocabulary: &'v ScoreVocabulary,
    text: &'t str,
    parts: Vec<Part>,
    queue: BinaryHeap<Candidate>,
}

impl<'v, 't> Merger<'v, 't> {
    /// One part a character.
    fn new(vocabulary: &'v ScoreVocabulary, text: &'t str) -> Merger<'v, 't> {
        let count = text.chars().count();
        let part = |(at, (start, c)): (usize, (usize, char))| Part {
            start,
            end: start + c.len_utf8(),
            previous: at.checked_sub(1),
            next: (at + 1 < count).then_some(at + 1),
        };
        let parts = text.char_indices().enumerate().map(part).collect();
        Merger { vocabulary, text, parts, queue: BinaryHeap::new() }
    }

    /// Merges until nothing merges, and gives the parts in order.
    fn run(mut self) -> Vec<&'t str> {
        for right in 1..self.parts.len() {
            self.offer(right - 1, right);
        }
        while let Some(candidate) = self.queue.pop() {
            self.merge(&candidate);
        }
        let mut found = Vec::new();
        let mut at = Some(0).filter(|_| !self.parts.is_empty());
        while let Some(part) = at.map(|at| self.parts[at]) {
            found.push(&self.text[part.start..part.end]);
            at = part.next;
        }
        found
    }

    /// Puts two neighbours in the queue if they make a token.
    fn offer(&mut self, left: usize, right: usize) {
        let (start, end) = (self.parts[left].start, self.parts[right].end);
        if let Some((_, score)) = self.vocabulary.mergeable(&self.text[start..end]) {
            self.queue.push(Candidate { score, left, right, bytes: end - start });
        }
    }

    /// Merges two neighbours unless one of them has changed since they were offered.
    fn merge(&mut self, candidate: &Candidate) {
        let (left, right) = (self.parts[candidate.left], self.parts[candidate.right]);
        if left.next != Some(candidate.right) || left.start == left.end || right.end - left.start != candidate.bytes {
            return;
        }
        self.parts[candidate.left] = Part { end: right.end, next: right.next, ..left };
        self.parts[candidate.right] = Part { start: right.end, ..right };
        if let Some(next) = right.next {
            self.parts[next].previous = Some(candidate.left);
            self.offer(candidate.left, next);
        }
        if let Some(previous) = left.previous {
            self.offer(previous, candidate.left);
        }
    }
}
