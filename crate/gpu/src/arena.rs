//! Placing values in arenas by liveness. A node's results never lie in the arena of one of its inputs, so that no
//! dispatch binds a buffer both for reading and for writing.

/// Offsets of bindings are multiples of this, WebGPU's default limit.
const ALIGN: u64 = 256;

/// A place in an arena, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub arena: usize,
    pub offset: u64,
    pub size: u64,
}

/// Free ranges and the size so far of one arena.
#[derive(Default)]
struct Arena {
    /// Offset and size, sorted, never touching.
    free: Vec<(u64, u64)>,
    size: u64,
}

/// Arenas while a plan is made.
pub(crate) struct Arenas {
    arenas: Vec<Arena>,
    /// The largest size of an arena.
    limit: u64,
}

impl Arenas {
    pub fn new(limit: u64) -> Self {
        Self { arenas: Vec::new(), limit }
    }

    /// Takes `bytes` outside the arenas `apart`.
    pub fn take(&mut self, bytes: u64, apart: &[usize]) -> Place {
        let size = bytes.max(4).next_multiple_of(ALIGN);
        let mut found = None;
        for (arena, state) in self.arenas.iter_mut().enumerate().filter(|(i, _)| !apart.contains(i)) {
            if let Some(offset) = state.take(size, self.limit) {
                found = Some(Place { arena, offset, size: bytes.max(4) });
                break;
            }
        }
        found.unwrap_or_else(|| {
            self.arenas.push(Arena { free: Vec::new(), size });
            Place { arena: self.arenas.len() - 1, offset: 0, size: bytes.max(4) }
        })
    }

    /// Gives a place back.
    pub fn release(&mut self, place: Place) {
        self.arenas[place.arena].release(place.offset, place.size.next_multiple_of(ALIGN));
    }

    /// Sizes in bytes.
    pub fn sizes(&self) -> impl Iterator<Item = u64> + '_ {
        self.arenas.iter().map(|a| a.size)
    }
}

impl Arena {
    fn take(&mut self, size: u64, limit: u64) -> Option<u64> {
        if let Some(i) = self.free.iter().position(|(_, free)| *free >= size) {
            let (offset, free) = self.free[i];
            if free == size {
                self.free.remove(i);
            } else {
                self.free[i] = (offset + size, free - size);
            }
            return Some(offset);
        }
        // A free range at the end grows.
        let start = match self.free.last() {
            Some((offset, free)) if offset + free == self.size => *offset,
            _ => self.size,
        };
        if start + size > limit {
            return None;
        }
        if start < self.size {
            self.free.pop();
        }
        self.size = start + size;
        Some(start)
    }

    fn release(&mut self, offset: u64, size: u64) {
        let i = self.free.partition_point(|(o, _)| *o < offset);
        self.free.insert(i, (offset, size));
        if let Some((next, more)) = self.free.get(i + 1).copied()
            && self.free[i].0 + self.free[i].1 == next
        {
            self.free[i].1 += more;
            self.free.remove(i + 1);
        }
        if i > 0 && self.free[i - 1].0 + self.free[i - 1].1 == offset {
            self.free[i - 1].1 += self.free[i].1;
            self.free.remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_reused_and_joined() {
        let mut arenas = Arenas::new(4096);
        let a = arenas.take(1000, &[]);
        let b = arenas.take(1000, &[]);
        assert_eq!((a.offset, b.offset), (0, 1024));
        arenas.release(a);
        arenas.release(b);
        assert_eq!(arenas.take(2048, &[]).offset, 0);
        assert_eq!(arenas.sizes().collect::<Vec<_>>(), [2048]);
    }

    #[test]
    fn arenas_apart_and_full_ones_are_left() {
        let mut arenas = Arenas::new(1024);
        assert_eq!(arenas.take(512, &[]).arena, 0);
        assert_eq!(arenas.take(512, &[0]).arena, 1);
        assert_eq!(arenas.take(1024, &[]).arena, 2);
    }
}
