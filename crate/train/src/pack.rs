//! From documents to sequences of one length, in an order that depends on the seed and the epoch alone.

use crate::Error;
use crate::random::Random;
use crate::recipe::Packing;
use crate::tokens::{Entry, Token, Tokens};

/// How many sequences are open while whole documents look for room.
const OPEN: usize = 64;

/// A range of stored tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: u64,
    len: u32,
}

/// The sequences of one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    context: usize,
    /// Pieces of all sequences one after another.
    pieces: Vec<Piece>,
    layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    /// Where each piece begins in the stream, and the stream's end.
    Stream(Vec<u64>),
    /// Where each sequence's pieces begin, and the end of the last.
    Whole(Vec<usize>),
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanOptions<'a> {
    /// How often an epoch takes each source's documents.
    pub weights: &'a [f64],
    /// Tokens of a sequence, T.
    pub context: usize,
    /// How documents become sequences.
    pub packing: Packing,
    /// Decides the order.
    pub seed: u64,
    /// Which epoch, from 0.
    pub epoch: u64,
}

impl Plan {
    /// The sequences of one epoch over the documents that are not held out.
    pub fn training(entries: &[Entry], options: PlanOptions<'_>) -> Self {
        let random = Random::new(options.seed).named("epoch").of(options.epoch);
        let mut order = Vec::new();
        for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.validation && entry.len > 1) {
            let weight = options.weights.get(usize::from(entry.source)).copied().unwrap_or(1.0);
            let more = random.named("more").unit(at as u64) < weight.fract();
            order.extend(std::iter::repeat_n(piece(entry), weight as usize + usize::from(more)));
        }
        random.named("order").shuffle(&mut order);
        Self::pack(order, options)
    }

    /// The sequences of the held-out documents, in an order of their own that never changes.
    pub fn validation(entries: &[Entry], context: usize, packing: Packing) -> Self {
        let mut order: Vec<Piece> = entries.iter().filter(|e| e.validation && e.len > 1).map(piece).collect();
        Random::new(0).named("validation").shuffle(&mut order);
        Self::pack(order, PlanOptions { weights: &[], context, packing, seed: 0, epoch: 0 })
    }

    fn pack(order: Vec<Piece>, options: PlanOptions<'_>) -> Self {
        let context = options.context;
        match options.packing {
            Packing::Stream => {
                let starts = std::iter::once(0).chain(order.iter().scan(0, |end, piece| {
                    *end += u64::from(piece.len);
                    Some(*end)
                }));
                let layout = Layout::Stream(starts.collect());
                Self { context, pieces: order, layout }
            }
            Packing::Whole => {
                let sequences = fit(&order, context, Random::new(options.seed).named("sequences").of(options.epoch));
                let ends = std::iter::once(0).chain(sequences.iter().scan(0, |end, sequence| {
                    *end += sequence.len();
                    Some(*end)
                }));
                let layout = Layout::Whole(ends.collect());
                Self { context, pieces: sequences.concat(), layout }
            }
        }
    }

    /// How many sequences there are.
    pub fn len(&self) -> usize {
        match &self.layout {
            // Each needs one token more than its context, to be asked for after the last; it begins the next one.
            Layout::Stream(starts) => {
                (starts.last().map_or(0, |end| end.saturating_sub(1)) / self.context as u64) as usize
            }
            Layout::Whole(ends) => ends.len() - 1,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tokens of a sequence: at most T + 1, since the last is only asked for.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn sequence(&self, tokens: &Tokens, at: usize) -> Result<Vec<Token>, Error> {
        let mut out = Vec::with_capacity(self.context + 1);
        match &self.layout {
            Layout::Whole(ends) => {
                for piece in &self.pieces[ends[at]..ends[at + 1]] {
                    tokens.read(piece.start, piece.len as usize, &mut out)?;
                }
            }
            Layout::Stream(starts) => {
                let (mut from, end) = ((at * self.context) as u64, ((at + 1) * self.context) as u64 + 1);
                let mut index = starts.partition_point(|start| *start <= from) - 1;
                while from < end {
                    let offset = from - starts[index];
                    let len = (starts[index + 1].min(end) - from) as usize;
                    tokens.read(self.pieces[index].start + offset, len, &mut out)?;
                    (from, index) = (from + len as u64, index + 1);
                }
            }
        }
        Ok(out)
    }
}

fn piece(entry: &Entry) -> Piece {
    Piece { start: entry.start, len: entry.len }
}

/// Puts documents into sequences of at most T + 1 tokens, each into the open one that it fills best; what is longer is
/// cut into sequences of its own, each beginning with the last token of the one before.
fn fit(order: &[Piece], context: usize, random: Random) -> Vec<Vec<Piece>> {
    let room = context as u32 + 1;
    let mut full: Vec<Vec<Piece>> = Vec::new();
    let mut open: Vec<(u32, Vec<Piece>)> = Vec::new();
    for mut piece in order.iter().copied() {
        while piece.len > room {
            full.push(vec![Piece { start: piece.start, len: room }]);
            piece = Piece { start: piece.start + context as u64, len: piece.len - context as u32 };
        }
        let best = open.iter_mut().filter(|(left, _)| *left >= piece.len).min_by_key(|(left, _)| *left);
        if let Some((left, pieces)) = best {
            *left -= piece.len;
            pieces.push(piece);
            continue;
        }
        if open.len() == OPEN {
            let fullest = (0..OPEN).min_by_key(|at| open[*at].0).unwrap_or(0);
            full.push(open.remove(fullest).1);
        }
        open.push((room - piece.len, vec![piece]));
    }
    full.extend(open.into_iter().map(|(_, pieces)| pieces));
    // Long and short documents were sorted apart above.
    random.shuffle(&mut full);
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Documents whose tokens are all different, so that a token tells where it came from.
    fn documents(lens: &[usize]) -> Tokens {
        let mut next = 0;
        let mut document = |len: usize| {
            let ids = next..next + len as u32;
            next += len as u32;
            ids.map(|id| Token { id, learn: true }).collect::<Vec<_>>()
        };
        Tokens::in_memory(lens.iter().enumerate().map(|(i, len)| ((i % 2) as u16, false, document(*len))))
    }

    fn ids(plan: &Plan, tokens: &Tokens) -> Vec<Vec<u32>> {
        let sequence = |at| plan.sequence(tokens, at).unwrap().iter().map(|token| token.id).collect();
        (0..plan.len()).map(sequence).collect()
    }

    fn options(packing: Packing, epoch: u64) -> PlanOptions<'static> {
        PlanOptions { weights: &[1.0, 1.0], context: 8, packing, seed: 3, epoch }
    }

    const LENS: [usize; 9] = [3, 9, 2, 20, 5, 4, 7, 11, 6];

    #[test]
    fn a_stream_loses_only_its_end() {
        let tokens = documents(&LENS);
        let plan = Plan::training(tokens.entries(), options(Packing::Stream, 0));
        let sequences = ids(&plan, &tokens);
        assert_eq!(sequences.len(), (LENS.iter().sum::<usize>() - 1) / 8);
        assert!(sequences.iter().all(|sequence| sequence.len() == 9));
        for pair in sequences.windows(2) {
            assert_eq!(pair[0][8], pair[1][0], "the last is asked for, then given");
        }
        let mut seen: Vec<u32> = sequences.iter().flat_map(|sequence| sequence[..8].to_vec()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), sequences.len() * 8, "no token comes twice");
    }

    #[test]
    fn whole_documents_stay_whole() {
        let tokens = documents(&LENS);
        let plan = Plan::training(tokens.entries(), options(Packing::Whole, 0));
        let sequences = ids(&plan, &tokens);
        assert!(sequences.iter().all(|sequence| (1..=9).contains(&sequence.len())));
        for entry in tokens.entries().iter().filter(|entry| entry.len <= 9) {
            let wanted: Vec<u32> = (entry.start as u32..entry.start as u32 + entry.len).collect();
            let whole = sequences.iter().any(|s| s.windows(wanted.len()).any(|window| window == wanted));
            assert!(whole, "{entry:?}");
        }
        // Every step from one token of a long document to the next is in some sequence.
        let steps: Vec<(u32, u32)> = sequences.iter().flat_map(|s| s.windows(2).map(|w| (w[0], w[1]))).collect();
        for entry in tokens.entries() {
            let (start, end) = (entry.start as u32, entry.start as u32 + entry.len);
            assert!((start..end - 1).all(|id| steps.contains(&(id, id + 1))), "{entry:?}");
        }
    }

    #[test]
    fn the_order_is_the_seeds_and_the_epochs() {
        let tokens = documents(&LENS);
        let plan = |packing, epoch| Plan::training(tokens.entries(), options(packing, epoch));
        for packing in [Packing::Stream, Packing::Whole] {
            assert_eq!(plan(packing, 1), plan(packing, 1));
            assert_ne!(plan(packing, 1), plan(packing, 2));
        }
    }

    #[test]
    fn weights_repeat_and_leave_out() {
        let tokens = documents(&[2; 2000]);
        let count = |epoch, source: u64| {
            let weights = [2.0, 0.5];
            let options = PlanOptions { weights: &weights, ..options(Packing::Stream, epoch) };
            let plan = Plan::training(tokens.entries(), options);
            plan.pieces.iter().filter(|piece| (piece.start / 2) % 2 == source).count()
        };
        assert_eq!(count(0, 0), 2000);
        assert!((440..560).contains(&count(0, 1)) && count(0, 1) != count(1, 1));
    }

    #[test]
    fn held_out_documents_are_never_trained() {
        let token = |id| Token { id, learn: true };
        let document = |i: u32| (0, i.is_multiple_of(3), vec![token(i), token(i), token(i)]);
        let tokens = Tokens::in_memory((0..30).map(document));
        let trained = ids(&Plan::training(tokens.entries(), options(Packing::Stream, 0)), &tokens).concat();
        let held = ids(&Plan::validation(tokens.entries(), 8, Packing::Stream), &tokens).concat();
        assert!(!trained.is_empty() && trained.iter().all(|id| id % 3 != 0));
        assert!(!held.is_empty() && held.iter().all(|id| id % 3 == 0));
    }
}
