//! A machine for pickles that calls nothing.
//!
//! Values are nodes of one list and refer to each other by number, so that a pickle that nests or repeats them without
//! end costs no stack and no more memory than it has bytes.

use std::collections::HashMap;

use super::Broken;
use super::value::{Id, Node, Storage};

/// The most values, and places on the stack and in the memo. A tensor takes about fifteen.
pub(super) const MOST: usize = 1 << 20;
/// The machine: a pickle, the values made so far, the stack and the memo.
pub(super) struct Machine<'a> {
    data: &'a [u8],
    at: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) stack: Vec<Id>,
    /// Heights of the stack at marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Pairs that were copied from lists.
    pub(super) copied: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), copied: 0 }
    }

    /// Where the next pickle of a row begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// Every storage that was named.
    pub(super) fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    /// A text of a node.
    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.nodes[id] {
            Node::Text(at, len) => std::str::from_utf8(&self.data[at..at + len]).ok(),
            _ => None,
        }
    }

    /// Runs one pickle from its beginning to its end; gives what it makes.
    pub(super) fn run(&mut self) -> Result<Id, Broken> {
        self.stack.clear();
        self.marks.clear();
        self.memo.clear();
        loop {
            let start = self.at;
            let op = self.byte()?;
            if op == b'.' {
                return self.pop();
            }
            self.step(op, start)?;
        }
    }

    fn step(&mut self, op: u8, start: usize) -> Result<(), Broken> {
        match op {
            // PROTO, FRAME: how the rest is written makes no difference here.
            0x80 => self.skip(1)?,
            0x95 => self.skip(8)?,
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.popped_to_mark()?),
            b'2' => self.push_again(*self.stack.last().ok_or_else(|| self.broken("nothing to repeat"))?)?,
            b'N' => self.push(Node::Other)?,
            0x88 | 0x89 => self.push(Node::Bool(op == 0x88))?,
            b'G' => self.skipped(8)?,
            b'F' | b'L' | b'I' | b'S' | b'V' => self.line_value(op)?,
            b'J' | b'K' | b'M' | 0x8a | 0x8b => self.integer(op)?,
            b'X' | b'U' | b'T' | 0x8c | 0x8d => self.string(op)?,
            b'B' | b'C' | 0x8e | 0x96 => self.bytes(op)?,
            b')' | b't' | 0x85..=0x87 => self.tuple(op)?,
            b']' => self.push(Node::List(Vec::new()))?,
            b'l' => {
                let items = self.popped_to_mark()?;
                self.push(Node::List(items))?;
            }
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b'd' => {
                let items = self.popped_to_mark()?;
                self.push(Node::Dict(Vec::new()))?;
                self.set_items(items)?;
            }
            b'a' | b'e' => self.append(op)?,
            b's' | b'u' => {
                let items = if op == b's' { self.popped(2)? } else { self.popped_to_mark()? };
                self.set_items(items)?;
            }
            b'q' | b'r' | b'p' | 0x94 => self.remember(op)?,
            b'h' | b'j' | b'g' => self.recall(op)?,
            b'c' | 0x93 | b'i' => self.global(op)?,
            b'Q' => self.persistent()?,
            b'R' | 0x81 => self.reduce()?,
            b'b' => self.build()?,
            _ => {
                self.at = start;
                return Err(self.broken(&format!("opcode {op:#04x} is nothing that a state dict needs")));
            }
        }
        Ok(())
    }

    pub(super) fn broken(&self, reason: &str) -> Broken {
        Broken::Damaged(self.at, format!("the pickle is broken: {reason}"))
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Broken> {
        let taken = self.data.get(self.at..).and_then(|rest| rest.get(..n)).ok_or(Broken::Short)?;
        self.at += n;
        Ok(taken)
    }

    fn skip(&mut self, n: usize) -> Result<(), Broken> {
        self.take(n).map(drop)
    }

    /// A little-endian number of `n` bytes, at most eight.
    fn number(&mut self, n: usize) -> Result<u64, Broken> {
        let bytes = self.take(n)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length that a number of `n` bytes gives, of what follows.
    fn length(&mut self, n: usize) -> Result<usize, Broken> {
        usize::try_from(self.number(n)?).map_err(|_| Broken::Short)
    }

    pub(super) fn line(&mut self) -> Result<&'a [u8], Broken> {
        let end = self.data[self.at..].iter().position(|byte| *byte == b'\n').ok_or(Broken::Short)?;
        let line = self.take(end)?;
        self.skip(1)?;
        Ok(line)
    }

    pub(super) fn push(&mut self, node: Node) -> Result<(), Broken> {
        if self.nodes.len() == MOST {
            return Err(self.broken("it makes too many values"));
        }
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
        Ok(())
    }

    /// Puts a value that is there already on the stack.
    pub(super) fn push_again(&mut self, id: Id) -> Result<(), Broken> {
        if self.stack.len() >= MOST {
            return Err(self.broken("its stack is too high"));
        }
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Id, Broken> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.broken("the stack is empty"));
        }
        self.stack.pop().ok_or_else(|| self.broken("the stack is empty"))
    }

    pub(super) fn popped(&mut self, n: usize) -> Result<Vec<Id>, Broken> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(n).filter(|at| *at >= floor) {
            Some(at) => Ok(self.stack.split_off(at)),
            None => Err(self.broken("the stack is empty")),
        }
    }

    fn popped_to_mark(&mut self) -> Result<Vec<Id>, Broken> {
        let mark = self.marks.pop().ok_or_else(|| self.broken("a mark is missing"))?;
        Ok(self.stack.split_off(mark))
    }

    fn skipped(&mut self, n: usize) -> Result<(), Broken> {
        self.skip(n)?;
        self.push(Node::Other)
    }

    /// Values of the oldest protocol, each on a line of its own.
    fn line_value(&mut self, op: u8) -> Result<(), Broken> {
        let at = self.at;
        let line = self.line()?;
        let number = std::str::from_utf8(line).ok().and_then(|line| line.trim_end_matches('L').parse().ok());
        let quoted = matches!(line, [a, .., b] if a == b && matches!(a, b'\'' | b'"'));
        match (op, number) {
            (b'I' | b'L', Some(number)) => self.push(Node::Int(number)),
            (b'S', _) if quoted && !line.contains(&b'\\') => self.push(Node::Text(at + 1, line.len() - 2)),
            (b'V', _) if !line.contains(&b'\\') => self.push(Node::Text(at, line.len())),
            _ => self.push(Node::Other),
        }
    }

    fn integer(&mut self, op: u8) -> Result<(), Broken> {
        let n = match op {
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            0x8a => self.length(1)?,
            _ => self.length(4)?,
        };
        if n > 8 {
            return self.skipped(n);
        }
        let number = self.number(n)?;
        let signed = !matches!(op, b'K' | b'M');
        let unused = 64 - 8 * n as u32;
        // An integer without bytes is zero.
        let number = if signed && n > 0 { (number << unused) as i64 >> unused } else { number as i64 };
        self.push(Node::Int(number))
    }

    fn string(&mut self, op: u8) -> Result<(), Broken> {
        let n = match op {
            b'U' | 0x8c => self.length(1)?,
            b'X' | b'T' => self.length(4)?,
            _ => self.length(8)?,
        };
        let at = self.at;
        self.skip(n)?;
        self.push(Node::Text(at, n))
    }

    fn bytes(&mut self, op: u8) -> Result<(), Broken> {
        let n = match op {
            b'C' => self.length(1)?,
            b'B' => self.length(4)?,
            _ => self.length(8)?,
        };
        self.skipped(n)
    }

    fn tuple(&mut self, op: u8) -> Result<(), Broken> {
        let items = match op {
            b')' => Vec::new(),
            b't' => self.popped_to_mark()?,
            _ => self.popped(usize::from(op - 0x84))?,
        };
        self.push(Node::Tuple(items))
    }

    fn append(&mut self, op: u8) -> Result<(), Broken> {
        let items = if op == b'a' { self.popped(1)? } else { self.popped_to_mark()? };
        let top = self.stack.last().copied();
        match top.map(|top| &mut self.nodes[top]) {
            Some(Node::List(list)) => list.extend(items),
            _ => return Err(self.broken("it appends to what is no list")),
        }
        Ok(())
    }

    /// Puts keys and values, in turn, into the dictionary on the stack.
    fn set_items(&mut self, items: Vec<Id>) -> Result<(), Broken> {
        let (pairs, rest) = items.as_chunks::<2>();
        let top = self.stack.last().copied();
        match top.map(|top| &mut self.nodes[top]) {
            Some(Node::Dict(dict)) if rest.is_empty() => dict.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            _ => return Err(self.broken("it sets items of what is no dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, op: u8) -> Result<(), Broken> {
        let key = match op {
            b'q' => self.number(1)?,
            b'r' => self.number(4)?,
            0x94 => self.memo.len() as u64,
            _ => self.line_number()?,
        };
        let top = *self.stack.last().ok_or_else(|| self.broken("nothing to remember"))?;
        self.memo.insert(key, top);
        if self.memo.len() > MOST { Err(self.broken("it remembers too much")) } else { Ok(()) }
    }

    fn recall(&mut self, op: u8) -> Result<(), Broken> {
        let key = match op {
            b'h' => self.number(1)?,
            b'j' => self.number(4)?,
            _ => self.line_number()?,
        };
        let id = *self.memo.get(&key).ok_or_else(|| self.broken(&format!("nothing is remembered as {key}")))?;
        self.push_again(id)
    }

    fn line_number(&mut self) -> Result<u64, Broken> {
        let line = self.line()?;
        let number = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok());
        number.ok_or_else(|| self.broken("a number is missing"))
    }
}
