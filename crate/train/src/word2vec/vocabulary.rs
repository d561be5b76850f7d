//! From texts to numbers: which words there are, and the texts as places in their list.

use std::collections::HashMap;

/// The longest stretch that windows do not look beyond, in words.
const LONGEST_SENTENCE: usize = 1000;

/// Texts as words by number. Words are numbered from the most frequent on, of equal ones in alphabetical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corpus {
    /// The words.
    pub words: Vec<String>,
    /// How often each comes.
    pub counts: Vec<u64>,
    /// All texts' words, those that are too rare left out.
    pub(super) tokens: Vec<u32>,
    /// Where each sentence ends in `tokens`.
    pub(super) sentences: Vec<usize>,
    /// Where each document ends in `sentences`.
    pub(super) documents: Vec<usize>,
}

/// Gathers texts.
#[derive(Default)]
pub struct CorpusBuilder {
    numbers: HashMap<String, u32>,
    counts: Vec<u64>,
    tokens: Vec<u32>,
    sentences: Vec<usize>,
    documents: Vec<usize>,
    ignored: Vec<String>,
}

/// The words of a line: letters and digits in lower case, with apostrophes inside. Everything else parts words, so
/// texts that do not part them, such as Chinese, give whole phrases.
pub fn words(line: &str) -> impl Iterator<Item = String> {
    let plain = line.to_lowercase().replace('\u{2019}', "'");
    let part = |c: char| !c.is_alphanumeric() && c != '\'';
    let words: Vec<String> = plain.split(part).map(|word| word.trim_matches('\'').to_string()).collect();
    words.into_iter().filter(|word| !word.is_empty())
}

impl CorpusBuilder {
    /// Nothing yet; `ignored` words are left out of all texts.
    pub fn new(ignored: &[String]) -> CorpusBuilder {
        CorpusBuilder { ignored: ignored.to_vec(), ..CorpusBuilder::default() }
    }

    /// Adds a document. No window looks beyond an empty line; other line ends may be those of wrapped text.
    pub fn add(&mut self, text: &str) {
        for line in text.lines() {
            if line.trim().is_empty() {
                self.sentences.push(self.tokens.len());
            }
            for word in words(line).filter(|word| !self.ignored.contains(word)).collect::<Vec<_>>() {
                let next = self.counts.len() as u32;
                let number = *self.numbers.entry(word).or_insert(next);
                if number == next {
                    self.counts.push(0);
                }
                self.counts[number as usize] += 1;
                self.tokens.push(number);
            }
        }
        self.sentences.push(self.tokens.len());
        self.documents.push(self.sentences.len());
    }

    /// Numbers the words that come `min_count` times at least, `max_words` of them at most, and leaves out the others.
    pub fn build(self, min_count: u64, max_words: usize) -> Corpus {
        let mut order: Vec<(String, u32)> = self.numbers.into_iter().collect();
        order.retain(|(_, number)| self.counts[*number as usize] >= min_count);
        order.sort_unstable_by(|(a, x), (b, y)| self.counts[*y as usize].cmp(&self.counts[*x as usize]).then(a.cmp(b)));
        order.truncate(max_words);
        let mut new = vec![None; self.counts.len()];
        order.iter().zip(0u32..).for_each(|((_, old), number)| new[*old as usize] = Some(number));
        let mut corpus = Corpus {
            counts: order.iter().map(|(_, old)| self.counts[*old as usize]).collect(),
            words: order.into_iter().map(|(word, _)| word).collect(),
            ..Corpus::default()
        };
        let (mut start, mut sentence) = (0, 0);
        for document in self.documents {
            for &end in &self.sentences[sentence..document] {
                corpus.tokens.extend(self.tokens[start..end].iter().filter_map(|&old| new[old as usize]));
                start = end;
                corpus.end_sentence();
            }
            sentence = document;
            corpus.end_document();
        }
        corpus
    }
}

impl Corpus {
    /// Words of all texts.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether no word is left.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Ends a sentence, as several if it is long.
    fn end_sentence(&mut self) {
        let mut start = self.sentences.last().copied().unwrap_or(0);
        while start < self.tokens.len() {
            start = self.tokens.len().min(start + LONGEST_SENTENCE);
            self.sentences.push(start);
        }
    }

    fn end_document(&mut self) {
        if self.documents.last().copied().unwrap_or(0) < self.sentences.len() {
            self.documents.push(self.sentences.len());
        }
    }

    /// The sentences of a document, as places in the tokens.
    pub(super) fn document(&self, index: usize) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let first = if index == 0 { 0 } else { self.documents[index - 1] };
        (first..self.documents[index]).map(|sentence| {
            let start = if sentence == 0 { 0 } else { self.sentences[sentence - 1] };
            start..self.sentences[sentence]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_lower_case() {
        let check = |line: &str, wanted: &[&str]| assert_eq!(words(line).collect::<Vec<_>>(), wanted, "{line}");
        check("\"Don't!\" said the FOX, twice-told.", &["don't", "said", "the", "fox", "twice", "told"]);
        check("dogs' tails; ’tis Élan 42nd", &["dogs", "tails", "tis", "élan", "42nd"]);
        check(" @-@ '' \t", &[]);
    }

    #[test]
    fn words_are_numbered_from_the_most_frequent() {
        let mut builder = CorpusBuilder::new(&["unk".into()]);
        builder.add("b a c\n\na unk\nb\n \nrare");
        builder.add("only");
        builder.add("c c a");
        let corpus = builder.build(2, 10);
        assert_eq!(corpus.words, ["a", "c", "b"]);
        assert_eq!(corpus.counts, [3, 3, 2]);
        assert_eq!(corpus.tokens, [2, 0, 1, 0, 2, 1, 1, 0]);
        let documents: Vec<Vec<_>> =
            (0..corpus.documents.len()).map(|index| corpus.document(index).collect()).collect();
        let last = 5..8;
        assert_eq!(documents, [vec![0..3, 3..5], vec![last]]);
    }

    #[test]
    fn the_rarest_words_are_left_out_where_there_are_too_many() {
        let mut builder = CorpusBuilder::new(&[]);
        builder.add("x y z y z z");
        let corpus = builder.build(1, 2);
        assert_eq!((corpus.words, corpus.tokens), (vec!["z".into(), "y".into()], vec![1, 0, 1, 0, 0]));
    }

    #[test]
    fn long_sentences_are_cut() {
        let mut builder = CorpusBuilder::new(&[]);
        builder.add(&"a ".repeat(2500));
        assert_eq!(builder.build(1, 9).sentences, [1000, 2000, 2500]);
    }
}
